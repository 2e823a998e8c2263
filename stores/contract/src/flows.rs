//! Flows: consumed by one conditional write.

use std::time::Duration;

use doorward_store::{Flow, Post, Store};

use crate::samples::{alone, at, flow, hash, put, user};
use crate::{race, wait};

const NO_SECRET: [u8; 32] = [0; 32];

/// Before the plugin is asked.
pub fn a_flow_is_taken_once_and_costs_an_attempt(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let new = flow(Some(&ann));
    wait(store.put_flow(new.clone(), Post::default(), at(0)));
    let other = Flow {
        state: b"another".to_vec(),
        ..new.clone()
    };
    wait(store.put_flow(other, Post::default(), at(0)));
    let take = |step, secret, now| wait(store.take_flow(new.id, step, secret, now));
    assert_eq!(take(1, hash(5), at(1)), None, "step");
    assert_eq!(take(0, hash(4), at(1)), None, "secret");
    assert_eq!(take(0, NO_SECRET, at(1)), None, "no secret");
    assert_eq!(take(0, hash(5), at(600)), None, "expired");
    let taken = Flow {
        step: 1,
        attempts_left: 2,
        secret_hash: NO_SECRET,
        ..new.clone()
    };
    assert_eq!(take(0, hash(5), at(1)), Some(taken));
    assert_eq!(take(0, hash(5), at(1)), None, "taken");
    assert_eq!(take(1, NO_SECRET, at(1)), None, "an empty secret opens nothing");
    wait(store.drop_flow(new.id));
    wait(store.drop_flow(new.id));
    let spent = Flow {
        attempts_left: 0,
        ..flow(None)
    };
    wait(store.put_flow(spent.clone(), Post::default(), at(0)));
    assert_eq!(
        wait(store.take_flow(spent.id, 0, hash(5), at(1))),
        None,
        "no attempts left"
    );
}

/// Two tabs, one answer.
pub fn a_flow_is_taken_by_one_of_many(store: &dyn Store) {
    let new = flow(None);
    wait(store.put_flow(new.clone(), Post::default(), at(0)));
    let taken = race(32, |_| wait(store.take_flow(new.id, 0, hash(5), at(1))));
    assert_eq!(taken.iter().flatten().count(), 1);
}

/// A new secret for the next step; nobody else can give it.
pub fn a_taken_flow_is_given_back_at_its_step_only(store: &dyn Store) {
    let new = flow(None);
    wait(store.put_flow(new.clone(), Post::default(), at(0)));
    assert!(
        wait(store.return_flow(new.clone(), Post::default(), at(2))).is_none(),
        "it was not taken"
    );
    let taken = wait(store.take_flow(new.id, 0, hash(5), at(1))).unwrap();
    let back = Flow {
        secret_hash: hash(8),
        state: b"next state".to_vec(),
        ..taken.clone()
    };
    let other_step = Flow {
        step: 0,
        ..back.clone()
    };
    assert!(wait(store.return_flow(other_step, Post::default(), at(2))).is_none());
    assert!(wait(store.return_flow(back.clone(), Post::default(), at(2))).is_some());
    assert!(
        wait(store.return_flow(back.clone(), Post::default(), at(2))).is_none(),
        "it is given back already"
    );
    assert_eq!(
        wait(store.take_flow(new.id, 1, hash(5), at(2))),
        None,
        "the old secret"
    );
    let again = wait(store.take_flow(new.id, 1, hash(8), at(2))).unwrap();
    assert_eq!(
        (again.step, again.attempts_left, again.state.as_slice()),
        (2, 1, &b"next state"[..])
    );
    let fresh = Flow {
        secret_hash: hash(9),
        attempts_left: 5,
        ..again
    };
    assert!(wait(store.return_flow(fresh, Post::default(), at(2))).is_some());
    assert_eq!(
        wait(store.take_flow(new.id, 2, hash(9), at(3)))
            .unwrap()
            .attempts_left,
        4,
        "it starts anew"
    );
    assert!(
        wait(store.return_flow(flow(None), Post::default(), at(2))).is_none(),
        "no such flow"
    );
}

/// The first right answer to what no row held.
pub fn a_mark_is_left_by_one_of_many(store: &dyn Store) {
    let left = race(64, |_| wait(store.spend(hash(5), at(600), at(1))));
    assert_eq!(left.iter().filter(|left| **left).count(), 1);
    assert!(!wait(store.spend(hash(5), at(900), at(2))), "left before");
    assert!(wait(store.spend(hash(6), at(600), at(2))), "another one");
}

/// Whoever leaves one removes up to eight that are over; purging takes the rest.
pub fn marks_stay_until_they_expire_and_are_trimmed(store: &dyn Store) {
    for n in 1..=20 {
        assert!(wait(store.spend(hash(n), at(60), at(1))));
    }
    assert!(!wait(store.spend(hash(1), at(600), at(59))), "not over yet");
    assert!(wait(store.spend(hash(30), at(600), at(60))), "removes eight");
    assert_eq!(wait(store.purge(at(60), Duration::ZERO, 100)).others, 12);
    assert!(!wait(store.spend(hash(30), at(600), at(61))), "still there");
    assert!(wait(store.spend(hash(1), at(600), at(61))), "forgotten");
}
