//! Response headers and cookies: read-only, and without a value in their `repr`.

use std::sync::Arc;

use doorward::headers::ResponseHeaders;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::value;

/// Header lines to send, each as its own line and in this order: a sequence of name and value.
#[pyclass(frozen, sequence, module = "doorward._doorward")]
#[derive(Clone)]
pub(crate) struct Headers(Arc<ResponseHeaders>);

impl Headers {
    pub(crate) fn of(headers: ResponseHeaders) -> Self {
        Self(Arc::new(headers))
    }

    pub(crate) fn cookies_of(&self) -> Vec<SetCookie> {
        self.0.cookies().cloned().map(SetCookie).collect()
    }

    pub(crate) fn of_status(&self) -> ResponseHeaders {
        self.0.of_status()
    }

    /// Puts the lines on a response of a framework.
    pub(crate) fn put(&self, py: Python<'_>, response: Py<PyAny>) -> PyResult<Py<PyAny>> {
        let adapter = py.import("doorward._responses")?.getattr("put")?;
        adapter.call1((self.clone(), &response))?;
        Ok(response)
    }
}

#[pymethods]
impl Headers {
    /// The cookies alone.
    #[getter]
    fn cookies(&self) -> Vec<SetCookie> {
        self.cookies_of()
    }

    /// Puts the lines on a Starlette, Django or Werkzeug response, and gives it back.
    fn apply(&self, py: Python<'_>, response: Py<PyAny>) -> PyResult<Py<PyAny>> {
        self.put(py, response)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__(&self, index: isize) -> PyResult<(&'static str, &str)> {
        let length = self.0.len();
        let at = if index < 0 {
            length.checked_sub(index.unsigned_abs())
        } else {
            Some(index.unsigned_abs())
        };
        at.and_then(|at| self.0.iter().nth(at))
            .ok_or_else(|| PyIndexError::new_err("no such header line"))
    }

    fn __iter__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let lines = PyList::new(py, self.0.iter())?;
        Ok(lines.try_iter()?.into_any().unbind())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("Headers({:?})", self.0)
    }
}

/// One `Set-Cookie`: `HttpOnly; SameSite=Lax; Path=/`, and `Secure` except in development over plain HTTP.
#[pyclass(frozen, eq, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct SetCookie(doorward::cookie::SetCookie);

#[pymethods]
impl SetCookie {
    /// The cookie's name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The cookie's value, a secret; empty if the cookie is cleared.
    #[getter]
    fn value(&self) -> &str {
        self.0.value()
    }

    /// Seconds until the browser drops it; 0 if it is cleared, `None` if it goes when the browser closes.
    #[getter]
    fn max_age(&self) -> Option<u64> {
        self.0.max_age_seconds()
    }

    /// Whether it has `Secure`.
    #[getter]
    fn secure(&self) -> bool {
        self.0.is_secure()
    }

    /// The whole value of the `Set-Cookie` header.
    #[getter]
    fn line(&self) -> &str {
        self.0.line()
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<{:?}>", self.0)
    }
}
