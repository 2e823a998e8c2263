//! Draws the next operation of a history: mostly one that could succeed, by what the store has.

mod changes;
mod flows;
mod kept;
mod looks;

use doorward_store::{Advance, EndReason, Ends, Extend, NewSignIn, NewUser};

use super::step::Step;
use super::world::{FEW, World};
use crate::wait;

impl World<'_> {
    /// The next operation.
    pub(super) fn step(&mut self) -> Step {
        self.pass();
        match self.random.below(100) {
            0..=11 => self.create_user(),
            12..=25 => self.create_sign_in(),
            26..=40 => self.on_a_sign_in(),
            41..=54 => self.change(),
            55..=62 => self.on_a_user(),
            63..=70 => self.on_a_flow(),
            71..=76 => self.on_a_token(),
            77..=83 => self.kept(),
            84..=89 => self.throttled(),
            90..=91 => self.touch(),
            92..=95 => self.counted(),
            _ => self.looked(),
        }
    }

    fn create_user(&mut self) -> Step {
        let id = self.user_id();
        let user = self.absent(id);
        let authenticator = self.random.chance(60).then(|| self.authenticator(&user));
        let identity = self.random.chance(80).then(|| self.identity(&user));
        let takes = if self.random.chance(15) {
            vec![self.yielded()]
        } else {
            Vec::new()
        };
        Step::CreateUser {
            new: NewUser {
                unique: self.unique(),
                identity,
                authenticators: authenticator.into_iter().collect(),
                addresses: self
                    .random
                    .chance(40)
                    .then(|| self.address())
                    .into_iter()
                    .collect(),
                takes,
                post: self.post(None),
                user,
            },
        }
    }

    fn unique(&mut self) -> Vec<(String, Vec<u8>)> {
        let value = self.random.maybe(40, |random| vec![random.below(FEW)]);
        value
            .map(|value| ("handle".to_owned(), value))
            .into_iter()
            .collect()
    }

    fn create_sign_in(&mut self) -> Step {
        if self.random.chance(10) && !self.sign_ins.is_empty() {
            let known = self.sign_ins.clone();
            return Step::CreateSignIn {
                new: self.random.one(&known),
            };
        }
        let user = self.user();
        let mut row = self.sign_in(&user);
        if self.random.chance(10) {
            row.epoch += 1;
        }
        if self.random.chance(35) {
            let old = self.known_sign_in();
            if old.user_id == user.id {
                row.replaces = Some(old.id);
            }
        }
        let other = self.random.chance(15).then(|| self.known_sign_in().id);
        let ends = other.filter(|id| wait(self.store.sign_in(*id)).is_some());
        let new = NewSignIn {
            row,
            max_sign_ins: u32::from(self.random.below(3)) + 1,
            evict: self.random.chance(60),
            ends,
        };
        self.sign_ins.push(new.clone());
        Step::CreateSignIn { new }
    }

    fn on_a_sign_in(&mut self) -> Step {
        let row = self.known_sign_in();
        let (id, now) = (row.id, self.now());
        let generation = if self.random.chance(10) {
            row.generation + 1
        } else {
            row.generation
        };
        let refresh_hash = row.refresh_hash.unwrap_or([1; 32]);
        match self.random.below(7) {
            0 | 1 => Step::Advance {
                next: Advance {
                    id,
                    from: generation,
                    from_refresh_hash: refresh_hash,
                    salt: self.new_hash(),
                    refresh_hash: self.new_hash(),
                    access_hash: self.new_hash(),
                    access_expires_at: self.about(),
                    idle_expires_at: self.about(),
                    now,
                },
            },
            2 => Step::Extend {
                extend: Extend {
                    id,
                    generation,
                    refresh_hash,
                    access_expires_at: self.about(),
                    confirm: self.random.chance(60).then_some(now),
                },
            },
            3 => Step::Confirm { id, generation, now },
            4 | 5 => Step::End {
                which: match self.random.below(4) {
                    0 => Ends::All(row.user_id),
                    1 => Ends::Others(row.user_id, id),
                    2 => Ends::One(self.user_id(), id),
                    _ => Ends::One(row.user_id, id),
                },
                reason: self.random.one(&EndReason::ALL),
                now,
            },
            _ => Step::PutSessionAttributes {
                id,
                expect: row.version + i64::from(self.random.chance(15)),
                attributes: format!("{{\"n\":{}}}", self.random.below(9)),
            },
        }
    }
}
