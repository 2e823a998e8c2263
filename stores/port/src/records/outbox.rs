//! The outbox: messages that wait to be sent, written in the transaction of what they are about.

use doorward_base::clock::Timestamp;
use doorward_base::id::{DeliveryId, UserId};

/// A message in the outbox. Whether it is a decoy's stands in the sealed payload only.
#[derive(Clone, PartialEq, Eq)]
pub struct QueuedDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Whose it is, where it must go with the user.
    pub user_id: Option<UserId>,
    /// What to send where, sealed.
    pub payload: Vec<u8>,
    /// Not before this moment: now, after a lease, or after a back-off.
    pub due_at: Timestamp,
    /// How often it was taken.
    pub attempts: u32,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for QueuedDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueuedDelivery")
            .field("id", &self.id)
            .field("due_at", &self.due_at)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// What becomes of a message that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryEnd {
    /// It is removed: sent, or given up.
    Done,
    /// It is due again then.
    DueAt(Timestamp),
}
