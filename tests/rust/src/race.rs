//! What the race test and its worker processes agree on: times, settings, stores, the planted bug, the lines between
//! them.

use std::sync::Arc;
use std::time::Duration;

use doorward::Timestamp;
use doorward::clock::{CorrectedClock, ManualClock};
use doorward::rng::SystemRandom;
use doorward::session::{SessionSettings, Sessions};
use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{Advance, Reply, Store};

use crate::intercept::{Intercept, Intercepted};
use crate::wait::block_on;

/// Threads of each worker process.
pub const THREADS: usize = 16;
/// The realm of all sign-ins.
pub const REALM: &str = "";
/// What a worker says once its store is open.
pub const READY: &str = "ready";
/// The argument that plants the bug.
pub const PLANTED: &str = "select-then-update";

/// When the sign-ins are made.
pub const MADE_AT: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
/// A machine with two busy cores is slow, not wrong.
const PATIENCE: Duration = Duration::from_mins(2);

/// When their tokens are exchanged: generation 0 has settled, and time stands still.
pub fn exchanged_at() -> Timestamp {
    MADE_AT.plus(SessionSettings::default().grace)
}

/// The store at a PostgreSQL URL, or in a SQLite file.
///
/// # Panics
/// When it cannot be started.
#[expect(clippy::panic, reason = "a test without its database must fail")]
pub fn open(location: &str) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = if location.starts_with("postgres:") {
        let options = PostgresOptions::parse(location).map(|options| {
            options
                .connections(u32::try_from(THREADS).unwrap_or(u32::MAX))
                .deadline(PATIENCE)
        });
        match options {
            Ok(options) => Arc::new(PostgresStore::new(options)),
            Err(error) => panic!("{location}: {error}"),
        }
    } else {
        Arc::new(SqliteStore::open(SqliteSettings {
            busy_timeout: PATIENCE,
            deadline: PATIENCE,
            ..SqliteSettings::new(location)
        }))
    };
    let started = block_on(store.start());
    assert!(started.is_ok(), "{location}: {started:?}");
    store
}

/// Sessions on a clock that stands at `now`.
///
/// # Panics
/// Never: the settings are the defaults.
#[expect(clippy::panic, reason = "the settings are the defaults, which are sound")]
pub fn sessions(store: Arc<dyn Store>, now: Timestamp) -> Sessions {
    let clock = Arc::new(CorrectedClock::new(Arc::new(ManualClock::new(now))));
    match Sessions::new(store, clock, Arc::new(SystemRandom), SessionSettings::default()) {
        Ok(sessions) => sessions,
        Err(error) => panic!("{error}"),
    }
}

/// The planted bug: the exchange looks whether it may, and then writes without asking again.
pub struct SelectThenUpdate(pub Arc<dyn Store>);

impl SelectThenUpdate {
    /// A store with the bug.
    pub fn plant(store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Intercepted(Arc::new(Self(store))))
    }
}

impl Intercept for SelectThenUpdate {
    fn inner(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    fn advance(&self, next: Advance) -> Reply<bool> {
        let mut looked = false;
        loop {
            let row = match block_on(self.0.sign_in(next.id)) {
                Ok(Some((row, _))) => row,
                Ok(None) => return Reply::Now(Ok(false)),
                Err(error) => return Reply::Now(Err(error)),
            };
            if !looked && (row.generation != next.from || row.refresh_hash != Some(next.from_refresh_hash)) {
                return Reply::Now(Ok(false));
            }
            looked = true;
            let Some(hash) = row.refresh_hash else {
                return Reply::Now(Ok(false));
            };
            // The port has no update without a condition: one that names whatever is there comes to the same.
            let blind = Advance {
                from: row.generation,
                from_refresh_hash: hash,
                ..next.clone()
            };
            match block_on(self.0.advance(blind)) {
                Ok(false) => {}
                done => return Reply::Now(done),
            }
        }
    }
}
