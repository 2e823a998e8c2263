//! Proofs: good for their user, their session, their realm and their time, and for nothing else.

use doorward::{Answer, ErrorKind, Factor, Fields, Outcome, Proof, Session, SessionOptions};

use crate::context::{Browser, OTHER, PASSWORD, World, accepted, access, password, run, steps};

fn badge(number: &str) -> Fields {
    Fields::from([("number", number)])
}

/// Signs in on the browser's request, with the badge where the policy asks for it, and takes the cookies.
fn sign_in(world: &World, browser: &mut Browser, number: &str) -> Session {
    let on = world.auth.on(browser.request("POST"));
    let answer = run(on.authenticate("email", Some(b"a@example.com"), password(PASSWORD))).unwrap();
    browser.take(&answer);
    let proof = match answer.outcome {
        Outcome::Accepted(proof) => proof,
        Outcome::Continue(flow) => {
            let on = world.auth.on(browser.request("POST"));
            let proof = run(on.continue_flow(flow.token().expose(), None, badge(number)));
            accepted(proof)
        }
        other => panic!("{other:?}"),
    };
    let answer: Answer<Session> = run(on.create_session(&proof, SessionOptions::default())).unwrap();
    browser.take(&answer);
    answer.require().unwrap()
}

fn enroll(world: &World, session: &Session, number: &str) -> Proof {
    let proof = run(world.auth.session_proof(session)).unwrap();
    accepted(run(world.auth.update_credentials(&proof, "badge", badge(number))))
}

