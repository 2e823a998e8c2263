//! What a write costs, and the messages that go with it: charged in its transaction, before it, and never given back.

use std::time::Duration;

use super::throttle::{ThrottleKey, ThrottleRow, ThrottleStep, Throttled, throttled};
use super::{Hash, QueuedDelivery, Token};
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;

/// The messages of a write, and what it and they are charged to. By default: nothing, and nobody pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// What the write itself is charged to: one of them closed, and nothing is written at all.
    pub charges: Vec<ThrottleKey>,
    /// The messages to queue.
    pub deliveries: Vec<QueuedDelivery>,
    /// What the messages are charged to: one of them closed, and none of them is charged, the write stands, and the
    /// decoys are queued in place of the messages.
    pub postage: Vec<ThrottleKey>,
    /// As many rows of the same size that are never sent.
    pub decoys: Vec<QueuedDelivery>,
    /// The token that the messages carry, written with them or their decoys.
    pub link: Option<Token>,
    /// Whose rows nobody's are kept beside, where it can be told with a clock where they stand: in an index of users, say.
    /// Nothing of them is this user's, and whatever becomes of this user is nothing to them.
    pub beside: UserId,
}

impl Default for Post {
    fn default() -> Self {
        Self {
            charges: Vec::new(),
            deliveries: Vec::new(),
            postage: Vec::new(),
            decoys: Vec::new(),
            link: None,
            beside: UserId::NOBODY,
        }
    }
}

/// What became of a write that is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is written, and its messages are queued.
    Done,
    /// It is written; this counter is closed, and decoys are queued instead.
    Withheld(Hash),
    /// Nothing is written: what it is charged to is closed for so long.
    Closed(Duration),
}

/// What a transaction writes that has paid.
pub struct Paid<'p> {
    /// The rows of the counters.
    pub rows: Vec<(Hash, ThrottleRow)>,
    /// What is queued: the messages, or their decoys.
    pub deliveries: &'p [QueuedDelivery],
    /// What came of the charges.
    pub posted: Posted,
}

impl Post {
    /// Messages that nobody pays for.
    pub fn free(deliveries: Vec<QueuedDelivery>) -> Self {
        Self {
            deliveries,
            ..Self::default()
        }
    }

    /// The rows that it is charged to.
    pub fn buckets(&self) -> Vec<Hash> {
        let keys = self.charges.iter().chain(&self.postage);
        keys.map(|key| key.bucket).collect()
    }

    /// What is written given the rows that are there, under the lock; or how long the write is closed.
    ///
    /// # Errors
    /// How long a counter is closed that the write itself is charged to.
    pub fn pay(&self, stored: impl Fn(&Hash) -> ThrottleRow, now: Timestamp) -> Result<Paid<'_>, Duration> {
        let charged = |keys: &mut dyn Iterator<Item = &ThrottleKey>| {
            let steps: Vec<_> = keys.map(|key| ThrottleStep::Charge(*key)).collect();
            throttled(&steps, &stored, now)
        };
        if let Ok(rows) = charged(&mut self.charges.iter().chain(&self.postage)) {
            return Ok(Paid {
                rows,
                deliveries: &self.deliveries,
                posted: Posted::Done,
            });
        }
        let rows = charged(&mut self.charges.iter()).map_err(|undone| match undone {
            Throttled::Closed(wait) => wait,
            Throttled::Done | Throttled::Lost => Duration::ZERO,
        })?;
        let is_closed = |key: &&ThrottleKey| !stored(&key.bucket).wait(&key.law, now).is_zero();
        let withheld = self.postage.iter().find(is_closed);
        Ok(Paid {
            rows,
            deliveries: &self.decoys,
            posted: Posted::Withheld(withheld.map_or([0; 32], |key| key.bucket)),
        })
    }
}
