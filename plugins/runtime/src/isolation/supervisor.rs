//! The workers of one provider name whose plugin is isolated: lent for one call each, replaced when they fail.

use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::PROTOCOL;
use super::channel::Broken;
use super::launcher::Launcher;
use super::message::tag;
use super::wire::{Frame, Writer};
use super::worker::Worker;
use crate::breaker::{Admission, Breaker};
use crate::settings::{Isolation, PluginSettings, PythonClass};
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::{Error, ErrorKind, Result};

/// How long a new process may take until its program runs.
const FIRST_SIGN: Duration = Duration::from_secs(5);
/// How long loading the plugin may take after that.
const LOADING: Duration = Duration::from_secs(15);
/// How long workers may take to end when they are no longer needed.
const FAREWELL: Duration = Duration::from_millis(500);

/// Lends workers, one call at a time to each.
pub(super) struct Supervisor {
    /// What the configuration calls the plugin.
    name: String,
    settings: PluginSettings,
    isolation: Isolation,
    launcher: Arc<Launcher>,
    /// SHA-256 of the file that the first worker loaded; every other must load the same.
    pinned: Arc<OnceLock<String>>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// The process whose workers these are.
    owner: u32,
    idle: Vec<Worker>,
    /// Lent, or being started.
    busy: usize,
    breaker: Breaker,
    /// Workers that come back are not kept.
    stopped: bool,
    /// Workers that were ended because they went on computing, and of which nobody has been told.
    burnt: usize,
}

impl State {
    fn keep(&mut self, mut worker: Worker) {
        if !self.stopped {
            worker.rests();
            self.idle.push(worker);
        }
    }
}

/// Why there is no worker.
enum Unstarted {
    /// It ended and said nothing.
    Silent(Error),
    Told(Error),
}

