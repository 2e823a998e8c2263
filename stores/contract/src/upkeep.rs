//! Agreement, purging, counts, migration.

use std::time::Duration;

use doorward_store::{Agreed, Disagreement, EndReason, Ends, Flow, Post, Purged, Store, StoreStats};

use crate::samples::{alone, at, flow, open, put, sign_in, step_up, user, whole};
use crate::{race, wait};

fn item(name: &str, value: &str) -> Agreed {
    Agreed {
        name: name.into(),
        value: value.into(),
    }
}

/// Or its difference is told; `replace` overwrites.
pub fn an_agreed_item_is_inserted_if_absent(store: &dyn Store) {
    let agree = |items: &[Agreed], replace| wait(store.agree(items.to_vec(), replace, at(1)));
    assert!(agree(&[item("provider/email", "password"), item("key/k1", "x")], false).is_empty());
    let ours = [
        item("provider/email", "ldap"),
        item("provider/é", "1"),
        item("key/k1", "x"),
    ];
    let differing = [Disagreement {
        name: "provider/email".into(),
        ours: "ldap".into(),
        stored: "password".into(),
    }];
    assert_eq!(agree(&ours, false), differing);
    let mut of_providers = wait(store.agreed("provider/".into()));
    of_providers.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(
        of_providers,
        [item("provider/email", "password"), item("provider/é", "1")]
    );
    agree(&ours, true);
    assert!(agree(&ours, false).is_empty());
    assert_eq!(
        wait(store.agreed("provider/e".into())),
        [item("provider/email", "ldap")]
    );
    assert_eq!(wait(store.agreed(String::new())).len(), 3);
    assert!(
        wait(store.agreed("%".into())).is_empty(),
        "a prefix, not a pattern"
    );
}

/// Of processes that start at once with different settings, all but one are told.
pub fn agreement_has_one_winner(store: &dyn Store) {
    let differing = race(8, |n| {
        wait(store.agree(vec![item("lifetime", &n.to_string())], false, at(1)))
    });
    assert_eq!(
        differing.iter().filter(|differing| differing.is_empty()).count(),
        1
    );
    let stored = wait(store.agreed("lifetime".into()))[0].value.clone();
    assert!(
        differing
            .iter()
            .flatten()
            .all(|differing| differing.stored == stored)
    );
}

/// Bounded per call.
pub fn purging_takes_what_has_ended_or_expired_and_no_more(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    let live = open(store, sign_in(&ann, 5_000));
    let mut ended = Vec::new();
    for seconds in [0, 0, 0, 4_990] {
        let row = open(store, sign_in(&ann, seconds));
        wait(store.end(Ends::One(ann.id, row.id), EndReason::SignedOut, at(seconds + 1)));
        ended.push(row);
    }
    let expired = open(store, sign_in(&ann, 1));
    let flows = [
        flow(None),
        flow(None),
        Flow {
            expires_at: at(9_000),
            ..flow(None)
        },
    ];
    for flow in &flows {
        wait(store.put_flow(flow.clone(), Post::default(), at(0)));
    }
    let keep = Duration::from_secs(100);
    let first = wait(store.purge(at(5_001), keep, 2));
    assert_eq!(
        (first.sign_ins, first.flows, first.more),
        (2, 2, true),
        "{first:?}"
    );
    let second = wait(store.purge(at(5_001), keep, 100));
    assert_eq!(
        (second.sign_ins, second.flows, second.more),
        (2, 0, false),
        "{second:?}"
    );
    assert_eq!(wait(store.purge(at(5_001), keep, 100)), Purged::default());
    for row in ended[..3].iter().chain([&expired]) {
        assert!(wait(store.sign_in(row.id)).is_none());
    }
    assert!(
        wait(store.sign_in(ended[3].id)).is_some(),
        "it ended a moment ago: its reason is still told"
    );
    assert!(wait(store.sign_in(live.id)).is_some());
    assert!(wait(store.take_flow(flows[2].id, 0, flows[2].secret_hash, at(5_001))).is_some());
    assert_eq!(wait(store.user(ann.id)), Some(ann));
}

/// Not of what has ended or expired.
pub fn counts_are_of_live_rows(store: &dyn Store) {
    assert_eq!(wait(store.stats(at(0))), StoreStats::default());
    let ann = put(store, alone(user("")));
    put(store, alone(user("b")));
    open(store, sign_in(&ann, 0));
    let ended = open(store, sign_in(&ann, 0));
    wait(store.end(Ends::One(ann.id, ended.id), EndReason::SignedOut, at(1)));
    wait(store.put_flow(flow(Some(&ann)), Post::default(), at(0)));
    let counts = |users, sign_ins, flows| StoreStats {
        users,
        sign_ins,
        flows,
    };
    assert_eq!(wait(store.stats(at(2))), counts(2, 1, 1));
    assert_eq!(wait(store.stats(at(2_000))), counts(2, 0, 0));
}

/// A step-up that nobody has used yet is none, and nobody else's rows are a realm's.
pub fn counts_are_of_one_realm(store: &dyn Store) {
    let counts = |users, sign_ins, flows| StoreStats {
        users,
        sign_ins,
        flows,
    };
    let of = |realm: &str| wait(store.realm_stats(realm.into(), at(2)));
    assert_eq!(of("b"), StoreStats::default());
    let ann = put(store, alone(user("")));
    let bea = put(store, alone(user("b")));
    let bob = put(store, alone(user("b")));
    let opened = [&ann, &bea, &bob, &bob].map(|owner| {
        wait(store.put_flow(flow(Some(owner)), Post::default(), at(0)));
        open(store, sign_in(owner, 0))
    });
    let pending = open(store, step_up(&opened[1], 1));
    // Nobody's, and in no realm.
    wait(store.put_flow(flow(None), Post::default(), at(0)));
    assert_eq!(
        (of(""), of("b"), of("c")),
        (counts(1, 1, 1), counts(2, 3, 3), counts(0, 0, 0))
    );
    assert_eq!(wait(store.stats(at(2))), counts(3, 4, 5));
    wait(store.confirm(pending.id, pending.generation, at(2)));
    // It is there in place of the other one.
    assert_eq!((of("b").sign_ins, wait(store.stats(at(2))).sign_ins), (3, 4));
    wait(store.set_enabled(bob.id, false, at(2)));
    assert_eq!((of("b").sign_ins, wait(store.stats(at(2))).sign_ins), (1, 2));
}

/// Also by many at once, and after a restart.
pub fn migrating_twice_changes_nothing(store: &dyn Store) {
    let ann = put(store, whole("", "ann@example.org"));
    race(4, |_| wait(store.migrate()));
    wait(store.stop());
    wait(store.start());
    wait(store.migrate());
    let state = wait(store.schema());
    assert_eq!(state.found, state.current);
    assert_eq!(wait(store.user(ann.id)), Some(ann));
}
