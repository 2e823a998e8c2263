//! Callbacks of the application: while one runs, its thread must not wait for the library.

use std::cell::Cell;

use doorward::{Error, ErrorKind, Result};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs a callback.
pub(crate) fn inside<T>(body: impl FnOnce() -> T) -> T {
    /// Leaves even when the body panics.
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            // During a thread's end there is no mark left to take back.
            _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_sub(1)));
        }
    }
    _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
    let _leave = Leave;
    body()
}

/// True inside a callback.
pub(crate) fn is_inside() -> bool {
    DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false)
}

/// Refuses a call that may block, inside a callback: the thread may hold what it would wait for.
pub(crate) fn refuse_inside() -> Result<()> {
    if is_inside() {
        return Err(Error::new(
            ErrorKind::Reentrant,
            "a function that may block was called from a log or event callback: hand the work to another thread",
        ));
    }
    Ok(())
}
