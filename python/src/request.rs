//! The request view.

use std::net::IpAddr;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::argument::Bytes;

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
    /// a proxy perhaps; `None` where there is none.
    #[new]
    #[pyo3(signature = (method, headers=Vec::new(), peer=None))]
    #[expect(clippy::needless_pass_by_value, reason = "extracted arguments are owned")]
    fn new(method: String, headers: Vec<(Bytes, Bytes)>, peer: Option<&str>) -> PyResult<Self> {
        let peer = peer
            .map(|peer| {
                // The zone of an IPv6 address (RFC 4007 section 11) names an interface here.
                peer.split('%')
                    .next()
                    .unwrap_or_default()
                    .parse::<IpAddr>()
                    .map_err(|_| PyValueError::new_err("peer takes an IP address without a port"))
            })
            .transpose()?;
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()));
        Ok(Self(doorward::Request::new(method, headers, peer)))
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

    fn __repr__(&self) -> String {
        format!("<Request {}>", self.method())
    }
}
