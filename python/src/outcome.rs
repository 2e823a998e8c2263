//! Outcomes: values, never truth values. Each is a class, to be told apart by `match` or `isinstance`.

use std::time::Duration;

use doorward::{Answer, Caller, Fields, Outcome};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::claim::Claim;
use crate::context::Handle;
use crate::flow::Flow;
use crate::given::{Given, Shown};
use crate::headers::{Headers, SetCookie};
use crate::session::Session;
use crate::user::User;
use crate::way::{Told, Way, Ways};
use crate::{error, text, value};

impl Shown for doorward::Proof {
    fn show(self, py: Python<'_>, handle: &Handle, _: &Headers) -> PyResult<Py<PyAny>> {
        self.give(py, handle)
    }
}

impl Shown for doorward::Session {
    fn show(self, py: Python<'_>, handle: &Handle, headers: &Headers) -> PyResult<Py<PyAny>> {
        let session = Session::new(self, headers.clone(), handle.clone());
        Ok(Py::new(py, session)?.into_any())
    }
}

impl<T: Shown> Given for Answer<T> {
    fn give(self, py: Python<'_>, handle: &Handle) -> PyResult<Py<PyAny>> {
        let Self {
            outcome,
            headers,
            show_once,
            took,
            kept,
            others,
        } = self;
        let headers = Headers::of(headers);
        let told = Told {
            took: took.into(),
            kept: kept.into(),
            others: others.into(),
        };
        match outcome {
            Outcome::Accepted(value) => {
                let value = value.show(py, handle, &headers)?;
                let accepted = Accepted {
                    value,
                    show_once,
                    told,
                    headers,
                };
                Ok(Py::new(py, accepted)?.into_any())
            }
            Outcome::Continue(flow) => {
                let flow = Py::new(py, Flow::of(flow))?;
                let others = told.others;
                let next = Continue {
                    flow,
                    show_once,
                    others,
                    headers,
                };
                Ok(Py::new(py, next)?.into_any())
            }
            other => unaccepted(py, other, headers),
        }
    }
}

impl Given for Answer<Caller> {
    fn give(self, py: Python<'_>, handle: &Handle) -> PyResult<Py<PyAny>> {
        let headers = Headers::of(self.headers);
        match self.outcome {
            Outcome::Accepted(Caller::Session(session)) => {
                let session = Session::new(session, headers.clone(), handle.clone());
                let session = Py::new(py, session)?;
                Ok(Py::new(py, SignedIn { session, headers })?.into_any())
            }
            Outcome::Accepted(Caller::Key {
                user,
                provider,
                scopes,
            }) => {
                let user = Py::new(py, User::new(user, handle.clone()))?;
                let accepted = KeyAccepted {
                    user,
                    provider,
                    scopes,
                    headers,
                };
                Ok(Py::new(py, accepted)?.into_any())
            }
            other => unaccepted(py, other, headers),
        }
    }
}

/// The outcomes that carry no value. `Accepted` is taken before.
fn unaccepted<T>(py: Python<'_>, outcome: Outcome<T>, headers: Headers) -> PyResult<Py<PyAny>> {
    Ok(match outcome {
        Outcome::Continue(flow) => {
            let flow = Py::new(py, Flow::of(flow))?;
            let next = Continue {
                flow,
                show_once: Fields::default(),
                others: Ways::default(),
                headers,
            };
            Py::new(py, next)?.into_any()
        }
        Outcome::Refused(flow) => {
            let flow = flow.map(|flow| Py::new(py, Flow::of(flow))).transpose()?;
            Py::new(py, Refused { flow, headers })?.into_any()
        }
        Outcome::RequestRefused(refused) => {
            let (reason, setting) = (refused.reason, refused.setting);
            let refused = RequestRefused {
                reason,
                setting,
                headers,
            };
            Py::new(py, refused)?.into_any()
        }
        Outcome::SignedOut(reason) => {
            let reason = reason.id();
            Py::new(py, SignedOut { reason, headers })?.into_any()
        }
        Outcome::Unregistered(claim) => {
            let claim = Py::new(py, Claim::of(claim))?;
            Py::new(py, Unregistered { claim, headers })?.into_any()
        }
        Outcome::Throttled(retry_after) => Py::new(py, Throttled { retry_after, headers })?.into_any(),
        Outcome::Accepted(_) => {
            let wrong =
                doorward::Error::new(doorward::ErrorKind::Internal, "an accepted value was not shown");
            return Err(error::raise(py, &wrong));
        }
    })
}

/// The error of `require()`, by the core's own words, with the outcome on it.
fn required(slf: &Bound<'_, PyAny>, outcome: Outcome<()>) -> PyErr {
    let py = slf.py();
    let raised = match Answer::of(outcome).require() {
        Ok(()) => return PyTypeError::new_err("the outcome was accepted"),
        Err(error) => error::exception(py, &error),
    };
    raised
        .and_then(|raised| of_outcome(raised, slf))
        .unwrap_or_else(|failure| failure)
}

