//! Ways into an account, as its owner is told of them.

use doorward::WayInfo;
use pyo3::prelude::*;

use crate::text;
use crate::value::{self, Restored, State};

/// One way into an account, or one second factor, as its owner is told of it.
#[pyclass(frozen, eq, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct Way(WayInfo);

#[pymethods]
impl Way {
    /// The provider name; where several names share an authenticator, the first of them.
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider
    }

    /// For people: the identifier as it was given, or the label of an authenticator. May be empty. Not for logs.
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    /// True for an identity, false for an authenticator.
    #[getter]
    fn is_identity(&self) -> bool {
        self.0.is_identity
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

    /// Of an identity: when its owner proved it; `None`: unverified.
    #[getter]
    fn verified_at(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.verified_at.map(|at| text::moment(py, at)).transpose()
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        // Identifiers are not logged.
        let what = if self.0.is_identity {
            "identity"
        } else {
            "authenticator"
        };
        format!("<Way: {what} of {}>", self.0.provider)
    }
}

/// What an answer tells of ways into the account.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) took: Ways,
    pub(crate) kept: Ways,
    pub(crate) others: Ways,
}

/// Several ways: a new list each time.
#[derive(Default)]
pub(crate) struct Ways(Vec<WayInfo>);

impl From<Vec<WayInfo>> for Ways {
    fn from(ways: Vec<WayInfo>) -> Self {
        Self(ways)
    }
}

impl Ways {
    pub(crate) fn list(&self) -> Vec<Way> {
        self.0.iter().cloned().map(Way).collect()
    }
}

impl Restored for Way {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        Ok(Self(WayInfo {
            provider: state.plain("provider")?,
            name: state.plain("name")?,
            is_identity: state.plain("is_identity")?,
            created_at: state.moment("created_at")?,
            last_used_at: state.maybe_moment("last_used_at")?,
            verified_at: state.maybe_moment("verified_at")?,
        }))
    }
}
