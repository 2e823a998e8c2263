//! Kinds: the code behind provider names, built in or loaded, all through the one table of `doorward_plugin.h`.
//!
//! ```text
//! configuration ──► loader ──► module (negotiation) ──► Kinds ──open──► Kind ──ask──► pool ──► operation
//!                                                                        ▲                        │
//!                                          verdict (fail-closed matrix) ─┴── reply ◄── host table ─┘
//! ```
//!
//! Here is all `unsafe` code behind the core: `foreign` reads a plugin's memory, `frame` says what a
//! running operation may touch, `host` is called by plugins, `instance`, `opened/here` and `module` call them,
//! `loader` maps them. Everything that decides (`kind`, `reply`, `verdict`, `request`, `pool`) is safe code.

#![deny(unsafe_code)] // lifted where foreign code is called

mod ask;
mod breaker;
mod builtin;
mod call;
pub mod direct;
pub mod fetch;
mod foreign;
mod frame;
mod gate;
pub mod governor;
mod host;
mod host_services;
mod instance;
pub mod isolation;
mod kind;
mod kind_table;
mod loader;
mod module;
mod offered;
mod opened;
mod options;
pub mod password;
mod pool;
mod ports;
mod process_state;
mod record;
mod reply;
mod request;
mod schema;
mod services;
mod settings;
mod statics;
mod told;
mod verdict;
mod violation;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::{Map, Value};

pub use ask::*;
pub use call::Call;
pub use host_services::{Fetched, Given, HostServices};
pub use kind::Kind;
pub use loader::examine;
pub use pool::PoolSettings;
pub use ports::{Audit, Kept, KeyAt, KeyValue, Limit, Limiter, NotKept};
pub use record::is_spent;
pub use services::Services;
pub use settings::{Isolation, PluginSettings, PythonClass, Sandbox};
pub use statics::StaticPlugin;
pub use told::ToldLimits;

use doorward_base::error::{Error, ErrorKind, Result};
use host::Host;
use isolation::{Hosts, Isolated};
use kind::Inner;
use kind_table::KindTable;
use module::Module;
use opened::Opening;

/// All kinds of one context.
///
/// Cold after `load` and `open`: no threads, no sockets, safe to fork. `start` and `stop` belong to each process.
pub struct Kinds {
    services: Arc<Services>,
    /// What plugins ask.
    asked: Arc<dyn HostServices>,
    host: Host,
    available: BTreeMap<String, Available>,
    /// Where isolated plugins run.
    hosts: Hosts,
    opened: Mutex<Opened>,
}

/// A kind that can be opened.
struct Available {
    module: Arc<Module>,
    table: Arc<KindTable>,
    /// Where its helpers come from; `None`: it runs in this process.
    isolated: Option<Arc<Isolated>>,
    /// Shared by all names that it serves; an INLINE kind has none.
    pool: Option<PoolSettings>,
}

#[derive(Default)]
struct Opened {
    kinds: Vec<Weak<Inner>>,
    started: bool,
}

impl Opened {
    fn alive(&self) -> impl Iterator<Item = Arc<Inner>> {
        self.kinds.iter().filter_map(Weak::upgrade)
    }

    /// How many provider names share what a kind has.
    fn names_of(&self, kind: &str) -> usize {
        self.alive().filter(|opened| opened.name() == kind).count()
    }
}

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.available.keys()).finish()
    }
}

impl Kinds {
    /// The built-in kinds, those that are linked in, and those of the plugin files. Nothing runs but their `doorward_plugin_v1` and `load`.
    ///
    /// # Errors
    /// - `PluginRefused`: a file or its declarations are not what they must be.
    /// - `Configuration`: two plugins have a kind of one name, or a kind that was asked for does not exist.
    pub fn load(
        files: &[PluginSettings],
        linked: &[StaticPlugin],
        services: Services,
        pools: PoolSettings,
    ) -> Result<Self> {
        let services = Arc::new(services);
        let asked: Arc<dyn HostServices> = services.clone();
        let mut kinds = Self {
            host: Host::over(&asked),
            services,
            asked,
            available: BTreeMap::new(),
            hosts: Hosts::default(),
            opened: Mutex::default(),
        };
        // Who waits for a thread of theirs waits for a hash.
        let waits = (kinds.services.hasher.as_ref()).map_or(pools.queue, crate::password::Hasher::queue);
        let hashing = PoolSettings {
            queue: waits,
            ..pools
        };
        kinds.offer(&builtin::plugin().module()?, None, &[], hashing)?;
        for plugin in linked {
            kinds.offer(&plugin.module()?, None, &[], pools)?;
        }
        for file in files {
            kinds.offer_file(file, pools)?;
        }
        Ok(kinds)
    }

