//! A ticket: the result of a job, to be awaited under any executor or waited for by a thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use doorward_base::error::{Error, ErrorKind, Result};

/// The result of work that was given to the governor.
///
/// It is a future that needs no particular runtime; [`wait`](Self::wait) is the same for threads. Dropping it
/// abandons the wait: work that has not started is left out, work that has is finished and keeps its memory permit
/// until then.
#[must_use = "dropping a ticket abandons the work"]
pub struct Ticket<T>(Arc<Desk<T>>);

/// The worker's end. It always answers: dropped without an answer, it says that the work was lost.
pub(super) struct Completion<T>(Arc<Desk<T>>);

struct Desk<T> {
    result: Mutex<Progress<T>>,
    done: Condvar,
    abandoned: Arc<AtomicBool>,
}

enum Progress<T> {
    Pending(Option<Waker>),
    Done(Result<T>),
    Collected,
}

pub(super) fn pair<T>() -> (Ticket<T>, Completion<T>) {
    let desk = Arc::new(Desk {
        result: Mutex::new(Progress::Pending(None)),
        done: Condvar::new(),
        abandoned: Arc::new(AtomicBool::new(false)),
    });
    (Ticket(Arc::clone(&desk)), Completion(desk))
}

impl<T> Ticket<T> {
    /// A ticket whose answer is known already.
    pub fn ready(result: Result<T>) -> Self {
        let (ticket, completion) = pair();
        completion.complete(result);
        ticket
    }

    /// Blocks this thread until the answer is there. The governor's deadline bounds the wait. Not for a thread that
    /// drives an event loop.
    ///
    /// # Errors
    /// Those of the work, and those that [`Governor::submit`](super::Governor::submit) lists.
    pub fn wait(self) -> Result<T> {
        let mut result = self.0.lock();
        loop {
            match std::mem::replace(&mut *result, Progress::Collected) {
                Progress::Done(answer) => return answer,
                Progress::Collected => return Err(lost()),
                pending @ Progress::Pending(_) => {
                    *result = pending;
                    result = self.0.done.wait(result).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

impl<T> Future for Ticket<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut result = self.0.lock();
        match std::mem::replace(&mut *result, Progress::Collected) {
            Progress::Done(answer) => Poll::Ready(answer),
            Progress::Collected => Poll::Ready(Err(lost())),
            Progress::Pending(_) => {
                *result = Progress::Pending(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Release);
    }
}

impl<T> std::fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket(…)")
    }
}

impl<T> Completion<T> {
    pub(super) fn complete(self, result: Result<T>) {
        self.0.answer(result);
    }

    pub(super) fn abandoned(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.abandoned)
    }
}

impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        self.0.answer(Err(lost()));
    }
}

impl<T> Desk<T> {
    fn lock(&self) -> MutexGuard<'_, Progress<T>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first answer counts.
    fn answer(&self, answer: Result<T>) {
        let waker = {
            let mut result = self.lock();
            let Progress::Pending(waker) = &mut *result else {
                return;
            };
            let waker = waker.take();
            *result = Progress::Done(answer);
            waker
        };
        self.done.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Internal, "a password hash was lost: its worker failed")
}
