//! `doorward_queue`: completions for an event loop, behind one descriptor.
//!
//! Exactly once: whatever happens to a pending call, its [`Slot`] is dropped in the end, and dropping it queues the
//! completion if nothing else has.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Waking, Poll, Waker};
use std::time::Duration;

use doorward::{Error, ErrorKind, Result};
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::task::AbortHandle;

use crate::abi::{Call, Completion};
use crate::answer::Answer;
use crate::boundary::{self, Filled, In, Out, Owned, UserPointer, hand_over};
use crate::config;
use crate::context::Context;
use crate::error::{Failure, status};

/// The handle.
pub(crate) struct Queue(Arc<Shared>);

struct Shared {
    /// Readable while `next` would give something.
    readable: EventFd,
    process: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Done>,
    pending: HashMap<u64, Option<AbortHandle>>,
    last: u64,
    closed: bool,
    /// Whether the descriptor is readable now.
    signalled: bool,
}

struct Done {
    operation: u64,
    user: UserPointer,
    status: i32,
    answer: Option<Box<Answer>>,
    error: Option<Box<Failure>>,
}

impl Queue {
    fn new() -> Result<Self> {
        let readable = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|e| Error::new(ErrorKind::Unavailable, "no descriptor for the queue").caused_by(e))?;
        Ok(Self(Arc::new(Shared {
            readable,
            process: std::process::id(),
            state: Mutex::default(),
        })))
    }

    /// Asks once, and leaves to the context's runtime what is not answered by then (`None`).
    pub(crate) fn submit<F>(
        &self,
        ctx: &Context,
        future: F,
        call: &Call,
        timeout: Option<Duration>,
    ) -> Result<Option<Answer>>
    where
        F: Future<Output = Result<Answer>> + Send + 'static,
    {
        self.0.check_process()?;
        if self.0.state().closed {
            return Err(Error::new(ErrorKind::InvalidState, "the queue is closed"));
        }
        let mut future = Box::pin(future);
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Waking::from_waker(Waker::noop())) {
            return answer.map(Some);
        }
        let executor = ctx.executor()?;
        let operation = self.0.admit();
        // Before it can complete: whoever takes the completion on another thread knows the number then.
        call.operation.write(operation);
        let slot = Slot {
            shared: self.0.clone(),
            operation,
            user: call.user,
            filled: false,
        };
        let task = executor.spawn(finish(slot, future, timeout));
        self.0.remember(operation, task.abort_handle());
        Ok(None)
    }
}

/// Polls a pending call to its end, and fills its slot.
async fn finish<F>(mut slot: Slot, future: Pin<Box<F>>, timeout: Option<Duration>)
where
    F: Future<Output = Result<Answer>> + Send + 'static,
{
    let outcome = match timeout {
        None => future.await,
        Some(timeout) => tokio::time::timeout(timeout, future)
            .await
            .unwrap_or_else(|_| Err(timed_out())),
    };
    slot.fill(outcome);
}

/// The answer to a call whose time has passed.
pub(crate) fn timed_out() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the call's `timeout` has passed before the answer; a write may still happen",
    )
}

/// The place of one completion.
struct Slot {
    shared: Arc<Shared>,
    operation: u64,
    user: UserPointer,
    filled: bool,
}