    /// Loads a file and offers what it has; every load is audited, a refused one too.
    fn offer_file(&mut self, file: &PluginSettings, pools: PoolSettings) -> Result<()> {
        let loaded = match &file.isolation {
            None => loader::load(file).and_then(|loaded| {
                loaded.module.check_in_process()?;
                Ok((loaded.report(file), loaded.module, None))
            }),
            Some(isolation) => (self.hosts.load(file, isolation))
                .map(|(report, module, isolated)| (report, module, Some(Arc::new(isolated)))),
        };
        let offered = loaded.and_then(|(report, module, isolated)| {
            self.offer(&module, isolated.as_ref(), &file.kinds, pools)?;
            Ok(report)
        });
        if let Some(audit) = &self.services.audit {
            match &offered {
                Ok(report) => audit.plugin_loaded(report),
                Err(error) => audit.plugin_refused(error.message()),
            }
        }
        offered.map(drop)
    }

    fn offer(
        &mut self,
        module: &Arc<Module>,
        isolated: Option<&Arc<Isolated>>,
        wanted: &[String],
        pools: PoolSettings,
    ) -> Result<()> {
        module.load()?;
        let offered = |name: &str| module.kinds.iter().any(|kind| kind.declaration.name == name);
        if let Some(absent) = wanted.iter().find(|name| !offered(name)) {
            let names: Vec<&str> = module
                .kinds
                .iter()
                .map(|kind| kind.declaration.name.as_str())
                .collect();
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "the plugin {:?} has no kind {absent:?}; it has: {}",
                    module.id,
                    names.join(", ")
                ),
            ));
        }
        for table in &module.kinds {
            let name = &table.declaration.name;
            if !wanted.is_empty() && !wanted.contains(name) {
                continue;
            }
            if let Some(other) = self.available.get(name) {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!(
                        "the plugins {:?} and {:?} both have a kind {name:?}: say with `kinds` which one is taken from each",
                        other.module.id, module.id
                    ),
                ));
            }
            let pools = match isolated {
                None => pools,
                // Whoever has a thread then has a helper.
                Some(isolated) => PoolSettings {
                    threads: isolated.workers(),
                    ..pools
                },
            };
            let pool = (!table.declaration.inline).then_some(match table.max_concurrency {
                0 => pools,
                most => PoolSettings {
                    threads: pools.threads.min(most),
                    ..pools
                },
            });
            let available = Available {
                module: Arc::clone(module),
                table: Arc::clone(table),
                isolated: isolated.cloned(),
                pool,
            };
            self.available.insert(name.clone(), available);
        }
        Ok(())
    }

    /// The names of all kinds, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.available.keys().map(String::as_str)
    }

    /// What the kind declares; `None`: there is no such kind.
    pub fn declaration(&self, kind: &str) -> Option<&Declaration> {
        self.available
            .get(kind)
            .map(|available| &available.table.declaration)
    }

    /// Opens a kind for a provider name with its options. Cold, unless the kinds are started: then it starts, too.
    /// Dropping the last clone closes it.
    ///
    /// # Errors
    /// - `Configuration`: no such kind, an option that is unknown or wrong, or the kind says why it cannot work.
    /// - what its `start` says.
    pub fn open(&self, kind: &str, provider: &str, options: &Map<String, Value>) -> Result<Kind> {
        let Some(available) = self.available.get(kind) else {
            let names: Vec<&str> = self.names().collect();
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "provider {provider:?}: there is no kind {kind:?}; there are: {}",
                    names.join(", ")
                ),
            ));
        };
        let opening = Opening {
            provider,
            options,
            table: &available.table,
            module: &available.module,
            isolated: available.isolated.as_deref(),
            services: &self.asked,
            host: self.host,
        };
        let inner = Arc::new(Inner::open(
            &opening,
            available.pool,
            self.services.audit.as_ref(),
        )?);
        let mut opened = self.opened();
        opened.kinds.retain(|kind| kind.strong_count() > 0);
        opened.kinds.push(Arc::downgrade(&inner));
        if opened.started {
            inner.start(opened.names_of(kind))?;
        }
        Ok(Inner::into_kind(inner))
    }

    /// Starts threads and opened kinds in this process. Blocks as long as their `start` does. Twice is once.
    ///
    /// # Errors
    /// `Unavailable` without threads; `ForkedContext` in a child whose parent did not stop before the fork; what a
    /// kind's `start` says. Nothing is started then.
    pub fn start(&self) -> Result<()> {
        let mut opened = self.opened();
        let started = opened
            .alive()
            .try_for_each(|kind| kind.start(opened.names_of(kind.name())));
        opened.started = true;
        drop(opened);
        if started.is_err() {
            self.stop();
        }
        started
    }

    /// Ends what `start` began in this process. Calls that wait are refused, calls that run are waited for, at most
    /// until their deadlines. Twice is once.
    pub fn stop(&self) {
        let mut opened = self.opened();
        opened.started = false;
        for kind in opened.alive() {
            kind.stop_calls();
        }
        for kind in opened.alive() {
            kind.stop();
        }
        for isolated in self
            .available
            .values()
            .filter_map(|available| available.isolated.as_ref())
        {
            isolated.stop();
        }
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kinds {
    fn drop(&mut self) {
        self.stop();
    }
}
