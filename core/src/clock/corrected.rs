//! The clock that all processes of one database share: ours, moved by the measured offset to the database's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::{Clock, Timestamp};

/// A clock moved by an offset that is measured against the database's clock; at first not moved at all.
pub struct CorrectedClock {
    clock: Arc<dyn Clock>,
    offset_micros: AtomicI64,
}

impl CorrectedClock {
    /// A clock that reads as `clock` until it is corrected.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            offset_micros: AtomicI64::new(0),
        }
    }

    /// Our own clock, not corrected: what to read before and after asking the database.
    pub fn uncorrected(&self) -> Timestamp {
        self.clock.now()
    }

    /// Takes one measurement: the database read `database` at some moment between `before` and `after` of our own
    /// clock; half-way is assumed, so the error is at most half the round trip.
    pub fn correct(&self, before: Timestamp, database: Timestamp, after: Timestamp) {
        let midway = before.plus(after.since(before) / 2);
        let offset = database.as_micros().saturating_sub(midway.as_micros());
        self.offset_micros.store(offset, Ordering::Relaxed);
    }

    /// How far the database's clock is ahead of ours, in microseconds; negative: behind.
    pub fn offset_micros(&self) -> i64 {
        self.offset_micros.load(Ordering::Relaxed)
    }
}

impl Clock for CorrectedClock {
    fn now(&self) -> Timestamp {
        let now = self.clock.now().as_micros();
        Timestamp::from_micros(now.saturating_add(self.offset_micros()))
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ManualClock;
    use super::*;

    #[test]
    fn reads_as_the_database_to_within_half_a_round_trip() {
        let at = Timestamp::from_micros;
        for (before, database, after, offset) in [
            (100, 100, 100, 0),
            (100, 150, 200, 0),
            (100, 1_000, 200, 850),
            (100, -1_000, 100, -1_100),
            // Our clock stepped back while the database was asked: no time passed, as far as we know.
            (100, 300, 50, 200),
        ] {
            let clock = CorrectedClock::new(Arc::new(ManualClock::new(at(100))));
            clock.correct(at(before), at(database), at(after));
            assert_eq!(clock.offset_micros(), offset);
            assert_eq!(clock.now(), at(100 + offset));
        }
    }
}
