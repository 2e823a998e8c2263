//! Python's `logging` as the place where the core's log lines go: loggers `doorward.*`.

use std::fmt::{self, Write as _};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// The levels that are used, with the numbers of Python's `logging`.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    Debug = 10,
    Info = 20,
    Warning = 30,
    Error = 40,
}

pub(crate) fn logger<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("logging")?.call_method1("getLogger", (name,))
}

pub(crate) fn is_enabled(logger: &Bound<'_, PyAny>, level: Level) -> PyResult<bool> {
    logger.call_method1("isEnabledFor", (level as i32,))?.is_truthy()
}

/// Writes one line. An event goes along as its argument and as the record's attribute `event`.
pub(crate) fn write(
    logger: &Bound<'_, PyAny>,
    level: Level,
    message: &str,
    event: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let Some(event) = event else {
        logger.call_method1("log", (level as i32, "%s", message))?;
        return Ok(());
    };
    let py = logger.py();
    let (extra, options) = (PyDict::new(py), PyDict::new(py));
    extra.set_item("event", event)?;
    options.set_item("extra", extra)?;
    logger.call_method("log", (level as i32, message, event), Some(&options))?;
    Ok(())
}

/// Takes the core's log lines. Once per process; this module has its own copy of `tracing`, so nobody else is asked.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    // Libraries say nothing on a program's standard error that did not ask for logs (Python's logging how-to).
    let quiet = py.import("logging")?.getattr("NullHandler")?.call0()?;
    logger(py, "doorward")?.call_method1("addHandler", (quiet,))?;
    drop(tracing::subscriber::set_global_default(ToLogging));
    Ok(())
}

/// Sends what the core and its plugins log to `logging`. Events go their own way, with their fields.
struct ToLogging;

impl Subscriber for ToLogging {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        metadata.is_event()
            && (target == "doorward" || target.starts_with("doorward::"))
            && target != "doorward::event"
            && *metadata.level() <= tracing::Level::DEBUG
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warning,
            tracing::Level::INFO => Level::Info,
            _ => Level::Debug,
        };
        let name = event.metadata().target().replace("::", ".");
        let _ = Python::try_attach(|py| {
            let written = logger(py, &name).and_then(|logger| {
                if is_enabled(&logger, level)? {
                    write(&logger, level, &line.0, None)?;
                }
                Ok(())
            });
            if let Err(error) = written {
                error.write_unraisable(py, None);
            }
        });
    }

    // Spans are not used.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// `message name=value …`.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{space}{value:?}"),
            name => write!(self.0, "{space}{name}={value:?}"),
        };
    }
}
