//! Throttle rows: the two laws, what is believed of a row, and what a step makes of it. Every engine asks the functions
//! here under its lock, so that no rule stands in SQL.

use super::Hash;
use doorward_base::clock::Timestamp;
use std::time::Duration;

/// A row that is good for longer was written under a wrong clock, and is taken for none.
const LONGEST: Duration = Duration::from_hours(49);
/// Most hours for which failures are remembered.
const REMEMBERED: u32 = 24;
/// How many expired rows an insert removes from its own table first: more than it makes, so that a table is never
/// larger than what lives.
pub const TRIMMED: u32 = 8;

/// One counter: its bucket and its law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleKey {
    /// SHA-256 of what is counted.
    pub bucket: Hash,
    /// How it closes.
    pub law: ThrottleLaw,
}

/// How a counter closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleLaw {
    /// What one subject has failed: nothing for the first failures, then a doubling delay up to a ceiling. Failures are
    /// forgotten as many hours after the last one as there were, at most 24.
    Delay {
        /// Failures without any delay.
        free: u32,
        /// The delay after the first failure beyond those.
        first: Duration,
        /// The longest delay, at most 24 h.
        ceiling: Duration,
    },
    /// What many share, or what is charged whatever comes of it: a burst and a pace.
    Rate {
        /// How many at once.
        burst: u32,
        /// How long until there is one more.
        every: Duration,
    },
}

impl ThrottleLaw {
    /// The delay after this many failures; zero where there is none, and under the law of rates.
    pub fn delay(&self, failures: u32) -> Duration {
        match *self {
            Self::Delay { free, .. } if failures <= free => Duration::ZERO,
            Self::Delay { free, first, ceiling } => {
                let doubled = 1_u32.checked_shl(failures - free - 1).unwrap_or(u32::MAX);
                first.saturating_mul(doubled).min(ceiling)
            }
            Self::Rate { .. } => Duration::ZERO,
        }
    }

    /// True when an attempt that finds so many failures counts as failed before its work.
    pub fn claims(&self, failures: u32) -> bool {
        matches!(*self, Self::Delay { free, .. } if failures >= free)
    }

    /// How far ahead an instant may lie to be believed.
    fn far(&self) -> Duration {
        match *self {
            Self::Delay { ceiling, .. } => ceiling,
            Self::Rate { burst, every } => every.saturating_mul(burst.saturating_add(1000)),
        }
    }
}

/// What stands in a row. No row is the default: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThrottleRow {
    /// Failures that are remembered; 0 under the law of rates.
    pub failures: u32,
    /// Closed until then; the epoch: no delay, never compared.
    pub allowed_at: Timestamp,
    /// Nothing after this moment.
    pub expires_at: Timestamp,
}

impl ThrottleRow {
    /// What of the row is believed: nothing of one that is over or lasts impossibly long, and no instant that the law
    /// cannot have made. Cutting such an instant down instead would hold it there for ever.
    #[must_use]
    pub fn believed(self, law: &ThrottleLaw, now: Timestamp) -> Self {
        if self.expires_at <= now || self.expires_at > now.plus(LONGEST) {
            return Self::default();
        }
        if self.allowed_at > now.plus(law.far()) {
            return Self {
                allowed_at: Timestamp::default(),
                ..self
            };
        }
        self
    }

    /// How long the counter is closed; zero: it is open.
    pub fn wait(self, law: &ThrottleLaw, now: Timestamp) -> Duration {
        let row = self.believed(law, now);
        match *law {
            _ if row.allowed_at == Timestamp::default() => Duration::ZERO,
            ThrottleLaw::Delay { .. } => row.allowed_at.since(now),
            ThrottleLaw::Rate { burst, every } => {
                (row.allowed_at).since(now.plus(every.saturating_mul(burst.saturating_sub(1))))
            }
        }
    }

    /// The row after one more failure, or one more charge.
    #[must_use]
    pub fn counted(self, law: &ThrottleLaw, now: Timestamp) -> Self {
        let row = self.believed(law, now);
        match *law {
            ThrottleLaw::Delay { .. } => {
                let failures = row.failures.saturating_add(1);
                let delay = law.delay(failures);
                let remembered = Duration::from_hours(failures.min(REMEMBERED).into());
                Self {
                    failures,
                    allowed_at: if delay.is_zero() {
                        Timestamp::default()
                    } else {
                        now.plus(delay)
                    },
                    expires_at: now.plus(remembered.max(delay * 2)),
                }
            }
            ThrottleLaw::Rate { every, .. } => Self::until(row.allowed_at.max(now).plus(every)),
        }
    }

