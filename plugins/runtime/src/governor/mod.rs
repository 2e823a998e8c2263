//! The governor: one memory budget for password hashing, shared by a whole fork family.
//!
//! ```text
//! caller ──► bounded queue ──► worker thread ──► slots (memory permits) ──► hash ──► ticket
//!            full: Overloaded   few, lazy         none free: waits, at most until the deadline
//! ```
//!
//! Argon2id is expensive on purpose, so an unbounded number of concurrent hashes is a way to exhaust a server's
//! memory (A04 in `docs/threats.md`; ASVS 5.0 15.1.3 and 15.2.2). Here memory is counted in *slots* of one
//! hash each. A job runs only while it holds its slots, and the permit belongs to the work: a caller that goes away
//! neither frees memory that is still in use nor stops a hash half way. When more is asked than the budget can
//! serve, the answer is `Overloaded` at once (queue full) or at the deadline (no slot), never more memory.

mod arena;
mod settings;
mod slots;
mod ticket;
mod worker;

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use doorward_base::clock::Clock;
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::forever;
use doorward_base::forked::{self, Begun, BegunIn, Left};
pub use doorward_base::metrics::Usage;

pub use arena::Arena;
pub use settings::{DEFAULT_BUDGET_MIB, DEFAULT_QUEUE, MAX_BUDGET_MIB, MAX_QUEUE, Settings};
use slots::Slots;
pub use ticket::Ticket;

/// The governor of one context. Cheap to clone; the last clone to go stops the threads.
///
/// Making one is *cold*: it opens a memory file and starts nothing. Threads start with the first job.
///
/// **Forking.** The budget is one for a process and all that it forks after this was made: the slots are locks on a
/// memory file that every child inherits. A process whose threads have started calls
/// [`before_fork`](Self::before_fork), and both sides call [`after_fork`](Self::after_fork); a child of one that
/// did not gets `ForkedContext` from every call. A child that `exec`s is no longer of the family.
#[derive(Clone)]
pub struct Governor(Arc<Owner>);

impl Governor {
    /// A governor with a budget of its own.
    ///
    /// # Errors
    /// - `Configuration`: a setting is out of range, or the budget is smaller than one hash.
    /// - `Unavailable`: the system gave no memory file.
    pub fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self> {
        let slots = settings.slots()?;
        Ok(Self::over(Slots::new(slots)?, settings, clock))
    }

    /// A governor that shares the budget of another process by its memory file: how tests put two processes that
    /// were not forked from each other into one family. The file must not be opened anywhere else in this process.
    #[cfg(test)]
    fn danger_sharing(file: std::fs::File, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self> {
        let slots = settings.slots()?;
        Ok(Self::over(Slots::sharing(file.into(), slots), settings, clock))
    }

    fn over(slots: Slots, settings: &Settings, clock: Arc<dyn Clock>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let wanted = if settings.threads == 0 {
            processors
        } else {
            settings.threads
        };
        Self(Arc::new(Owner(Arc::new(Shared {
            threads: wanted.min(slots.count()),
            queue: settings.queue,
            slots: slots.count(),
            slot_kib: settings.slot_kib.max(1),
            clock,
            started: BegunIn::default(),
            wake: Condvar::new(),
            state: Mutex::new(State {
                pid: std::process::id(),
                phase: Phase::Open,
                queue: VecDeque::new(),
                slots,
                waiting: 0,
                idle: 0,
                running: 0,
                threads: Vec::new(),
            }),
        }))))
    }

    /// Puts work into the queue. It runs on a worker thread with an arena for `memory_kib` KiB, once that much of
    /// the budget is free, and its result is the ticket's.
    ///
    /// `wait` bounds the time until the work *starts*; once started it is finished, whoever still wants it. The
    /// refusal may come late by the length of one running job, never before its time.
    ///
    /// The ticket gives, besides what the work itself answers:
    /// - `Overloaded`: the queue is full, or no memory was free in time. Nothing was computed; try later.
    /// - `Unavailable`: the whole budget is smaller than `memory_kib`: the operator must raise it.
    /// - `ForkedContext`: this process was forked while threads ran. `InvalidState`: the governor was stopped.
    pub fn submit<T, W>(&self, memory_kib: u32, wait: Duration, work: W) -> Ticket<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut Arena) -> Result<T> + Send + 'static,
    {
        self.0.0.submit(memory_kib, wait, work)
    }

    /// How many jobs run at once in this process at most.
    pub fn parallel(&self) -> usize {
        self.0.0.threads
    }

    /// True when a job submitted now would find a place in the queue. For shedding load before any other work is
    /// done for a request; `submit` decides again.
    pub fn has_room(&self) -> bool {
        let shared = &self.0.0;
        shared.check_fork().is_ok() && shared.lock().queue.len() < shared.queue
    }

