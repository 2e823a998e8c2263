//! What several values look like in Python: ids are `uuid.UUID`, moments aware `datetime`, attributes parsed JSON.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use doorward::{Secret, Timestamp};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDelta, PyDict, PyString};

static UUID: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// What a module of Python has, imported once.
pub(crate) fn imported<'py>(
    py: Python<'py>,
    cell: &'static PyOnceLock<Py<PyAny>>,
    module: &str,
    name: &str,
) -> PyResult<&'py Bound<'py, PyAny>> {
    Ok(cell
        .get_or_try_init(py, || Ok::<_, PyErr>(py.import(module)?.getattr(name)?.unbind()))?
        .bind(py))
}

/// `uuid.UUID`.
pub(crate) fn uuid_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    imported(py, &UUID, "uuid", "UUID")
}

/// An id as `uuid.UUID`.
pub(crate) fn uuid(py: Python<'_>, bytes: &[u8; 16]) -> PyResult<Py<PyAny>> {
    let none = py.None();
    let bytes = PyBytes::new(py, bytes);
    Ok(uuid_class(py)?.call1((none, bytes))?.unbind())
}

fn epoch(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    Ok(EPOCH
        .get_or_try_init(py, || {
            let module = py.import("datetime")?;
            let utc = module.getattr("timezone")?.getattr("utc")?;
            let epoch = module.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
            Ok::<_, PyErr>(epoch.unbind())
        })?
        .bind(py))
}

/// A moment as an aware `datetime` in UTC.
pub(crate) fn moment(py: Python<'_>, at: Timestamp) -> PyResult<Py<PyAny>> {
    let micros = at.as_micros();
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let parts = (
        i32::try_from(seconds.div_euclid(SECONDS_PER_DAY)).unwrap_or(i32::MAX),
        i32::try_from(seconds.rem_euclid(SECONDS_PER_DAY)).unwrap_or(0),
        i32::try_from(micros.rem_euclid(MICROS_PER_SECOND)).unwrap_or(0),
    );
    let delta = PyDelta::new(py, parts.0, parts.1, parts.2, true)?;
    Ok(epoch(py)?.add(delta)?.unbind())
}

/// The moment that an aware `datetime` names.
pub(crate) fn timestamp(at: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
    let py = at.py();
    if !at.hasattr("tzinfo")? || at.getattr("tzinfo")?.is_none() {
        return Err(PyTypeError::new_err(
            "expected an aware datetime, such as datetime.now(timezone.utc): a naive one says no instant",
        ));
    }
    let microsecond = PyDelta::new(py, 0, 0, 1, false)?;
    let micros: i64 = at.sub(epoch(py)?)?.floor_div(microsecond)?.extract()?;
    Ok(Timestamp::from_micros(micros))
}

/// A length of time as `timedelta`.
pub(crate) fn length(py: Python<'_>, length: Duration) -> PyResult<Py<PyAny>> {
    Ok(length.into_pyobject(py)?.into_any().unbind())
}

/// A token as text. Tokens are ASCII.
pub(crate) fn token(py: Python<'_>, secret: &Secret) -> Py<PyString> {
    PyString::new(py, &String::from_utf8_lossy(secret.expose())).unbind()
}

/// Bytes that are text nearly always; what is not UTF-8 is escaped so that it can be passed back unchanged.
pub(crate) fn lenient(py: Python<'_>, bytes: &[u8]) -> PyResult<Py<PyAny>> {
    Ok(PyBytes::new(py, bytes)
        .call_method1("decode", ("utf-8", "surrogateescape"))?
        .unbind())
}

/// Named values as a `dict` of bytes: a new one each time.
pub(crate) fn fields(py: Python<'_>, fields: &doorward::Fields) -> PyResult<Py<PyDict>> {
    let dictionary = PyDict::new(py);
    for (name, value) in &fields.0 {
        dictionary.set_item(name, PyBytes::new(py, value.expose()))?;
    }
    Ok(dictionary.unbind())
}

/// The hash of an object that is known by its id.
pub(crate) fn hash_of(id: &[u8; 16]) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
