//! Values that were pickled or are being copied, made again.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::counts::{Purged, Stats};
use crate::delivery::TokenInfo;
use crate::event::Event;
use crate::flow::Field;
use crate::identity::{Authenticator, Identity};
use crate::proof::Factor;
use crate::session::Device;
use crate::user::User;
use crate::value::{Restored, State};
use crate::violation::Violation;
use crate::way::Way;

/// Makes a value that was pickled or is being copied: `doorward._values` calls it.
#[pyfunction]
pub(crate) fn restore_value(py: Python<'_>, kind: &str, state: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>> {
    let state = State(state);
    macro_rules! restored {
        ($($class:ident),*) => {
            match kind {
                $(stringify!($class) => Py::new(py, $class::restored(&state)?)?.into_any(),)*
                _ => return Err(PyTypeError::new_err(format!("{kind} is not made from plain data"))),
            }
        };
    }
    Ok(restored!(
        Authenticator,
        Device,
        Event,
        Factor,
        Field,
        Identity,
        Purged,
        Stats,
        TokenInfo,
        User,
        Violation,
        Way
    ))
}
