//! What a method gets: lent for as long as it runs, and dead afterwards, whoever kept it.

#![expect(
    unsafe_code,
    reason = "a borrow is handed to Python, which knows no lifetimes"
)]

use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};

use doorward_plugin::{Config, Failure, Host, LogLevel, Purpose, Request, abi};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

/// The host's services, for one operation on its thread.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct KindHost(Mutex<Option<Here>>);

/// Lends the host to `body`.
pub(super) fn with_host<R>(
    py: Python<'_>,
    host: Host<'_>,
    body: impl FnOnce(&Bound<'_, KindHost>) -> PyResult<R>,
) -> PyResult<R> {
    // SAFETY: a host table lives as long as the process, and what stands behind its call is checked by the core each
    // time, by thread and number: late and foreign use is refused there.
    let host = unsafe { std::mem::transmute::<Host<'_>, Host<'static>>(host) };
    let lent = Bound::new(py, KindHost(Mutex::new(Some(Here(host)))))?;
    let done = body(&lent);
    *locked(&lent.get().0) = None;
    done
}

/// What a lock holds; whoever panicked has left nothing half done.
fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a host function answers, as what a kind would raise for the same reason; so what it does not catch says the same.
fn refused(failure: &Failure) -> PyErr {
    let said = failure.message().to_owned();
    let name = match failure.status() {
        abi::E_FORMAT => "NotUnderstood",
        abi::E_UNAVAILABLE | abi::E_OVERLOADED => "Unavailable",
        abi::E_TIMEOUT | abi::E_CANCELLED => "TimedOut",
        _ => return PyRuntimeError::new_err(said),
    };
    Python::attach(|py| {
        let types = py.import("doorward.plugin");
        let raised = types.and_then(|types| types.getattr(name)?.call1((said,)));
        raised.map_or_else(|error| error, PyErr::from_value)
    })
}

impl KindHost {
    fn host(&self) -> PyResult<Host<'static>> {
        locked(&self.0)
            .as_ref()
            .map(|here| here.0)
            .ok_or_else(|| PyRuntimeError::new_err("the operation that this was lent to has ended"))
    }
}

#[pymethods]
impl KindHost {
    /// A line for the operator: level is error, warn, info or debug. Never a secret.
    fn log(&self, level: &str, text: &str) -> PyResult<()> {
        let level = match level {
            "error" => LogLevel::Error,
            "warn" => LogLevel::Warn,
            "info" => LogLevel::Info,
            "debug" => LogLevel::Debug,
            _ => return Err(PyValueError::new_err("level is error, warn, info or debug")),
        };
        self.host()?.log(level, text);
        Ok(())
    }

    /// An entry in the event stream; detail is JSON or empty.
    #[pyo3(signature = (event, detail=""))]
    fn audit(&self, event: &str, detail: &str) -> PyResult<()> {
        let event = CString::new(event).map_err(|_| PyValueError::new_err("event has a NUL in it"))?;
        self.host()?
            .audit(&event, detail)
            .map_err(|failed| refused(&failed))
    }

    /// Random bytes, cryptographic.
    fn random<'py>(&self, py: Python<'py>, count: usize) -> PyResult<Bound<'py, PyBytes>> {
        let host = self.host()?;
        PyBytes::new_with(py, count, |out| {
            host.random(out).map_err(|failed| refused(&failed))
        })
    }

    /// The application's clock, in microseconds since 1970, UTC.
    fn unix_micros(&self) -> PyResult<i64> {
        self.host()?.unix_micros().map_err(|failed| refused(&failed))
    }

    /// Seconds until the deadline.
    fn remaining(&self) -> PyResult<f64> {
        Ok(self.host()?.remaining().as_secs_f64())
    }

    /// Whether nobody waits any more.
    fn is_cancelled(&self) -> PyResult<bool> {
        Ok(self.host()?.is_cancelled())
    }

    /// Whether both are equal, in constant time.
    fn equal(&self, a: &[u8], b: &[u8]) -> PyResult<bool> {
        Ok(a.len() == b.len() && self.host()?.ct_equal(a, b))
    }

    /// Argon2id within the memory budget of the whole installation, as a PHC string.
    fn hash_password(&self, py: Python<'_>, password: &[u8]) -> PyResult<String> {
        let host = Here(self.host()?);
        py.detach(|| host.hash(password))
            .map_err(|failed| refused(&failed))
    }

    /// Whether it is that password. With an empty hash the same work, and never a match: for people without a record.
    fn password_matches(&self, py: Python<'_>, password: &[u8], phc: &str) -> PyResult<bool> {
        let host = Here(self.host()?);
        py.detach(|| host.matches(password, phc))
            .map_err(|failed| refused(&failed))
    }
}

