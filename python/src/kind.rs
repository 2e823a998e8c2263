//! Kinds written in Python: a class becomes a plugin of the process, through the very table that loaded ones come by.
//!
//! ```text
//! class ──► declaration (what it is, as the ABI's data) ──► StaticPlugin ──► core
//! core ──► SDK (trampolines, catches) ──► PyKind ──► lent (request and host for Python) ──► method ──► answer ──► reply
//! ```

mod answer;
mod declaration;
mod lent;

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use doorward::plugin::isolation::helper::{Begun, Confinement};
use doorward::plugin::{Sandbox, StaticPlugin};
use doorward_plugin::{
    Config, Declaration, Failure, Host, IdentifierSource, Kind, LogLevel, Operation, Reply, Request, Verdict,
    abi,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;

pub(crate) use lent::{KindConfig, KindHost, KindRecord, KindRequest};

/// Classes that one process can have as kinds.
const SLOTS: usize = 16;

/// A class that has become a kind.
struct Slot {
    class: Py<PyType>,
    module: &'static abi::Module,
}

static REGISTERED: [OnceLock<Slot>; SLOTS] = [const { OnceLock::new() }; SLOTS];

/// The entries, one for each slot: an entry is a plain function, so which class it is for must be in its type.
const ENTRIES: [abi::Entry; SLOTS] = [
    entry::<0>,
    entry::<1>,
    entry::<2>,
    entry::<3>,
    entry::<4>,
    entry::<5>,
    entry::<6>,
    entry::<7>,
    entry::<8>,
    entry::<9>,
    entry::<10>,
    entry::<11>,
    entry::<12>,
    entry::<13>,
    entry::<14>,
    entry::<15>,
];
const TABLES: [fn() -> abi::Kind; SLOTS] = [
    table::<0>,
    table::<1>,
    table::<2>,
    table::<3>,
    table::<4>,
    table::<5>,
    table::<6>,
    table::<7>,
    table::<8>,
    table::<9>,
    table::<10>,
    table::<11>,
    table::<12>,
    table::<13>,
    table::<14>,
    table::<15>,
];

unsafe extern "C" fn entry<const SLOT: usize>() -> *const abi::Module {
    REGISTERED[SLOT]
        .get()
        .map_or(std::ptr::null(), |slot| std::ptr::from_ref(slot.module))
}

fn table<const SLOT: usize>() -> abi::Kind {
    doorward_plugin::table::<PyKind<SLOT>>()
}

/// The plugin that a class is. The same class is the same plugin, however often it is passed.
pub(crate) fn plugin(class: &Bound<'_, PyAny>) -> PyResult<StaticPlugin> {
    static REGISTERING: Mutex<()> = Mutex::new(());
    let class = class.cast::<PyType>().map_err(|_| {
        PyTypeError::new_err("kinds= takes classes, such as subclasses of doorward.plugin.Kind")
    })?;
    let known = |slot: &Slot| slot.class.bind(class.py()).is(class);
    if let Some(index) = REGISTERED.iter().position(|slot| slot.get().is_some_and(known)) {
        return Ok(linked(index));
    }
    // Read outside the lock: reading runs Python code.
    let described = declaration::read(class)?;
    let _one = REGISTERING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(index) = REGISTERED.iter().position(|slot| slot.get().is_none()) else {
        return Err(PyValueError::new_err(format!(
            "a process can have {SLOTS} classes as kinds, and has them"
        )));
    };
    let slot = Slot {
        class: class.clone().unbind(),
        module: described.module(&TABLES[index]()),
    };
    // Nobody else registers meanwhile, so it is empty.
    let _ = REGISTERED[index].set(slot);
    Ok(linked(index))
}

/// Serves a class to the core that started this interpreter, until that goes: `doorward.host` calls it.
#[pyfunction]
pub(crate) fn serve_kind(
    kind: &Bound<'_, PyAny>,
    name: String,
    sandbox: &str,
    landlock: &str,
    readable: Vec<PathBuf>,
    call: u64,
) -> PyResult<bool> {
    let plugin = plugin(kind)?;
    let sandbox = Sandbox::of(sandbox).ok_or_else(|| PyValueError::new_err("there is no such sandbox"))?;
    let confinement = Confinement {
        sandbox,
        needs_landlock: landlock != "if_there",
        interpreter: readable,
    };
    let begun = Begun {
        name,
        confinement,
        call,
    };
    Ok(kind.py().detach(|| doorward_plugin_host::serve(plugin, &begun)))
}

/// Tells the core that started this interpreter why there is nothing to serve.
#[pyfunction]
pub(crate) fn refuse_kind(call: u64, why: String) -> bool {
    doorward_plugin_host::refuse(call, why)
}

#[expect(unsafe_code, reason = "an entry is promised to follow the header")]
fn linked(index: usize) -> StaticPlugin {
    // SAFETY: the entry returns a module that `declaration` made and leaked, with the SDK's own trampolines in it.
    unsafe { StaticPlugin::new("a class", ENTRIES[index]) }
}

/// An instance of a registered class.
struct PyKind<const SLOT: usize>(Py<PyAny>);

impl<const SLOT: usize> PyKind<SLOT> {
    fn decide(&self, method: &str, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        Python::attach(|py| {
            lent::with_request(py, request, |lent| {
                let answered = self.0.bind(py).call_method1(method, (lent,));
                answered.and_then(|answer| answer::write(&answer, request, reply))
            })
            .map_err(|raised| answer::failure(py, &raised, request.host()))
        })
    }

    fn serve(&self, method: &str, host: Host<'_>) -> Result<(), Failure> {
        Python::attach(|py| {
            lent::with_host(py, host, |lent| {
                self.0.bind(py).call_method1(method, (lent,)).map(drop)
            })
            .map_err(|raised| answer::failure(py, &raised, host))
        })
    }
}

impl<const SLOT: usize> Kind for PyKind<SLOT> {
    /// All operations: `declaration` takes out those that the class does not have, and puts its own data in.
    const DECLARATION: Declaration = Declaration {
        operations: &[
            Operation::Normalize,
            Operation::Enroll,
            Operation::Verify,
            Operation::Update,
            Operation::Step,
            Operation::Describe,
            Operation::Health,
        ],
        max_state: 1,
        max_record: 1,
        ..Declaration::new(c"python", c"Python", IdentifierSource::Given)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Python::attach(|py| {
            let slot = REGISTERED[SLOT]
                .get()
                .ok_or_else(|| Failure::internal("no class is registered here"))?;
            lent::with_config(py, config, |lent| slot.class.bind(py).call1((lent,)))
                .map(|instance| Self(instance.unbind()))
                .map_err(|raised| answer::failure(py, &raised, config.host()))
        })
    }

    fn start(&self, host: Host<'_>) -> Result<(), Failure> {
        let has = Python::attach(|py| self.0.bind(py).hasattr("start").unwrap_or(false));
        if has { self.serve("start", host) } else { Ok(()) }
    }

    fn stop(&self) {
        Python::attach(|py| {
            let instance = self.0.bind(py);
            if instance.hasattr("stop").unwrap_or(false)
                && let Err(raised) = instance.call_method0("stop")
            {
                raised.write_unraisable(py, Some(instance));
            }
        });
    }

    fn normalize(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        self.decide("normalize", request, reply)
    }

    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        self.decide("enroll", request, reply)
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        self.decide("verify", request, reply)
    }

    fn update(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        self.decide("update", request, reply)
    }

    fn step(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        self.decide("step", request, reply)
    }

    fn describe(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<(), Failure> {
        if self.decide("describe", request, reply)? == Verdict::Accept {
            return Ok(());
        }
        let why = "describe must return Accept(attributes=…)";
        request.host().log(LogLevel::Error, why);
        Err(Failure::internal(why))
    }

    fn health(&self, host: Host<'_>) -> Result<(), Failure> {
        self.serve("health", host)
    }
}
