//! `doorward_ctx`: the core's context, and a runtime for calls whose answer comes later.

use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward::{Auth, Error, ErrorKind, Result};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use tokio::runtime::{Handle, Runtime};

use crate::abi::{Bytes, Field, RawRequest};
use crate::boundary::{self, In, Length, Out, Owned, Versioned, hand_over, invalid};
use crate::call;
use crate::callback;
use crate::config::{self, Builder, plain};
use crate::error::Failure;
use crate::log::Registration;
use crate::text::FieldList;
use crate::wait;

/// Threads that poll calls whose answer comes later. They only hand over: databases, hashes and plugins have their own.
const THREADS: usize = 1;
/// How long a stop waits for a poll that is under way.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Contexts that were freed where they cannot be dropped.
static ABANDONED: Mutex<Vec<Context>> = Mutex::new(Vec::new());

/// The handle: the context that `doorward_open` made, or a view of it.
pub(crate) struct Context {
    base: Arc<Base>,
    view: Option<View>,
}

/// A view on a request, or on none: trusted.
struct View {
    /// The core's handle, or what is wrong with the request: then every call says so.
    auth: std::result::Result<Auth, String>,
    /// Each look at the lines, as C holds it until the view is freed.
    lent: Mutex<Vec<FieldList>>,
}

/// What a context and its views share.
pub(crate) struct Base {
    auth: Auth,
    runtime: Mutex<Life>,
    /// True after a quiesced fork until a call has started the core again.
    restarts: AtomicBool,
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

impl Deref for Context {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
}

impl Context {
    /// The core's handle for a call.
    pub(crate) fn called(&self) -> Result<Auth> {
        match &self.view {
            None => Ok(self.base.auth.clone()),
            Some(View { auth: Ok(auth), .. }) => Ok(auth.clone()),
            Some(View { auth: Err(wrong), .. }) => Err(invalid(wrong.clone())),
        }
    }

    fn on(&self, request: Versioned<RawRequest>) -> Self {
        self.viewed(self.called().and_then(|auth| {
            let request = request
                .read()?
                .ok_or_else(|| invalid("`request` is NULL".into()))?;
            Ok(auth.on(call::view(&request)?))
        }))
    }

    fn trusted(&self) -> Self {
        self.viewed(self.called().map(|auth| auth.trusted()))
    }

    fn viewed(&self, auth: Result<Auth>) -> Self {
        Self {
            base: self.base.clone(),
            view: Some(View {
                auth: auth.map_err(|error| error.message().to_owned()),
                lent: Mutex::default(),
            }),
        }
    }

    /// The final cookies of what was decided on this view so far.
    fn lend_headers(&self, count: Length) -> *const Field {
        let Some(View { auth: Ok(auth), lent }) = &self.view else {
            return ptr::null();
        };
        let (headers, list) = (auth.headers(), FieldList::default());
        let lines = list.lend(
            headers.iter().map(|(name, value)| (name, value.as_bytes())),
            count,
        );
        lent.lock().unwrap_or_else(PoisonError::into_inner).push(list);
        lines
    }
}

impl Base {
    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
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

    fn start(&self) -> Result<()> {
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

    /// Completes what is pending, then stops the core.
    fn stop(&self, to: Life) -> Result<()> {
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
    fn is_of_another_process(&self) -> bool {
        match &*self.life() {
            Life::Running { process, .. } | Life::Idle { process } => *process != std::process::id(),
            Life::Cold | Life::Quiesced => false,
        }
    }
}

fn wait_for<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
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

#[unsafe(no_mangle)]
extern "C" fn doorward_open(config: In<Builder>, ctx: Out<Context>, err: Out<Failure>) -> i32 {
    config::handle(ctx, "ctx", err, || {
        callback::refuse_inside()?;
        let (auth, log) = config.required("config")?.open()?;
        Ok(Context {
            base: Arc::new(Base {
                auth,
                runtime: Mutex::new(Life::Cold),
                restarts: AtomicBool::new(false),
                _log: log,
            }),
            view: None,
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_on(ctx: In<Context>, request: Versioned<RawRequest>) -> *mut Context {
    boundary::caught_or(ptr::null_mut(), || {
        hand_over(ctx.optional().map(|ctx| Box::new(ctx.on(request))))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_trusted(ctx: In<Context>) -> *mut Context {
    boundary::caught_or(ptr::null_mut(), || {
        hand_over(ctx.optional().map(|ctx| Box::new(ctx.trusted())))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_headers(on: In<Context>, count: Length) -> *const Field {
    count.write(0);
    boundary::caught_or(ptr::null(), || {
        on.optional().map_or(ptr::null(), |on| on.lend_headers(count))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_start(ctx: In<Context>, err: Out<Failure>) -> i32 {
    plain(err, || ctx.required("ctx")?.start())
}

#[unsafe(no_mangle)]
extern "C" fn doorward_stop(ctx: In<Context>, err: Out<Failure>) -> i32 {
    plain(err, || {
        callback::refuse_inside()?;
        ctx.required("ctx")?.stop(Life::Cold)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_before_fork(ctx: In<Context>, err: Out<Failure>) -> i32 {
    plain(err, || {
        callback::refuse_inside()?;
        ctx.required("ctx")?.stop(Life::Quiesced)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_migrate(ctx: In<Context>, err: Out<Failure>) -> i32 {
    plain(err, || {
        let ctx = ctx.required("ctx")?;
        with_signals_blocked(|| wait_for(ctx.auth.migrate()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_agree(ctx: In<Context>, item: Bytes, err: Out<Failure>) -> i32 {
    plain(err, || {
        let ctx = ctx.required("ctx")?;
        let item = item.text("item", 1024)?;
        with_signals_blocked(|| wait_for(ctx.auth.agree(item)))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_ctx_free(ctx: Owned<Context>) {
    boundary::caught_or((), || {
        let Some(ctx) = ctx.take() else { return };
        // In a child of its process its threads are not there and its connections are the parent's: dropping it would
        // wait for the ones and close the others. Inside a callback it would wait for that callback. So it is kept.
        if ctx.is_of_another_process() || callback::is_inside() {
            ABANDONED
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(*ctx);
            return;
        }
        if ctx.view.is_some() {
            return;
        }
        // What could not be written is in the log; there is nobody left to tell.
        _ = ctx.stop(Life::Cold);
    });
}
