//! Where things are stored.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::positive;
use crate::config::reader::{Reader, bad};
use crate::error::Result;

/// The store by configuration.
#[derive(Clone)]
pub struct StoreSettings {
    /// `sqlite:PATH`, `postgres://…` or `memory:`; empty when the program brings its own store.
    pub database: String,
    /// Whether `start` migrates: SQLite unless told otherwise, servers only when told.
    pub migrate: bool,
    /// How long one answer may take.
    pub deadline: Duration,
    /// Connections of this process.
    pub connections: u32,
    /// Writes that may wait.
    pub queue: usize,
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of the address may hold a password.
        let engine = self.database.split(':').next().unwrap_or_default();
        f.debug_struct("StoreSettings")
            .field("database", &engine)
            .field("migrate", &self.migrate)
            .field("deadline", &self.deadline)
            .field("connections", &self.connections)
            .field("queue", &self.queue)
            .finish()
    }
}

impl StoreSettings {
    /// The file, where the database is one.
    pub fn sqlite_file(&self) -> Option<&Path> {
        self.database.strip_prefix("sqlite:").map(Path::new)
    }

    /// Whether the database is a server with a clock of its own.
    pub fn is_server(&self) -> bool {
        self.database.starts_with("postgres")
    }
}

pub(super) fn store(r: &Reader<'_>, has_store: bool) -> Result<StoreSettings> {
    let mut database = r.secret("database")?.unwrap_or_default();
    if let Some((dialect @ ("postgresql" | "postgres"), rest)) = database.split_once('+')
        && let Some((driver, rest)) = rest.split_once("://")
        && driver.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        // As SQLAlchemy writes it, with the driver that it is to use.
        database = format!("{dialect}://{rest}");
    }
    if let Some(path) = database.strip_prefix("sqlite:") {
        let path = r.absolute(path.strip_prefix("//").unwrap_or(path));
        let Some(path) = path.to_str().filter(|path| !path.ends_with('/')) else {
            return Err(bad(
                "database",
                "takes `sqlite:PATH`, the path of a file: an absolute one where the folder's name is not UTF-8",
            ));
        };
        database = format!("sqlite:{path}");
    }
    if database.is_empty() && !has_store {
        return Err(bad(
            "database",
            "is required: `sqlite:/path/of/doorward.db`, `postgres://…` or `memory:`",
        ));
    }
    let migrate = match r.given("migrate") {
        None => !database.starts_with("postgres"),
        Some(_) => r.boolean("migrate")?,
    };
    Ok(StoreSettings {
        database,
        migrate,
        deadline: positive(r, "store.deadline")?,
        connections: r.integer("store.connections")?,
        queue: r.integer("store.queue")?,
    })
}
