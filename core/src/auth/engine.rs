//! Which engine `database` names, of those that this build has.

use std::sync::Arc;

use crate::clock::{Clock, CorrectedClock};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// Opens the store that the configuration names; nothing is connected yet.
pub(super) fn open(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    shared: &Arc<CorrectedClock>,
) -> Result<Arc<dyn Store>> {
    let database = &settings.store.database;
    if let Some(path) = settings.store.sqlite_file() {
        return sqlite(settings, path, clock);
    }
    if database.starts_with("postgres://") || database.starts_with("postgresql://") {
        return postgres(settings, shared);
    }
    if database == "memory:" {
        return Ok(Arc::new(MemoryStore::with_clock(clock.clone())));
    }
    // The value may hold a password: only what it takes is said.
    Err(Error::new(
        ErrorKind::Configuration,
        "`database` takes `sqlite:PATH`, `postgres://…` or `memory:`",
    ))
}

#[cfg(feature = "sqlite")]
#[expect(clippy::unnecessary_wraps, reason = "a build without the engine refuses")]
fn sqlite(settings: &Settings, path: &std::path::Path, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Store>> {
    use crate::store::sqlite::{SqliteSettings, SqliteStore};

    let settings = SqliteSettings {
        queue: settings.store.queue,
        deadline: settings.store.deadline,
        busy_timeout: settings.store.deadline,
        ..SqliteSettings::new(path)
    };
    Ok(Arc::new(SqliteStore::with_clock(settings, clock.clone())))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &Settings, _: &std::path::Path, _: &Arc<dyn Clock>) -> Result<Arc<dyn Store>> {
    Err(absent("sqlite:", "sqlite"))
}

#[cfg(feature = "postgres")]
fn postgres(settings: &Settings, shared: &Arc<CorrectedClock>) -> Result<Arc<dyn Store>> {
    use crate::store::postgres::{PostgresOptions, PostgresStore};

    let options = PostgresOptions::parse(&settings.store.database)?
        .connections(settings.store.connections)
        .deadline(settings.store.deadline);
    Ok(Arc::new(PostgresStore::correcting(options, shared.clone())))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &Settings, _: &Arc<CorrectedClock>) -> Result<Arc<dyn Store>> {
    Err(absent("postgres:", "postgres"))
}

#[cfg(not(all(feature = "postgres", feature = "sqlite")))]
fn absent(scheme: &str, feature: &str) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!(
            "`database` names an engine that this build is without: `{scheme}` needs the feature `{feature}`"
        ),
    )
}
