//! The gate that a fork closes: operations pass it, and the fork waits for those under way. It is atomics only: a lock could
//! be held by a thread that the child does not have.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

/// Set while a fork is under way; the rest of the number counts operations.
const CLOSED: usize = 1 << (usize::BITS - 1);
static GATE: AtomicUsize = AtomicUsize::new(0);
/// Counts forks that this process descends from: permits of a parent's threads mean nothing in the child.
static GENERATION: AtomicUsize = AtomicUsize::new(0);
/// How often the gate is looked at while it is closed.
const LOOK_EVERY: Duration = Duration::from_micros(200);

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

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
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

/// True when no operation is under way any more.
pub(crate) fn drained(py: Python<'_>, patience: Duration) -> bool {
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

/// Waits for a moment in which the gate may have changed, with the interpreter released.
pub(crate) fn wait(py: Python<'_>) {
    py.detach(|| thread::sleep(LOOK_EVERY));
}

/// Nobody passes any more, but from inside an operation.
pub(crate) fn close() {
    GATE.fetch_or(CLOSED, Ordering::SeqCst);
}

pub(crate) fn open() {
    GATE.fetch_and(!CLOSED, Ordering::SeqCst);
}

/// Of a child: none of the operations that the parent counted is here.
pub(crate) fn open_in_child() {
    GENERATION.fetch_add(1, Ordering::SeqCst);
    GATE.store(0, Ordering::SeqCst);
}

/// Whether this thread is in the middle of an operation.
pub(crate) fn is_inside() -> bool {
    INSIDE.get() > 0
}
