//! The handle of a store: what exists between `start` and `stop`, and the ways to the readers and to the writer.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rusqlite::Connection;

use super::batches::Counts;
use super::descriptors::{self, Files};
use super::look::Look;
use super::place::Before;
use super::readers::Readers;
use super::settings::SqliteSettings;
use super::work::Verdict;
use super::writer::Writer;
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::forked::{self, Left};
use doorward_store::{Reply, StoreError, StoreResult};

/// A store in one SQLite file. Nothing is opened before [`start`](Store::start).
pub struct SqliteStore {
    pub(super) settings: SqliteSettings,
    pub(super) clock: Arc<dyn Clock>,
    counts: Arc<Counts>,
    pub(super) running: RwLock<Option<Running>>,
    pub(super) before: Mutex<Before>,
}

/// What exists in this process between `start` and `stop`.
pub(super) struct Running {
    /// The process that started it. In a forked child, all of this is a copy of something that still lives elsewhere.
    process: u32,
    pub(super) readers: Readers,
    pub(super) writer: Writer,
    look: Look,
}

/// What the writer has done since the store was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterCounts {
    /// Commits that wrote something and waited for the disk: one fsync each.
    pub commits: u64,
    /// Writes answered.
    pub writes: u64,
}

impl SqliteStore {
    /// A store that is not started yet.
    pub fn open(settings: SqliteSettings) -> Self {
        Self::with_clock(settings, Arc::new(SystemClock))
    }

    /// The same with another clock. SQLite has no clock of its own: `clock()` gives this one's time.
    pub fn with_clock(settings: SqliteSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            clock,
            counts: Arc::default(),
            running: RwLock::new(None),
            before: Mutex::default(),
        }
    }

    /// How well writes share their fsyncs.
    pub fn writer_counts(&self) -> WriterCounts {
        WriterCounts {
            commits: self.counts.commits.load(Ordering::Relaxed),
            writes: self.counts.works.load(Ordering::Relaxed),
        }
    }

    pub(super) fn open_all(&self) -> StoreResult<()> {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = running.as_ref() {
            return before.check_process();
        }
        let files = Files::create(&self.settings.path, *self.before())?;
        // The writer first: a connection that cannot write can neither make the log nor repair it.
        let writer = Writer::start(&files, &self.settings, Arc::clone(&self.counts))?;
        let look = match Look::start(files.clone()) {
            Ok(look) => look,
            Err(error) => {
                writer.stop();
                return Err(error);
            }
        };
        *running = Some(Running {
            process: std::process::id(),
            readers: Readers::new(files, self.settings.clone()),
            writer,
            look,
        });
        Ok(())
    }

    pub(super) fn before(&self) -> MutexGuard<'_, Before> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that there is a schema: from now on the file is never made anew.
    pub(super) fn has_schema(&self) {
        self.before().schema = true;
    }

    pub(super) fn close_all(&self) -> StoreResult<()> {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(stopped) = running.take() {
            if let Err(error) = stopped.check_process() {
                // A forked child's copy: closing it would reach into the parent's files. It is leaked on purpose.
                std::mem::forget(stopped);
                return Err(error);
            }
            stopped.look.stop();
            // The readers first: the last connection to close folds the log into the file, and readers cannot.
            stopped.readers.close();
            stopped.writer.stop();
        }
        Ok(())
    }

    /// A look-up, on the caller's thread.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Reply<T> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        Reply::Now(match running.as_ref() {
            Some(running) => running.readers.read(work),
            None => Err(not_started()),
        })
    }

    /// A transaction of its own, in a batch with others'.
    pub(super) fn transact<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send + 'static,
    ) -> Reply<T> {
        self.queue(None, work)
    }

    /// A transaction that always keeps what it wrote.
    pub(super) fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Reply<T> {
        self.queue(None, move |db| work(db).map(Verdict::Keep))
    }

    pub(super) fn queue<T: Send + 'static>(
        &self,
        forbidden: Option<T>,
        work: impl FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send + 'static,
    ) -> Reply<T> {
        self.on_writer(|writer| writer.write(forbidden, work))
    }

    pub(super) fn on_writer<T>(&self, work: impl FnOnce(&Writer) -> Reply<T>) -> Reply<T> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = running.as_ref() else {
            return Reply::Now(Err(not_started()));
        };
        match running.check_process() {
            Ok(()) => work(&running.writer),
            Err(error) => Reply::Now(Err(error)),
        }
    }
}

impl Running {
    pub(super) fn check_process(&self) -> StoreResult<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        // The count of connections came along, so this says what helps.
        descriptors::check_process()?;
        Err(StoreError::Forked(forked::told("this store", Left::Sqlite)))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Err: a forked child's copy, which is leaked.
        drop(self.close_all());
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn not_started() -> StoreError {
    StoreError::Unavailable("the store is not started".into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use doorward_base::clock::Timestamp;
    use doorward_store::{SchemaState, Store as _};

    fn now<T>(reply: Reply<T>) -> StoreResult<T> {
        match reply {
            Reply::Now(answer) => answer,
            Reply::Later(future) => tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(future),
            Reply::Taken => panic!("taken"),
        }
    }

    #[test]
    fn nothing_is_open_outside_of_start_and_stop_and_the_file_is_private() {
        let folder = std::env::temp_dir().join(format!("doorward-sqlite-life-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("doorward.db");
        let store = SqliteStore::open(SqliteSettings::new(&path));
        assert!(!path.exists(), "the constructor opens nothing");
        assert!(matches!(now(store.schema()), Err(StoreError::Unavailable(_))));
        for round in 0..2 {
            now(store.start()).unwrap();
            assert_eq!(now(store.schema()).unwrap().found, round);
            now(store.migrate()).unwrap();
            now(store.migrate()).unwrap();
            assert_eq!(now(store.schema()).unwrap(), SchemaState { found: 1, current: 1 });
            now(store.stop()).unwrap();
            let open = std::fs::read_dir("/proc/self/fd").unwrap();
            let ours = open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
            assert_eq!(ours.filter(|file| file.starts_with(&folder)).count(), 0);
        }
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_schema_of_a_later_release_is_refused() {
        let folder = std::env::temp_dir().join(format!("doorward-sqlite-later-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = SqliteStore::open(SqliteSettings::new(folder.join("doorward.db")));
        now(store.start()).unwrap();
        assert!(matches!(
            now(store.stats(Timestamp::from_micros(1))),
            Err(StoreError::Schema(_))
        ));
        now(store.migrate()).unwrap();
        now(store.write(|db| db.execute("UPDATE doorward_meta SET value = '99' WHERE name = 'schema'", [])))
            .unwrap();
        assert_eq!(now(store.schema()).unwrap().found, 99);
        assert!(matches!(now(store.migrate()), Err(StoreError::Schema(_))));
        now(store.write(|db| db.execute("UPDATE doorward_meta SET value = '1' WHERE name = 'schema'", [])))
            .unwrap();
        let of_another_commit = |answer: StoreResult<()>| matches!(answer, Err(StoreError::Schema(why)) if why.contains("another commit"));
        assert!(of_another_commit(now(store.schema()).map(drop)));
        assert!(of_another_commit(now(store.migrate())));
        now(store.stop()).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
