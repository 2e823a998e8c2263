//! The context: cold (configuration read, plugins opened; no threads, no sockets) or started, in one process.

mod agreement;
mod audit;
mod start;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use self::audit::KindAudit;
use super::double::Double;
use super::engine;
use super::first_key::FirstKey;
use super::life::Life;
use crate::clock::{Clock, CorrectedClock, Timestamp};
use crate::config::{Config, Ports, Settings};
use crate::delivery::{Drain, Outbox};
use crate::egress::Egress;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName, Events};
use crate::governor::Governor;
use crate::kept::KeptKeys;
use crate::keys::KeyRing;
use crate::metrics::Metrics;
use crate::password::{Hasher, PasswordPolicy};
use crate::plugin::{Kinds, PoolSettings, Services};
use crate::policy::Names;
use crate::proof::Issuer;
use crate::provider::Providers;
use crate::rng::Random;
use crate::session::Sessions;
use crate::store::{Bounded, Store};
use crate::throttle::{Here, KindLimits, Slots};

/// Numbers the contexts of a process.
static CONTEXTS: AtomicU64 = AtomicU64::new(1);

/// Everything that operations stand on. Shared by all handles of one context.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) clock: Arc<CorrectedClock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: Arc<KeyRing>,
    /// The key that the first start makes, where none are configured.
    first_key: Option<FirstKey>,
    pub(super) kinds: Kinds,
    pub(super) providers: Providers,
    pub(super) sessions: Sessions,
    pub(super) events: Events,
    pub(super) metrics: Arc<Metrics>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) drain: Drain,
    pub(super) governor: Governor,
    pub(super) slots: Slots,
    pub(super) double: Double,
    pub(super) here: Here,
    /// Set when forwarding headers of an unlisted peer have been told.
    proxy_told: AtomicBool,
    /// Tells contexts of one process apart in proofs.
    number: u64,
    life: Life,
}

/// Where each provider name may go.
fn egress(settings: &Settings) -> Result<Egress> {
    let of_each = settings
        .providers
        .iter()
        .map(|one| (one.name.as_str(), &one.egress));
    Egress::new(of_each)
}

/// What kinds may use of the context.
fn services(
    settings: &Settings,
    Outbox {
        store,
        keys,
        random,
        events,
        ..
    }: &Outbox,
    clock: &Arc<CorrectedClock>,
    governor: &Governor,
) -> Result<Services> {
    let hasher = Hasher::new(
        settings.password.clone(),
        governor.clone(),
        keys.clone(),
        random.clone(),
    )?;
    Ok(Services {
        clock: clock.clone(),
        random: random.clone(),
        keys: Some(keys.clone()),
        audit: Some(Arc::new(KindAudit {
            events: events.clone(),
            clock: clock.clone(),
        })),
        hasher: Some(hasher),
        egress: Some(Arc::new(egress(settings)?)),
        kv: Some(Arc::new(KeptKeys::new(
            store.clone(),
            keys.clone(),
            clock.clone(),
            random.clone(),
            settings.kept,
        ))),
        limits: Some(Arc::new(KindLimits {
            store: store.clone(),
            clock: clock.clone(),
            settings: settings.throttle.clone(),
        })),
        policy: Some(Arc::new(PasswordPolicy::new(
            &settings.password_policy,
            settings.second_factor_rule,
        )?)),
        told: settings.told,
    })
}

impl Context {
    /// Makes a cold context.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let settings = config.settings()?;
        let Ports {
            clock: system,
            random,
            store: own_store,
            events: callback,
            deliver,
            plugins,
            planted: _,
        } = config.ports().clone();
        let clock = Arc::new(CorrectedClock::new(system.clone()));
        let store = own_store.map_or_else(|| engine::open(&settings, &system, &clock), Ok)?;
        let metrics = Arc::<Metrics>::default();
        let store: Arc<dyn Store> = Arc::new(Bounded::timed(store, settings.store.deadline, metrics.clone()));
        let (keys, first_key) = open_keys(&settings, &*random)?;
        let events = Events::to(callback, metrics.clone());
        let outbox = Arc::new(Outbox {
            store: store.clone(),
            keys: keys.clone(),
            random: random.clone(),
            clock: clock.clone(),
            events: events.clone(),
        });
        let drain = Drain::new(deliver, &outbox);
        let governor = Governor::new(&settings.hashing, system)?;
        let services = services(&settings, &outbox, &clock, &governor)?;
        let kinds = Kinds::load(&settings.plugins, &plugins, services, PoolSettings::for_machine())?;
        let providers = Providers::open(&settings.providers, &kinds, settings.hashing_deadline)?;
        Names {
            providers: &providers,
            policy: &settings.policy,
        }
        .check()?;
        let slots = Slots::new(clock.clone());
        let sessions = Sessions::new(
            store.clone(),
            clock.clone(),
            random.clone(),
            settings.session.clone(),
        )?;
        Ok(Self {
            settings,
            clock,
            random,
            store,
            keys,
            first_key,
            kinds,
            providers,
            sessions,
            events,
            metrics,
            outbox,
            drain,
            governor,
            slots,
            double: Double::default(),
            here: Here::default(),
            proxy_told: AtomicBool::new(false),
            number: CONTEXTS.fetch_add(1, Ordering::Relaxed),
            life: Life::cold(),
        })
    }

    /// Now, as the database sees it.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells once that a peer forwards whose word does not count.
    pub(super) fn tell_unlisted_proxy(&self, realm: &str, address: &str) {
        if self.proxy_told.swap(true, Ordering::Relaxed) {
            return;
        }
        self.events.emit(&Event {
            name: EventName::ProxyUnlisted,
            at: self.now(),
            realm: realm.into(),
            user_id: None,
            sign_in_id: None,
            provider: None,
            reason: Some("trusted_proxies".into()),
            count: 1,
            address: address.into(),
            origin: None,
        });
    }

    pub(super) fn issuer(&self) -> Issuer {
        Issuer {
            context: self.number,
            process: std::process::id(),
        }
    }
}

/// Reads the key ring; where the first start is to make the key, it is read then.
fn open_keys(settings: &Settings, random: &dyn Random) -> Result<(Arc<KeyRing>, Option<FirstKey>)> {
    let first = FirstKey::of(settings);
    let ring = if !settings.keys.is_empty() {
        KeyRing::load(&settings.keys, settings.allow_missing_keys)?
    } else if settings.store.is_server() {
        return Err(Error::new(
            ErrorKind::Configuration,
            "`keys` is required with a server database: keys = [{ id = \"k1\", file = \"/etc/doorward/k1.key\" }]; such a \
             file holds what `openssl rand -hex 32` prints",
        ));
    } else {
        match &first {
            Some(first) => first.open(settings.allow_missing_keys)?,
            None => KeyRing::ephemeral(random)?,
        }
    };
    Ok((Arc::new(ring), first))
}

#[cfg(test)]
mod tests;
