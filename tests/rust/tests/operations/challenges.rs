//! Every 401 says how to authenticate, and nothing else does: the whole table of outcomes and errors.
//!
//! RFC 9110 section 15.5.2: a 401 has a challenge. RFC 6750 section 3.1: an error code where a token was presented, none
//! where none was. RFC 9470 section 3: `insufficient_user_authentication` where a session proves too little.

use std::time::Duration;

use doorward::headers::ResponseHeaders;
use doorward::store::EndReason;
use doorward::{Answer, Error, ErrorKind, Fields, Outcome, Proof, RequestRefused, SessionOptions, SignedOut};

use crate::context::{PASSWORD, World, accepted, claims, password, request, run};
use crate::second_factor;

/// The one challenge among the lines.
fn challenge(headers: &ResponseHeaders) -> Option<String> {
    let lines: Vec<_> = headers
        .iter()
        .filter(|(name, _)| *name == "WWW-Authenticate")
        .collect();
    assert!(lines.len() <= 1, "{headers:?}");
    lines.first().map(|(_, value)| (*value).to_owned())
}

fn invalid_token(reason: &str) -> String {
    format!("Bearer error=\"invalid_token\", error_description=\"{reason}\"")
}

fn insufficient(reason: &str) -> String {
    format!("Bearer error=\"insufficient_user_authentication\", error_description=\"{reason}\"")
}

/// An outcome of each variant that has no value of its own, and with which challenge it is answered.
fn table() -> Vec<(Outcome<Proof>, u16, Option<String>)> {
    let mut rows = vec![
        (Outcome::Refused(None), 401, Some("Bearer".into())),
        (
            Outcome::RequestRefused(RequestRefused {
                reason: "origin_null",
                setting: "origins.trusted",
            }),
            403,
            None,
        ),
        (Outcome::Throttled(Duration::from_secs(7)), 429, None),
        (Outcome::SignedOut(SignedOut::NoToken), 401, Some("Bearer".into())),
    ];
    let ends = EndReason::ALL.map(SignedOut::Ended);
    let others = [
        SignedOut::Expired,
        SignedOut::ExpiredRefreshable,
        SignedOut::Invalid,
    ];
    for reason in ends.into_iter().chain(others) {
        rows.push((Outcome::SignedOut(reason), 401, Some(invalid_token(reason.id()))));
    }
    rows
}

/// Those with a flow, a claim or a value, as operations answer them.
fn answered() -> Vec<(Answer<Proof>, u16, Option<String>)> {
    let world = second_factor::world(false);
    let session = world.proved_user("ada@example.com");
    let accepted = world.try_sign_in("ada@example.com", PASSWORD);
    second_factor::enroll(&world, &run(world.auth.session_proof(&session)).unwrap());
    let asked = world.try_sign_in("ada@example.com", PASSWORD);
    let asked_again = world.try_sign_in("ada@example.com", PASSWORD);
    let Outcome::Continue(flow) = &asked_again.outcome else {
        panic!("{asked_again:?}")
    };
    let token = flow.token().expose();
    let code = Fields::from([("code", "000000")]);
    let try_again = run(world.auth.continue_flow(token, None, code)).unwrap();
    assert!(matches!(try_again.outcome, Outcome::Refused(Some(_))));
    let vouched = World::with(&claims());
    let code = Fields::from([("code", "good:7")]);
    let unregistered = run(vouched.auth.authenticate("github", None, code)).unwrap();
    assert!(matches!(unregistered.outcome, Outcome::Unregistered(_)));
    vec![
        (accepted, 200, None),
        (asked, 200, None),
        (try_again, 401, Some("Bearer".into())),
        (unregistered, 404, None),
    ]
}

