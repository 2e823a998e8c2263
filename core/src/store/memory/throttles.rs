//! Buckets of failures.

use super::Tables;
use crate::clock::Timestamp;
use crate::store::{Settled, Throttle, ThrottleKey};

/// One bucket.
pub(super) struct Failures {
    count: u32,
    allowed_at: Timestamp,
    expires_at: Timestamp,
}

impl Tables {
    pub(super) fn throttle(&mut self, take: &[ThrottleKey], now: Timestamp) -> Throttle {
        let known = take.iter().filter_map(|key| self.throttles.get(&key.bucket));
        let remembered = known.filter(|failures| failures.expires_at > now);
        if let Some(latest) = remembered.map(|failures| failures.allowed_at).max()
            && latest > now
        {
            return Throttle::NotBefore(latest);
        }
        for key in take {
            let failures = self.throttles.entry(key.bucket).or_insert(Failures {
                count: 0,
                allowed_at: now,
                expires_at: now,
            });
            if failures.expires_at <= now {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            let delay = key.limit.delay(failures.count);
            failures.allowed_at = failures.allowed_at.max(now.plus(delay));
            failures.expires_at = (failures.expires_at).max(now.plus(key.limit.forget.max(delay)));
        }
        Throttle::Go
    }

    pub(super) fn settle(&mut self, keys: &[ThrottleKey], how: Settled, now: Timestamp) {
        for key in keys {
            let left = match (how, self.throttles.get_mut(&key.bucket)) {
                (Settled::NotCounted, Some(failures)) => {
                    failures.count = failures.count.saturating_sub(1);
                    // The attempt was let through, so without it the bucket would be open.
                    failures.allowed_at = failures.allowed_at.min(now);
                    failures.count
                }
                _ => 0,
            };
            if left == 0 {
                self.throttles.remove(&key.bucket);
            }
        }
    }

    /// Removes forgotten buckets; how many.
    pub(super) fn forget(&mut self, now: Timestamp, limit: usize) -> u64 {
        let expired = self
            .throttles
            .iter()
            .filter(|(_, failures)| failures.expires_at <= now);
        let gone: Vec<_> = expired.map(|(bucket, _)| *bucket).take(limit).collect();
        for bucket in &gone {
            self.throttles.remove(bucket);
        }
        gone.len() as u64
    }
}
