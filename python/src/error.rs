//! Errors of the core as Python exceptions: one class for each kind, in `doorward._errors`.

use std::error::Error as _;

use doorward::error::Actor;
use doorward::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::headers::Headers;
use crate::violation::Violation;

static CLASSES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// The exception for an error.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).map_or_else(|failure| failure, PyErr::from_value)
}

/// The exception itself, to put more on it.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let classes = CLASSES
        .get_or_try_init(py, || {
            let classes = py.import("doorward._errors")?.getattr("BY_CODE")?;
            Ok::<_, PyErr>(classes.cast_into::<PyDict>()?.unbind())
        })?
        .bind(py);
    let message = match error.source() {
        Some(source) => format!("{} ({source})", error.message()),
        None => error.message().to_owned(),
    };
    let code = error.kind().id();
    let class = classes
        .get_item(code)?
        .ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(code))?;
    let made = class.call1((message,))?;
    made.setattr("headers", Py::new(py, Headers::of(error.headers().clone()))?)?;
    if let Some(what) = error.what() {
        made.setattr("what", what)?;
    }
    if error.kind() == ErrorKind::PolicyViolation {
        let violations = error.violations().iter().map(Violation::of);
        let violations = violations
            .map(|violation| Py::new(py, violation))
            .collect::<PyResult<Vec<_>>>()?;
        made.setattr("violations", PyTuple::new(py, violations)?)?;
    }
    Ok(made)
}

/// The table of errors: code to number, actor, retryable, public, HTTP status. The exceptions are asserted against it by a test.
pub(crate) fn table(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let table = PyDict::new(py);
    for kind in ErrorKind::ALL {
        let actor = match kind.actor() {
            Actor::Bug => "bug",
            Actor::Caller => "caller",
            Actor::Client => "client",
            Actor::Operator => "operator",
        };
        table.set_item(
            kind.id(),
            (
                kind.number(),
                actor,
                kind.is_retryable(),
                kind.is_public(),
                kind.http_status(),
            ),
        )?;
    }
    Ok(table)
}
