//! An instance of an isolated kind: what a [`Kind`](crate::Kind) asks in place of a function pointer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_plugin_abi as abi;

use super::Instance;
use super::channel::Broken;
use super::message::{self, tag};
use super::supervisor::Supervisor;
use super::wire::{Frame, Type, Writer};
use super::worker::{self, Refusal, Scene};
use crate::ask::Asked;
use crate::call::Call;
use crate::reply::{Draft, printable};
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::secret::Secret;

/// The helper is killed this long before the deadline, so that the answer is ours and not the pool's.
const MARGIN: Duration = Duration::from_millis(10);
/// Canonical forms that are remembered.
const MOST_FORMS: usize = 256;

/// One opened provider of an isolated kind.
pub(crate) struct Remote {
    supervisor: Arc<Supervisor>,
    instance: Instance,
    forms: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// Who asks, in the frame that this thread is in.
pub(crate) struct Asker<'a> {
    /// The application's wall clock, in microseconds.
    pub(crate) now: i64,
    pub(crate) call: Option<&'a Call<'a>>,
    pub(crate) deadline: Duration,
}

impl Remote {
    pub(super) fn new(supervisor: Arc<Supervisor>, kind: &str, provider: &str, options: Secret) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            supervisor,
            instance: Instance {
                id: NEXT.fetch_add(1, Ordering::Relaxed),
                kind: kind.to_owned(),
                provider: provider.to_owned(),
                options,
                started: false.into(),
            },
            forms: Mutex::default(),
        }
    }

    /// Opens the instance in one helper, which shows whether it can be opened. Status and message as `open` gave them.
    ///
    /// # Errors
    /// What [`Remote::run`] says.
    pub(crate) fn open(&self, who: &Asker<'_>, reply: &RefCell<Draft>) -> Result<abi::Status> {
        self.with_worker(who, reply, |_, _| Ok(None))
    }

    /// Begins service: from now on every helper starts the instance after it has opened it, if it has `start`.
    pub(crate) fn resume(&self) {
        self.supervisor.resume();
        self.instance.started.store(true, Ordering::Release);
    }

    /// Ends service.
    pub(crate) fn stop(&self) {
        self.instance.started.store(false, Ordering::Release);
    }

    /// One operation. The reply is written as the plugin wrote it, and checked as it was written.
    ///
    /// # Errors
    /// `Unavailable`: the helper ended, or none can be had; `Timeout`: it was killed at the deadline; `PluginFault`: it
    /// does not speak the protocol; `InvalidArgument`: the question is larger than a frame.
    pub(crate) fn run(
        &self,
        asked: Asked<'_>,
        who: &Asker<'_>,
        reply: &RefCell<Draft>,
    ) -> Result<abi::Status> {
        if matches!(asked, Asked::Start) {
            self.resume();
            let started = self.with_worker(who, reply, |_, _| Ok(None));
            if !matches!(started, Ok(abi::OK)) {
                self.stop();
            }
            return started;
        }
        self.with_worker(who, reply, |worker, scene| {
            let (operation, writer) = match asked {
                Asked::Ask(ask) => (
                    crate::request::number(ask.operation),
                    Writer::new().nest(tag::QUESTION, &message::question(ask)),
                ),
                Asked::Describe(ask) => (
                    abi::OP_DESCRIBE,
                    Writer::new().nest(tag::QUESTION, &message::question(ask)),
                ),
                Asked::Migrate(ask) => (
                    abi::OP_MIGRATE,
                    Writer::new().nest(tag::QUESTION, &message::question(ask)),
                ),
                Asked::Normalize(raw) => (abi::OP_NORMALIZE, Writer::new().put(tag::IDENTIFIER, raw)),
                Asked::Health => (abi::OP_HEALTH, Writer::new()),
                // Above.
                Asked::Start => return Ok(None),
            };
            let writer = writer
                .number(tag::INSTANCE, self.instance.id)
                .number(tag::OPERATION, operation.into());
            worker.ask(Type::Ask, writer, scene).map(Some)
        })
    }

    /// What ends workers that go on computing after their answer, and says how many it were.
    pub(crate) fn watch(&self) -> impl Fn() -> usize + Send + Sync + use<> {
        let supervisor = Arc::downgrade(&self.supervisor);
        move || {
            supervisor
                .upgrade()
                .map_or(0, |supervisor| supervisor.end_burning())
        }
    }

    /// A canonical form that was asked for before: normalization is pure, so it is still right.
    pub(crate) fn known_form(&self, raw: &[u8]) -> Option<Vec<u8>> {
        let forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        forms.get(raw).cloned()
    }

    pub(crate) fn remember_form(&self, raw: &[u8], canonical: &[u8]) {
        let mut forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        if forms.len() >= MOST_FORMS {
            forms.clear();
        }
        forms.insert(raw.to_vec(), canonical.to_vec());
    }

    /// Borrows a worker that has the instance, lets `then` ask it, and takes the answer apart.
    fn with_worker(
        &self,
        who: &Asker<'_>,
        reply: &RefCell<Draft>,
        then: impl FnOnce(&mut worker::Worker, Scene<'_>) -> std::result::Result<Option<Frame>, Broken>,
    ) -> Result<abi::Status> {
        let left = who.deadline.saturating_sub(SystemClock.monotonic());
        let scene = Scene {
            deadline: who.deadline.saturating_sub(MARGIN.min(left / 8)),
            cancelled: who.call.map(|call| call.cancelled),
            now: who.now,
        };
        let mut lease = self.supervisor.lend(scene.deadline)?;
        let Some(worker) = lease.worker() else {
            return Err(Error::new(ErrorKind::Internal, "a helper was lent twice"));
        };
        if scene.deadline <= SystemClock.monotonic() {
            // It took so long to start one.
            lease.give_back_unasked();
            return Err(self.supervisor.broken(Broken::Late));
        }
        let answer = match worker.prepare(&self.instance, scene) {
            Err(Refusal::Answered(answer)) => Ok(Some(*answer)),
            Err(Refusal::Broken(broken)) => Err(broken),
            Ok(()) => then(worker, scene),
        };
        let judged = answer.and_then(|answer| match answer {
            None => Ok(abi::OK),
            Some(answer) => {
                let fields = answer.fields()?;
                let status = worker::status(fields)?;
                if let Some(written) = fields.find(tag::REPLY)? {
                    let written = super::wire::Fields::of(written)?;
                    // A plugin in this process is not running now, so nobody else has the draft.
                    if let Ok(mut draft) = reply.try_borrow_mut() {
                        message::replay(written, &mut draft)?;
                    }
                }
                Ok(status)
            }
        });
        match judged {
            // What a panic left behind in that process is unknown: it ends, and counts as a failure.
            Ok(abi::E_BROKEN) => {
                drop(lease);
                Ok(abi::E_BROKEN)
            }
            Ok(status) => {
                lease.give_back();
                Ok(status)
            }
            // Nothing was sent: the worker is as it was.
            Err(Broken::TooLarge) => {
                lease.give_back_unasked();
                Err(self.supervisor.broken(Broken::TooLarge))
            }
            Err(broken) => {
                drop(lease);
                let error = self.supervisor.broken(broken);
                tracing::error!(
                    target: "doorward::plugin", provider = self.instance.provider, "{}",
                    printable(error.message().as_bytes(), 512)
                );
                Err(error)
            }
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.supervisor.close(self.instance.id);
    }
}
