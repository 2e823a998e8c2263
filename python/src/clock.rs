//! A clock that stands still until it is told to move: for tests.

use std::sync::Arc;

use doorward::Timestamp;
use doorward::clock::{Clock, ManualClock as CoreClock};
use pyo3::prelude::*;

use crate::argument::Length;
use crate::{text, value};

/// Where a new clock stands if nothing else is said: 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// A clock that stands still until it is told to move: pass it as `clock=`.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct ManualClock(Arc<CoreClock>);

impl ManualClock {
    pub(crate) fn port(&self) -> Arc<dyn Clock> {
        self.0.clone()
    }
}

#[pymethods]
impl ManualClock {
    #[new]
    #[pyo3(signature = (now=None))]
    fn new(now: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let now = now.map_or(Ok(START), text::timestamp)?;
        Ok(Self(Arc::new(CoreClock::new(now))))
    }

    /// What the clock reads.
    fn now(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.now())
    }

    /// Moves the clock later by a `timedelta`.
    #[expect(clippy::needless_pass_by_value, reason = "extracted arguments are owned")]
    fn advance(&self, by: Length) {
        self.0.advance(by.0);
    }

    /// Sets the clock, backwards too.
    fn set(&self, to: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.set(text::timestamp(to)?);
        Ok(())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let now = self.now(py)?;
        Ok(format!("ManualClock({})", now.bind(py).str()?))
    }
}
