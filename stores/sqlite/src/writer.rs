//! The one thread that writes: it drains a queue into one transaction, so that many callers share an fsync.
//!
//! Each piece of work runs in a savepoint of its own, and is answered only after the commit that holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use super::descriptors::{Files, Open};
use super::touches::{self, Touches};
use super::{SqliteSettings, connection, failure};
use doorward_base::clock::{Clock, SystemClock};
use doorward_store::{Reply, StoreError, StoreResult, Touch};

/// Pieces of work that share one transaction at most: bounds how long the write lock is held.
const BATCH: usize = 256;
/// How long touches wait for other work to ride along with.
const TOUCH_DELAY: Duration = Duration::from_millis(20);
/// How long the lock is left to other processes after work that many others of its kind follow: four of their looks.
const REST: Duration = Duration::from_millis(2);
/// How long a batch may wait for callers who were here in the last ones. Never longer than the last commit took.
const GATHER: Duration = Duration::from_millis(2);
/// What a transaction is to do with what the work wrote.
pub(super) enum Verdict<T> {
    /// Keep it, and answer this after the commit.
    Keep(T),
    /// Undo it, and answer this.
    Undo(T),
}

/// Counts since the start.
#[derive(Default)]
pub(super) struct Counts {
    /// Commits that wrote something and waited for the disk: one fsync each.
    pub(super) commits: AtomicU64,
    /// Pieces of work answered.
    pub(super) works: AtomicU64,
}

enum Message {
    Stop,
    Touched,
    Work(Box<dyn Work>),
}

/// One caller's transaction.
trait Work: Send {
    /// When it is too late to begin.
    fn expires_at(&self) -> Duration;
    /// False: it may be lost in a power cut, so nobody waits for the disk.
    fn syncs(&self) -> bool;
    /// True: one of many pieces, between which other processes write as well.
    fn rests(&self) -> bool;
    /// Runs it; false: undo what it wrote. May run again in another transaction.
    fn run(&mut self, db: &Connection) -> rusqlite::Result<bool>;
    /// Gives the answer of the last run.
    fn answer(self: Box<Self>);
    /// Gives an error instead.
    fn fail(self: Box<Self>, error: StoreError);
    /// A foreign key that is checked at the commit forbade this work.
    fn forbid(self: Box<Self>, error: StoreError);
}

/// What a caller needs of the transaction that its work is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As `Unsynced`, and the lock is left to others for a moment after it.
    Resting,
    /// It waits for the disk.
    Synced,
    /// It does not.
    Unsynced,
}

struct Pending<T, F> {
    work: F,
    answer: Option<T>,
    /// What the caller is told if a deferred foreign key forbids the commit.
    forbidden: Option<T>,
    expires_at: Duration,
    manner: Manner,
    to: oneshot::Sender<StoreResult<T>>,
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send> Work for Pending<T, F> {
    fn expires_at(&self) -> Duration {
        self.expires_at
    }

    fn syncs(&self) -> bool {
        self.manner == Manner::Synced
    }

    fn rests(&self) -> bool {
        self.manner == Manner::Resting
    }

    fn run(&mut self, db: &Connection) -> rusqlite::Result<bool> {
        let (keep, answer) = match (self.work)(db)? {
            Verdict::Keep(answer) => (true, answer),
            Verdict::Undo(answer) => (false, answer),
        };
        self.answer = Some(answer);
        Ok(keep)
    }

    fn answer(self: Box<Self>) {
        let nothing = || StoreError::Unavailable("the work was not run".into());
        // Err: the caller has gone away; the write stands.
        drop(self.to.send(self.answer.ok_or_else(nothing)));
    }

    fn fail(self: Box<Self>, error: StoreError) {
        drop(self.to.send(Err(error)));
    }

    fn forbid(self: Box<Self>, error: StoreError) {
        drop(self.to.send(self.forbidden.ok_or(error)));
    }
}

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

/// The thread's side.
struct Batches {
    db: Open,
    files: Files,
    inbox: Receiver<Message>,
    touches: Arc<Touches>,
    counts: Arc<Counts>,
    busy_timeout: Duration,
    /// Why the last transaction did not begin, where that was a lock.
    locked_out: Option<StoreError>,
    /// Whether the connection waits for the disk now: `synchronous` is FULL, else NORMAL.
    syncs: bool,
    /// How many callers the last batches had.
    expected: usize,
    /// How long the last batch took.
    lasted: Duration,
}

impl Batches {
    fn run(mut self) {
        let mut touched_at = None;
        let mut stopping = false;
        while !stopping {
            let mut batch = Vec::new();
            match self.next(touched_at) {
                Some(Message::Work(work)) => {
                    batch.push(work);
                    stopping = self.gather(&mut batch);
                }
                Some(Message::Touched) => {
                    touched_at = Some(SystemClock.monotonic());
                    continue;
                }
                Some(Message::Stop) => stopping = true,
                None => {}
            }
            // Work and touches that arrived before the stop are still done.
            if stopping {
                batch.extend(self.inbox.try_iter().filter_map(|message| match message {
                    Message::Work(work) => Some(work),
                    Message::Stop | Message::Touched => None,
                }));
            }
            touched_at = None;
            let touches = self.touches.take();
            let began_at = SystemClock.monotonic();
            let callers = batch.len();
            let rests = batch.iter().any(|work| work.rests());
            self.transact(batch, &touches);
            if rests && !stopping {
                std::thread::sleep(REST);
            }
            self.lasted = SystemClock.monotonic().saturating_sub(began_at);
            self.expected = callers.max((self.expected * 3 + callers) / 4);
        }
        if self.files.place().is_taken_over() {
            // Err: then the log is folded in as always, and what happens to the other's log is SQLite's to say.
            drop(
                self.db
                    .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
            );
        }
        Files::close([self.db]);
    }

