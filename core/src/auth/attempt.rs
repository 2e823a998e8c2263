//! An attempt: looked at, given a slot, decided, claimed, settled. It is a value: its drop frees the slot at once, and
//! hands a claim that was not settled to the store to be put back.

use std::time::Duration;

use super::call::Call;
use crate::error::Result;
use crate::id::{AuthenticatorId, UserId};
use crate::provider::Provider;
use crate::store::{
    Authenticator, AuthenticatorAt, Hash, StoreError, Subject, ThrottleKey, ThrottleRow, ThrottleStep,
    Throttled,
};
use crate::throttle::{Counters, Origin, Permit};
use crate::verification::{Devices as _, Verified};

/// How often an attempt decides that loses its claim to another one.
const DECISIONS: usize = 3;
/// How long an attempt waits for its slot that asks no kind.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an attempt is told to wait that lost every time.
const BUSY: Duration = Duration::from_secs(1);

/// One attempt under way.
pub(super) struct Attempt<'c> {
    call: &'c Call<'c>,
    counters: Counters,
    /// The delay rows as they were read at the decision.
    seen: Vec<ThrottleRow>,
    /// Counted as failed before the work: what takes it back.
    claims: Vec<ThrottleStep>,
    /// What counts its failures in a row, where they are counted.
    row: Option<InARow>,
    /// Held until the attempt has been settled.
    permits: Vec<Permit>,
    waited: bool,
}

