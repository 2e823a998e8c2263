//! Time as a port: the only file of the core that reads the machine's clocks.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

mod calendar;
mod corrected;

pub use corrected::CorrectedClock;

/// A moment: microseconds since 1970-01-01T00:00:00Z. Stored so in every database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `micros` microseconds after the epoch (negative: before it).
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment moved later; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(micros(by)))
    }

    /// This moment moved earlier; stops at the beginning of time.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(micros(by)))
    }

    /// The time from `earlier` to this moment, zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}us", self.0)
    }
}

fn micros(by: Duration) -> i64 {
    i64::try_from(by.as_micros()).unwrap_or(i64::MAX)
}

/// Where a context takes its time from. Safe from many threads.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. It may step backwards; what is stored never does.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, never going backwards: for deadlines only.
    fn monotonic(&self) -> Duration;

    /// Time since the machine started, its sleep included: nobody sets it, so a step of the wall clock is seen against it.
    /// Where there is no such clock: [`monotonic`](Self::monotonic).
    fn boot(&self) -> Duration {
        self.monotonic()
    }
}

/// The system's clocks: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port's one real implementation"
    )]
    fn now(&self) -> Timestamp {
        match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => Timestamp(micros(since)),
            Err(before) => Timestamp(micros(before.duration()).saturating_neg()),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port's one real implementation"
    )]
    fn monotonic(&self) -> Duration {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        START.get_or_init(std::time::Instant::now).elapsed()
    }

    #[cfg(target_os = "linux")]
    fn boot(&self) -> Duration {
        // Err: a kernel without this clock.
        nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
            .map_or_else(|_| self.monotonic(), Duration::from)
    }
}

/// A clock that stands still until it is told to move: for tests, in every language.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    boot: AtomicI64,
}

impl ManualClock {
    /// A clock that reads `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: AtomicI64::new(now.0),
            boot: AtomicI64::new(0),
        }
    }

    /// Moves the clock later: so much time passes.
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(micros(by), Ordering::SeqCst);
        self.boot.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// Sets the clock. Later: the time in between passes. Earlier: the wall clock [steps](Self::step) back.
    pub fn set(&self, to: Timestamp) {
        let was = self.now.swap(to.0, Ordering::SeqCst);
        let passes = to.since(Timestamp(was));
        self.boot.fetch_add(micros(passes), Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an operator or NTP does: no time passes.
    pub fn step(&self, to: Timestamp) {
        self.now.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.boot.load(Ordering::SeqCst).unsigned_abs())
    }
}