/// The host, for whatever thread asks.
struct Here(Host<'static>);

// SAFETY: a host table is constant, and its functions may be called from any thread: those that belong to a call are
// refused on another one.
unsafe impl Send for Here {}
// SAFETY: as above.
unsafe impl Sync for Here {}

impl Here {
    fn hash(&self, password: &[u8]) -> Result<String, Failure> {
        self.0.pwhash().ok_or_else(Failure::unsupported)?.hash(password)
    }

    fn matches(&self, password: &[u8], phc: &str) -> Result<bool, Failure> {
        self.0
            .pwhash()
            .ok_or_else(Failure::unsupported)?
            .matches(password, phc)
    }
}

/// One record of the user.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct KindRecord {
    /// Names it in `Accept(replaces=…)`.
    #[pyo3(get)]
    id: Py<PyBytes>,
    /// `record_version` of the class that wrote it.
    #[pyo3(get)]
    format: u32,
    /// What was stored.
    #[pyo3(get)]
    bytes: Py<PyBytes>,
    /// What the person calls it.
    #[pyo3(get)]
    label: String,
}

/// What the host asks.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct KindRequest {
    /// The host's services, while the operation runs.
    #[pyo3(get)]
    host: Py<KindHost>,
    /// What a step resumes: enroll, verify or update; empty for others.
    #[pyo3(get)]
    purpose: &'static str,
    /// In step: 1 after the first Continue.
    #[pyo3(get)]
    step: u32,
    /// No such user: the same work and the same answer.
    #[pyo3(get)]
    is_decoy: bool,
    /// The user's namespace.
    #[pyo3(get)]
    realm: String,
    /// The name that the kind serves here.
    #[pyo3(get)]
    provider: String,
    /// The user's id, 16 bytes; empty where there is no user yet.
    #[pyo3(get)]
    subject: Py<PyBytes>,
    /// The identifier as it was typed.
    #[pyo3(get)]
    identifier_raw: Py<PyBytes>,
    /// Its canonical form.
    #[pyo3(get)]
    identifier: Py<PyBytes>,
    /// A name that the person knows the account by; for showing.
    #[pyo3(get)]
    display: String,
    /// The credentials by name, as bytes; what did not come is absent.
    #[pyo3(get)]
    credentials: Py<PyDict>,
    /// update: their replacement.
    #[pyo3(get)]
    new_credentials: Py<PyDict>,
    /// All records of this user.
    #[pyo3(get)]
    records: Py<PyTuple>,
    /// step: what the last Continue kept.
    #[pyo3(get)]
    state: Py<PyBytes>,
    /// The second call after Resolve: its handle.
    #[pyo3(get)]
    resolved: Py<PyBytes>,
    /// The client's User-Agent; from outside.
    #[pyo3(get)]
    agent: String,
    /// The client's address as text.
    #[pyo3(get)]
    address: String,
}