    /// How many may wait.
    pub fn queue(&self) -> usize {
        self.0.0.queue
    }

    /// What is going on now. All zero in a process that was forked without [`before_fork`](Self::before_fork).
    pub fn usage(&self) -> Usage {
        if self.0.0.check_fork().is_err() {
            return Usage::default();
        }
        let state = self.0.0.lock();
        Usage {
            slots: state.slots.count(),
            held: state.slots.held(),
            queued: state.queue.len(),
            running: state.running,
            threads: state.threads.len(),
        }
    }

    /// Finishes the jobs that run, stops the threads and frees the arenas; queued jobs stay queued. Until
    /// [`after_fork`](Self::after_fork) new jobs are queued and none starts.
    pub fn before_fork(&self) {
        self.0.0.halt(Phase::Quiesced);
    }

    /// Whether the budget that all processes share still can be told of.
    ///
    /// # Errors
    /// `InvalidState`: the program has closed its descriptor.
    pub fn check(&self) -> Result<()> {
        let shared = &self.0.0;
        if shared.check_fork().is_ok() && !shared.lock().slots.are_there() {
            return Err(closed_by_others());
        }
        Ok(())
    }

    /// Goes on after a fork, on either side, or after a stop. The parent keeps its queue. A child begins with an empty
    /// one and with no slot: both belong to its parent.
    pub fn after_fork(&self) {
        self.0.0.resume();
    }

    /// Finishes the jobs that run, stops the threads and answers `InvalidState` to all that is queued, and to new jobs
    /// until [`after_fork`](Self::after_fork).
    pub fn stop(&self) {
        self.0.0.stop();
    }
}

impl fmt::Debug for Governor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governor").finish_non_exhaustive()
    }
}

/// Stops the threads when the last handle goes. The threads themselves keep only what is inside.
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.stop();
    }
}

struct Shared {
    state: Mutex<State>,
    /// Woken when a job arrives, a slot of this process is freed, or the phase changes.
    wake: Condvar,
    /// The process whose threads run. Read before the mutex is touched: in a forked child the
    /// mutex may be held for ever by a thread that does not exist there.
    started: BegunIn,
    clock: Arc<dyn Clock>,
    /// Most worker threads of this process.
    threads: usize,
    /// Most jobs in the queue.
    queue: usize,
    /// Slots in the budget, and the memory of each.
    slots: usize,
    slot_kib: u32,
}

struct State {
    /// The process to which `queue` and `slots` belong.
    pid: u32,
    phase: Phase,
    queue: VecDeque<Job>,
    slots: Slots,
    /// Workers that wait for a slot.
    waiting: usize,
    /// Workers that wait for a job.
    idle: usize,
    running: usize,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Quiesced,
    Stopped,
}

type Work = dyn FnOnce(Result<&mut Arena>) + Send;

struct Job {
    slots: usize,
    /// On the monotonic clock.
    start_by: Duration,
    /// Set when nobody waits for the result any more.
    abandoned: Arc<AtomicBool>,
    run: Box<Work>,
}

impl Job {
    fn is_dead(&self, now: Duration) -> bool {
        now >= self.start_by || self.abandoned.load(Ordering::Acquire)
    }

    fn refuse(self, error: Error) {
        (self.run)(Err(error));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside the lock would be a bug of ours, but the state is consistent between statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_fork(&self) -> Result<()> {
        if self.started.seen() != Begun::Elsewhere {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ForkedContext,
            forked::told("hashing threads", Left::Nothing),
        ))
    }

