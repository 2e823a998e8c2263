//! Fresh stores for the contract.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use doorward::Timestamp;
use doorward::store::memory::MemoryStore;
use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{Store as _, User};
use doorward_tests::contract::{Fixture, wait};
use doorward_tests::pgbouncer::Pooler;
use doorward_tests::postgres::Server;

/// An empty store in memory.
pub(crate) fn memory() -> Fixture {
    let store = Arc::new(MemoryStore::new());
    let rows = Arc::clone(&store);
    Fixture::start(store, ()).with_meddle(move |user| rows.put_user(user.clone()))
}

/// An empty store in a new SQLite file.
pub(crate) fn sqlite() -> Fixture {
    let folder = Folder::new();
    let file = folder.path().join("doorward.db");
    let store = Arc::new(SqliteStore::open(SqliteSettings::new(&file)));
    let stopped = Arc::clone(&store);
    let fixture = Fixture::start(store, folder);
    fixture.with_meddle(move |user| {
        // Nobody else in this process may have the file open.
        wait(stopped.stop());
        let rows = rusqlite::Connection::open(&file).expect("the file is a database");
        let epoch = (user.session_epoch, user.disabled_at.map(Timestamp::as_micros));
        let set = "UPDATE doorward_user SET session_epoch = ?2, disabled_at = ?3 WHERE id = ?1";
        let written = rows.execute(set, rusqlite::params![user.id.as_bytes(), epoch.0, epoch.1]);
        assert_eq!(written.expect("the user can be written"), 1);
        drop(rows);
        wait(stopped.start());
    })
}

/// What a server is told to write a user's epoch and state.
fn meddling(user: &User) -> String {
    let disabled_at = user
        .disabled_at
        .map_or("NULL".to_owned(), |at| at.as_micros().to_string());
    let id = user.id.as_bytes().iter().fold(String::new(), |mut id, byte| {
        _ = write!(id, "{byte:02x}");
        id
    });
    format!(
        "UPDATE doorward_user SET session_epoch = {}, disabled_at = {disabled_at} WHERE id = '{id}'",
        user.session_epoch
    )
}

/// The name of the database that a URL ends with.
fn name_of(url: &str) -> String {
    let name = url.rsplit('/').next().unwrap_or_default();
    name.split('?').next().unwrap_or_default().to_owned()
}

/// An empty database on a PostgreSQL server of this process.
pub(crate) fn postgres() -> Fixture {
    let server = Server::shared();
    let url = server.database();
    let options = PostgresOptions::parse(&url).expect("the server's own url is good");
    let (name, at) = (name_of(&url), Arc::clone(&server));
    let fixture = Fixture::start(Arc::new(PostgresStore::new(options)), server);
    fixture.with_meddle(move |user| drop(at.psql(&name, &meddling(user))))
}

/// The same through a pooler that hands its server connections on after each transaction.
pub(crate) fn pooled() -> Fixture {
    let pooler = Arc::new(Pooler::start("transaction", "default_pool_size = 3"));
    let (url, name) = pooler.database();
    let url = format!("{url}?pooler=transaction");
    let options = PostgresOptions::parse(&url).expect("the pooler's own url is good");
    let at = Arc::clone(&pooler);
    let fixture = Fixture::start(Arc::new(PostgresStore::new(options)), pooler);
    fixture.with_meddle(move |user| drop(at.server().psql(&name, &meddling(user))))
}

/// A folder that goes with its owner.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new one.
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// A new one in this one.
    pub(crate) fn within(folder: &Path) -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "doorward-storage-{}-{}",
            std::process::id(),
            LAST.fetch_add(1, Ordering::SeqCst)
        );
        let path = folder.join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