/// Lends the request to `body`.
pub(super) fn with_request<R>(
    py: Python<'_>,
    request: &Request<'_>,
    body: impl FnOnce(&Bound<'_, KindRequest>) -> PyResult<R>,
) -> PyResult<R> {
    with_host(py, request.host(), |host| {
        let bytes = |bytes: &[u8]| PyBytes::new(py, bytes).unbind();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mapping = |values: Vec<(&str, &[u8])>| {
            let mapping = PyDict::new(py);
            for (name, value) in values {
                mapping.set_item(name, PyBytes::new(py, value))?;
            }
            Ok::<_, PyErr>(mapping.unbind())
        };
        let records = request.records().map(|record| {
            Bound::new(
                py,
                KindRecord {
                    id: bytes(record.id()),
                    format: record.format(),
                    bytes: bytes(record.bytes()),
                    label: text(record.label()),
                },
            )
        });
        let records = PyTuple::new(py, records.collect::<PyResult<Vec<_>>>()?)?;
        let lent = KindRequest {
            host: host.clone().unbind(),
            purpose: match request.purpose() {
                Some(Purpose::Enroll) => "enroll",
                Some(Purpose::Update) => "update",
                Some(Purpose::Verify) => "verify",
                _ => "",
            },
            step: request.step(),
            is_decoy: request.is_decoy(),
            realm: text(request.realm()),
            provider: text(request.provider()),
            subject: bytes(request.subject()),
            identifier_raw: bytes(request.identifier_raw()),
            identifier: bytes(request.identifier()),
            display: text(request.display()),
            credentials: mapping(request.credentials())?,
            new_credentials: mapping(request.new_credentials())?,
            records: records.unbind(),
            state: bytes(request.state()),
            resolved: bytes(request.resolved()),
            agent: text(request.agent()),
            address: text(request.address()),
        };
        body(&Bound::new(py, lent)?)
    })
}

/// The options, while the instance is made.
#[pyclass(frozen, module = "doorward._doorward")]
pub(crate) struct KindConfig {
    config: Mutex<Option<Options>>,
    /// The name that this instance serves.
    #[pyo3(get)]
    provider: String,
}

/// Lends the configuration to `body`.
pub(super) fn with_config<'py, R>(
    py: Python<'py>,
    config: &Config<'_>,
    body: impl FnOnce(&Bound<'py, KindConfig>) -> PyResult<R>,
) -> PyResult<R> {
    // SAFETY: as in `with_host`: taken back before the borrow ends.
    let lent = unsafe { std::mem::transmute::<&Config<'_>, &'static Config<'static>>(config) };
    let lent = KindConfig {
        config: Mutex::new(Some(Options(lent))),
        provider: config.provider().to_owned(),
    };
    let lent = Bound::new(py, lent)?;
    let done = body(&lent);
    *locked(&lent.get().config) = None;
    done
}

/// The options, for whatever thread asks.
struct Options(&'static Config<'static>);

// SAFETY: they are used under the lock only, which is taken to take them back.
unsafe impl Send for Options {}

impl KindConfig {
    /// Reads while nobody can take the options back.
    fn read<R>(&self, body: impl FnOnce(&Config<'static>) -> Result<R, Failure>) -> PyResult<R> {
        let options = locked(&self.config);
        let options = options
            .as_ref()
            .ok_or_else(|| PyRuntimeError::new_err("options are read while the instance is made"))?;
        body(options.0).map_err(|failed| refused(&failed))
    }
}

fn option(name: &str) -> PyResult<CString> {
    CString::new(name).map_err(|_| PyValueError::new_err("the name of an option has a NUL in it"))
}

#[pymethods]
impl KindConfig {
    /// A text option, or the default.
    #[pyo3(signature = (name, default=None))]
    fn text(&self, name: &str, default: Option<String>) -> PyResult<Option<String>> {
        let name = option(name)?;
        Ok(self
            .read(|config| Ok(config.text(&name)?.map(str::to_owned)))?
            .or(default))
    }

    /// An integer option, or the default.
    #[pyo3(signature = (name, default=None))]
    fn integer(&self, name: &str, default: Option<i64>) -> PyResult<Option<i64>> {
        let name = option(name)?;
        Ok(self.read(|config| config.integer(&name))?.or(default))
    }

    /// A boolean option, or the default.
    #[pyo3(signature = (name, default=None))]
    fn boolean(&self, name: &str, default: Option<bool>) -> PyResult<Option<bool>> {
        let name = option(name)?;
        Ok(self.read(|config| config.boolean(&name))?.or(default))
    }

    /// A secret option as bytes, read from its file.
    fn secret<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let name = option(name)?;
        self.read(|config| Ok(config.secret(&name)?.map(|bytes| PyBytes::new(py, bytes))))
    }
}
