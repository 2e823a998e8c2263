//! Throttle rows: read, claimed by compare-and-swap, settled; all steps of a transaction or none.

use std::time::Duration;

use doorward_base::clock::Timestamp;
use doorward_store::{Store, ThrottleKey, ThrottleLaw, ThrottleRow, ThrottleStep, Throttled};

use crate::samples::{at, hash};
use crate::{race, wait};

/// Two free failures, then 10 s, 20 s, 40 s.
fn key(bucket: u8) -> ThrottleKey {
    ThrottleKey {
        bucket: hash(bucket),
        law: ThrottleLaw::Delay {
            free: 2,
            first: Duration::from_secs(10),
            ceiling: Duration::from_secs(40),
        },
    }
}

/// Three at once, then one in 20 s.
fn rate(bucket: u8) -> ThrottleKey {
    ThrottleKey {
        bucket: hash(bucket),
        law: ThrottleLaw::Rate {
            burst: 3,
            every: Duration::from_secs(20),
        },
    }
}

fn row(store: &dyn Store, bucket: u8) -> ThrottleRow {
    let rows = wait(store.throttles(vec![hash(bucket), hash(99)]));
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1], ThrottleRow::default(), "nothing stands where no row is");
    rows[0]
}

fn fail(store: &dyn Store, buckets: &[u8], times: usize, seconds: i64) {
    for _ in 0..times {
        let steps = buckets.iter().map(|bucket| ThrottleStep::Fail(key(*bucket)));
        assert_eq!(
            wait(store.throttle(steps.collect(), at(seconds))),
            Throttled::Done
        );
    }
}

fn claim(bucket: u8, seen: ThrottleRow) -> ThrottleStep {
    ThrottleStep::Claim {
        key: key(bucket),
        seen,
    }
}

fn waits(store: &dyn Store, bucket: u8, seconds: i64) -> u64 {
    row(store, bucket).wait(&key(bucket).law, at(seconds)).as_secs()
}

/// No instant is written below the free number, so that whoever comes with a clock behind is not refused; beyond it,
/// doubled up to the ceiling; forgotten after as many hours.
pub fn failures_are_counted_and_delay_beyond_the_free_ones(store: &dyn Store) {
    assert_eq!(wait(store.throttle(Vec::new(), at(0))), Throttled::Done);
    for n in 1..=2 {
        fail(store, &[1, 2], 1, 0);
        for bucket in [1, 2] {
            let row = row(store, bucket);
            assert_eq!((row.failures, row.allowed_at), (n, Timestamp::default()));
            assert_eq!(row.expires_at, at(i64::from(n) * 3600));
        }
    }
    for delay in [10, 20, 40, 40] {
        fail(store, &[1], 1, 0);
        assert_eq!(waits(store, 1, 0), delay);
    }
    assert_eq!(row(store, 1).failures, 6);
    fail(store, &[1], 1, 6 * 3600);
    assert_eq!(row(store, 1).failures, 1, "forgotten");
    // Time set far ahead and back: what is impossible is not believed, and the next write replaces it.
    let year = 365 * 86_400;
    fail(store, &[3], 9, year);
    assert_eq!(waits(store, 3, 0), 0);
    fail(store, &[3], 1, 0);
    assert_eq!(row(store, 3).failures, 1);
}

/// Of those that read the same, one counts; the others change nothing, in no row.
pub fn a_claim_is_won_by_one_of_many(store: &dyn Store) {
    fail(store, &[1, 2], 2, 0);
    let seen = [row(store, 1), row(store, 2)];
    let won = race(16, |_| {
        wait(store.throttle(vec![claim(2, seen[1]), claim(1, seen[0])], at(1)))
    });
    assert_eq!(won.iter().filter(|answer| **answer == Throttled::Done).count(), 1);
    assert!(
        won.iter()
            .all(|answer| matches!(answer, Throttled::Done | Throttled::Lost))
    );
    assert_eq!((row(store, 1).failures, row(store, 2).failures), (3, 3));
    // One of two rows is another by now: neither is written.
    let (first, second) = (row(store, 1), row(store, 2));
    fail(store, &[2], 1, 2);
    let lost = wait(store.throttle(vec![claim(1, first), claim(2, second)], at(2)));
    assert_eq!(lost, Throttled::Lost);
    assert_eq!(row(store, 1), first);
}

/// A claim is put back by whoever has won it, if nothing has happened since; a success empties.
pub fn a_claim_is_put_back_or_a_success_empties(store: &dyn Store) {
    fail(store, &[1], 2, 0);
    let before = row(store, 1);
    assert_eq!(
        wait(store.throttle(vec![claim(1, before)], at(1))),
        Throttled::Done
    );
    let claimed = row(store, 1);
    let back = ThrottleStep::PutBack {
        bucket: hash(1),
        claimed,
        before,
    };
    assert_eq!(wait(store.throttle(vec![back], at(1))), Throttled::Done);
    assert_eq!(row(store, 1), before);
    assert_eq!(wait(store.throttle(vec![back], at(1))), Throttled::Done);
    assert_eq!(row(store, 1), before, "once");
    let clear = vec![ThrottleStep::Clear(hash(1)), ThrottleStep::Clear(hash(9))];
    assert_eq!(wait(store.throttle(clear, at(2))), Throttled::Done);
    assert_eq!((row(store, 1).failures, waits(store, 1, 2)), (0, 0));
    assert_eq!(row(store, 9), ThrottleRow::default(), "nothing to empty, no row");
}

/// A burst, a pace; a charge that may be refused is all or nothing; a failure is charged in any case.
pub fn a_charge_is_refused_with_all_that_stands_beside_it(store: &dyn Store) {
    let charge = |bucket: u8| ThrottleStep::Charge(rate(bucket));
    let granted = race(16, |_| wait(store.throttle(vec![charge(1), charge(2)], at(0))));
    let granted = granted.iter().filter(|answer| **answer == Throttled::Done);
    assert_eq!(granted.count(), 3);
    let closed = Throttled::Closed(Duration::from_secs(20));
    assert_eq!(wait(store.throttle(vec![charge(3), charge(1)], at(0))), closed);
    assert_eq!(row(store, 3), ThrottleRow::default());
    assert_eq!(wait(store.throttle(vec![charge(1)], at(20))), Throttled::Done);
    assert_eq!(
        wait(store.throttle(vec![ThrottleStep::Fail(rate(1))], at(20))),
        Throttled::Done
    );
    assert_eq!(row(store, 1).allowed_at, at(100));
    let back = ThrottleStep::Back {
        key: rate(1),
        times: 2,
    };
    assert_eq!(wait(store.throttle(vec![back], at(20))), Throttled::Done);
    assert_eq!(row(store, 1).allowed_at, at(60));
}

/// Whoever inserts takes away more than comes: what is over never piles up.
pub fn an_insert_removes_a_few_expired_rows(store: &dyn Store) {
    for bucket in 10..40 {
        fail(store, &[bucket], 1, 0);
    }
    let hours = 3600;
    for bucket in 1..=6 {
        fail(store, &[bucket], 1, 2 * hours);
    }
    let left = wait(store.purge(at(2 * hours), Duration::ZERO, 1_000)).throttles;
    assert!(left <= 6, "{left} of 30 are left after six inserts");
    assert_eq!(row(store, 6).failures, 1);
}
