//! Step-up: another sign-in that takes the place of the old one at its first use, and gives the old one nothing.

use doorward::ErrorKind;
use doorward::session::{Created, Lifetimes, NewSession, Over, Refreshed, Session, StepUp, Validated};
use doorward::store::{EndReason, Ends, Store};

use crate::faults::{Call, Fault};
use crate::world::{DAY, HOUR, World, access_of, created, ready, refresh_of, texts};

fn providers(session: &Session) -> Vec<&str> {
    session
        .factors()
        .iter()
        .map(|factor| factor.provider.as_str())
        .collect()
}

fn validated(world: &World, session: &Session) -> Session {
    match world.validate(access_of(session)).unwrap() {
        Validated::Accepted(session) => session,
        other => panic!("not accepted: {other:?}"),
    }
}

#[test]
fn the_old_one_keeps_its_factors_until_the_new_is_first_used_and_that_use_ends_it() {
    first_use_supersedes(&World::new());
}

pub(crate) fn first_use_supersedes(world: &World) {
    let old = world.sign_in();
    let signed_in_at = world.now();
    world.wait(HOUR);
    let new = world.step_up(&old);
    let unused = world.step_up(&old);
    assert_ne!(new.id(), old.id());
    assert_eq!(providers(&new), ["email", "totp"]);
    assert_eq!(
        (new.factors()[0].at, new.factors()[1].at),
        (signed_in_at, world.now())
    );
    assert_eq!(new.authenticated_at(), world.now());
    // However long the new one is not used, the old one is what it was, through exchanges too.
    world.wait(HOUR);
    let old_next = world.next(&old);
    let seen = validated(world, &old_next);
    assert_eq!((seen.id(), providers(&seen)), (old.id(), vec!["email"]));
    // The first use of the new ends the old, and what else would have replaced it.
    assert_eq!(providers(&validated(world, &new)), ["email", "totp"]);
    for (ended, session) in [(&old, &old_next), (&unused, &unused)] {
        assert_eq!(world.end_reason(ended.id()), Some(EndReason::Superseded));
        assert!(!world.accepts(session));
        assert!(matches!(
            world.refresh(refresh_of(session)).unwrap(),
            Refreshed::SignedOut(Some(Over::Ended(EndReason::Superseded)))
        ));
    }
    assert!(world.accepts(&new));
}

#[test]
fn a_refresh_is_a_first_use_too() {
    let world = World::new();
    let old = world.sign_in();
    let new = world.step_up(&old);
    world.wait(DAY);
    match world.refresh(refresh_of(&new)).unwrap() {
        Refreshed::Current(same) => assert_eq!(access_of(&same), access_of(&new)),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.end_reason(old.id()), Some(EndReason::Superseded));
}

#[test]
fn the_first_use_waits_for_its_write() {
    let world = World::new();
    let old = world.sign_in();
    let new = world.step_up(&old);
    for _ in 0..3 {
        world.faults.plan(Call::Confirm, Fault::Unavailable);
    }
    let error = world.validate(access_of(&new)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(world.accepts(&old), "nothing was ended by a write that failed");
    world.faults.plan(Call::Confirm, Fault::LostReply);
    assert!(world.accepts(&new));
    assert!(!world.accepts(&old));
}

#[test]
fn an_exchange_after_the_first_use_makes_an_ordinary_sign_in_of_it() {
    let world = World::new();
    let old = world.sign_in();
    let new = world.step_up(&old);
    let listed = |world: &World| {
        let rows = ready(world.store.sign_ins(world.user, world.now())).unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(&world), [old.id()], "pending step-ups are not listed");
    assert!(world.accepts(&new));
    world.settle();
    let next = world.next(&new);
    // Generation 1 is unconfirmed, and yet nothing is pending: it counts, it is listed, it does not go with the old.
    assert_eq!(listed(&world), [new.id()]);
    let of_old = Ends::One(world.user, old.id());
    assert_eq!(
        ready(world.store.end(of_old, EndReason::Ended, world.now())).unwrap(),
        0
    );
    assert!(world.accepts(&next));
}

#[test]
fn ending_the_old_one_ends_what_would_replace_it() {
    let world = World::new();
    let old = world.sign_in();
    let new = world.step_up(&old);
    assert!(world.end(refresh_of(&old)).is_ok());
    assert!(!world.accepts(&new));
    assert!(matches!(
        world.refresh(refresh_of(&new)).unwrap(),
        Refreshed::SignedOut(Some(Over::Ended(EndReason::SignedOut)))
    ));
}

#[test]
fn signing_out_of_a_step_up_leaves_nobody_signed_in() {
    for by_access in [true, false] {
        let world = World::new();
        let old = world.sign_in();
        let new = world.step_up(&old);
        let (access, refresh) = texts(&new);
        let answer = world.end(if by_access { access } else { refresh }).unwrap();
        assert!(
            matches!(answer, doorward::session::SessionEnd::Ended(ended) if ended.sign_in_id == new.id())
        );
        assert!(!world.accepts(&new) && !world.accepts(&old));
        assert_eq!(world.end_reason(old.id()), Some(EndReason::Superseded));
    }
}

#[test]
fn a_sign_in_that_ended_meanwhile_cannot_be_stepped_up() {
    let world = World::new();
    // Before the insert: the store's own look refuses.
    let old = world.sign_in();
    let (other, token) = (world.clone(), access_of(&old).to_vec());
    world.faults.before(Call::Create, move || {
        assert!(other.end(&token).is_ok());
    });
    assert!(matches!(
        world.try_step_up(&old, world.totp()).unwrap(),
        Created::Refused
    ));
    // After the insert, before our second look: it went with the old one, and is not handed out.
    let old = world.sign_in();
    let (other, token) = (world.clone(), access_of(&old).to_vec());
    world.faults.before(Call::Read, move || {
        assert!(other.end(&token).is_ok());
    });
    assert!(matches!(
        world.try_step_up(&old, world.totp()).unwrap(),
        Created::Refused
    ));
    assert_eq!(ready(world.store.stats(world.now())).unwrap().sign_ins, 0);
}

#[test]
fn lifetimes_and_attributes_are_copied_and_only_a_full_sign_in_starts_the_absolute_end_anew() {
    let world = World::new();
    let lifetimes = Lifetimes {
        access: Some(HOUR),
        idle: Some(DAY),
        absolute: Some(2 * DAY),
        persistent: Some(false),
    };
    let old = created(world.create(NewSession {
        lifetimes,
        ..world.new_session()
    }));
    world.wait(20 * HOUR);
    for (full, absolute) in [
        (false, old.absolute_expires_at()),
        (true, world.now().plus(2 * DAY)),
    ] {
        let new = created(world.try_step_up(&old, StepUp { full, ..world.totp() }));
        assert_eq!(new.absolute_expires_at(), absolute);
        assert_eq!(new.idle_expires_at(), world.now().plus(DAY));
        assert_eq!(new.access_expires_at(), world.now().plus(HOUR));
        assert_eq!(
            (new.persistent(), new.attributes(), new.address()),
            (false, old.attributes(), "192.0.2.9")
        );
    }
}

#[test]
fn a_proof_of_an_older_epoch_steps_nothing_up() {
    let world = World::new();
    let old = world.sign_in();
    let stale = StepUp {
        epoch: -1,
        ..world.totp()
    };
    assert!(matches!(
        world.try_step_up(&old, stale).unwrap(),
        Created::Refused
    ));
}
