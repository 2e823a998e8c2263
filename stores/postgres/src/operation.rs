//! What is asked of the server: a read, one statement, or a transaction, each until its caller's time is over.
//!
//! A connection is given back only after it answered in full; whatever fails in between closes it, and the server
//! rolls back. Where the answer to a commit is lost, the server is asked what became of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::connection::{self, Connection, Fate, Transaction};
use super::fault::{Fault, Phase, lost};
use super::options::Pooler;
use super::pool::{Lane, Lease, Pool};
use super::turns::{Held, Row};
use doorward_store::{StoreError, StoreResult};

/// What an operation does on a connection.
pub(super) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// An operation: a plain function, so that it can be run again.
pub(super) type Body<I, T> = for<'a> fn(&'a mut Connection, &'a I) -> Work<'a, T>;

/// How a transaction ends.
pub(super) enum End<T> {
    /// Keep what was written.
    Commit(T),
    /// Roll back: the answer is that nothing happens.
    Undo(T),
}

/// How often a transaction that lost a race is run again before the caller hears of it.
const TRIES: u32 = 3;
/// How long after a question about a commit the next one is asked, while the server is not sure or not there.
const ASKED_AGAIN: Duration = Duration::from_millis(20);

/// How far an operation is: what is known when its time is up.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    /// Another write of this process to the same row is before it.
    Turn = 0,
    /// Every connection is in use.
    Connection = 1,
    Working = 2,
    Committing = 3,
}

struct Progress(AtomicU8);

impl Progress {
    fn at(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    fn is(&self, stage: Stage) -> bool {
        self.0.load(Ordering::Relaxed) == stage as u8
    }
}

/// One operation that somebody asked for: until when it must be answered, and whose row it locks first.
pub(super) struct Asked {
    pub(super) pool: Arc<Pool>,
    until: Instant,
    row: Option<Row>,
}

impl Asked {
    pub(super) fn now(pool: Arc<Pool>, row: Option<Row>) -> Self {
        Self {
            until: Instant::now() + pool.options.deadline,
            pool,
            row,
        }
    }

    /// Asked with another end of its time.
    pub(super) fn until(pool: Arc<Pool>, until: Instant) -> Self {
        Self {
            pool,
            until,
            row: None,
        }
    }

    /// Runs statements that change nothing; on a lost connection, again on another.
    pub(super) async fn read<I: Sync, T>(&self, input: &I, body: Body<I, T>) -> StoreResult<T> {
        let pool = &self.pool;
        self.within(async |progress| {
            let mut left = pool.options.connections + 1;
            loop {
                let fault = match pool.read_once(input, body, progress).await {
                    Ok(answer) => return Ok(answer),
                    Err(fault) => fault,
                };
                left -= 1;
                if !fault.lost_connection() || left == 0 {
                    return Err(pool.told(fault, Phase::Open));
                }
            }
        })
        .await
    }

    /// Runs one writing statement that commits itself.
    pub(super) async fn statement<I: Sync, T>(&self, input: &I, body: Body<I, T>) -> StoreResult<T> {
        let pool = &self.pool;
        self.within(async |progress| {
            let turn = self.turn(progress).await?;
            let mut lease = pool.ready(Lane::Write, progress).await?;
            let lasts = pool.options.pooler == Pooler::Session;
            if lasts {
                progress.at(Stage::Committing);
            }
            let mut answer = body(&mut lease.connection, input).await;
            let mut phase = if lasts { Phase::Committing } else { Phase::Open };
            if answer.is_ok() && !lasts {
                progress.at(Stage::Committing);
                phase = Phase::Committing;
                answer = end(&mut lease, "COMMIT").await.and(answer);
            }
            match answer {
                Ok(answer) => {
                    lease.give_back();
                    Ok(answer)
                }
                Err(fault) => {
                    pool.in_vain(turn.as_ref(), &fault);
                    pool.roll_back(lease, &fault).await;
                    Err(pool.told(fault, phase))
                }
            }
        })
        .await
    }

    /// Runs a transaction, and runs it again when it lost a race inside the server.
    pub(super) async fn transaction<I: Sync, T>(&self, input: &I, body: Body<I, End<T>>) -> StoreResult<T> {
        self.within(async |progress| {
            let turn = self.turn(progress).await?;
            let mut tries = 1;
            loop {
                match self.pool.attempt(input, body, progress, turn.as_ref()).await {
                    Err(StoreError::Retry(_)) if tries < TRIES => tries += 1,
                    answer => return answer,
                }
            }
        })
        .await
    }

