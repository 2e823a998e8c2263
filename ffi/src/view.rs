//! `doorward_auth`: the core's context and its views, and a runtime for calls whose answer comes later.

use std::future::Future;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward::{Auth, Error, ErrorKind, Result};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use tokio::runtime::{Handle, Runtime};

use crate::abi::{Bytes, Pairs, RawRequest};
use crate::answer::{Answer, Held};
use crate::boundary::{self, In, Owned, Place, Tag, Versioned, hand_over, invalid};
use crate::callback;
use crate::config::Builder;
use crate::error::status;
use crate::log::Registration;
use crate::queue::{Queue, timed_out};
use crate::read::plain;
use crate::request;
use crate::text::PairList;
use crate::wait;

/// Most bytes of a realm as the boundary looks at it; the core says what a realm takes.
const MAX_REALM: usize = 1024;
/// Threads that poll calls whose answer comes later. They only hand over: databases, hashes and plugins have their own.
const THREADS: usize = 1;
/// How long a stop waits for a poll that is under way.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Contexts that were freed where they cannot be dropped.
static ABANDONED: Mutex<Vec<View>> = Mutex::new(Vec::new());

/// `doorward_auth`: the context that `doorward_open` made, or a view of it.
pub(crate) struct View {
    base: Arc<Base>,
    /// What `doorward_open` gave: closing it stops the context.
    whole: bool,
    /// The core's handle.
    auth: Auth,
    /// What was wrong when it was made: every call says so.
    wrong: Option<String>,
    timeout: Option<Duration>,
    queue: Option<Queue>,
    /// What comes back with each answer that the queue brings.
    tag: Tag,
    /// Names the view's calls in its queue.
    number: u64,
    /// Each look at the header lines, as C holds it until the view is closed.
    lent: Mutex<Vec<PairList>>,
}

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

impl View {
    /// What `doorward_open` gives.
    pub(crate) fn whole(auth: Auth, log: Option<Registration>) -> Self {
        Self {
            auth: auth.clone(),
            base: Arc::new(Base {
                auth,
                runtime: Mutex::new(Life::Cold),
                restarts: AtomicBool::new(false),
                closed: AtomicBool::new(false),
                _log: log,
            }),
            whole: true,
            wrong: None,
            timeout: None,
            queue: None,
            tag: Tag::none(),
            number: 0,
            lent: Mutex::default(),
        }
    }

    /// A view of this one, with one thing else.
    fn viewed(&self, change: impl FnOnce(&mut Self) -> Result<()>) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let mut view = Self {
            base: self.base.clone(),
            whole: false,
            auth: self.auth.clone(),
            wrong: self.wrong.clone(),
            timeout: self.timeout,
            queue: self.queue.clone(),
            tag: self.tag,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            lent: Mutex::default(),
        };
        if let (Err(error), None) = (change(&mut view), &self.wrong) {
            view.wrong = Some(error.message().to_owned());
        }
        view
    }

    /// The core's handle for a call.
    pub(crate) fn called(&self) -> Result<Auth> {
        self.base.open()?;
        match &self.wrong {
            None => Ok(self.auth.clone()),
            Some(wrong) => Err(invalid(wrong.clone())),
        }
    }

    /// The core's handle for what asks nobody.
    pub(crate) fn core(&self) -> &Auth {
        &self.auth
    }

    /// Waits for an answer, or leaves it to the queue.
    pub(crate) fn decide<F>(&self, future: F) -> Result<Held>
    where
        F: Future<Output = Result<Held>> + Send + 'static,
    {
        self.base.run(|| match &self.queue {
            None => wait::until(future, self.timeout).unwrap_or_else(|| Err(timed_out())),
            Some(queue) => queue.submit(&self.base, (self.number, self.tag), future, self.timeout),
        })
    }

    /// The final cookies of what was decided on this view so far.
    fn lend_headers(&self) -> Pairs {
        let (headers, list) = (self.auth.headers(), PairList::default());
        let lines = list.lend(headers.iter().map(|(name, value)| (name, value.as_bytes())));
        self.lent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(list);
        lines
    }
}

