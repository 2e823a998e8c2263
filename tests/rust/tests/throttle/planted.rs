//! The four faults that this design is made against: each turns a probe red that the sound store passes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::clock::Clock as _;
use doorward::store::memory::MemoryStore;
use doorward::store::{Hash, Reply, Store, ThrottleRow, ThrottleStep, Throttled};
use doorward::{Auth, Timestamp};
use doorward_tests::intercept::{Intercept, Intercepted};

use crate::world::{PASSWORD, Time, WRONG, device, from, how, peer, process, run, sign_up, time, try_at};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// A claim without compare-and-swap.
    ClaimsAnything,
    /// An instant written in the free range.
    WritesItsClock,
    /// An impossible instant is cut down instead of disbelieved.
    Clamps,
    /// A success in a lane empties the strangers' counters, too.
    LaneEmptiesAll,
}

/// A store with one fault, and a place between the decision and the claim.
struct Faulty {
    inner: Arc<dyn Store>,
    fault: Fault,
    time: Time,
    failed: Mutex<Vec<Hash>>,
    between: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Intercept for Faulty {
    fn inner(&self) -> Arc<dyn Store> {
        self.inner.clone()
    }

    fn throttles(&self, buckets: Vec<Hash>) -> Reply<Vec<ThrottleRow>> {
        let mut rows = run(self.inner.throttles(buckets)).unwrap();
        let now = self.time.now();
        for row in &mut rows {
            if self.fault == Fault::WritesItsClock
                && row.failures > 0
                && row.allowed_at == Timestamp::default()
            {
                row.allowed_at = row
                    .expires_at
                    .minus(Duration::from_hours(row.failures.min(24).into()));
            }
            if self.fault == Fault::Clamps && row.allowed_at > now {
                row.allowed_at = row.allowed_at.min(now.plus(Duration::from_hours(1)));
                row.expires_at = row.expires_at.min(now.plus(Duration::from_hours(24)));
            }
        }
        Reply::Now(Ok(rows))
    }

    fn throttle(&self, mut steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        let is_claim = steps
            .iter()
            .any(|step| matches!(step, ThrottleStep::Claim { .. }));
        let between = self.between.lock().unwrap().take_if(|_| is_claim);
        if let Some(between) = between {
            between();
        }
        let mut emptied = Vec::new();
        for step in &mut steps {
            match step {
                ThrottleStep::Claim { key, seen } if self.fault == Fault::ClaimsAnything => {
                    *seen = run(self.inner.throttles(vec![key.bucket])).unwrap()[0];
                }
                ThrottleStep::Claim { key, .. } | ThrottleStep::Fail(key) => {
                    self.failed.lock().unwrap().push(key.bucket);
                }
                ThrottleStep::Clear(_) if self.fault == Fault::LaneEmptiesAll => {
                    emptied.clone_from(&self.failed.lock().unwrap());
                }
                _ => {}
            }
        }
        steps.extend(emptied.into_iter().map(ThrottleStep::Clear));
        self.inner.throttle(steps, now)
    }
}

fn faulty(fault: Fault) -> (Arc<Faulty>, Arc<dyn Store>, Time) {
    let time = time();
    let faulty = Arc::new(Faulty {
        inner: Arc::new(MemoryStore::new()),
        fault,
        time: time.clone(),
        failed: Mutex::default(),
        between: Mutex::default(),
    });
    let store: Arc<dyn Store> = Arc::new(Intercepted(faulty.clone()));
    (faulty, store, time)
}

/// Of two that decide at the same moment, one is let through.
fn one_of_two_is_let_through(fault: Fault) -> bool {
    let (faulty, store, time) = faulty(fault);
    let [one, other] = [0, 50].map(|ahead| process(&store, &time, ahead, ""));
    for number in 0..10 {
        how(&one, &peer(number), "ann@example.com", WRONG);
    }
    let through = Arc::new(Mutex::new(Vec::new()));
    let seen = through.clone();
    *faulty.between.lock().unwrap() = Some(Box::new(move || {
        seen.lock()
            .unwrap()
            .push(how(&other, "192.0.2.2", "ann@example.com", WRONG));
    }));
    let first = how(&one, "192.0.2.1", "ann@example.com", WRONG);
    through.lock().unwrap().push(first);
    let through = through.lock().unwrap();
    through.iter().filter(|how| **how == "refused").count() == 1
}

/// Whoever's clock is behind is not refused after a failure that was free.
fn a_clock_behind_is_not_refused(fault: Fault) -> bool {
    let (_, store, time) = faulty(fault);
    let [ahead, behind] = [50, -50].map(|ahead| process(&store, &time, ahead, ""));
    sign_up(&ahead, "ann@example.com");
    how(&ahead, "192.0.2.1", "ann@example.com", WRONG);
    how(&behind, "192.0.2.1", "ann@example.com", PASSWORD) == "accepted"
}

/// What was written under a clock far ahead holds nobody up.
fn an_impossible_instant_is_not_believed(fault: Fault) -> bool {
    let (_, store, time) = faulty(fault);
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "ann@example.com");
    let ahead = process(&store, &time, 30 * 3_600_000, "");
    for number in 0..20 {
        how(&ahead, &peer(number), "ann@example.com", WRONG);
    }
    how(&auth, "192.0.2.1", "ann@example.com", PASSWORD) == "accepted"
}

/// The owner's success leaves the strangers' counters as they are.
fn strangers_stay_shut_out(fault: Fault) -> bool {
    let (_, store, time) = faulty(fault);
    let auth: Auth = process(&store, &time, 0, "");
    sign_up(&auth, "ann@example.com");
    let known = device(&auth, "198.51.100.1", "ann@example.com");
    for number in 0..15 {
        how(&auth, &peer(number), "ann@example.com", WRONG);
    }
    for with in [WRONG, PASSWORD] {
        let answer = try_at(&auth, from("198.51.100.1", &known), "ann@example.com", with);
        assert_ne!(answer.outcome.id(), "throttled");
    }
    how(&auth, &peer(77), "ann@example.com", WRONG) == "throttled"
}

#[test]
fn each_planted_fault_turns_its_probe_red() {
    type Probe = fn(Fault) -> bool;
    let probes: [(Fault, Probe); 4] = [
        (Fault::ClaimsAnything, one_of_two_is_let_through),
        (Fault::WritesItsClock, a_clock_behind_is_not_refused),
        (Fault::Clamps, an_impossible_instant_is_not_believed),
        (Fault::LaneEmptiesAll, strangers_stay_shut_out),
    ];
    for (fault, probe) in probes {
        assert!(probe(Fault::None), "{fault:?}: the sound store passes");
        assert!(!probe(fault), "{fault:?} was not noticed");
    }
}
