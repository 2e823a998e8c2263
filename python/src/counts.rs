//! Counts of rows: of what there is, and of what a purge removed.

use doorward::store;
use pyo3::prelude::*;

use crate::context::Handle;
use crate::given::Given;
use crate::value::{self, Restored, State};

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
