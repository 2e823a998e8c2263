//! The outbox: letters become sealed rows; rows that are due become deliveries, decoys excepted.

use std::sync::Arc;
use std::time::Duration;

use super::letter::Letter;
use super::payload::Payload;
use super::{Delivery, Settlement, back_off};
use crate::clock::{Clock, Timestamp};
use crate::error::Result;
use crate::event::{Event, EventName, Events};
use crate::id::DeliveryId;
use crate::keys::KeyRing;
use crate::rng::Random;
use crate::store::{DeliveryEnd, QueuedDelivery, Store};

/// How often one call looks for rows: each look that finds decoys only removes them.
const LOOKS: usize = 16;

/// The outbox of one context.
pub(crate) struct Outbox {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
}

impl Outbox {
    /// The row of a letter, due at once.
    pub(crate) fn row(&self, letter: &Letter<'_>, now: Timestamp) -> Result<QueuedDelivery> {
        let id = DeliveryId::generate(now, &*self.random)?;
        let payload = Payload::new(
            [letter.channel, letter.address, letter.template],
            &letter.params,
            letter.enclosed.as_ref(),
            [letter.realm, letter.provider],
            letter.decoy,
        );
        Ok(QueuedDelivery {
            id,
            user_id: letter.user_id.filter(|_| !letter.decoy),
            payload: payload.seal(&self.keys, &*self.random, id)?,
            due_at: now,
            attempts: 0,
            expires_at: letter.expires_at,
        })
    }

    /// Takes messages that are due, so that nobody else does for `lease`.
    pub(crate) async fn take(&self, limit: u32, lease: Duration) -> Result<Vec<Delivery>> {
        let mut taken = Vec::new();
        for _ in 0..LOOKS {
            let wanted = limit.saturating_sub(u32::try_from(taken.len()).unwrap_or(limit));
            if wanted == 0 {
                break;
            }
            let now = self.clock.now();
            let rows = self.store.take_deliveries(wanted, now.plus(lease), now).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                taken.extend(self.open(row).await?);
            }
        }
        Ok(taken)
    }

    /// What a row says; nothing for a decoy, which has served.
    async fn open(&self, row: QueuedDelivery) -> Result<Option<Delivery>> {
        let opened = Payload::open(&self.keys, row.id, &row.payload)
            .and_then(|payload| Ok((payload.params()?, payload)));
        let (params, payload) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // Sealed with a key that is not here yet, perhaps: somebody may open it later.
                tracing::warn!(delivery = %row.id, %error, "a delivery cannot be opened");
                let later = DeliveryEnd::DueAt(self.clock.now().plus(back_off(row.attempts)));
                self.store.settle_delivery(row.id, row.attempts, later).await?;
                return Ok(None);
            }
        };
        if payload.decoy {
            self.store
                .settle_delivery(row.id, row.attempts, DeliveryEnd::Done)
                .await?;
            return Ok(None);
        }
        Ok(Some(Delivery {
            id: row.id,
            channel: payload.channel.clone(),
            address: payload.address.clone(),
            template: payload.template.clone(),
            params,
            realm: payload.realm.clone(),
            provider: payload.provider.clone(),
            user_id: row.user_id,
            attempts: row.attempts,
            expires_at: row.expires_at,
        }))
    }

    /// Ends an attempt. False: it was handed out again since, or is gone.
    pub(crate) async fn settle(&self, id: DeliveryId, attempt: u32, how: Settlement) -> Result<bool> {
        let end = match how {
            Settlement::Delivered | Settlement::Failed => DeliveryEnd::Done,
            Settlement::Retry => DeliveryEnd::DueAt(self.clock.now().plus(back_off(attempt))),
        };
        let settled = self.store.settle_delivery(id, attempt, end).await?;
        if settled && how == Settlement::Failed {
            self.events.emit(&Event {
                name: EventName::DeliveryFailed,
                at: self.clock.now(),
                realm: String::new(),
                user_id: None,
                sign_in_id: None,
                provider: None,
                reason: Some(id.to_string()),
                count: 1,
                address: String::new(),
                origin: None,
            });
        }
        Ok(settled)
    }
}
