//! Throttle buckets: how they delay, and how attempts are settled.

use super::Hash;
use crate::clock::Timestamp;
use std::time::Duration;

/// One bucket of failures and its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleKey {
    /// SHA-256 of what is counted.
    pub bucket: Hash,
    /// How it delays.
    pub limit: ThrottleLimit,
}

/// How a bucket delays: nothing for the first failures, then doubling, up to a ceiling; forgotten after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleLimit {
    /// Failures without any delay.
    pub free: u32,
    /// The delay after the first failure beyond those.
    pub first: Duration,
    /// The longest delay.
    pub ceiling: Duration,
    /// How long after the last failure the bucket is forgotten.
    pub forget: Duration,
}

impl ThrottleLimit {
    /// The delay after this many failures. A bucket is open again at last failure + delay.
    pub fn delay(&self, failures: u32) -> Duration {
        let beyond = failures.saturating_sub(self.free);
        if beyond == 0 {
            return Duration::ZERO;
        }
        let doubled = 1_u32.checked_shl(beyond - 1).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.ceiling)
    }
}

/// Whether an attempt may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// Counted as failed in every bucket; verify now.
    Go,
    /// Nothing was counted; not before this moment.
    NotBefore(Timestamp),
}

/// How an attempt that was counted as failed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It succeeded: the buckets are emptied.
    Cleared,
    /// It was neither right nor wrong: the failure is given back.
    NotCounted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_grows_from_nothing_to_the_ceiling() {
        let limit = ThrottleLimit {
            free: 3,
            first: Duration::from_secs(1),
            ceiling: Duration::from_mins(1),
            forget: Duration::from_hours(1),
        };
        let seconds: Vec<u64> = [0, 3, 4, 5, 6, 10, 100, u32::MAX]
            .map(|n| limit.delay(n).as_secs())
            .to_vec();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 60, 60, 60]);
    }
}
