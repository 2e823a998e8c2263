//! Sessions and devices.

use doorward::headers::ResponseHeaders;
use doorward::id::SignInId;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::context::Handle;
use crate::drive;
use crate::given::Given;
use crate::headers::Headers;
use crate::proof::{self, Factor};
use crate::user::User;
use crate::value::{self, Restored, State};
use crate::{json, text};

/// One generation of a sign-in, and its user, as of the call that gave it.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Session {
    inner: doorward::Session,
    headers: Headers,
    handle: Handle,
}

impl Session {
    pub(crate) fn new(inner: doorward::Session, headers: Headers, handle: Handle) -> Self {
        Self {
            inner,
            headers,
            handle,
        }
    }

    pub(crate) fn session(&self) -> &doorward::Session {
        &self.inner
    }
}

#[pymethods]
impl Session {
    /// The sign-in's id: what a list of devices names. Not a secret.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::uuid(py, self.inner.id().as_bytes())
    }

    /// The user.
    #[getter]
    fn user(&self) -> User {
        User::new(self.inner.user().clone(), self.handle.clone())
    }

    /// The access token, if this call issued it.
    #[getter]
    fn access_token(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.inner.access_token().map(|token| text::token(py, token))
    }

    /// The refresh token, if this call issued it.
    #[getter]
    fn refresh_token(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.inner.refresh_token().map(|token| text::token(py, token))
    }

    /// The header lines to send with the response.
    #[getter]
    fn headers(&self) -> Headers {
        self.headers.clone()
    }

    /// A proof for sensitive operations of this session's user: fresh as far as its factors are. Waits for one
    /// look-up; event loops await `session_proof` instead.
    #[getter]
    fn proof(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (handle, session) = (self.handle.clone(), self.inner.clone());
        drive::call(py, &self.handle, async move {
            handle.ready().await?.session_proof(&session).await
        })
    }

    /// When the access token stops being accepted.
    #[getter]
    fn access_expires_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.inner.access_expires_at())
    }

    /// When the sign-in ends for want of use.
    #[getter]
    fn idle_expires_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.inner.idle_expires_at())
    }

    /// When the sign-in ends in any case.
    #[getter]
    fn absolute_expires_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.inner.absolute_expires_at())
    }

    /// Whether its cookies outlive the browser.
    #[getter]
    fn persistent(&self) -> bool {
        self.inner.persistent()
    }

    /// When the person last authenticated in it.
    #[getter]
    fn authenticated_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.inner.authenticated_at())
    }

    /// What was proved in it.
    #[getter]
    fn factors(&self) -> Vec<Factor> {
        proof::factors(self.inner.factors())
    }

    /// The application's own data: a new `dict` each time.
    #[getter]
    fn attributes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json::from_json(py, self.inner.attributes())
    }

    /// Counts changes of the attributes, from 1.
    #[getter]
    fn version(&self) -> i64 {
        self.inner.version()
    }

    /// User agent at sign-in.
    #[getter]
    fn agent(&self) -> &str {
        self.inner.agent()
    }

    /// Client address at sign-in.
    #[getter]
    fn address(&self) -> &str {
        self.inner.address()
    }

    /// When the sign-in was made.
    #[getter]
    fn created_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.inner.created_at())
    }

    /// When it was last used; coarse.
    #[getter]
    fn last_seen_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.inner.last_seen_at())
    }

    /// Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back.
    fn apply(&self, py: Python<'_>, response: Py<PyAny>) -> PyResult<Py<PyAny>> {
        self.headers.put(py, response)
    }

    /// Two are equal when they are of one sign-in, whatever was read of it when.
    fn __eq__(&self, other: &Self) -> bool {
        self.inner.id() == other.inner.id()
    }

    fn __hash__(&self) -> u64 {
        text::hash_of(self.inner.id().as_bytes())
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Session {} of user {}>", self.inner.id(), self.inner.user().id)
    }
}

impl Given for doorward::Session {
    fn give(self, py: Python<'_>, handle: &Handle) -> PyResult<Py<PyAny>> {
        let headers = Headers::of(ResponseHeaders::default());
        Ok(Py::new(py, Session::new(self, headers, handle.clone()))?.into_any())
    }
}

/// One device of a user: a sign-in without any token material.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Device(doorward::Device);

impl Device {
    pub(crate) fn device(&self) -> &doorward::Device {
        &self.0
    }
}

#[pymethods]
impl Device {
    /// The sign-in's id.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::uuid(py, self.0.id.as_bytes())
    }

    /// User agent at sign-in.
    #[getter]
    fn agent(&self) -> &str {
        &self.0.agent
    }

    /// Client address at sign-in.
    #[getter]
    fn address(&self) -> &str {
        &self.0.address
    }

    /// When the sign-in was made.
    #[getter]
    fn created_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.created_at)
    }

    /// When it was last used; coarse.
    #[getter]
    fn last_seen_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.last_seen_at)
    }

    /// What was proved in it.
    #[getter]
    fn factors(&self) -> Vec<Factor> {
        proof::factors(&self.0.factors)
    }

    /// The application's own data: a new `dict` each time.
    #[getter]
    fn attributes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json::from_json(py, &self.0.attributes)
    }

    /// Two are equal when they are of one sign-in, whatever was read of it when.
    fn __eq__(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }

    fn __hash__(&self) -> u64 {
        text::hash_of(self.0.id.as_bytes())
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Device {}>", self.0.id)
    }
}

impl Given for Vec<doorward::Device> {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        let devices: Vec<Device> = self.into_iter().map(Device).collect();
        Ok(devices.into_pyobject(py)?.unbind())
    }
}

impl Restored for Device {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        let factors: Vec<Py<Factor>> = state.plain("factors")?;
        Ok(Self(doorward::Device {
            id: SignInId::from_bytes(state.id("id")?),
            agent: state.plain("agent")?,
            address: state.plain("address")?,
            created_at: state.moment("created_at")?,
            last_seen_at: state.moment("last_seen_at")?,
            factors: factors
                .iter()
                .map(|factor| factor.get().factor().clone())
                .collect(),
            attributes: state.json("attributes")?,
        }))
    }
}
