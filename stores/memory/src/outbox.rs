//! The outbox: messages that wait to be sent.

use super::{Tables, trim};
use doorward_base::clock::Timestamp;
use doorward_base::id::{DeliveryId, UserId};
use doorward_store::{DeliveryEnd, Post, QueuedDelivery};

impl Tables {
    /// True when every user of the row and of its messages is still there: else the rows would stay behind them. Each row
    /// costs a look, whosever it is.
    pub(super) fn stands(&self, user: Option<UserId>, post: &Post) -> bool {
        let owners = post.deliveries.iter().map(|one| one.user_id);
        let owners = owners.chain(post.link.iter().map(|link| link.user_id));
        let mut stands = true;
        for owner in owners.chain([user]) {
            stands &= self.users.contains_key(&owner.unwrap_or(post.beside)) || owner.is_none();
        }
        stands
    }

    pub(super) fn queue(&mut self, deliveries: &[QueuedDelivery]) {
        if let Some(now) = deliveries.first().map(|first| first.due_at) {
            trim(&mut self.outbox, &mut self.outbox_ends, now, |queued| {
                queued.expires_at
            });
        }
        for delivery in deliveries {
            self.outbox_ends.insert((delivery.expires_at, delivery.id));
            let queued = || delivery.clone();
            self.outbox.entry(delivery.id).or_insert_with(queued);
        }
    }

    pub(super) fn take_deliveries(
        &mut self,
        limit: u32,
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Vec<QueuedDelivery> {
        let due = |queued: &&mut QueuedDelivery| queued.due_at <= now && queued.expires_at > now;
        let mut due: Vec<&mut QueuedDelivery> = self.outbox.values_mut().filter(due).collect();
        due.sort_by_key(|queued| (queued.due_at, queued.id));
        due.into_iter()
            .take(limit as usize)
            .map(|queued| {
                queued.due_at = leased_until;
                queued.attempts = queued.attempts.saturating_add(1);
                queued.clone()
            })
            .collect()
    }

    pub(super) fn settle_delivery(&mut self, id: DeliveryId, attempt: u32, end: DeliveryEnd) -> bool {
        match self.outbox.get_mut(&id) {
            Some(queued) if queued.attempts == attempt => {
                match end {
                    DeliveryEnd::Done => drop(self.outbox.remove(&id)),
                    DeliveryEnd::DueAt(at) => queued.due_at = at,
                }
                true
            }
            _ => false,
        }
    }

    /// Removes messages that are worth nothing any more; how many.
    pub(super) fn purge_outbox(&mut self, now: Timestamp, limit: usize) -> u64 {
        let expired = self.outbox.values().filter(|queued| queued.expires_at <= now);
        let gone: Vec<DeliveryId> = expired.map(|queued| queued.id).take(limit).collect();
        for id in &gone {
            self.outbox.remove(id);
        }
        gone.len() as u64
    }
}
