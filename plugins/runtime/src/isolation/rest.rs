//! What a worker does between its calls: nothing, or it is replaced.
//!
//! A plugin may leave threads behind, which go on when its answer has been given. The kernel counts the processor time of
//! each process; what is counted here is the part of it that nobody asked for.

use std::time::Duration;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

use doorward_base::clock::{Clock, SystemClock};

/// Processor time without a call at which it is looked what part of the time that was.
const BURNT: Duration = Duration::from_millis(500);
/// A plugin that keeps a connection alive or tidies up uses less than one part in so many.
const PART: u32 = 20;
/// What is longer ago says nothing any more.
const FORGOTTEN: Duration = Duration::from_mins(2);

/// A worker's time without calls.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// The worker, where the kernel has said which process it is.
    pub(super) process: Option<Pid>,
    /// When it was last looked, and the processor time that it had used by then.
    since: Option<(Duration, Duration)>,
    spent: Spent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spent {
    processor: Duration,
    time: Duration,
}

impl Spent {
    /// Adds what was used; true: too much, and it counts anew.
    fn add(&mut self, processor: Duration, time: Duration) -> bool {
        self.processor += processor;
        self.time += time;
        if self.processor >= BURNT {
            let spent = std::mem::take(self);
            return spent.processor * PART >= spent.time;
        }
        if self.time >= FORGOTTEN {
            *self = Self::default();
        }
        false
    }
}

impl Rest {
    pub(super) fn begin(&mut self) {
        self.since = self
            .processor()
            .map(|processor| (SystemClock.monotonic(), processor));
    }

    /// Looks at the rest so far. True: it burns processor time.
    pub(super) fn look(&mut self) -> bool {
        let Some((at, had)) = self.since.take() else {
            return false;
        };
        self.begin();
        self.since.is_some_and(|(now, has)| {
            let (processor, time) = (has.saturating_sub(had), now.saturating_sub(at));
            self.spent.add(processor, time)
        })
    }

    /// The processor time of all its threads; `None`: it has gone, or is not known.
    fn processor(&self) -> Option<Duration> {
        let clock = clock_getcpuclockid(self.process?).ok()?;
        Some(Duration::from(clock.now().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn threads_left_running_are_noticed_and_what_tidies_up_is_not() {
        // Processor time and time of each second of rest, and after how many of them it is replaced.
        for (processor, time, replaced) in [
            (1000, 1000, Some(1)),
            (250, 1000, Some(2)),
            (60, 1000, Some(9)),
            (40, 1000, None),
            (4, 1000, None),
            (0, 1000, None),
        ] {
            let mut spent = Spent::default();
            let seconds = (1..=600).find(|_| spent.add(processor * MS, time * MS));
            assert_eq!(seconds, replaced, "{processor} of {time}");
        }
    }

    #[test]
    fn between_quick_calls_it_adds_up() {
        let mut spent = Spent::default();
        assert_eq!((1..=1000).find(|_| spent.add(2 * MS, 3 * MS)), Some(250));
    }
}
