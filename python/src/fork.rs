//! Forks: every live context is quiesced before one, and starts again on either side at its next call.
//!
//! SQLite's tables survive a fork while its locks do not, and threads do not survive at all. So a fork closes a gate,
//! waits for the operations under way, stops contexts and runtime, and opens the gate again on both sides. The gate is
//! atomics only: a lock could be held by a thread that the child does not have.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{self, Poll};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use crate::context::Context;
use crate::{drive, error, runtime};

/// Set while a fork is under way; the rest of the number counts operations.
const CLOSED: usize = 1 << (usize::BITS - 1);
static GATE: AtomicUsize = AtomicUsize::new(0);
/// One thread forks at a time.
static FORKING: AtomicBool = AtomicBool::new(false);
/// Counts forks that this process descends from: permits of a parent's threads mean nothing in the child.
static GENERATION: AtomicUsize = AtomicUsize::new(0);
/// Contexts that may have to be stopped. Locked only while the interpreter is held.
static CONTEXTS: Mutex<Vec<Weak<Context>>> = Mutex::new(Vec::new());

/// How often the gate is looked at while it is closed.
const LOOK_EVERY: Duration = Duration::from_micros(200);
/// How long a fork waits for operations under way; each of them has deadlines of its own that are shorter.
const FORK_PATIENCE: Duration = Duration::from_secs(20);
/// How long the end of the program waits for abandoned operations.
const EXIT_PATIENCE: Duration = Duration::from_secs(5);

thread_local! {
    /// How many operations this thread is in the middle of: more than none only inside an event callback.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// An operation that a fork waits for.
pub(crate) struct Permitted<F> {
    operation: Pin<Box<F>>,
    _permit: Permit,
}

impl<F> Permitted<F> {
    /// Waits while a fork is under way, with the interpreter released.
    pub(crate) fn new(py: Python<'_>, operation: F) -> Self {
        Self {
            operation: Box::pin(operation),
            _permit: Permit::take(py),
        }
    }
}

impl<F: Future> Future for Permitted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<F::Output> {
        let _inside = Inside::enter();
        self.operation.as_mut().poll(context)
    }
}

/// Counts for as long as it lives, through panics too.
struct Inside;

impl Inside {
    fn enter() -> Self {
        INSIDE.set(INSIDE.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
    }
}

/// The right to run one operation.
struct Permit {
    generation: usize,
}

impl Permit {
    fn take(py: Python<'_>) -> Self {
        loop {
            let seen = GATE.load(Ordering::SeqCst);
            // Inside another operation the gate means nothing: the fork waits for that one.
            let is_open = seen & CLOSED == 0 || INSIDE.get() > 0;
            if is_open
                && GATE
                    .compare_exchange_weak(seen, seen + 1, Ordering::SeqCst, Ordering::SeqCst)
                    .is_ok()
            {
                let generation = GENERATION.load(Ordering::SeqCst);
                return Self { generation };
            }
            if !is_open {
                py.detach(|| thread::sleep(LOOK_EVERY));
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.generation == GENERATION.load(Ordering::SeqCst) {
            GATE.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Remembers a context for the next fork.
pub(crate) fn register(_py: Python<'_>, context: &Arc<Context>) {
    let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    contexts.retain(|context| context.strong_count() > 0);
    contexts.push(Arc::downgrade(context));
}

fn live(_py: Python<'_>) -> Vec<Arc<Context>> {
    let contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    contexts.iter().filter_map(Weak::upgrade).collect()
}

/// True when no operation is under way any more.
fn drained(py: Python<'_>, patience: Duration) -> bool {
    py.detach(|| {
        let looks = patience.as_micros() / LOOK_EVERY.as_micros();
        (0..looks).any(|look| {
            if look > 0 {
                thread::sleep(LOOK_EVERY);
            }
            GATE.load(Ordering::SeqCst) & !CLOSED == 0
        })
    })
}

#[pyfunction]
fn before(py: Python<'_>) {
    while FORKING.swap(true, Ordering::SeqCst) {
        py.detach(|| thread::sleep(LOOK_EVERY));
    }
    GATE.fetch_or(CLOSED, Ordering::SeqCst);
    // Whatever cannot be quiesced stays started: its calls in the child answer `ForkedContext`. A fork from inside an
    // event would wait for itself.
    if INSIDE.get() > 0 || !drained(py, FORK_PATIENCE) {
        return;
    }
    for context in live(py) {
        if let Err(error) = drive::block(py, Box::pin(async move { context.quiesce().await })) {
            error.write_unraisable(py, None);
        }
    }
    runtime::stop(py);
}

#[pyfunction]
fn after_in_parent() {
    GATE.fetch_and(!CLOSED, Ordering::SeqCst);
    FORKING.store(false, Ordering::SeqCst);
}

#[pyfunction]
fn after_in_child(py: Python<'_>) {
    GENERATION.fetch_add(1, Ordering::SeqCst);
    GATE.store(0, Ordering::SeqCst);
    FORKING.store(false, Ordering::SeqCst);
    runtime::forget(py);
}

/// Stops everything, on a thread of its own: a server that ends the interpreter from a handler of `exit(3)`, as uWSGI
/// does, has destroyed what is local to this one.
#[pyfunction]
fn at_exit(py: Python<'_>) {
    drained(py, EXIT_PATIENCE);
    let contexts = live(py);
    let runtime = runtime::take(py);
    let stopping = thread::Builder::new()
        .name("doorward-exit".into())
        .spawn(move || {
            let failed: Vec<doorward::Error> = (contexts.iter())
                .filter_map(|context| doorward::block_on(context.stop()).err())
                .collect();
            runtime::end(runtime);
            failed
        });
    let failed = match stopping {
        Ok(thread) => py.detach(|| thread.join()).unwrap_or_default(),
        Err(error) => vec![
            doorward::Error::new(doorward::ErrorKind::Unavailable, "no thread to stop on").caused_by(error),
        ],
    };
    for error in failed {
        error::raise(py, &error).write_unraisable(py, None);
    }
}

/// Registers the hooks with the interpreter: for forks, and for the end of the program.
///
/// Hooks run in the reverse order of their registration, and that of `logging` takes the lock that our events need: it
/// must be registered before ours, and it is when the module is imported.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    py.import("logging")?;
    let hooks = pyo3::types::PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(before, py)?)?;
    hooks.set_item("after_in_parent", wrap_pyfunction!(after_in_parent, py)?)?;
    hooks.set_item("after_in_child", wrap_pyfunction!(after_in_child, py)?)?;
    py.import("os")?
        .call_method("register_at_fork", (), Some(&hooks))?;
    py.import("atexit")?
        .call_method1("register", (wrap_pyfunction!(at_exit, py)?,))?;
    Ok(())
}
