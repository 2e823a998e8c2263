//! The other side: what `doorward-plugin-host` does. One thread, one question at a time.
//!
//! The plugin is loaded by the ordinary loader, its kinds are opened by the ordinary code, its replies are written by the
//! ordinary writers. Only the services that need the core (`core`) go back to it, over the socket (`line`).

mod core;
mod limits;
mod line;
mod python;
mod spawner;
mod values;

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use doorward_plugin_abi as abi;
use serde_json::{Map, Value};

pub use self::spawner::spawner;
use super::channel::{Broken, Channel};
use super::message::{self, tag};
use super::wire::{Fields, Garbage, Type, Writer};
use super::{PROTOCOL, descriptor};
use crate::ask::Asked;
use crate::host::{self, Host};
use crate::host_services::HostServices;
use crate::loader;
use crate::module::Module;
use crate::opened::{Opened, Opening, Opens};
use crate::reply::{Draft, Limits};
use crate::settings::{PluginSettings, Sandbox};
use crate::statics::StaticPlugin;
use doorward_base::clock::{Clock, SystemClock, Timestamp};
use doorward_base::error::ErrorKind;

pub use super::launcher::{HELPER_SOCKET, SPAWNER, WORKER};

/// Puts the process into its sandbox. Gives what the operator should know (what the kernel could not do), or why it
/// cannot be done.
pub type Confine<'a> = &'a mut dyn FnMut(&Confinement) -> std::result::Result<Vec<String>, String>;

/// What a process is confined to.
#[derive(Clone, Debug)]
pub struct Confinement {
    /// What the plugin may do.
    pub sandbox: Sandbox,
    /// Without Landlock it is not run.
    pub needs_landlock: bool,
    /// Files and folders that the process is an interpreter of: it may read them, and import from them. Empty: it is none.
    pub interpreter: Vec<PathBuf>,
}

/// Set when nobody waits for the running operation any more.
static CANCELLED: AtomicBool = AtomicBool::new(false);

/// The application's clock: the system's, moved by as much as the last question said.
struct AskedClock(AtomicI64);

