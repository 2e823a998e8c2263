//! Opens connections with the settings that the port's promises rest on, and sees that they took effect.

use std::cell::Cell;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::descriptors::{Files, Open};
use super::failure;
use super::settings::SqliteSettings;
use doorward_base::clock::{Clock, SystemClock};
use doorward_store::{StoreError, StoreResult};

/// More than there are different statements, so that none is prepared twice.
const STATEMENTS: usize = 96;
/// Pages that a reader keeps, in KiB: the upper pages of the indexes of a million sign-ins. Taken as they are read.
const CACHE_KIB: u32 = 16 * 1024;
/// How long to wait between two attempts to take a lock that another process holds.
const PAUSE: Duration = Duration::from_micros(500);

thread_local! {
    /// Until when this thread waits for a lock of another process.
    static WAIT_UNTIL: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Gives the busy handler of this thread's connections so much time from now on.
pub(super) fn wait_for_locks(at_most: Duration) {
    wait_for_locks_until(SystemClock.monotonic().saturating_add(at_most));
}

/// Gives it time until then.
pub(super) fn wait_for_locks_until(until: Duration) {
    WAIT_UNTIL.set(until);
}

/// `SQLite`'s own handler sleeps up to 100 ms between attempts, which starves processes that race for a short lock.
fn busy(_attempts: i32) -> bool {
    if SystemClock.monotonic() >= WAIT_UNTIL.get() {
        return false;
    }
    std::thread::sleep(PAUSE);
    true
}

/// Opens the connection that writes.
///
/// # Errors
/// `SharedInProcess`, and whatever opening the file can give.
pub(super) fn writer(files: &Files, settings: &SqliteSettings) -> StoreResult<Open> {
    let opened = files.open(|| {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        wait_for_locks(settings.busy_timeout);
        let opened = Connection::open_with_flags(files.place().main(), flags).and_then(|connection| {
            connection.busy_handler(Some(busy))?;
            harden(&connection)?;
            let mode = write_ahead(&connection)?;
            connection.execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
                 PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;",
            )?;
            // Opens log and shared memory now, under the descriptors' lock.
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok((connection, mode))
        });
        let (connection, mode) = opened.map_err(|error| failure::of(&error))?;
        if mode != "wal" {
            return Err(StoreError::Unavailable(format!(
                "{} cannot use a write-ahead log (journal mode {mode}); put it on a local file system",
                files.place().main().display()
            )));
        }
        believe(&connection)?;
        warn_of_build(&connection).map_err(|error| failure::of(&error))?;
        Ok(connection)
    })?;
    files.hold()?;
    Ok(opened)
}

/// Opens a connection that cannot write.
///
/// # Errors
/// `SharedInProcess`, and whatever opening the file can give.
pub(super) fn reader(files: &Files, settings: &SqliteSettings) -> StoreResult<Open> {
    files.open(|| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(files.place().main(), flags).and_then(|connection| {
            connection.busy_timeout(settings.busy_timeout)?;
            harden(&connection)?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            // Whole by now; a look-up pays a tenth for being told so of each page.
            connection.execute_batch(&format!(
                "PRAGMA cell_size_check = OFF; PRAGMA cache_size = -{CACHE_KIB};"
            ))?;
            Ok(connection)
        });
        opened.map_err(|error| failure::of(&error))
    })
}

/// What a hostile or damaged file could do is switched off.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")
}

/// Switches to the write-ahead log; the mode that is in force then. `SQLite` does not ask the busy handler here.
fn write_ahead(connection: &Connection) -> rusqlite::Result<String> {
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)) {
            Err(error) if failure::is_busy(&error) && busy(0) => {}
            answer => return answer,
        }
    }
}

/// Says what makes this SQLite slow. It is built by whoever builds the program, with flags that no crate can give another.
fn warn_of_build(connection: &Connection) -> rusqlite::Result<()> {
    let slow = "SELECT group_concat(compile_options, ' and ') FROM pragma_compile_options
                WHERE compile_options IN ('ENABLE_API_ARMOR', 'ENABLE_MEMORY_MANAGEMENT')";
    if let Some(options) = connection.query_row(slow, [], |row| row.get::<_, Option<String>>(0))? {
        tracing::warn!(
            options,
            "this program's SQLite is built with options by which threads that read wait for each other: build it with \
             LIBSQLITE3_FLAGS as in Doorward's .cargo/config.toml"
        );
    }
    Ok(())
}

/// Sees on the live connection that it counts affected rows: every winner of the port is decided by that count.
fn believe(connection: &Connection) -> StoreResult<()> {
    let measured = || -> rusqlite::Result<[i64; 4]> {
        connection.execute_batch(
            "CREATE TEMP TABLE doorward_believe (id INTEGER PRIMARY KEY, step INTEGER NOT NULL) STRICT;
             INSERT INTO doorward_believe VALUES (1, 0);",
        )?;
        let once = "UPDATE temp.doorward_believe SET step = step + 1 WHERE id = 1 AND step = 0";
        let first = connection.execute(once, [])?;
        let second = connection.execute(once, [])?;
        connection.execute_batch("DROP TABLE temp.doorward_believe")?;
        let pragma = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0));
        Ok([
            i64::try_from(first).unwrap_or(-1),
            i64::try_from(second).unwrap_or(-1),
            pragma("synchronous")?,
            pragma("foreign_keys")?,
        ])
    };
    match measured().map_err(|error| failure::of(&error))? {
        [1, 0, 2, 1] => Ok(()),
        [first, second, synchronous, foreign_keys] => Err(StoreError::Unavailable(format!(
            "this SQLite cannot be relied on: a conditional update reported {first} then {second} rows (must be 1 \
             then 0), synchronous is {synchronous} (must be 2), foreign_keys is {foreign_keys} (must be 1)"
        ))),
    }
}