#[test]
fn the_whole_table_of_outcomes_says_which_carries_which_challenge() {
    let made = table().into_iter();
    let made = made.map(|(outcome, status, expected)| (Answer::of(outcome), status, expected));
    let mut seen = std::collections::BTreeSet::new();
    for (answer, status, expected) in made.chain(answered()) {
        let id = answer.outcome.id();
        seen.insert(id);
        assert_eq!(answer.http_status(), status, "{id}");
        assert_eq!(challenge(&answer.headers), expected, "{id}");
        assert_eq!(status == 401, expected.is_some(), "{id}");
        // The error of `require()` keeps what goes with the status.
        let is_continue = matches!(answer.outcome, Outcome::Continue(_));
        if let Err(error) = answer.require() {
            let expected = if is_continue {
                Some(insufficient("step_required"))
            } else {
                assert_eq!(error.kind().http_status(), status, "{id}");
                expected
            };
            assert_eq!(challenge(error.headers()), expected, "{id}");
        }
    }
    let all = [
        "accepted",
        "continue",
        "refused",
        "request_refused",
        "signed_out",
        "throttled",
        "unregistered",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn every_error_of_401_has_a_challenge_and_no_other_has_one() {
    let statuses = [400, 401, 403, 404, 409, 422, 429, 500, 503];
    for kind in ErrorKind::ALL {
        let error = Error::new(*kind, "x");
        let expected = match kind {
            ErrorKind::Refused => Some("Bearer".into()),
            ErrorKind::SignedOut => Some(invalid_token("signed_out")),
            ErrorKind::ProofRequired => Some(insufficient("proof_required")),
            ErrorKind::StepRequired => Some(insufficient("step_required")),
            _ => None,
        };
        assert!(statuses.contains(&kind.http_status()), "{kind:?}");
        assert_eq!(kind.http_status() == 401, expected.is_some(), "{kind:?}");
        assert_eq!(challenge(error.headers()), expected, "{kind:?}");
        assert_eq!(error.headers().len(), usize::from(expected.is_some()), "{kind:?}");
    }
}

#[test]
fn a_throttled_answer_says_when_and_its_error_too() {
    let world = World::with("throttle.id.free = 1\nthrottle.in.free = 1\n");
    world.sign_up("ada@example.com");
    let throttled = (0..100)
        .map(|_| world.try_sign_in("ada@example.com", "not this one at all"))
        .find(|answer| matches!(answer.outcome, Outcome::Throttled(_)))
        .unwrap();
    let lines = |headers: &ResponseHeaders| -> Vec<String> {
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect()
    };
    let of_answer = lines(&throttled.headers);
    assert!(of_answer.len() == 1 && of_answer[0].starts_with("Retry-After: "));
    assert_eq!(lines(throttled.require().unwrap_err().headers()), of_answer);
}

#[test]
fn a_step_up_says_how_young_a_proof_has_to_be_and_what_is_asked_for() {
    // A factor that is too old: no session proves enough without a new one.
    let world = second_factor::world(false);
    let session = world.proved_user("ada@example.com");
    let (app, _) = second_factor::enroll(&world, &run(world.auth.session_proof(&session)).unwrap());
    let stale = |proof: &Proof| {
        let changed = world
            .auth
            .update_identifier(proof, "email", b"ada@example.com", b"a@example.com");
        let error = run(changed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProofRequired);
        challenge(error.headers()).unwrap()
    };
    let bob = world.user("bob@example.com");
    world.advance(11 * 60);
    let old = run(world.auth.session_proof(&bob)).unwrap();
    let young = format!("{}, max_age=\"600\"", insufficient("proof_required"));
    assert_eq!(stale(&old), young);
    // One of two that is too old: that one is asked for, by its provider name.
    let Outcome::Continue(flow) = world.try_sign_in("ada@example.com", PASSWORD).outcome else {
        panic!("the app is asked for")
    };
    world.advance(6 * 60);
    let both = world
        .auth
        .continue_flow(flow.token().expose(), None, app.code(&world));
    let both = accepted(run(both));
    let session = accepted(run(world.auth.create_session(&both, SessionOptions::default())));
    assert!(run(world.auth.session_proof(&session)).is_ok());
    world.advance(5 * 60);
    let half = run(world.auth.session_proof(&session)).unwrap();
    assert_eq!(stale(&half), format!("{young}, acr_values=\"email\""));
    // It is for sensitive operations: whoever has nothing is asked for a session first.
    let nobody = run(world.auth.on(request("GET", &[])).check_request()).unwrap();
    assert_eq!(challenge(&nobody.headers).unwrap(), "Bearer");
    let proved = accepted(run(world.auth.create_user(
        "email",
        b"eve@example.com",
        password(PASSWORD),
        doorward::NewUserOptions::default(),
    )));
    let spent = run(world.auth.create_session(&proved, SessionOptions::default()));
    accepted(spent);
    let again = run(world.auth.create_session(&proved, SessionOptions::default())).unwrap_err();
    assert_eq!(
        challenge(again.headers()).unwrap(),
        insufficient("proof_required")
    );
}