fn kind<T: std::fmt::Debug>(result: doorward::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn of_a_session_that_has_ended_is_worth_nothing() {
    let world = World::new();
    let session = world.user("a@example.com");
    let before = run(world.auth.session_proof(&session)).unwrap();
    run(world.auth.end_session(Some(&access(&session))))
        .unwrap()
        .require()
        .unwrap();
    assert_eq!(
        kind(run(world.auth.session_proof(&session))),
        ErrorKind::ProofRequired
    );
    let change = world.auth.update_credentials(&before, "email", password(OTHER));
    assert_eq!(kind(run(change)), ErrorKind::ProofRequired);
    accepted(Ok(world.try_sign_in("a@example.com", PASSWORD)));
}

#[test]
fn of_another_realm_is_worth_nothing() {
    let world = World::new();
    let session = world.user("a@example.com");
    let elsewhere = world.auth.realm("shop").unwrap();
    assert_eq!(
        kind(run(elsewhere.session_proof(&session))),
        ErrorKind::ProofRequired
    );
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let link = elsewhere.link_identity(&proof, "username", b"ada", password(""));
    assert_eq!(kind(run(link)), ErrorKind::ProofRequired);
    let patch = elsewhere.update_session_attributes(&session, r#"{"cart":1}"#);
    assert_eq!(kind(run(patch)), ErrorKind::NotFound);
}

#[test]
fn of_another_context_is_worth_nothing() {
    let (here, there) = (World::new(), World::new());
    let proof = here.sign_up("a@example.com");
    let create = there.auth.create_session(&proof, SessionOptions::default());
    assert_eq!(kind(run(create)), ErrorKind::ProofRequired);
    let session = here.session(&proof);
    assert_eq!(
        kind(run(there.auth.session_proof(&session))),
        ErrorKind::ProofRequired
    );
}

#[test]
fn of_a_user_who_was_changed_since_is_worth_nothing() {
    let world = World::new();
    let session = world.user("a@example.com");
    let [first, second] = [0, 1].map(|_| run(world.auth.session_proof(&session)).unwrap());
    let sign_in = accepted(Ok(world.try_sign_in("a@example.com", PASSWORD)));
    accepted(run(world.auth.update_credentials(
        &first,
        "email",
        password(OTHER),
    )));
    for stale in [&first, &second] {
        assert_eq!(
            kind(run(world.auth.end_other_sessions(stale))),
            ErrorKind::ProofRequired
        );
        let rename = world.auth.unlink_identity(stale, "email", b"a@example.com");
        assert_eq!(kind(run(rename)), ErrorKind::ProofRequired);
    }
    let create = run(world.auth.create_session(&sign_in, SessionOptions::default())).unwrap();
    assert!(matches!(create.outcome, Outcome::Refused(None)));
    let [epoch] = [run(world.auth.session_proof(&session)).unwrap()];
    // The session was validated under the epoch before: its owner validates it again.
    let change = world.auth.update_credentials(&epoch, "email", password(PASSWORD));
    assert_eq!(kind(run(change)), ErrorKind::ProofRequired);
}

#[test]
fn of_a_step_up_fits_its_own_session_only_and_keeps_it() {
    let world = World::with(&steps());
    let session = world.user("a@example.com");
    enroll(&world, &session, "17");
    let (mut one, mut two) = (Browser::default(), Browser::default());
    let here = sign_in(&world, &mut one, "");
    let there = sign_in(&world, &mut two, "");
    let on_one = world.auth.on(one.request("POST"));
    let proof = accepted(run(on_one.authenticate("badge", None, badge("17"))));
    let on_two = world.auth.on(two.request("POST"));
    let stolen = run(on_two.create_session(&proof, SessionOptions::default()));
    assert_eq!(
        kind(stolen),
        ErrorKind::ProofRequired,
        "another session of the same user"
    );
    let kept = accepted(run(world.auth.update_credentials(
        &proof,
        "email",
        password(OTHER),
    )));
    assert!(
        one.value("access")
            .is_some_and(|token| world.is_live(token.as_bytes())),
        "{here:?}"
    );
    assert!(
        !two.value("access")
            .is_some_and(|token| world.is_live(token.as_bytes())),
        "{there:?}"
    );
    // What the change gave still steps that session up, and nothing else.
    assert_eq!(
        kind(run(world.auth.create_session(&kept, SessionOptions::default()))),
        ErrorKind::ProofRequired
    );
    let stepped = run(on_one.create_session(&kept, SessionOptions::default())).unwrap();
    assert_eq!(stepped.require().unwrap().factors().len(), 2);
}

#[test]
fn a_factor_that_was_added_with_it_is_proved_and_one_that_was_added_beside_it_is_not() {
    let world = World::with(&format!("{}policy.second_factor = ['badge']\n", steps()));
    world.sign_up_proved("a@example.com");
    let sign_in = accepted(Ok(world.try_sign_in("a@example.com", PASSWORD)));
    let beside = accepted(Ok(world.try_sign_in("a@example.com", PASSWORD)));
    let renewed = accepted(run(world.auth.update_credentials(&sign_in, "badge", badge("17"))));
    assert_eq!(renewed.factors().len(), 2, "whoever enrolls it holds it");
    accepted(run(world
        .auth
        .create_session(&renewed, SessionOptions::default())));
    let create = world.auth.create_session(&beside, SessionOptions::default());
    assert_eq!(kind(run(create)), ErrorKind::ProofRequired);
}

#[test]
fn of_somebody_elses_badge_is_no_second_factor() {
    let world = World::with(&format!("{}policy.second_factor = ['badge']\n", steps()));
    enroll(&world, &world.proved_user("a@example.com"), "17");
    enroll(&world, &world.proved_user("thief@example.com"), "66");
    let begin = || match world.try_sign_in("a@example.com", PASSWORD).outcome {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    };
    let flow = begin();
    world.events();
    let answer = run(world.auth.continue_flow(flow.token().expose(), None, badge("66"))).unwrap();
    assert!(matches!(answer.outcome, Outcome::Refused(Some(_))), "{answer:?}");
    assert!(world.events()[0].contains("reason=other_user"));
    let flow = begin();
    let own = accepted(run(world.auth.continue_flow(
        flow.token().expose(),
        None,
        badge("17"),
    )));
    assert_eq!(own.factors().len(), 2);
    // Nor does it step a session up.
    let mut browser = Browser::default();
    sign_in(&world, &mut browser, "17");
    let on = world.auth.on(browser.request("POST"));
    let answer = run(on.authenticate("badge", None, badge("66"))).unwrap();
    assert!(matches!(answer.outcome, Outcome::Refused(None)), "{answer:?}");
}

#[test]
fn asserted_factors_are_never_of_the_future() {
    let world = World::new();
    let user = world.user("a@example.com").user().id;
    let future = Factor {
        provider: "email".into(),
        class: doorward::plugin::FactorClass::Knowledge,
        channel: String::new(),
        at: doorward::Timestamp::from_micros(i64::MAX / 2),
        via: Vec::new(),
        two_in_one: false,
    };
    let asserted = [future];
    let made = world
        .auth
        .create_session_for_user(user, &asserted, SessionOptions::default());
    let session = accepted(run(made));
    world.advance(601);
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let change = world.auth.update_credentials(&proof, "email", password(OTHER));
    assert_eq!(kind(run(change)), ErrorKind::ProofRequired);
}

#[test]
fn identifiers_that_only_a_kind_can_vouch_for_are_not_changed_as_given() {
    let world = World::with(&steps());
    let session = world.user("a@example.com");
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let change = world.auth.update_identifier(&proof, "badge", b"x", b"y");
    assert_eq!(kind(run(change)), ErrorKind::Unsupported);
}

#[test]
fn are_not_spent_by_a_session_that_the_cap_denied() {
    let world = World::with("session.max_sign_ins = 1\nsession.at_cap = 'deny'\n");
    let session = world.user("a@example.com");
    let proof = accepted(Ok(world.try_sign_in("a@example.com", PASSWORD)));
    let create = || run(world.auth.create_session(&proof, SessionOptions::default()));
    assert!(matches!(create().unwrap().outcome, Outcome::Refused(None)));
    run(world.auth.end_sign_in(session.user().id, session.id())).unwrap();
    accepted(create());
    assert_eq!(kind(create()), ErrorKind::ProofRequired, "once all the same");
}

#[test]
fn are_not_spent_on_attributes_that_no_session_takes() {
    let world = World::new();
    let proof = world.sign_up("a@example.com");
    for bad in [
        "[]".to_owned(),
        "{".to_owned(),
        format!(r#"{{"a":"{}"}}"#, "x".repeat(17_000)),
    ] {
        let options = SessionOptions {
            attributes: Some(bad),
            ..SessionOptions::default()
        };
        let create = world.auth.create_session(&proof, options.clone());
        assert_eq!(kind(run(create)), ErrorKind::InvalidArgument);
        let trusted = world.auth.create_session_for_user(proof.user_id(), &[], options);
        assert_eq!(kind(run(trusted)), ErrorKind::InvalidArgument);
    }
    world.session(&proof);
}
