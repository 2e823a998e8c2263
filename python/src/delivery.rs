//! The outbox: messages for the application to send; and what their tokens are good for.

use std::sync::Arc;

use doorward::delivery::DeliveryCallback;
use doorward::id::UserId;
use doorward::{Settlement, TokenPurpose};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::argument::How;
use crate::context::Handle;
use crate::given::{Given, Shown};
use crate::headers::Headers;
use crate::text;
use crate::value::{self, Restored, State};

/// One message to send.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Delivery(doorward::Delivery);

impl Delivery {
    pub(crate) fn delivery(&self) -> &doorward::Delivery {
        &self.0
    }
}

#[pymethods]
impl Delivery {
    /// Its id, the same at every attempt: a mail system that knows ids sends it once.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::uuid(py, self.0.id.as_bytes())
    }

    /// How it is sent: email, sms, or what the configuration or a kind says.
    #[getter]
    fn channel(&self) -> &str {
        &self.0.channel
    }

    /// Where to: the address as its owner gave it.
    #[getter]
    fn address(&self) -> &str {
        &self.0.address
    }

    /// Which message: recovery, verify, `change_identifier`, `credentials_changed`, or one of a kind's own.
    #[getter]
    fn template(&self) -> &str {
        &self.0.template
    }

    /// What the message says: a token or a code among it. A new `dict` each time, of text.
    #[getter]
    fn params(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let params = PyDict::new(py);
        for (name, value) in &self.0.params.0 {
            params.set_item(name, String::from_utf8_lossy(value.expose()))?;
        }
        Ok(params.unbind())
    }

    /// The realm.
    #[getter]
    fn realm(&self) -> &str {
        &self.0.realm
    }

    /// The provider name.
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider
    }

    /// The user, where it is somebody's already.
    #[getter]
    fn user_id(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.user_id.map(|id| text::uuid(py, id.as_bytes())).transpose()
    }

    /// Which attempt this is, from 1.
    #[getter]
    fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// When it is worth nothing any more.
    #[getter]
    fn expires_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.expires_at)
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Delivery {} by {}>", self.0.template, self.0.channel)
    }
}

/// The core's callback: asks the application's function how sending the message ended. What the function raises goes to
/// `sys.unraisablehook`, and the message is handed out again; so it is when the interpreter is ending.
pub(crate) fn callback(on_delivery: Py<PyAny>) -> DeliveryCallback {
    Arc::new(move |delivery: &doorward::Delivery| {
        let settled = Python::try_attach(|py| {
            let shown = Delivery(delivery.clone());
            let said = on_delivery
                .call1(py, (shown,))
                .and_then(|said| said.extract::<How>(py));
            said.map_or_else(
                |error| {
                    error.write_unraisable(py, Some(on_delivery.bind(py)));
                    Settlement::Retry
                },
                |how| how.0,
            )
        });
        settled.unwrap_or(Settlement::Retry)
    })
}

/// What the holder of a good token may know of it.
#[pyclass(frozen, eq, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct TokenInfo(doorward::TokenInfo);

#[pymethods]
impl TokenInfo {
    /// What it is good for: recovery, verify, `change_identifier` or `sign_in_link`.
    #[getter]
    fn purpose(&self) -> &'static str {
        self.0.purpose.id()
    }

    /// The provider name of the address.
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider
    }

    /// The address that it is bound to, canonical.
    #[getter]
    fn identifier(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::lenient(py, &self.0.identifier)
    }

    /// The user it concerns. For the program, not for the browser.
    #[getter]
    fn user_id(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::uuid(py, self.0.user_id.as_bytes())
    }

    /// When it is worth nothing any more.
    #[getter]
    fn expires_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.expires_at)
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<TokenInfo for {}>", self.0.purpose.id())
    }
}

impl Shown for doorward::TokenInfo {
    fn show(self, py: Python<'_>, _: &Handle, _: &Headers) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, TokenInfo(self))?.into_any())
    }
}

impl Given for Vec<doorward::Delivery> {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        let deliveries: Vec<Delivery> = self.into_iter().map(Delivery).collect();
        Ok(deliveries.into_pyobject(py)?.unbind())
    }
}

impl Restored for TokenInfo {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        let purpose: String = state.plain("purpose")?;
        let purpose = TokenPurpose::ALL.into_iter().find(|one| one.id() == purpose);
        Ok(Self(doorward::TokenInfo {
            purpose: purpose.ok_or_else(|| PyValueError::new_err("no purpose of tokens"))?,
            provider: state.plain("provider")?,
            identifier: state.bytes("identifier")?,
            user_id: UserId::from_bytes(state.id("user_id")?),
            expires_at: state.moment("expires_at")?,
        }))
    }
}