/// The error of an outcome: it has the outcome on it, and what goes with its status.
fn of_outcome(raised: Bound<'_, PyAny>, slf: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    raised.setattr("outcome", slf)?;
    let given = slf.getattr("headers")?.cast_into::<Headers>()?;
    let of_status = given.get().of_status();
    if !of_status.is_empty() {
        raised.setattr("headers", Py::new(slf.py(), Headers::of(of_status))?)?;
    }
    Ok(PyErr::from_value(raised))
}

macro_rules! outcomes {
    ($(
        $(#[$doc:meta])*
        $(@$option:ident)? $name:ident($($matched:literal),*) = $status:literal {
            $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
        } {
            $($item:tt)*
        }
    )*) => {$(
        $(#[$doc])*
        #[pyclass(frozen, $($option,)? module = "doorward._doorward")]
        pub(crate) struct $name {
            $($(#[$field_doc])* $field: $type,)*
            headers: Headers,
        }

        #[pymethods]
        impl $name {
            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                let matched: &[&str] = &[$($matched),*];
                PyTuple::new(py, matched)
            }

            /// The HTTP status that fits.
            #[getter]
            fn http_status(&self) -> u16 {
                $status
            }

            /// The header lines to send with the response.
            #[getter]
            fn headers(&self) -> Headers {
                self.headers.clone()
            }

            /// The cookies among them.
            #[getter]
            fn cookies(&self) -> Vec<SetCookie> {
                self.headers.cookies_of()
            }

            /// Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back.
            fn apply(&self, py: Python<'_>, response: Py<PyAny>) -> PyResult<Py<PyAny>> {
                self.headers.put(py, response)
            }

            fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                value::reduce(slf.as_any())
            }

            fn __bool__(&self) -> PyResult<bool> {
                Err(PyTypeError::new_err(concat!(
                    stringify!($name),
                    " has no truth value: match on the outcome, or call require()"
                )))
            }

            $($item)*
        }
    )*};
}

outcomes! {
    /// The thing asked for happened.
    @generic Accepted("value") = 200 {
        value: Py<PyAny>,
        show_once: Fields,
        told: Told,
    } {
        /// What was asked for.
        #[getter]
        fn value(&self, py: Python<'_>) -> Py<PyAny> {
            self.value.clone_ref(py)
        }
        /// Shown once to the person and kept nowhere: recovery codes, an API key. Empty for most.
        #[getter]
        fn show_once(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
            text::fields(py, &self.show_once)
        }
        /// What recovery, or the click that makes an address its reader's, took from the account. Show them.
        #[getter]
        fn took(&self) -> Vec<Way> {
            self.told.took.list()
        }
        /// What it left: each still opens the account, or protects it. Show them.
        #[getter]
        fn kept(&self) -> Vec<Way> {
            self.told.kept.list()
        }
        /// With the first second factor of a user: what else opens the account. Show them.
        #[getter]
        fn others(&self) -> Vec<Way> {
            self.told.others.list()
        }
        /// The value.
        fn require(&self, py: Python<'_>) -> Py<PyAny> {
            self.value.clone_ref(py)
        }
        fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
            Ok(format!("Accepted({})", self.value.bind(py).repr()?))
        }
    }

    /// Something more must be answered: the flow says what.
    Continue("flow") = 200 {
        flow: Py<Flow>,
        show_once: Fields,
        others: Ways,
    } {
        /// What may be answered, and the token to answer with.
        #[getter]
        fn flow(&self, py: Python<'_>) -> Py<Flow> {
            self.flow.clone_ref(py)
        }
        /// Shown once to the person and kept nowhere, where a step before this one enrolled something. Mostly empty.
        #[getter]
        fn show_once(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
            text::fields(py, &self.show_once)
        }
        /// With the first second factor of a user, enrolled in a step before this one: what else opens the account.
        #[getter]
        fn others(&self) -> Vec<Way> {
            self.others.list()
        }
        /// Raises `StepRequired`.
        fn require(slf: &Bound<'_, Self>) -> PyResult<()> {
            // The core's words need no flow.
            let py = slf.py();
            let error = doorward::Error::new(
                doorward::ErrorKind::StepRequired,
                "another step must be answered first",
            );
            let raised = error::exception(py, &error)?;
            Err(of_outcome(raised, slf)?)
        }
        fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
            Ok(format!("Continue({})", self.flow.bind(py).repr()?))
        }
    }

    /// Unknown, wrong or disabled, all the same.
    Refused("flow") = 401 {
        flow: Option<Py<Flow>>,
    } {
        /// Where the step may be tried again: the flow to try with.
        #[getter]
        fn flow(&self, py: Python<'_>) -> Option<Py<Flow>> {
            self.flow.as_ref().map(|flow| flow.clone_ref(py))
        }
        /// Raises `RefusedError`.
        fn require(slf: &Bound<'_, Self>) -> PyResult<()> {
            Err(required(slf.as_any(), Outcome::Refused(None)))
        }
        fn __repr__(&self) -> String {
            let again = if self.flow.is_some() { "flow=…" } else { "" };
            format!("Refused({again})")
        }
    }

    /// Too many failures: not before this time has passed.
    Throttled("retry_after") = 429 {
        retry_after: Duration,
    } {
        /// How long to wait.
        #[getter]
        fn retry_after(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
            text::length(py, self.retry_after)
        }
        /// Raises `ThrottledError`.
        fn require(slf: &Bound<'_, Self>) -> PyResult<()> {
            let retry_after = slf.get().retry_after;
            Err(required(slf.as_any(), Outcome::Throttled(retry_after)))
        }
        fn __repr__(&self) -> String {
            format!("Throttled({:?})", self.retry_after)
        }
    }

    /// It was verified, and no user has this provider id: the claim creates one, or is linked to one.
    Unregistered("claim") = 404 {
        claim: Py<Claim>,
    } {
        /// What was verified, and the token to create a user from or to link.
        #[getter]
        fn claim(&self, py: Python<'_>) -> Py<Claim> {
            self.claim.clone_ref(py)
        }
        /// Raises `UnregisteredError`.
        fn require(slf: &Bound<'_, Self>) -> PyResult<()> {
            let error = doorward::Error::new(
                doorward::ErrorKind::Unregistered,
                "it was verified, but no user has this provider id: create one from the claim, or link it",
            );
            let raised = error::exception(slf.py(), &error)?;
            Err(of_outcome(raised, slf)?)
        }
        fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
            Ok(format!("Unregistered({})", self.claim.bind(py).repr()?))
        }
    }

    /// There is no session: why, where that may be told.
    SignedOut("reason") = 401 {
        reason: &'static str,
    } {
        /// `expired`, `invalid`, `no_token`, or why it ended.
        #[getter]
        fn reason(&self) -> &'static str {
            self.reason
        }
        /// Raises `SignedOutError`.
        fn require(slf: &Bound<'_, Self>) -> PyResult<()> {
            let message = format!("there is no session: {}", slf.get().reason);
            let error = doorward::Error::new(doorward::ErrorKind::SignedOut, message);
            let raised = error::exception(slf.py(), &error)?;
            Err(of_outcome(raised, slf)?)
        }
        fn __repr__(&self) -> String {
            format!("SignedOut('{}')", self.reason)
        }
    }

    /// The request itself is not trusted; nothing was tried.
    RequestRefused("reason", "setting") = 403 {
        reason: &'static str,
        setting: &'static str,
    } {
        /// Stable text, such as `origin_not_configured`.
        #[getter]
        fn reason(&self) -> &'static str {
            self.reason
        }
        /// The setting that would change it.
        #[getter]
        fn setting(&self) -> &'static str {
            self.setting
        }
        /// Raises `RequestRefusedError`.
        fn require(slf: &Bound<'_, Self>) -> PyResult<()> {
            let Self { reason, setting, .. } = slf.get();
            let refused = doorward::RequestRefused { reason, setting };
            Err(required(slf.as_any(), Outcome::RequestRefused(refused)))
        }
        fn __repr__(&self) -> String {
            format!("RequestRefused('{}', setting='{}')", self.reason, self.setting)
        }
    }

    /// The request comes from a live session.
    SignedIn("session") = 200 {
        session: Py<Session>,
    } {
        /// The session.
        #[getter]
        fn session(&self, py: Python<'_>) -> Py<Session> {
            self.session.clone_ref(py)
        }
        /// Its user.
        #[getter]
        fn user(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
            self.session.getattr(py, "user")
        }
        /// This outcome itself.
        fn require(slf: Py<Self>) -> Py<Self> {
            slf
        }
        fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
            Ok(format!("SignedIn({})", self.session.bind(py).repr()?))
        }
    }

    /// The request carries a key that a provider accepted. There is no session.
    KeyAccepted("user", "provider") = 200 {
        user: Py<User>,
        provider: String,
        scopes: Vec<String>,
    } {
        /// Whose key it is.
        #[getter]
        fn user(&self, py: Python<'_>) -> Py<User> {
            self.user.clone_ref(py)
        }
        /// The provider that accepted it.
        #[getter]
        fn provider(&self) -> &str {
            &self.provider
        }
        /// What it is good for, in the application's own words; empty: the provider says nothing about it.
        #[getter]
        fn scopes(&self) -> Vec<String> {
            self.scopes.clone()
        }
        /// This outcome itself.
        fn require(slf: Py<Self>) -> Py<Self> {
            slf
        }
        fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
            Ok(format!("KeyAccepted({})", self.user.bind(py).repr()?))
        }
    }
}
