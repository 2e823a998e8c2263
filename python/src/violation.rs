//! Rules of a policy that new credentials break.

use pyo3::prelude::*;

use crate::value::{self, Restored, State};

/// One rule of a policy that new credentials break.
#[pyclass(frozen, eq, get_all, module = "doorward._doorward")]
#[derive(PartialEq, Eq)]
pub(crate) struct Violation {
    /// Stable id of the rule, such as `too_short`.
    rule: String,
    /// The credential field concerned.
    field: String,
    /// The limit in force, in the rule's unit; 0 where the rule has none.
    limit: u64,
    /// What to do, for people.
    message: String,
}

impl Violation {
    pub(crate) fn of(violation: &doorward::error::Violation) -> Self {
        Self {
            rule: violation.rule.to_owned(),
            field: violation.field.clone(),
            limit: violation.limit,
            message: violation.message.clone(),
        }
    }
}

#[pymethods]
impl Violation {
    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        let Self {
            rule, field, limit, ..
        } = self;
        format!("Violation(rule='{rule}', field='{field}', limit={limit})")
    }
}

impl Restored for Violation {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        Ok(Self {
            rule: state.plain("rule")?,
            field: state.plain("field")?,
            limit: state.plain("limit")?,
            message: state.plain("message")?,
        })
    }
}
