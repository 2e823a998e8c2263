//! The outbox: messages are queued with what they are about, taken under a lease, and settled once.

use std::cell::RefCell;

use doorward_base::id::DeliveryId;
use doorward_store::{
    Change, ChangeStep, Changed, CreatedUser, DeliveryEnd, Flow, NewUser, Post, Posted, QueuedDelivery,
    Store, User,
};

use crate::samples::{alone, at, delivery, flow, fresh, hash, identity, put, token, user, whole};
use crate::{race, wait};

/// Whatever is due at `at(seconds)`, taken for a long time.
fn due(store: &dyn Store, seconds: i64) -> Vec<DeliveryId> {
    let taken = wait(store.take_deliveries(100, at(seconds + 10_000), at(seconds)));
    taken.into_iter().map(|one| one.id).collect()
}

/// With a flow, a token, a new user, a change; and not at all where that does not happen.
pub fn deliveries_are_queued_with_what_they_are_about(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let fresh_delivery = || delivery(Some(&ann), 0);
    let queued = RefCell::new(Vec::new());
    let next = || {
        let one = fresh_delivery();
        queued.borrow_mut().push(one.id);
        vec![one]
    };
    let begun = flow(Some(&ann));
    wait(store.put_flow(begun.clone(), Post::free(next()), at(0)));
    let taken = wait(store.take_flow(begun.id, 0, hash(5), at(1)));
    let taken = taken.unwrap_or_else(|| panic!("it was put"));
    let back = Flow {
        secret_hash: hash(7),
        ..taken
    };
    assert_eq!(
        wait(store.return_flow(back.clone(), Post::free(next()), at(0))),
        Some(Posted::Done)
    );
    assert_eq!(
        wait(store.return_flow(back, Post::free(vec![fresh_delivery()]), at(0))),
        None,
        "returned"
    );
    wait(store.put_token(token(Some(&ann), "ann@example.org"), Post::free(next()), at(0)));
    let bea = user("");
    let bea_is_told = delivery(Some(&bea), 0);
    queued.borrow_mut().push(bea_is_told.id);
    let new = NewUser {
        post: Post::free(vec![bea_is_told]),
        ..alone(bea)
    };
    put(store, new);
    let taken = user("");
    let refused = NewUser {
        post: Post::free(vec![delivery(Some(&taken), 0)]),
        identity: Some(identity(&taken, "email", "ann@example.org")),
        ..alone(taken)
    };
    assert_eq!(wait(store.create_user(refused)), CreatedUser::Taken("identifier"));
    let change = |epoch, steps, deliveries| Change {
        user_id: ann.id,
        epoch,
        steps,
        ways_in: Vec::new(),
        bump: None,
        token: None,
        charges: Vec::new(),
        letters: Post::default(),
        deliveries,
        now: at(2),
    };
    let done = wait(store.change(change(0, Vec::new(), next())));
    assert_eq!(done, Changed::Done { epoch: 0, ended: 0 });
    let stale = wait(store.change(change(1, Vec::new(), vec![fresh_delivery()])));
    assert_eq!(stale, Changed::Stale);
    let again = vec![ChangeStep::AddIdentity(identity(
        &ann,
        "email",
        "ann@example.org",
    ))];
    let lost = wait(store.change(change(0, again, vec![fresh_delivery()])));
    assert_eq!(lost, Changed::Taken("identifier"));
    let mut queued = queued.into_inner();
    queued.sort();
    let mut found = due(store, 3);
    found.sort();
    assert_eq!(found, queued);
}

