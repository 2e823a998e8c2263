//! Look-ups of sign-ins, which come with every request: those that arrive while others are on their way share the
//! next statement, so that many callers cost few round trips. A look-up never joins a statement that was sent
//! before it was asked: what was acknowledged before is always seen.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgConnection;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::fault::Fault;
use super::pool::Pool;
use super::rows::{self, sign_in_columns, user_columns, uuid};
use crate::id::SignInId;
use crate::store::{SignIn, StoreResult, User};

/// Statements under way at once; the other connections are left to writers.
const READERS: usize = 2;
/// Rows asked for in one statement at most.
const BATCH: usize = 128;

pub(super) type Found = Option<(SignIn, User)>;

#[derive(Default)]
pub(super) struct Lookups {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    asked: Vec<(SignInId, oneshot::Sender<StoreResult<Found>>)>,
    readers: usize,
}

/// The right to send statements; given back also by a reader that is cut short.
pub(super) struct Reader<'l>(&'l Lookups);

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.waiting().readers -= 1;
    }
}

impl Lookups {
    /// Queues a look-up.
    pub(super) fn ask(&self, id: SignInId) -> oneshot::Receiver<StoreResult<Found>> {
        let (answer, answered) = oneshot::channel();
        self.waiting().asked.push((id, answer));
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
    pub(super) async fn serve(&self, pool: &Pool) {
        // Asked again after each reader has gone: what came in between finds one.
        while let Some(reader) = self.reader() {
            loop {
                let batch = self.batch();
                if batch.is_empty() {
                    break;
                }
                let ids: Vec<Uuid> = batch.iter().map(|(id, _)| uuid(id.as_bytes())).collect();
                let found = pool.read(&ids, |c, ids| Box::pin(look_up(c, ids))).await;
                for (id, answer) in batch {
                    // Whoever has stopped waiting needs no answer.
                    let _ = answer.send(match &found {
                        Ok(found) => Ok(found.get(&id).cloned()),
                        Err(error) => Err(error.clone()),
                    });
                }
            }
            drop(reader);
        }
    }

    fn batch(&self) -> Vec<(SignInId, oneshot::Sender<StoreResult<Found>>)> {
        let mut waiting = self.waiting();
        let count = waiting.asked.len().min(BATCH);
        waiting.asked.drain(..count).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // A panic cannot leave a Vec and a number half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_up(c: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<SignInId, (SignIn, User)>, Fault> {
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
    use super::*;

    #[test]
    fn what_waits_is_taken_in_batches_by_few_readers() {
        let lookups = Lookups::default();
        assert!(lookups.reader().is_none(), "nothing to do");
        let answers: Vec<_> = (0..=BATCH)
            .map(|_| lookups.ask(SignInId::from_bytes([7; 16])))
            .collect();
        let readers: Vec<_> = std::iter::from_fn(|| lookups.reader()).collect();
        assert_eq!(readers.len(), READERS);
        assert_eq!(
            (
                lookups.batch().len(),
                lookups.batch().len(),
                lookups.batch().len()
            ),
            (BATCH, 1, 0)
        );
        drop(readers);
        drop(answers);
        let _again = lookups.ask(SignInId::from_bytes([7; 16]));
        assert!(lookups.reader().is_some(), "a reader that is gone makes room");
    }
}
