//! Writes to one row take turns in this process: while somebody else holds a lock on it, one write waits in the
//! database, and the others wait here, without a connection. Whoever waited behind one that waited in vain is told
//! the same, instead of waiting in vain himself.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use doorward_base::id::{SignInId, UserId};

/// The row that a write locks before it does anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Row {
    SignIn(SignInId),
    User(UserId),
}

#[derive(Default)]
pub(super) struct Turns {
    rows: Mutex<HashMap<Row, Arc<Waiters>>>,
}

#[derive(Default)]
struct Waiters {
    turn: Arc<Turn<()>>,
    /// Moves on when somebody waited in vain.
    in_vain: AtomicU64,
}

/// The right to write to a row.
pub(super) struct Held<'t> {
    turns: &'t Turns,
    row: Row,
    waiters: Arc<Waiters>,
    _turn: OwnedMutexGuard<()>,
}

/// A place in the queue; given up by whoever is cut short.
struct Place<'t> {
    turns: &'t Turns,
    row: Row,
    /// `None` once it is the turn.
    waiters: Option<Arc<Waiters>>,
}

impl Turns {
    /// Waits for the turn. `None`: the one before waited for the row in vain while this one stood behind.
    pub(super) async fn take(&self, row: Row) -> Option<Held<'_>> {
        let mut place = Place {
            turns: self,
            row,
            waiters: Some(Arc::clone(self.rows().entry(row).or_default())),
        };
        let (turn, seen) = match &place.waiters {
            Some(waiters) => (Arc::clone(&waiters.turn), waiters.in_vain.load(Ordering::Acquire)),
            None => return None,
        };
        let turn = turn.lock_owned().await;
        let stands = |waiters: &mut Arc<Waiters>| waiters.in_vain.load(Ordering::Acquire) == seen;
        let waiters = place.waiters.take_if(stands)?;
        Some(Held {
            turns: self,
            row,
            waiters,
            _turn: turn,
        })
    }

    /// Forgets a row that nobody waits for or writes to.
    fn leave(&self, row: Row, waiters: &Arc<Waiters>) {
        let mut rows = self.rows();
        // The map's and the leaver's: a third would have taken his under this lock.
        if Arc::strong_count(waiters) <= 2 {
            rows.remove(&row);
        }
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Row, Arc<Waiters>>> {
        // A panic cannot leave the map half changed.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held<'_> {
    /// The write waited for a lock in vain: so would those behind it.
    pub(super) fn in_vain(&self) {
        self.waiters.in_vain.fetch_add(1, Ordering::Release);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.turns.leave(self.row, &self.waiters);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(waiters) = self.waiters.take() {
            self.turns.leave(self.row, &waiters);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn one_write_of_a_row_at_a_time_and_other_rows_do_not_wait() {
        let turns = Turns::default();
        let row = |number| Row::User(UserId::from_bytes([number; 16]));
        let mut first = pin!(turns.take(row(1)));
        let Poll::Ready(Some(held)) = poll(first.as_mut()) else {
            panic!("nobody was before");
        };
        let mut second = pin!(turns.take(row(1)));
        assert!(poll(second.as_mut()).is_pending());
        assert!(poll(pin!(turns.take(row(2)))).is_ready());
        drop(held);
        assert!(matches!(poll(second.as_mut()), Poll::Ready(Some(_))));
    }

    #[test]
    fn who_stood_behind_a_wait_in_vain_is_told_and_who_comes_later_tries() {
        let turns = Turns::default();
        let row = Row::User(UserId::from_bytes([1; 16]));
        let Poll::Ready(Some(held)) = poll(pin!(turns.take(row))) else {
            panic!("nobody was before");
        };
        let mut behind = pin!(turns.take(row));
        assert!(poll(behind.as_mut()).is_pending());
        held.in_vain();
        drop(held);
        let Poll::Ready(answer) = poll(behind.as_mut()) else {
            panic!("it is his turn");
        };
        assert!(answer.is_none());
        assert!(matches!(poll(pin!(turns.take(row))), Poll::Ready(Some(_))));
    }

    #[test]
    fn rows_that_nobody_waits_for_are_forgotten() {
        let turns = Turns::default();
        let row = Row::User(UserId::from_bytes([1; 16]));
        {
            let mut first = pin!(turns.take(row));
            let held = poll(first.as_mut());
            let mut second = pin!(turns.take(row));
            assert!(poll(second.as_mut()).is_pending());
            drop(held);
        }
        assert!(turns.rows().is_empty());
    }
}
