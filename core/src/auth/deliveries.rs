//! Deliveries: what the application takes from the outbox, and the letters that the core itself puts there.

use std::time::Duration;

use super::Auth;
use super::call::Call;
use super::charges::{Letters, Message};
use super::links::{Link, params};
use crate::delivery::{Delivery, Letter, Settlement};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::FLOW_TTL;
use crate::id::{DeliveryId, UserId};
use crate::plugin::Verdict;
use crate::provider::Provider;
use crate::store::{Post, QueuedDelivery};

/// Most messages of one call.
const MAX_TAKEN: u32 = 1000;
/// The shortest and the longest lease.
const LEASES: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);

impl Auth {
    /// Takes messages to send, the longest due first. Nobody else is given them for `lease`; settle each when it is
    /// sent or not. What is not settled is handed out again after that: a message is sent at least once.
    ///
    /// `limit` is 1 to 1000, `lease` 1 s to 1 h: longer than sending all of them takes.
    ///
    /// # Errors
    /// `InvalidArgument` for a limit or a lease out of range; `Unavailable`.
    #[doc = include_str!("../../doc/operations/take_deliveries.md")]
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
    #[doc = include_str!("../../doc/operations/settle_delivery.md")]
    pub async fn settle_delivery(&self, delivery: DeliveryId, attempt: u32, how: Settlement) -> Result<bool> {
        let call = self.enter().await?;
        call.context.outbox.settle(delivery, attempt, how).await
    }
}

impl Call<'_> {
    /// The messages that a kind wrote, charged. `owner`: whose address it is; `decoy`: nobody's.
    pub(super) fn charged_letters(
        &self,
        provider: &Provider,
        verdict: &Verdict,
        owner: Option<(UserId, i64)>,
        decoy: bool,
        link: Option<Link>,
    ) -> Result<Letters> {
        let mut letters = Letters::default();
        letters.post.postage = self.limits(provider, verdict);
        for (at, message) in verdict.messages.iter().enumerate() {
            // Several at once to one address are one.
            let address = message.address.expose();
            let mut before = verdict.messages.iter().take(at);
            if before.any(|one| one.address.expose() == address) {
                continue;
            }
            let postage = self.postage(&Message {
                address,
                purpose: &provider.name,
                is_code: true,
                by: None,
                owner,
            });
            for key in postage.keys {
                if !letters.post.postage.contains(&key) {
                    letters.post.postage.push(key);
                }
            }
            letters.domains.extend(postage.domains);
        }
        let user = owner.map(|(user, _)| user);
        letters.post.deliveries = self.messages(provider, verdict, user, decoy, link.as_ref())?;
        letters.post.decoys = self.messages(provider, verdict, user, true, link.as_ref())?;
        letters.post.link = link.map(|link| link.token);
        Ok(letters)
    }

    /// The row of a letter that the core writes.
    pub(super) fn letter(&self, letter: &Letter<'_>) -> Result<QueuedDelivery> {
        self.context.outbox.row(letter, self.now)
    }

    /// What a kind wrote with new records, and the counters that it asked: charged in the change that queues the messages.
    pub(super) fn limited_messages(
        &self,
        provider: &Provider,
        verdict: &Verdict,
        user_id: UserId,
    ) -> Result<Post> {
        Ok(Post {
            deliveries: self.messages(provider, verdict, Some(user_id), false, None)?,
            postage: self.limits(provider, verdict),
            decoys: self.messages(provider, verdict, Some(user_id), true, None)?,
            ..Post::default()
        })
    }

    /// The rows of the messages that a kind wrote. A decoy's are stored and never sent.
    pub(super) fn messages(
        &self,
        provider: &Provider,
        verdict: &Verdict,
        user_id: Option<UserId>,
        decoy: bool,
        link: Option<&Link>,
    ) -> Result<Vec<QueuedDelivery>> {
        let rows = verdict.messages.iter().map(|message| {
            let enclosed = link.map(|link| link.beside(provider, message));
            self.letter(&Letter {
                channel: &message.channel,
                address: &String::from_utf8_lossy(message.address.expose()),
                template: &message.template,
                params: params(message, enclosed.as_ref()),
                enclosed,
                realm: self.realm,
                provider: &provider.name,
                user_id,
                decoy,
                expires_at: self.now.plus(message.lifetime.unwrap_or(FLOW_TTL)),
            })
        });
        rows.collect()
    }
}
