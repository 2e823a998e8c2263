//! The request view.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::argument::{Bytes, HeaderLines};
use crate::value;

/// What Doorward sees of an HTTP request: method, headers, the peer's address. Other headers are dropped at once.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Request(doorward::Request);

/// A view of whatever the application has: this class, or a request of a framework.
pub(crate) fn view(request: &Bound<'_, PyAny>) -> PyResult<doorward::Request> {
    if let Ok(view) = request.cast::<Request>() {
        return Ok(view.get().0.clone());
    }
    let adapter = request.py().import("doorward._requests")?.getattr("view")?;
    let view = adapter.call1((request,))?;
    Ok(view.cast::<Request>()?.get().0.clone())
}

#[pymethods]
impl Request {
    /// `headers`: pairs of name and value, one for each line. `peer`: the address of whoever holds the connection,
    /// a proxy perhaps; `None` where there is none. `target`: path and query as they came, for the HTTP surface alone.
    #[new]
    #[pyo3(signature = (method, headers=HeaderLines::default(), peer=None, target=None))]
    #[expect(clippy::needless_pass_by_value, reason = "extracted arguments are owned")]
    fn new(
        method: String,
        headers: HeaderLines,
        peer: Option<&str>,
        target: Option<Bytes>,
    ) -> PyResult<Self> {
        let peer = peer
            .map(|peer| {
                doorward::Request::peer_of(peer).map_err(|e| PyValueError::new_err(e.message().to_owned()))
            })
            .transpose()?
            .flatten();
        let headers = headers
            .0
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()));
        let request = doorward::Request::new(method, headers, peer);
        Ok(Self(match target {
            Some(target) => request.with_target(target.as_slice()),
            None => request,
        }))
    }

    /// The method.
    #[getter]
    fn method(&self) -> String {
        String::from_utf8_lossy(self.0.method()).into_owned()
    }

    /// The peer's address.
    #[getter]
    fn peer(&self) -> Option<String> {
        self.0.peer().map(|peer| peer.to_string())
    }

    /// Path and query as they came, where they were given.
    #[getter]
    fn target<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.target().map(|target| PyBytes::new(py, target))
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Request {}>", self.method())
    }
}