/// The failures in a row at one record: counted without forgetting, and kept with it, so that unknown names fill nothing.
#[derive(Clone, Debug)]
pub(super) struct InARow {
    at: AuthenticatorAt,
    failures: u32,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempted {
    Right,
    /// Neither right nor wrong: it did not happen.
    Undecided,
    Wrong,
}

impl Attempted {
    /// What a verification means: only a wrong credential counts.
    pub(super) fn of(verified: &Verified) -> Self {
        match verified {
            Verified::Accepted { .. } | Verified::Unregistered { .. } => Self::Right,
            Verified::Denied { wrong: true, .. } => Self::Wrong,
            Verified::Continue { .. } | Verified::Denied { .. } => Self::Undecided,
        }
    }
}

impl Call<'_> {
    /// Where this call comes from, and whether the browser is one of this user's own.
    pub(super) fn origin(&self, user: Option<(UserId, i64)>) -> Origin<'_> {
        Origin {
            realm: self.realm,
            network: &self.network,
            network48: &self.network48,
            known: user
                .filter(|(user, epoch)| self.knows(*user, *epoch))
                .map(|(user, _)| user),
        }
    }

    /// Lets an attempt go on, or says how long to wait: then nothing was counted.
    ///
    /// What a kind verifies that cannot be guessed is never counted and never blocked: pass no counters.
    ///
    /// # Errors
    /// `Overloaded`: too many attempts at the same wait; `Unavailable`.
    pub(super) async fn attempt(
        &self,
        provider: Option<&Provider>,
        counters: Counters,
    ) -> Result<std::result::Result<Attempt<'_>, Duration>> {
        let keys: Vec<ThrottleKey> = counters.all().copied().collect();
        let mut attempt = Attempt {
            call: self,
            counters,
            seen: Vec::new(),
            claims: Vec::new(),
            row: None,
            permits: Vec::new(),
            waited: false,
        };
        if keys.is_empty() {
            return Ok(Ok(attempt));
        }
        // Closed guesses fill no queue.
        if let Err(wait) = self.look(&keys).await? {
            return Ok(Err(wait));
        }
        (attempt.permits, attempt.waited) = self.slots(provider, &attempt.counters).await?;
        for _ in 0..DECISIONS {
            let rows = match self.look(&keys).await? {
                Ok(rows) => rows,
                Err(wait) => return Ok(Err(wait)),
            };
            if attempt.claim(rows).await? {
                return Ok(Ok(attempt));
            }
        }
        Ok(Err(BUSY))
    }

    /// The failures in a row at the password of this subject; nobody's where there is none. `None`: they are not counted.
    pub(super) fn in_a_row(&self, provider: &Provider, subject: Option<&Subject>) -> Option<InARow> {
        let settings = &self.context.settings.throttle;
        if settings.consecutive == 0 || !settings.enabled || !provider.hashes_passwords() {
            return None;
        }
        let single = |one: &&Authenticator| one.at.id == AuthenticatorId::SINGLE;
        let held = subject.and_then(|subject| subject.authenticators.iter().find(single));
        Some(held.map_or_else(
            || InARow {
                at: AuthenticatorAt {
                    user_id: UserId::NOBODY,
                    group: provider.group.clone(),
                    id: AuthenticatorId::SINGLE,
                },
                failures: 0,
            },
            |held| InARow {
                at: held.at.clone(),
                failures: held.failures,
            },
        ))
    }

    /// True when strangers have one attempt a day.
    pub(super) fn is_shut(&self, row: Option<&InARow>) -> bool {
        row.is_some_and(|row| row.failures >= self.context.settings.throttle.consecutive)
    }

    /// The rows as they stand, or how long the longest closed one is closed.
    async fn look(&self, keys: &[ThrottleKey]) -> Result<std::result::Result<Vec<ThrottleRow>, Duration>> {
        let buckets = keys.iter().map(|key| key.bucket).collect();
        let rows = self.store().throttles(buckets).await?;
        // Read at the decision, not on entry: an attempt may have waited in between.
        let now = self.context.now();
        let waits = keys.iter().zip(&rows).map(|(key, row)| row.wait(&key.law, now));
        Ok(match waits.max().filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(wait),
            None => Ok(rows),
        })
    }

    /// The slot of the subject, then that of a network of strangers: as many as passwords are hashed at once.
    async fn slots(&self, provider: Option<&Provider>, counters: &Counters) -> Result<(Vec<Permit>, bool)> {
        let patience = provider.map_or(PATIENCE, |provider| provider.deadline);
        let subject =
            (counters.delays.last()).map(|key| (key.bucket, self.context.settings.throttle.parallel));
        let network = (counters.rates.first()).map(|key| (key.bucket, self.context.governor.parallel()));
        let (mut permits, mut waited) = (Vec::new(), false);
        for (bucket, most) in subject.into_iter().chain(network) {
            let slots = &self.context.slots;
            let (permit, has_waited) = slots.take(bucket, most, counters.known, patience).await?;
            permits.push(permit);
            waited |= has_waited;
        }
        Ok((permits, waited))
    }

    /// Verifies within an attempt, and settles it by what came of it; an error settles nothing.
    pub(super) async fn settled(attempt: Attempt<'_>, verified: Result<Verified>) -> Result<Verified> {
        let verified = verified?;
        attempt.settle(Attempted::of(&verified)).await?;
        Ok(verified)
    }

    /// Empties the counters of these subjects: whoever owns them has proved it in another way.
    pub(super) async fn forgive(&self, identities: impl Iterator<Item = Hash>) -> Result<()> {
        let settings = &self.context.settings.throttle;
        let id = |identity: Hash| settings.key(crate::throttle::Counter::Id, self.realm, &[&identity]);
        let steps: Vec<_> = identities
            .map(|identity| ThrottleStep::Clear(id(identity).bucket))
            .collect();
        if !steps.is_empty() {
            self.store().throttle(steps, self.context.now()).await?;
        }
        Ok(())
    }
}

