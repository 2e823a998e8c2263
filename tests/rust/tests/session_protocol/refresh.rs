//! Refresh: rules 1 to 6, lost replies, races, replays, forks, forgeries.

use doorward::ErrorKind;
use doorward::session::{Over, Refreshed, Standing, Validated};
use doorward::store::EndReason;

use crate::faults::{Call, Fault};
use crate::world::{DAY, GRACE, HOUR, MICRO, World, access_of, forged, just_before, refresh_of, texts};

#[test]
fn a_lost_reply_does_no_harm_however_long_it_is_lost() {
    for lost_for in [MICRO, just_before(GRACE), GRACE, GRACE + MICRO, HOUR, 13 * DAY] {
        lost_reply(&World::new(), lost_for);
    }
}

pub(crate) fn lost_reply(world: &World, lost_for: std::time::Duration) {
    let first = world.sign_in();
    world.settle();
    let lost = world.next(&first);
    world.wait(lost_for);
    // Five tries, each reply lost for another grace, find the same successor, byte for byte: none of them confirms it.
    for _ in 0..5 {
        match world.refresh(refresh_of(&first)).unwrap() {
            Refreshed::Repeated(again) => assert_eq!(texts(&again), texts(&lost)),
            other => panic!("after {lost_for:?}: {other:?}"),
        }
        world.settle();
    }
    assert!(world.accepts(&lost));
}

#[test]
fn both_tabs_of_a_race_get_the_same_successor() {
    race(&World::new());
}

