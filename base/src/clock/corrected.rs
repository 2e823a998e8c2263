//! The clock that all processes of one database share: the database's own, or the machine's where it has none.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Clock, Timestamp, micros};

/// By how much the wall clock, or the database's, leaps when it is a step and no drift.
const STEP: i64 = 1_000_000;
/// How often two clocks are read that are to be read together: a thread may be stopped between them.
const READS: u32 = 5;
/// No step, no measurement.
const NEVER: i64 = i64::MIN;

/// A clock that reads as the database's does, wherever the machine's own is set to.
///
/// Where the database has a clock, this is the time since the machine started, moved by the offset that was measured last:
/// a step of the wall clock changes nothing, and asks for a [measurement](Self::asked). Where it has none, the wall clock is
/// what all processes share, and a step is only [noticed](Self::stepped_within).
pub struct CorrectedClock {
    clock: Arc<dyn Clock>,
    /// The database's clock minus the time since the start of the machine; `NEVER`: it was never asked.
    offset: AtomicI64,
    /// The wall clock minus the time since the start of the machine, when a step was last looked for.
    wall: AtomicI64,
    /// When the shared clock was last noticed to have stepped, as time since the start of the machine.
    stepped_at: AtomicI64,
    /// How far off the offset may be, to either side.
    error: Mutex<Duration>,
    asked: Notify,
}

impl CorrectedClock {
    /// A clock that reads as `clock` until it is corrected.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (wall, boot) = together(&*clock);
        Self {
            offset: AtomicI64::new(NEVER),
            wall: AtomicI64::new(wall.as_micros().saturating_sub(micros(boot))),
            stepped_at: AtomicI64::new(NEVER),
            error: Mutex::new(Duration::ZERO),
            asked: Notify::new(),
            clock,
        }
    }

    /// Whether the database's clock was ever asked: then it is the one that counts.
    pub fn is_corrected(&self) -> bool {
        self.offset.load(Ordering::Relaxed) != NEVER
    }

    /// Takes one measurement: the database read `database` at some moment between `before` and `after`, which are times
    /// since the start of the machine ([`boot`](Clock::boot)). Half-way is assumed, so the error is at most half the round
    /// trip; a worse measurement that the offset agrees with changes nothing.
    pub fn correct(&self, before: Duration, database: Timestamp, after: Duration) {
        let error = after.saturating_sub(before) / 2;
        let offset = database
            .as_micros()
            .saturating_sub(micros(before.saturating_add(error)));
        let mut known = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.offset.load(Ordering::Relaxed);
        let off = old.saturating_sub(offset).unsigned_abs();
        if old != NEVER
            && error >= *known
            && off <= Duration::as_micros(&error).try_into().unwrap_or(u64::MAX)
        {
            return;
        }
        *known = error;
        self.offset.store(offset, Ordering::Relaxed);
        if old != NEVER && off > STEP.unsigned_abs() {
            self.stepped_at.store(micros(after), Ordering::Relaxed);
        }
    }

    /// Resolves when a step of the wall clock asks for a measurement.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Whether the shared clock was noticed to step, less than `time` ago by the time since the start of the machine: then
    /// a moment that was stored may lie further back, or less far, than it seems.
    pub fn stepped_within(&self, time: Duration) -> bool {
        let at = self.stepped_at.load(Ordering::Relaxed);
        at != NEVER && micros(self.clock.boot()).saturating_sub(at) < micros(time)
    }

    /// Compares the wall clock with the time since the start of the machine.
    fn look(&self, wall: Timestamp, boot: Duration) {
        let apart = |wall: Timestamp, boot| wall.as_micros().saturating_sub(micros(boot));
        let was = self.wall.load(Ordering::Relaxed);
        if apart(wall, boot).saturating_sub(was).saturating_abs() <= STEP {
            return;
        }
        // A thread that was stopped between the two readings has seen no step.
        let (wall, boot) = together(&*self.clock);
        let is = apart(wall, boot);
        if is.saturating_sub(was).saturating_abs() <= STEP {
            return;
        }
        // Before the note that it was looked for: whoever finds that, finds this.
        if !self.is_corrected() {
            self.stepped_at.store(micros(boot), Ordering::Relaxed);
        }
        self.wall.store(is, Ordering::Release);
        self.asked.notify_one();
    }
}

