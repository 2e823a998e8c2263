//! What Python gets: of an operation, and of a value that its answer carries.

use pyo3::prelude::*;

use crate::context::Handle;
use crate::headers::Headers;
use crate::{json, text};

/// What an operation gives, once it can be shown to Python.
pub(crate) trait Given: Send + 'static {
    /// The Python value.
    fn give(self, py: Python<'_>, handle: &Handle) -> PyResult<Py<PyAny>>;
}

/// What Python sees of a value that an answer carries.
pub(crate) trait Shown: Send + 'static {
    fn show(self, py: Python<'_>, handle: &Handle, headers: &Headers) -> PyResult<Py<PyAny>>;
}

impl Given for u64 {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        Ok(self.into_pyobject(py)?.into_any().unbind())
    }
}

impl Given for bool {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        Ok(pyo3::types::PyBool::new(py, self).to_owned().into_any().unbind())
    }
}

impl Given for () {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        Ok(py.None())
    }
}

/// Text as it is.
pub(crate) struct Text(pub(crate) String);

impl Given for Text {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        Ok(self.0.into_pyobject(py)?.into_any().unbind())
    }
}

/// Attributes: a JSON object as text.
pub(crate) struct Attributes(pub(crate) String);

impl Given for Attributes {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        json::from_json(py, &self.0)
    }
}

/// A JSON object, or nothing.
pub(crate) struct Page(pub(crate) Option<String>);

impl Given for Page {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        self.0
            .map_or_else(|| Ok(py.None()), |text| json::from_json(py, &text))
    }
}

impl Shown for () {
    fn show(self, py: Python<'_>, _: &Handle, _: &Headers) -> PyResult<Py<PyAny>> {
        Ok(py.None())
    }
}

impl Shown for u64 {
    fn show(self, py: Python<'_>, _: &Handle, _: &Headers) -> PyResult<Py<PyAny>> {
        Ok(self.into_pyobject(py)?.into_any().unbind())
    }
}

impl Shown for doorward::UserId {
    fn show(self, py: Python<'_>, _: &Handle, _: &Headers) -> PyResult<Py<PyAny>> {
        text::uuid(py, self.as_bytes())
    }
}
