//! A few connections to one server, and the three shapes of an operation: read, one statement, transaction.
//!
//! A connection is given back only after it answered in full; whatever fails in between closes it, and the server
//! rolls back. Nothing here outlives the deadline.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use super::fault::{Fault, Phase, lost};
use super::options::PostgresOptions;
use super::time;
use crate::clock::CorrectedClock;
use crate::store::{StoreError, StoreResult};

/// What an operation does on a connection.
pub(super) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// An operation: a plain function, so that it can be run again.
pub(super) type Body<I, T> = for<'a> fn(&'a mut PgConnection, &'a I) -> Work<'a, T>;

/// How a transaction ends.
pub(super) enum End<T> {
    /// Keep what was written.
    Commit(T),
    /// Roll back: the answer is that nothing happens.
    Undo(T),
}

/// How often a transaction that lost a race is run again before the caller hears of it.
const TRIES: u32 = 3;
/// A connection unused for longer is asked for a sign of life before it carries a write.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// A connection older than this is replaced, so that a moved server is found.
const RENEWED_AFTER: Duration = Duration::from_mins(30);
/// PostgreSQL 14: the oldest release that its makers still repair.
const OLDEST_SERVER: i32 = 140_000;

pub(super) struct Pool {
    options: PostgresOptions,
    permits: Semaphore,
    idle: Mutex<Vec<Idle>>,
    /// Moves on whenever a connection is lost: all that are idle are then asked for a sign of life.
    losses: AtomicU64,
    /// The clock that each new connection corrects.
    clock: Option<Arc<CorrectedClock>>,
}

struct Idle {
    connection: PgConnection,
    born: Instant,
    used: Instant,
    losses: u64,
}

/// A connection in use. Dropped without [`give_back`](Lease::give_back), it is closed.
struct Lease<'p> {
    pool: &'p Pool,
    connection: PgConnection,
    born: Instant,
    _permit: SemaphorePermit<'p>,
}

impl Lease<'_> {
    fn give_back(self) {
        let idle = Idle {
            connection: self.connection,
            born: self.born,
            used: Instant::now(),
            losses: self.pool.losses.load(Ordering::Relaxed),
        };
        self.pool.idle().push(idle);
    }
}

impl Pool {
    pub(super) fn new(options: PostgresOptions, clock: Option<Arc<CorrectedClock>>) -> Self {
        Self {
            permits: Semaphore::new(options.connections as usize),
            idle: Mutex::new(Vec::new()),
            losses: AtomicU64::new(0),
            clock,
            options,
        }
    }

    /// Runs statements that change nothing; on a lost connection, again on another.
    pub(super) async fn read<I: Sync, T>(&self, input: &I, body: Body<I, T>) -> StoreResult<T> {
        let work = async {
            let mut left = self.options.connections + 1;
            loop {
                let mut lease = self.acquire().await?;
                match body(&mut lease.connection, input).await {
                    Ok(answer) => {
                        lease.give_back();
                        return Ok(answer);
                    }
                    Err(fault) => {
                        left -= 1;
                        let again = fault.lost_connection() && left > 0;
                        self.dispose(lease, &fault);
                        if !again {
                            return Err(fault.into_store(Phase::Open));
                        }
                    }
                }
            }
        };
        self.within(&AtomicBool::new(false), work).await
    }

    /// Runs one writing statement that commits itself.
    pub(super) async fn statement<I: Sync, T>(&self, input: &I, body: Body<I, T>) -> StoreResult<T> {
        let committing = AtomicBool::new(false);
        let work = async {
            let mut lease = self.acquire().await?;
            committing.store(true, Ordering::Relaxed);
            match body(&mut lease.connection, input).await {
                Ok(answer) => {
                    lease.give_back();
                    Ok(answer)
                }
                Err(fault) => {
                    self.dispose(lease, &fault);
                    Err(fault.into_store(Phase::Committing))
                }
            }
        };
        self.within(&committing, work).await
    }

    /// Runs a transaction, and runs it again when it lost a race inside the server.
    pub(super) async fn transaction<I: Sync, T>(&self, input: &I, body: Body<I, End<T>>) -> StoreResult<T> {
        let committing = AtomicBool::new(false);
        let work = async {
            let mut tries = 1;
            loop {
                match self.attempt(input, body, &committing).await {
                    Err(StoreError::Retry(_)) if tries < TRIES => tries += 1,
                    answer => return answer,
                }
            }
        };
        self.within(&committing, work).await
    }

    /// The same without a deadline: for migrations, which bound their own waiting.
    pub(super) async fn patiently<I: Sync, T>(&self, input: &I, body: Body<I, End<T>>) -> StoreResult<T> {
        self.attempt(input, body, &AtomicBool::new(false)).await
    }

