//! The threads of one provider name whose kind may block: a bulkhead, so that one slow backend takes nothing from anybody
//! else, of the same kind neither.
//!
//! ```text
//! ask ──► bounded queue ──► worker ──► operation ──► answer
//!         full: Overloaded     │ past its deadline: the caller gets Timeout at once, the thread counts as stuck
//!                              └─ and is replaced; too many stuck: the circuit opens, Unavailable
//! ```
//!
//! A thread cannot be taken out of foreign code, so a stuck one is left alone. What it answers later goes nowhere;
//! when it returns it is a worker again. At most twice the configured threads exist. Deadlines are watched by a
//! thread of the pool's own, on the system's clock, so no executor is needed on the caller's side.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};

use super::ask::Verdict;
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::forked::{self, Begun, BegunIn, Left};

/// The threads of a kind, of which each of its provider names has a pool with its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSettings {
    /// Threads, started with the context. 1 to 256; default: one per processor, at least 2, at most 16.
    pub threads: usize,
    /// Calls that may wait for a thread of one provider name. 1 to 65536, default 64 per thread.
    pub queue: usize,
}

impl PoolSettings {
    /// The default for this machine.
    pub fn for_machine() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self::of(processors.clamp(2, 16))
    }

    /// So many threads, with the default queue.
    pub const fn of(threads: usize) -> Self {
        Self {
            threads,
            queue: threads * 64,
        }
    }

    /// What each of so many provider names gets: an equal share, and two threads at least where there are two, so that a
    /// call that hangs leaves one over.
    pub(super) fn share(self, names: usize) -> Self {
        let share = self.threads.div_ceil(names.max(1)).max(LEAST);
        Self {
            threads: share.min(self.threads),
            ..self
        }
    }
}

/// Threads of a provider name, however many share.
const LEAST: usize = 2;

/// What a job computes.
pub(super) type Work = Box<dyn FnOnce() -> Result<Verdict> + Send>;
/// Where its result goes: called once, without locks.
pub(super) type Answer = Box<dyn FnOnce(Result<Verdict>) + Send>;

/// One call on its way.
pub(super) struct Job {
    /// On the system's monotonic clock.
    pub(super) deadline: Duration,
    /// Set when nobody waits any more.
    pub(super) cancelled: Arc<AtomicBool>,
    pub(super) work: Work,
    pub(super) answer: Answer,
}

/// The pool. Made cold; threads exist from `start` to `stop`.
pub(super) struct Pool(Arc<Shared>);

/// What is looked after besides, each [`LOOK`], by the thread that watches deadlines.
type Look = Box<dyn Fn() + Send + Sync>;
/// How often.
const LOOK: Duration = Duration::from_secs(1);

struct Shared {
    kind: String,
    provider: String,
    look: OnceLock<Look>,
    /// The process whose threads these are.
    started: BegunIn,
    state: Mutex<State>,
    work: Condvar,
    watch: Condvar,
    ended: Condvar,
}

struct State {
    /// As it was started.
    settings: PoolSettings,
    stopping: bool,
    queue: VecDeque<Job>,
    /// What each thread runs.
    running: HashMap<u64, Running>,
    /// Threads to be joined: not the stuck ones.
    threads: HashMap<u64, JoinHandle<()>>,
    watcher: Option<JoinHandle<()>>,
    /// When the watcher looks next by itself; `None`: when it is told to.
    watching_until: Option<Duration>,
    /// Threads that can take work.
    workers: usize,
    /// Threads that are past a deadline.
    stuck: usize,
    next_thread: u64,
}

impl State {
    fn new() -> Self {
        Self {
            settings: PoolSettings::of(0),
            stopping: false,
            queue: VecDeque::new(),
            running: HashMap::new(),
            threads: HashMap::new(),
            watcher: None,
            watching_until: None,
            workers: 0,
            stuck: 0,
            next_thread: 0,
        }
    }
}

struct Running {
    deadline: Duration,
    cancelled: Arc<AtomicBool>,
    answer: Answer,
}

impl Pool {
    pub(super) fn new(kind: &str, provider: &str) -> Self {
        Self(Arc::new(Shared {
            kind: kind.to_owned(),
            provider: provider.to_owned(),
            look: OnceLock::new(),
            started: BegunIn::default(),
            state: Mutex::new(State::new()),
            work: Condvar::new(),
            watch: Condvar::new(),
            ended: Condvar::new(),
        }))
    }

    /// Has something looked after as long as it is started. The first one counts.
    pub(super) fn watches(&self, look: impl Fn() + Send + Sync + 'static) {
        drop(self.0.look.set(Box::new(look)));
    }

