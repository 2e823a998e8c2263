//! Charges: what a stranger makes the program store or send is paid for before it is stored, whatever comes of it, and
//! never given back.

use std::time::Duration;

use super::call::Call;
use crate::error::Result;
use crate::id::UserId;
use crate::store::{ThrottleKey, ThrottleStep, Throttled};
use crate::throttle::{Counter, Origin};

impl Call<'_> {
    /// Charges all of these counters, or none: `Some` is how long one of them is closed.
    pub(super) async fn charge(&self, keys: Vec<ThrottleKey>) -> Result<Option<Duration>> {
        if keys.is_empty() || !self.context.settings.throttle.enabled {
            return Ok(None);
        }
        let now = self.context.now();
        let rows = self
            .store()
            .throttles(keys.iter().map(|key| key.bucket).collect())
            .await?;
        // What is closed takes no write lock.
        let waits = keys.iter().zip(&rows).map(|(key, row)| row.wait(&key.law, now));
        if let Some(wait) = waits.max().filter(|wait| !wait.is_zero()) {
            return Ok(Some(wait));
        }
        let charges = keys.into_iter().map(ThrottleStep::Charge).collect();
        Ok(match self.store().throttle(charges, now).await? {
            Throttled::Closed(wait) => Some(wait),
            Throttled::Done | Throttled::Lost => None,
        })
    }

    fn counter(&self, counter: Counter, parts: &[&[u8]]) -> ThrottleKey {
        self.context.settings.throttle.key(counter, self.realm, parts)
    }

    /// A flow that is stored before anything was proved.
    pub(super) async fn charge_begin(&self, user: Option<(UserId, i64)>) -> Result<Option<Duration>> {
        let from = self.origin(user);
        let keys = match from.known {
            Some(user) => vec![self.counter(Counter::BeginDevice, &[user.as_bytes()])],
            None => self.networks(
                &from,
                &[(Counter::Begin, from.network), (Counter::Begin48, from.network48)],
            ),
        };
        self.charge(keys).await
    }

    /// A user that is made.
    pub(super) async fn charge_sign_up(&self) -> Result<Option<Duration>> {
        let from = self.origin(None);
        self.charge(self.networks(&from, &[(Counter::SignUp, from.network)]))
            .await
    }

    /// A change that asks about identifiers: by the user, who else could look for others'.
    pub(super) async fn charge_change(&self, user: UserId) -> Result<Option<Duration>> {
        self.charge(vec![self.counter(Counter::Change, &[user.as_bytes()])])
            .await
    }

    /// A message to an address. False: it is not to be sent, and nobody is told.
    pub(super) async fn charge_message(&self, message: &Message<'_>) -> Result<bool> {
        let from = self.origin(message.by.or(message.owner));
        let mut keys = Vec::new();
        if let Some(user) = from.known {
            keys.push(self.counter(Counter::ToDevice, &[user.as_bytes()]));
        } else {
            let address = message.address.to_ascii_lowercase();
            let counter = if message.is_code {
                Counter::ToCode
            } else {
                Counter::To
            };
            keys.push(self.counter(counter, &[&address, message.purpose.as_bytes()]));
            keys.extend(self.networks(&from, &[(Counter::MailNet, from.network)]));
        }
        // An address that no user has is counted by its domain; for any other the same row is written elsewhere.
        let domain = message
            .address
            .rsplit(|byte| *byte == b'@')
            .next()
            .unwrap_or_default();
        let domain = domain.to_ascii_lowercase();
        let (whose, domain): (&[u8], &[u8]) = match message.owner {
            None => (b"nobody", &domain),
            Some(_) => (b"somebody", message.address),
        };
        keys.push(self.counter(Counter::MailDomain, &[whose, domain]));
        Ok(self.charge(keys).await?.is_none())
    }

    fn networks(&self, from: &Origin<'_>, counters: &[(Counter, &str)]) -> Vec<ThrottleKey> {
        debug_assert!(from.known.is_none(), "known devices have counters of their own");
        (counters.iter())
            .filter(|(_, network)| !network.is_empty())
            .map(|(counter, network)| self.counter(*counter, &[network.as_bytes()]))
            .collect()
    }
}

/// A message that is about to be written.
pub(super) struct Message<'a> {
    pub(super) address: &'a [u8],
    /// Its purpose, or the provider whose code it is.
    pub(super) purpose: &'a str,
    pub(super) is_code: bool,
    /// Who proved to be somebody and wants it.
    pub(super) by: Option<(UserId, i64)>,
    /// Whose address it is.
    pub(super) owner: Option<(UserId, i64)>,
}