/// The longest due first, never before its time, never after its end; each to one taker until its lease is over.
pub fn due_deliveries_are_taken_under_a_lease(store: &dyn Store) {
    let put_delivery =
        |one: &QueuedDelivery| wait(store.put_flow(flow(None), Post::free(vec![one.clone()]), at(0)));
    let (first, second, later, expired) = (
        delivery(None, 1),
        delivery(None, 2),
        delivery(None, 50),
        QueuedDelivery {
            expires_at: at(4),
            ..delivery(None, 0)
        },
    );
    for one in [&second, &later, &first, &expired] {
        put_delivery(one);
    }
    put_delivery(&QueuedDelivery {
        payload: b"another".to_vec(),
        ..first.clone()
    });
    let taken = wait(store.take_deliveries(1, at(20), at(5)));
    let after = |one: &QueuedDelivery, attempts, due| QueuedDelivery {
        attempts,
        due_at: at(due),
        ..one.clone()
    };
    assert_eq!(taken, [after(&first, 1, 20)]);
    let taken = wait(store.take_deliveries(100, at(30), at(5)));
    assert_eq!(taken, [after(&second, 1, 30)]);
    assert_eq!(wait(store.take_deliveries(100, at(30), at(19))), []);
    let taken = wait(store.take_deliveries(100, at(40), at(20)));
    assert_eq!(
        taken,
        [after(&first, 2, 40)],
        "the lease is over: its taker is gone"
    );
    assert_eq!(wait(store.take_deliveries(0, at(90), at(60))), []);
}

/// However many drain it.
pub fn a_delivery_is_taken_by_one_of_many(store: &dyn Store) {
    let all: Vec<QueuedDelivery> = (0..40).map(|_| delivery(None, 0)).collect();
    wait(store.put_flow(flow(None), Post::free(all.clone()), at(0)));
    let taken = race(8, |_| {
        let mut taken = Vec::new();
        loop {
            let some = wait(store.take_deliveries(3, at(100), at(1)));
            if some.is_empty() {
                return taken;
            }
            taken.extend(some.into_iter().map(|one| one.id));
        }
    });
    let mut taken: Vec<DeliveryId> = taken.into_iter().flatten().collect();
    // Somebody may have looked while all that was left was being taken.
    taken.extend(due(store, 1));
    taken.sort();
    let mut queued: Vec<DeliveryId> = all.iter().map(|one| one.id).collect();
    queued.sort();
    assert_eq!(taken, queued);
}

/// By whoever holds it, not by one whose lease ran out.
pub fn a_delivery_is_settled_at_its_attempt_only(store: &dyn Store) {
    let one = delivery(None, 0);
    wait(store.put_flow(flow(None), Post::free(vec![one.clone()]), at(0)));
    let settle = |attempt, end| wait(store.settle_delivery(one.id, attempt, end));
    let take = |seconds| wait(store.take_deliveries(9, at(seconds + 10), at(seconds))).len();
    assert!(!settle(1, DeliveryEnd::Done), "nobody has taken it");
    assert_eq!(take(1), 1);
    assert!(settle(1, DeliveryEnd::DueAt(at(5))));
    assert_eq!((take(4), take(5)), (0, 1));
    assert!(!settle(1, DeliveryEnd::DueAt(at(0))), "it was taken again");
    assert!(!settle(1, DeliveryEnd::Done));
    assert_eq!(take(14), 0, "the second lease still runs");
    assert!(settle(2, DeliveryEnd::Done));
    assert!(!settle(2, DeliveryEnd::Done), "it is gone");
    assert_eq!(take(100), 0);
    let unknown = DeliveryId::from_bytes(fresh());
    assert!(!wait(store.settle_delivery(unknown, 1, DeliveryEnd::Done)));
}

/// Nothing is sent to somebody who was deleted; a message for one who is gone already is not kept.
pub fn deliveries_go_with_their_user(store: &dyn Store) {
    let ann = put(store, alone(user("")));
    wait(store.put_flow(
        flow(None),
        Post::free(vec![delivery(Some(&ann), 0), delivery(None, 1)]),
        at(0),
    ));
    wait(store.delete_user(ann.id));
    assert_eq!(due(store, 5).len(), 1);
    wait(store.put_token(
        token(Some(&ann), "ann@example.org"),
        Post::free(vec![delivery(Some(&ann), 0)]),
        at(0),
    ));
    let gone: &User = &ann;
    wait(store.put_flow(flow(Some(gone)), Post::free(vec![delivery(None, 0)]), at(0)));
    assert_eq!(due(store, 6), []);
}