    /// The same without a deadline: for migrations, which bound their own waiting.
    pub(super) async fn patiently<I: Sync, T>(&self, input: &I, body: Body<I, End<T>>) -> StoreResult<T> {
        let progress = Progress(AtomicU8::new(0));
        self.pool.attempt(input, body, &progress, None).await
    }

    async fn turn(&self, progress: &Progress) -> StoreResult<Option<Held<'_>>> {
        let Some(row) = self.row else { return Ok(None) };
        progress.at(Stage::Turn);
        let held = self.pool.turns.take(row).await;
        held.map(Some)
            .ok_or_else(|| self.pool.locked("another write of this process waited for it"))
    }

    /// The deadline over a whole operation; what is known after it depends on how far it was.
    async fn within<T>(&self, work: impl AsyncFnOnce(&Progress) -> StoreResult<T>) -> StoreResult<T> {
        let progress = Progress(AtomicU8::new(Stage::Connection as u8));
        let waits_in_vain = self.pool.waits_in_vain();
        if let Ok(answer) = timeout_at(self.until, work(&progress)).await {
            return answer;
        }
        let (pool, limit) = (&self.pool, self.pool.options.deadline);
        if progress.is(Stage::Turn) {
            return Err(pool.locked("writes of this process that came before did not end"));
        }
        let is_open = !progress.is(Stage::Committing);
        if !progress.is(Stage::Connection) {
            pool.lose();
        }
        if is_open && pool.waits_in_vain() != waits_in_vain {
            return Err(pool.locked("those that came before waited in vain, and no time was left"));
        }
        if progress.is(Stage::Connection) {
            let detail = format!(
                "no connection to {} was free within {limit:?}",
                pool.options.target()
            );
            return Err(lost(Phase::Open, detail));
        }
        let phase = if is_open { Phase::Open } else { Phase::Committing };
        let detail = format!("{} gave no answer within {limit:?}", pool.options.target());
        Err(lost(phase, detail))
    }
}

async fn end(lease: &mut Lease<'_>, word: &'static str) -> Result<(), Fault> {
    sqlx::raw_sql(word).execute(&mut lease.connection).await?;
    Ok(())
}

impl Pool {
    /// Tells those who wait for the same row, or for this connection, that somebody else holds a lock.
    fn in_vain(&self, turn: Option<&Held<'_>>, fault: &Fault) {
        if fault.is_locked_out() {
            self.waited_in_vain();
            if let Some(turn) = turn {
                turn.in_vain();
            }
        }
    }

    async fn read_once<I: Sync, T>(
        self: &Arc<Self>,
        input: &I,
        body: Body<I, T>,
        progress: &Progress,
    ) -> Result<T, Fault> {
        let mut lease = self.ready(Lane::Read, progress).await?;
        let mut answer = body(&mut lease.connection, input).await;
        if answer.is_ok() && self.options.pooler == Pooler::Transaction {
            answer = end(&mut lease, "COMMIT").await.and(answer);
        }
        match answer {
            Ok(answer) => {
                lease.give_back();
                Ok(answer)
            }
            Err(fault) => {
                self.in_vain(None, &fault);
                self.roll_back(lease, &fault).await;
                Err(fault)
            }
        }
    }

    async fn attempt<I: Sync, T>(
        self: &Arc<Self>,
        input: &I,
        body: Body<I, End<T>>,
        progress: &Progress,
        turn: Option<&Held<'_>>,
    ) -> StoreResult<T> {
        let (mut lease, transaction) = self.begin(Lane::Write, progress).await?;
        let ended = match body(&mut lease.connection, input).await {
            Ok(ended) => ended,
            Err(fault) => {
                self.in_vain(turn, &fault);
                // Begun in either case.
                self.roll_back_begun(lease, &fault).await;
                return Err(self.told(fault, Phase::Open));
            }
        };
        let (answer, last, phase) = match ended {
            End::Commit(answer) => (answer, "COMMIT", Phase::Committing),
            End::Undo(answer) => (answer, "ROLLBACK", Phase::Open),
        };
        if phase == Phase::Committing {
            progress.at(Stage::Committing);
        }
        match end(&mut lease, last).await {
            Ok(()) => {
                lease.give_back();
                Ok(answer)
            }
            Err(fault) => {
                self.dispose(lease, &fault);
                match self.told(fault, phase) {
                    StoreError::UnknownOutcome(detail) => self.look_after(&transaction, answer, detail).await,
                    told => Err(told),
                }
            }
        }
    }

