//! JSON: attributes and descriptions as Python data.

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::error;
use crate::text::imported;
use crate::value::State;

static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// A JSON text as Python data; a new object each time, so that nobody changes what another reads.
pub(crate) fn from_json(py: Python<'_>, text: &str) -> PyResult<Py<PyAny>> {
    Ok(imported(py, &LOADS, "json", "loads")?.call1((text,))?.unbind())
}

/// Python data as JSON text.
pub(crate) fn to_json(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = value.py();
    let options = PyDict::new(py);
    options.set_item("allow_nan", false)?;
    options.set_item("ensure_ascii", false)?;
    let text = (imported(py, &DUMPS, "json", "dumps")?.call((value,), Some(&options))).map_err(|raised| {
        // Python's own bound is far beyond ours.
        if raised.is_instance_of::<PyRecursionError>(py) {
            return error::raise(py, &doorward::Error::too_deep());
        }
        raised
    })?;
    text.extract()
}

impl State<'_, '_> {
    /// A member that was read from JSON, as JSON.
    pub(crate) fn json(&self, name: &str) -> PyResult<String> {
        to_json(&self.any(name)?)
    }
}