    /// The next message; `None`: waiting touches have waited long enough, or nobody can send any more.
    fn next(&self, touched_at: Option<Duration>) -> Option<Message> {
        let Some(touched_at) = touched_at else {
            return Some(self.inbox.recv().unwrap_or(Message::Stop));
        };
        let waited = SystemClock.monotonic().saturating_sub(touched_at);
        match self.inbox.recv_timeout(TOUCH_DELAY.saturating_sub(waited)) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
        }
    }

    /// Takes what is queued, and waits a moment for callers who took part in the last batches: without that, one
    /// caller's fsync and all the others' would alternate. True: stop after this batch.
    fn gather(&self, batch: &mut Vec<Box<dyn Work>>) -> bool {
        let patience = GATHER.min(self.lasted);
        let until = SystemClock.monotonic().saturating_add(patience);
        while batch.len() < BATCH {
            let message = match self.inbox.try_recv() {
                Ok(message) => message,
                Err(_) if batch.len() >= self.expected => return false,
                Err(_) => {
                    let left = until.saturating_sub(SystemClock.monotonic());
                    match self.inbox.recv_timeout(left) {
                        Ok(message) => message,
                        Err(_) => return false,
                    }
                }
            };
            match message {
                Message::Work(work) => batch.push(work),
                Message::Touched => {}
                Message::Stop => return true,
            }
        }
        false
    }