    /// A row of the law of rates.
    fn until(allowed_at: Timestamp) -> Self {
        Self {
            failures: 0,
            allowed_at,
            expires_at: allowed_at,
        }
    }
}

/// One step of a throttle transaction. Buckets are met in one order, whatever the order of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleStep {
    /// Counts as failed before the work, if the row is still what was read; else nothing of the transaction happens.
    Claim {
        /// The counter.
        key: ThrottleKey,
        /// The row as it was read.
        seen: ThrottleRow,
    },
    /// Counts a failure, come what may.
    Fail(ThrottleKey),
    /// Counts, if the counter is open; else nothing of the transaction happens.
    Charge(ThrottleKey),
    /// Empties a counter: there was a success.
    Clear(Hash),
    /// Moves a rate back: what was charged so often does not count after all.
    Back {
        /// The counter.
        key: ThrottleKey,
        /// How many charges.
        times: u32,
    },
    /// Undoes a claim, if the row is still what the claim made of it; else nothing.
    PutBack {
        /// The counter.
        bucket: Hash,
        /// What the claim wrote.
        claimed: ThrottleRow,
        /// What was there before.
        before: ThrottleRow,
    },
}

impl ThrottleStep {
    /// The row that it is about.
    pub fn bucket(&self) -> Hash {
        match self {
            Self::Claim { key, .. } | Self::Fail(key) | Self::Charge(key) | Self::Back { key, .. } => {
                key.bucket
            }
            Self::Clear(bucket) | Self::PutBack { bucket, .. } => *bucket,
        }
    }

    /// True when it makes a row where there is none.
    pub fn makes_rows(&self) -> bool {
        match self {
            Self::Fail(_) | Self::Charge(_) => true,
            // Under a law without free failures.
            Self::Claim { seen, .. } => *seen == ThrottleRow::default(),
            Self::Clear(_) | Self::Back { .. } | Self::PutBack { .. } => false,
        }
    }

    /// The row to write, `None` where it stays as it is; or why nothing happens at all.
    fn apply(&self, row: ThrottleRow, now: Timestamp) -> Result<Option<ThrottleRow>, Throttled> {
        Ok(match self {
            Self::Claim { key, seen } if row == *seen => Some(row.counted(&key.law, now)),
            Self::Claim { .. } => return Err(Throttled::Lost),
            Self::Fail(key) => Some(row.counted(&key.law, now)),
            Self::Charge(key) => match row.wait(&key.law, now) {
                Duration::ZERO => Some(row.counted(&key.law, now)),
                wait => return Err(Throttled::Closed(wait)),
            },
            Self::Clear(_) => (row.failures > 0).then_some(ThrottleRow {
                failures: 0,
                allowed_at: Timestamp::default(),
                expires_at: now,
            }),
            Self::Back { key, times } => {
                let every = match key.law {
                    ThrottleLaw::Rate { every, .. } => every,
                    ThrottleLaw::Delay { .. } => Duration::ZERO,
                };
                let at = row.believed(&key.law, now).allowed_at;
                (at > now && *times > 0 && !every.is_zero())
                    .then(|| ThrottleRow::until(at.minus(every.saturating_mul(*times)).max(now)))
            }
            Self::PutBack { claimed, before, .. } => (row == *claimed).then_some(*before),
        })
    }
}

/// What became of a throttle transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// All of it happened.
    Done,
    /// Nothing happened: a row is not what was claimed.
    Lost,
    /// Nothing happened: a counter that was to be charged is closed for so long.
    Closed(Duration),
}