    /// Starts the threads of this process.
    ///
    /// # Errors
    /// `Unavailable` when the system gives no threads; `ForkedContext` when those of the parent were not stopped
    /// before the fork.
    pub(super) fn start(&self, settings: PoolSettings) -> Result<()> {
        let shared = &self.0;
        match shared.started.seen() {
            Begun::Nowhere => {}
            Begun::Here => return Ok(()),
            Begun::Elsewhere => return Err(forked(&shared.provider)),
        }
        let mut state = shared.lock();
        state.stopping = false;
        state.settings = settings;
        let started = (0..settings.threads)
            .try_for_each(|_| shared.add_worker(&mut state))
            .and_then(|()| shared.add_watcher(&mut state));
        shared.started.begin();
        drop(state);
        if started.is_err() {
            self.stop();
        }
        started
    }

    /// Refuses what waits, waits for what runs (at most until its deadline), ends the threads. Stuck threads stay.
    pub(super) fn stop(&self) {
        let shared = &self.0;
        if !shared.started.is_here() {
            return;
        }
        let mut state = shared.lock();
        state.stopping = true;
        let waiting = std::mem::take(&mut state.queue);
        drop(state);
        shared.work.notify_all();
        shared.watch.notify_all();
        for job in waiting {
            (job.answer)(Err(stopped(&shared.provider)));
        }
        let mut state = shared.lock();
        while state.workers > 0 {
            state = shared.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let threads: Vec<JoinHandle<()>> = state.threads.drain().map(|(_, thread)| thread).collect();
        let watcher = state.watcher.take();
        drop(state);
        shared.watch.notify_all();
        for thread in threads.into_iter().chain(watcher) {
            // A worker that panicked has said so already; there is nobody else to tell.
            drop(thread.join());
        }
        shared.started.end();
    }

    /// Puts a call into the queue. Its answer comes once, also when it never returns.
    ///
    /// # Errors
    /// `Overloaded`: the queue is full; `Unavailable`: the circuit is open; `InvalidState`: not started;
    /// `ForkedContext`.
    pub(super) fn submit(&self, job: Job) -> Result<()> {
        let shared = &self.0;
        match shared.started.seen() {
            Begun::Nowhere => return Err(stopped(&shared.provider)),
            Begun::Here => {}
            Begun::Elsewhere => return Err(forked(&shared.provider)),
        }
        let mut state = shared.lock();
        if state.stopping {
            return Err(stopped(&shared.provider));
        }
        if state.stuck >= state.settings.threads {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "{} calls of provider {:?} never returned; no more are made until one does",
                    state.stuck, shared.provider
                ),
            ));
        }
        if state.queue.len() >= state.settings.queue {
            return Err(Error::new(
                ErrorKind::Overloaded,
                format!(
                    "{} calls wait for provider {:?} already (queue)",
                    state.settings.queue, shared.provider
                ),
            ));
        }
        let watched = state.watching_until.is_some_and(|until| until <= job.deadline);
        state.queue.push_back(job);
        drop(state);
        shared.work.notify_one();
        if !watched {
            shared.watch.notify_one();
        }
        Ok(())
    }

    /// Threads that are past a deadline at the moment.
    pub(super) fn stuck(&self) -> usize {
        self.0.lock().stuck
    }
}

impl Drop for Pool {
    /// Nobody asks any more. Not waited for: this may be one of its own threads, which held the last call.
    fn drop(&mut self) {
        let shared = &self.0;
        if shared.started.is_here() {
            shared.lock().stopping = true;
            shared.work.notify_all();
            shared.watch.notify_all();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_worker(self: &Arc<Self>, state: &mut State) -> Result<()> {
        let id = state.next_thread;
        let shared = Arc::clone(self);
        let thread = spawn(&self.kind, move || shared.work_on(id))?;
        state.next_thread += 1;
        state.workers += 1;
        state.threads.insert(id, thread);
        Ok(())
    }

    fn add_watcher(self: &Arc<Self>, state: &mut State) -> Result<()> {
        let shared = Arc::clone(self);
        state.watcher = Some(spawn(&self.kind, move || shared.watch_over())?);
        Ok(())
    }

    fn work_on(self: Arc<Self>, id: u64) {
        let mut state = self.lock();
        loop {
            let Some(job) = state.queue.pop_front() else {
                if state.stopping {
                    break;
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if job.deadline <= SystemClock.monotonic() {
                drop(state);
                (job.answer)(Err(late(&self.provider)));
                state = self.lock();
                continue;
            }
            if job.cancelled.load(Ordering::Acquire) {
                drop(state);
                drop(job);
                state = self.lock();
                continue;
            }
            let Job {
                deadline,
                cancelled,
                work,
                answer,
            } = job;
            state.running.insert(
                id,
                Running {
                    deadline,
                    cancelled,
                    answer,
                },
            );
            drop(state);
            let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Internal,
                    format!("a call of provider {:?} panicked", self.provider),
                ))
            });
            state = self.lock();
            if let Some(running) = state.running.remove(&id) {
                drop(state);
                (running.answer)(result);
                state = self.lock();
            } else {
                // It was given up and replaced meanwhile. The result is nobody's; the thread is one of too many, or
                // welcome again.
                state.stuck -= 1;
                if state.stopping || state.workers >= state.settings.threads {
                    return;
                }
                state.workers += 1;
            }
        }
        state.workers -= 1;
        drop(state);
        self.ended.notify_all();
        self.watch.notify_all();
    }

