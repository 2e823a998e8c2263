//! What stands behind the test host's table: the services of the embedding program, on sources and stores of a test; and,
//! while an operation runs, its trace.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_base::secret::Secret;
use doorward_plugin::abi;
use doorward_runtime::fetch::Outgoing;
use doorward_runtime::password::{Hasher, PasswordPolicy};
use doorward_runtime::{Audit, Call, Fetched, Given, HostServices, KeyValue, Limiter, Services, ToldLimits};

use crate::counters::Closed;
use crate::trace::Trace;

/// What plugins logged and audited, line by line.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<String>>);

impl Heard {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl Audit for Heard {
    fn audit(&self, _: &str, event: &str, detail: &str) {
        self.push(format!("{event} {detail}"));
    }

    fn plugin_loaded(&self, _: &str) {}

    fn plugin_replaced(&self, _: &str, _: &str) {}

    fn plugin_refused(&self, _: &str) {}
}

/// The services of a test host.
#[derive(Clone)]
pub(crate) struct OfATest {
    pub(crate) services: Services,
    pub(crate) heard: Arc<Heard>,
    /// It has no extensions.
    pub(crate) bare: bool,
    /// The operation that they are for; `None`: whatever else calls the table.
    pub(crate) trace: Option<Arc<Trace>>,
    /// Every counter is closed.
    pub(crate) closed: bool,
}

impl HostServices for OfATest {
    fn called(&self, function: &'static str) -> Given<()> {
        if let Some(trace) = &self.trace {
            trace.meet(function)?;
        }
        if self.bare && function == "extension" {
            return Err(abi::E_UNSUPPORTED);
        }
        Ok(())
    }

    fn monotonic(&self) -> Duration {
        self.services.clock.monotonic()
    }

    fn unix_micros(&self) -> i64 {
        self.services.unix_micros()
    }

    fn random(&self, out: &mut [u8]) -> Given<()> {
        HostServices::random(&self.services, out)
    }

    fn told(&self) -> ToldLimits {
        self.services.told
    }

    fn log(&self, _: &str, level: i32, line: &str) {
        self.heard.push(format!("{level} {line}"));
    }

    fn audit(&self, call: Option<&Call<'_>>, event: &str, detail: &str) -> Given<()> {
        HostServices::audit(&self.services, call, event, detail)
    }

    fn seal(&self, call: &Call<'_>, purpose: &str, data: &[u8]) -> Given<Secret> {
        self.services.seal(call, purpose, data)
    }

    fn unseal(&self, call: &Call<'_>, purpose: &str, sealed: &[u8]) -> Given<Secret> {
        self.services.unseal(call, purpose, sealed)
    }

    fn hash(&self, call: &Call<'_>, password: &[u8]) -> Given<Secret> {
        self.services.hash(call, password)
    }

    fn verify(&self, call: &Call<'_>, password: &[u8], phc: &[u8]) -> Given<bool> {
        self.services.verify(call, password, phc)
    }

    fn needs_rehash(&self, phc: &[u8]) -> Given<bool> {
        self.services.needs_rehash(phc)
    }

    fn fetch(&self, call: &Call<'_>, request: Outgoing<'_>, wait: Duration, most: usize) -> Given<Fetched> {
        self.services.fetch(call, request, wait, most)
    }

    fn values(&self) -> Option<&dyn KeyValue> {
        self.services.values()
    }

    fn counters(&self) -> Option<&dyn Limiter> {
        if self.closed {
            Some(&Closed)
        } else {
            self.services.counters()
        }
    }

    fn hasher(&self) -> Option<&Hasher> {
        HostServices::hasher(&self.services)
    }

    fn policy(&self) -> Option<&PasswordPolicy> {
        HostServices::policy(&self.services)
    }
}
