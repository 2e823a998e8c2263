//! What is drawn about a user: its way of changing, what yields to it, and its end.

use doorward_store::{Bump, Change, ChangeStep, EndReason, Naming, Post, ProvedBy, User, WayIn, Yield};

use super::super::step::Step;
use super::super::world::{FEW, World};
use crate::wait;

impl World<'_> {
    pub(super) fn yielded(&mut self) -> Yield {
        let other = self.user();
        let held = wait(self.store.identities(other.id));
        let identities = if held.is_empty() {
            vec![self.name(&other.realm)]
        } else {
            vec![self.random.one(&held).at]
        };
        Yield {
            user_id: other.id,
            epoch: other.session_epoch + i64::from(self.random.chance(10)),
            identities,
            addresses: vec![self.few_hash(b'a')],
            ways_in: self.ways_in(),
        }
    }

    pub(super) fn ways_in(&mut self) -> Vec<WayIn> {
        let count = self.random.below(3);
        (0..count)
            .map(|_| WayIn {
                provider: self
                    .random
                    .maybe(70, |random| random.one(&["email", "username"]).to_owned()),
                group: self.random.chance(70).then(|| self.group()),
            })
            .collect()
    }

    pub(super) fn change(&mut self) -> Step {
        let user = self.user();
        let steps = (0..=self.random.below(3))
            .map(|_| self.change_step(&user))
            .collect();
        let keep = self.random.chance(60).then(|| self.known_sign_in().id);
        let bump = self.random.maybe(35, |_| Bump {
            reason: EndReason::CredentialsChanged,
            keep,
        });
        let letters = Post {
            charges: Vec::new(),
            ..self.post(Some(&user))
        };
        Step::Change {
            change: Change {
                user_id: user.id,
                epoch: user.session_epoch + i64::from(self.random.chance(10)),
                steps,
                ways_in: self.ways_in(),
                bump,
                token: self.random.chance(20).then(|| self.token_use()),
                charges: (0..u8::from(self.random.chance(25)))
                    .map(|_| self.throttle_key())
                    .collect(),
                deliveries: (0..u8::from(self.random.chance(20)))
                    .map(|_| self.delivery(Some(user.id)))
                    .collect(),
                letters,
                now: self.late(),
            },
        }
    }

    pub(super) fn naming(&mut self) -> Naming {
        Naming {
            label: self
                .random
                .maybe(20, |random| format!("label {}", random.below(FEW))),
            handle: self.random.maybe(30, |random| vec![random.below(FEW)]),
        }
    }

    pub(super) fn change_step(&mut self, user: &User) -> ChangeStep {
        let at = self.authenticator_at(user.id);
        let name = self.name(&user.realm);
        match self.random.below(13) {
            0 => ChangeStep::AddAddress(self.address()),
            1 => ChangeStep::ProveAddress(self.few_hash(b'a'), self.now(), ProvedBy::Operator),
            2 => ChangeStep::RemoveAddress(self.few_hash(b'a')),
            3 => ChangeStep::SetReach(name, self.random.some(2, |random| [random.below(FEW); 32])),
            4 => ChangeStep::Take(self.yielded()),
            5 | 6 => ChangeStep::AddIdentity(self.identity(user)),
            7 => ChangeStep::RemoveIdentity(name),
            8 => ChangeStep::AddAuthenticator(self.authenticator(user)),
            9 => {
                let new = self.authenticator(user);
                let held = wait(self.store.authenticators(user.id));
                let stored = held.iter().find(|one| one.at == new.at);
                ChangeStep::ReplaceAuthenticator {
                    expect: stored.map_or(1, |one| one.record_version) + i64::from(self.random.chance(10)),
                    new,
                    naming: self.naming(),
                }
            }
            10 => ChangeStep::RemoveAuthenticator(at),
            11 => ChangeStep::RenameAuthenticator(at, "other".into()),
            _ => ChangeStep::VerifyIdentity(name, self.now()),
        }
    }

    pub(super) fn on_a_user(&mut self) -> Step {
        let user = self.user();
        let now = self.now();
        let at = self.authenticator_at(user.id);
        match self.random.below(8) {
            0 | 1 => Step::PutAttributes {
                id: user.id,
                expect: user.version + i64::from(self.random.chance(15)),
                attributes: format!("{{\"n\":{}}}", self.random.below(9)),
                unique: self.unique(),
                now,
            },
            2 | 3 => Step::SetEnabled {
                id: user.id,
                enabled: self.random.chance(50),
                now,
            },
            4 => Step::DeleteUser { id: user.id },
            5 => Step::CountFailure {
                at,
                failed: self.random.chance(70),
            },
            _ => {
                let held = wait(self.store.authenticators(user.id));
                let stored = held.iter().find(|one| one.at == at);
                Step::SwapRecord {
                    expect: stored.map_or(1, |one| one.record_version) + i64::from(self.random.chance(15)),
                    at,
                    sealed: vec![self.random.below(200)],
                    naming: self.naming(),
                    now,
                }
            }
        }
    }
}
