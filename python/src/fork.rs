//! Forks: every live context is quiesced before one, and starts again on either side at its next call.
//!
//! SQLite's tables survive a fork while its locks do not, and threads do not survive at all. So a fork closes a gate,
//! waits for the operations under way, stops contexts and runtime, and opens the gate again on both sides.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use crate::{context, drive, error, gate, runtime};

/// One thread forks at a time.
static FORKING: AtomicBool = AtomicBool::new(false);
/// How long a fork waits for operations under way; each of them has deadlines of its own that are shorter.
const FORK_PATIENCE: Duration = Duration::from_secs(20);
/// How long the end of the program waits for abandoned operations.
const EXIT_PATIENCE: Duration = Duration::from_secs(5);

#[pyfunction]
fn before(py: Python<'_>) {
    while FORKING.swap(true, Ordering::SeqCst) {
        gate::wait(py);
    }
    gate::close();
    // Whatever cannot be quiesced stays started: its calls in the child answer `ForkedContext`. A fork from inside an
    // event would wait for itself.
    if gate::is_inside() || !gate::drained(py, FORK_PATIENCE) {
        return;
    }
    for context in context::live(py) {
        if let Err(error) = drive::block(py, Box::pin(async move { context.quiesce().await })) {
            error.write_unraisable(py, None);
        }
    }
    runtime::stop(py);
}

#[pyfunction]
fn after_in_parent() {
    gate::open();
    FORKING.store(false, Ordering::SeqCst);
}

#[pyfunction]
fn after_in_child(py: Python<'_>) {
    gate::open_in_child();
    FORKING.store(false, Ordering::SeqCst);
    runtime::forget(py);
}

/// Stops everything, on a thread of its own: a server that ends the interpreter from a handler of `exit(3)`, as uWSGI
/// does, has destroyed what is local to this one.
#[pyfunction]
fn at_exit(py: Python<'_>) {
    gate::drained(py, EXIT_PATIENCE);
    let contexts = context::live(py);
    let runtime = runtime::take(py);
    let stopping = thread::Builder::new()
        .name("doorward-exit".into())
        .spawn(move || {
            let failed: Vec<doorward::Error> = (contexts.iter())
                .filter_map(|context| doorward::block_on(context.stop()).err())
                .collect();
            runtime::end(runtime);
            failed
        });
    let failed = match stopping {
        Ok(thread) => py.detach(|| thread.join()).unwrap_or_default(),
        Err(error) => vec![
            doorward::Error::new(doorward::ErrorKind::Unavailable, "no thread to stop on").caused_by(error),
        ],
    };
    for error in failed {
        error::raise(py, &error).write_unraisable(py, None);
    }
}

/// Registers the hooks with the interpreter: for forks, and for the end of the program.
///
/// Hooks run in the reverse order of their registration, and that of `logging` takes the lock that our events need: it
/// must be registered before ours, and it is when the module is imported.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    py.import("logging")?;
    let hooks = pyo3::types::PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(before, py)?)?;
    hooks.set_item("after_in_parent", wrap_pyfunction!(after_in_parent, py)?)?;
    hooks.set_item("after_in_child", wrap_pyfunction!(after_in_child, py)?)?;
    py.import("os")?
        .call_method("register_at_fork", (), Some(&hooks))?;
    py.import("atexit")?
        .call_method1("register", (wrap_pyfunction!(at_exit, py)?,))?;
    Ok(())
}
