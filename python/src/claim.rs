//! Claims: what was verified and is nobody's yet.

use doorward::Secret;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::context::Handle;
use crate::given::Shown;
use crate::headers::Headers;
use crate::{json, text, value};

/// A provider id that was verified just now, and that no user has. Good for ten minutes, in the browser that earned it.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Claim(doorward::Claim);

impl Claim {
    pub(crate) fn of(claim: doorward::Claim) -> Self {
        Self(claim)
    }

    pub(crate) fn secret(&self) -> &Secret {
        self.0.token()
    }
}

#[pymethods]
impl Claim {
    /// The text to send to the same person only, and to create a user from or to link.
    #[getter]
    fn token(&self, py: Python<'_>) -> Py<PyString> {
        text::token(py, self.0.token())
    }

    /// The provider that verified it.
    #[getter]
    fn provider(&self) -> &str {
        self.0.provider()
    }

    /// The identifier, for showing. Bytes that are no UTF-8 are escaped.
    #[getter]
    fn identifier(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::lenient(py, self.0.identifier())
    }

    /// What the provider asserts about the person: its word, not a proof. A new `dict` each time.
    #[getter]
    fn attributes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json::from_json(py, self.0.attributes())
    }

    /// When it is worth nothing any more.
    #[getter]
    fn expires_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.expires_at())
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Claim of {}>", self.0.provider())
    }
}

impl Shown for doorward::Claim {
    fn show(self, py: Python<'_>, _: &Handle, _: &Headers) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Claim::of(self))?.into_any())
    }
}
