//! One opened kind, wherever it runs: in this process, or in helpers. What it says is judged elsewhere (`kind`).

mod here;

use std::cell::RefCell;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_plugin_abi as abi;
use serde_json::{Map, Value};

use self::here::Here;
use super::ask::Asked;
use super::call::{Call, Time, Waits};
use super::frame::{self, Frame};
use super::host::Host;
use super::host_services::HostServices;
use super::isolation::{Asker, Isolated, Remote};
use super::kind_table::KindTable;
use super::module::Module;
use super::options::Options;
use super::reply::{Draft, Limits};
use super::request;
use super::told::Told;
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::forked::BegunIn;

/// How long `start` may take.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// What a kind is opened with.
pub(super) struct Opening<'a> {
    pub(super) provider: &'a str,
    pub(super) options: &'a Map<String, Value>,
    pub(super) table: &'a Arc<KindTable>,
    pub(super) module: &'a Arc<Module>,
    /// Where its helpers come from; `None`: it runs in this process.
    pub(super) isolated: Option<&'a Isolated>,
    pub(super) services: &'a Arc<dyn HostServices>,
    pub(super) host: Host,
}

/// What an opened kind is made of, wherever it runs.
struct Parts {
    provider: String,
    table: Arc<KindTable>,
    module: Arc<Module>,
    /// Checked, with secrets resolved: for the next instance, after a panic.
    options: Options,
    services: Arc<dyn HostServices>,
    host: Host,
}

/// Where calls go.
enum Body {
    Here(Here),
    Isolated(Remote),
}

pub(super) struct Opened {
    parts: Parts,
    body: Body,
    /// Where `start` has been called and not `stop`.
    started: BegunIn,
}

/// What came of opening a kind.
pub(super) enum Opens {
    Well(Box<Opened>, Draft),
    /// Its `open` returned this status, and wrote this.
    Not(abi::Status, Draft),
}

impl Opened {
    /// Opens the kind for a provider name: cold.
    ///
    /// # Errors
    /// `Configuration`: an option is wrong; for an isolated kind what its helper says.
    pub(super) fn open(opening: &Opening<'_>) -> Result<Opens> {
        let parts = Parts {
            provider: opening.provider.to_owned(),
            options: Options::check(opening.provider, opening.table.schema.as_ref(), opening.options)?,
            table: Arc::clone(opening.table),
            module: Arc::clone(opening.module),
            services: Arc::clone(opening.services),
            host: opening.host,
        };
        let reply = RefCell::new(Draft::new(Limits::without_credentials(0)));
        let body = match opening.isolated {
            None => Here::open(&parts, &reply).map(Body::Here),
            Some(isolated) => {
                let remote = isolated.instance(parts.name(), &parts.provider, parts.options.json()?);
                match parts.open_remote(&remote, &reply)? {
                    abi::OK => Ok(Body::Isolated(remote)),
                    refused => Err(refused),
                }
            }
        };
        Ok(match body {
            Ok(body) => Opens::Well(
                Box::new(Self {
                    parts,
                    body,
                    started: BegunIn::default(),
                }),
                reply.into_inner(),
            ),
            Err(status) => Opens::Not(status, reply.into_inner()),
        })
    }

    pub(super) fn provider(&self) -> &str {
        &self.parts.provider
    }

    pub(super) fn table(&self) -> &KindTable {
        &self.parts.table
    }

    pub(super) fn module(&self) -> &Module {
        &self.parts.module
    }

    /// Where it runs, if not in this process.
    pub(super) const fn remote(&self) -> Option<&Remote> {
        match &self.body {
            Body::Here(_) => None,
            Body::Isolated(remote) => Some(remote),
        }
    }

    pub(super) fn has_start(&self) -> bool {
        self.parts.table.operations.start.is_some()
    }

    /// Begins service in this process; twice is once.
    ///
    /// # Errors
    /// What the kind's `start` says.
    pub(super) fn start(&self) -> Result<()> {
        if self.started.is_here() {
            return Ok(());
        }
        if let Body::Here(here) = &self.body {
            // One that panicked before the last stop is not started again.
            here.usable(|| self.open_again(here))?;
        }
        if self.has_start() {
            let _control = self.parts.control();
            self.plain(Asked::Start, START_DEADLINE)?;
        } else if let Body::Isolated(remote) = &self.body {
            remote.resume();
        }
        self.started.begin();
        if let Body::Here(here) = &self.body {
            here.has_started();
        }
        Ok(())
    }

    /// Ends what `start` began, in the process where it did.
    pub(super) fn stop(&self) {
        let was_started = self.started.end_here();
        match &self.body {
            Body::Here(here) => here.stop(),
            Body::Isolated(remote) if was_started => remote.stop(),
            Body::Isolated(_) => {}
        }
    }

    /// Another instance in place of one that panicked, started where that was.
    fn open_again(&self, here: &Here) -> Result<()> {
        let start = || {
            if !self.started.is_here() {
                return Ok(false);
            }
            if self.has_start() {
                let _control = self.parts.control();
                self.plain(Asked::Start, START_DEADLINE)?;
            }
            Ok(true)
        };
        here.open_again(&self.parts, start)?;
        tracing::warn!(
            target: "doorward::plugin", provider = self.parts.provider, plugin = self.parts.module.id,
            "a provider whose plugin panicked was opened again"
        );
        Ok(())
    }

