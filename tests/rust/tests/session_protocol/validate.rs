//! Validate: what is accepted, what it confirms, and what it writes.

use doorward::ErrorKind;
use doorward::session::{Refreshed, Validated};

use crate::faults::{Call, Fault};
use crate::world::{GRACE, HOUR, MICRO, World, access_of, just_before, refresh_of};

#[test]
fn the_previous_access_token_is_good_until_the_next_has_settled() {
    let world = World::new();
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    world.wait(HOUR);
    // The holder of the previous token does not have the next: its use confirms nothing.
    assert!(world.accepts(&first));
    assert_eq!(world.row(first.id()).confirmed_at, None);
    assert!(world.accepts(&second));
    assert_eq!(world.row(first.id()).confirmed_at, Some(world.now()));
    world.wait(just_before(GRACE));
    assert!(world.accepts(&first));
    world.wait(MICRO);
    assert!(matches!(
        world.validate(access_of(&first)).unwrap(),
        Validated::Expired
    ));
    assert!(world.accepts(&second), "an old access token ends nothing");
}

#[test]
fn a_session_shows_the_generation_its_token_is_of() {
    let world = World::new();
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    for session in [&first, &second] {
        let Validated::Accepted(seen) = world.validate(access_of(session)).unwrap() else {
            panic!("not accepted")
        };
        assert_eq!(seen.access_expires_at(), session.access_expires_at());
        assert!(seen.access_token().is_none() && seen.refresh_token().is_none());
        assert_eq!(
            (seen.id(), seen.user().id, seen.attributes(), seen.agent()),
            (first.id(), world.user, r#"{"theme":"dark"}"#, "Firefox")
        );
    }
}

#[test]
fn an_expired_access_token_of_a_live_sign_in_says_so() {
    let world = World::new();
    let session = world.sign_in();
    world.wait(just_before(8 * HOUR));
    assert!(world.accepts(&session));
    world.wait(MICRO);
    assert!(matches!(
        world.validate(access_of(&session)).unwrap(),
        Validated::Expired
    ));
    assert!(matches!(
        world.refresh(refresh_of(&session)).unwrap(),
        Refreshed::Next(_)
    ));
}

#[test]
fn unavailable_is_an_error_and_never_a_sign_out() {
    let world = World::new();
    let session = world.sign_in();
    for _ in 0..3 {
        world.faults.plan(Call::Read, Fault::Unavailable);
    }
    let error = world.validate(access_of(&session)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(world.accepts(&session));
}

#[test]
fn a_use_is_noted_once_per_twentieth_of_the_idle_lifetime_and_never_backwards() {
    let step = 8 * HOUR / 20;
    let world = World::with(crate::planted::Plant::Nothing, |settings| {
        settings.idle_ttl = 8 * HOUR;
    });
    let session = world.sign_in();
    let made = world.now();
    let seen = |session: &doorward::session::Session| {
        let row = world.row(session.id());
        (row.last_seen_at, row.idle_expires_at)
    };
    world.wait(just_before(step));
    assert!(world.accepts(&session));
    assert_eq!(seen(&session), (made, made.plus(8 * HOUR)));
    world.wait(MICRO);
    assert!(world.accepts(&session));
    let moved = (made.plus(step), made.plus(step).plus(8 * HOUR));
    assert_eq!(seen(&session), moved);
    world.clock.set(made);
    assert!(world.accepts(&session));
    assert_eq!(seen(&session), moved);
}
