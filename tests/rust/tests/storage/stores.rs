//! Fresh stores for the contract.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use doorward::store::memory::MemoryStore;
use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward_tests::contract::Fixture;
use doorward_tests::pgbouncer::Pooler;
use doorward_tests::postgres::Server;

/// An empty store in memory.
pub(crate) fn memory() -> Fixture {
    Fixture::start(Arc::new(MemoryStore::new()), ())
}

/// An empty store in a new SQLite file.
pub(crate) fn sqlite() -> Fixture {
    let folder = Folder::new();
    let settings = SqliteSettings::new(folder.path().join("doorward.db"));
    Fixture::start(Arc::new(SqliteStore::open(settings)), folder)
}

/// An empty database on a PostgreSQL server of this process.
pub(crate) fn postgres() -> Fixture {
    let server = Server::shared();
    let options = PostgresOptions::parse(&server.database()).expect("the server's own url is good");
    Fixture::start(Arc::new(PostgresStore::new(options)), server)
}

/// The same through a pooler that hands its server connections on after each transaction.
pub(crate) fn pooled() -> Fixture {
    let pooler = Pooler::start("transaction", "default_pool_size = 3");
    let url = format!("{}?pooler=transaction", pooler.database().0);
    let options = PostgresOptions::parse(&url).expect("the pooler's own url is good");
    Fixture::start(Arc::new(PostgresStore::new(options)), pooler)
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
