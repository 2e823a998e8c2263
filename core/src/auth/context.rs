//! The context: cold (configuration read, plugins opened; no threads, no sockets) or started, in one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::double::Double;
use super::engine;
use super::first_key::FirstKey;
use super::life::{Life, Stage};
use crate::clock::{Clock, CorrectedClock, Timestamp};
use crate::config::{Config, Ports, Settings};
use crate::delivery::{Drain, Outbox};
use crate::egress::Egress;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName, Events};
use crate::forked::{self, Left};
use crate::governor::Governor;
use crate::kept::KeptKeys;
use crate::keys::KeyRing;
use crate::metrics::Metrics;
use crate::password::{Hasher, PasswordPolicy};
use crate::plugin::{Audit, Kinds, PoolSettings, Services};
use crate::policy::Names;
use crate::proof::Issuer;
use crate::provider::Providers;
use crate::rng::Random;
use crate::session::Sessions;
use crate::store::{Agreed, Bounded, SchemaState, Store};
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
        let hasher = Hasher::new(
            settings.password.clone(),
            governor.clone(),
            keys.clone(),
            random.clone(),
        )?;
        let services = Services {
            clock: clock.clone(),
            random: random.clone(),
            keys: Some(keys.clone()),
            audit: Some(Arc::new(KindAudit {
                events: events.clone(),
                clock: clock.clone(),
            })),
            hasher: Some(hasher),
            egress: Some(Arc::new(egress(&settings)?)),
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
        };
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

    /// Checks that operations may run in this process; starts again after a quiesced fork.
    pub(super) async fn ready(&self) -> Result<()> {
        let here = std::process::id();
        match self.life.stage() {
            Stage::Started { process } if process == here => Ok(()),
            Stage::Moving { process } if process == here => {
                self.life.settled().await;
                Box::pin(self.ready()).await
            }
            Stage::Started { .. } | Stage::Moving { .. } => Err(self.forked()),
            Stage::Quiesced => self.start().await,
            Stage::Cold => Err(Error::new(
                ErrorKind::InvalidState,
                "the context is not started: call start first",
            )),
            Stage::Stopped => Err(Error::new(
                ErrorKind::InvalidState,
                "the context was stopped, by stop or by the end of a `with` block: call start to use it again",
            )),
        }
    }

    /// Starts threads and connections in this process. Starting twice is fine, also at the same time: one starts, the
    /// others wait for it.
    pub(super) async fn start(&self) -> Result<()> {
        let here = std::process::id();
        loop {
            let stage = self.life.stage();
            match stage {
                Stage::Started { process } if process == here => return Ok(()),
                Stage::Moving { process } if process == here => self.life.settled().await,
                Stage::Started { .. } | Stage::Moving { .. } => return Err(self.forked()),
                Stage::Cold | Stage::Quiesced | Stage::Stopped => {
                    let Some(mut moving) = self.life.begin(stage) else {
                        continue;
                    };
                    self.start_here().await?;
                    moving.leads_to(Stage::Started { process: here });
                    return Ok(());
                }
            }
        }
    }

    async fn start_here(&self) -> Result<()> {
        self.governor.check()?;
        self.governor.after_fork();
        self.metrics.begin();
        self.start_store().await?;
        let started = match self.prepare().await {
            Ok(()) => self.kinds.start().and_then(|()| self.drain.start()),
            refused => refused,
        };
        if started.is_err() {
            // A start that fails leaves nothing running; what went wrong is the answer, not how the stop went.
            self.drain.stop();
            self.kinds.stop();
            let _: std::result::Result<(), _> = self.store.stop().await;
        }
        started
    }

    /// Opens the database, with the key that a first start makes or left.
    async fn start_store(&self) -> Result<()> {
        if let Some(first) = &self.first_key {
            first.begin(&self.keys, &*self.random)?;
        }
        Ok(self.store.start().await?)
    }

    /// Gives the key its name, once there is a schema that it belongs to.
    async fn finish_first_start(&self) -> Result<()> {
        match &self.first_key {
            Some(first) if self.store.schema().await?.found > 0 => first.finish(),
            _ => Ok(()),
        }
    }

    /// Schema, clock and agreement, before the first operation.
    async fn prepare(&self) -> Result<()> {
        let SchemaState { found, current } = self.store.schema().await?;
        if found < current && self.settings.store.migrate {
            self.store.migrate().await?;
        } else if found != current {
            return Err(Error::new(
                ErrorKind::SchemaMismatch,
                format!(
                    "the database has schema {found}, this release needs {current}: run `migrate`, or set `migrate = true`"
                ),
            ));
        }
        self.check_keys().await?;
        let disagreements = self.store.agree(self.agreed(), false, self.now()).await?;
        match disagreements.first() {
            None => self.finish_first_start().await,
            Some(first) => Err(Error::new(
                ErrorKind::Disagreement,
                format!(
                    "`{}` is `{}` here and `{}` in the database: make them equal, or run `doorward agree {}`",
                    first.name, first.ours, first.stored, first.name
                ),
            )),
        }
    }

    /// Every key that the database names must be here, unless absent ones are allowed.
    async fn check_keys(&self) -> Result<()> {
        if self.settings.allow_missing_keys {
            return Ok(());
        }
        for item in self.store.agreed("key/".into()).await? {
            let id = item.name.trim_start_matches("key/");
            if !self.keys.has(id) {
                return Err(Error::new(
                    ErrorKind::KeyMissing,
                    format!(
                        "the database was sealed with key \"{id}\", which is not in `keys`: add it, or set \
                         `allow_missing_keys = true` to go on without what it sealed"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// What must be equal in all processes.
    fn agreed(&self) -> Vec<Agreed> {
        let mut items = self.providers.agreed();
        let session = &self.settings.session;
        items.push(Agreed {
            name: "session".into(),
            value: format!(
                "access_ttl={} grace={} idle_ttl={} absolute_ttl={} max_sign_ins={}",
                session.access_ttl.as_millis(),
                session.grace.as_millis(),
                session.idle_ttl.as_millis(),
                session.absolute_ttl.as_millis(),
                session.max_sign_ins
            ),
        });
        let mut unique = self.settings.unique_attributes.clone();
        unique.sort();
        items.push(Agreed {
            name: "attributes/unique".into(),
            value: unique.join(","),
        });
        items.extend(self.keys.ids().map(|id| Agreed {
            name: format!("key/{id}"),
            value: self.keys.check_value(id),
        }));
        items
    }

    /// Brings the schema to this release, started or not.
    pub(super) async fn migrate(&self) -> Result<()> {
        self.with_store(async { Ok(self.store.migrate().await?) }).await
    }

    /// Overwrites one agreed item with what this process has, started or not: what it mends refuses a start.
    pub(super) async fn agree(&self, name: &str) -> Result<()> {
        let Some(item) = self.agreed().into_iter().find(|item| item.name == name) else {
            let message = format!("this configuration has no item `{name}` to agree on");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        self.with_store(async { Ok(self.store.agree(vec![item], true, self.now()).await?) })
            .await?;
        Ok(())
    }

    /// Works with the store alone, which is started for it if nothing else has.
    async fn with_store<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.life.settled().await;
        let stage = self.life.stage();
        match stage {
            Stage::Started { process } if process == std::process::id() => return work.await,
            Stage::Started { .. } | Stage::Moving { .. } => return Err(self.forked()),
            Stage::Cold | Stage::Quiesced | Stage::Stopped => {}
        }
        // Nobody may start or stop meanwhile: what is opened here is closed here.
        let Some(_moving) = self.life.begin(stage) else {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "the context is being started or stopped: try again",
            ));
        };
        self.start_store().await?;
        let done = match work.await {
            Ok(done) => self.finish_first_start().await.map(|()| done),
            refused => refused,
        };
        self.store.stop().await?;
        done
    }

    fn forked(&self) -> Error {
        let left = match self.settings.store.sqlite_file() {
            Some(_) => Left::Sqlite,
            None => Left::Nothing,
        };
        Error::new(ErrorKind::ForkedContext, forked::told("this context", left))
    }

    /// Stops threads and connections; queued writes are written first.
    pub(super) async fn stop(&self) -> Result<()> {
        self.halt(Stage::Stopped).await
    }

    /// Stops for a fork: both sides start again by themselves at their next call.
    pub(super) async fn quiesce(&self) -> Result<()> {
        self.halt(Stage::Quiesced).await
    }

    async fn halt(&self, to: Stage) -> Result<()> {
        loop {
            self.life.settled().await;
            let stage = self.life.stage();
            let started = stage
                == Stage::Started {
                    process: std::process::id(),
                };
            let stops_for_good = to == Stage::Stopped && matches!(stage, Stage::Quiesced | Stage::Cold);
            if !started && !stops_for_good {
                // What a parent started cannot be stopped here, and what is not started need not be.
                return Ok(());
            }
            // Before the context moves: a callback under way may be in an operation, which would wait for the move.
            if started {
                self.drain.stop();
            }
            let Some(mut moving) = self.life.begin(stage) else {
                continue;
            };
            moving.leads_to(to);
            if !started {
                return Ok(());
            }
            // No new call begins from here on: those under way fail or finish with the store.
            self.kinds.stop();
            if to == Stage::Stopped {
                self.governor.stop();
            } else {
                self.governor.before_fork();
            }
            if to == Stage::Quiesced {
                self.store.quiesce().await?;
            } else {
                self.store.stop().await?;
            }
            return Ok(());
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

/// Turns what kinds report into events.
struct KindAudit {
    events: Events,
    pub(super) clock: Arc<CorrectedClock>,
}

impl KindAudit {
    fn emit(&self, name: EventName, provider: Option<&str>, reason: String) {
        self.events.emit(&Event {
            name,
            at: self.clock.now(),
            realm: String::new(),
            user_id: None,
            sign_in_id: None,
            provider: provider.map(Into::into),
            reason: Some(reason),
            count: 1,
            address: String::new(),
            origin: None,
        });
    }
}

impl Audit for KindAudit {
    fn audit(&self, provider: &str, event: &str, detail: &str) {
        let reason = if detail.is_empty() {
            event.to_owned()
        } else {
            format!("{event} {detail}")
        };
        self.emit(EventName::PluginAudit, Some(provider), reason);
    }

    fn plugin_loaded(&self, detail: &str) {
        self.emit(EventName::PluginLoaded, None, detail.to_owned());
    }

    fn plugin_replaced(&self, provider: &str, why: &str) {
        self.emit(EventName::PluginReplaced, Some(provider), why.to_owned());
    }

    fn plugin_refused(&self, why: &str) {
        self.emit(EventName::PluginRefused, None, why.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Auth;
    use crate::blocking::block_on;
    use crate::plugin::Fields;

    /// Sign-ins of so many people at once while no hash ends: how many are told that there is no room.
    fn turned_away(queue: usize, people: usize) -> usize {
        let text = format!(
            "database = 'memory:'\nhashing.queue = {queue}\nhashing.budget_mib = 1\npassword.memory_kib = 64\n\
             password.passes = 1\npassword.unsafe_fast_hashes = true\nthrottle.enabled = false\n\
             provider.email.kind = 'password'\n"
        );
        let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap();
        block_on(auth.start()).unwrap();
        let governor = &auth.context.governor;
        let (leave, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let workers = std::thread::available_parallelism()
            .map_or(1, std::num::NonZero::get)
            .min(16);
        let mut tickets = Vec::new();
        for held in 1..=workers {
            let wait = wait.clone();
            tickets.push(governor.submit(64, std::time::Duration::from_mins(1), move |_| {
                let held = wait.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                Ok(held.recv().is_ok())
            }));
            while governor.usage().running < held {
                std::thread::yield_now();
            }
        }
        let mut away = 0;
        let mut waiting = Vec::new();
        for person in 0..people {
            let auth = auth.clone();
            let mut asks = Box::pin(async move {
                let with = Fields::from([("password", "wrong")]);
                let email = format!("p{person}@example.com");
                auth.authenticate("email", Some(email.as_bytes()), with).await
            });
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            match asks.as_mut().poll(&mut cx) {
                std::task::Poll::Ready(Err(error)) if error.kind() == ErrorKind::Overloaded => away += 1,
                std::task::Poll::Ready(other) => panic!("{other:?}"),
                std::task::Poll::Pending => waiting.push(asks),
            }
        }
        drop(leave);
        for ticket in tickets {
            let _: Result<bool> = ticket.wait();
        }
        drop(waiting);
        away
    }

    #[test]
    fn as_many_wait_for_a_hash_as_the_queue_says() {
        // Beside those in the queue there may be one in the hand of each of the kind's threads.
        let threads = PoolSettings::for_machine().threads;
        assert_eq!(turned_away(1_000, 600), 0);
        let away = turned_away(16, 600);
        assert!((600 - 16 - threads..=600 - 16).contains(&away), "{away}");
    }

    #[test]
    fn an_overload_is_told_before_anybody_is_looked_up_or_counted() {
        let text = "database = 'memory:'\nhashing.queue = 1\nhashing.budget_mib = 1\n\
                    password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
                    throttle.id.free = 1\nprovider.email.kind = 'password'\n";
        let auth = Auth::open(&Config::from_toml(text).unwrap()).unwrap();
        block_on(auth.start()).unwrap();
        let governor = &auth.context.governor;
        // One job that waits for its leave in each thread, and one more in the queue.
        let (leave, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let mut tickets = Vec::new();
        let workers = std::thread::available_parallelism()
            .map_or(1, std::num::NonZero::get)
            .min(16);
        // Full is seen in one look. In two, a worker takes the queued job between them: then there is room again, and
        // the first sign-in below waits there until its deadline.
        let full = || {
            let usage = governor.usage();
            usage.running == workers && usage.queued == 1
        };
        while !full() {
            if !governor.has_room() {
                std::thread::yield_now();
                continue;
            }
            let wait = wait.clone();
            tickets.push(governor.submit(64, std::time::Duration::from_mins(1), move |_| {
                let held = wait.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                Ok(held.recv().is_ok())
            }));
        }
        let sign_in = || {
            let with = Fields::from([("password", "wrong")]);
            block_on(auth.authenticate("email", Some(b"a@example.com"), with))
        };
        for _ in 0..3 {
            // These are the words of the shedding, not those of a queue that was full at the end.
            let error = sign_in().unwrap_err();
            assert!(error.message().contains("hashing.queue"), "{error}");
        }
        drop(leave);
        for ticket in tickets {
            let _: Result<bool> = ticket.wait();
        }
        assert_eq!(sign_in().unwrap().outcome.id(), "refused");
    }
}
