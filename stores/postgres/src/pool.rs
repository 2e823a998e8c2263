//! A few connections to one server.
//!
//! Writers cannot take every connection: a row that somebody else holds makes no look-up wait. While the server refuses
//! further connections, the ones that there are serve everybody.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::{self, Connection};
use super::fault::{Fault, Phase, lost};
use super::options::{Pooler, PostgresOptions};
use super::time;
use super::turns::Turns;
use doorward_base::clock::CorrectedClock;
use doorward_store::{StoreError, StoreResult};

/// A connection is asked for a sign of life when the last one is older: a demoted server is noticed, too.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How long a refusal of the server to take a further connection is believed.
const REFUSED_FOR: Duration = Duration::from_secs(1);
/// A connection older than this is replaced, so that a moved server is found.
const RENEWED_AFTER: Duration = Duration::from_mins(30);

pub(super) struct Pool {
    pub(super) options: PostgresOptions,
    /// What begins a transaction that reads, and one that writes.
    pub(super) begin: [String; 2],
    permits: Semaphore,
    /// Fewer: see [`reserved`].
    writers: Semaphore,
    state: Mutex<State>,
    /// A connection was given back, lost, opened or refused: who waits looks again.
    moved: Notify,
    /// Moves on whenever a connection is lost: all that are idle are then asked for a sign of life.
    losses: AtomicU64,
    /// Moves on whenever somebody waited for a lock in vain.
    waits_in_vain: AtomicU64,
    pub(super) turns: Turns,
    /// The clock that each new connection corrects.
    clock: Option<Arc<CorrectedClock>>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    /// Idle, in use, and being opened.
    count: usize,
    opening: usize,
    waiting: usize,
    writing: usize,
    /// Why the last attempt to connect failed, until one succeeds.
    refusal: Option<Refusal>,
    refusals: u64,
    closed: bool,
}

struct Refusal {
    at: Instant,
    error: StoreError,
    /// The server itself said that there are too many: asking again at once would not help.
    spoken: bool,
}

struct Idle {
    connection: Connection,
    born: Instant,
    checked: Instant,
    losses: u64,
}

impl Pool {
    /// How many connections there are, by what they do.
    pub(super) fn connections(&self) -> Vec<(&'static str, u64)> {
        let state = self.state();
        let (idle, opening) = (state.idle.len(), state.opening);
        let in_use = state.count.saturating_sub(idle + opening);
        vec![
            ("idle", idle as u64),
            ("in_use", in_use as u64),
            ("opening", opening as u64),
        ]
    }
}

/// What an operation needs a connection for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Read,
    Write,
}

/// Connections that writers leave to look-ups.
fn reserved(connections: usize) -> usize {
    (connections / 4).max(1)
}

/// A connection in use. Dropped without [`give_back`](Lease::give_back), it is closed.
pub(super) struct Lease<'p> {
    pub(super) connection: Connection,
    born: Instant,
    checked: Instant,
    seat: Seat<'p>,
}

/// What a connection in use counts for.
struct Seat<'p> {
    pool: &'p Pool,
    lane: Lane,
    /// The connection is idle again.
    kept: bool,
    /// Given back with it, or handed on.
    permits: Option<Permits<'p>>,
}

type Permits<'p> = (SemaphorePermit<'p>, Option<SemaphorePermit<'p>>);

impl Lease<'_> {
    pub(super) fn give_back(self) {
        let mut seat = self.seat;
        let idle = Idle {
            connection: self.connection,
            born: self.born,
            checked: self.checked,
            losses: seat.pool.losses.load(Ordering::Relaxed),
        };
        seat.pool.state().idle.push(idle);
        seat.kept = true;
    }
}

impl<'p> Lease<'p> {
    /// Closes the connection, and goes on waiting with the same permits.
    async fn discard(self) -> Option<Permits<'p>> {
        let (pool, mut seat) = (self.seat.pool, self.seat);
        let permits = seat.permits.take();
        drop(seat);
        drop(timeout(pool.options.deadline, self.connection.close()).await);
        permits
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        if !self.kept {
            state.count -= 1;
        }
        if self.lane == Lane::Write {
            state.writing -= 1;
        }
        drop(state);
        self.pool.moved.notify_waiters();
    }
}

impl Pool {
    pub(super) fn new(options: PostgresOptions, clock: Option<Arc<CorrectedClock>>) -> Self {
        let connections = options.connections as usize;
        Self {
            begin: [false, true].map(|writes| connection::begin(&options, writes)),
            permits: Semaphore::new(connections),
            writers: Semaphore::new(connections - reserved(connections)),
            state: Mutex::default(),
            moved: Notify::new(),
            losses: AtomicU64::new(0),
            waits_in_vain: AtomicU64::new(0),
            turns: Turns::default(),
            clock,
            options,
        }
    }

