//! One operation at a time for each instance, where a kind asks for it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use doorward_base::clock::{Clock, SystemClock};

/// Lets one operation through at a time (`DWP_SERIAL`), with a deadline for those that wait.
#[derive(Default)]
pub(super) struct Gate {
    busy: Mutex<bool>,
    free: Condvar,
}

/// The way through; dropping it lets the next one in.
pub(super) struct Passed<'a>(&'a Gate);

impl Gate {
    /// Waits for its turn; `None`: the deadline (system's monotonic clock) came first.
    pub(super) fn pass(&self, deadline: Duration) -> Option<Passed<'_>> {
        let wait = deadline.saturating_sub(SystemClock.monotonic());
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut busy, _) = self
            .free
            .wait_timeout_while(busy, wait, |busy| *busy)
            .unwrap_or_else(PoisonError::into_inner);
        if *busy {
            return None;
        }
        *busy = true;
        Some(Passed(self))
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        *self.0.busy.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn one_passes_at_a_time_and_nobody_waits_beyond_the_deadline() {
        let gate = Gate::default();
        let passed = gate.pass(Duration::ZERO);
        assert!(passed.is_some());
        assert!(gate.pass(Duration::ZERO).is_none());
        drop(passed);
        let inside = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _passed = gate.pass(Duration::MAX).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }
}
