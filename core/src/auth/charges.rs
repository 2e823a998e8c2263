//! Charges: what a stranger makes the program store or send is paid for in the transaction that stores it, before it,
//! and never given back.

use std::time::Duration;

use super::call::Call;
use crate::clock::Clock as _;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::id::UserId;
use crate::plugin::Verdict;
use crate::provider::Provider;
use crate::store::{Hash, Post, Posted, ThrottleKey};
use crate::throttle::{Counter, Origin, key_of_kind};

/// The counters that a write is charged to, all open a moment ago; or how long one of them is closed.
pub(super) type Charges = std::result::Result<Vec<ThrottleKey>, Duration>;

impl Call<'_> {
    /// What is closed takes no write lock. What is open may be closed by the time of the write, which says so.
    async fn open(&self, keys: Vec<ThrottleKey>) -> Result<Charges> {
        let buckets: Vec<Hash> = keys.iter().map(|key| key.bucket).collect();
        if buckets.is_empty() {
            return Ok(Ok(keys));
        }
        let rows = self.store().throttles(buckets).await?;
        let now = self.context.now();
        let waits = keys.iter().zip(&rows).map(|(key, row)| row.wait(&key.law, now));
        Ok(match waits.max().filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(wait),
            None => Ok(keys),
        })
    }

    /// The counters that a kind was told are open: charged with its messages, where they are stored.
    pub(super) fn limits(&self, provider: &Provider, verdict: &Verdict) -> Vec<ThrottleKey> {
        let is_on = self.context.settings.throttle.enabled;
        (verdict.limits.iter())
            .filter(|_| is_on)
            .map(|limit| key_of_kind(self.realm, &provider.name, limit))
            .collect()
    }

    /// One counter; nothing where throttling is off.
    fn counter(&self, counter: Counter, parts: &[&[u8]]) -> Option<ThrottleKey> {
        let settings = &self.context.settings.throttle;
        settings.enabled.then(|| settings.key(counter, self.realm, parts))
    }

    /// A flow that is stored before anything was proved.
    ///
    /// # Errors
    /// `Overloaded`, never for a known device: this process stores too many for strangers; `Unavailable`.
    pub(super) async fn begin_charges(&self, user: Option<(UserId, i64)>) -> Result<Charges> {
        let from = self.origin(user);
        if let Some(user) = from.known {
            let key = self.counter(Counter::BeginDevice, &[user.as_bytes()]);
            return self.open(key.into_iter().collect()).await;
        }
        let networks = &[(Counter::Begin, from.network), (Counter::Begin48, from.network48)];
        let charges = self.open(self.networks(&from, networks)).await?;
        let (settings, context) = (&self.context.settings.throttle, self.context);
        let law = settings.law(Counter::BeginAll);
        if settings.enabled && charges.is_ok() && !context.here.begins(&law, context.clock.monotonic()) {
            return Err(Error::new(
                ErrorKind::Overloaded,
                "too many flows are begun by strangers: try again (`throttle.begin_all`)",
            ));
        }
        Ok(charges)
    }

    /// A user that is made.
    pub(super) async fn sign_up_charges(&self) -> Result<Charges> {
        let from = self.origin(None);
        self.open(self.networks(&from, &[(Counter::SignUp, from.network)]))
            .await
    }

    /// A change that asks about identifiers: by the user, who else could look for others'.
    pub(super) async fn change_charges(&self, user: UserId) -> Result<Charges> {
        let key = self.counter(Counter::Change, &[user.as_bytes()]);
        self.open(key.into_iter().collect()).await
    }

    /// What a message costs.
    pub(super) fn postage(&self, message: &Message<'_>) -> Postage {
        let from = self.origin(message.by.or(message.owner));
        let mut keys = Vec::new();
        if let Some(user) = from.known {
            keys.extend(self.counter(Counter::ToDevice, &[user.as_bytes()]));
        } else {
            let address = message.address.to_ascii_lowercase();
            let counter = if message.is_code {
                Counter::ToCode
            } else {
                Counter::To
            };
            keys.extend(self.counter(counter, &[&address, message.purpose.as_bytes()]));
            keys.extend(self.networks(&from, &[(Counter::MailNet, from.network)]));
        }
        // An address that no user has is counted by its domain; for any other the same row is written elsewhere.
        let domain = message.address.rsplit(|byte| *byte == b'@').next();
        let domain = domain.unwrap_or_default().to_ascii_lowercase();
        let (whose, what): (&[u8], &[u8]) = match message.owner {
            None => (b"nobody", &domain),
            Some(_) => (b"somebody", message.address),
        };
        let by_domain = self.counter(Counter::MailDomain, &[whose, what]);
        keys.extend(by_domain);
        let domains = by_domain.filter(|_| message.owner.is_none());
        Postage {
            keys,
            domains: domains
                .map(|key| (key.bucket, String::from_utf8_lossy(&domain).into_owned()))
                .into_iter()
                .collect(),
        }
    }

    /// Tells the operator of a domain to which nobody is written any more; `Some`: nothing was written, and for how long
    /// nothing will be.
    pub(super) fn posted(&self, posted: Posted, domains: &[(Hash, String)]) -> Option<Duration> {
        match posted {
            Posted::Closed(wait) => return Some(wait),
            Posted::Withheld(bucket) => {
                if let Some((_, domain)) = domains.iter().find(|(closed, _)| *closed == bucket) {
                    self.emit(&Event {
                        reason: Some(domain.clone()),
                        ..self.event(EventName::MailDomainClosed)
                    });
                }
            }
            Posted::Done => {}
        }
        self.context.drain.poke();
        None
    }

    fn networks(&self, from: &Origin<'_>, counters: &[(Counter, &str)]) -> Vec<ThrottleKey> {
        debug_assert!(from.known.is_none(), "known devices have counters of their own");
        (counters.iter())
            .filter(|(_, network)| !network.is_empty())
            .filter_map(|(counter, network)| self.counter(*counter, &[network.as_bytes()]))
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

/// What messages are charged to.
#[derive(Default)]
pub(super) struct Postage {
    pub(super) keys: Vec<ThrottleKey>,
    /// Those of them that count a domain to which the program writes and nobody is known, with its name.
    pub(super) domains: Vec<(Hash, String)>,
}

/// The post of a write, and the domains that it may find closed.
#[derive(Default)]
pub(super) struct Letters {
    pub(super) post: Post,
    pub(super) domains: Vec<(Hash, String)>,
}