    async fn attempt<I: Sync, T>(
        &self,
        input: &I,
        body: Body<I, End<T>>,
        committing: &AtomicBool,
    ) -> StoreResult<T> {
        committing.store(false, Ordering::Relaxed);
        let mut lease = self.begin().await?;
        let end = match body(&mut lease.connection, input).await {
            Ok(end) => end,
            Err(fault) => {
                self.roll_back(lease, &fault).await;
                return Err(fault.into_store(Phase::Open));
            }
        };
        let (answer, last) = match end {
            End::Commit(answer) => (answer, "COMMIT"),
            End::Undo(answer) => (answer, "ROLLBACK"),
        };
        let phase = if last == "COMMIT" {
            Phase::Committing
        } else {
            Phase::Open
        };
        committing.store(phase == Phase::Committing, Ordering::Relaxed);
        match sqlx::raw_sql(last).execute(&mut lease.connection).await {
            Ok(_) => {
                lease.give_back();
                Ok(answer)
            }
            Err(error) => {
                let fault = Fault::Sql(error);
                self.dispose(lease, &fault);
                Err(fault.into_store(phase))
            }
        }
    }

    /// A connection with an open transaction. One that was lost while idle says so here, before anything happened.
    async fn begin(&self) -> StoreResult<Lease<'_>> {
        let mut left = self.options.connections + 1;
        loop {
            let mut lease = self.acquire().await?;
            let Err(error) = sqlx::raw_sql("BEGIN").execute(&mut lease.connection).await else {
                return Ok(lease);
            };
            left -= 1;
            let fault = Fault::Sql(error);
            let again = fault.lost_connection() && left > 0;
            self.dispose(lease, &fault);
            if !again {
                return Err(fault.into_store(Phase::Open));
            }
        }
    }

    async fn roll_back(&self, mut lease: Lease<'_>, fault: &Fault) {
        if fault.leaves_connection_usable()
            && sqlx::raw_sql("ROLLBACK")
                .execute(&mut lease.connection)
                .await
                .is_ok()
        {
            lease.give_back();
        } else {
            self.losses.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn dispose(&self, lease: Lease<'_>, fault: &Fault) {
        if fault.leaves_connection_usable() {
            lease.give_back();
        } else {
            self.losses.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn acquire(&self) -> StoreResult<Lease<'_>> {
        let closed = |_| StoreError::Unavailable("the store is stopped".into());
        let permit = self.permits.acquire().await.map_err(closed)?;
        let lease = |connection, born| Lease {
            pool: self,
            connection,
            born,
            _permit: permit,
        };
        loop {
            // Bound to a name first, so that the lock is released before anything is awaited.
            let idle = self.idle().pop();
            let Some(mut idle) = idle else {
                return Ok(lease(self.connect().await?, Instant::now()));
            };
            if idle.born.elapsed() > RENEWED_AFTER {
                drop(idle.connection.close().await);
                continue;
            }
            let suspect =
                idle.used.elapsed() > TRUSTED_FOR || idle.losses != self.losses.load(Ordering::Relaxed);
            if !suspect || idle.connection.ping().await.is_ok() {
                return Ok(lease(idle.connection, idle.born));
            }
        }
    }

    async fn connect(&self) -> StoreResult<PgConnection> {
        let open = |error| Fault::Sql(error).into_store(Phase::Open);
        let mut connection = PgConnection::connect_with(&self.options.connect)
            .await
            .map_err(open)?;
        let limit = self.options.deadline.as_millis();
        // Numbers of our own only. The last statement answers with the row.
        let settings = AssertSqlSafe(format!(
            "SET statement_timeout = {limit}; SET lock_timeout = {limit}; \
             SET idle_in_transaction_session_timeout = {}; \
             SET default_transaction_isolation = 'read committed'; \
             SELECT current_setting('server_version_num')::int4, current_setting('server_version'), \
             pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'",
            limit.saturating_mul(2),
        ));
        let row = sqlx::raw_sql(settings)
            .fetch_one(&mut connection)
            .await
            .map_err(open)?;
        let version: i32 = row.try_get(0).map_err(open)?;
        let name: String = row.try_get(1).map_err(open)?;
        if version < OLDEST_SERVER {
            let detail = format!("the server is PostgreSQL {name}; 14 or newer is needed");
            return Err(StoreError::Schema(detail));
        }
        // A replica would answer sign-in look-ups from the past.
        if row.try_get(2).map_err(open)? {
            let detail = format!(
                "{} is read-only, a replica perhaps; name the primary",
                self.options.target()
            );
            return Err(StoreError::Unavailable(detail));
        }
        if let Some(clock) = &self.clock {
            (time::measure(&mut connection, clock).await).map_err(|fault| fault.into_store(Phase::Open))?;
        }
        Ok(connection)
    }

    /// Waits for what is under way, at most one deadline long; refuses what comes; closes what is idle.
    pub(super) async fn close(&self) {
        drop(
            timeout(
                self.options.deadline,
                self.permits.acquire_many(self.options.connections),
            )
            .await,
        );
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            drop(timeout(self.options.deadline, idle.connection.close()).await);
        }
    }

    /// The deadline over a whole operation; what is known after it depends on `committing`.
    async fn within<T>(
        &self,
        committing: &AtomicBool,
        work: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        let limit = self.options.deadline;
        timeout(limit, work).await.unwrap_or_else(|_| {
            self.losses.fetch_add(1, Ordering::Relaxed);
            let phase = if committing.load(Ordering::Relaxed) {
                Phase::Committing
            } else {
                Phase::Open
            };
            Err(lost(
                phase,
                format!("{} gave no answer within {limit:?}", self.options.target()),
            ))
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        // A panic cannot leave a Vec of idle connections half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
