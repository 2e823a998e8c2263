//! Signing up and in with the built-in password.

use doorward::{ErrorKind, NewUserOptions, Outcome, SessionOptions, UserId};

use crate::context::{OTHER, PASSWORD, World, accepted, access, password, run};

#[test]
fn a_new_user_signs_up_in_and_out() {
    let world = World::new();
    let proof = world.sign_up("Ada@Example.com");
    let session = world.session(&proof);
    assert!(world.is_live(&access(&session)));
    // The identifier's case is not the user's business.
    let again = accepted(Ok(world.try_sign_in("ada@example.COM", PASSWORD)));
    assert_eq!(again.user_id(), proof.user_id());
    run(world.auth.end_session(Some(&access(&session))))
        .unwrap()
        .require()
        .unwrap();
    assert!(!world.is_live(&access(&session)));
    run(world.auth.end_session(Some(&access(&session))))
        .unwrap()
        .require()
        .unwrap();
}

#[test]
fn a_proof_makes_one_session_and_only_while_it_is_young() {
    let world = World::new();
    let proof = world.sign_up("a@example.com");
    world.session(&proof);
    let twice = run(world.auth.create_session(&proof, SessionOptions::default())).unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::ProofRequired);
    let old = accepted(Ok(world.try_sign_in("a@example.com", PASSWORD)));
    world.advance(601);
    let late = run(world.auth.create_session(&old, SessionOptions::default())).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::ProofRequired);
}

#[test]
fn whoever_may_not_in_gets_the_same_answer() {
    let world = World::new();
    world.sign_up("a@example.com");
    let disabled = world.sign_up("disabled@example.com").user_id();
    run(world.auth.disable_user(disabled)).unwrap();
    world.events();
    let long = "x".repeat(3000);
    for (email, with, reason) in [
        ("a@example.com", OTHER, "wrong"),
        ("nobody@example.com", PASSWORD, "unknown_user"),
        ("not an address", PASSWORD, "unknown_user"),
        ("disabled@example.com", PASSWORD, "disabled"),
        ("a@example.com", "", "wrong"),
        ("a@example.com", &long, "wrong"),
    ] {
        let answer = world.try_sign_in(email, with);
        assert!(
            matches!(answer.outcome, Outcome::Refused(None)),
            "{email} {answer:?}"
        );
        assert_eq!(
            answer.headers.iter().collect::<Vec<_>>(),
            [("WWW-Authenticate", "Bearer")]
        );
        let events = world.events();
        assert!(
            events
                .iter()
                .any(|event| event.contains(&format!("reason={reason}"))),
            "{email}: {events:?}"
        );
    }
}

#[test]
fn one_password_serves_every_name_of_the_user() {
    let world = World::new();
    let session = world.user("a@example.com");
    let proof = run(world.auth.session_proof(&session)).unwrap();
    accepted(run(world.auth.link_identity(
        &proof,
        "username",
        b"ada",
        password(""),
    )));
    let answer = run(world
        .auth
        .authenticate("username", Some(b"ADA"), password(PASSWORD)))
    .unwrap();
    assert_eq!(accepted(Ok(answer)).user_id(), session.user().id);
    assert!(world.is_live(&access(&session)), "the session that did it stays");
}

#[test]
fn a_taken_identifier_is_a_conflict_and_a_repeat_is_not() {
    let world = World::new();
    world.sign_up("a@example.com");
    let create = |email: &str, id: Option<UserId>, with: &str| {
        let options = NewUserOptions {
            id,
            ..NewUserOptions::default()
        };
        run(world
            .auth
            .create_user("email", email.as_bytes(), password(with), options))
    };
    let taken = create("A@example.com", None, PASSWORD).unwrap_err();
    assert_eq!(
        (taken.kind(), taken.what()),
        (ErrorKind::Conflict, Some("identifier"))
    );
    let id = UserId::from_bytes([7; 16]);
    let first = accepted(create("b@example.com", Some(id), PASSWORD));
    let repeat = accepted(create("b@example.com", Some(id), PASSWORD));
    assert_eq!((first.user_id(), repeat.user_id()), (id, id));
    assert!(matches!(
        create("b@example.com", Some(id), OTHER).unwrap().outcome,
        Outcome::Refused(_)
    ));
    let other = create("c@example.com", Some(id), PASSWORD).unwrap_err();
    assert_eq!((other.kind(), other.what()), (ErrorKind::Conflict, Some("id")));
}

