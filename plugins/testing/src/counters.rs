//! Counters of kinds, in memory, by the test host's clock. What was open is counted with an answer that is stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_base::clock::Clock;
use doorward_base::error::Result;
use doorward_runtime::{Limit, Limiter};

/// Provider name, name and subject.
type At = (String, String, Vec<u8>);

/// When each counter has forgotten all of its charges.
pub(crate) struct Counters {
    clock: Arc<dyn Clock>,
    until: Mutex<BTreeMap<At, Micros>>,
}

/// Microseconds since 1970.
type Micros = i64;

impl Counters {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            until: Mutex::default(),
        }
    }

    /// Opens every counter: nothing has been charged.
    pub(crate) fn reopen(&self) {
        self.until().clear();
    }

    /// Counts what an answer that is stored was told is open.
    pub(crate) fn charge(&self, provider: &str, limits: &[Limit]) {
        let now = self.clock.now().as_micros();
        let mut counters = self.until();
        for limit in limits {
            let until = counters.entry(at(provider, limit)).or_default();
            *until = (*until).max(now).saturating_add(micros(limit.pace));
        }
    }

    fn until(&self) -> MutexGuard<'_, BTreeMap<At, Micros>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at(provider: &str, limit: &Limit) -> At {
    (provider.to_owned(), limit.name.clone(), limit.subject.clone())
}

fn micros(duration: Duration) -> Micros {
    i64::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}

impl Limiter for Counters {
    fn closed_for(&self, _: &str, provider: &str, limit: &Limit, _: Duration) -> Result<Duration> {
        let until = (self.until().get(&at(provider, limit)).copied()).unwrap_or_default();
        let room = micros(limit.pace).saturating_mul(i64::from(limit.burst) - 1);
        let open_from = until.saturating_sub(room);
        let wait = open_from.saturating_sub(self.clock.now().as_micros());
        Ok(Duration::from_micros(u64::try_from(wait).unwrap_or(0)))
    }
}

/// Counters that are closed, for a minute.
pub(crate) struct Closed;

impl Limiter for Closed {
    fn closed_for(&self, _: &str, _: &str, _: &Limit, _: Duration) -> Result<Duration> {
        Ok(Duration::from_mins(1))
    }
}