    /// A connection was lost, or is not worth waiting for any longer.
    pub(super) fn lose(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// How often somebody waited for a lock in vain until now.
    pub(super) fn waits_in_vain(&self) -> u64 {
        self.waits_in_vain.load(Ordering::Relaxed)
    }

    /// A lock was waited for in vain, on a connection that others waited for.
    pub(super) fn waited_in_vain(&self) {
        self.waits_in_vain.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection: an idle one, or a new one, whichever is there first. While the server refuses further ones, the
    /// ones that there are have to do.
    pub(super) async fn acquire(self: &Arc<Self>, lane: Lane) -> StoreResult<Lease<'_>> {
        let closed = |_| stopped();
        // The narrower way first: who waits there holds nothing that a look-up needs.
        let writer = match lane {
            Lane::Read => None,
            Lane::Write => Some(self.writers.acquire().await.map_err(closed)?),
        };
        let mut permits = Some((self.permits.acquire().await.map_err(closed)?, writer));
        loop {
            let (idle, seat) = self.idle(lane, &mut permits).await?;
            let mut lease = Lease {
                connection: idle.connection,
                born: idle.born,
                checked: idle.checked,
                seat,
            };
            if lease.born.elapsed() <= RENEWED_AFTER {
                let suspect = lease.checked.elapsed() > TRUSTED_FOR
                    || idle.losses != self.losses.load(Ordering::Relaxed);
                // Through a pooler each transaction begins with the question.
                if !suspect || self.options.pooler == Pooler::Transaction {
                    return Ok(lease);
                }
                if lease.connection.is_alive().await {
                    lease.checked = Instant::now();
                    return Ok(lease);
                }
            }
            permits = lease.discard().await;
        }
    }

    /// Waits for an idle connection.
    async fn idle<'p>(
        self: &'p Arc<Self>,
        lane: Lane,
        permits: &mut Option<Permits<'p>>,
    ) -> StoreResult<(Idle, Seat<'p>)> {
        let waiting = Waiting::begin(self);
        loop {
            let mut moved = pin!(self.moved.notified());
            // Before the look, so that what moves after it is not missed.
            moved.as_mut().enable();
            match self.next(lane, waiting.refusals)? {
                Next::Idle(idle) => {
                    let seat = Seat {
                        pool: self,
                        lane,
                        kept: false,
                        permits: permits.take(),
                    };
                    return Ok((idle, seat));
                }
                Next::Wait(None) => moved.await,
                Next::Wait(Some(until)) => drop(timeout_at(until, moved).await),
            }
        }
    }

    /// What there is now. Begins to connect where that may help.
    fn next(self: &Arc<Self>, lane: Lane, seen: u64) -> StoreResult<Next> {
        let mut state = self.state();
        if state.closed {
            return Err(stopped());
        }
        if (lane == Lane::Read || state.may_write(self.options.connections as usize))
            && let Some(idle) = state.idle.pop()
        {
            state.writing += usize::from(lane == Lane::Write);
            return Ok(Next::Idle(idle));
        }
        if let Some(refusal) = &state.refusal {
            let until = refusal.at + REFUSED_FOR;
            if state.count > state.opening {
                // Somebody of ours has one, and gives it back.
                if Instant::now() < until {
                    return Ok(Next::Wait(Some(until)));
                }
            } else if state.refusals > seen || (refusal.spoken && Instant::now() < until) {
                return Err(refusal.error.clone());
            }
        }
        if state.count < self.options.connections as usize && state.opening < state.waiting {
            state.count += 1;
            state.opening += 1;
            let pool = Arc::clone(self);
            tokio::spawn(async move { pool.open().await });
        }
        Ok(Next::Wait(None))
    }

    /// Opens a connection for whoever waits first; goes on when that one has found another meanwhile.
    async fn open(&self) {
        let limit = self.options.deadline;
        let opened = timeout(limit, async {
            let mut connection = Connection::open(&self.options).await?;
            if let Some(clock) = &self.clock {
                time::measure(&mut connection, clock).await?;
            }
            Ok::<_, Fault>(connection)
        });
        let opened = opened.await;
        let mut state = self.state();
        state.opening -= 1;
        match opened {
            Ok(Ok(connection)) => {
                state.refusal = None;
                if state.closed {
                    state.count -= 1;
                } else {
                    let now = Instant::now();
                    state.idle.push(Idle {
                        connection,
                        born: now,
                        checked: now,
                        losses: self.losses.load(Ordering::Relaxed),
                    });
                }
            }
            failed => {
                let (spoken, error) = if let Ok(Err(fault)) = failed {
                    (fault.refuses_connections(), fault.into_store(Phase::Open))
                } else {
                    let target = self.options.target();
                    let detail = format!("no connection to {target} could be made within {limit:?}");
                    (false, lost(Phase::Open, detail))
                };
                state.count -= 1;
                state.refusals += 1;
                state.refusal = Some(Refusal {
                    at: Instant::now(),
                    error,
                    spoken,
                });
            }
        }
        drop(state);
        self.moved.notify_waiters();
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
        self.writers.close();
        let idle = {
            let mut state = self.state();
            state.closed = true;
            state.count -= state.idle.len();
            std::mem::take(&mut state.idle)
        };
        self.moved.notify_waiters();
        for idle in idle {
            drop(timeout(self.options.deadline, idle.connection.close()).await);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the counts and the Vec half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// While the server refuses further connections, writers leave one of those that there are to look-ups.
    fn may_write(&self, connections: usize) -> bool {
        let most = match self.refusal {
            Some(_) => self.count - self.opening,
            None => connections,
        };
        self.writing < most.saturating_sub(reserved(most)).max(1)
    }
}

enum Next {
    Idle(Idle),
    /// Until something moves, or until then.
    Wait(Option<Instant>),
}

/// Somebody who waits for a connection; counted, also when he stops waiting.
struct Waiting<'p> {
    pool: &'p Pool,
    /// Refusals before he came are not his.
    refusals: u64,
}

impl<'p> Waiting<'p> {
    fn begin(pool: &'p Pool) -> Self {
        let mut state = pool.state();
        state.waiting += 1;
        Self {
            pool,
            refusals: state.refusals,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pool.state().waiting -= 1;
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the store is stopped".into())
}
