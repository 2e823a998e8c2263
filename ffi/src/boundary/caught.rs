//! Panics, which never leave: each becomes an error, or what an accessor gives where there is nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use doorward::{Error, ErrorKind, Result};

/// Runs one export: a panic becomes `Internal` instead of crossing into C.
pub(crate) fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(panicked()))
}

/// Runs one accessor: a panic becomes `otherwise`.
pub(crate) fn caught_or<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// Runs one accessor of what may not be there: that, and a panic, becomes `otherwise`.
pub(crate) fn found_or<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    caught_or(None, body).unwrap_or(otherwise)
}

/// What a caught panic is answered with.
pub(crate) fn panicked() -> Error {
    Error::new(
        ErrorKind::Internal,
        "a panic was caught at the boundary: please report it with what stands on stderr",
    )
}

/// A caller's mistake.
pub(crate) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
