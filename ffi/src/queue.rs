//! `doorward_queue`: completions for an event loop, behind one descriptor.
//!
//! Exactly once: whatever happens to a pending call, its [`Slot`] is dropped in the end, and dropping it queues the
//! completion if nothing else has.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::pin::Pin;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Waking, Poll, Waker};
use std::time::Duration;

use doorward::{Error, ErrorKind, Result};
use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::task::AbortHandle;

use crate::answer::{Answer, plain};
use crate::boundary::{self, In, Owned, Place, Tag, hand_over};
use crate::context::{Base, timed_out};
use crate::error::status;
use crate::held::Held;

/// The handle. Views that go through it share it.
#[derive(Clone)]
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
    /// What is pending, by the view that it was called on and a number.
    pending: BTreeMap<Pending, Option<AbortHandle>>,
    last: u64,
    closed: bool,
    /// Whether the descriptor is readable now.
    signalled: bool,
}

/// A call: the number of its view, and its own.
type Pending = (u64, u64);

struct Done {
    call: Pending,
    tag: Tag,
    held: Held,
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

    /// Asks once, and leaves to the context's runtime what is not answered by then.
    pub(crate) fn submit<F>(
        &self,
        base: &Base,
        (view, tag): (u64, Tag),
        future: F,
        timeout: Option<Duration>,
    ) -> Result<Held>
    where
        F: Future<Output = Result<Held>> + Send + 'static,
    {
        self.0.check_process()?;
        if self.0.state().closed {
            return Err(Error::new(ErrorKind::InvalidState, "the queue is closed"));
        }
        let mut future = Box::pin(future);
        if let Poll::Ready(answer) = future.as_mut().poll(&mut Waking::from_waker(Waker::noop())) {
            return answer;
        }
        let executor = base.executor()?;
        let call = self.0.admit(view);
        let slot = Slot {
            shared: self.0.clone(),
            call,
            tag,
            filled: false,
        };
        let task = executor.spawn(finish(slot, future, timeout));
        self.0.remember(call, task.abort_handle());
        Ok(Held::Pending)
    }

    /// Gives up what is pending on a view.
    pub(crate) fn cancel(&self, view: u64) {
        let calls = (view, 0)..=(view, u64::MAX);
        let tasks: Vec<AbortHandle> = {
            let mut state = self.0.state();
            let pending = state.pending.range_mut(calls);
            pending.filter_map(|(_, task)| task.take()).collect()
        };
        // Without the lock: aborting may drop the call, which completes it.
        for task in tasks {
            task.abort();
        }
    }
}

/// Polls a pending call to its end, and fills its slot.
async fn finish<F>(mut slot: Slot, future: Pin<Box<F>>, timeout: Option<Duration>)
where
    F: Future<Output = Result<Held>> + Send + 'static,
{
    let outcome = match timeout {
        None => future.await,
        Some(timeout) => tokio::time::timeout(timeout, future)
            .await
            .unwrap_or_else(|_| Err(timed_out())),
    };
    slot.fill(outcome);
}

/// The place of one completion.
struct Slot {
    shared: Arc<Shared>,
    call: Pending,
    tag: Tag,
    filled: bool,
}

impl Slot {
    fn fill(&mut self, outcome: Result<Held>) {
        self.filled = true;
        self.shared.complete(Done {
            call: self.call,
            tag: self.tag,
            held: outcome.unwrap_or_else(Held::from),
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

    fn admit(&self, view: u64) -> Pending {
        let mut state = self.state();
        state.last += 1;
        let call = (view, state.last);
        state.pending.insert(call, None);
        call
    }

    /// Keeps the way to cancel a call, unless it has completed meanwhile.
    fn remember(&self, call: Pending, task: AbortHandle) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            task.abort();
        } else if let Some(place) = state.pending.get_mut(&call) {
            *place = Some(task);
        }
    }

    fn complete(&self, done: Done) {
        let mut state = self.state();
        state.pending.remove(&done.call);
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
extern "C" fn doorward_queue_new(queue: Place<*mut Queue>) -> Answer {
    queue.write(ptr::null_mut());
    plain(|| {
        queue.required("queue")?.write(hand_over(Queue::new()?));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_queue_fd(queue: In<Queue>) -> i32 {
    queue
        .optional()
        .map_or(-1, |queue| queue.0.readable.as_fd().as_raw_fd())
}

#[unsafe(no_mangle)]
extern "C" fn doorward_queue_next(queue: In<Queue>, answer: Place<Answer>, tag: Place<Tag>) -> i32 {
    answer.write(Answer::none());
    tag.write(Tag::none());
    quiet(|| {
        let queue = queue.required("queue")?;
        let place = answer.required("answer")?;
        queue.0.check_process()?;
        Ok(match queue.0.next() {
            Next::Closed => status::CLOSED,
            Next::Nothing => status::PENDING,
            Next::Done(done) => {
                tag.write(done.tag);
                place.write(Answer::given(done.held));
                status::OK
            }
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
