//! What `doorward_open` makes and its views share: the core's context, and a runtime for calls whose answer comes later.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward::{Auth, Error, ErrorKind, Result};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use tokio::runtime::{Handle, Runtime};

use crate::log::Registration;
use crate::{callback, wait};

/// Threads that poll calls whose answer comes later. They only hand over: databases, hashes and plugins have their own.
const THREADS: usize = 1;
/// How long a stop waits for a poll that is under way.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// What a context and its views share.
pub(crate) struct Base {
    auth: Auth,
    runtime: Mutex<Life>,
    /// True after a quiesced fork until a call has started the core again.
    restarts: AtomicBool,
    /// True from the moment when what `doorward_open` gave is closed.
    closed: AtomicBool,
    _log: Option<Registration>,
}

/// Whether calls may wait in a queue, and on what.
enum Life {
    /// Not started, or stopped.
    Cold,
    /// Started; the runtime is made by the first call that needs it.
    Idle {
        process: u32,
    },
    /// Stopped for a fork: whichever side calls next starts again.
    Quiesced,
    Running {
        process: u32,
        runtime: Runtime,
    },
}

impl Base {
    /// What `doorward_open` gives: not started.
    pub(crate) fn cold(auth: Auth, log: Option<Registration>) -> Self {
        Self {
            auth,
            runtime: Mutex::new(Life::Cold),
            restarts: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            _log: log,
        }
    }

    /// What `doorward_open` gave is gone: its views answer that.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// What `doorward_open` gave is not closed.
    pub(crate) fn open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "the context is closed: what doorward_open gave lives as long as its views are used",
            ));
        }
        Ok(())
    }

    /// The runtime that polls what is pending.
    pub(crate) fn executor(&self) -> Result<Handle> {
        let mut life = self.life();
        match &*life {
            Life::Running { process, runtime } if *process == std::process::id() => {
                Ok(runtime.handle().clone())
            }
            Life::Idle { process } if *process != std::process::id() => Err(forked()),
            Life::Running { .. } => Err(forked()),
            Life::Cold => Err(Error::new(
                ErrorKind::InvalidState,
                "the context is not started: call doorward_start",
            )),
            Life::Idle { .. } | Life::Quiesced => {
                let runtime = runtime()?;
                let handle = runtime.handle().clone();
                *life = Life::Running {
                    process: std::process::id(),
                    runtime,
                };
                Ok(handle)
            }
        }
    }

    /// Runs one call. The first after a quiesced fork starts the core's threads, which must not take signals.
    pub(crate) fn run<T>(&self, body: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.restarts.load(Ordering::Acquire) {
            return body();
        }
        let given = with_signals_blocked(body)?;
        let mut life = self.life();
        if matches!(*life, Life::Quiesced) {
            *life = Life::Idle {
                process: std::process::id(),
            };
        }
        self.restarts.store(false, Ordering::Release);
        Ok(given)
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn start(&self) -> Result<()> {
        with_signals_blocked(|| wait_for(self.auth.start()))?;
        let mut life = self.life();
        if matches!(*life, Life::Cold | Life::Quiesced) {
            *life = Life::Idle {
                process: std::process::id(),
            };
        }
        self.restarts.store(false, Ordering::Release);
        Ok(())
    }

    /// Stops until `doorward_start`.
    pub(crate) fn stop(&self) -> Result<()> {
        self.leave(Life::Cold)
    }

    /// Stops for a fork: whichever side calls next starts again.
    pub(crate) fn quiesce(&self) -> Result<()> {
        self.leave(Life::Quiesced)
    }

    /// Completes what is pending, then stops the core.
    fn leave(&self, to: Life) -> Result<()> {
        let fork = matches!(to, Life::Quiesced);
        let before = {
            let mut life = self.life();
            match &*life {
                Life::Running { process, .. } | Life::Idle { process } if *process != std::process::id() => {
                    return Err(forked());
                }
                Life::Cold => return Ok(()),
                _ => std::mem::replace(&mut *life, to),
            }
        };
        if let Life::Running { runtime, .. } = before {
            runtime.shutdown_timeout(SHUTDOWN);
        }
        self.restarts.store(fork, Ordering::Release);
        wait_for(async {
            if fork {
                self.auth.before_fork().await
            } else {
                self.auth.stop().await
            }
        })
    }

    /// True in a child of a process that started the context and did not quiesce it.
    pub(crate) fn is_of_another_process(&self) -> bool {
        match &*self.life() {
            Life::Running { process, .. } | Life::Idle { process } => *process != std::process::id(),
            Life::Cold | Life::Quiesced => false,
        }
    }
}

/// Waits for something that has no timeout of its own.
pub(crate) fn wait_for<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    callback::refuse_inside()?;
    wait::until(future, None).unwrap_or_else(|| Err(Error::new(ErrorKind::Timeout, "the time has passed")))
}

fn forked() -> Error {
    Error::new(
        ErrorKind::ForkedContext,
        "this process was forked from a started context: call doorward_before_fork in the parent, or start after the fork",
    )
}

fn runtime() -> Result<Runtime> {
    with_signals_blocked(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("doorward")
            .enable_time()
            .build()
            .map_err(|e| {
                Error::new(
                    ErrorKind::Unavailable,
                    "the threads of the context cannot be made",
                )
                .caused_by(e)
            })
    })
}

/// Runs something that makes threads: they inherit the mask, and so leave all signals to the application's threads.
pub(crate) fn with_signals_blocked<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    /// Puts the caller's mask back, also after a panic.
    struct Restore(SigSet);
    impl Drop for Restore {
        fn drop(&mut self) {
            // Cannot fail: the mask came from the same call.
            _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.0), None);
        }
    }
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))
        .map_err(|e| Error::new(ErrorKind::Internal, "the signal mask cannot be set").caused_by(e))?;
    let _restore = Restore(before);
    body()
}

/// The answer to a call whose time has passed.
pub(crate) fn timed_out() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the call's `timeout` has passed before the answer; a write may still happen",
    )
}
