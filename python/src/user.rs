//! Users.

use doorward::id::UserId;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::context::Handle;
use crate::given::Given;
use crate::value::{self, Restored, State};
use crate::view::Auth;
use crate::{json, text};

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
        json::from_json(py, &self.user.attributes)
    }

    /// The attributes that are declared public: what a browser may see.
    #[getter]
    fn public_attributes(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match &self.from {
            From::Context(handle) => json::from_json(py, &handle.auth().public_attributes(&self.user)),
            From::Copied(public) => json::from_json(py, public),
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