#[test]
fn a_weak_password_is_told_everything_that_is_wrong_with_it() {
    let world = World::new();
    let create = |with: &str| {
        run(world.auth.create_user(
            "email",
            b"grace@example.com",
            password(with),
            NewUserOptions::default(),
        ))
        .unwrap_err()
    };
    for weak in ["tiny pw", "passwordpassword", "grace@example.com"] {
        let error = create(weak);
        assert_eq!(error.kind(), ErrorKind::PolicyViolation, "{weak}");
        assert!(
            !error.violations().is_empty() && !error.to_string().contains(weak),
            "{error}"
        );
    }
    assert!(create("12345").violations().len() >= 2, "all at once");
    assert!(
        run(world.auth.find_user("email", b"grace@example.com"))
            .unwrap()
            .is_none(),
        "nothing was written"
    );
}

#[test]
fn failures_are_delayed_and_never_lock_the_owner_out() {
    let world = World::new();
    world.sign_up("a@example.com");
    let mut throttled = 0;
    for _ in 0..30 {
        if let Outcome::Throttled(wait) = world.try_sign_in("a@example.com", OTHER).outcome {
            throttled += 1;
            world.advance(wait.as_secs() + 1);
        }
    }
    assert!(throttled > 0);
    // However many failures there were, the delay ends and the right password gets in.
    world.advance(901);
    accepted(Ok(world.try_sign_in("a@example.com", PASSWORD)));
}

#[test]
fn changing_the_password_ends_the_other_sessions() {
    let world = World::new();
    let here = world.user("a@example.com");
    let there = world.session(&accepted(Ok(world.try_sign_in("a@example.com", PASSWORD))));
    let proof = run(world.auth.session_proof(&here)).unwrap();
    let renewed = accepted(run(world.auth.update_credentials(
        &proof,
        "email",
        password(OTHER),
    )));
    assert!(world.is_live(&access(&here)) && !world.is_live(&access(&there)));
    assert!(matches!(
        world.try_sign_in("a@example.com", PASSWORD).outcome,
        Outcome::Refused(_)
    ));
    accepted(Ok(world.try_sign_in("a@example.com", OTHER)));
    // The old proof is of an epoch that is over, the renewed one is not.
    let stale = run(world.auth.update_credentials(&proof, "email", password(PASSWORD))).unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::ProofRequired);
    accepted(run(world.auth.update_credentials(
        &renewed,
        "email",
        password(PASSWORD),
    )));
}

#[test]
fn sensitive_operations_need_a_fresh_factor() {
    let world = World::new();
    let session = world.user("a@example.com");
    world.advance(601);
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let error = run(world.auth.update_credentials(&proof, "email", password(OTHER))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProofRequired);
    assert!(error.message().contains("step_up_max_age"));
}

#[test]
fn the_last_way_in_cannot_be_removed() {
    let world = World::new();
    let session = world.user("a@example.com");
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let error = run(world.auth.unlink_identity(&proof, "email", b"a@example.com")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LastWayIn);
    let proof = accepted(run(world.auth.link_identity(
        &proof,
        "username",
        b"ada",
        password(""),
    )));
    accepted(run(world.auth.unlink_identity(&proof, "email", b"a@example.com")));
    assert!(matches!(
        world.try_sign_in("a@example.com", PASSWORD).outcome,
        Outcome::Refused(_)
    ));
}

#[test]
fn the_configured_password_policy_is_the_one_in_force() {
    let world = World::with("password.min_length = 30\npassword.context_words = ['doorwardian']\n");
    let create = |with: &str| {
        let create = world.auth.create_user(
            "email",
            b"a@example.com",
            password(with),
            NewUserOptions::default(),
        );
        run(create).unwrap_err()
    };
    let error = create(PASSWORD);
    assert_eq!(error.violations()[0].limit, 30, "{error}");
    assert_eq!(error.violations()[0].rule, "too_short");
}