impl Slot {
    fn fill(&mut self, outcome: Result<Answer>) {
        self.filled = true;
        let (status, answer, error) = match outcome {
            Ok(answer) => (answer.status(), Some(Box::new(answer)), None),
            Err(error) => (error.kind().number(), None, Some(Box::new(Failure::new(error)))),
        };
        self.shared.complete(Done {
            operation: self.operation,
            user: self.user,
            status,
            answer,
            error,
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.filled {
            let error = if std::thread::panicking() {
                boundary::panicked()
            } else {
                Error::new(
                    ErrorKind::Cancelled,
                    "the call was cancelled; a write may still happen",
                )
            };
            self.fill(Err(error));
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A queue is of the process that made it: a forked child would take the parent's completions.
    fn check_process(&self) -> Result<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ForkedContext,
            "the queue was made by another process: make one in this process",
        ))
    }

    fn admit(&self) -> u64 {
        let mut state = self.state();
        state.last += 1;
        let operation = state.last;
        state.pending.insert(operation, None);
        operation
    }

    /// Keeps the way to cancel a call, unless it has completed meanwhile.
    fn remember(&self, operation: u64, task: AbortHandle) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            task.abort();
        } else if let Some(place) = state.pending.get_mut(&operation) {
            *place = Some(task);
        }
    }

    fn complete(&self, done: Done) {
        let mut state = self.state();
        state.pending.remove(&done.operation);
        state.ready.push_back(done);
        self.signal(&mut state);
    }

    /// Makes the descriptor agree with the state.
    fn signal(&self, state: &mut State) {
        let readable = !state.ready.is_empty() || state.closed && state.pending.is_empty();
        if readable != state.signalled {
            state.signalled = readable;
            // Neither can fail or block: the counter is 0 or 1.
            _ = if readable {
                self.readable.write(1).map(|_| ())
            } else {
                self.readable.read().map(|_| ())
            };
        }
    }

    fn next(&self) -> Next {
        let mut state = self.state();
        let next = match state.ready.pop_front() {
            Some(done) => Next::Done(done),
            None if state.closed && state.pending.is_empty() => Next::Closed,
            None => Next::Nothing,
        };
        self.signal(&mut state);
        next
    }

    /// False: it is not pending.
    fn cancel(&self, operation: u64) -> bool {
        let task = match self.state().pending.get_mut(&operation) {
            Some(task) => task.take(),
            None => return false,
        };
        // Without the lock: aborting may drop the call, which completes it.
        if let Some(task) = task {
            task.abort();
        }
        true
    }

    fn close(&self) {
        let tasks: Vec<AbortHandle> = {
            let mut state = self.state();
            state.closed = true;
            self.signal(&mut state);
            state.pending.values_mut().filter_map(Option::take).collect()
        };
        for task in tasks {
            task.abort();
        }
    }
}

enum Next {
    Closed,
    Done(Done),
    Nothing,
}

/// Runs a function of a queue that reports no error handle.
fn quiet(body: impl FnOnce() -> Result<i32>) -> i32 {
    boundary::caught(body).unwrap_or_else(|error| error.kind().number())
}

#[unsafe(no_mangle)]
extern "C" fn doorward_queue_new(queue: Out<Queue>, err: Out<Failure>) -> i32 {
    config::handle(queue, "queue", err, Queue::new)
}

#[unsafe(no_mangle)]
extern "C" fn doorward_queue_fd(queue: In<Queue>) -> i32 {
    queue
        .optional()
        .map_or(-1, |queue| queue.0.readable.as_fd().as_raw_fd())
}

#[unsafe(no_mangle)]
extern "C" fn doorward_queue_next(queue: In<Queue>, completion: Filled<Completion>) -> i32 {
    quiet(|| {
        let queue = queue.required("queue")?;
        completion.check()?;
        queue.0.check_process()?;
        let mut taken = Completion {
            struct_size: 0,
            status: 0,
            operation: 0,
            user: UserPointer(std::ptr::null_mut()),
            answer: hand_over(None),
            error: hand_over(None),
        };
        let gives = match queue.0.next() {
            Next::Closed => status::CLOSED,
            Next::Nothing => status::PENDING,
            Next::Done(Done {
                operation,
                user,
                status: decided,
                answer,
                error,
            }) => {
                (taken.status, taken.operation, taken.user) = (decided, operation, user);
                (taken.answer, taken.error) = (hand_over(answer), hand_over(error));
                status::OK
            }
        };
        completion.fill(&taken);
        Ok(gives)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_queue_cancel(queue: In<Queue>, operation: u64) -> i32 {
    quiet(|| {
        let queue = queue.required("queue")?;
        queue.0.check_process()?;
        Ok(if queue.0.cancel(operation) {
            status::OK
        } else {
            status::ABSENT
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_queue_close(queue: In<Queue>) -> i32 {
    quiet(|| {
        let queue = queue.required("queue")?;
        queue.0.check_process()?;
        queue.0.close();
        Ok(status::OK)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_queue_free(queue: Owned<Queue>) -> i32 {
    quiet(|| {
        if let Some(Queue(shared)) = queue.peek() {
            // A queue of another process is a copy: nothing in it is this process's to drain.
            if shared.process == std::process::id() {
                let state = shared.state();
                if !(state.closed && state.pending.is_empty() && state.ready.is_empty()) {
                    return Err(Error::new(
                        ErrorKind::InvalidState,
                        "close and drain the queue before it is freed",
                    ));
                }
            }
        }
        drop(queue.take());
        Ok(status::OK)
    })
}
