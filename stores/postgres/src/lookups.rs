//! Look-ups of sign-ins, which come with every request: those that arrive while others are on their way share the
//! next statement, so that many callers cost few round trips. A look-up never joins a statement that was sent
//! before it was asked: what was acknowledged before is always seen.
//!
//! Each carries the time at which it was asked and is answered when its deadline is over, whether it is on its way
//! or still waits: a thousand callers of a server that does not answer hear so at the same time as one.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::Asked;
use super::pool::Pool;
use super::rows::{self, sign_in_columns, user_columns, uuid};
use doorward_base::id::SignInId;
use doorward_store::{SignIn, StoreError, StoreResult, User};

/// Statements under way at once.
const READERS: usize = 2;
/// Rows asked for in one statement at most.
const BATCH: usize = 128;
/// Look-ups that may wait. A server that answers at all serves as many within a second.
const WAITING: usize = 16_384;

pub(super) type Found = Option<(SignIn, User)>;

/// What a statement finds of the ids that it was asked for.
type Rows = HashMap<SignInId, (SignIn, User)>;

pub(super) struct Lookups {
    deadline: Duration,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    asked: VecDeque<LookUp>,
    readers: usize,
}

struct LookUp {
    id: SignInId,
    until: Instant,
    answer: oneshot::Sender<StoreResult<Found>>,
}

impl LookUp {
    fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    fn answer(self, answer: StoreResult<Found>) {
        // Whoever has stopped waiting needs no answer.
        drop(self.answer.send(answer));
    }
}

/// The right to send statements; given back also by a reader that is cut short.
pub(super) struct Reader<'l>(&'l Lookups);

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.waiting().readers -= 1;
    }
}

impl Lookups {
    pub(super) fn new(deadline: Duration) -> Self {
        Self {
            deadline,
            waiting: Mutex::default(),
        }
    }

    /// Queues a look-up.
    pub(super) fn ask(&self, id: SignInId) -> oneshot::Receiver<StoreResult<Found>> {
        let (answer, answered) = oneshot::channel();
        let until = Instant::now() + self.deadline;
        let look_up = LookUp { id, until, answer };
        let mut waiting = self.waiting();
        if waiting.asked.len() < WAITING {
            waiting.asked.push_back(look_up);
        } else {
            drop(waiting);
            let detail = format!("{WAITING} look-ups wait for it already");
            look_up.answer(Err(StoreError::Unavailable(detail)));
        }
        answered
    }

    /// True when another reader would find room; a wrong answer costs a task or shares a reader, nothing else.
    pub(super) fn has_room(&self) -> bool {
        self.waiting().readers < READERS
    }

