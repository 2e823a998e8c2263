//! Users, and what belongs to them.

use doorward::id::{AuthenticatorId, UserId};
use doorward::store;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::auth::Auth;
use crate::context::Handle;
use crate::drive::Given;
use crate::text;
use crate::value::{self, Restored, State};

/// An account.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct User {
    user: doorward::User,
    from: From,
}

/// What a user has of the context it was read in.
enum From {
    Context(Handle),
    /// Of a copy: what was public when it was made, a JSON object as text.
    Copied(String),
}

impl User {
    pub(crate) fn new(user: doorward::User, handle: Handle) -> Self {
        Self {
            user,
            from: From::Context(handle),
        }
    }

    pub(crate) fn user(&self) -> &doorward::User {
        &self.user
    }
}

#[pymethods]
impl User {
    /// The user's id, for life.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::uuid(py, self.user.id.as_bytes())
    }

    /// The realm, for life.
    #[getter]
    fn realm(&self) -> &str {
        &self.user.realm
    }

    /// The application's own data: a new `dict` each time.
    #[getter]
    fn attributes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::from_json(py, &self.user.attributes)
    }

    /// The attributes that are declared public: what a browser may see.
    #[getter]
    fn public_attributes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match &self.from {
            From::Context(handle) => text::from_json(py, &handle.auth().public_attributes(&self.user)),
            From::Copied(public) => text::from_json(py, public),
        }
    }

    /// Counts changes of the attributes, from 1.
    #[getter]
    fn version(&self) -> i64 {
        self.user.version
    }

    /// When the user was disabled, if so.
    #[getter]
    fn disabled_at(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.user.disabled_at.map(|at| text::moment(py, at)).transpose()
    }

    /// When the user was created.
    #[getter]
    fn created_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.user.created_at)
    }

    /// When attributes or state last changed.
    #[getter]
    fn updated_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.user.updated_at)
    }

    /// The context that it comes from: for `doorward.testing`.
    #[getter]
    fn _auth(&self) -> PyResult<Auth> {
        match &self.from {
            From::Context(handle) => Ok(Auth::of(handle.clone())),
            From::Copied(_) => Err(PyTypeError::new_err(
                "this User is a copy, which has no context: read it with `get_user`, by its id",
            )),
        }
    }

    /// Two users are equal when their ids are, whatever was read of them when.
    fn __eq__(&self, other: &Self) -> bool {
        self.user.id == other.user.id
    }

    fn __hash__(&self) -> u64 {
        text::hash_of(self.user.id.as_bytes())
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<User {}>", self.user.id)
    }
}

impl Given for doorward::User {
    fn give(self, py: Python<'_>, handle: &Handle) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, User::new(self, handle.clone()))?.into_any())
    }
}

impl Given for Option<doorward::User> {
    fn give(self, py: Python<'_>, handle: &Handle) -> PyResult<Py<PyAny>> {
        self.map_or_else(|| Ok(py.None()), |user| user.give(py, handle))
    }
}

impl Given for Vec<doorward::User> {
    fn give(self, py: Python<'_>, handle: &Handle) -> PyResult<Py<PyAny>> {
        let users: Vec<User> = self
            .into_iter()
            .map(|user| User::new(user, handle.clone()))
            .collect();
        Ok(users.into_pyobject(py)?.unbind())
    }
}

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
        text::from_json(py, &self.0.description)
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

/// What one purge removed.
#[pyclass(frozen, eq, get_all, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct Purged {
    /// Ended or expired sign-ins.
    sign_ins: u64,
    /// Expired flows.
    flows: u64,
    /// Expired tokens, deliveries and key-value entries.
    others: u64,
    /// Forgotten throttle buckets.
    throttles: u64,
    /// Whether more is left: call it again.
    more: bool,
}

#[pymethods]
impl Purged {
    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        let Self { sign_ins, flows, .. } = self;
        let more = if self.more { ", more is left" } else { "" };
        format!("<Purged {sign_ins} sign-ins, {flows} flows{more}>")
    }
}

impl Given for store::Purged {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        let purged = Purged {
            sign_ins: self.sign_ins,
            flows: self.flows,
            others: self.others,
            throttles: self.throttles,
            more: self.more,
        };
        Ok(Py::new(py, purged)?.into_any())
    }
}

/// Counts of rows. On PostgreSQL exact up to 10,000 of a sort; beyond, the server's own estimate.
#[pyclass(frozen, eq, get_all, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct Stats {
    /// Users.
    users: u64,
    /// Live sign-ins.
    sign_ins: u64,
    /// Open flows.
    flows: u64,
}

#[pymethods]
impl Stats {
    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Stats {} users, {} sign-ins>", self.users, self.sign_ins)
    }
}

impl Given for store::StoreStats {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        let stats = Stats {
            users: self.users,
            sign_ins: self.sign_ins,
            flows: self.flows,
        };
        Ok(Py::new(py, stats)?.into_any())
    }
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
        text::from_json(py, &self.0)
    }
}

impl Restored for User {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        Ok(Self {
            user: doorward::User {
                id: UserId::from_bytes(state.id("id")?),
                realm: state.plain("realm")?,
                attributes: state.json("attributes")?,
                version: state.plain("version")?,
                // No operation takes it from here: each reads the user by its id.
                session_epoch: 0,
                disabled_at: state.maybe_moment("disabled_at")?,
                created_at: state.moment("created_at")?,
                updated_at: state.moment("updated_at")?,
            },
            from: From::Copied(state.json("public_attributes")?),
        })
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

impl Restored for Purged {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        Ok(Self {
            sign_ins: state.plain("sign_ins")?,
            flows: state.plain("flows")?,
            others: state.plain("others")?,
            throttles: state.plain("throttles")?,
            more: state.plain("more")?,
        })
    }
}

impl Restored for Stats {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        Ok(Self {
            users: state.plain("users")?,
            sign_ins: state.plain("sign_ins")?,
            flows: state.plain("flows")?,
        })
    }
}
