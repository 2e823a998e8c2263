//! The runtime, the connections and the queue of one process: what exists between `start` and `stop`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connection;
use super::fault::Fault;
use super::lookups::{Found, Lookups};
use super::measured;
use super::operation::Asked;
use super::options::{Pooler, PostgresOptions};
use super::pool::Pool;
use super::schema;
use super::touches::Touches;
use doorward_base::clock::CorrectedClock;
use doorward_base::forked::{self, Left};
use doorward_base::id::SignInId;
use doorward_store::{Reply, StoreError, StoreResult};

/// Threads that serve the connections. Their work is waiting.
const WORKERS: usize = 2;
/// How long `stop` waits for threads that are busy.
const LAST_BREATH: Duration = Duration::from_secs(2);

pub(super) struct Life {
    /// `None` only while it is being shut down.
    runtime: Option<Runtime>,
    pub(super) pool: Arc<Pool>,
    pub(super) touches: Arc<Touches>,
    lookups: Arc<Lookups>,
    pid: u32,
}

impl Life {
    /// Threads, but no connection yet.
    pub(super) fn begin(options: PostgresOptions, clock: Option<Arc<CorrectedClock>>) -> StoreResult<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(WORKERS)
            .thread_name("doorward-pg")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unavailable(format!("no threads for the store: {error}")))?;
        let touches = Arc::new(Touches::new(options.touches));
        let lookups = Arc::new(Lookups::new(options.deadline));
        let pool = Arc::new(Pool::new(options, clock.clone()));
        let (queue, connections) = (Arc::clone(&touches), Arc::clone(&pool));
        runtime.spawn(async move { queue.run(&connections).await });
        if let Some(clock) = clock {
            let connections = Arc::clone(&pool);
            runtime.spawn(async move { measured::keep_right(clock, &connections).await });
        }
        Ok(Self {
            runtime: Some(runtime),
            pool,
            touches,
            lookups,
            pid: std::process::id(),
        })
    }

    /// What a child finds that was forked from a started process.
    #[cfg(test)]
    pub(super) fn inherited(options: PostgresOptions) -> Self {
        let mut life = Self::begin(options, None).unwrap();
        life.pid = 0;
        life
    }

    /// False in a forked child: its parent's threads are not here, and its parent's sockets are not ours.
    pub(super) fn is_ours(&self) -> bool {
        self.pid == std::process::id()
    }

    /// Runs work on our threads; the answer may be awaited anywhere. Dropping the answer abandons the wait, not
    /// the work.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = StoreResult<T>> + Send + 'static,
    ) -> Reply<T> {
        let Some(runtime) = &self.runtime else {
            return Reply::Now(Err(stopped()));
        };
        spawn_on(runtime.handle(), work)
    }

    /// Looks a sign-in up, together with whoever else asks.
    pub(super) fn look_up(&self, id: SignInId) -> Reply<Found> {
        let Some(runtime) = &self.runtime else {
            return Reply::Now(Err(stopped()));
        };
        let answered = self.lookups.ask(id);
        if self.lookups.has_room() {
            let (lookups, pool) = (Arc::clone(&self.lookups), Arc::clone(&self.pool));
            runtime.spawn(async move { lookups.serve(&pool).await });
        }
        Reply::later(async move { answered.await.unwrap_or_else(|_| Err(stopped())) })
    }

    /// Writes what is queued, closes the connections, ends the threads.
    pub(super) fn end(mut self) -> Reply<()> {
        let Some(runtime) = self.runtime.take() else {
            return Reply::Now(Ok(()));
        };
        let (pool, touches) = (Arc::clone(&self.pool), Arc::clone(&self.touches));
        let farewell = spawn_on(runtime.handle(), async move {
            let flushed = touches.flush(&pool).await;
            pool.close().await;
            flushed
        });
        Reply::later(async move {
            let flushed = farewell.await;
            let (done, waiting) = oneshot::channel();
            // A runtime may not be waited for on a thread that drives futures; the caller's may be one.
            let waiter = std::thread::Builder::new()
                .name("doorward-pg-stop".into())
                .spawn(move || {
                    runtime.shutdown_timeout(LAST_BREATH);
                    // Nobody waiting any more is fine.
                    let _ = done.send(());
                });
            if waiter.is_ok() {
                drop(waiting.await);
            }
            if let Err(error) = flushed {
                tracing::debug!(%error, "last-use times were not written at the stop");
            }
            Ok(())
        })
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        if self.is_ours() {
            runtime.shutdown_background();
            return;
        }
        // After a fork the threads are gone, and closing an inherited socket would say goodbye in the parent's
        // name: everything is leaked.
        std::mem::forget(runtime);
        std::mem::forget(Arc::clone(&self.pool));
        std::mem::forget(Arc::clone(&self.touches));
        std::mem::forget(Arc::clone(&self.lookups));
    }
}

fn spawn_on<T: Send + 'static>(
    handle: &Handle,
    work: impl Future<Output = StoreResult<T>> + Send + 'static,
) -> Reply<T> {
    let task = handle.spawn(work);
    Reply::later(async move {
        match task.await {
            Ok(answer) => answer,
            // Stopped while it ran: a commit may have been on its way.
            Err(error) => Err(StoreError::UnknownOutcome(format!(
                "the store's work was cut short: {error}"
            ))),
        }
    })
}

/// Looks for a pooler before anything is set on a connection: the setting would stay with others.
pub(super) async fn look_for_pooler(pool: &Pool) -> StoreResult<()> {
    let options = &pool.options;
    if options.pooler == Pooler::Transaction {
        return Ok(());
    }
    match timeout(options.deadline, connection::is_handed_on(options)).await {
        Ok(Ok(true)) => Err(connection::handed_on(options)),
        Ok(Err(Fault::Store(error))) => Err(error),
        // A server that is away, full or slow: what is asked next says so in its own words.
        Ok(Ok(false) | Err(_)) | Err(_) => Ok(()),
    }
}

/// What a fresh process checks before it relies on the server.
pub(super) async fn check(pool: &Arc<Pool>) -> StoreResult<()> {
    let asked = || Asked::now(Arc::clone(pool), None);
    asked()
        .read(&(), |c, ()| Box::pin(schema::warn_of_forgetting(c)))
        .await?;
    if schema::state(pool).await?.found > 0 {
        asked()
            .transaction(&(), |c, ()| Box::pin(schema::check_counts(c)))
            .await?;
    }
    Ok(())
}

pub(super) fn stopped() -> StoreError {
    StoreError::Unavailable("the store is not started".into())
}

pub(super) fn forked() -> StoreError {
    StoreError::Unavailable(forked::told("this store", Left::Nothing))
}
