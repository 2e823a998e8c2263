//! Isolation: a plugin in processes of its own. What it does there costs one request, and nothing else.
//!
//! ```text
//! Kind ──question──► remote ──► supervisor ──lends──► worker ══frames══► helper ──► loader ──► plugin
//!   ▲                  │         breaker, restarts      │ services          (doorward-plugin-host, sandboxed)
//!   └── draft ◄─replay─┘                                └► the host's own functions, in the core
//! ```
//!
//! Both sides stand in this folder, so that they cannot drift: `wire` (frames), `channel` (a socket), `message` and
//! `descriptor` (what is in them) belong to both; `launcher`, `supervisor`, `rest`, `worker`, `services` and `remote`
//! to the core; `helper` to the program. The program itself adds the sandbox, which the core does not need.

mod channel;
mod descriptor;
pub mod helper;
mod launcher;
mod message;
mod pidfd;
mod remote;
mod rest;
mod services;
mod supervisor;
mod wire;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, Weak};

pub(super) use remote::{Asker, Remote};

use self::launcher::Launcher;
use self::supervisor::Supervisor;
use super::module::Module;
use super::settings::{Isolation, PluginSettings};
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::secret::Secret;

/// The version of the protocol between the core and its helper. Both come from one release; anything else is refused.
const PROTOCOL: u64 = 1;

/// Where `make install` puts `doorward-plugin-host` if no other prefix is chosen; the C library is told of another when
/// it is built.
pub const INSTALLED: &str = "/usr/local/libexec/doorward/doorward-plugin-host";

/// What a helper needs to have of a provider.
struct Instance {
    /// Never given twice in a process.
    id: u64,
    kind: String,
    provider: String,
    /// JSON, checked and with its secrets resolved.
    options: Secret,
    /// Whether it serves: a helper then starts it, too.
    started: AtomicBool,
}

/// Where the instances of one plugin come from. Each provider name has workers and a breaker of its own: what it costs,
/// it costs itself.
#[derive(Debug)]
pub(super) struct Isolated {
    /// Has loaded the plugin already; for the first name.
    first: Arc<Supervisor>,
    others: Mutex<Vec<Weak<Supervisor>>>,
}

impl Isolated {
    /// Opens a provider of the plugin. Nothing happens yet.
    pub(super) fn instance(&self, kind: &str, provider: &str, options: Secret) -> Remote {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        // A second look at a plain count is enough: instances are made one at a time.
        let supervisor = if Arc::strong_count(&self.first) == 1 {
            Arc::clone(&self.first)
        } else {
            let another = Arc::new(self.first.another());
            others.retain(|known| known.strong_count() > 0);
            others.push(Arc::downgrade(&another));
            another
        };
        Remote::new(supervisor, kind, provider, options)
    }

    /// Processes of each provider name at most.
    pub(super) fn workers(&self) -> usize {
        self.first.workers()
    }

    /// Ends the helpers of this process.
    pub(super) fn stop(&self) {
        self.first.stop();
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        for other in others.iter().filter_map(Weak::upgrade) {
            other.stop();
        }
    }
}

/// The spawners of one context, by program: one for all plugins, as there is one program.
#[derive(Debug, Default)]
pub(super) struct Hosts(Vec<(PathBuf, Arc<Launcher>)>);

impl Hosts {
    /// Loads the plugin in its first helper and reads what it declares. Gives what an operator wants to know, the module,
    /// and where its instances come from.
    ///
    /// # Errors
    /// `Configuration`: no helper; `PluginRefused`: what the helper's loader says, or declarations that are not what
    /// they must be; `Unavailable`, `Timeout`, `PluginFault`: the helper ended, hangs, or does not speak the protocol.
    pub(super) fn load(
        &mut self,
        settings: &PluginSettings,
        isolation: &Isolation,
    ) -> Result<(String, Arc<Module>, Isolated)> {
        let launcher = self.launcher(&isolation.host)?;
        let supervisor = Arc::new(Supervisor::new(settings, isolation, launcher));
        let described = supervisor.first()?;
        let read = described.fields().and_then(|fields| {
            let descriptors = fields.bytes(message::tag::DESCRIPTORS)?;
            descriptor::read(wire::Fields::of(descriptors)?)
        });
        let refused = |why: String| {
            Error::new(
                ErrorKind::PluginRefused,
                format!("the plugin {:?} cannot be used: {why}", settings.name),
            )
        };
        let module = read
            .map_err(|wire::Garbage(why)| refused(why.to_owned()))?
            .map_err(refused)?;
        let report = serde_json::json!({
            "name": settings.name,
            "path": settings.path,
            "sha256": supervisor.hash(),
            "pinned": settings.sha256.is_some(),
            "plugin": module.id,
            "version": module.version,
            "isolation": "process",
            "sandbox": isolation.sandbox.id(),
        });
        let isolated = Isolated {
            first: supervisor,
            others: Mutex::default(),
        };
        Ok((report.to_string(), Arc::new(module), isolated))
    }

    fn launcher(&mut self, program: &Path) -> Result<Arc<Launcher>> {
        if let Some((_, known)) = self.0.iter().find(|(known, _)| known == program) {
            return Ok(Arc::clone(known));
        }
        let launcher = Arc::new(Launcher::new(program)?);
        self.0.push((program.to_owned(), Arc::clone(&launcher)));
        Ok(launcher)
    }
}