impl Attempt<'_> {
    /// The attempt is at this record.
    #[must_use]
    pub(super) fn at(mut self, row: Option<InARow>) -> Self {
        self.row = row;
        self
    }

    /// True when others went first: what was read before may be out of date.
    pub(super) fn has_waited(&self) -> bool {
        self.waited
    }

    /// Counts the attempt as failed in every delay row that is no longer free. False: another one was faster.
    async fn claim(&mut self, mut rows: Vec<ThrottleRow>) -> Result<bool> {
        rows.truncate(self.counters.delays.len());
        self.seen = rows;
        let now = self.call.context.now();
        let closing: Vec<_> = (self.counters.delays.iter().zip(&self.seen))
            .filter(|(key, row)| key.law.claims(row.believed(&key.law, now).failures))
            .map(|(key, row)| (*key, *row))
            .collect();
        if closing.is_empty() {
            return Ok(true);
        }
        // Before the write is asked for: a call that is dropped meanwhile must put back what it may have written.
        self.claims = (closing.iter())
            .map(|(key, seen)| ThrottleStep::PutBack {
                bucket: key.bucket,
                claimed: seen.counted(&key.law, now),
                before: *seen,
            })
            .collect();
        let steps = closing
            .iter()
            .map(|&(key, seen)| ThrottleStep::Claim { key, seen });
        match self.call.store().throttle(steps.collect(), now).await {
            Ok(Throttled::Done) => Ok(true),
            Ok(Throttled::Lost | Throttled::Closed(_)) | Err(StoreError::Retry(_)) => {
                self.claims.clear();
                Ok(false)
            }
            // It may have happened: exactly what was to be written is ours.
            Err(StoreError::UnknownOutcome(_)) => {
                let ours = self.is_ours().await?;
                if !ours {
                    self.claims.clear();
                }
                Ok(ours)
            }
            Err(error) => {
                self.claims.clear();
                Err(error.into())
            }
        }
    }

    async fn is_ours(&self) -> Result<bool> {
        let buckets: Vec<Hash> = self.claims.iter().map(ThrottleStep::bucket).collect();
        let stored = self.call.store().throttles(buckets).await?;
        Ok(self.claims.iter().zip(stored).all(
            |(claim, stored)| matches!(claim, ThrottleStep::PutBack { claimed, .. } if *claimed == stored),
        ))
    }

    /// Settles it. Right: the subject's failures are emptied, and its network is given as many back; where there were
    /// none, nothing is written. Wrong: counted wherever it was not claimed. Neither: a claim is put back.
    pub(super) async fn settle(mut self, how: Attempted) -> Result<()> {
        let now = self.call.context.now();
        let claims = std::mem::take(&mut self.claims);
        let counters = &self.counters;
        let delays = counters.delays.iter().zip(&self.seen);
        let steps: Vec<ThrottleStep> = match how {
            Attempted::Right => {
                let times = (counters.delays.first().zip(self.seen.first()))
                    .map_or(0, |(key, row)| row.believed(&key.law, now).failures);
                let emptied = delays
                    .filter(|(key, row)| row.believed(&key.law, now).failures > 0)
                    .map(|(key, _)| ThrottleStep::Clear(key.bucket));
                let back = counters.rates.iter().filter(|_| times > 0);
                emptied
                    .chain(back.map(|&key| ThrottleStep::Back { key, times }))
                    .collect()
            }
            Attempted::Wrong => {
                let claimed = |key: &ThrottleKey| claims.iter().any(|claim| claim.bucket() == key.bucket);
                counters
                    .all()
                    .filter(|key| !claimed(key))
                    .map(|key| ThrottleStep::Fail(*key))
                    .collect()
            }
            Attempted::Undecided => claims,
        };
        if !steps.is_empty() {
            self.call.store().throttle(steps, now).await?;
        }
        if let Some(row) = self.row.take() {
            let failed = how == Attempted::Wrong;
            if failed || how == Attempted::Right && row.failures > 0 {
                self.call.store().count_failure(row.at, failed).await?;
            }
        }
        drop(std::mem::take(&mut self.permits));
        Ok(())
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.claims.is_empty() {
            let claims = std::mem::take(&mut self.claims);
            // Begun, and not waited for. What cannot be written stays counted as failed.
            drop(self.call.store().throttle(claims, self.call.context.now()));
        }
    }
}
