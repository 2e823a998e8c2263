//! Databases that several processes share, and what their tables hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward_tests::postgres::Server;
use doorward_tests::scratch::Scratch;

use crate::world::run;

/// The tables that strangers can fill.
const TABLES: [&str; 6] = ["flow", "kv", "outbox", "spent", "throttle", "token"];
/// A machine with two busy cores is slow, not wrong.
const PATIENCE: Duration = Duration::from_mins(2);

/// What keeps the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Memory,
    Sqlite,
    Postgres,
}

/// One database.
pub(crate) enum Database {
    Memory(Arc<MemoryStore>),
    Sqlite(Scratch),
    Postgres { server: Arc<Server>, name: String },
}

impl Database {
    /// An empty one.
    pub(crate) fn new(engine: Engine) -> Self {
        match engine {
            Engine::Memory => Self::Memory(Arc::new(MemoryStore::new())),
            // What is counted here are rows and refusals: waiting for a disk proves nothing of them, and takes days.
            Engine::Sqlite => Self::Sqlite(Scratch::in_memory()),
            Engine::Postgres => {
                let server = Server::shared();
                let url = server.database();
                let name = url.rsplit('/').next().unwrap().to_owned();
                Self::Postgres { server, name }
            }
        }
    }

    /// What one more process opens: connections of its own.
    pub(crate) fn open(&self) -> Arc<dyn Store> {
        let store: Arc<dyn Store> = match self {
            Self::Memory(store) => store.clone(),
            Self::Sqlite(folder) => Arc::new(SqliteStore::open(SqliteSettings {
                busy_timeout: PATIENCE,
                deadline: PATIENCE,
                ..SqliteSettings::new(file(folder))
            })),
            Self::Postgres { server, name } => {
                let options = PostgresOptions::parse(&server.url(name)).unwrap();
                let options = options.connections(2).deadline(PATIENCE);
                Arc::new(PostgresStore::new(options))
            }
        };
        run(store.start()).unwrap();
        run(store.migrate()).unwrap();
        store
    }

    /// The rows of each table, those included that are over.
    pub(crate) fn rows(&self) -> BTreeMap<&'static str, u64> {
        let counts: Vec<u64> = match self {
            Self::Memory(store) => store.rows().iter().map(|(_, count)| *count as u64).collect(),
            Self::Sqlite(folder) => numbers(&counted_by_python(&file(folder))),
            Self::Postgres { server, name } => numbers(&server.psql(name, &select())),
        };
        assert_eq!(counts.len(), TABLES.len());
        TABLES.into_iter().zip(counts).collect()
    }
}

fn file(folder: &Scratch) -> std::path::PathBuf {
    folder.path().join("doorward.db")
}

/// One row for each table, in order.
fn select() -> String {
    let counts: Vec<String> = (0..)
        .zip(TABLES)
        .map(|(place, table)| format!("SELECT {place} AS place, count(*) AS rows FROM doorward_{table}"))
        .collect();
    format!(
        "SELECT rows FROM ({}) AS c ORDER BY place",
        counts.join(" UNION ALL ")
    )
}

/// By another process: a second copy of SQLite in this one would be refused.
fn counted_by_python(file: &Path) -> String {
    let program = "import sqlite3, sys\n\
                   for row in sqlite3.connect(sys.argv[1], timeout=120).execute(sys.argv[2]): print(row[0])";
    let mut python = Command::new("python3");
    let output = python
        .args(["-c", program])
        .arg(file)
        .arg(select())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn numbers(lines: &str) -> Vec<u64> {
    lines
        .split_whitespace()
        .map(|line| line.parse().unwrap())
        .collect()
}
