//! Kinds that may block: nobody waits longer than the deadline, and nobody is let in after it.

use std::time::Duration;

use doorward::ErrorKind;
use doorward::plugin::{Ask, Decision, Kind, Kinds, OpenRecord, Operation, PoolSettings};
use doorward::{AuthenticatorId, Secret};
use serde_json::json;

use crate::build;
use crate::context::{LONG, answer, ask, at_once, block_on, kinds, open, services};

/// Short, and long enough for a thread to begin.
const SHORT: Duration = Duration::from_millis(50);

fn verify(what: &str) -> Ask {
    let record = OpenRecord {
        id: AuthenticatorId::SINGLE,
        version: 1,
        bytes: Secret::new([0, 0, 0, 1, 1]),
        label: String::new(),
    };
    Ask {
        records: vec![record],
        ..ask(Operation::Verify, &[("do", what)])
    }
}

fn hostile(kinds: &Kinds) -> Kind {
    open(kinds, "hostile", &json!({})).unwrap()
}

/// The plugin with a deadline that a busy machine does not reach, on so many threads.
fn patient(threads: usize, queue: usize) -> Kinds {
    let object = build::c("tests/plugins/hostile.c", &["DEADLINE_MS=60000"]);
    let pools = PoolSettings { threads, queue };
    let kinds = Kinds::load(&[build::settings(&object)], &[], services().0, pools).unwrap();
    kinds.start().unwrap();
    kinds
}

/// Asks until so many calls are stuck: on a busy machine a call may also be given up before it begins.
fn stick(kind: &Kind, what: &str, stuck: usize) {
    while kind.stuck() < stuck {
        let error = block_on(kind.ask(verify(what), SHORT)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}

#[test]
fn a_call_that_never_returns_is_given_up_replaced_and_in_the_end_shut_off() {
    let kinds = patient(2, 2);
    let kind = hostile(&kinds);
    // Two threads: when the first is stuck and the second is busy, the replacement goes on working.
    stick(&kind, "never", 1);
    let mut busy = Box::pin(kind.ask(verify("never"), Duration::from_secs(2)));
    assert!(at_once(busy.as_mut()).is_none());
    assert_eq!(
        answer(&kind, verify("accept")).unwrap().decision,
        Decision::Accept
    );
    stick(&kind, "never", 2);
    // The circuit is open: not even a good call is made, and it is said at once.
    let error = at_once(kind.ask(verify("accept"), LONG)).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    // Stuck threads do not hold up the end.
    kinds.stop();
}

#[test]
fn a_late_answer_goes_nowhere_and_its_thread_comes_back() {
    let kinds = patient(1, 2);
    let kind = hostile(&kinds);
    stick(&kind, "late", 1);
    assert_eq!(
        at_once(kind.ask(verify("accept"), LONG))
            .unwrap()
            .unwrap_err()
            .kind(),
        ErrorKind::Unavailable
    );
    // It returns after half a second, saying ACCEPT to nobody; then the circuit closes.
    while kind.stuck() > 0 {
        std::thread::yield_now();
    }
    for (what, decision) in [("deny", Decision::Deny), ("accept", Decision::Accept)] {
        assert_eq!(answer(&kind, verify(what)).unwrap().decision, decision);
    }
}

#[test]
fn the_declared_deadline_bounds_a_longer_one() {
    let kinds = kinds(&build::c("tests/plugins/hostile.c", &[]));
    let kind = hostile(&kinds);
    assert_eq!(kind.declaration().deadline, Duration::from_millis(200));
    assert_eq!(
        answer(&kind, verify("never")).unwrap_err().kind(),
        ErrorKind::Timeout
    );
}

#[test]
fn a_full_queue_refuses_at_once() {
    let kinds = patient(2, 2);
    let kind = hostile(&kinds);
    // Two run and two wait at most; a call begins when it is polled.
    let mut calls: Vec<_> = (0..5).map(|_| Box::pin(kind.ask(verify("late"), LONG))).collect();
    let refused: Vec<_> = calls
        .iter_mut()
        .filter_map(|call| at_once(call.as_mut()))
        .collect();
    assert!(!refused.is_empty());
    for answer in refused {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Overloaded);
    }
}

#[test]
fn a_kind_is_started_and_stopped_with_its_context_and_again() {
    let kinds = patient(2, 2);
    kinds.stop();
    let kind = hostile(&kinds);
    assert_eq!(
        answer(&kind, verify("accept")).unwrap_err().kind(),
        ErrorKind::InvalidState
    );
    for _ in 0..3 {
        kinds.start().unwrap();
        assert_eq!(
            answer(&kind, verify("accept")).unwrap().decision,
            Decision::Accept
        );
        kinds.stop();
        assert_eq!(
            answer(&kind, verify("accept")).unwrap_err().kind(),
            ErrorKind::InvalidState
        );
    }
}

#[test]
fn many_threads_ask_one_kind_and_each_gets_its_own_answer() {
    let kinds = patient(4, 1024);
    let (pooled, inline) = (
        hostile(&kinds),
        open(&kinds, "hostile.inline", &json!({})).unwrap(),
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for (what, decision) in [
                    ("accept", Decision::Accept),
                    ("deny", Decision::Deny),
                    ("continue", Decision::Continue),
                ]
                .into_iter()
                .cycle()
                .take(60)
                {
                    assert_eq!(answer(&pooled, verify(what)).unwrap().decision, decision);
                    assert_eq!(answer(&inline, verify(what)).unwrap().decision, decision);
                }
            });
        }
    });
}

#[test]
fn a_slow_backend_of_one_provider_name_takes_nothing_from_another_of_its_kind() {
    let object = build::c("tests/plugins/hostile.c", &["DEADLINE_MS=60000"]);
    let pools = PoolSettings { threads: 4, queue: 2 };
    let kinds = Kinds::load(&[build::settings(&object)], &[], services().0, pools).unwrap();
    let named = |name: &str| kinds.open("hostile", name, &serde_json::Map::new()).unwrap();
    let (slow, good) = (named("slow"), named("good"));
    kinds.start().unwrap();
    let accepts = || answer(&good, verify("accept")).unwrap().decision;
    // Its share is two of four.
    stick(&slow, "never", 1);
    assert_eq!(accepts(), Decision::Accept);
    stick(&slow, "never", 2);
    let shut_off = at_once(slow.ask(verify("accept"), LONG)).unwrap().unwrap_err();
    assert_eq!(shut_off.kind(), ErrorKind::Unavailable);
    assert!(shut_off.message().contains("\"slow\""), "{shut_off}");
    assert_eq!(accepts(), Decision::Accept);
    // A name that is opened later has its share at once.
    let late = named("late");
    assert_eq!(
        answer(&late, verify("accept")).unwrap().decision,
        Decision::Accept
    );
}
