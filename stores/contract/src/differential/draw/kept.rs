//! What is drawn about what kinds keep, agreement and counters.

use doorward_base::id::DeliveryId;
use doorward_store::{Agreed, DeliveryEnd, KvAction, KvChange, KvExpect, ThrottleStep};

use super::super::step::Step;
use super::super::world::{FEW, World};
use crate::wait;

impl World<'_> {
    pub(super) fn kept(&mut self) -> Step {
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

    pub(super) fn agreed(&mut self) -> Agreed {
        Agreed {
            name: format!("provider/{}/{}", self.number, self.random.below(FEW)),
            value: format!("{}", self.random.below(2)),
        }
    }

    pub(super) fn change_kv(&mut self) -> Step {
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

    pub(super) fn throttled(&mut self) -> Step {
        let steps = (0..=self.random.below(3)).map(|_| self.throttle_step()).collect();
        Step::Throttle {
            steps,
            now: self.late(),
        }
    }

    pub(super) fn throttle_step(&mut self) -> ThrottleStep {
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
}
