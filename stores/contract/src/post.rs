//! What a write is charged to: in its transaction, before it, all or nothing, and never given back.

use std::time::Duration;

use doorward_base::id::DeliveryId;
use doorward_store::{
    Change, ChangeStep, Changed, CreatedUser, DeletedUser, Flow, NewUser, Post, Posted, QueuedDelivery,
    Store, ThrottleKey, ThrottleLaw, ThrottleStep, Throttled, User,
};

use crate::samples::{alone, at, delivery, flow, hash, identity, put, token, user, whole};
use crate::{race, wait};

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

/// How long the counter is moved on from `at(0)`.
fn charged(store: &dyn Store, bucket: u8) -> u64 {
    let row = wait(store.throttles(vec![hash(bucket)]))[0];
    row.allowed_at.since(at(0)).as_secs()
}

const CLOSED: Duration = Duration::from_secs(20);

/// Whatever is in the outbox.
fn queued(store: &dyn Store) -> Vec<DeliveryId> {
    let taken = wait(store.take_deliveries(100, at(0), at(1)));
    let mut ids: Vec<DeliveryId> = taken.into_iter().map(|one| one.id).collect();
    ids.sort();
    ids
}

fn is_there(store: &dyn Store, flow: &Flow) -> bool {
    wait(store.take_flow(flow.id, 0, hash(5), at(1))).is_some()
}

/// As many flows, tokens and users as are paid for, however many are written at once; of the others nothing.
pub fn a_write_is_paid_for_or_not_made(store: &dyn Store) {
    let posts = || {
        let message = delivery(None, 0);
        let post = Post {
            charges: vec![rate(1), rate(2)],
            ..Post::free(vec![message.clone()])
        };
        (message.id, post)
    };
    let written = race(16, |_| {
        let (message, post) = posts();
        let new = flow(None);
        let posted = wait(store.put_flow(new.clone(), post, at(0)));
        (message, new, posted)
    });
    let (done, closed): (Vec<_>, Vec<_>) = written
        .into_iter()
        .partition(|(.., posted)| *posted == Posted::Done);
    assert_eq!(done.len(), 3);
    assert!(
        closed
            .iter()
            .all(|(.., posted)| *posted == Posted::Closed(CLOSED))
    );
    let mut sent: Vec<DeliveryId> = done.iter().map(|(message, ..)| *message).collect();
    sent.sort();
    assert_eq!(queued(store), sent);
    assert!(done.iter().all(|(_, flow, _)| is_there(store, flow)));
    assert!(!closed.iter().any(|(_, flow, _)| is_there(store, flow)));
    assert_eq!((charged(store, 1), charged(store, 2)), (60, 60));

    let (_, post) = posts();
    let one = token(None, "ann@example.org");
    assert_eq!(
        wait(store.put_token(one.clone(), post, at(0))),
        Posted::Closed(CLOSED)
    );
    assert_eq!(wait(store.token(one.id, one.secret_hash, at(1))), None);
    // Another of the two is open: that does not help, and costs it nothing.
    let post = Post {
        charges: vec![rate(3), rate(1)],
        ..Post::default()
    };
    assert_eq!(
        wait(store.put_flow(flow(None), post, at(0))),
        Posted::Closed(CLOSED)
    );
    assert_eq!(charged(store, 3), 0);
    let (message, post) = posts();
    assert_eq!(wait(store.put_token(one, post, at(20))), Posted::Done);
    assert!(queued(store).contains(&message));
}

/// What is closed does not tell what is taken; who is not inserted costs nothing.
pub fn a_user_is_paid_for_when_it_is_made(store: &dyn Store) {
    let named = |of: &User, email: &str| NewUser {
        post: Post {
            charges: vec![rate(1)],
            ..Post::default()
        },
        identity: Some(identity(of, "email", email)),
        ..alone(of.clone())
    };
    for n in 0..3 {
        assert_eq!(charged(store, 1), n * 20);
        put(store, named(&user(""), &format!("{n}@example.org")));
        let refused = wait(store.create_user(named(&user(""), "0@example.org")));
        let answer = if n == 2 {
            CreatedUser::Closed(CLOSED)
        } else {
            CreatedUser::Taken("identifier")
        };
        assert_eq!(refused, answer);
    }
    let late = user("");
    assert_eq!(
        wait(store.create_user(named(&late, "4@example.org"))),
        CreatedUser::Closed(CLOSED)
    );
    assert_eq!(wait(store.user(late.id)), None);
    assert_eq!(charged(store, 1), 60);
}

