//! The end of a history: everything is read back, and then removed.

use std::time::Duration;

use doorward_store::{KvAt, UserPage};

use super::step::Step;
use super::world::{FEW, USERS, World};

impl World<'_> {
    /// What is asked in the end.
    pub(super) fn finale(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.read_users(&mut steps);
        self.read_sign_ins(&mut steps);
        self.read_kept(&mut steps);
        self.take_all(&mut steps);
        self.remove_all(&mut steps);
        steps
    }

    fn read_users(&self, steps: &mut Vec<Step>) {
        for realm in (0..2).map(|n| self.realm(n)) {
            let page = UserPage {
                realm: realm.clone(),
                limit: 100,
                ..UserPage::default()
            };
            steps.push(Step::Users { page });
            steps.extend((0..FEW).map(|value| Step::UserByAttribute {
                realm: realm.clone(),
                name: "handle".into(),
                value: vec![value],
            }));
        }
        for user in (0..USERS).map(|n| self.user_of(n)) {
            let now = self.now();
            steps.extend([
                Step::Identities { user },
                Step::Addresses { user },
                Step::Authenticators { user },
                Step::SignIns { user, now },
            ]);
        }
    }

    fn read_sign_ins(&self, steps: &mut Vec<Step>) {
        let mut ids: Vec<_> = self.sign_ins.iter().map(|new| new.row.id).collect();
        ids.dedup();
        steps.extend(ids.into_iter().map(|id| Step::SignIn { id }));
    }

    fn read_kept(&self, steps: &mut Vec<Step>) {
        let late = self.late();
        for realm in (0..2).map(|n| self.realm(n)) {
            for key in 0..FEW {
                let at = KvAt {
                    realm: realm.clone(),
                    provider: self.provider(),
                    key: vec![key + 1],
                };
                steps.push(Step::Kv { at, now: late });
            }
            steps.push(Step::RealmStats { realm, now: late });
        }
        steps.extend(self.tokens.iter().map(|token| Step::Token {
            id: token.id,
            secret_hash: token.secret_hash,
            now: late,
        }));
        steps.extend([
            Step::KvUsage {
                provider: self.provider(),
                now: late,
            },
            Step::Throttles {
                now: late,
                buckets: (0..FEW).map(|n| self.hash(b't', n)).collect(),
            },
            Step::Agreed {
                prefix: format!("provider/{}/", self.number),
            },
            Step::Stats { now: late },
        ]);
    }

    /// What is read only by taking it.
    fn take_all(&self, steps: &mut Vec<Step>) {
        steps.extend(self.flows.iter().map(|flow| Step::TakeFlow {
            id: flow.id,
            step: flow.step,
            secret_hash: flow.secret_hash,
            now: self.late(),
        }));
        if !self.deliveries.is_empty() {
            let lease = self.later(50);
            steps.extend([0, 3].map(|hours| Step::TakeDeliveries {
                limit: 100,
                leased_until: lease,
                now: self.later(hours),
            }));
        }
        steps.extend((0..FEW).map(|n| Step::Spend {
            mark: self.hash(b'm', n),
            expires_at: self.later(1),
            now: self.late(),
        }));
    }

    fn remove_all(&self, steps: &mut Vec<Step>) {
        steps.extend((0..USERS).map(|n| Step::DeleteUser { id: self.user_of(n) }));
        steps.extend([
            Step::Purge {
                now: self.at(u8::MAX),
                keep_ended: Duration::ZERO,
                limit: 1_000,
            },
            Step::Stats { now: self.late() },
        ]);
    }
}
