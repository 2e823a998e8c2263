//! The one thread that writes: it drains a queue into one transaction, so that many callers share an fsync.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::batches::{Batches, Counts, Message};
use super::connection;
use super::descriptors::Files;
use super::settings::SqliteSettings;
use super::touches::Touches;
use super::work::{Manner, Pending, Verdict};
use doorward_base::clock::{Clock, SystemClock};
use doorward_store::{Reply, StoreError, StoreResult, Touch};

/// The callers' side of the queue.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    touches: Arc<Touches>,
    deadline: Duration,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread, then opens its connection: where no thread can be had, nothing is left open.
    ///
    /// # Errors
    /// Whatever opening the file can give.
    pub(super) fn start(files: &Files, settings: &SqliteSettings, counts: Arc<Counts>) -> StoreResult<Self> {
        let (hand_over, first) = sync_channel::<Batches>(1);
        let thread = std::thread::Builder::new()
            .name("doorward-sqlite".into())
            .spawn(move || {
                // Err: the file could not be opened.
                if let Ok(batches) = first.recv() {
                    batches.run();
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("the writer thread cannot start: {error}")))?;
        let db = connection::writer(files, settings)?;
        let (queue, inbox) = sync_channel(settings.queue);
        let touches = Arc::new(Touches::new(settings.queue));
        // Never Err: the thread waits for it.
        drop(hand_over.send(Batches {
            db,
            files: files.clone(),
            inbox,
            touches: Arc::clone(&touches),
            counts,
            busy_timeout: settings.busy_timeout,
            locked_out: None,
            syncs: true,
            expected: 1,
            lasted: Duration::ZERO,
        }));
        Ok(Self {
            queue,
            touches,
            deadline: settings.deadline,
            thread,
        })
    }

    /// Queues work. It is done whether or not anybody awaits the answer.
    pub(super) fn write<T: Send + 'static>(
        &self,
        forbidden: Option<T>,
        work: impl FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send + 'static,
    ) -> Reply<T> {
        self.send(forbidden, Manner::Synced, work)
    }

    /// The same for what a power cut may take: a transaction of such work alone does not wait for the disk.
    pub(super) fn write_unsynced<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send + 'static,
    ) -> Reply<T> {
        self.send(None, Manner::Unsynced, work)
    }

    /// The same for one of many pieces: after it other processes have the lock for a moment, who look for it now and then.
    pub(super) fn write_resting<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send + 'static,
    ) -> Reply<T> {
        self.send(None, Manner::Resting, work)
    }

    fn send<T: Send + 'static>(
        &self,
        forbidden: Option<T>,
        manner: Manner,
        work: impl FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send + 'static,
    ) -> Reply<T> {
        let (to, answer) = oneshot::channel();
        let pending = Pending {
            work,
            answer: None,
            forbidden,
            expires_at: SystemClock.monotonic().saturating_add(self.deadline),
            manner,
            to,
        };
        match self.queue.try_send(Message::Work(Box::new(pending))) {
            Ok(()) => Reply::later(async move {
                answer
                    .await
                    .unwrap_or_else(|_| Err(StoreError::UnknownOutcome("the writer has gone away".into())))
            }),
            Err(TrySendError::Full(_)) => Reply::Now(Err(StoreError::Unavailable(
                "the write queue is full: the disk is too slow for the load, or raise `store.queue`".into(),
            ))),
            Err(TrySendError::Disconnected(_)) => {
                Reply::Now(Err(StoreError::Unavailable("the writer has gone away".into())))
            }
        }
    }

    pub(super) fn touch(&self, touch: Touch) {
        if self.touches.put(touch) {
            // Full: then the writer is awake, and takes the touches along.
            drop(self.queue.try_send(Message::Touched));
        }
    }

    /// Finishes what is queued, writes the touches and closes the connection.
    pub(super) fn stop(self) {
        // Err, twice: the thread has panicked, which its callers have been told. It has closed its connection by then.
        drop(self.queue.send(Message::Stop));
        drop(self.thread.join());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SqliteStore, descriptors};
    use doorward_base::blocking::block_on;
    use doorward_base::clock::Timestamp;
    use doorward_store::Store;

    /// The count belongs to the process, so the test has one of its own.
    #[test]
    fn a_panic_in_a_transaction_leaves_no_connection_behind() {
        let this = std::env::current_exe().unwrap();
        let name = "writer::tests::panics_in_transactions";
        let ran = std::process::Command::new(this)
            .args(["--exact", name, "--ignored"])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && told.contains("1 passed"), "{told}");
    }

    #[test]
    #[ignore = "the test before runs it, alone in a process"]
    fn panics_in_transactions() {
        let folder = std::env::temp_dir().join(format!("doorward-panic-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = SqliteStore::open(SqliteSettings::new(folder.join("doorward.db")));
        for writes in [true, false] {
            block_on(store.start()).unwrap();
            block_on(store.migrate()).unwrap();
            assert!(descriptors::is_counted());
            if writes {
                let answer =
                    block_on(store.transact(|_| -> rusqlite::Result<Verdict<()>> { panic!("planned") }));
                assert!(matches!(answer, Err(StoreError::UnknownOutcome(_))), "{answer:?}");
            } else {
                let read = || drop(store.read(|_| -> rusqlite::Result<()> { panic!("planned") }));
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_err();
            }
            block_on(store.quiesce()).unwrap();
            assert!(!descriptors::is_counted(), "writes: {writes}");
        }
        // And all is well.
        block_on(store.start()).unwrap();
        assert_eq!(block_on(store.stats(Timestamp::from_micros(0))).unwrap().users, 0);
        block_on(store.stop()).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// The window between the comparison before a transaction and its commit. The write is in the file that was moved
    /// away, and may come back with it: neither done nor undone.
    #[test]
    fn a_file_that_is_replaced_during_a_transaction_acknowledges_nothing() {
        let folder = std::env::temp_dir().join(format!("doorward-replaced-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("doorward.db");
        let store = SqliteStore::open(SqliteSettings::new(&path));
        doorward_base::blocking::block_on(store.start()).unwrap();
        doorward_base::blocking::block_on(store.migrate()).unwrap();
        let aside = folder.join("aside.db");
        let (from, to) = (path.clone(), aside.clone());
        let outcome = doorward_base::blocking::block_on(store.transact(move |db| {
            std::fs::rename(&from, &to).unwrap();
            let written = "INSERT INTO doorward_meta (name, value, changed_at) VALUES ('written', '', 0)";
            db.execute(written, []).map(Verdict::Keep)
        }));
        assert!(
            matches!(outcome, Err(StoreError::UnknownOutcome(_))),
            "{outcome:?}"
        );
        let looked = doorward_base::blocking::block_on(store.stats(Timestamp::from_micros(0)));
        assert!(matches!(looked, Err(StoreError::Replaced(_))), "{looked:?}");
        std::fs::rename(&aside, &path).unwrap();
        doorward_base::blocking::block_on(store.stop()).unwrap();
        doorward_base::blocking::block_on(store.start()).unwrap();
        let written = "SELECT count(*) FROM doorward_meta WHERE name = 'written'";
        let found = doorward_base::blocking::block_on(
            store.read(|db| db.query_row(written, [], |row| row.get::<_, i64>(0))),
        );
        assert_eq!(found.unwrap(), 1);
        doorward_base::blocking::block_on(store.stop()).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
