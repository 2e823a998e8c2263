//! Buckets of failures.

use std::time::Duration;

use doorward::store::{Settled, Store, Throttle, ThrottleKey, ThrottleLimit};

use super::samples::{at, hash};
use super::{race, wait};

/// Two free failures, then 10 s, 20 s, 40 s; forgotten after 1,000 s.
fn key(bucket: u8) -> ThrottleKey {
    ThrottleKey {
        bucket: hash(bucket),
        limit: ThrottleLimit {
            free: 2,
            first: Duration::from_secs(10),
            ceiling: Duration::from_secs(40),
            forget: Duration::from_secs(1_000),
        },
    }
}

fn take(store: &dyn Store, buckets: &[u8], seconds: i64) -> Throttle {
    wait(store.throttle(buckets.iter().map(|bucket| key(*bucket)).collect(), at(seconds)))
}

fn settle(store: &dyn Store, buckets: &[u8], how: Settled, seconds: i64) {
    wait(store.settle(
        buckets.iter().map(|bucket| key(*bucket)).collect(),
        how,
        at(seconds),
    ));
}

/// An attempt refused by one bucket costs nothing in the others.
pub fn all_buckets_are_counted_or_none(store: &dyn Store) {
    for _ in 0..3 {
        assert_eq!(take(store, &[1], 0), Throttle::Go);
    }
    assert_eq!(take(store, &[1], 0), Throttle::NotBefore(at(10)));
    for _ in 0..20 {
        assert_eq!(take(store, &[2, 1, 3], 5), Throttle::NotBefore(at(10)));
    }
    // Had the refused ones counted, these would be closed.
    for _ in 0..3 {
        assert_eq!(take(store, &[2, 3], 5), Throttle::Go);
    }
    assert_eq!(
        take(store, &[1, 2], 6),
        Throttle::NotBefore(at(15)),
        "the latest of them"
    );
    assert_eq!(take(store, &[], 6), Throttle::Go);
}

/// Doubled up to the ceiling, from the last failure on.
pub fn delays_grow_and_are_forgotten(store: &dyn Store) {
    take(store, &[1], 0);
    take(store, &[1], 0);
    let mut now = 0;
    for delay in [10, 20, 40, 40] {
        assert_eq!(take(store, &[1], now), Throttle::Go);
        assert_eq!(take(store, &[1], now), Throttle::NotBefore(at(now + delay)));
        assert_eq!(
            take(store, &[1], now + delay - 1),
            Throttle::NotBefore(at(now + delay))
        );
        now += delay;
    }
    now += 2_000;
    for _ in 0..3 {
        assert_eq!(take(store, &[1], now), Throttle::Go, "forgotten");
    }
    assert_eq!(take(store, &[1], now), Throttle::NotBefore(at(now + 10)));
}

/// What was neither right nor wrong did not happen; what was right forgives.
pub fn settling_gives_a_failure_back_or_empties_the_bucket(store: &dyn Store) {
    for _ in 0..3 {
        take(store, &[1, 2], 0);
    }
    settle(store, &[1], Settled::NotCounted, 1);
    assert_eq!(take(store, &[1], 1), Throttle::Go, "given back");
    assert_eq!(
        take(store, &[1], 1),
        Throttle::NotBefore(at(11)),
        "the same delay again, not the next"
    );
    settle(store, &[1, 2], Settled::Cleared, 2);
    for _ in 0..3 {
        assert_eq!(take(store, &[1, 2], 3), Throttle::Go, "emptied");
    }
    assert_eq!(take(store, &[1], 3), Throttle::NotBefore(at(13)));
    // Nothing to give back.
    settle(store, &[9], Settled::NotCounted, 3);
    settle(store, &[9], Settled::Cleared, 3);
    for _ in 0..3 {
        assert_eq!(take(store, &[9], 3), Throttle::Go);
    }
    assert_eq!(take(store, &[9], 3), Throttle::NotBefore(at(13)));
}

/// A burst gets no more attempts than a queue.
pub fn concurrent_attempts_pass_a_closing_bucket_once(store: &dyn Store) {
    let answers = race(32, |_| take(store, &[1, 2], 0));
    assert_eq!(
        answers.iter().filter(|answer| **answer == Throttle::Go).count(),
        3
    );
    let answers = race(32, |_| take(store, &[1, 2], 10));
    assert_eq!(
        answers.iter().filter(|answer| **answer == Throttle::Go).count(),
        1
    );
}