    fn watch_over(self: Arc<Self>) {
        let mut looks_at = SystemClock.monotonic() + LOOK;
        let mut state = self.lock();
        loop {
            let now = SystemClock.monotonic();
            if let Some(look) = self.look.get().filter(|_| looks_at <= now) {
                looks_at = now + LOOK;
                drop(state);
                look();
                state = self.lock();
            }
            let expired = self.expire(&mut state, now);
            if !expired.is_empty() {
                drop(state);
                self.ended.notify_all();
                for (answer, cancelled) in expired {
                    cancelled.store(true, Ordering::Release);
                    answer(Err(late(&self.provider)));
                }
                state = self.lock();
                continue;
            }
            if state.stopping && state.workers == 0 {
                return;
            }
            let next = (state.running.values().map(|running| running.deadline))
                .chain(state.queue.iter().map(|job| job.deadline))
                .chain(self.look.get().map(|_| looks_at))
                .min();
            state.watching_until = next;
            state = match next {
                Some(next) => {
                    let wait = next.saturating_sub(now);
                    self.watch
                        .wait_timeout(state, wait)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self.watch.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.watching_until = None;
        }
    }

    /// Takes everything that is past its deadline, and replaces the threads that are stuck with it.
    fn expire(self: &Arc<Self>, state: &mut State, now: Duration) -> Vec<(Answer, Arc<AtomicBool>)> {
        let mut expired = Vec::new();
        let late: Vec<u64> = state
            .running
            .iter()
            .filter(|(_, running)| running.deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            let Some(running) = state.running.remove(&id) else {
                continue;
            };
            expired.push((running.answer, running.cancelled));
            // Detached: nobody can wait for it.
            drop(state.threads.remove(&id));
            state.workers -= 1;
            state.stuck += 1;
            tracing::warn!(
                target: "doorward::plugin", provider = self.provider, stuck = state.stuck,
                "a call did not return before its deadline; its thread is left alone"
            );
            if !state.stopping
                && state.stuck < state.settings.threads
                && let Err(error) = self.add_worker(state)
            {
                tracing::error!(target: "doorward::plugin", provider = self.provider, %error, "no thread to replace a stuck one");
            }
        }
        let (gone, waiting): (Vec<Job>, Vec<Job>) =
            state.queue.drain(..).partition(|job| job.deadline <= now);
        state.queue.extend(waiting);
        expired.extend(gone.into_iter().map(|job| (job.answer, job.cancelled)));
        expired
    }
}

/// A thread with all signals blocked: they are for the application's threads.
fn spawn(kind: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let failed = |error: std::io::Error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("no thread for kind {kind:?} could be started"),
        )
        .caused_by(error)
    };
    let before = SigSet::all()
        .thread_swap_mask(SigmaskHow::SIG_BLOCK)
        .map_err(|errno| failed(errno.into()))?;
    let thread = std::thread::Builder::new().name(format!("dw-{kind}")).spawn(body);
    let restored = before.thread_set_mask();
    let thread = thread.map_err(failed)?;
    restored.map_err(|errno| failed(errno.into()))?;
    Ok(thread)
}

fn late(provider: &str) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("provider {provider:?} did not answer before the deadline"),
    )
}

fn stopped(provider: &str) -> Error {
    Error::new(
        ErrorKind::InvalidState,
        format!("provider {provider:?} is not started, or stopping"),
    )
}

fn forked(provider: &str) -> Error {
    Error::new(
        ErrorKind::ForkedContext,
        forked::told(&format!("provider {provider:?}"), Left::Nothing),
    )
}
