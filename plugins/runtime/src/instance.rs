//! The plugin's instance of a provider name, in this process: opened, started, and after a panic replaced.
//!
//! A plugin that says `E_BROKEN` does not know what it left behind. Its instance gets no further call; the next one opens
//! another, with back-off, and the old one is closed when the last call that runs on it has returned.

#![expect(unsafe_code, reason = "here the plugin's instances are ended")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use doorward_plugin_abi as abi;

use super::breaker::{Admission, Breaker};
use super::kind_table::KindTable;
use super::module::Module;
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::forked::{Begun, BegunIn};

/// One instance. Dropping it stops and closes it, in the process where that is its own to do.
pub(super) struct Instance {
    raw: *mut abi::Instance,
    table: Arc<KindTable>,
    module: Arc<Module>,
    /// The process in which `start` has been called and not `stop`.
    started: BegunIn,
    /// It gets no call: it has broken, or is not ready yet.
    is_broken: AtomicBool,
}

// SAFETY: the header allows operations on one instance from many threads, and the other calls from any, one at a
// time (`Module::control`).
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Instance {
    /// What `open` made; it is closed by this from now on. One that `is_ready` may be asked; any other waits for
    /// [`Instance::make_ready`].
    pub(super) fn new(
        raw: *mut abi::Instance,
        table: &Arc<KindTable>,
        module: &Arc<Module>,
        is_ready: bool,
    ) -> Self {
        Self {
            raw,
            table: Arc::clone(table),
            module: Arc::clone(module),
            started: BegunIn::default(),
            is_broken: AtomicBool::new(!is_ready),
        }
    }

    /// It has been started, where it has to be.
    pub(super) fn make_ready(&self) {
        self.is_broken.store(false, Ordering::Release);
    }

    pub(super) const fn raw(&self) -> *mut abi::Instance {
        self.raw
    }

    /// `start` has returned well in this process.
    pub(super) fn has_started(&self) {
        self.started.begin();
    }

    /// Ends what `start` began, in the process where it did.
    pub(super) fn stop(&self) {
        let was_started = self.started.end_here();
        if let Some(stop) = self.table.operations.stop.filter(|_| was_started) {
            let _control = self.module.control.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: the kind's own `stop`, after `start` in this process; one thread at a time.
            unsafe { stop(self.raw) };
        }
    }
}

impl Drop for Instance {
    /// Every call holds the instance, so none runs any more; one that never returns keeps it.
    fn drop(&mut self) {
        if self.started.seen() == Begun::Elsewhere {
            // Its threads and connections are not ours to end.
            return;
        }
        self.stop();
        if let Some(close) = self.table.operations.close {
            let _control = self.module.control.lock().unwrap_or_else(PoisonError::into_inner);
            // SAFETY: the kind's own `close`, once, after the last operation; one thread at a time.
            unsafe { close(self.raw) };
        }
    }
}

/// The instance that calls go to now, and how often it has broken.
pub(super) struct Current {
    instance: Mutex<Arc<Instance>>,
    breaker: Mutex<Breaker>,
    /// The breaker has counted a failure since the last good answer.
    is_troubled: AtomicBool,
}

impl Current {
    /// Calls go to this one first.
    pub(super) fn of(instance: Instance) -> Self {
        Self {
            instance: Mutex::new(Arc::new(instance)),
            breaker: Mutex::default(),
            is_troubled: AtomicBool::new(false),
        }
    }

    pub(super) fn set(&self, instance: Instance) -> Arc<Instance> {
        let instance = Arc::new(instance);
        let old = std::mem::replace(&mut *self.lock(), Arc::clone(&instance));
        // Outside the lock: it may be closed here.
        drop(old);
        instance
    }

    pub(super) fn get(&self) -> Arc<Instance> {
        Arc::clone(&self.lock())
    }

    /// One that is not broken: the current one, or what `open` makes, which is then current.
    ///
    /// # Errors
    /// `Unavailable`: it broke so often that it is left alone for a while; what `open` says.
    pub(super) fn usable(&self, open: impl FnOnce() -> Result<Arc<Instance>>) -> Result<Arc<Instance>> {
        let whole = |instance: &Instance| !instance.is_broken.load(Ordering::Acquire);
        let now = self.get();
        if whole(&now) {
            return Ok(now);
        }
        // One opens; whoever comes meanwhile waits for that.
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.get();
        if whole(&now) {
            return Ok(now);
        }
        let left_alone = |how: &str| {
            let why = format!("the plugin panicked {how}: it is opened again in a moment");
            Err(Error::new(ErrorKind::Unavailable, why))
        };
        match breaker.admit(SystemClock.monotonic()) {
            Admission::Refused => left_alone("again and again"),
            Admission::From(at) if at > SystemClock.monotonic() => {
                breaker.undecided();
                left_alone("more than once")
            }
            Admission::From(_) => match open() {
                Ok(instance) => Ok(instance),
                Err(error) => {
                    breaker.failed(SystemClock.monotonic());
                    Err(error)
                }
            },
        }
    }

    /// How a call on the instance ended: `is_broken` where the plugin said so.
    pub(super) fn ended(&self, instance: &Instance, is_broken: bool) {
        if is_broken {
            // Calls that ran on it together break it once.
            if !instance.is_broken.swap(true, Ordering::AcqRel) {
                self.is_troubled.store(true, Ordering::Release);
                let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
                breaker.failed(SystemClock.monotonic());
            }
        } else if self.is_troubled.swap(false, Ordering::AcqRel) {
            let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
            breaker.succeeded();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Instance>> {
        self.instance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
