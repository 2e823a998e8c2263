//! The thread that writes: many callers' work in one transaction.
//!
//! Each piece of work runs in a savepoint of its own, and is answered only after the commit that holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::descriptors::{Files, Open};
use super::touches::{self, Touches};
use super::work::Work;
use super::{connection, failure};
use doorward_base::clock::{Clock, SystemClock};
use doorward_store::{StoreError, StoreResult, Touch};

/// Pieces of work that share one transaction at most: bounds how long the write lock is held.
const BATCH: usize = 256;
/// How long touches wait for other work to ride along with.
const TOUCH_DELAY: Duration = Duration::from_millis(20);
/// How long the lock is left to other processes after work that many others of its kind follow: four of their looks.
const REST: Duration = Duration::from_millis(2);
/// How long a batch may wait for callers who were here in the last ones. Never longer than the last commit took.
const GATHER: Duration = Duration::from_millis(2);

/// Counts since the start.
#[derive(Default)]
pub(super) struct Counts {
    /// Commits that wrote something and waited for the disk: one fsync each.
    pub(super) commits: AtomicU64,
    /// Pieces of work answered.
    pub(super) works: AtomicU64,
}

/// What the thread is told.
pub(super) enum Message {
    Stop,
    Touched,
    Work(Box<dyn Work>),
}

/// The thread's side.
pub(super) struct Batches {
    pub(super) db: Open,
    pub(super) files: Files,
    pub(super) inbox: Receiver<Message>,
    pub(super) touches: Arc<Touches>,
    pub(super) counts: Arc<Counts>,
    pub(super) busy_timeout: Duration,
    /// Why the last transaction did not begin, where that was a lock.
    pub(super) locked_out: Option<StoreError>,
    /// Whether the connection waits for the disk now: `synchronous` is FULL, else NORMAL.
    pub(super) syncs: bool,
    /// How many callers the last batches had.
    pub(super) expected: usize,
    /// How long the last batch took.
    pub(super) lasted: Duration,
}

impl Batches {
    pub(super) fn run(mut self) {
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
            Err(error) => self.not_committed(batch, refused, &error),
        }
    }

    /// Answers a batch whose commit failed; `refused`: what each piece of work was told before.
    fn not_committed(
        &mut self,
        batch: Vec<Box<dyn Work>>,
        refused: Vec<Option<StoreError>>,
        error: &rusqlite::Error,
    ) {
        self.undo();
        let failed = failure::of_commit(error);
        if matches!(failed, StoreError::UnknownOutcome(_)) {
            // What was refused has been undone by itself, whatever became of the others' work.
            for (work, refused) in batch.into_iter().zip(refused) {
                work.fail(refused.unwrap_or_else(|| failed.clone()));
            }
        } else if failure::is_foreign_key(error) && batch.len() == 1 {
            for work in batch {
                work.forbid(failed.clone());
            }
        } else {
            self.each_alone(batch, Some(failed));
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
