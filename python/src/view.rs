//! The two views of a context, as Python holds them: `Auth` waits, `AsyncAuth` gives awaitables. Their operations are rows in
//! `auth`.

use pyo3::prelude::*;

use crate::context::Handle;

/// Users, provider ids and sessions of one database. Every operation waits for its answer.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Auth(pub(crate) Handle);

/// The view of a context for event loops: every operation gives an awaitable.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct AsyncAuth(pub(crate) Handle);

impl Auth {
    pub(crate) fn of(handle: Handle) -> Self {
        Self(handle)
    }
}
