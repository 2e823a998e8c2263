//! What a provider asks of the host while an operation runs, and under which conditions: per thread, as the host's replies are.

use std::cell::{Cell, RefCell};

use crate::abi;

/// How the host behaves during one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The host call (0 is the first that can fail) that fails, and its status. An extension is then not there.
    pub failing: Option<(usize, i32)>,
    /// What `remaining_ns` says.
    pub remaining_ns: i64,
    /// What `cancelled` says.
    pub cancelled: bool,
    /// Every counter of `doorward.limit/1` is closed, for a minute.
    pub closed: bool,
    /// Requests of a later version: larger structs, flags that nobody knows yet.
    pub newer: bool,
}

impl Default for Conditions {
    /// A second is left, and nothing fails.
    fn default() -> Self {
        Self {
            failing: None,
            remaining_ns: 1_000_000_000,
            cancelled: false,
            closed: false,
            newer: false,
        }
    }
}

thread_local! {
    static CONDITIONS: Cell<Conditions> = Cell::new(Conditions::default());
    static FALLIBLE: Cell<usize> = const { Cell::new(0) };
    static CALLS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Runs an operation under these conditions; the host calls that it made on this thread.
pub(super) fn under<T>(conditions: Conditions, operation: impl FnOnce() -> T) -> (T, Vec<&'static str>) {
    CONDITIONS.set(conditions);
    FALLIBLE.set(0);
    CALLS.take();
    let answer = operation();
    CONDITIONS.set(Conditions::default());
    (answer, CALLS.take())
}

/// The conditions of the operation that runs on this thread.
pub(super) fn conditions() -> Conditions {
    CONDITIONS.get()
}

/// A host function that cannot fail is called.
pub(super) fn note(name: &'static str) {
    CALLS.with_borrow_mut(|calls| calls.push(name));
}

/// A host function that can fail is called; the status with which it does, if it is its turn.
pub(super) fn meet(name: &'static str) -> Option<abi::Status> {
    note(name);
    let index = FALLIBLE.get();
    FALLIBLE.set(index + 1);
    let (failing, status) = CONDITIONS.get().failing?;
    (failing == index).then_some(status)
}
