//! Drives operations: to the end on the calling thread, or as a coroutine for an event loop.

use std::ffi::CString;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyRuntimeWarning, PyStopIteration};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::context::Handle;
use crate::error;
use crate::gate::Permitted;
use crate::given::Given;
use crate::hub::{Hub, Waiter};
use crate::runtime;

/// How long a thread waits before it looks whether a signal, such as Ctrl-C, wants to be heard.
const SIGNAL_PATIENCE: Duration = Duration::from_millis(200);

/// Runs an operation to its end on this thread, with the interpreter released.
pub(crate) fn call<F, T>(py: Python<'_>, handle: &Handle, operation: F) -> PyResult<Py<PyAny>>
where
    F: Future<Output = doorward::Result<T>> + Send + 'static,
    T: Given,
{
    block(py, Permitted::new(py, operation))?.give(py, handle)
}

/// Runs a future to its end on this thread: what a fork or the end of the program waits for is no operation.
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

/// Gives an operation as a coroutine: nothing is done before it is awaited or a task runs it.
pub(crate) fn begin<F, T>(
    py: Python<'_>,
    handle: &Handle,
    name: &'static str,
    operation: F,
) -> PyResult<Py<PyAny>>
where
    F: Future<Output = doorward::Result<T>> + Send + 'static,
    T: Given,
{
    let handle = handle.clone();
    let begin = Box::new(move |py: Python<'_>| first_step(py, handle, operation));
    let operation = Operation {
        name,
        state: Mutex::new(State::Fresh(begin)),
    };
    Ok(Py::new(py, operation)?.into_any())
}

/// The first poll, on the loop's own thread: an answer that is there takes no turn of the loop.
fn first_step<F, T>(py: Python<'_>, handle: Handle, operation: F) -> PyResult<Step>
where
    F: Future<Output = doorward::Result<T>> + Send + 'static,
    T: Given,
{
    let event_loop = Hub::running_loop(py)?;
    let mut operation = Permitted::new(py, operation);
    let first = py.detach(|| Pin::new(&mut operation).poll(&mut Context::from_waker(Waker::noop())));
    if let Poll::Ready(result) = first {
        return finish(py, &handle, result).map(Step::Finished);
    }
    let (hub, future) = Hub::wait(py, &event_loop)?;
    let waiter = Waiter::new(hub, future.clone_ref(py));
    let rest = async move {
        let result = operation.await;
        waiter.deliver(Box::new(move |py| finish(py, &handle, result)));
    };
    runtime::spawn(py, rest).map_err(|e| error::raise(py, &e))?;
    Ok(Step::Waits(future.call_method0(py, "__await__")?))
}

fn finish<T: Given>(py: Python<'_>, handle: &Handle, result: doorward::Result<T>) -> PyResult<Py<PyAny>> {
    match result {
        Ok(given) => given.give(py, handle),
        Err(e) => Err(error::raise(py, &e)),
    }
}

/// What the first step comes to.
enum Step {
    Finished(Py<PyAny>),
    /// What the loop is to wait for: the iterator of a future of its own.
    Waits(Py<PyAny>),
}

type Begin = Box<dyn FnOnce(Python<'_>) -> PyResult<Step> + Send>;

enum State {
    Fresh(Begin),
    Waiting(Py<PyAny>),
    Over,
}

/// An operation as a coroutine (`collections.abc.Coroutine`): for `await`, `asyncio.create_task`, `TaskGroup`, `asyncio.run`.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Operation {
    name: &'static str,
    state: Mutex<State>,
}

impl Operation {
    fn take(&self) -> State {
        std::mem::replace(&mut self.state(), State::Over)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step; the lock is not held while Python runs.
    fn step(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let waits = match self.take() {
            State::Fresh(begin) => match begin(py)? {
                Step::Finished(value) => return Err(PyStopIteration::new_err((value,))),
                Step::Waits(iterator) => iterator,
            },
            State::Waiting(iterator) => iterator,
            State::Over => return Err(PyRuntimeError::new_err("an answer can be awaited once only")),
        };
        let yielded = waits.call_method0(py, "__next__")?;
        *self.state() = State::Waiting(waits);
        Ok(yielded)
    }
}

#[pymethods]
impl Operation {
    #[getter]
    fn __name__(&self) -> &'static str {
        self.name
    }

    #[getter]
    fn __qualname__(&self) -> String {
        format!("AsyncAuth.{}", self.name)
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.step(py)
    }

    /// Goes on until it waits for the loop: what `await` and tasks call.
    fn send(&self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.step(py)
    }

    /// Raises an exception where it waits; if it has not begun, it never will.
    #[pyo3(signature = (kind, value=None, traceback=None))]
    fn throw(
        &self,
        py: Python<'_>,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        match self.take() {
            State::Waiting(iterator) => {
                let yielded = iterator.call_method1(py, "throw", (kind, value, traceback))?;
                *self.state() = State::Waiting(iterator);
                Ok(yielded)
            }
            State::Fresh(_) | State::Over => {
                let raised = match (value, kind.is_callable()) {
                    (Some(value), _) if value.is_instance_of::<PyBaseException>() => value,
                    (Some(value), true) => kind.call1((value,))?,
                    (None, true) => kind.call0()?,
                    (_, false) => kind,
                };
                Err(PyErr::from_value(raised))
            }
        }
    }

    /// Ends it: if it has not begun, nothing is done; if it has, nobody waits for it, and what it writes is written.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if let State::Waiting(iterator) = self.take() {
            iterator.call_method0(py, "close")?;
        }
        Ok(())
    }

    fn __repr__(&self) -> String {
        let state = match &*self.state() {
            State::Fresh(_) => "not begun",
            State::Waiting(_) => "waiting",
            State::Over => "over",
        };
        format!("<operation {} ({state})>", self.name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        match self.state.try_lock().as_deref() {
            Ok(State::Waiting(iterator)) => visit.call(iterator),
            _ => Ok(()),
        }
    }

    fn __clear__(&self) {
        drop(self.take());
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if matches!(&*self.state(), State::Fresh(_)) {
            // A forgotten `await` must not pass for a sign-out. `None`: the interpreter is ending.
            let _ = Python::try_attach(|py| {
                let category = py.get_type::<PyRuntimeWarning>();
                let message = format!(
                    "the operation '{}' was never awaited: nothing was done",
                    self.name
                );
                let warned = CString::new(message).map_err(PyErr::from);
                if let Err(error) = warned.and_then(|message| PyErr::warn(py, &category, &message, 1)) {
                    error.write_unraisable(py, None);
                }
            });
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