impl Base {
    /// What `doorward_open` gave is not closed.
    fn open(&self) -> Result<()> {
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
extern "C" fn doorward_open(config: In<Builder>, auth: Place<*mut View>) -> Answer {
    auth.write(ptr::null_mut());
    let opened = boundary::caught(|| {
        callback::refuse_inside()?;
        let place = auth.required("auth")?;
        let opened = config.required("config")?.open();
        Ok(opened.map(|(auth, log)| place.write(hand_over(View::whole(auth, log)))))
    });
    Answer::given(match opened {
        Ok(Ok(())) => Held::Nothing(status::OK),
        Ok(Err(error)) => error.into(),
        Err(error) => error.into(),
    })
}

/// Declares functions that make a view: NULL only for a NULL handle.
macro_rules! views {
    ($($name:ident($($operand:ident: $of:ty)?) |$view:ident| $change:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(auth: In<View> $(, $operand: $of)?) -> *mut View {
            boundary::caught_or(ptr::null_mut(), || {
                auth.optional().map_or(ptr::null_mut(), |auth| hand_over(auth.viewed(|$view| $change)))
            })
        }
    )*};
}

views! {
    doorward_on(request: Versioned<RawRequest>) |view| {
        let request = request.read()?.ok_or_else(|| invalid("`request` is NULL".into()))?;
        view.tag = request.tag;
        view.auth = view.auth.on(request::read(&request)?);
        Ok(())
    };
    doorward_realm(name: Bytes) |view| {
        view.auth = view.auth.realm(name.text("realm", MAX_REALM)?)?;
        Ok(())
    };
    doorward_within(timeout: i64) |view| {
        let micros = u64::try_from(timeout).map_err(|_| invalid(format!("`timeout` is {timeout} and takes 0 or more")))?;
        view.timeout = (micros > 0).then(|| Duration::from_micros(micros));
        Ok(())
    };
    doorward_through(queue: In<Queue>) |view| {
        view.queue = Some(queue.required("queue")?.clone());
        Ok(())
    };
    doorward_trusted() |view| {
        view.auth = view.auth.trusted();
        Ok(())
    };
}

#[unsafe(no_mangle)]
extern "C" fn doorward_headers(on: In<View>) -> Pairs {
    boundary::caught_or(Pairs::empty(), || {
        on.optional().map_or_else(Pairs::empty, View::lend_headers)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_cancel(on: In<View>) {
    boundary::caught_or((), || {
        if let Some(View {
            queue: Some(queue),
            number,
            ..
        }) = on.optional()
        {
            queue.cancel(*number);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_start(auth: In<View>) -> Answer {
    plain(|| {
        let auth = auth.required("auth")?;
        auth.called()?;
        auth.base.start()
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_stop(auth: In<View>) -> Answer {
    plain(|| {
        callback::refuse_inside()?;
        auth.required("auth")?.base.stop(Life::Cold)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_before_fork(auth: In<View>) -> Answer {
    plain(|| {
        callback::refuse_inside()?;
        auth.required("auth")?.base.stop(Life::Quiesced)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_migrate(auth: In<View>) -> Answer {
    plain(|| {
        let auth = auth.required("auth")?.called()?;
        with_signals_blocked(|| wait_for(auth.migrate()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_agree(auth: In<View>, item: Bytes) -> Answer {
    plain(|| {
        let auth = auth.required("auth")?.called()?;
        let item = item.text("item", 1024)?;
        with_signals_blocked(|| wait_for(auth.agree(item)))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_close(auth: Owned<View>) {
    boundary::caught_or((), || {
        let Some(auth) = auth.take() else { return };
        if auth.whole {
            auth.base.closed.store(true, Ordering::Release);
        }
        // In a child of its process its threads are not there and its connections are the parent's: dropping it would
        // wait for the ones and close the others. Inside a callback it would wait for that callback. So it is kept.
        if auth.base.is_of_another_process() || callback::is_inside() {
            ABANDONED
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(*auth);
            return;
        }
        if auth.whole {
            // What could not be written is in the log; there is nobody left to tell.
            _ = auth.base.stop(Life::Cold);
        }
    });
}