    /// The answer to a commit was lost: asks the server, on another connection, what became of the transaction. Its
    /// answer counts if it was committed; if it was rolled back, it may be run again.
    async fn look_after<T>(
        self: &Arc<Self>,
        transaction: &Transaction,
        answer: T,
        detail: String,
    ) -> StoreResult<T> {
        // The caller's stays where it is: when his time is over, the outcome is unknown.
        let progress = Progress(AtomicU8::new(0));
        let ask: Body<Transaction, Fate> = |c, of| Box::pin(connection::fate(c, of));
        loop {
            match self.read_once(transaction, ask, &progress).await {
                Ok(Fate::Committed) => return Ok(answer),
                Ok(Fate::RolledBack) => {
                    return Err(StoreError::Retry(format!("{detail}; it was rolled back")));
                }
                Ok(Fate::Unknown) => return Err(StoreError::UnknownOutcome(detail)),
                Ok(Fate::UnderWay) | Err(_) => sleep(ASKED_AGAIN).await,
            }
        }
    }

    /// A connection on which one statement may be sent.
    async fn ready(self: &Arc<Self>, lane: Lane, progress: &Progress) -> StoreResult<Lease<'_>> {
        match self.options.pooler {
            Pooler::Session => {
                progress.at(Stage::Connection);
                let lease = self.acquire(lane).await?;
                progress.at(Stage::Working);
                Ok(lease)
            }
            Pooler::Transaction => self.begin(lane, progress).await.map(|(lease, _)| lease),
        }
    }

    /// A connection with an open transaction. One that was lost while idle says so here, before anything happened.
    async fn begin(
        self: &Arc<Self>,
        lane: Lane,
        progress: &Progress,
    ) -> StoreResult<(Lease<'_>, Transaction)> {
        let mut left = self.options.connections + 1;
        loop {
            progress.at(Stage::Connection);
            let mut lease = self.acquire(lane).await?;
            progress.at(Stage::Working);
            let [reads, writes] = &self.begin;
            let begin = if lane == Lane::Write { writes } else { reads };
            let fault = match lease.connection.begin(begin, &self.options).await {
                Ok(transaction) => return Ok((lease, transaction)),
                Err(fault) => fault,
            };
            left -= 1;
            let again = fault.lost_connection() && left > 0;
            self.dispose(lease, &fault);
            if !again {
                return Err(self.told(fault, Phase::Open));
            }
        }
    }

    /// After an error in what [`ready`](Self::ready) gave.
    async fn roll_back(&self, lease: Lease<'_>, fault: &Fault) {
        match self.options.pooler {
            Pooler::Session => self.dispose(lease, fault),
            Pooler::Transaction => self.roll_back_begun(lease, fault).await,
        }
    }

    async fn roll_back_begun(&self, mut lease: Lease<'_>, fault: &Fault) {
        if fault.leaves_connection_usable() && end(&mut lease, "ROLLBACK").await.is_ok() {
            lease.give_back();
        } else {
            self.lose();
        }
    }

    fn dispose(&self, lease: Lease<'_>, fault: &Fault) {
        if fault.leaves_connection_usable() {
            lease.give_back();
        } else {
            self.lose();
        }
    }

    /// What a caller is told.
    fn told(&self, fault: Fault, phase: Phase) -> StoreError {
        if fault.is_locked_out() {
            return self.locked("the server gave up the wait (SQLSTATE 55P03)");
        }
        fault.into_store(phase)
    }

    fn locked(&self, how: &str) -> StoreError {
        StoreError::Locked(format!(
            "a row is locked by somebody else: {how}; a transaction of the application that refers to the user and is \
             still open, perhaps (a lock is waited for {:?} at most, a quarter of `store.deadline`)",
            connection::lock_timeout(self.options.deadline)
        ))
    }
}