impl From<Error> for Unstarted {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// How a call ended for its worker.
enum End {
    Answered(Worker),
    Failed,
    Unasked(Worker),
}

/// A worker for one call. Dropping it without [`Lease::give_back`] kills the worker and counts a failure.
pub(super) struct Lease<'a> {
    supervisor: &'a Supervisor,
    worker: Option<Worker>,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Supervisor {
    pub(super) fn new(settings: &PluginSettings, isolation: &Isolation, launcher: Arc<Launcher>) -> Self {
        Self {
            name: settings.name.clone(),
            settings: settings.clone(),
            isolation: isolation.clone(),
            launcher,
            pinned: Arc::default(),
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// One without workers, of the same plugin.
    pub(super) fn another(&self) -> Self {
        let mut another = Self::new(&self.settings, &self.isolation, Arc::clone(&self.launcher));
        another.pinned = Arc::clone(&self.pinned);
        another
    }

    /// The first worker, and what it has loaded.
    ///
    /// # Errors
    /// `PluginRefused`: what the helper's loader says; otherwise as [`Supervisor::lend`].
    pub(super) fn first(&self) -> Result<Frame> {
        let (worker, described) = self.start()?;
        let mut state = self.lock();
        state.idle.push(worker);
        Ok(described)
    }

    pub(super) const fn workers(&self) -> usize {
        self.isolation.workers
    }

    /// SHA-256 of the file, when a worker has loaded it.
    pub(super) fn hash(&self) -> &str {
        self.pinned.get().map_or("", String::as_str)
    }

    /// A worker for one call.
    ///
    /// # Errors
    /// `Timeout`: all were busy until the deadline; `Unavailable`: the circuit is open, or no worker can be started;
    /// `PluginFault`: a new worker speaks nonsense.
    pub(super) fn lend(&self, deadline: Duration) -> Result<Lease<'_>> {
        let mut state = self.lock();
        let start_at = match state.breaker.admit(SystemClock.monotonic()) {
            Admission::From(start_at) => start_at,
            Admission::Refused => {
                return Err(self.error(
                    ErrorKind::Unavailable,
                    "fails again and again: it is not asked for a while",
                ));
            }
        };
        loop {
            // The last one first: its memory is warm.
            while let Some(mut worker) = state.idle.pop() {
                if worker.burns() {
                    state.burnt += 1;
                    continue;
                }
                if worker.is_quiet() {
                    state.busy += 1;
                    return Ok(self.leased(worker));
                }
                // It ended while nobody asked it anything, or spoke unasked: another one takes its place.
                tracing::warn!(target: "doorward::plugin", plugin = self.name, "a helper of it ended while it was idle");
            }
            let now = SystemClock.monotonic();
            if deadline <= now {
                state.breaker.undecided();
                return Err(self.error(ErrorKind::Timeout, "had no helper free before the deadline"));
            }
            let has_room = state.busy < self.isolation.workers;
            if has_room && start_at <= now {
                state.busy += 1;
                drop(state);
                return self.started();
            }
            let wait = if has_room {
                deadline.min(start_at)
            } else {
                deadline
            };
            state = self
                .freed
                .wait_timeout(state, wait.saturating_sub(now))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn started(&self) -> Result<Lease<'_>> {
        match self.start() {
            Ok((worker, _)) => Ok(self.leased(worker)),
            Err(error) => {
                self.ended(End::Failed);
                Err(error)
            }
        }
    }

    const fn leased(&self, worker: Worker) -> Lease<'_> {
        Lease {
            supervisor: self,
            worker: Some(worker),
        }
    }

    /// A new process that has loaded the plugin. An interpreter that ends before it says a word is started once more, to
    /// say why.
    fn start(&self) -> Result<(Worker, Frame)> {
        match self.start_for(false) {
            Err(Unstarted::Silent(error)) if self.isolation.python.is_some() => {
                self.start_for(true).map_err(|why| match why {
                    Unstarted::Told(why) => why,
                    Unstarted::Silent(_) => error,
                })
            }
            Err(Unstarted::Silent(error) | Unstarted::Told(error)) => Err(error),
            Ok(started) => Ok(started),
        }
    }

    /// `wants_why`: the interpreter is only run to hear what it complains of.
    fn start_for(&self, wants_why: bool) -> std::result::Result<(Worker, Frame), Unstarted> {
        let mut worker = Worker::new(self.launcher.start()?);
        let began_at = SystemClock.monotonic();
        match worker.is_alive(began_at + FIRST_SIGN) {
            Ok(true) => {}
            Ok(false) => {
                // Nothing of the plugin has run yet: either this process hangs, which the spawner then ends, or the
                // spawner does.
                worker.kill();
                if !worker.has_gone(SystemClock.monotonic() + FAREWELL) {
                    self.launcher.give_up();
                }
                let why = "got no helper: the plugin host does not react";
                return Err(self.error(ErrorKind::Unavailable, why).into());
            }
            Err(broken) => return Err(self.broken(broken).into()),
        }
        let pin = self.pinned.get().or(self.settings.sha256.as_ref());
        let python = self.isolation.python.as_ref().map(PythonClass::handed_on);
        let hello = Writer::new()
            .number(tag::PROTOCOL, PROTOCOL)
            .put(tag::NAME, self.settings.name.as_bytes())
            .put(tag::PATH, self.settings.path.as_os_str().as_bytes())
            .maybe(tag::SHA256, pin.map(String::as_bytes))
            .maybe(tag::PYTHON, python.as_deref())
            .maybe(tag::WHY, wants_why.then_some(&[1]))
            .number(tag::NEEDS_LANDLOCK, self.isolation.needs_landlock.into())
            .number(tag::SANDBOX, self.isolation.sandbox as u64);
        let described =
            worker
                .load(&hello, SystemClock.monotonic() + LOADING)
                .map_err(|broken| match broken {
                    Broken::Closed => Unstarted::Silent(self.broken(broken)),
                    broken => self.broken(broken).into(),
                })?;
        let fields = described
            .fields()
            .map_err(|garbage| self.broken(garbage.into()))?;
        let (refused, hash) = fields
            .find(tag::REFUSED)
            .and_then(|refused| Ok((refused, fields.text(tag::SHA256)?)))
            .map_err(|garbage| self.broken(garbage.into()))?;
        if let Some(why) = refused {
            let why = crate::reply::printable(why, 1024);
            return Err(Error::new(ErrorKind::PluginRefused, why).into());
        }
        if self.pinned.get_or_init(|| hash.to_owned()) != hash {
            let why = "was loaded from another file than at first";
            return Err(self.error(ErrorKind::PluginRefused, why).into());
        }
        Ok((worker, described))
    }

    /// Ends the workers of this process; calls that run keep theirs until they end.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        retire(idle);
    }

    /// Workers may be kept again.
    pub(super) fn resume(&self) {
        self.lock().stopped = false;
    }

    /// Ends workers that go on computing after their answer. How many, since it was last asked.
    pub(super) fn end_burning(&self) -> usize {
        let mut state = self.lock();
        let had = state.idle.len();
        state.idle.retain_mut(|worker| !worker.burns());
        state.burnt += had - state.idle.len();
        std::mem::take(&mut state.burnt)
    }

    /// Ends an instance in all idle workers.
    pub(super) fn close(&self, id: u64) {
        let mut state = self.lock();
        state.idle.retain_mut(|worker| worker.close(id).is_ok());
    }

    /// The error for a worker that broke.
    pub(super) fn broken(&self, broken: Broken) -> Error {
        let kind = match broken {
            Broken::Closed => ErrorKind::Unavailable,
            Broken::Late => ErrorKind::Timeout,
            Broken::Garbage(_) => ErrorKind::PluginFault,
            Broken::TooLarge => ErrorKind::InvalidArgument,
        };
        Error::new(
            kind,
            format!(
                "the helper of the isolated plugin {:?} failed: {broken}",
                self.name
            ),
        )
    }

    fn error(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format!("the isolated plugin {:?} {what}", self.name))
    }

