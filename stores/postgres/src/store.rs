//! The handle of a store, and the ways to work on its threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::life::{self, Life};
use super::operation::{Asked, Body, End};
use super::options::PostgresOptions;
use super::schema::{self, Migration};
use super::turns::Row;
use doorward_base::clock::CorrectedClock;
use doorward_store::{Reply, StoreResult};

/// Doorward's tables in a PostgreSQL database.
pub struct PostgresStore {
    pub(super) options: PostgresOptions,
    pub(super) clock: Option<Arc<CorrectedClock>>,
    pub(super) life: Arc<Mutex<Option<Life>>>,
}

impl PostgresStore {
    /// A store that is not started: nothing is opened yet.
    pub fn new(options: PostgresOptions) -> Self {
        Self {
            options,
            clock: None,
            life: Arc::default(),
        }
    }

    /// The same, and it keeps this clock right: by the server's own, measured with each connection, each minute, and when the
    /// clock [asks](CorrectedClock::asked).
    pub fn correcting(options: PostgresOptions, clock: Arc<CorrectedClock>) -> Self {
        Self {
            clock: Some(clock),
            ..Self::new(options)
        }
    }

    /// The migrations that lead from a schema version to this release's: what
    /// [`migrate`](doorward_store::Store::migrate) would do.
    pub fn plan(found: u32) -> &'static [Migration] {
        schema::plan(found)
    }

    pub(super) fn life(&self) -> MutexGuard<'_, Option<Life>> {
        locked(&self.life)
    }

    /// Runs work on the store's own threads; of the writes that lock one row first, one at a time.
    pub(super) fn run<T, F>(&self, row: Option<Row>, work: impl FnOnce(Asked) -> F) -> Reply<T>
    where
        T: Send + 'static,
        F: Future<Output = StoreResult<T>> + Send + 'static,
    {
        match &*self.life() {
            None => Reply::Now(Err(life::stopped())),
            Some(life) if !life.is_ours() => Reply::Now(Err(life::forked())),
            Some(life) => life.spawn(work(Asked::now(Arc::clone(&life.pool), row))),
        }
    }

    pub(super) fn read<I, T>(&self, input: I, body: Body<I, T>) -> Reply<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.run(None, |asked| async move { asked.read(&input, body).await })
    }

    pub(super) fn statement<I, T>(&self, row: impl Into<Option<Row>>, input: I, body: Body<I, T>) -> Reply<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.run(
            row.into(),
            |asked| async move { asked.statement(&input, body).await },
        )
    }

    pub(super) fn transaction<I, T>(
        &self,
        row: impl Into<Option<Row>>,
        input: I,
        body: Body<I, End<T>>,
    ) -> Reply<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.run(row.into(), |asked| async move {
            asked.transaction(&input, body).await
        })
    }
}

pub(super) fn locked(life: &Mutex<Option<Life>>) -> MutexGuard<'_, Option<Life>> {
    // Nothing under this lock can leave it half changed.
    life.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use doorward_base::clock::Timestamp;
    use doorward_base::id::{SignInId, UserId};
    use doorward_base::identifier::ProviderId;
    use doorward_store::{Store as _, StoreError, Touch};

    fn at_once<T: Unpin>(reply: Reply<T>) -> StoreResult<T> {
        match pin!(reply).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("the answer should be here at once"),
        }
    }

    #[test]
    fn a_child_that_inherited_a_started_store_is_told_so_and_starts_anew() {
        let options = PostgresOptions::parse("postgres://u@127.0.0.1:1/d").unwrap();
        let store = PostgresStore::new(options.clone());
        *store.life() = Some(Life::inherited(options));
        let id = UserId::from_bytes([1; 16]);
        let forked = |answer: StoreResult<_>| matches!(answer, Err(StoreError::Unavailable(why)) if why.contains("forked"));
        assert!(forked(at_once(store.user(id)).map(|_| ())));
        assert!(forked(
            at_once(store.sign_in(SignInId::from_bytes([1; 16]))).map(|_| ())
        ));
        assert!(forked(at_once(store.delete_user(id)).map(|_| ())));
        store.touch(Touch::IdentityUsed(
            ProviderId {
                realm: String::new(),
                provider: "email".into(),
                canonical: Vec::new(),
            },
            Timestamp::default(),
        ));
        // Starting leaks what was inherited; the new life is this process's own.
        drop(store.start());
        assert!(store.life().as_ref().is_some_and(Life::is_ours));
        // Stopping instead neither waits for threads that are not here nor says goodbye in the parent's name.
        *store.life() = Some(Life::inherited(store.options.clone()));
        assert!(at_once(store.stop()).is_ok());
        assert!(store.life().is_none());
    }

    #[test]
    fn nothing_is_opened_before_the_start() {
        let store = PostgresStore::new(PostgresOptions::parse("postgres://u@127.0.0.1:1/d").unwrap());
        assert!(store.life().is_none());
        assert!(matches!(
            at_once(store.stats(Timestamp::default())),
            Err(StoreError::Unavailable(_))
        ));
        assert!(at_once(store.stop()).is_ok());
    }
}
