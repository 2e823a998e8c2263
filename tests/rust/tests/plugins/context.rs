//! Kinds with a clock that stands still and a cheap hasher, and an executor of ten lines: nothing else is needed.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use doorward::clock::{ManualClock, SystemClock};
use doorward::governor::{Governor, Settings};
use doorward::keys::KeyRing;
use doorward::password::{
    Cost, Hasher, HasherSettings, Limits, PasswordPolicy, PasswordPolicySettings, SecondFactorRule,
};
use doorward::plugin::{
    Ask, Audit, Fields, Kind, Kinds, OpenRecord, Operation, PoolSettings, Services, Verdict,
};
use doorward::rng::SystemRandom;
use doorward::{AuthenticatorId, Result, Secret, Timestamp, UserId};
use serde_json::Value;

use crate::build;

/// Longer than any test of what does answer takes.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// What kinds reported, in order.
#[derive(Default)]
pub(crate) struct Heard(pub(crate) Mutex<Vec<String>>);

impl Audit for Heard {
    fn audit(&self, provider: &str, event: &str, detail: &str) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{provider} {event} {detail}"));
    }

    fn plugin_loaded(&self, detail: &str) {
        self.0.lock().unwrap().push(format!("loaded {detail}"));
    }

    fn plugin_replaced(&self, provider: &str, why: &str) {
        self.0.lock().unwrap().push(format!("replaced {provider} {why}"));
    }

    fn plugin_refused(&self, why: &str) {
        self.0.lock().unwrap().push(format!("refused {why}"));
    }
}

/// A hasher with hashes of so many KiB and one pass: fast, and never to be used elsewhere.
pub(crate) fn hasher(memory_kib: u32) -> Hasher {
    let limits = Limits::danger_without_floor();
    let cost = Cost::new(memory_kib, 1, 1, limits).unwrap();
    let governor = Governor::new(&Settings::for_hashes_of(memory_kib), Arc::new(SystemClock)).unwrap();
    let keys = Arc::new(KeyRing::ephemeral(&SystemRandom).unwrap());
    let settings = HasherSettings {
        cost,
        limits,
        pepper: None,
    };
    Hasher::new(settings, governor, keys, Arc::new(SystemRandom)).unwrap()
}

/// Services for tests, and what kinds report to them.
pub(crate) fn services() -> (Services, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let policy = PasswordPolicy::new(&PasswordPolicySettings::default(), SecondFactorRule::Optional);
    let services = Services {
        clock: Arc::new(ManualClock::new(now)),
        random: Arc::new(SystemRandom),
        keys: Some(Arc::new(KeyRing::ephemeral(&SystemRandom).unwrap())),
        audit: Some(heard.clone()),
        hasher: Some(hasher(64)),
        egress: None,
        kv: None,
        limits: None,
        policy: Some(Arc::new(policy.unwrap())),
        told: doorward::plugin::ToldLimits::default(),
    };
    (services, heard)
}

/// The kinds of one plugin file, started, with pools of two threads and a queue of two.
pub(crate) fn kinds(object: &Path) -> Kinds {
    let kinds = Kinds::load(
        &[build::settings(object)],
        &[],
        services().0,
        PoolSettings { threads: 2, queue: 2 },
    )
    .unwrap();
    kinds.start().unwrap();
    kinds
}

/// Opens the kind under its own name.
pub(crate) fn open(kinds: &Kinds, kind: &str, options: &Value) -> Result<Kind> {
    kinds.open(kind, kind, options.as_object().unwrap())
}

/// A question about the user whose id is all sevens.
pub(crate) fn ask(operation: Operation, credentials: &[(&str, &str)]) -> Ask {
    Ask {
        operation,
        purpose: operation,
        step: 0,
        decoy: false,
        realm: String::new(),
        subject: Some(UserId::from_bytes([7; 16])),
        known: None,
        provider: "tested".into(),
        raw: b"Ann".to_vec(),
        canonical: b"ann".to_vec(),
        display: "Ann".into(),
        credentials: fields(credentials),
        new_credentials: Fields::default(),
        records: Vec::new(),
        state: None,
        resolved: None,
        agent: String::new(),
        address: String::new(),
    }
}

/// The first step after `purpose`, with the state of its `Continue`.
pub(crate) fn step(purpose: Operation, state: &Secret, credentials: &[(&str, &str)]) -> Ask {
    Ask {
        purpose,
        step: 1,
        state: Some(state.clone()),
        ..ask(Operation::Step, credentials)
    }
}

pub(crate) fn fields(values: &[(&str, &str)]) -> Fields {
    Fields(
        values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::from(*value)))
            .collect(),
    )
}

/// The record that a verdict put, as the store would give it back.
pub(crate) fn stored(verdict: &Verdict) -> OpenRecord {
    OpenRecord {
        id: verdict.records[0].replaces.unwrap_or(AuthenticatorId::SINGLE),
        version: 1,
        bytes: verdict.records[0].bytes.clone(),
        label: String::new(),
    }
}

/// Asks and waits.
pub(crate) fn answer(kind: &Kind, ask: Ask) -> Result<Verdict> {
    block_on(kind.ask(ask, LONG))
}

/// Waits for a future on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// The answer at the first poll; `None`: it would have to wait.
pub(crate) fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