    /// A reader, if there is work and not enough of them.
    pub(super) fn reader(&self) -> Option<Reader<'_>> {
        let mut waiting = self.waiting();
        if waiting.asked.is_empty() || waiting.readers >= READERS {
            return None;
        }
        waiting.readers += 1;
        drop(waiting);
        Some(Reader(self))
    }

    /// Answers what waits until nothing does.
    pub(super) async fn serve(&self, pool: &Arc<Pool>) {
        self.serve_by(|ids, until| {
            let asked = Asked::until(Arc::clone(pool), until);
            async move { asked.read(&ids, |c, ids| Box::pin(look_up(c, ids))).await }
        })
        .await;
    }

    /// The same with any way to read rows until a time.
    async fn serve_by<F: Future<Output = StoreResult<Rows>>>(&self, read: impl Fn(Vec<Uuid>, Instant) -> F) {
        // Asked again after each reader has gone: what came in between finds one.
        while let Some(reader) = self.reader() {
            loop {
                let batch = self.batch(Instant::now());
                let Some(last) = batch.back() else { break };
                let until = last.until;
                let ids = batch.iter().map(|look_up| uuid(look_up.id.as_bytes())).collect();
                self.answer(batch, read(ids, until)).await;
            }
            drop(reader);
        }
    }

    /// Answers a batch with what is read, and whose time is over before that.
    async fn answer(&self, mut batch: VecDeque<LookUp>, read: impl Future<Output = StoreResult<Rows>>) {
        let mut read = pin!(read);
        let found = loop {
            let Some(first) = batch.front() else { return };
            if let Ok(found) = timeout_at(first.until, &mut read).await {
                break found;
            }
            let now = Instant::now();
            self.give_up(&mut batch, now);
            self.give_up(&mut self.waiting().asked, now);
        };
        for look_up in batch {
            let answer = match &found {
                Ok(found) => Ok(found.get(&look_up.id).cloned()),
                Err(error) => Err(error.clone()),
            };
            look_up.answer(answer);
        }
    }

    /// What is sent next, the longest waiting first; whose time is over is told so instead.
    fn batch(&self, now: Instant) -> VecDeque<LookUp> {
        let mut waiting = self.waiting();
        self.give_up(&mut waiting.asked, now);
        let count = waiting.asked.len().min(BATCH);
        waiting.asked.drain(..count).collect()
    }

    /// Tells the first of a queue, which came first, that their time is over.
    fn give_up(&self, queue: &mut VecDeque<LookUp>, now: Instant) {
        while let Some(look_up) = queue.pop_front_if(|look_up| look_up.is_over(now)) {
            let detail = format!("the server gave no answer within {:?}", self.deadline);
            look_up.answer(Err(StoreError::Unavailable(detail)));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic cannot leave a queue and a number half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_up(c: &mut Connection, ids: &[Uuid]) -> Result<HashMap<SignInId, (SignIn, User)>, Fault> {
    let found = sqlx::query(concat!(
        "SELECT ",
        sign_in_columns!(),
        ", ",
        user_columns!(),
        " FROM doorward_sign_in s JOIN doorward_user u ON u.id = s.user_id WHERE s.id = ANY($1)"
    ))
    .bind(ids)
    .fetch_all(c)
    .await?;
    let mut rows = HashMap::with_capacity(found.len());
    for row in &found {
        let sign_in = rows::sign_in(row)?;
        rows.insert(sign_in.id, (sign_in, rows::user(row)?));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn what_waits_is_taken_in_batches_by_few_readers() {
        let lookups = Lookups::new(Duration::from_secs(5));
        assert!(lookups.reader().is_none(), "nothing to do");
        let answers: Vec<_> = (0..=BATCH)
            .map(|_| lookups.ask(SignInId::from_bytes([7; 16])))
            .collect();
        let readers: Vec<_> = std::iter::from_fn(|| lookups.reader()).collect();
        assert_eq!(readers.len(), READERS);
        assert_eq!(
            (
                lookups.batch(Instant::now()).len(),
                lookups.batch(Instant::now()).len(),
                lookups.batch(Instant::now()).len()
            ),
            (BATCH, 1, 0)
        );
        drop(readers);
        drop(answers);
        let _again = lookups.ask(SignInId::from_bytes([7; 16]));
        assert!(lookups.reader().is_some(), "a reader that is gone makes room");
    }

    #[test]
    fn however_many_wait_each_is_answered_when_its_own_time_is_over() {
        const MANY: usize = 2000;
        let lookups = Arc::new(Lookups::new(Duration::from_secs(5)));
        let until = Instant::now() + Duration::from_millis(200);
        let answers: Vec<_> = (0..MANY)
            .map(|_| {
                let (answer, answered) = oneshot::channel();
                let id = SignInId::from_bytes([7; 16]);
                lookups.waiting().asked.push_back(LookUp { id, until, answer });
                answered
            })
            .collect();
        let sent = Arc::new(AtomicUsize::new(0));
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                let (lookups, sent) = (Arc::clone(&lookups), Arc::clone(&sent));
                runtime.spawn(async move {
                    // Nothing comes back from where these are sent, and whoever sends has no deadline of his own.
                    let hole = |_, _| {
                        sent.fetch_add(1, Ordering::Relaxed);
                        std::future::pending()
                    };
                    lookups.serve_by(hole).await;
                })
            })
            .collect();
        for reader in readers {
            runtime.block_on(reader).unwrap();
        }
        // Nobody waited for a statement that was sent after his time was over.
        assert_eq!(sent.load(Ordering::Relaxed), READERS);
        for answered in answers {
            let answer = answered.blocking_recv().unwrap();
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        }
    }

    #[test]
    fn a_full_queue_says_so_at_once() {
        let lookups = Lookups::new(Duration::from_secs(5));
        let id = SignInId::from_bytes([7; 16]);
        let waiting: Vec<_> = (0..WAITING).map(|_| lookups.ask(id)).collect();
        let answer = lookups.ask(id).blocking_recv().unwrap();
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        drop(waiting);
    }
}
