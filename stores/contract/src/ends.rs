//! Ends: one conditional write for a sign-in and for every step-up that waits for its first use.

use doorward_store::{EndReason, Ends, SignIn, Store};

use crate::samples::{alone, at, next, open, put, sign_in, step_up, stored, user};
use crate::sign_ins::ended;
use crate::{race, wait};

/// Nothing that a token could be compared with stays, but the family, and the first reason stands.
pub fn ending_clears_every_hash_but_the_familys(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let row = open(store, sign_in(&ann, 0));
    assert!(wait(store.advance(next(&row, 40, 10))));
    let before = stored(store, &row);
    assert_eq!(
        wait(store.end(Ends::One(ann.id, row.id), EndReason::TokenReuse, at(20))),
        1
    );
    let expected = SignIn {
        salt: None,
        refresh_hash: None,
        access_hash: None,
        previous_refresh_hash: None,
        previous_access_hash: None,
        ended_at: Some(at(20)),
        end_reason: Some(EndReason::TokenReuse),
        ..before
    };
    assert_eq!(stored(store, &row), expected);
    assert_eq!(
        wait(store.end(Ends::All(ann.id), EndReason::SignedOut, at(30))),
        0
    );
    assert_eq!(stored(store, &row), expected, "it ended once");
    for reason in EndReason::ALL {
        let row = open(store, sign_in(&ann, 40));
        assert_eq!(wait(store.end(Ends::One(ann.id, row.id), reason, at(41))), 1);
        assert_eq!(ended(store, &row), Some(reason));
    }
}

/// With a step-up pending on it; pending ones are not counted.
pub fn ending_others_spares_the_kept_one(store: &dyn Store) {
    let (ann, bea) = (put(store, alone(user(""))), put(store, alone(user(""))));
    let kept = open(store, sign_in(&ann, 0));
    let on_kept = open(store, step_up(&kept, 1));
    let others = [open(store, sign_in(&ann, 2)), open(store, sign_in(&ann, 3))];
    let on_other = open(store, step_up(&others[0], 4));
    open(store, sign_in(&ann, -5_000)); // expired: not counted
    let theirs = open(store, sign_in(&bea, 0));
    assert_eq!(
        wait(store.end(Ends::Others(ann.id, kept.id), EndReason::Ended, at(10))),
        2
    );
    for row in others.iter().chain([&on_other]) {
        assert_eq!(ended(store, row), Some(EndReason::Ended));
    }
    for row in [&kept, &on_kept, &theirs] {
        assert_eq!(stored(store, row), *row);
    }
    assert_eq!(
        wait(store.end(Ends::All(ann.id), EndReason::SignedOut, at(11))),
        1
    );
    assert_eq!(ended(store, &kept), Some(EndReason::SignedOut));
    assert_eq!(ended(store, &on_kept), Some(EndReason::SignedOut));
    assert_eq!(stored(store, &theirs), theirs);
}

/// An id without its owner is never enough.
pub fn an_end_names_its_owner(store: &dyn Store) {
    let (ann, bea) = (put(store, alone(user(""))), put(store, alone(user(""))));
    let row = open(store, sign_in(&ann, 0));
    assert_eq!(
        wait(store.end(Ends::One(bea.id, row.id), EndReason::Ended, at(1))),
        0
    );
    assert_eq!(stored(store, &row), row);
    assert_eq!(
        wait(store.end(Ends::One(ann.id, sign_in(&ann, 0).id), EndReason::Ended, at(1))),
        0
    );
    let counts = race(8, |_| {
        wait(store.end(Ends::One(ann.id, row.id), EndReason::Ended, at(1)))
    });
    assert_eq!(counts.iter().sum::<u64>(), 1, "one of them ended it");
}

/// In the same transaction: a step-up never outlives the end of what it replaces.
pub fn pending_step_ups_end_with_what_they_replace(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    let old = open(store, sign_in(&ann, 0));
    let pending = open(store, step_up(&old, 1));
    let used = open(store, step_up(&open(store, sign_in(&ann, 2)), 3));
    assert!(wait(store.confirm(used.id, 0, at(4))));
    assert_eq!(
        wait(store.end(Ends::One(ann.id, old.id), EndReason::TokenReuse, at(5))),
        1
    );
    assert_eq!(ended(store, &pending), Some(EndReason::TokenReuse));
    assert_eq!(stored(store, &pending).refresh_hash, None);
    assert_eq!(ended(store, &used), None, "a confirmed one stands for itself");
    assert!(!wait(store.confirm(pending.id, 0, at(6))));
}
