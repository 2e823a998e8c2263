//! Drives operations: to the end on the calling thread, or as something that an event loop awaits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;

use crate::context::Handle;
use crate::error;
use crate::fork::Permitted;
use crate::hub::{Hub, Waiter};
use crate::runtime;

/// How long a thread waits before it looks whether a signal, such as Ctrl-C, wants to be heard.
const SIGNAL_PATIENCE: Duration = Duration::from_millis(200);

/// What an operation gives, once it can be shown to Python.
pub(crate) trait Given: Send + 'static {
    /// The Python value.
    fn give(self, py: Python<'_>, handle: &Handle) -> PyResult<Py<PyAny>>;
}

/// Runs an operation to its end on this thread, with the interpreter released.
pub(crate) fn call<F, T>(py: Python<'_>, handle: &Handle, operation: F) -> PyResult<Py<PyAny>>
where
    F: Future<Output = doorward::Result<T>> + Send + 'static,
    T: Given,
{
    block(py, Permitted::new(py, operation))?.give(py, handle)
}

/// The same for any future: what a fork or the end of the program waits for is not an operation itself.
pub(crate) fn block<F, T>(py: Python<'_>, mut operation: F) -> PyResult<T>
where
    F: Future<Output = doorward::Result<T>> + Send + Unpin + 'static,
    T: Send + 'static,
{
    loop {
        let polled = py.detach(|| poll_parked(Pin::new(&mut operation)));
        if let Some(result) = polled {
            return result.map_err(|e| error::raise(py, &e));
        }
        if let Err(interrupt) = py.check_signals() {
            // The wait is abandoned, not the write.
            let rest = async move { drop(operation.await) };
            runtime::spawn(py, rest).map_err(|e| error::raise(py, &e))?;
            return Err(interrupt);
        }
    }
}

/// Begins an operation and gives what an event loop can await: finished already where the first poll finished it.
pub(crate) fn begin<F, T>(py: Python<'_>, handle: &Handle, operation: F) -> PyResult<Py<PyAny>>
where
    F: Future<Output = doorward::Result<T>> + Send + 'static,
    T: Given,
{
    // Without a running loop nothing begins: there would be nobody to await it.
    let event_loop = Hub::running_loop(py)?;
    let mut operation = Permitted::new(py, operation);
    let first = py.detach(|| Pin::new(&mut operation).poll(&mut Context::from_waker(Waker::noop())));
    if let Poll::Ready(result) = first {
        let done = Done {
            result: std::sync::Mutex::new(Some(finish(py, handle, result))),
        };
        return Ok(Py::new(py, done)?.into_any());
    }
    let (hub, future) = Hub::wait(py, &event_loop)?;
    let waiter = Waiter::new(hub, future.clone_ref(py));
    let handle = handle.clone();
    let rest = async move {
        let result = operation.await;
        waiter.deliver(Box::new(move |py| finish(py, &handle, result)));
    };
    runtime::spawn(py, rest).map_err(|e| error::raise(py, &e))?;
    Ok(future)
}

fn finish<T: Given>(py: Python<'_>, handle: &Handle, result: doorward::Result<T>) -> PyResult<Py<PyAny>> {
    match result {
        Ok(given) => given.give(py, handle),
        Err(e) => Err(error::raise(py, &e)),
    }
}

/// An awaitable that is finished: awaiting it costs no turn of the loop.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Done {
    result: std::sync::Mutex<Option<PyResult<Py<PyAny>>>>,
}

#[pymethods]
impl Done {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> PyResult<Option<Py<PyAny>>> {
        let result = self
            .result
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        match result {
            Some(Ok(value)) => Err(PyStopIteration::new_err((value,))),
            Some(Err(error)) => Err(error),
            None => Err(PyRuntimeError::new_err("an answer can be awaited once only")),
        }
    }
}

/// Wakes the thread that waits for an operation.
struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

thread_local! {
    static PARKER: Arc<Parker> = Arc::new(Parker {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
}

/// Polls until the future is finished; `None` after a while without news, so that signals can be looked at.
fn poll_parked<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let parker = PARKER.with(Arc::clone);
    let waker = Waker::from(parker.clone());
    loop {
        parker.woken.store(false, Ordering::Release);
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        if !parker.woken.load(Ordering::Acquire) {
            thread::park_timeout(SIGNAL_PATIENCE);
        }
        if !parker.woken.load(Ordering::Acquire) {
            return None;
        }
    }
}
