//! Create: under the user's lock, repeated without doubling, capped.

use doorward::ErrorKind;
use doorward::session::{AtCap, Created, Lifetimes, NewSession, Over, Refreshed};
use doorward::store::{EndReason, Store};
use doorward::{Timestamp, UserId};

use crate::faults::{Call, Fault};
use crate::planted::Plant;
use crate::world::{DAY, HOUR, MICRO, World, created, ready, refresh_of};

#[test]
fn a_new_sign_in_is_confirmed_from_birth() {
    let world = World::new();
    let session = world.sign_in();
    let row = world.row(session.id());
    assert_eq!((row.generation, row.confirmed_at), (0, Some(world.now())));
    assert_eq!(row.access_expires_at, world.now().plus(8 * HOUR));
    assert_eq!(row.idle_expires_at, world.now().plus(14 * DAY));
    assert_eq!(row.absolute_expires_at, world.now().plus(90 * DAY));
    assert_eq!(
        (row.salt, row.previous_refresh_hash, row.replaces),
        (None, None, None)
    );
    assert!(world.accepts(&session));
}

#[test]
fn an_insert_whose_answer_was_lost_counts_once() {
    for faults in [
        vec![Fault::LostReply],
        vec![Fault::LostRequest],
        vec![Fault::LostReply, Fault::LostReply],
        vec![Fault::Retry, Fault::LostReply],
    ] {
        let world = World::new();
        for fault in &faults {
            world.faults.plan(Call::Create, *fault);
        }
        let session = world.sign_in();
        assert!(world.accepts(&session), "{faults:?}");
        assert_eq!(
            ready(world.store.stats(world.now())).unwrap().sign_ins,
            1,
            "{faults:?}"
        );
    }
    let world = World::new();
    for _ in 0..3 {
        world.faults.plan(Call::Create, Fault::Unavailable);
    }
    let error = world.create(world.new_session()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn a_proof_is_worth_nothing_once_the_user_is_gone_disabled_or_of_another_epoch() {
    type Spoil = fn(&World, &mut NewSession);
    let world = World::new();
    let spoilt: [(&str, Spoil); 4] = [
        ("absent", |_, new| new.user_id = UserId::from_bytes([9; 16])),
        ("other epoch", |_, new| new.epoch = 1),
        ("other realm", |world, new| {
            new.user_id = UserId::from_bytes([8; 16]);
            world.add_user(new.user_id, "x");
        }),
        ("disabled between look and lock", |world, _| {
            let (store, user, now) = (world.store.clone(), world.user, world.now());
            world.faults.before(Call::Create, move || {
                ready(store.set_enabled(user, false, now)).unwrap();
            });
        }),
    ];
    for (what, spoil) in spoilt {
        let mut new = world.new_session();
        spoil(&world, &mut new);
        assert!(matches!(world.create(new).unwrap(), Created::Refused), "{what}");
    }
}

#[test]
fn at_the_cap_the_least_recently_seen_ends_or_the_new_one_is_denied() {
    let world = World::with(Plant::Nothing, |settings| settings.max_sign_ins = 2);
    let first = world.sign_in();
    world.wait(MICRO);
    let second = world.sign_in();
    // A step-up takes a place over and needs none.
    let pending = world.step_up(&second);
    world.wait(DAY);
    let first = world.next(&first);
    match world.create(world.new_session()).unwrap() {
        Created::Created { session, evicted } => {
            assert_eq!(evicted, [second.id()]);
            assert!(world.accepts(&session) && world.accepts(&first));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        world.refresh(refresh_of(&second)).unwrap(),
        Refreshed::SignedOut(Some(Over::Ended(EndReason::Cap)))
    ));
    assert!(!world.accepts(&pending));

    let world = World::with(Plant::Nothing, |settings| {
        (settings.max_sign_ins, settings.at_cap) = (1, AtCap::Deny);
    });
    let only = world.sign_in();
    assert!(matches!(
        world.create(world.new_session()).unwrap(),
        Created::CapReached
    ));
    assert!(world.accepts(&only));
    // What has expired takes no place.
    world.wait(14 * DAY);
    assert!(world.accepts(&world.sign_in()));
}

#[test]
fn another_users_sign_in_on_the_same_browser_is_replaced() {
    let world = World::new();
    let mine = world.sign_in();
    let other = UserId::from_bytes([2; 16]);
    world.add_user(other, "");
    let theirs = created(world.create(NewSession {
        user_id: other,
        ends: Some(mine.id()),
        ..world.new_session()
    }));
    assert!(world.accepts(&theirs) && !world.accepts(&mine));
    assert_eq!(world.end_reason(mine.id()), Some(EndReason::Replaced));
}

#[test]
fn what_a_sign_in_asks_for_is_checked_and_recorded() {
    let world = World::new();
    let session = created(world.create(NewSession {
        lifetimes: Lifetimes {
            access: Some(HOUR),
            absolute: Some(HOUR / 2),
            ..Lifetimes::default()
        },
        agent: "é".repeat(400),
        factors: Vec::new(),
        ..world.new_session()
    }));
    // No token outlives its sign-in; texts are cut between characters; without a factor, now is the time.
    assert_eq!(session.access_expires_at(), world.now().plus(HOUR / 2));
    assert_eq!(session.agent(), "é".repeat(256));
    assert_eq!(
        (session.factors().len(), session.authenticated_at()),
        (0, world.now())
    );
    for attributes in ["", "[]", "null", "{", "1"] {
        let new = NewSession {
            attributes: attributes.into(),
            ..world.new_session()
        };
        assert_eq!(world.create(new).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let long = Lifetimes {
        idle: Some(15 * DAY),
        ..Lifetimes::default()
    };
    let new = NewSession {
        lifetimes: long,
        ..world.new_session()
    };
    assert_eq!(world.create(new).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_newest_factor_is_when_the_person_authenticated() {
    let world = World::new();
    let mut new = world.new_session();
    world.wait(HOUR);
    let latest: Timestamp = world.now();
    new.factors
        .push(world.factor("totp", doorward::plugin::FactorClass::Possession));
    world.wait(HOUR);
    assert_eq!(created(world.create(new)).authenticated_at(), latest);
}