impl Clock for CorrectedClock {
    fn now(&self) -> Timestamp {
        let (wall, boot) = (self.clock.now(), self.clock.boot());
        self.look(wall, boot);
        match self.offset.load(Ordering::Relaxed) {
            NEVER => wall,
            offset => Timestamp::from_micros(micros(boot).saturating_add(offset)),
        }
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn boot(&self) -> Duration {
        self.clock.boot()
    }
}

/// Both clocks at the same moment, as nearly as a few attempts give.
fn together(clock: &dyn Clock) -> (Timestamp, Duration) {
    let read = || {
        let before = clock.boot();
        let wall = clock.now();
        let took = clock.boot().saturating_sub(before);
        (took, wall, before.saturating_add(took / 2))
    };
    let mut best = read();
    for _ in 1..READS {
        if micros(best.0) < STEP / 10 {
            break;
        }
        let again = read();
        if again.0 < best.0 {
            best = again;
        }
    }
    (best.1, best.2)
}

#[cfg(test)]
mod tests {
    use super::super::ManualClock;
    use super::*;

    const GRACE: Duration = Duration::from_secs(30);
    const HOUR: Duration = Duration::from_hours(1);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).plus(s(seconds))
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A clock that reads 1000 s, of a machine that was started just now.
    fn clocks() -> (Arc<ManualClock>, CorrectedClock) {
        let clock = Arc::new(ManualClock::new(at(1000)));
        (clock.clone(), CorrectedClock::new(clock))
    }

    #[test]
    fn reads_as_the_database_to_within_half_a_round_trip() {
        for (before, database, after, now) in [
            (0, 1000, 0, 1000),
            (0, 1005, 10, 1000),
            (0, 50, 2, 49),
            (4, 2000, 4, 1996),
        ] {
            let (clock, corrected) = clocks();
            assert!(!corrected.is_corrected());
            corrected.correct(s(before), at(database), s(after));
            assert!(corrected.is_corrected());
            assert_eq!(corrected.now(), at(now), "{before} {database} {after}");
            clock.advance(HOUR);
            assert_eq!(corrected.now(), at(now).plus(HOUR));
        }
    }

    #[test]
    fn a_worse_measurement_changes_nothing_unless_the_clocks_part() {
        let (_, corrected) = clocks();
        corrected.correct(s(0), at(500), s(2));
        assert_eq!(corrected.now(), at(499));
        // Between 495 and 505 at the start: agrees.
        corrected.correct(s(0), at(505), s(10));
        assert_eq!(corrected.now(), at(499));
        assert!(!corrected.stepped_within(GRACE));
        // As good, and off by a second: no step, but the newer one counts.
        corrected.correct(s(0), at(501), s(2));
        assert_eq!(corrected.now(), at(499), "within its error");
        corrected.correct(s(0), at(500), s(0));
        assert_eq!(corrected.now(), at(500));
        assert!(!corrected.stepped_within(GRACE));
        // The database's own clock has stepped.
        corrected.correct(s(0), at(505), s(4));
        assert_eq!(corrected.now(), at(503));
        assert!(corrected.stepped_within(GRACE));
    }

    #[test]
    fn a_step_of_the_wall_clock_moves_nothing_that_is_corrected_and_asks_for_a_measurement() {
        for to in [at(5000), at(1), at(998)] {
            let (clock, corrected) = clocks();
            corrected.correct(s(0), at(2000), s(0));
            clock.step(to);
            clock.advance(s(1));
            assert_eq!(corrected.now(), at(2001));
            assert!(!corrected.stepped_within(GRACE), "nobody's clock but ours");
            let asked = std::pin::pin!(corrected.asked());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(asked.poll(&mut context).is_ready());
        }
    }

    #[test]
    fn a_step_is_noticed_for_a_while_where_the_wall_clock_is_the_shared_one() {
        for (to, noticed) in [
            (at(5000), true),
            (at(1), true),
            (at(1001), false),
            (at(1002), true),
        ] {
            let (clock, corrected) = clocks();
            clock.advance(Duration::ZERO);
            assert_eq!(corrected.now(), at(1000));
            clock.step(to);
            assert_eq!(corrected.now(), to);
            assert_eq!(corrected.stepped_within(GRACE), noticed, "{to}");
            clock.advance(GRACE.saturating_sub(Duration::from_micros(1)));
            assert_eq!(corrected.stepped_within(GRACE), noticed);
            clock.advance(Duration::from_micros(1));
            corrected.now();
            assert!(!corrected.stepped_within(GRACE), "once is enough");
        }
    }

    #[test]
    fn time_that_passes_is_no_step_and_small_steps_add_up() {
        let (clock, corrected) = clocks();
        clock.advance(HOUR * 24 * 365);
        corrected.now();
        assert!(!corrected.stepped_within(HOUR));
        for step in 1..=3 {
            clock.step(clock.now().plus(Duration::from_millis(400)));
            corrected.now();
            assert_eq!(corrected.stepped_within(HOUR), step == 3);
        }
    }

    #[test]
    fn the_machines_boot_clock_goes_with_its_wall_clock() {
        let corrected = CorrectedClock::new(Arc::new(super::super::SystemClock));
        let began = corrected.boot();
        corrected.now();
        assert!(corrected.boot() >= began);
        assert!(!corrected.stepped_within(HOUR));
    }
}
