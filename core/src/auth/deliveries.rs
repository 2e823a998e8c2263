//! Deliveries: what the application takes from the outbox, and the letters that the core itself puts there.

use std::time::Duration;

use super::Auth;
use super::call::Call;
use crate::delivery::{Delivery, Letter, Settlement};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventName;
use crate::flow::FLOW_TTL;
use crate::id::{DeliveryId, UserId};
use crate::plugin::{Fields, Verdict};
use crate::provider::Provider;
use crate::store::{ChangeStep, Identity, QueuedDelivery};

/// Most messages of one call.
const MAX_TAKEN: u32 = 1000;
/// The shortest and the longest lease.
const LEASES: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
/// How long a notice is worth sending.
const NOTICE_TTL: Duration = Duration::from_hours(3 * 24);
/// Addresses that are told of one change at most.
const MAX_NOTICES: usize = 4;

impl Auth {
    /// Takes messages to send, the longest due first. Nobody else is given them for `lease`; settle each when it is
    /// sent or not. What is not settled is handed out again after that: a message is sent at least once.
    ///
    /// `limit` is 1 to 1000, `lease` 1 s to 1 h: longer than sending all of them takes.
    ///
    /// # Errors
    /// `InvalidArgument` for a limit or a lease out of range; `Unavailable`.
    pub async fn take_deliveries(&self, limit: u32, lease: Duration) -> Result<Vec<Delivery>> {
        if !(1..=MAX_TAKEN).contains(&limit) || !LEASES.contains(&lease) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("`limit` takes 1 to {MAX_TAKEN} and `lease` 1 s to 1 h"),
            ));
        }
        let call = self.enter().await?;
        call.context.outbox.take(limit, lease).await
    }

    /// Says how the attempt with this number (`Delivery::attempts`) ended. False: the lease was over and it was handed
    /// out again, or it is gone; nothing happens then.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn settle_delivery(&self, id: DeliveryId, attempt: u32, how: Settlement) -> Result<bool> {
        let call = self.enter().await?;
        call.context.outbox.settle(id, attempt, how).await
    }
}

impl Call<'_> {
    /// The row of a letter that the core writes.
    pub(super) fn letter(&self, letter: &Letter<'_>) -> Result<QueuedDelivery> {
        self.context.outbox.row(letter, self.now)
    }

    /// The rows of the messages that a kind wrote. A decoy's are stored and never sent.
    pub(super) fn messages(
        &self,
        provider: &Provider,
        verdict: &Verdict,
        user_id: Option<UserId>,
        decoy: bool,
    ) -> Result<Vec<QueuedDelivery>> {
        let rows = verdict.messages.iter().map(|message| {
            self.letter(&Letter {
                channel: &message.channel,
                address: &String::from_utf8_lossy(message.address.expose()),
                template: &message.template,
                params: message.params.clone(),
                realm: self.realm,
                provider: &provider.name,
                user_id,
                decoy,
                expires_at: self.now.plus(message.lifetime.unwrap_or(FLOW_TTL)),
            })
        });
        rows.collect()
    }

    /// Tells a user's addresses, the old ones and the new, that credentials or an identifier were changed: an owner who
    /// did not do it learns of it (NIST SP 800-63B-4 section 4.6).
    pub(super) fn notices(
        &self,
        event: EventName,
        provider: &Provider,
        held: &[Identity],
        steps: &[ChangeStep],
    ) -> Result<Vec<QueuedDelivery>> {
        let what = match event {
            EventName::IdentifierChanged => "identifier",
            _ => "credentials",
        };
        let added = steps.iter().filter_map(|step| match step {
            ChangeStep::AddIdentity(identity) => Some(identity),
            _ => None,
        });
        // The provider that is concerned comes first: its addresses are told in any case.
        let (own, others): (Vec<&Identity>, Vec<&Identity>) = added
            .chain(held)
            .partition(|identity| identity.at.provider == provider.name);
        let mut told: Vec<(&str, &[u8])> = Vec::new();
        let mut rows = Vec::new();
        for identity in own.into_iter().chain(others) {
            // A name that is not configured any more has no channel.
            let Ok(named) = self.provider(&identity.at.provider) else {
                continue;
            };
            let Some(channel) = named.channel.as_deref() else {
                continue;
            };
            let to = (channel, identity.at.canonical.as_slice());
            if told.contains(&to) || told.len() >= MAX_NOTICES {
                continue;
            }
            told.push(to);
            rows.push(self.letter(&Letter {
                channel,
                address: &String::from_utf8_lossy(&identity.raw),
                template: "credentials_changed",
                params: Fields::from([("what", what), ("provider", provider.name.as_str())]),
                realm: self.realm,
                provider: &identity.at.provider,
                user_id: Some(identity.user_id),
                decoy: false,
                expires_at: self.now.plus(NOTICE_TTL),
            })?);
        }
        Ok(rows)
    }
}
