//! Throttle rows.

use std::time::Duration;

use super::Tables;
use doorward_base::clock::Timestamp;
use doorward_store::{Hash, Post, Posted, ThrottleRow, ThrottleStep, Throttled};
use doorward_store::{Paid, TRIMMED, throttled};

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
        self.put_throttles(writes, now);
        Throttled::Done
    }

    /// Charges a write, and queues its messages or their decoys.
    pub(super) fn pay(&mut self, post: &Post, now: Timestamp) -> Posted {
        match self.priced(post, now) {
            Err(wait) => Posted::Closed(wait),
            Ok(paid) => {
                if let Some(link) = &post.link {
                    self.insert_token(link.clone(), now);
                }
                self.paid(paid, now)
            }
        }
    }

    /// What would be charged and queued.
    pub(super) fn priced<'p>(&self, post: &'p Post, now: Timestamp) -> Result<Paid<'p>, Duration> {
        let stored = |bucket: &Hash| self.throttles.get(bucket).copied().unwrap_or_default();
        post.pay(stored, now)
    }

    pub(super) fn paid(&mut self, paid: Paid<'_>, now: Timestamp) -> Posted {
        self.put_throttles(paid.rows, now);
        self.queue(paid.deliveries);
        paid.posted
    }

    fn put_throttles(&mut self, rows: Vec<(Hash, ThrottleRow)>, now: Timestamp) {
        for (bucket, row) in rows {
            let before = self.throttles.get(&bucket);
            if before.is_none_or(|before| before.expires_at <= now) {
                self.forget(now, TRIMMED as usize);
            }
            if let Some(before) = self.throttles.insert(bucket, row) {
                self.throttle_ends.remove(&(before.expires_at, bucket));
            }
            self.throttle_ends.insert((row.expires_at, bucket));
        }
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
