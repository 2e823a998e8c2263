//! Throttle rows.

use super::Tables;
use crate::clock::Timestamp;
use crate::store::records::{TRIMMED, throttled};
use crate::store::{Hash, ThrottleRow, ThrottleStep, Throttled};

impl Tables {
    pub(super) fn throttles(&self, buckets: &[Hash]) -> Vec<ThrottleRow> {
        let row = |bucket| self.throttles.get(bucket).copied().unwrap_or_default();
        buckets.iter().map(row).collect()
    }

    pub(super) fn throttle(&mut self, steps: &[ThrottleStep], now: Timestamp) -> Throttled {
        let stored = |bucket: &Hash| self.throttles.get(bucket).copied().unwrap_or_default();
        let writes = match throttled(steps, stored, now) {
            Ok(writes) => writes,
            Err(undone) => return undone,
        };
        for (bucket, row) in writes {
            if !self.throttles.contains_key(&bucket) {
                self.forget(now, TRIMMED as usize);
            }
            if let Some(before) = self.throttles.insert(bucket, row) {
                self.throttle_ends.remove(&(before.expires_at, bucket));
            }
            self.throttle_ends.insert((row.expires_at, bucket));
        }
        Throttled::Done
    }

    /// Removes forgotten rows, oldest first; how many.
    pub(super) fn forget(&mut self, now: Timestamp, limit: usize) -> u64 {
        let mut gone = 0;
        while gone < limit as u64
            && let Some(&(expires_at, bucket)) = self.throttle_ends.first()
            && expires_at <= now
        {
            self.throttle_ends.remove(&(expires_at, bucket));
            self.throttles.remove(&bucket);
            gone += 1;
        }
        gone
    }
}
