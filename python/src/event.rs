//! Events: to the logger `doorward.event` and to the application's callback.

use std::sync::Arc;

use doorward::event::{Event as CoreEvent, EventCallback, EventName};
use doorward::id::{SignInId, UserId};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::value::{self, Restored, State};
use crate::{log, text};

/// One event. It has no identifier, no credential and no token in it.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct Event(CoreEvent);

#[pymethods]
impl Event {
    /// What happened, as a stable text such as `authn_login_fail`.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name.id()
    }

    /// When.
    #[getter]
    fn at(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        text::moment(py, self.0.at)
    }

    /// The realm.
    #[getter]
    fn realm(&self) -> &str {
        &self.0.realm
    }

    /// The user, where one is known.
    #[getter]
    fn user_id(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.user_id.map(|id| text::uuid(py, id.as_bytes())).transpose()
    }

    /// The sign-in, where one is concerned.
    #[getter]
    fn sign_in_id(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0
            .sign_in_id
            .map(|id| text::uuid(py, id.as_bytes()))
            .transpose()
    }

    /// The provider name, where one is concerned.
    #[getter]
    fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// The precise reason: never shown to the client.
    #[getter]
    fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// How many things were concerned.
    #[getter]
    fn count(&self) -> u64 {
        self.0.count
    }

    /// The client's address, on a request.
    #[getter]
    fn address(&self) -> &str {
        &self.0.address
    }

    /// Of a request whose origin is not trusted: the `Origin` that came.
    #[getter]
    fn origin(&self) -> Option<&str> {
        self.0.origin.as_deref()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    /// As JSON takes it, without a secret: a new `dict` each time.
    fn to_dict(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::to_dict(slf.as_any())
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        value::reduce(slf.as_any())
    }

    fn __repr__(&self) -> String {
        format!("<Event {}>", self.0)
    }
}

/// How loud an event is.
fn level(name: EventName) -> log::Level {
    match name {
        EventName::RollbackDetected | EventName::TokenReuse => log::Level::Error,
        EventName::AuthenticationFailed
        | EventName::AuthenticationThrottled
        | EventName::RequestRefused
        | EventName::SessionCreatedForUser => log::Level::Warning,
        _ => log::Level::Info,
    }
}

/// The core's callback: logs, then calls the application's function. Nothing is held while it runs, and what it raises
/// goes to `sys.unraisablehook`.
pub(crate) fn callback(on_event: Option<Py<PyAny>>) -> EventCallback {
    Arc::new(move |event: &CoreEvent| {
        // `None`: the interpreter is ending, and nobody listens any more.
        let _ = Python::try_attach(|py| {
            if let Err(error) = emit(py, event, on_event.as_ref()) {
                error.write_unraisable(py, None);
            }
        });
    })
}

fn emit(py: Python<'_>, event: &CoreEvent, on_event: Option<&Py<PyAny>>) -> PyResult<()> {
    let logger = log::logger(py, "doorward.event")?;
    let level = level(event.name);
    let logs = log::is_enabled(&logger, level)?;
    if !logs && on_event.is_none() {
        return Ok(());
    }
    let shown = Py::new(py, Event(event.clone()))?;
    if logs {
        log::write(&logger, level, "%s", Some(shown.bind(py).as_any()))?;
    }
    if let Some(on_event) = on_event {
        on_event.call1(py, (shown,))?;
    }
    Ok(())
}

impl Restored for Event {
    fn restored(state: &State<'_, '_>) -> PyResult<Self> {
        let name: String = state.plain("name")?;
        let name = EventName::ALL.iter().find(|one| one.id() == name);
        Ok(Self(CoreEvent {
            name: *name.ok_or_else(|| PyValueError::new_err("no name of events"))?,
            at: state.moment("at")?,
            realm: state.plain("realm")?,
            user_id: state.maybe_id("user_id")?.map(UserId::from_bytes),
            sign_in_id: state.maybe_id("sign_in_id")?.map(SignInId::from_bytes),
            provider: state.plain("provider")?,
            reason: state.plain("reason")?,
            count: state.plain("count")?,
            address: state.plain("address")?,
            origin: state.plain("origin")?,
        }))
    }
}
