//! When a plugin that fails is left alone: back-off between restarts, and a circuit that opens. For processes, and for
//! instances in this one.
//!
//! ```text
//! closed ──8 failures in a row──► open ──after a while──► half open: one call ──good──► closed
//!                                  ▲                                      └──bad──► open, twice as long
//! ```
//!
//! Only failures in a row count: one bad request among good ones costs itself and nothing else.

use std::time::Duration;

/// Failures in a row that open the circuit.
const MOST: u32 = 8;
/// The wait before a restart after the third failure in a row; doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(25);
/// How long the circuit stays open at first, and at most.
const FIRST_OPEN: Duration = Duration::from_millis(500);
const LONGEST_OPEN: Duration = Duration::from_secs(30);

/// What a call may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Go on; a worker may be started from this moment on.
    From(Duration),
    /// The circuit is open.
    Refused,
}

/// Times are of one monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// Restarts before this wait.
    restart_at: Duration,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Duration,
    lasts: Duration,
    probing: bool,
}

impl Breaker {
    /// Asks for one call, whose end is told by [`Breaker::succeeded`], [`Breaker::failed`] or [`Breaker::undecided`].
    pub(super) fn admit(&mut self, now: Duration) -> Admission {
        match &mut self.open {
            None => Admission::From(self.restart_at),
            Some(open) if open.probing || now < open.until => Admission::Refused,
            Some(open) => {
                open.probing = true;
                Admission::From(now)
            }
        }
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The call ended before it came to anything, by nobody's fault.
    pub(super) fn undecided(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = false;
        }
    }

    /// True when this one opened the circuit.
    pub(super) fn failed(&mut self, now: Duration) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures > 2 {
            let doublings = (self.failures - 3).min(10);
            self.restart_at = now + FIRST_WAIT * 2_u32.pow(doublings);
        }
        let lasts = match &self.open {
            // Of a call that was admitted before the circuit opened.
            Some(open) if !open.probing => return false,
            Some(open) => (open.lasts * 2).min(LONGEST_OPEN),
            None if self.failures < MOST => return false,
            None => FIRST_OPEN,
        };
        self.open = Some(Open {
            until: now + lasts,
            lasts,
            probing: false,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn failures_among_good_answers_never_open_it() {
        let mut breaker = Breaker::default();
        for turn in 0..100 {
            assert_eq!(breaker.admit(at(turn)), Admission::From(at(0)));
            breaker.failed(at(turn));
            assert_eq!(breaker.admit(at(turn)), Admission::From(at(0)));
            breaker.succeeded();
        }
    }

    #[test]
    fn it_waits_longer_and_longer_then_opens_and_lets_one_call_probe() {
        let mut breaker = Breaker::default();
        let mut last = at(0);
        for failure in 1..MOST {
            assert!(!breaker.failed(at(1000)));
            let Admission::From(start) = breaker.admit(at(1000)) else {
                panic!("open after {failure}")
            };
            assert!(
                start >= last && (start > at(1000)) == (failure > 2),
                "{failure}: {start:?}"
            );
            last = start;
        }
        assert!(breaker.failed(at(1000)));
        assert_eq!(breaker.admit(at(1499)), Admission::Refused);
        assert_eq!(breaker.admit(at(1500)), Admission::From(at(1500)));
        assert_eq!(breaker.admit(at(1500)), Admission::Refused, "one probe at a time");
        assert!(breaker.failed(at(1600)), "a bad probe opens it again");
        assert_eq!(breaker.admit(at(2599)), Admission::Refused);
        assert_eq!(breaker.admit(at(2600)), Admission::From(at(2600)));
        breaker.undecided();
        assert_eq!(breaker.admit(at(2600)), Admission::From(at(2600)));
        breaker.succeeded();
        assert_eq!(breaker.admit(at(2600)), Admission::From(at(0)));
    }

    #[test]
    fn it_never_stays_open_for_long() {
        let mut breaker = Breaker::default();
        let mut now = at(0);
        for _ in 0..50 {
            breaker.failed(now);
            now += LONGEST_OPEN;
            assert!(matches!(breaker.admit(now), Admission::From(start) if start <= now));
        }
    }
}