/// The write stands, and decoys are queued in place of its messages; what it is charged to itself is charged.
pub fn messages_give_way_to_decoys_where_their_postage_is_closed(store: &dyn Store) {
    let sent = |number: u8| {
        let (message, decoy) = (delivery(None, 0), delivery(None, 0));
        let post = Post {
            charges: vec![rate(9)],
            deliveries: vec![message.clone()],
            postage: vec![rate(number), rate(1)],
            decoys: vec![decoy.clone()],
            ..Post::default()
        };
        (message.id, decoy.id, post)
    };
    let mut expected = Vec::new();
    for number in 2..5 {
        let (message, _, post) = sent(number);
        assert_eq!(wait(store.put_flow(flow(None), post, at(0))), Posted::Done);
        expected.push(message);
    }
    assert_eq!(queued(store), expected);
    let (_, decoy, post) = sent(5);
    let post = Post {
        charges: Vec::new(),
        ..post
    };
    let stays = token(None, "ann@example.org");
    assert_eq!(
        wait(store.put_token(stays.clone(), post, at(0))),
        Posted::Withheld(hash(1))
    );
    assert!(wait(store.token(stays.id, stays.secret_hash, at(1))).is_some());
    expected.push(decoy);
    assert_eq!(queued(store), expected);
    assert_eq!(charged(store, 5), 0, "none of them, where one is closed");
    assert_eq!(charged(store, 9), 60);

    // A flow's next step likewise; where it is not given back, nothing is charged.
    let begun = flow(None);
    wait(store.put_flow(begun.clone(), Post::default(), at(0)));
    let taken = wait(store.take_flow(begun.id, 0, hash(5), at(1))).unwrap();
    let next = |post| {
        let back = Flow {
            secret_hash: hash(7),
            ..taken.clone()
        };
        wait(store.return_flow(back, post, at(0)))
    };
    let (_, decoy, mut post) = sent(6);
    post.charges.clear();
    assert_eq!(next(post), Some(Posted::Withheld(hash(1))));
    expected.push(decoy);
    let free = |bucket| Post {
        postage: vec![rate(bucket)],
        ..Post::default()
    };
    assert_eq!(next(free(7)), None, "it is given back already");
    assert_eq!(charged(store, 7), 0);
    assert_eq!(queued(store), expected);
}

/// Whoever asks what is taken pays, whatever the answer.
pub fn a_change_is_paid_for_whatever_becomes_of_it(store: &dyn Store) {
    let (ann, _) = (
        put(store, whole("", "ann@example.org")),
        put(store, whole("", "bea@example.org")),
    );
    let change = |email: &str, epoch| {
        let add = |name: &str| ChangeStep::AddIdentity(identity(&ann, "email", name));
        wait(store.change(Change {
            user_id: ann.id,
            epoch,
            steps: vec![add(&format!("before.{email}")), add(email)],
            ways_in: Vec::new(),
            bump: None,
            token: None,
            charges: vec![rate(1)],
            deliveries: Vec::new(),
            letters: Post::default(),
            now: at(0),
        }))
    };
    assert_eq!(change("bea@example.org", 1), Changed::Stale);
    assert_eq!(charged(store, 1), 0, "nothing was asked");
    assert_eq!(change("bea@example.org", 0), Changed::Taken("identifier"));
    assert_eq!(charged(store, 1), 20);
    assert_eq!(change("new@example.org", 0), Changed::Done { epoch: 0, ended: 0 });
    assert_eq!(change("bea@example.org", 0), Changed::Taken("identifier"));
    assert_eq!(charged(store, 1), 60);
    for email in ["bea@example.org", "late@example.org"] {
        assert_eq!(change(email, 0), Changed::Closed(CLOSED));
    }
    let held = wait(store.identities(ann.id));
    assert_eq!(held.len(), 3, "what was refused is undone whole");
}

