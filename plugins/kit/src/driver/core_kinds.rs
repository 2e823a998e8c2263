//! Through the core's own kinds, as an application would.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_base::clock::Timestamp;
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::{Error, ErrorKind};
use doorward_base::id::{AuthenticatorId, UserId};
use doorward_base::keys::KeyRing;
use doorward_base::rng::SystemRandom;
use doorward_base::secret::Secret;
use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Conditions, Memory};
use doorward_runtime::governor::{Governor, Settings};
use doorward_runtime::password::{Cost, Hasher, HasherSettings, Limits};
use doorward_runtime::{
    Audit, Decision, Fields, Kind, Kinds, Limit, Limiter, OpenRecord, Operation, PluginSettings,
    PoolSettings, Services, Verdict,
};
use serde_json::{Map, Value};

use super::{Asker, Loaded, Refused, Reply, Seen};
use crate::kind_view::KindView;

/// Longest answer that is waited for: the kind's own deadline is shorter.
const WAIT: Duration = Duration::from_secs(30);
/// Bytes that the core puts in front of a record: the format, big endian.
const FRAME: usize = 4;

/// The plugin through the core.
pub(crate) struct CoreKinds {
    kinds: Kinds,
    /// The kinds of this plugin, without the built-in ones.
    own: Vec<String>,
    clock: Arc<SetClock>,
    heard: Arc<Heard>,
    memory: Arc<Memory>,
}

/// A clock that stands where it is set.
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Audit for Heard {
    fn audit(&self, _: &str, event: &str, detail: &str) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(format!("{event} {detail}"));
    }

    fn plugin_loaded(&self, _: &str) {}

    fn plugin_replaced(&self, _: &str, _: &str) {}

    fn plugin_refused(&self, _: &str) {}
}

/// Counters that nothing has been charged to: what a question is answered with depends on no other question. What closed ones do, `limits` looks at.
struct Open;

impl Limiter for Open {
    fn closed_for(&self, _: &str, _: &str, _: &Limit, _: Duration) -> Result<Duration, Error> {
        Ok(Duration::ZERO)
    }
}

impl CoreKinds {
    /// # Errors
    /// What the core says.
    pub(crate) fn load(settings: PluginSettings, unix_seconds: i64) -> Result<Self, Error> {
        let before = Kinds::load(&[], &[], Services::system(), PoolSettings::for_machine())?;
        let clock = Arc::new(SetClock(AtomicI64::new(unix_seconds.saturating_mul(1_000_000))));
        let heard = Arc::new(Heard::default());
        let keys = Arc::new(KeyRing::ephemeral(&SystemRandom)?);
        let limits = Limits::danger_without_floor();
        // As cheap as it gets: nobody is protected here.
        let hashing = HasherSettings {
            cost: Cost::new(8, 1, 1, limits)?,
            limits,
            pepper: None,
        };
        let governor = Governor::new(&Settings::for_hashes_of(8), Arc::new(SystemClock))?;
        let hasher = Hasher::new(hashing, governor, Arc::clone(&keys), Arc::new(SystemRandom))?;
        let memory = Arc::new(Memory::new(clock.clone()));
        let services = Services {
            clock: clock.clone(),
            kv: Some(memory.clone()),
            limits: Some(Arc::new(Open)),
            keys: Some(keys),
            audit: Some(heard.clone()),
            hasher: Some(hasher),
            ..Services::system()
        };
        let kinds = Kinds::load(&[settings], &[], services, PoolSettings::for_machine())?;
        kinds.start()?;
        let own = kinds.names().filter(|name| before.declaration(name).is_none());
        Ok(Self {
            own: own.map(str::to_owned).collect(),
            kinds,
            clock,
            heard,
            memory,
        })
    }
}

impl Loaded for CoreKinds {
    fn kinds(&self) -> Vec<KindView> {
        let declared = self.own.iter().filter_map(|name| self.kinds.declaration(name));
        declared.map(KindView::of_core).collect()
    }

    fn open(
        &self,
        kind: &str,
        name: &str,
        options: &Map<String, Value>,
        _: Conditions,
    ) -> Result<Box<dyn Asker>, Refused> {
        let kind = self.kinds.open(kind, name, options).map_err(|error| Refused {
            configuration: error.kind() == ErrorKind::Configuration,
            message: error.message().to_owned(),
        })?;
        Ok(Box::new(CoreProvider {
            view: KindView::of_core(kind.declaration()),
            kind,
            clock: Arc::clone(&self.clock),
            heard: Arc::clone(&self.heard),
            memory: Arc::clone(&self.memory),
        }))
    }
}

struct CoreProvider {
    kind: Kind,
    view: KindView,
    clock: Arc<SetClock>,
    heard: Arc<Heard>,
    memory: Arc<Memory>,
}

impl CoreProvider {
    fn normalize(&self, raw: &[u8]) -> Reply {
        match self.kind.normalize(raw) {
            Ok(canonical) => Reply {
                identifier: Some(canonical),
                ..Reply::blank(Seen::Accepted)
            },
            Err(error) if error.kind() == ErrorKind::InvalidArgument => {
                Reply::blank(Seen::Denied(abi::INVALID_INPUT))
            }
            Err(error) => failed(&error),
        }
    }

    fn describe(&self, ask: &Ask) -> Reply {
        let question = self.question(ask, Operation::Verify);
        match doorward_base::blocking::block_on(self.kind.describe(question)) {
            Ok(seen) => Reply {
                attributes: seen
                    .into_iter()
                    .map(|(name, value)| (name, value.to_string().into_bytes()))
                    .collect(),
                ..Reply::blank(Seen::Denied(abi::WRONG))
            },
            Err(error) => failed(&error),
        }
    }

