//! What belongs to a user: identities and authenticators.

use doorward::id::AuthenticatorId;
use pyo3::prelude::*;

use crate::context::Handle;
use crate::given::Given;
use crate::value::{self, Restored, State};
use crate::{json, text};

/// One provider id of a user.
#[pyclass(frozen, eq, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct Identity(doorward::Identity);

#[pymethods]
impl Identity {
    /// The provider name.
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider
    }

    /// The identifier as it was given. Bytes that are no UTF-8 are escaped, and may be passed back so.
    #[getter]
    fn identifier(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::lenient(py, &self.0.identifier)
    }

    /// When its owner proved it; `None`: unverified.
    #[getter]
    fn verified_at(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.verified_at.map(|at| text::moment(py, at)).transpose()
    }

    /// When it was bound.
    #[getter]
    fn created_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.created_at)
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Identity of {}>", self.0.provider)
    }
}

impl Given for Vec<doorward::Identity> {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        let identities: Vec<Identity> = self.into_iter().map(Identity).collect();
        Ok(identities.into_pyobject(py)?.unbind())
    }
}

/// One authenticator as its owner sees it.
#[pyclass(frozen, eq, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct Authenticator(doorward::Authenticator);

impl Authenticator {
    pub(crate) fn info(&self) -> &doorward::Authenticator {
        &self.0
    }
}

#[pymethods]
impl Authenticator {
    /// Its id.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::uuid(py, self.0.id.as_bytes())
    }

    /// The credentials group it belongs to.
    #[getter]
    fn group(&self) -> &str {
        &self.0.group
    }

    /// The kind that wrote it.
    #[getter]
    fn kind(&self) -> &str {
        &self.0.kind
    }

    /// What its owner calls it.
    #[getter]
    fn label(&self) -> &str {
        &self.0.label
    }

    /// What its kind shows of it, such as how many recovery codes are left; empty: nothing. A new `dict` each time.
    #[getter]
    fn description(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        json::from_json(py, &self.0.description)
    }

    /// When it was added.
    #[getter]
    fn created_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.created_at)
    }

    /// When it was last used; coarse.
    #[getter]
    fn last_used_at(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.last_used_at.map(|at| text::moment(py, at)).transpose()
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Authenticator {} of {}>", self.0.id, self.0.group)
    }
}

impl Given for Vec<doorward::Authenticator> {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        let held: Vec<Authenticator> = self.into_iter().map(Authenticator).collect();
        Ok(held.into_pyobject(py)?.unbind())
    }
}

impl Restored for Identity {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        Ok(Self(doorward::Identity {
            provider: state.plain("provider")?,
            identifier: state.bytes("identifier")?,
            verified_at: state.maybe_moment("verified_at")?,
            created_at: state.moment("created_at")?,
        }))
    }
}

impl Restored for Authenticator {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        Ok(Self(doorward::Authenticator {
            id: AuthenticatorId::from_bytes(state.id("id")?),
            group: state.plain("group")?,
            kind: state.plain("kind")?,
            label: state.plain("label")?,
            description: state.json("description")?,
            created_at: state.moment("created_at")?,
            last_used_at: state.maybe_moment("last_used_at")?,
        }))
    }
}