impl Clock for AskedClock {
    fn now(&self) -> Timestamp {
        let here = SystemClock.now().as_micros();
        Timestamp::from_micros(here.saturating_add(self.0.load(Ordering::Relaxed)))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

/// What a worker has.
struct Worker {
    module: Arc<Module>,
    services: Arc<dyn HostServices>,
    clock: Arc<AskedClock>,
    host: Host,
    instances: HashMap<u64, Box<Opened>>,
}

/// Serves one core over the socket until it goes. The plugin is loaded first, then the process is confined, then the
/// plugin's own `load` runs, and whatever is asked after that.
pub fn worker(socket: UnixStream, confine: Confine<'_>) {
    line::begin(Channel::new(socket));
    // The first sign of life, before anything of the plugin runs.
    line::log_line(0, "");
    let Ok(Some(hello)) = line::next() else { return };
    let loaded = match hello.fields() {
        Ok(fields) if hello.kind == Type::Hello => loaded(fields, hello.call, confine),
        _ => return,
    };
    serve(loaded, hello.call);
}

/// Serves a plugin that is part of this program: what [`worker`] became when the plugin is a class in Python.
pub fn linked(socket: UnixStream, plugin: StaticPlugin, begun: &Begun, confine: Confine<'_>) {
    line::begin(Channel::new(socket));
    let loaded = plugin.module().map_err(|error| error.message().to_owned());
    let served = loaded.and_then(|module| serving(module, &begun.name, &begun.confinement, confine));
    // What is run is a class by name: there is no file that a hash could be of.
    serve(
        served.map(|(worker, descriptors)| (worker, descriptors, String::new())),
        begun.call,
    );
}

/// Tells the core that there is nothing to serve, and why.
pub fn refuse(socket: UnixStream, call: u64, why: String) {
    line::begin(Channel::new(socket));
    serve(Err(why), call);
}

/// What the core's first frame said, handed on to the interpreter.
#[derive(Debug)]
pub struct Begun {
    /// What the configuration calls the plugin.
    pub name: String,
    /// What the plugin may do.
    pub confinement: Confinement,
    /// The frame that is to be answered.
    pub call: u64,
}

/// Answers the first frame and whatever is asked after that.
fn serve(loaded: std::result::Result<(Worker, Writer, String), String>, call: u64) {
    let Some(mut worker) = begun(loaded, call) else {
        return;
    };
    while let Ok(Some(frame)) = line::next() {
        CANCELLED.store(false, Ordering::Release);
        let call = frame.call;
        line::answering(call);
        let answered = match frame.fields() {
            Ok(fields) => worker.answer(frame.kind, fields),
            Err(garbage) => Err(garbage),
        };
        let sent = match answered {
            // Only the core sends these frames, and it sends good ones.
            Err(Garbage(_)) => return,
            Ok(None) => Ok(()),
            Ok(Some(answer)) => line::finish(&answer, call),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Loads and confines; the answer has been sent. `None`: there is nothing to serve.
fn begun(loaded: std::result::Result<(Worker, Writer, String), String>, call: u64) -> Option<Worker> {
    let writer = Writer::new().number(tag::PROTOCOL, PROTOCOL);
    match loaded {
        Err(why) => {
            let refusal = writer.put(tag::REFUSED, why.as_bytes());
            // The core kills whom it refuses, or has gone.
            let _ = line::send(&refusal, Type::Module, call);
            None
        }
        Ok((worker, descriptors, hash)) => {
            let writer = writer
                .nest(tag::DESCRIPTORS, &descriptors)
                .put(tag::SHA256, hash.as_bytes());
            line::send(&writer, Type::Module, call).ok()?;
            Some(worker)
        }
    }
}

fn loaded(
    hello: Fields<'_>,
    call: u64,
    confine: Confine<'_>,
) -> std::result::Result<(Worker, Writer, String), String> {
    let garbage = |Garbage(why): Garbage| why.to_owned();
    if hello.number(tag::PROTOCOL).map_err(garbage)? != PROTOCOL {
        return Err("doorward and doorward-plugin-host are of different releases".into());
    }
    let sandbox = hello.number(tag::SANDBOX).map_err(garbage)?;
    let sandbox = [Sandbox::Strict, Sandbox::Net, Sandbox::Off]
        .into_iter()
        .find(|known| *known as u64 == sandbox)
        .ok_or("there is no such sandbox")?;
    let pin = hello.find(tag::SHA256).map_err(garbage)?;
    let path = std::ffi::OsStr::from_bytes(hello.bytes(tag::PATH).map_err(garbage)?);
    let settings = PluginSettings {
        name: hello.text(tag::NAME).map_err(garbage)?.to_owned(),
        path: PathBuf::from(path),
        sha256: pin.map(|pin| String::from_utf8_lossy(pin).into_owned()),
        kinds: Vec::new(),
        isolation: None,
    };
    let confinement = Confinement {
        sandbox,
        needs_landlock: hello.number(tag::NEEDS_LANDLOCK).map_err(garbage)? != 0,
        interpreter: Vec::new(),
    };
    if let Some(class) = hello.find(tag::PYTHON).map_err(garbage)? {
        if hello.find(tag::WHY).map_err(garbage)?.is_some() {
            return Err(python::why_it_ends(&settings));
        }
        return Err(python::become_interpreter(&settings, class, &confinement, call));
    }
    let loaded = loader::load(&settings).map_err(|error| error.message().to_owned())?;
    let (worker, descriptors) = serving(loaded.module, &settings.name, &confinement, confine)?;
    Ok((worker, descriptors, loaded.hash))
}

/// Confines the process, and begins with the module.
fn serving(
    module: Arc<Module>,
    name: &str,
    confinement: &Confinement,
    confine: Confine<'_>,
) -> std::result::Result<(Worker, Writer), String> {
    let notes = confine(confinement).map_err(|why| {
        format!(
            "the plugin {name:?} cannot be confined (sandbox {:?}): {why}",
            confinement.sandbox.id()
        )
    })?;
    for note in notes {
        line::keep_line(abi::LOG_WARN, &note);
    }
    let clock = Arc::new(AskedClock(AtomicI64::new(0)));
    let services: Arc<dyn HostServices> = Arc::new(core::OfTheCore { clock: clock.clone() });
    host::serves_process(&services);
    module.load().map_err(|error| error.message().to_owned())?;
    let descriptors = module.entry.map_or(Err("it has no entry"), descriptor::written)?;
    let worker = Worker {
        host: Host::over(&services),
        module,
        services,
        clock,
        instances: HashMap::new(),
    };
    Ok((worker, descriptors))
}

impl Worker {
    fn answer(&mut self, kind: Type, fields: Fields<'_>) -> std::result::Result<Option<Writer>, Garbage> {
        let id = fields.number(tag::INSTANCE)?;
        if kind == Type::Close {
            // Its stop and close run here.
            self.instances.remove(&id);
            return Ok(None);
        }
        let now = i64::from_le_bytes(fields.number(tag::NOW)?.to_le_bytes());
        self.clock.0.store(
            now.saturating_sub(SystemClock.now().as_micros()),
            Ordering::Relaxed,
        );
        let left = Duration::from_nanos(fields.number(tag::REMAINING)?);
        let deadline = SystemClock.monotonic().saturating_add(left);
        let (status, draft) = match kind {
            Type::Open => match self.opened(fields)? {
                Opens::Well(opened, draft) => {
                    self.instances.insert(id, opened);
                    (abi::OK, draft)
                }
                Opens::Not(status, draft) => (status, draft),
            },
            Type::Start => self.raw(id, Asked::Start, deadline)?,
            Type::Ask => {
                let number = fields.small(tag::OPERATION)?;
                let question = fields.find(tag::QUESTION)?.map(Fields::of).transpose()?;
                let ask = question.map(message::asked).transpose()?;
                let asked = match (&ask, number) {
                    (Some(ask), abi::OP_DESCRIBE) => Asked::Describe(ask),
                    (Some(ask), abi::OP_MIGRATE) => Asked::Migrate(ask),
                    (Some(ask), _) => Asked::Ask(ask),
                    (None, abi::OP_NORMALIZE) => Asked::Normalize(fields.bytes(tag::IDENTIFIER)?),
                    (None, abi::OP_HEALTH) => Asked::Health,
                    _ => return Err(Garbage("an operation that does not exist was asked for")),
                };
                self.raw(id, asked, deadline)?
            }
            _ => return Err(Garbage("a frame that only helpers send")),
        };
        Ok(Some(
            Writer::new()
                .put(tag::STATUS, &status.to_le_bytes())
                .nest(tag::REPLY, &message::reply(&draft)),
        ))
    }

    fn raw(
        &self,
        id: u64,
        asked: Asked<'_>,
        deadline: Duration,
    ) -> std::result::Result<(abi::Status, Draft), Garbage> {
        let instance = self
            .instances
            .get(&id)
            .ok_or(Garbage("there is no such instance"))?;
        if matches!(asked, Asked::Start) && !instance.has_start() {
            return Ok((abi::OK, Draft::new(Limits::without_credentials(abi::OP_START))));
        }
        Ok(instance.raw(asked, deadline, &CANCELLED).unwrap_or_else(|error| {
            let status = match error.kind() {
                ErrorKind::Corrupt => abi::E_FORMAT,
                ErrorKind::Unsupported => abi::E_UNSUPPORTED,
                _ => abi::E_INTERNAL,
            };
            (status, Draft::new(Limits::without_credentials(0)))
        }))
    }

    fn opened(&self, fields: Fields<'_>) -> std::result::Result<Opens, Garbage> {
        let name = fields.text(tag::KIND)?;
        let table = self
            .module
            .kinds
            .iter()
            .find(|table| table.declaration.name == name)
            .ok_or(Garbage("there is no such kind"))?;
        let options: Map<String, Value> = serde_json::from_slice(fields.bytes(tag::OPTIONS)?)
            .map_err(|_| Garbage("options that are not an object"))?;
        let opening = Opening {
            provider: fields.text(tag::PROVIDER)?,
            options: &options,
            table,
            module: &self.module,
            isolated: None,
            services: &self.services,
            host: self.host,
        };
        Opened::open(&opening).map_err(|_| Garbage("options that the core should have refused"))
    }
}

/// What the channel says when the core has gone, or is not one.
type Line<T> = std::result::Result<T, Broken>;
