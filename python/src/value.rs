//! Values as plain data: for JSON, for pickle and for copy. What is in which stands in `doorward._values`.

use doorward::Timestamp;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::text;

fn helper<'py>(value: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let helpers = value.py().import("doorward._values")?;
    helpers.getattr(name)?.call1((value,))
}

/// The value as JSON takes it, without a secret.
pub(crate) fn to_dict(value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    Ok(helper(value, "to_dict")?.unbind())
}

/// What pickle and copy ask for: how to make the value again, or why there is no way.
pub(crate) fn reduce(value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    Ok(helper(value, "reduce")?.unbind())
}

/// What a value was when it was pickled.
pub(crate) struct State<'a, 'py>(pub(crate) &'a Bound<'py, PyDict>);

impl<'py> State<'_, 'py> {
    pub(crate) fn any(&self, name: &str) -> PyResult<Bound<'py, PyAny>> {
        (self.0.get_item(name)?).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    /// Of a type that Python has, too.
    pub(crate) fn plain<T>(&self, name: &str) -> PyResult<T>
    where
        T: for<'a> FromPyObject<'a, 'py>,
        for<'a> <T as FromPyObject<'a, 'py>>::Error: Into<PyErr>,
    {
        self.any(name)?.extract().map_err(Into::into)
    }

    pub(crate) fn id(&self, name: &str) -> PyResult<[u8; 16]> {
        self.any(name)?.getattr("bytes")?.extract()
    }

    pub(crate) fn maybe_id(&self, name: &str) -> PyResult<Option<[u8; 16]>> {
        let held = self.any(name)?;
        if held.is_none() {
            return Ok(None);
        }
        self.id(name).map(Some)
    }

    pub(crate) fn moment(&self, name: &str) -> PyResult<Timestamp> {
        text::timestamp(&self.any(name)?)
    }

    pub(crate) fn maybe_moment(&self, name: &str) -> PyResult<Option<Timestamp>> {
        let held = self.any(name)?;
        (!held.is_none()).then(|| text::timestamp(&held)).transpose()
    }

    /// Text that stands for bytes, which need not be UTF-8.
    pub(crate) fn bytes(&self, name: &str) -> PyResult<Vec<u8>> {
        (self
            .any(name)?
            .call_method1("encode", ("utf-8", "surrogateescape"))?)
        .extract()
    }
}

/// A value that can be made again from what it was.
pub(crate) trait Restored: Sized {
    fn restored(state: &State<'_, '_>) -> PyResult<Self>;
}
