//! The look for foreign descriptors, on a thread beside the writer, which obeys the last answer and never waits for one.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::descriptors::Files;
use doorward_base::clock::{Clock, SystemClock};
use doorward_store::{StoreError, StoreResult};

/// How often to look, where a look is short.
const EACH: Duration = Duration::from_secs(1);
/// A look of one part is followed by so many parts of rest: it takes a hundredth of the time at most.
const REST: u32 = 99;

/// The thread that looks.
pub(super) struct Look {
    /// Never sent to: the thread ends when it goes.
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Look {
    /// Begins to look, a second from now: who opened the writer has just done it.
    ///
    /// # Errors
    /// `Unavailable` when no thread can be had.
    pub(super) fn start(files: Files) -> StoreResult<Self> {
        let (stop, stopped) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("doorward-look".into())
            .spawn(move || {
                let mut rest = EACH;
                while stopped.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
                    let began_at = SystemClock.monotonic();
                    files.look();
                    rest = rest_after(SystemClock.monotonic().saturating_sub(began_at));
                }
            })
            .map_err(|error| StoreError::Unavailable(format!("the look-out thread cannot start: {error}")))?;
        Ok(Self { stop, thread })
    }

    /// Ends it, after the look that it may be at.
    pub(super) fn stop(self) {
        drop(self.stop);
        drop(self.thread.join());
    }
}

fn rest_after(took: Duration) -> Duration {
    EACH.saturating_sub(took).max(took.saturating_mul(REST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_takes_a_hundredth_of_the_time_at_most() {
        for micros in [0, 80, 9_999, 10_000, 10_001, 250_000, 4_000_000] {
            let took = Duration::from_micros(micros);
            let round = took + rest_after(took);
            assert!(round >= EACH && round >= took * 100, "{took:?} in {round:?}");
            assert!(round <= EACH.max(took * 100), "{took:?} in {round:?}");
        }
    }
}
