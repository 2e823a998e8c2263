//! The thread that goes on with operations whose callers do not wait on a thread of their own.
//!
//! The lock is only taken while the interpreter is held, so no thread that a fork leaves behind can hold it.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

/// How long a stop waits for a task that is just running; waiting tasks are dropped at once.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Runs a future to its end, on the runtime's thread; starts that thread if there is none.
pub(crate) fn spawn(
    _py: Python<'_>,
    future: impl Future<Output = ()> + Send + 'static,
) -> Result<(), doorward::Error> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if runtime.is_none() {
        let made = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("doorward-await")
            .build()
            .map_err(|e| {
                doorward::Error::new(doorward::ErrorKind::Unavailable, "no thread for awaited calls")
                    .caused_by(e)
            })?;
        *runtime = Some(made);
    }
    if let Some(runtime) = runtime.as_ref() {
        runtime.spawn(future);
    }
    Ok(())
}

/// Ends the thread. The next [`spawn`] starts one again.
pub(crate) fn stop(py: Python<'_>) {
    let held = take(py);
    py.detach(|| end(held));
}

/// The thread, if there is one, to be ended with [`end`].
pub(crate) fn take(_py: Python<'_>) -> Option<Runtime> {
    RUNTIME.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Ends it, without the interpreter.
pub(crate) fn end(held: Option<Runtime>) {
    if let Some(runtime) = held {
        runtime.shutdown_timeout(STOP_LIMIT);
    }
}

/// In a forked child: the thread exists in the parent only, so there is nothing to end and nothing to wait for.
pub(crate) fn forget(_py: Python<'_>) {
    let held = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner).take();
    std::mem::forget(held);
}