pub(crate) fn race(world: &World) {
    let first = world.sign_in();
    world.settle();
    // The other tab wins between our look and our update.
    let (other, token) = (world.clone(), refresh_of(&first).to_vec());
    let winner = std::sync::Arc::new(std::sync::Mutex::new(None));
    let seen = winner.clone();
    world.faults.before(Call::Advance, move || {
        *seen.lock().unwrap() = Some(other.refresh(&token).unwrap());
    });
    let loser = world.refresh(refresh_of(&first)).unwrap();
    let winner = winner.lock().unwrap().take();
    match (winner, loser) {
        (Some(Refreshed::Next(winner)), Refreshed::Repeated(loser)) => {
            assert_eq!(texts(&winner), texts(&loser));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn generation_0_answers_with_itself_in_its_first_grace() {
    let world = World::new();
    let first = world.sign_in();
    world.wait(just_before(GRACE));
    match world.refresh(refresh_of(&first)).unwrap() {
        Refreshed::Current(same) => {
            assert_eq!(access_of(&same), access_of(&first));
            assert!(same.refresh_token().is_none(), "the presented one stays current");
            assert_eq!(same.access_expires_at(), world.now().plus(8 * HOUR));
            assert_eq!(
                world.row(first.id()).access_expires_at,
                world.now().plus(8 * HOUR)
            );
        }
        other => panic!("{other:?}"),
    }
    world.wait(MICRO);
    assert!(matches!(
        world.refresh(refresh_of(&first)).unwrap(),
        Refreshed::Next(_)
    ));
}

#[test]
fn a_replay_is_one_grace_after_the_successor_was_first_used() {
    for (after, replay) in [(just_before(GRACE), false), (GRACE, true), (GRACE + MICRO, true)] {
        replay_ends(&World::new(), after, replay);
    }
}

pub(crate) fn replay_ends(world: &World, after: std::time::Duration, replay: bool) {
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    world.wait(HOUR);
    assert!(world.accepts(&second));
    world.wait(after);
    match world.refresh(refresh_of(&first)).unwrap() {
        Refreshed::Repeated(again) if !replay => assert_eq!(texts(&again), texts(&second)),
        Refreshed::Ended(ended) if replay => {
            assert_eq!(ended.reason, EndReason::TokenReuse);
            assert_eq!((ended.user_id, ended.sign_in_id), (world.user, first.id()));
            // Thief and owner are both out, and both may know why.
            for token in [refresh_of(&first), refresh_of(&second)] {
                let reason = Over::Ended(EndReason::TokenReuse);
                assert!(
                    matches!(world.refresh(token).unwrap(), Refreshed::SignedOut(Some(r)) if r == reason)
                );
                assert_eq!(world.standing_in("", token), Standing::SignedOut(reason));
            }
            assert!(!world.accepts(&second));
        }
        other => panic!("after {after:?}: {other:?}"),
    }
}

#[test]
fn a_refresh_token_two_generations_back_is_a_replay_even_while_settling() {
    let world = World::new();
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    assert!(world.accepts(&second));
    world.settle();
    let _third = world.next(&second);
    assert!(matches!(
        world.refresh(refresh_of(&first)).unwrap(),
        Refreshed::Ended(ended) if ended.reason == EndReason::TokenReuse
    ));
}

#[test]
fn a_forged_token_never_ends_anybodys_sign_in() {
    let world = World::new();
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    for settled in [false, true] {
        for generation in 0..4 {
            let token = forged(&first, generation);
            assert!(matches!(world.refresh(&token).unwrap(), Refreshed::Invalid));
            assert_eq!(world.standing_in("", &token), Standing::Unknown);
        }
        assert!(world.accepts(&second), "settled: {settled}");
        world.settle();
    }
    assert!(world.end(access_of(&second)).is_ok());
    assert!(matches!(
        world.refresh(&forged(&first, 1)).unwrap(),
        Refreshed::SignedOut(None)
    ));
}

#[test]
fn a_database_that_went_back_in_time_is_noticed_on_the_second_look() {
    rollback(&World::new());
}

pub(crate) fn rollback(world: &World) {
    let first = world.sign_in();
    world.settle();
    let before = world.row(first.id());
    let second = world.next(&first);
    assert!(world.accepts(&second));
    // One look that lags behind ends nothing.
    world.faults.restore(before.clone(), 1);
    assert!(matches!(
        world.refresh(refresh_of(&second)).unwrap(),
        Refreshed::Current(_)
    ));
    world.faults.restore(before, 2);
    let _ = world.faults.take_calls();
    match world.refresh(refresh_of(&second)).unwrap() {
        Refreshed::Ended(ended) => assert_eq!(ended.reason, EndReason::RollbackDetected),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.faults.take_calls(), [Call::Read, Call::Read, Call::End]);
    assert_eq!(world.end_reason(first.id()), Some(EndReason::RollbackDetected));
    assert!(!world.accepts(&second));
}

/// What an exchange answers.
#[derive(Debug, PartialEq)]
enum Answer {
    Next,
    Repeated,
    Current,
    Ended,
    Error(ErrorKind),
}

fn answer(of: Result<Refreshed, doorward::Error>) -> Answer {
    match of {
        Ok(Refreshed::Next(_)) => Answer::Next,
        Ok(Refreshed::Repeated(_)) => Answer::Repeated,
        Ok(Refreshed::Current(_)) => Answer::Current,
        Ok(Refreshed::Ended(_)) => Answer::Ended,
        Ok(other) => panic!("{other:?}"),
        Err(error) => Answer::Error(error.kind()),
    }
}

#[test]
fn a_fault_costs_an_attempt_and_never_a_session() {
    type Row = (Vec<(Call, Fault)>, Answer, Answer);
    use Call::{Advance, End, Extend, Read};
    use Fault::{Corrupt, LostReply, LostRequest, Retry, Unavailable};
    let unavailable = || Answer::Error(ErrorKind::Unavailable);
    // Faults, the answer, and the answer of the next try with the same token.
    #[rustfmt::skip]
    let exchange: Vec<Row> = vec![
        (vec![], Answer::Next, Answer::Repeated),
        (vec![(Read, Retry)], Answer::Next, Answer::Repeated),
        (vec![(Read, Unavailable), (Read, Unavailable)], Answer::Next, Answer::Repeated),
        (vec![(Read, Unavailable); 3], unavailable(), Answer::Next),
        (vec![(Read, Corrupt)], Answer::Error(ErrorKind::Corrupt), Answer::Next),
        (vec![(Advance, Retry)], Answer::Next, Answer::Repeated),
        (vec![(Advance, LostRequest), (Advance, Retry)], Answer::Next, Answer::Repeated),
        (vec![(Advance, LostReply)], Answer::Repeated, Answer::Repeated),
        (vec![(Advance, LostReply), (Extend, LostReply)], Answer::Repeated, Answer::Repeated),
        (vec![(Advance, LostReply), (Extend, Retry), (Extend, Retry)], unavailable(), Answer::Repeated),
        (vec![(Advance, Retry); 3], unavailable(), Answer::Next),
        (vec![(Advance, Unavailable), (Advance, LostRequest), (Advance, LostReply)], unavailable(), Answer::Repeated),
    ];
    for (faults, first_try, second_try) in exchange {
        let world = World::new();
        let session = world.sign_in();
        world.settle();
        for (call, fault) in &faults {
            world.faults.plan(*call, *fault);
        }
        assert_eq!(
            answer(world.refresh(refresh_of(&session))),
            first_try,
            "{faults:?}"
        );
        assert!(world.faults.is_spent(), "{faults:?}");
        assert_eq!(
            answer(world.refresh(refresh_of(&session))),
            second_try,
            "{faults:?}"
        );
        assert_eq!(world.row(session.id()).generation, 1, "{faults:?}");
    }
    // The write of a settling generation is part of the exchange; the answer to a replay is its end.
    for (replay, call, fault, wanted) in [
        (false, Extend, LostReply, Answer::Current),
        (false, Extend, Retry, Answer::Current),
        (true, End, LostReply, Answer::Ended),
        (true, End, LostRequest, Answer::Ended),
    ] {
        let world = World::new();
        let mut session = world.sign_in();
        if replay {
            world.settle();
            assert!(world.accepts(&world.next(&session)));
            world.settle();
        }
        world.faults.plan(call, fault);
        assert_eq!(
            answer(world.refresh(refresh_of(&session))),
            wanted,
            "{call:?} {fault:?}"
        );
        session = world.sign_in();
        for _ in 0..3 {
            world.faults.plan(Extend, Unavailable);
        }
        assert_eq!(answer(world.refresh(refresh_of(&session))), unavailable());
    }
}

#[test]
fn now_is_taken_once_and_no_attempt_begins_after_the_store_deadline() {
    for (slow, finishes) in [(4, true), (5, false)] {
        let world = World::new();
        let session = world.sign_in();
        world.settle();
        let entered = world.now();
        let clock = world.clock.clone();
        world.faults.before(Call::Advance, move || {
            clock.advance(std::time::Duration::from_secs(slow));
        });
        world.faults.plan(Call::Advance, Fault::Retry);
        match world.refresh(refresh_of(&session)) {
            Ok(Refreshed::Next(next)) if finishes => {
                assert_eq!(next.access_expires_at(), entered.plus(8 * HOUR));
                assert_eq!(world.row(session.id()).last_seen_at, entered);
            }
            Err(error) if !finishes => assert_eq!(error.kind(), ErrorKind::Unavailable),
            other => panic!("{slow} s: {other:?}"),
        }
    }
}

#[test]
fn lifetimes_extend_with_use_up_to_the_absolute_end() {
    let world = World::new();
    let mut session = world.sign_in();
    let absolute = session.absolute_expires_at();
    assert_eq!(absolute, world.now().plus(90 * DAY));
    for _ in 0..6 {
        world.wait(13 * DAY);
        session = world.next(&session);
        assert!(world.accepts(&session));
        assert_eq!(session.idle_expires_at(), world.now().plus(14 * DAY));
        assert_eq!(session.access_expires_at(), world.now().plus(8 * HOUR));
    }
    world.clock.set(absolute.minus(HOUR));
    session = world.next(&session);
    assert_eq!(session.access_expires_at(), absolute);
    world.clock.set(absolute.minus(MICRO));
    assert!(world.accepts(&session));
    world.clock.set(absolute);
    assert!(matches!(
        world.validate(access_of(&session)).unwrap(),
        Validated::Invalid
    ));
    assert!(matches!(
        world.refresh(refresh_of(&session)).unwrap(),
        Refreshed::SignedOut(Some(Over::Expired))
    ));
}

#[test]
fn a_sign_in_of_another_realm_does_not_exist_and_is_not_touched() {
    let world = World::new();
    let session = world.sign_in();
    world.settle();
    assert!(matches!(
        world.refresh_in("x", refresh_of(&session)).unwrap(),
        Refreshed::Invalid
    ));
    assert!(matches!(
        world.validate_in("x", access_of(&session)).unwrap(),
        Validated::Invalid
    ));
    assert_eq!(world.standing_in("x", refresh_of(&session)), Standing::Unknown);
    for token in [access_of(&session), refresh_of(&session)] {
        assert_eq!(
            world.end_in("x", token).unwrap(),
            doorward::session::SessionEnd::Invalid
        );
    }
    assert_eq!(world.row(session.id()).generation, 0);
    assert!(world.accepts(&session));
}

#[test]
fn a_standing_is_told_without_any_write() {
    let world = World::new();
    let first = world.sign_in();
    assert_eq!(world.standing_in("", refresh_of(&first)), Standing::Refreshable);
    world.settle();
    assert_eq!(world.standing_in("", refresh_of(&first)), Standing::Refreshable);
    let second = world.next(&first);
    assert_eq!(world.standing_in("", refresh_of(&first)), Standing::Refreshable);
    assert!(world.accepts(&second));
    world.settle();
    // A replay is left to the refresh that ends it.
    let _ = world.faults.take_calls();
    assert_eq!(world.standing_in("", refresh_of(&first)), Standing::Unknown);
    assert!(world.held(refresh_of(&first)).is_none());
    let held = world.held(refresh_of(&second)).unwrap();
    assert_eq!(held.id(), first.id());
    assert!(held.access_token().is_none() && held.refresh_token().is_none());
    assert_eq!(world.faults.take_calls(), [Call::Read; 3]);
    assert!(world.accepts(&second));
}
