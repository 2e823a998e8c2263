//! Proofs and factors.

use doorward::plugin::FactorClass;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::context::Handle;
use crate::given::Given;
use crate::text;
use crate::value::{self, Restored, State};

/// An opaque value that only the core makes: who was proved to be there, by what, and when.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Proof(doorward::Proof);

impl Proof {
    pub(crate) fn proof(&self) -> &doorward::Proof {
        &self.0
    }
}

#[pymethods]
impl Proof {
    /// Whose it is.
    #[getter]
    fn user_id(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::uuid(py, self.0.user_id().as_bytes())
    }

    /// What it is for: `sign_in` makes one session, `step_up` a session's successor, `session` none.
    #[getter]
    fn purpose(&self) -> &'static str {
        self.0.purpose()
    }

    /// What was proved.
    #[getter]
    fn factors(&self) -> Vec<Factor> {
        factors(self.0.factors())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Proof of user {}>", self.0.user_id())
    }
}

impl Given for doorward::Proof {
    fn give(self, py: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Proof(self))?.into_any())
    }
}

/// One factor that was proved.
#[pyclass(frozen, eq, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct Factor(doorward::Factor);

impl Factor {
    pub(crate) fn factor(&self) -> &doorward::Factor {
        &self.0
    }
}

pub(crate) fn factors(factors: &[doorward::Factor]) -> Vec<Factor> {
    factors.iter().cloned().map(Factor).collect()
}

#[pymethods]
impl Factor {
    #[new]
    #[pyo3(signature = (provider, factor_class, at, *, channel=String::new(), two_in_one=false))]
    fn new(
        provider: String,
        factor_class: &str,
        at: &Bound<'_, PyAny>,
        channel: String,
        two_in_one: bool,
    ) -> PyResult<Self> {
        let class = FactorClass::of(factor_class).ok_or_else(|| {
            PyValueError::new_err("factor_class takes 'inherence', 'knowledge' or 'possession'")
        })?;
        let at = text::timestamp(at)?;
        Ok(Self(doorward::Factor {
            provider,
            class,
            channel,
            at,
            via: Vec::new(),
            two_in_one,
        }))
    }

    /// The provider name it was proved through.
    #[getter]
    fn provider(&self) -> &str {
        &self.0.provider
    }

    /// `inherence`, `knowledge` or `possession`.
    #[getter]
    fn factor_class(&self) -> &'static str {
        self.0.class.id()
    }

    /// Whether it was two factors in one: it counts at names of `policy.second_factor` only.
    #[getter]
    fn two_in_one(&self) -> bool {
        self.0.two_in_one
    }

    /// Its channel, such as `app`; may be empty.
    #[getter]
    fn channel(&self) -> &str {
        &self.0.channel
    }

    /// Hashes of the addresses that gave it: for pickle.
    #[getter]
    fn _via(&self) -> Vec<[u8; 32]> {
        self.0.via.clone()
    }

    /// When it was proved.
    #[getter]
    fn at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.at)
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Factor {} ({})>", self.0.provider, self.0.class.id())
    }
}

impl Restored for Factor {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        let class: String = state.plain("factor_class")?;
        Ok(Self(doorward::Factor {
            provider: state.plain("provider")?,
            class: FactorClass::of(&class).ok_or_else(|| PyValueError::new_err("no class of factors"))?,
            channel: state.plain("channel")?,
            at: state.moment("at")?,
            via: state.plain("_via")?,
            two_in_one: state.plain("two_in_one")?,
        }))
    }
}