    /// An operation without credentials: its status is its answer.
    ///
    /// # Errors
    /// What the status says, with the kind's message for the operator; what [`Opened::raw`] says.
    pub(super) fn plain(&self, asked: Asked<'_>, wait: Duration) -> Result<()> {
        let deadline = SystemClock.monotonic().saturating_add(wait);
        let (status, draft) = self.raw(asked, deadline, &AtomicBool::new(false))?;
        if status == abi::OK {
            return Ok(());
        }
        let said = draft.message.or(draft.larger);
        let said = said.unwrap_or_else(|| format!("status {status}"));
        let kind = match status {
            abi::E_BROKEN => ErrorKind::PluginFault,
            abi::E_CONFIG => ErrorKind::Configuration,
            abi::E_TIMEOUT => ErrorKind::Timeout,
            abi::E_OVERLOADED => ErrorKind::Overloaded,
            _ => ErrorKind::Unavailable,
        };
        Err(Error::new(
            kind,
            format!("provider {:?}: {said}", self.parts.provider),
        ))
    }

    /// Runs an operation: what it returned, and what it wrote. Nothing is judged here.
    ///
    /// # Errors
    /// `Unsupported`: there is no such operation; `Corrupt`: a stored record has no frame; for an isolated kind what its
    /// helper says.
    pub(super) fn raw(
        &self,
        asked: Asked<'_>,
        deadline: Duration,
        cancelled: &AtomicBool,
    ) -> Result<(abi::Status, Draft)> {
        let operations = &self.parts.table.operations;
        let (operation, number) = match asked {
            Asked::Ask(ask) => (operations.of(ask.operation), request::number(ask.operation)),
            Asked::Describe(_) => (operations.describe, abi::OP_DESCRIBE),
            Asked::Health => (operations.health, abi::OP_HEALTH),
            Asked::Migrate(_) => (operations.migrate, abi::OP_MIGRATE),
            Asked::Normalize(_) => (operations.normalize, abi::OP_NORMALIZE),
            Asked::Start => (operations.start, abi::OP_START),
        };
        let Some(operation) = operation else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("kind {:?} lacks the operation", self.parts.table.declaration.name),
            ));
        };
        let limits = match asked {
            Asked::Ask(ask) => Limits::of(ask, number, &self.parts.table.declaration),
            Asked::Migrate(ask) => Limits::of_migration(ask, &self.parts.table.declaration),
            _ => Limits::without_credentials(number),
        };
        let call = Call {
            realm: match asked {
                Asked::Ask(ask) | Asked::Describe(ask) | Asked::Migrate(ask) => &ask.realm,
                _ => "",
            },
            provider: &self.parts.provider,
            known: match asked {
                Asked::Ask(ask) => ask.known,
                _ => None,
            },
            waits: match asked {
                Asked::Normalize(_) => Waits::Pure,
                _ if self.parts.table.declaration.inline => Waits::Inline,
                _ => Waits::Freely,
            },
            time: Time::Until(deadline),
            cancelled,
        };
        let reply = RefCell::new(Draft::new(limits));
        let frame = Frame {
            number: frame::number(),
            services: &self.parts.services,
            call: Some(&call),
            reply: Some(&reply),
            options: None,
            told: Told::default(),
        };
        let status = match &self.body {
            Body::Isolated(remote) => {
                let who = self.parts.asker(Some(&call), deadline);
                frame::enter(&frame, || remote.run(asked, &who, &reply))?
            }
            Body::Here(here) => {
                let instance = match asked {
                    Asked::Start => here.current(),
                    _ => here.usable(|| self.open_again(here))?,
                };
                here.run(&self.parts, &instance, operation, (asked, number), &frame)?
            }
        };
        Ok((status, reply.into_inner()))
    }
}

impl Parts {
    /// What the kind is called.
    fn name(&self) -> &str {
        &self.table.declaration.name
    }

    /// Held around what is called by one thread at a time.
    fn control(&self) -> MutexGuard<'_, ()> {
        self.module.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The frame of an `open`: it may read the options.
    fn opening<'a>(&'a self, number: usize, reply: &'a RefCell<Draft>) -> Frame<'a> {
        Frame {
            number,
            services: &self.services,
            call: None,
            reply: Some(reply),
            options: Some(&self.options),
            told: Told::default(),
        }
    }

    /// Opens the kind in a helper, which shows whether it can be opened.
    fn open_remote(&self, remote: &Remote, reply: &RefCell<Draft>) -> Result<abi::Status> {
        if self.table.operations.open.is_none() {
            return Ok(abi::OK);
        }
        let number = frame::number();
        let frame = self.opening(number, reply);
        let _control = self.control();
        let deadline = SystemClock.monotonic() + START_DEADLINE;
        frame::enter(&frame, || remote.open(&self.asker(None, deadline), reply))
    }

    fn asker<'a>(&self, call: Option<&'a Call<'a>>, deadline: Duration) -> Asker<'a> {
        Asker {
            now: self.services.unix_micros(),
            call,
            deadline,
        }
    }
}
