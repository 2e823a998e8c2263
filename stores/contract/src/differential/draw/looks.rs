//! What is drawn that changes little or nothing: touches, counts and looks.

use std::time::Duration;

use doorward_store::{Touch, UserPage};

use super::super::step::Step;
use super::super::world::{FEW, World};

impl World<'_> {
    pub(super) fn touch(&mut self) -> Step {
        let row = self.known_sign_in();
        let user = self.user_id();
        let at = self.authenticator_at(user);
        Step::Touch(match self.random.below(4) {
            0 => Touch::Confirm {
                id: row.id,
                generation: row.generation,
                at: self.now(),
            },
            1 => Touch::Seen {
                id: row.id,
                at: self.now(),
                idle_expires_at: self.about(),
            },
            2 => Touch::IdentityUsed(self.a_name(), self.now()),
            _ => Touch::AuthenticatorUsed(at, self.now()),
        })
    }

    pub(super) fn counted(&mut self) -> Step {
        let now = self.late();
        match self.random.below(5) {
            0 => Step::Purge {
                now,
                keep_ended: Duration::from_hours(self.random.below(3).into()),
                limit: 1_000,
            },
            1 => Step::Stats { now },
            2 => Step::KvUsage {
                provider: self.kv_at().provider,
                now,
            },
            3 => Step::CountUsers {
                realm: self.a_realm(),
                enabled: self.random.maybe(60, |random| random.chance(50)),
                limit: u32::from(self.random.below(4)),
            },
            _ => Step::RealmStats {
                realm: self.a_realm(),
                now,
            },
        }
    }

    pub(super) fn looked(&mut self) -> Step {
        match self.random.below(9) {
            0 => Step::Subject {
                at: self.a_name(),
                group: self.group(),
            },
            1 => Step::SubjectByHandle {
                realm: self.a_realm(),
                group: self.group(),
                handle: vec![self.random.below(FEW)],
            },
            2 => Step::SubjectOf {
                user: self.user_id(),
                group: self.group(),
            },
            3 => Step::UserByAttribute {
                realm: self.a_realm(),
                name: "handle".into(),
                value: vec![self.random.below(FEW)],
            },
            4 => Step::UserByIdentity { at: self.a_name() },
            5 => Step::Users {
                page: UserPage {
                    realm: self.a_realm(),
                    enabled: self.random.maybe(50, |random| random.chance(50)),
                    after: self.random.chance(50).then(|| self.user_id()),
                    newest_first: self.random.chance(50),
                    limit: u32::from(self.random.below(3)) + 1,
                },
            },
            6 => {
                let mut at = self.a_name();
                at.canonical.truncate(usize::from(self.random.below(3)));
                Step::UsersByPrefix { at, limit: 2 }
            }
            7 if self.random.chance(10) => Step::Restart,
            _ => Step::SignIns {
                user: self.user_id(),
                now: self.now(),
            },
        }
    }
}
