//! Flows: what must be answered next.

use doorward::plugin::FactorClass;
use doorward::{FlowHandle, MethodAction, Secret};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::context::Handle;
use crate::given::Given;
use crate::text;
use crate::value::{self, Restored, State};

/// The state between two steps: its token, and what may be answered.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Flow(FlowHandle);

impl Flow {
    pub(crate) fn of(handle: FlowHandle) -> Self {
        Self(handle)
    }

    pub(crate) fn secret(&self) -> &Secret {
        self.0.token()
    }
}

#[pymethods]
impl Flow {
    /// The token to send back with the answer: to the same person only.
    #[getter]
    fn token(&self, py: Python<'_>) -> Py<PyString> {
        text::token(py, self.0.token())
    }

    /// What it is for: `enroll`, `link`, `sign_in`, `sign_up` or `step_up`.
    #[getter]
    fn purpose(&self) -> &'static str {
        self.0.purpose()
    }

    /// The provider it was begun with, or whose step is open.
    #[getter]
    fn provider(&self) -> Option<&str> {
        self.0.provider()
    }

    /// Whose it is, where that was proved or is being claimed.
    #[getter]
    fn user_id(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0
            .user_id()
            .map(|id| text::uuid(py, id.as_bytes()))
            .transpose()
    }

    /// What may be answered, one of them.
    #[getter]
    fn next(&self) -> Vec<Method> {
        self.0.next().iter().cloned().map(Method).collect()
    }

    /// When it is worth nothing any more.
    #[getter]
    fn expires_at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.expires_at())
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        let next: Vec<&str> = self.0.next().iter().map(|next| next.provider.as_str()).collect();
        format!("<Flow next: {}>", next.join(", "))
    }
}

/// One thing that may be answered next, or one method to sign in with.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Method(doorward::Method);

#[pymethods]
impl Method {
    /// The provider name to answer with.
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider
    }

    /// What the answer does: `enroll`, `step` or `verify`.
    #[getter]
    fn action(&self) -> &'static str {
        MethodAction::id(self.0.action)
    }

    /// The class of the factor it proves.
    #[getter]
    fn factor_class(&self) -> Option<&'static str> {
        self.0.class.map(FactorClass::id)
    }

    /// The credential fields to ask for.
    #[getter]
    fn fields(&self) -> Vec<Field> {
        let field = |field: &doorward::plugin::Field| Field {
            name: field.name.clone(),
            secret: field.secret,
            optional: field.optional,
            max_len: field.max_len,
            autocomplete: field.autocomplete.clone(),
        };
        self.0.fields.iter().map(field).collect()
    }

    /// What the person must see: named values from the provider.
    #[getter]
    fn challenge(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        text::fields(py, &self.0.challenge)
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Method {} {}>", MethodAction::id(self.0.action), self.0.provider)
    }
}

impl Given for Vec<doorward::Method> {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        let next: Vec<Method> = self.into_iter().map(Method).collect();
        Ok(next.into_pyobject(py)?.unbind())
    }
}

/// One credential field, as a form needs it.
#[pyclass(frozen, eq, get_all, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name in the credentials.
    name: String,
    /// Never shown, never logged.
    secret: bool,
    /// May be absent.
    optional: bool,
    /// Largest length in bytes.
    max_len: usize,
    /// The HTML autocomplete token; may be empty.
    autocomplete: String,
}

#[pymethods]
impl Field {
    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Field {}>", self.name)
    }
}

impl Restored for Field {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        Ok(Self {
            name: state.plain("name")?,
            secret: state.plain("secret")?,
            optional: state.plain("optional")?,
            max_len: state.plain("max_len")?,
            autocomplete: state.plain("autocomplete")?,
        })
    }
}
