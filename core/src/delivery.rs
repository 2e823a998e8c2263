//! Deliveries: messages to people, as the application sends them.
//!
//! A message is a row of the outbox, written in the transaction of what it is about (a flow, a token, a change) and
//! sealed by the key ring. The application drains the outbox ([`Auth::take_deliveries`](crate::Auth::take_deliveries))
//! or gives a callback ([`Config::on_delivery`](crate::Config::on_delivery)), which a thread of ours runs. Whoever
//! asks in the name of nobody gets a decoy: the same row, written by the same work, which is never handed out.

mod drain;
mod letter;
mod outbox;
mod payload;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use drain::Drain;
pub(crate) use letter::{ENCLOSED, Enclosed, Letter};
pub(crate) use outbox::Outbox;

use crate::clock::Timestamp;
use crate::id::{DeliveryId, UserId};
use crate::plugin::Fields;

/// The delay after the first failed attempt; it doubles with each.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// The longest delay between two attempts.
const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// One message to send.
#[derive(Clone)]
pub struct Delivery {
    /// Its id, for settling it. The same at every attempt: a mail system that knows ids sends it once.
    pub id: DeliveryId,
    /// How it is sent: `email` for the core's own messages to identifiers of the rule `email`, otherwise what
    /// `provider.NAME.channel` or the kind says.
    pub channel: String,
    /// Where to: the address as its owner gave it, never one that somebody typed to ask for it.
    pub address: String,
    /// Which message: `recovery`, `verify`, `change_identifier`, `address_in_use`, `credentials_changed`, or one of a kind's
    /// own.
    pub template: String,
    /// What the message says: a token or a code among it.
    pub params: Fields,
    /// The realm.
    pub realm: String,
    /// The provider name.
    pub provider: String,
    /// The user, where it is somebody's already.
    pub user_id: Option<UserId>,
    /// Which attempt this is, from 1.
    pub attempts: u32,
    /// When it is worth nothing any more: not sent after that.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the address nor what is said to it.
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .field("template", &self.template)
            .field("provider", &self.provider)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// How an attempt to send a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settlement {
    /// It is on its way: it is removed.
    Delivered,
    /// It cannot be sent, now or ever (no such mailbox): it is removed and the operator is told.
    Failed,
    /// Not now: it is handed out again after a while, 10 s at first, doubling up to an hour, until it expires.
    Retry,
}

/// Sends one message: called on a thread of ours, one message at a time. It may block, as long as two minutes; what
/// takes longer may be handed out twice. It may call operations, but neither `stop` nor `before_fork`. A panic counts as
/// [`Settlement::Retry`].
pub type DeliveryCallback = Arc<dyn Fn(&Delivery) -> Settlement + Send + Sync>;

/// How long after the attempt with this number a message waits.
fn back_off(attempts: u32) -> Duration {
    let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_RETRY.saturating_mul(doubled).min(LONGEST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_waits_longer_after_each_attempt_up_to_an_hour() {
        let seconds = [0, 1, 2, 3, 9, 10, 40, u32::MAX].map(|n| back_off(n).as_secs());
        assert_eq!(seconds, [10, 10, 20, 40, 2560, 3600, 3600, 3600]);
    }
}
