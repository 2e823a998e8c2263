//! The test host: its clock, what plugins keep there, and what they said.

use std::sync::Arc;

use doorward_base::clock::Clock as _;
use doorward_base::error::Result;
use doorward_base::forever;
use doorward_base::keys::KeyRing;
use doorward_plugin::HttpAnswer;
use doorward_runtime::direct::{Age, HostTable};
use doorward_runtime::password::{Cost, Hasher, HasherSettings, Limits};
use doorward_runtime::{HostServices, Limit, Services};

use crate::Conditions;
use crate::counters::Counters;
use crate::http::{HttpRequest, Network};
use crate::memory::Memory;
use crate::services::{Heard, OfATest};
use crate::sources::{Counted, Standing};
use crate::trace::Trace;

/// 2026-01-01T00:00:00Z in microseconds since 1970.
const BEGINNING: i64 = 1_767_225_600_000_000;
const SECOND: i64 = 1_000_000;
/// Memory of one hash in KiB: as cheap as it gets, tests are not to wait.
const HASH_KIB: u32 = 8;

/// A host for tests: cheap to copy; what it needs lives as long as the process, as a host table must.
#[derive(Clone, Copy)]
pub struct TestHost(&'static Inner);

struct Inner {
    table: HostTable,
    /// What serves where no operation runs.
    of_the_table: Arc<dyn HostServices>,
    services: OfATest,
    clock: Arc<Standing>,
    kept: Arc<Memory>,
    counters: Arc<Counters>,
    network: Arc<Network>,
}

impl std::fmt::Debug for TestHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TestHost").field(&self.0.table).finish()
    }
}

impl Default for TestHost {
    fn default() -> Self {
        Self::new()
    }
}

impl TestHost {
    /// A host whose clock stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::of(Age::Current, false)
    }

    /// One without extensions: what an application that hashes no passwords may be.
    pub fn bare() -> Self {
        Self::of(Age::Current, true)
    }

    /// The host of version 1.0: a smaller table, beyond which there is nothing that may be used.
    pub fn oldest() -> Self {
        Self::of(Age::First, false)
    }

    /// A host of a later version: a larger table, with more that this version does not know.
    pub fn newer() -> Self {
        Self::of(Age::Later, false)
    }

    #[expect(clippy::expect_used, reason = "what is made of constants is made each time")]
    fn of(age: Age, bare: bool) -> Self {
        let clock = Arc::new(Standing::at(BEGINNING));
        let kept = Arc::new(Memory::new(clock.clone()));
        let counters = Arc::new(Counters::new(clock.clone()));
        let network = Arc::new(Network::default());
        let heard = Arc::new(Heard::default());
        let random = Arc::new(Counted::default());
        let keys = Arc::new(KeyRing::ephemeral(&*random).expect("this randomness never fails"));
        let services = Services {
            clock: clock.clone(),
            random: random.clone(),
            hasher: Some(hasher(&keys, random).expect("these costs are possible")),
            keys: Some(keys),
            audit: Some(heard.clone()),
            egress: Some(network.clone()),
            kv: Some(kept.clone()),
            limits: Some(counters.clone()),
            ..Services::system()
        };
        let services = OfATest {
            services,
            heard,
            bare,
            trace: None,
            closed: false,
        };
        let of_the_table: Arc<dyn HostServices> = Arc::new(services.clone());
        Self(forever::lend(Inner {
            table: HostTable::new(&of_the_table, age),
            of_the_table,
            services,
            clock,
            kept,
            counters,
            network,
        }))
    }

    /// The minor version of the contract that it offers.
    pub fn abi_minor(self) -> u16 {
        self.0.table.abi_minor()
    }

    /// Sets the wall clock.
    pub fn set_unix_seconds(&self, seconds: i64) {
        self.0.clock.set(seconds.saturating_mul(SECOND));
    }

    /// Moves the wall clock.
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.clock.advance(seconds.saturating_mul(SECOND));
    }

    /// The wall clock.
    pub fn unix_seconds(&self) -> i64 {
        self.0.clock.now().as_seconds()
    }

    /// What plugins logged and audited so far.
    pub fn logged(&self) -> Vec<String> {
        self.0.services.heard.lines()
    }

    /// Forgets everything that providers keep, and what was counted for them.
    pub fn forget(&self) {
        self.reopen();
        self.0.kept.forget();
    }

    /// Opens every counter: nothing has been charged.
    pub fn reopen(&self) {
        self.0.counters.reopen();
    }

    /// What the provider of that name keeps under the key, if it has not expired.
    pub fn kept(&self, provider: &str, key: &[u8]) -> Option<Vec<u8>> {
        self.0.kept.kept(provider, key)
    }

    /// Lets the test answer HTTP requests, in place of whoever did before. Nobody does at first: then `fetch` says what
    /// a host says whose configuration lists no origin.
    pub fn answer_http(
        &self,
        answering: impl FnMut(&HttpRequest) -> std::result::Result<HttpAnswer, i32> + Send + 'static,
    ) {
        self.0.network.answered_by(Box::new(answering));
    }

    pub(crate) fn table(self) -> HostTable {
        debug_assert!(Arc::strong_count(&self.0.of_the_table) > 0, "it serves the table");
        self.0.table
    }

    /// The services of one operation under these conditions, and its trace.
    pub(crate) fn during(self, conditions: Conditions) -> (Arc<dyn HostServices>, Arc<Trace>) {
        let trace = Arc::new(Trace::under(conditions));
        let services = OfATest {
            trace: Some(Arc::clone(&trace)),
            closed: conditions.closed,
            ..self.0.services.clone()
        };
        (Arc::new(services), trace)
    }

    /// Counts what an answer that is stored was told is open.
    pub(crate) fn charge(self, provider: &str, limits: &[Limit]) {
        self.0.counters.charge(provider, limits);
    }
}

fn hasher(keys: &Arc<KeyRing>, random: Arc<Counted>) -> Result<Hasher> {
    let limits = Limits::danger_without_floor();
    let settings = HasherSettings {
        cost: Cost::new(HASH_KIB, 1, 1, limits)?,
        limits,
        pepper: None,
    };
    Hasher::ungoverned(settings, Arc::clone(keys), random)
}
