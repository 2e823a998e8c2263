//! Ends: which token signs out, what is left, and that it is final.

use doorward::session::{Over, Refreshed, SessionEnd, Standing, Validated};
use doorward::store::EndReason;

use crate::faults::{Call, Fault};
use crate::world::{DAY, HOUR, World, access_of, forged, refresh_of};

/// Three generations of one sign-in, the last one settled: (world, tokens by name).
fn three_generations() -> (World, Vec<(&'static str, Vec<u8>)>) {
    let world = World::new();
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    assert!(world.accepts(&second));
    world.settle();
    let third = world.next(&second);
    assert!(world.accepts(&third));
    world.settle();
    let tokens = vec![
        ("access two back", access_of(&first).to_vec()),
        ("previous access", access_of(&second).to_vec()),
        ("current access", access_of(&third).to_vec()),
        ("refresh two back", refresh_of(&first).to_vec()),
        ("previous refresh", refresh_of(&second).to_vec()),
        ("current refresh", refresh_of(&third).to_vec()),
        ("forged refresh", forged(&first, 2)),
    ];
    (world, tokens)
}

#[test]
fn every_token_that_proves_the_sign_in_signs_out_and_never_counts_as_reuse() {
    for (which, signs_out) in [
        ("access two back", false),
        ("previous access", true),
        ("current access", true),
        ("refresh two back", true),
        ("previous refresh", true),
        ("current refresh", true),
        ("forged refresh", false),
    ] {
        for expired in [false, true] {
            let (world, tokens) = three_generations();
            let token = &tokens.iter().find(|(name, _)| *name == which).unwrap().1;
            let Validated::Accepted(session) = world.validate(&tokens[2].1).unwrap() else {
                panic!("not accepted")
            };
            if expired {
                world.wait(9 * HOUR);
            }
            match world.end(token).unwrap() {
                SessionEnd::Ended(ended) if signs_out => {
                    assert_eq!(ended.reason, EndReason::SignedOut);
                    assert_eq!((ended.user_id, ended.sign_in_id), (world.user, session.id()));
                    assert_eq!(world.end_reason(session.id()), Some(EndReason::SignedOut));
                }
                SessionEnd::Invalid if !signs_out => {
                    assert_eq!(world.end_reason(session.id()), None);
                }
                other => panic!("{which}: {other:?}"),
            }
        }
    }
}

#[test]
fn nothing_is_accepted_after_an_acknowledged_end() {
    nothing_is_accepted_after(&World::new());
}

pub(crate) fn nothing_is_accepted_after(world: &World) {
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    assert!(matches!(
        world.end(access_of(&second)).unwrap(),
        SessionEnd::Ended(_)
    ));
    let over = Over::Ended(EndReason::SignedOut);
    for session in [&first, &second] {
        assert!(matches!(
            world.validate(access_of(session)).unwrap(),
            Validated::Invalid
        ));
        assert!(matches!(
            world.refresh(refresh_of(session)).unwrap(),
            Refreshed::SignedOut(Some(reason)) if reason == over
        ));
        assert_eq!(
            world.standing_in("", refresh_of(session)),
            Standing::SignedOut(over)
        );
        // Signing out twice is fine.
        assert_eq!(world.end(refresh_of(session)).unwrap(), SessionEnd::NotLive);
        assert_eq!(world.end(access_of(session)).unwrap(), SessionEnd::Invalid);
    }
    let row = world.row(first.id());
    assert_eq!((row.refresh_hash, row.access_hash, row.salt), (None, None, None));
    assert_eq!(
        (row.previous_refresh_hash, row.previous_access_hash),
        (None, None)
    );
    assert_ne!(row.family_hash, [0; 32]);
    assert_eq!(row.end_reason, Some(EndReason::SignedOut));
}

#[test]
fn a_lost_answer_to_a_sign_out_is_found_again() {
    let world = World::new();
    for by_access in [true, false] {
        for fault in [Fault::LostReply, Fault::LostRequest, Fault::Retry] {
            let session = world.sign_in();
            world.faults.plan(Call::End, fault);
            let token = if by_access {
                access_of(&session)
            } else {
                refresh_of(&session)
            };
            assert!(
                matches!(world.end(token).unwrap(), SessionEnd::Ended(_)),
                "{fault:?}"
            );
            assert_eq!(world.end_reason(session.id()), Some(EndReason::SignedOut));
        }
    }
}

#[test]
fn a_sign_in_that_expired_by_itself_was_not_live() {
    let world = World::new();
    let session = world.sign_in();
    world.wait(14 * DAY);
    assert_eq!(world.end(refresh_of(&session)).unwrap(), SessionEnd::NotLive);
}

#[test]
fn an_end_between_look_and_write_wins() {
    let world = World::new();
    let session = world.sign_in();
    world.settle();
    let (other, token) = (world.clone(), access_of(&session).to_vec());
    world.faults.before(Call::Advance, move || {
        assert!(matches!(other.end(&token).unwrap(), SessionEnd::Ended(_)));
    });
    assert!(matches!(
        world.refresh(refresh_of(&session)).unwrap(),
        Refreshed::SignedOut(Some(Over::Ended(EndReason::SignedOut)))
    ));
}