    fn ended(&self, how: End) {
        let mut state = self.lock();
        state.busy = state.busy.saturating_sub(1);
        match how {
            End::Answered(worker) => {
                state.breaker.succeeded();
                state.keep(worker);
            }
            End::Unasked(worker) => {
                state.breaker.undecided();
                state.keep(worker);
            }
            End::Failed => {
                if state.breaker.failed(SystemClock.monotonic()) {
                    tracing::error!(
                        target: "doorward::plugin", plugin = self.name,
                        "an isolated plugin failed again and again: it is not asked for a while"
                    );
                }
            }
        }
        drop(state);
        self.freed.notify_one();
    }

    /// The state of this process. What a parent left behind is closed, not used and not killed.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let here = std::process::id();
        if state.owner != here {
            *state = State {
                owner: here,
                ..State::default()
            };
        }
        state
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Lets workers stop and close what they have, all at once and not for long.
fn retire(mut workers: Vec<Worker>) {
    let until = SystemClock.monotonic() + FAREWELL;
    for worker in &workers {
        worker.dismiss();
    }
    for worker in &mut workers {
        // Whoever has not is killed now.
        let _ = worker.has_gone(until);
    }
}

impl Lease<'_> {
    pub(super) const fn worker(&mut self) -> Option<&mut Worker> {
        self.worker.as_mut()
    }

    /// The call is over and the worker is well.
    pub(super) fn give_back(mut self) {
        if let Some(worker) = self.worker.take() {
            self.supervisor.ended(End::Answered(worker));
        }
        std::mem::forget(self);
    }

    /// The call was over before the worker was asked.
    pub(super) fn give_back_unasked(mut self) {
        if let Some(worker) = self.worker.take() {
            self.supervisor.ended(End::Unasked(worker));
        }
        std::mem::forget(self);
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // First the kill, then the room for another one.
        self.worker = None;
        self.supervisor.ended(End::Failed);
    }
}