    fn question(&self, ask: &Ask, operation: Operation) -> doorward_runtime::Ask {
        let fields = |fields: &[(String, Vec<u8>)]| {
            Fields(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), Secret::new(value.as_slice())))
                    .collect(),
            )
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        doorward_runtime::Ask {
            operation,
            purpose: match ask.purpose {
                abi::FOR_ENROLL => Operation::Enroll,
                abi::FOR_UPDATE => Operation::Update,
                _ => Operation::Verify,
            },
            step: ask.step,
            decoy: ask.flags & abi::RF_DECOY != 0,
            realm: String::new(),
            subject: <[u8; 16]>::try_from(ask.subject.as_slice())
                .ok()
                .map(UserId::from_bytes),
            known: None,
            provider: self.kind.provider().to_owned(),
            raw: ask.identifier_raw.clone(),
            canonical: ask.identifier.clone(),
            display: text(&ask.display),
            credentials: fields(&ask.credentials),
            new_credentials: fields(&ask.new_credentials),
            records: ask
                .records
                .iter()
                .map(|record| OpenRecord {
                    id: AuthenticatorId::from_bytes(record.id),
                    version: record.version,
                    bytes: Secret::new([&record.format.to_be_bytes(), record.bytes.as_slice()].concat()),
                    label: record.label.clone(),
                })
                .collect(),
            state: (ask.operation == abi::OP_STEP).then(|| Secret::new(ask.state.as_slice())),
            resolved: (!ask.resolved.is_empty()).then(|| ask.resolved.clone()),
            agent: text(&ask.agent),
            address: text(&ask.address),
        }
    }
}

impl Asker for CoreProvider {
    fn view(&self) -> &KindView {
        &self.view
    }

    fn ask(&self, ask: &Ask, _: Conditions) -> Reply {
        let operation = match ask.operation {
            abi::OP_NORMALIZE => return self.normalize(&ask.identifier_raw),
            abi::OP_ENROLL => Operation::Enroll,
            abi::OP_VERIFY => Operation::Verify,
            abi::OP_UPDATE => Operation::Update,
            abi::OP_STEP => Operation::Step,
            abi::OP_DESCRIBE => return self.describe(ask),
            abi::OP_HEALTH => {
                return match self.kind.health() {
                    Ok(()) => Reply::blank(Seen::Denied(abi::WRONG)),
                    Err(error) => failed(&error),
                };
            }
            _ => return Reply::blank(Seen::Unsupported),
        };
        match doorward_base::blocking::block_on(self.kind.ask(self.question(ask, operation), WAIT)) {
            Ok(verdict) => replied(verdict),
            Err(error) => failed(&error),
        }
    }

    fn set_clock(&self, unix_seconds: i64) {
        let micros = unix_seconds.saturating_mul(1_000_000);
        self.clock.0.store(micros, Ordering::SeqCst);
    }

    fn forget(&self) {
        self.memory.forget();
    }

    fn heard(&self) -> Vec<String> {
        self.heard
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn replied(verdict: Verdict) -> Reply {
    let seen = match verdict.decision {
        Decision::Accept => Seen::Accepted,
        Decision::Continue => Seen::Continue,
        Decision::Resolve => Seen::Resolve,
        Decision::Deny => Seen::Denied(verdict.denial.number()),
    };
    let values = |fields: &Fields| -> Vec<(String, Vec<u8>)> {
        let fields = fields.0.iter();
        fields
            .map(|(name, value)| (name.clone(), value.expose().to_vec()))
            .collect()
    };
    let record = verdict.records.first();
    Reply {
        said_accept: seen == Seen::Accepted,
        identifier: verdict.identifier.map(|(_, canonical)| canonical),
        record: record.map(|record| {
            let bytes = record.bytes.expose().get(FRAME..).unwrap_or_default();
            (record.replaces.map(|id| *id.as_bytes()), bytes.to_vec())
        }),
        label: record.and_then(|record| record.label.clone()),
        handle: record.and_then(|record| record.handle.clone()).or(verdict.handle),
        state: verdict.state.map(|state| state.expose().to_vec()),
        challenge: values(&verdict.challenge),
        show_once: values(&verdict.show_once),
        messages: verdict.messages.len(),
        delivered: verdict
            .messages
            .iter()
            .flat_map(|message| values(&message.params))
            .collect(),
        attributes: verdict
            .attributes
            .into_iter()
            .map(|(name, value)| (name, value.to_string().into_bytes()))
            .collect(),
        ..Reply::blank(seen)
    }
}

fn failed(error: &Error) -> Reply {
    // How the core begins when the process of an isolated plugin has died or babbled.
    let broke = error.message().starts_with("the helper of the isolated plugin");
    let seen = match error.kind() {
        _ if broke => Seen::Fault,
        ErrorKind::Corrupt => Seen::Format,
        ErrorKind::Unsupported => Seen::Unsupported,
        ErrorKind::Timeout => Seen::Undecided(abi::E_TIMEOUT),
        ErrorKind::Cancelled => Seen::Undecided(abi::E_CANCELLED),
        ErrorKind::Overloaded => Seen::Undecided(abi::E_OVERLOADED),
        ErrorKind::PluginFault => Seen::Fault,
        _ => Seen::Undecided(abi::E_UNAVAILABLE),
    };
    Reply {
        message: error.message().to_owned(),
        ..Reply::blank(seen)
    }
}