    fn submit<T, W>(self: &Arc<Self>, memory_kib: u32, wait: Duration, work: W) -> Ticket<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut Arena) -> Result<T> + Send + 'static,
    {
        let slots = usize::try_from(memory_kib.div_ceil(self.slot_kib))
            .unwrap_or(usize::MAX)
            .max(1);
        if slots > self.slots {
            return Ticket::ready(Err(self.too_large(memory_kib)));
        }
        let (ticket, completion) = ticket::pair();
        let job = Job {
            slots,
            start_by: self.clock.monotonic().saturating_add(wait),
            abandoned: completion.abandoned(),
            run: Box::new(move |arena| completion.complete(arena.and_then(work))),
        };
        if let Err((job, error)) = self.enqueue(job) {
            job.refuse(error);
        }
        ticket
    }

    fn enqueue(self: &Arc<Self>, job: Job) -> std::result::Result<(), (Job, Error)> {
        if let Err(error) = self.check_fork() {
            return Err((job, error));
        }
        let mut state = self.lock();
        state.belong_to(std::process::id());
        if state.phase == Phase::Stopped {
            return Err((job, stopped()));
        }
        if !state.slots.are_there() {
            return Err((job, closed_by_others()));
        }
        let mut dead = Vec::new();
        if state.queue.len() >= self.queue {
            dead = state.take_dead(self.clock.monotonic());
        }
        let placed = if state.queue.len() >= self.queue {
            Err((job, overloaded("the queue of password hashes is full")))
        } else {
            state.queue.push_back(job);
            self.wake_or_start(&mut state)
        };
        drop(state);
        refuse_all(dead);
        placed
    }

    /// Sees to it that somebody will look at the queue. Hands the newest job back if nobody can.
    fn wake_or_start(self: &Arc<Self>, state: &mut State) -> std::result::Result<(), (Job, Error)> {
        if state.phase != Phase::Open {
            return Ok(());
        }
        if state.idle < state.queue.len() && state.threads.len() < self.threads {
            self.started.begin();
            let shared = Arc::clone(self);
            let spawned = std::thread::Builder::new()
                .name("doorward-hash".into())
                .spawn(move || worker::run(&shared));
            match spawned {
                Ok(handle) => state.threads.push(handle),
                // The threads that there are serve the queue. Without any, nobody would ever look at it.
                Err(e) if state.threads.is_empty() => {
                    if let Some(job) = state.queue.pop_back() {
                        return Err((job, overloaded("no hashing thread can be started").caused_by(e)));
                    }
                }
                Err(_) => {}
            }
        }
        self.wake.notify_all();
        Ok(())
    }

    fn too_large(&self, memory_kib: u32) -> Error {
        let budget_kib = self.slots.saturating_mul(self.slot_kib as usize);
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "a stored hash needs {memory_kib} KiB, the whole budget is {budget_kib} KiB; raise hashing.budget_mib"
            ),
        )
    }

    fn halt(&self, phase: Phase) {
        if self.check_fork().is_err() {
            return; // the threads are the parent's, and so may be the mutex
        }
        let threads = {
            let mut state = self.lock();
            state.phase = phase;
            std::mem::take(&mut state.threads)
        };
        self.wake.notify_all();
        // Asked on a worker only: on a thread of the program's, `current` makes a handle that leak checkers call lost.
        let own = worker::is_one().then(|| std::thread::current().id());
        for thread in threads {
            // A waker that a worker calls may drop the last handle: a thread cannot wait for itself.
            if own != Some(thread.thread().id()) {
                let _ = thread.join(); // worker::run catches what jobs throw
            }
        }
        self.started.end();
    }

    fn resume(self: &Arc<Self>) {
        if self.check_fork().is_err() {
            return;
        }
        let mut state = self.lock();
        state.belong_to(std::process::id());
        state.phase = Phase::Open;
        if !state.queue.is_empty()
            && let Err((job, error)) = self.wake_or_start(&mut state)
        {
            drop(state);
            job.refuse(error);
        }
    }

    fn stop(&self) {
        self.halt(Phase::Stopped);
        if self.check_fork().is_ok() {
            let left = std::mem::take(&mut self.lock().queue);
            for job in left {
                job.refuse(stopped());
            }
        }
    }
}

impl State {
    /// In a child of the process that filled it, the queue is the parent's: its callers do not exist here, and
    /// waking them could reach the parent through an inherited descriptor. It is put away, not dropped. The slots
    /// are the parent's too; POSIX locks are not inherited.
    fn belong_to(&mut self, pid: u32) {
        if self.pid == pid {
            return;
        }
        self.pid = pid;
        forever::put(std::mem::take(&mut self.queue));
        forever::put(std::mem::take(&mut self.threads));
        self.slots.forget();
        (self.waiting, self.idle, self.running) = (0, 0, 0);
    }

    /// Takes out of the queue what is past its deadline or wanted by nobody.
    fn take_dead(&mut self, now: Duration) -> Vec<Job> {
        if !self.queue.iter().any(|job| job.is_dead(now)) {
            return Vec::new();
        }
        let (dead, alive): (VecDeque<Job>, _) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition(|job| job.is_dead(now));
        self.queue = alive;
        dead.into()
    }
}

/// Outside the lock: completing a ticket wakes a task, and that may run anything.
fn refuse_all(jobs: Vec<Job>) {
    for job in jobs {
        job.refuse(overloaded(
            "no memory of the password hashing budget was free in time",
        ));
    }
}

fn overloaded(message: &str) -> Error {
    Error::new(
        ErrorKind::Overloaded,
        format!("{message}; try again later, or raise hashing.budget_mib"),
    )
}

fn closed_by_others() -> Error {
    Error::new(
        ErrorKind::InvalidState,
        "this program has closed a descriptor of Doorward's, that of the hashing budget: call closefrom and the like before \
         the context is opened, and open it again",
    )
}

fn stopped() -> Error {
    Error::new(
        ErrorKind::InvalidState,
        "the context was stopped before the password was hashed",
    )
}

#[cfg(test)]
mod tests;
