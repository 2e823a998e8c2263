//! What the HTTP surface answers.

use doorward::http::Response;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::context::Handle;
use crate::given::Given;
use crate::value;

/// What to send: the status, each header line as its own line and in this order, and the body.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct HttpResponse(Response);

#[pymethods]
impl HttpResponse {
    /// The HTTP status.
    #[getter]
    fn status(&self) -> u16 {
        self.0.status
    }

    /// Name and value of each line. The values of cookies are secrets: send them, and keep them nowhere.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.0.headers)
    }

    /// The body; empty where there is none.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.body)
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<HttpResponse {}>", self.0.status)
    }
}

impl Given for Option<Response> {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        match self {
            Some(response) => Ok(Py::new(py, HttpResponse(response))?.into_any()),
            None => Ok(py.None()),
        }
    }
}