/// Letters are charged where they are queued: with the change, or not at all.
pub fn letters_of_a_change_are_paid_for_in_it(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    put(store, whole("", "bea@example.org"));
    let change = |email: &str| {
        let (message, decoy, notice) = (
            delivery(Some(&ann), 0),
            delivery(Some(&ann), 0),
            delivery(Some(&ann), 0),
        );
        let ids = [message.id, decoy.id, notice.id];
        let changed = wait(store.change(Change {
            user_id: ann.id,
            epoch: 0,
            steps: vec![ChangeStep::AddIdentity(identity(&ann, "email", email))],
            ways_in: Vec::new(),
            bump: None,
            token: None,
            charges: Vec::new(),
            deliveries: vec![notice],
            letters: Post {
                deliveries: vec![message],
                postage: vec![rate(1)],
                decoys: vec![decoy],
                ..Post::default()
            },
            now: at(0),
        }));
        (changed, ids)
    };
    let done = Changed::Done { epoch: 0, ended: 0 };
    let (changed, _) = change("bea@example.org");
    assert_eq!(changed, Changed::Taken("identifier"));
    assert_eq!(charged(store, 1), 0);
    assert_eq!(queued(store), Vec::new());
    let mut expected = Vec::new();
    for email in ["1@example.org", "2@example.org", "3@example.org"] {
        let (changed, [message, _, notice]) = change(email);
        assert_eq!(changed, done);
        expected.extend([message, notice]);
    }
    let (changed, [_, decoy, notice]) = change("4@example.org");
    assert_eq!(changed, done, "the change stands");
    expected.extend([decoy, notice]);
    let mut queued = queued(store);
    queued.sort_unstable();
    expected.sort_unstable();
    assert_eq!(queued, expected);
    assert_eq!(charged(store, 1), 60);
}

/// What is nobody's is kept beside somebody's and goes with nobody.
pub fn what_is_nobodys_outlives_whom_it_is_kept_beside(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let (nobodys, anns) = (flow(None), flow(Some(&ann)));
    let post = |message: &QueuedDelivery| Post {
        beside: ann.id,
        ..Post::free(vec![message.clone()])
    };
    let (stays, goes) = (delivery(None, 0), delivery(Some(&ann), 0));
    wait(store.put_flow(nobodys.clone(), post(&stays), at(0)));
    wait(store.put_flow(anns.clone(), post(&goes), at(0)));
    let code = token(None, "eve@example.org");
    wait(store.put_token(
        code.clone(),
        Post {
            beside: ann.id,
            ..Post::default()
        },
        at(0),
    ));
    assert_eq!(wait(store.delete_user(ann.id)), DeletedUser::Deleted(0));
    assert_eq!(queued(store), vec![stays.id]);
    assert!(wait(store.token(code.id, code.secret_hash, at(1))).is_some());
    let take = |begun: &Flow| wait(store.take_flow(begun.id, 0, begun.secret_hash, at(1)));
    assert!(take(&nobodys).is_some());
    assert!(take(&anns).is_none());
}

/// Nor whether there is anything to give back.
pub fn what_is_closed_does_not_tell_who_is_gone(store: &dyn Store) {
    let key = ThrottleKey {
        bucket: hash(90),
        law: ThrottleLaw::Rate {
            burst: 1,
            every: Duration::from_hours(1),
        },
    };
    let charged = wait(store.throttle(vec![ThrottleStep::Charge(key)], at(1)));
    assert_eq!(charged, Throttled::Done);
    let gone = user("");
    let post = || Post {
        charges: vec![key],
        ..Post::default()
    };
    let is_closed = |posted: &Posted| matches!(posted, Posted::Closed(_));
    for owner in [Some(&gone), None] {
        assert!(is_closed(&wait(store.put_flow(flow(owner), post(), at(1)))));
        let put = store.put_token(token(owner, "ann@example.org"), post(), at(1));
        assert!(is_closed(&wait(put)));
        let returned = wait(store.return_flow(flow(owner), post(), at(1)));
        assert!(returned.as_ref().is_some_and(is_closed), "{returned:?}");
    }
    assert_eq!(
        wait(store.put_flow(flow(Some(&gone)), Post::default(), at(1))),
        Posted::Done
    );
    let returned = wait(store.return_flow(flow(None), Post::default(), at(1)));
    assert_eq!(returned, None);
}

/// A flow of nobody that becomes somebody's who is gone goes with them.
pub fn a_flow_is_not_given_back_to_who_is_gone(store: &dyn Store) {
    let put = flow(None);
    wait(store.put_flow(put.clone(), Post::default(), at(1)));
    let taken = wait(store.take_flow(put.id, 0, put.secret_hash, at(1)));
    let back = Flow {
        secret_hash: hash(91),
        user_id: Some(user("").id),
        ..taken.unwrap()
    };
    assert_eq!(wait(store.return_flow(back, Post::default(), at(1))), None);
}
