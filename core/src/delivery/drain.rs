//! The thread that hands messages to the application's callback, from `start` to `stop`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};

use super::{DeliveryCallback, Outbox, Settlement};
use crate::blocking::block_on;
use crate::error::{Error, ErrorKind, Result};

/// How long the thread sleeps where nothing of this process wakes it: messages of others, and those to try again.
const NAP: Duration = Duration::from_secs(2);
/// How long a message is nobody else's while the callback sends it.
const LEASE: Duration = Duration::from_mins(2);
/// Messages taken at once: one, so that the lease is the callback's alone, and a process that dies holds up no other.
const BATCH: u32 = 1;

/// The callback's thread. Without a callback there is none.
pub(crate) struct Drain(Option<Arc<Shared>>);

struct Shared {
    callback: DeliveryCallback,
    outbox: Arc<Outbox>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    thread: Option<JoinHandle<()>>,
    /// Set by whoever queues, so that a wake-up before the sleep is not lost.
    poked: bool,
    stopping: bool,
}

impl Drain {
    pub(crate) fn new(callback: Option<DeliveryCallback>, outbox: &Arc<Outbox>) -> Self {
        Self(callback.map(|callback| {
            Arc::new(Shared {
                callback,
                outbox: outbox.clone(),
                state: Mutex::default(),
                wake: Condvar::new(),
            })
        }))
    }

    /// Starts the thread of this process.
    ///
    /// # Errors
    /// `Unavailable` when the system gives none.
    pub(crate) fn start(&self) -> Result<()> {
        let Some(shared) = &self.0 else { return Ok(()) };
        let mut state = shared.lock();
        if state.thread.is_none() {
            state.stopping = false;
            let running = shared.clone();
            state.thread = Some(spawn(move || running.run())?);
        }
        Ok(())
    }

    /// Ends the thread, after the callback that runs. Messages that were taken and not sent wait for their lease.
    pub(crate) fn stop(&self) {
        let Some(shared) = &self.0 else { return };
        let mut state = shared.lock();
        state.stopping = true;
        let thread = state.thread.take();
        drop(state);
        shared.wake.notify_all();
        // A callback that stops its own context would wait for itself: its thread ends when it returns.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            // What panicked has said so already.
            drop(thread.join());
        }
    }

    /// Something was queued.
    pub(crate) fn poke(&self) {
        if let Some(shared) = &self.0 {
            shared.lock().poked = true;
            shared.wake.notify_all();
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        // Nobody can wait here: the thread ends by itself.
        if let Some(shared) = &self.0 {
            shared.lock().stopping = true;
            shared.wake.notify_all();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while self.sleep() {
            loop {
                match block_on(self.outbox.take(BATCH, LEASE)) {
                    Ok(batch) if batch.is_empty() => break,
                    Ok(batch) => {
                        for delivery in batch {
                            if self.lock().stopping {
                                return;
                            }
                            let sent = catch_unwind(AssertUnwindSafe(|| (self.callback)(&delivery)));
                            let how = sent.unwrap_or(Settlement::Retry);
                            let settled = block_on(self.outbox.settle(delivery.id, delivery.attempts, how));
                            if let Err(error) = settled {
                                tracing::warn!(%error, "a delivery was sent and cannot be settled: it may be sent twice");
                            }
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the outbox cannot be read");
                        break;
                    }
                }
            }
        }
    }

    /// Waits for something to do. False: the thread ends.
    fn sleep(&self) -> bool {
        let state = self.lock();
        let idle = |state: &mut State| !state.poked && !state.stopping;
        let (mut state, _) = self
            .wake
            .wait_timeout_while(state, NAP, idle)
            .unwrap_or_else(PoisonError::into_inner);
        state.poked = false;
        !state.stopping
    }
}

/// A thread with all signals blocked: they are for the application's threads.
fn spawn(body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let failed = |error: std::io::Error| {
        Error::new(
            ErrorKind::Unavailable,
            "no thread for the delivery callback could be started",
        )
        .caused_by(error)
    };
    let before = SigSet::all()
        .thread_swap_mask(SigmaskHow::SIG_BLOCK)
        .map_err(|errno| failed(errno.into()))?;
    let thread = std::thread::Builder::new()
        .name("doorward-outbox".into())
        .spawn(body);
    let restored = before.thread_set_mask();
    let thread = thread.map_err(failed)?;
    restored.map_err(|errno| failed(errno.into()))?;
    Ok(thread)
}
