//! How results reach an event loop: one descriptor per loop, one wake-up for all that are ready.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Mutex, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::error;

/// Makes the Python value of a result, once the interpreter is held.
pub(crate) type Make = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// The results that wait for one event loop, and the descriptor that wakes it.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Hub {
    descriptor: EventFd,
    ready: Mutex<Vec<(Py<PyAny>, Make)>>,
}

/// Hubs by event loop, weakly: a hub goes with its loop.
static HUBS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

impl Hub {
    /// The loop that runs in this thread.
    pub(crate) fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        RUNNING_LOOP
            .get_or_try_init(py, || {
                Ok::<_, PyErr>(py.import("asyncio")?.getattr("get_running_loop")?.unbind())
            })?
            .bind(py)
            .call0()
            .map_err(|_| {
                PyRuntimeError::new_err(
                    "no running event loop: operations of auth.aio are awaited on asyncio (or uvloop); trio has no such loop",
                )
            })
    }

    /// The loop's hub and a new future of the loop.
    pub(crate) fn wait(py: Python<'_>, event_loop: &Bound<'_, PyAny>) -> PyResult<(Py<Self>, Py<PyAny>)> {
        let hubs = HUBS
            .get_or_try_init(py, || {
                let dictionary = py.import("weakref")?.getattr("WeakKeyDictionary")?;
                Ok::<_, PyErr>(dictionary.call0()?.unbind())
            })?
            .bind(py);
        let found = hubs.call_method1("get", (event_loop,))?;
        let hub = if found.is_none() {
            let made = Py::new(py, Self::new(py)?)?;
            let descriptor = made.get().descriptor.as_fd().as_raw_fd();
            event_loop.call_method1("add_reader", (descriptor, made.clone_ref(py)))?;
            hubs.set_item(event_loop, made.clone_ref(py))?;
            made
        } else {
            found.cast_into::<Self>()?.unbind()
        };
        Ok((hub, event_loop.call_method0("create_future")?.unbind()))
    }

    fn new(py: Python<'_>) -> PyResult<Self> {
        let descriptor =
            EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map_err(|e| {
                let error = doorward::Error::new(
                    doorward::ErrorKind::Unavailable,
                    "no descriptor to wake the event loop with",
                );
                error::raise(py, &error.caused_by(e))
            })?;
        Ok(Self {
            descriptor,
            ready: Mutex::new(Vec::new()),
        })
    }

    /// Queues a result; the first in the queue wakes the loop. Called without the interpreter.
    fn deliver(&self, future: Py<PyAny>, make: Make) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ready.is_empty();
        ready.push((future, make));
        if first {
            // It fails only when the counter is full, and then the loop is awake already.
            let _ = self.descriptor.write(1);
        }
    }
}

#[pymethods]
impl Hub {
    /// Called by the loop when its descriptor is readable.
    fn __call__(&self, py: Python<'_>) {
        // Read first, then take: a result that comes in between wakes the loop once more, for nothing.
        let _ = self.descriptor.read();
        let ready = std::mem::take(&mut *self.ready.lock().unwrap_or_else(PoisonError::into_inner));
        for (future, make) in ready {
            if let Err(error) = settle(future.bind(py), make) {
                error.write_unraisable(py, Some(future.bind(py)));
            }
        }
    }
}

fn settle(future: &Bound<'_, PyAny>, make: Make) -> PyResult<()> {
    // Nobody waits for a cancelled future; what was written stays written.
    if future.call_method0("done")?.is_truthy()? {
        return Ok(());
    }
    match make(future.py()) {
        Ok(value) => future.call_method1("set_result", (value,))?,
        Err(error) => future.call_method1("set_exception", (error,))?,
    };
    Ok(())
}

/// One await. Whatever becomes of the operation, a panic or the end of its thread included, it is answered.
pub(crate) struct Waiter {
    hub: Py<Hub>,
    future: Option<Py<PyAny>>,
}

impl Waiter {
    pub(crate) fn new(hub: Py<Hub>, future: Py<PyAny>) -> Self {
        Self {
            hub,
            future: Some(future),
        }
    }

    pub(crate) fn deliver(mut self, make: Make) {
        if let Some(future) = self.future.take() {
            self.hub.get().deliver(future, make);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            let error = doorward::Error::new(
                doorward::ErrorKind::Internal,
                "the operation ended without an answer",
            );
            self.hub
                .get()
                .deliver(future, Box::new(move |py| Err(error::raise(py, &error))));
        }
    }
}