    fn transact(&mut self, batch: Vec<Box<dyn Work>>, touches: &[Touch]) {
        if batch.is_empty() && touches.is_empty() {
            return;
        }
        let now = SystemClock.monotonic();
        let (late, mut batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(|work| work.expires_at() < now);
        // Who stood behind others that waited for a lock in vain has waited for it as well.
        let waited = || {
            let queued = "the write waited in the queue for longer than `store.deadline`";
            StoreError::Unavailable(queued.into())
        };
        fail_all(late, &self.locked_out.clone().unwrap_or_else(waited));
        let syncs = !touches.is_empty() || batch.iter().any(|work| work.syncs());
        // Whose time is up is told so at once; the others go on waiting for the lock.
        while let Err(error) = self.sync(syncs).and_then(|()| self.begin(until(&batch))) {
            let StoreError::Locked(_) = error else {
                return fail_all(batch, &error);
            };
            self.locked_out = Some(error.clone());
            let (late, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut batch)
                .into_iter()
                .partition(|work| work.expires_at() <= SystemClock.monotonic());
            fail_all(late, &error);
            if waiting.is_empty() {
                return;
            }
            batch = waiting;
        }
        self.locked_out = None;
        let written_before = self.db.total_changes();
        let mut refused = Vec::with_capacity(batch.len());
        for work in &mut batch {
            match self.in_savepoint(|db| work.run(db)) {
                Ok(()) => refused.push(None),
                Err(error) => refused.push(Some(failure::of(&error))),
            }
            if self.db.is_autocommit() {
                // A full disk, for one, undoes the whole transaction, the others' work included.
                return self.each_alone(batch, refused.pop().flatten());
            }
        }
        for touch in touches {
            // A touch that fails is dropped: the next use of the row makes another.
            drop(self.in_savepoint(|db| touches::write(db, touch).map(|()| true)));
        }
        let wrote = self.db.total_changes() != written_before;
        match self.db.execute_batch("COMMIT") {
            Ok(()) => {
                if let Err(error) = self.files.place().check() {
                    let error = if wrote {
                        StoreError::UnknownOutcome(error.to_string())
                    } else {
                        error
                    };
                    return fail_all(batch, &error);
                }
                self.counts
                    .commits
                    .fetch_add(u64::from(wrote && syncs), Ordering::Relaxed);
                self.counts.works.fetch_add(batch.len() as u64, Ordering::Relaxed);
                for (work, refused) in batch.into_iter().zip(refused) {
                    match refused {
                        None => work.answer(),
                        Some(error) => work.fail(error),
                    }
                }
            }
            Err(error) => {
                self.undo();
                let failed = failure::of_commit(&error);
                if matches!(failed, StoreError::UnknownOutcome(_)) {
                    // What was refused has been undone by itself, whatever became of the others' work.
                    for (work, refused) in batch.into_iter().zip(refused) {
                        work.fail(refused.unwrap_or_else(|| failed.clone()));
                    }
                } else if failure::is_foreign_key(&error) && batch.len() == 1 {
                    for work in batch {
                        work.forbid(failed.clone());
                    }
                } else {
                    self.each_alone(batch, Some(failed));
                }
            }
        }
    }

    /// After a batch that was undone as a whole: every caller has a transaction of its own, so that only those fail
    /// whose work cannot be done.
    fn each_alone(&mut self, mut batch: Vec<Box<dyn Work>>, error: Option<StoreError>) {
        self.undo();
        if batch.len() > 1 {
            for work in batch {
                self.transact(vec![work], &[]);
            }
        } else if let Some(work) = batch.pop() {
            work.fail(error.unwrap_or_else(|| StoreError::Unavailable("the transaction was undone".into())));
        }
    }

    /// Sets whether the next transaction waits for the disk. It then covers those before it that did not.
    fn sync(&mut self, syncs: bool) -> StoreResult<()> {
        if self.syncs != syncs {
            let pragma = if syncs {
                "PRAGMA synchronous = FULL"
            } else {
                "PRAGMA synchronous = NORMAL"
            };
            (self.db.execute_batch(pragma)).map_err(|error| failure::of(&error))?;
            self.syncs = syncs;
        }
        Ok(())
    }

    /// Begins with the write lock, so that nothing read in here can be out of date.
    fn begin(&mut self, until: Option<Duration>) -> StoreResult<()> {
        self.files.obey()?;
        self.files.place().check()?;
        match until {
            Some(until) => connection::wait_for_locks_until(until),
            None => connection::wait_for_locks(self.busy_timeout),
        }
        let begun = self
            .db
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]));
        begun.map(|_| ()).map_err(|error| failure::of(&error))
    }

    fn in_savepoint(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<bool>) -> rusqlite::Result<()> {
        let run = |sql: &str| self.db.prepare_cached(sql)?.execute([]).map(|_| ());
        run("SAVEPOINT work")?;
        let answer = work(&self.db);
        if self.db.is_autocommit() {
            return answer.map(|_| ());
        }
        if !matches!(answer, Ok(true)) {
            run("ROLLBACK TO work")?;
        }
        run("RELEASE work")?;
        answer.map(|_| ())
    }

    fn undo(&self) {
        if !self.db.is_autocommit() {
            // Err: the connection is broken, and the next BEGIN says so to the next caller.
            drop(self.db.execute_batch("ROLLBACK"));
        }
    }
}

/// When the first of them has waited long enough.
fn until(batch: &[Box<dyn Work>]) -> Option<Duration> {
    batch.iter().map(|work| work.expires_at()).min()
}

fn fail_all(batch: Vec<Box<dyn Work>>, error: &StoreError) {
    for work in batch {
        work.fail(error.clone());
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
