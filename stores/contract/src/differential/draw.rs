//! Draws the next operation of a history: mostly one that could succeed, by what the store has.

use std::time::Duration;

use doorward_base::id::{DeliveryId, FlowId};
use doorward_store::{
    Advance, Agreed, Bump, Change, ChangeStep, DeliveryEnd, EndReason, Ends, Extend, KvAction, KvChange,
    KvExpect, Naming, NewSignIn, NewUser, Post, ProvedBy, ThrottleStep, Touch, User, UserPage, WayIn, Yield,
};

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

    fn yielded(&mut self) -> Yield {
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

    fn ways_in(&mut self) -> Vec<WayIn> {
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

    fn change(&mut self) -> Step {
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

    fn naming(&mut self) -> Naming {
        Naming {
            label: self
                .random
                .maybe(20, |random| format!("label {}", random.below(FEW))),
            handle: self.random.maybe(30, |random| vec![random.below(FEW)]),
        }
    }

    fn change_step(&mut self, user: &User) -> ChangeStep {
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

    fn on_a_user(&mut self) -> Step {
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

    fn on_a_flow(&mut self) -> Step {
        let now = self.late();
        if self.flows.is_empty() || self.random.chance(30) {
            let flow = self.flow();
            return Step::PutFlow {
                flow,
                post: self.post(None),
                now,
            };
        }
        let known = self.flows.clone();
        let mut flow = self.random.one(&known);
        match self.random.below(8) {
            0 => Step::DropFlow { id: flow.id },
            1 => Step::DropFlow {
                id: FlowId::from_bytes(self.fresh(b'f')),
            },
            2 | 3 => {
                flow.step = u32::from(self.random.below(3));
                flow.secret_hash = self.new_hash();
                flow.state = b"later".to_vec();
                flow.attempts_left += 1;
                flow.expires_at = self.soon();
                flow.user_id = flow
                    .user_id
                    .or_else(|| self.random.chance(50).then(|| self.user_id()));
                self.flows.push(flow.clone());
                Step::ReturnFlow {
                    flow,
                    post: self.post(None),
                    now,
                }
            }
            _ => Step::TakeFlow {
                id: flow.id,
                step: flow.step,
                secret_hash: flow.secret_hash,
                now,
            },
        }
    }

    fn on_a_token(&mut self) -> Step {
        let now = self.late();
        match self.random.below(5) {
            0 | 1 => {
                let user = self.random.chance(70).then(|| self.user());
                Step::PutToken {
                    token: self.token(user.as_ref()),
                    post: self.post(user.as_ref()),
                    now,
                }
            }
            2 => Step::SpendLink {
                link: self.token_use(),
                now,
            },
            3 => {
                let used = self.token_use();
                Step::Token {
                    id: used.id,
                    secret_hash: used.secret_hash,
                    now,
                }
            }
            _ => Step::Spend {
                mark: self.few_hash(b'm'),
                expires_at: self.soon(),
                now,
            },
        }
    }

    fn kept(&mut self) -> Step {
        let now = self.late();
        match self.random.below(8) {
            0 => Step::TakeDeliveries {
                limit: 100,
                leased_until: self.soon(),
                now,
            },
            1 => {
                let known = self.deliveries.clone();
                let id = if known.is_empty() {
                    DeliveryId::from_bytes(self.fresh(b'd'))
                } else {
                    self.random.one(&known)
                };
                Step::SettleDelivery {
                    id,
                    attempt: u32::from(self.random.below(3)),
                    end: if self.random.chance(50) {
                        DeliveryEnd::Done
                    } else {
                        DeliveryEnd::DueAt(self.soon())
                    },
                }
            }
            2 => Step::Kv {
                at: self.kv_at(),
                now,
            },
            3 => Step::Agree {
                items: vec![self.agreed()],
                replace: self.random.chance(50),
                now,
            },
            _ => self.change_kv(),
        }
    }

    fn agreed(&mut self) -> Agreed {
        Agreed {
            name: format!("provider/{}/{}", self.number, self.random.below(FEW)),
            value: format!("{}", self.random.below(2)),
        }
    }

    fn change_kv(&mut self) -> Step {
        let (at, now) = (self.kv_at(), self.late());
        let stored = wait(self.store.kv(at.clone(), now));
        let version = stored.map_or(1, |stored| stored.version);
        let expect = self.random.one(&[
            KvExpect::Any,
            KvExpect::Absent,
            KvExpect::Version(version),
            KvExpect::Version(77),
        ]);
        let expires_at = Some(self.soon());
        let action = match self.random.below(4) {
            0 => KvAction::Remove { expect },
            1 => KvAction::Add {
                delta: if self.random.chance(10) {
                    i64::MAX
                } else {
                    i64::from(self.random.below(9)) - 4
                },
                expires_at,
            },
            _ => KvAction::Put {
                sealed: vec![self.random.below(9)],
                expect,
                expires_at,
            },
        };
        Step::ChangeKv {
            change: KvChange {
                at,
                action,
                version: i64::from(self.random.below(250)) + 100,
                now,
            },
        }
    }

    fn throttled(&mut self) -> Step {
        let steps = (0..=self.random.below(3)).map(|_| self.throttle_step()).collect();
        Step::Throttle {
            steps,
            now: self.late(),
        }
    }

    fn throttle_step(&mut self) -> ThrottleStep {
        let (key, now) = (self.throttle_key(), self.late());
        let seen = wait(self.store.throttles(vec![key.bucket]))[0];
        match self.random.below(7) {
            0 | 1 => ThrottleStep::Charge(key),
            // What is over may be gone: no two stores need have the same.
            5 | 6 if seen.expires_at <= now => ThrottleStep::Charge(key),
            2 => ThrottleStep::Fail(key),
            3 => ThrottleStep::Clear(key.bucket),
            4 => ThrottleStep::Back { key, times: 1 },
            5 => ThrottleStep::PutBack {
                bucket: key.bucket,
                claimed: seen,
                before: seen.counted(&key.law, now),
            },
            _ => ThrottleStep::Claim { key, seen },
        }
    }

    fn touch(&mut self) -> Step {
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

    fn counted(&mut self) -> Step {
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

    fn looked(&mut self) -> Step {
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