/// The rows that a transaction writes, given those that are there; or why it does not happen.
///
/// # Errors
/// `Lost` or `Closed`, as [`Throttled`] says.
pub fn throttled(
    steps: &[ThrottleStep],
    mut stored: impl FnMut(&Hash) -> ThrottleRow,
    now: Timestamp,
) -> Result<Vec<(Hash, ThrottleRow)>, Throttled> {
    let mut writes: Vec<(Hash, ThrottleRow)> = Vec::with_capacity(steps.len());
    for step in steps {
        let bucket = step.bucket();
        let before = writes.iter().position(|(written, _)| *written == bucket);
        let row = before
            .and_then(|at| writes.get(at))
            .map_or_else(|| stored(&bucket), |(_, row)| *row);
        let Some(next) = step.apply(row, now)? else {
            continue;
        };
        match before.and_then(|at| writes.get_mut(at)) {
            Some(written) => written.1 = next,
            None => writes.push((bucket, next)),
        }
    }
    Ok(writes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: ThrottleLaw = ThrottleLaw::Delay {
        free: 3,
        first: Duration::from_secs(2),
        ceiling: Duration::from_hours(1),
    };
    const RATE: ThrottleLaw = ThrottleLaw::Rate {
        burst: 3,
        every: Duration::from_secs(20),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn delay_grows_from_nothing_to_the_ceiling() {
        let seconds = [0, 3, 4, 5, 6, 14, 15, 100, u32::MAX].map(|n| LAW.delay(n).as_secs());
        assert_eq!(seconds, [0, 0, 2, 4, 8, 2048, 3600, 3600, 3600]);
    }

    #[test]
    fn nothing_is_written_of_time_in_the_free_range() {
        let mut row = ThrottleRow::default();
        for n in 1..=3 {
            row = row.counted(&LAW, at(0));
            assert_eq!((row.failures, row.allowed_at), (n, Timestamp::default()));
            assert_eq!(
                row.wait(&LAW, at(-1)),
                Duration::ZERO,
                "whatever the other's clock says"
            );
        }
        assert_eq!(row.counted(&LAW, at(0)).wait(&LAW, at(0)).as_secs(), 2);
    }

    #[test]
    fn failures_are_forgotten_after_as_many_hours() {
        let mut row = ThrottleRow::default();
        for n in 1..=30_u32 {
            row = row.counted(&LAW, at(0));
            assert_eq!(row.expires_at.since(at(0)).as_secs(), u64::from(n.min(24)) * 3600);
        }
        assert_eq!(row.believed(&LAW, at(24 * 3600)), ThrottleRow::default());
    }

    #[test]
    fn an_instant_that_the_law_cannot_have_made_is_not_believed() {
        let far = at(300 * 86_400);
        let mut row = ThrottleRow::default();
        for _ in 0..15 {
            row = row.counted(&LAW, far);
        }
        assert_eq!(row.wait(&LAW, at(0)), Duration::ZERO);
        assert_eq!(row.counted(&LAW, at(0)).failures, 1, "the next write replaces it");
        let soon = ThrottleRow {
            failures: 9,
            allowed_at: at(3601),
            expires_at: at(7200),
        };
        assert_eq!(soon.wait(&LAW, at(0)), Duration::ZERO);
        assert_eq!(soon.wait(&LAW, at(1)), Duration::from_hours(1));
    }

    #[test]
    fn a_rate_is_a_burst_and_a_pace() {
        let mut row = ThrottleRow::default();
        for _ in 0..3 {
            assert_eq!(row.wait(&RATE, at(0)), Duration::ZERO);
            row = row.counted(&RATE, at(0));
        }
        assert_eq!(row.wait(&RATE, at(0)).as_secs(), 20);
        assert_eq!(row.wait(&RATE, at(20)), Duration::ZERO);
        let key = ThrottleKey {
            bucket: [1; 32],
            law: RATE,
        };
        let back = ThrottleStep::Back { key, times: 2 };
        assert_eq!(back.apply(row, at(0)), Ok(Some(ThrottleRow::until(at(20)))));
    }

    #[test]
    fn a_claim_is_won_once_and_put_back_only_by_its_winner() {
        let key = ThrottleKey {
            bucket: [1; 32],
            law: LAW,
        };
        let mut before = ThrottleRow::default();
        for _ in 0..3 {
            before = before.counted(&LAW, at(0));
        }
        let claim = ThrottleStep::Claim { key, seen: before };
        let claimed = before.counted(&LAW, at(1));
        assert_eq!(claim.apply(before, at(1)), Ok(Some(claimed)));
        assert_eq!(claim.apply(claimed, at(1)), Err(Throttled::Lost));
        let bucket = key.bucket;
        let put_back = ThrottleStep::PutBack {
            bucket,
            claimed,
            before,
        };
        assert_eq!(put_back.apply(claimed, at(2)), Ok(Some(before)));
        assert_eq!(put_back.apply(claimed.counted(&LAW, at(2)), at(2)), Ok(None));
    }
}
