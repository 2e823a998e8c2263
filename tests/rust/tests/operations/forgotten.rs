//! Where origins are trusted by configuration, what a person's form causes is refused on a handle that is told of no
//! request, and served on one that is trusted because there is none.

use doorward::{
    Auth, Config, Error, ErrorKind, Fields, NewUserOptions, Outcome, Proof, SessionOptions, TokenPurpose,
};

use crate::context::{PASSWORD, World, access, password, request, run};

/// Each operation that a person's form causes, tried on a handle: what went wrong, if anything did.
fn by_a_person(auth: &Auth, proof: &Proof) -> Vec<(&'static str, Option<Error>)> {
    let new = NewUserOptions::default;
    let eve = b"eve@example.com";
    vec![
        (
            "create_user",
            run(auth.create_user("email", eve, password(PASSWORD), new())).err(),
        ),
        (
            "create_user_from_claim",
            run(auth.create_user_from_claim(b"dwc_x", new())).err(),
        ),
        (
            "begin_enrollment",
            run(auth.begin_enrollment("email", Some(b"new@example.com"), None)).err(),
        ),
        (
            "begin_enrollment",
            run(auth.begin_enrollment("email", None, Some(proof))).err(),
        ),
        (
            "authenticate",
            run(auth.authenticate("email", Some(eve), password(PASSWORD))).err(),
        ),
        (
            "continue_flow",
            run(auth.continue_flow(b"dwf_x", None, Fields::default())).err(),
        ),
        (
            "create_session",
            run(auth.create_session(proof, SessionOptions::default())).err(),
        ),
        (
            "request_token",
            run(auth.request_token(TokenPurpose::Recovery, "email", eve, None)).err(),
        ),
        ("consume_token", run(auth.consume_token(b"dwt_x", None)).err()),
        (
            "update_credentials_with_token",
            run(auth.update_credentials_with_token(b"dwt_x", "email", password(PASSWORD))).err(),
        ),
        (
            "update_identifier_with_token",
            run(auth.update_identifier_with_token(b"dwt_x", eve, b"new@example.com")).err(),
        ),
    ]
}

/// Which of them say that the request is missing.
fn missed(auth: &Auth, proof: &Proof) -> Vec<&'static str> {
    let tried = by_a_person(auth, proof).into_iter();
    tried
        .filter(|(_, error)| {
            let missing = error
                .as_ref()
                .is_some_and(|error| error.what() == Some("request"));
            let state = error
                .as_ref()
                .is_some_and(|error| error.kind() == ErrorKind::InvalidState);
            assert_eq!(missing, state, "{error:?}");
            missing
        })
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn a_forgotten_request_is_refused_and_does_nothing() {
    let world = World::new();
    let proof = world.sign_up("ada@example.com");
    assert_eq!(missed(&world.whole, &proof).len(), 11);
    let error = run(world
        .whole
        .authenticate("email", Some(b"ada@example.com"), password(PASSWORD)))
    .unwrap_err();
    assert_eq!(
        error.message(),
        "no request: auth.on(request), or auth.trusted() where none caused this"
    );
    assert!(
        run(world.auth.find_user("email", b"eve@example.com"))
            .unwrap()
            .is_none()
    );
    assert!(
        !world
            .events()
            .iter()
            .any(|event| event.contains("eve@example.com"))
    );
    // The proof is as good as before, and so is what it was refused for. So is another realm of the same handle.
    assert_eq!(missed(&world.whole.realm("elsewhere").unwrap(), &proof).len(), 11);
    assert!(run(world.auth.create_session(&proof, SessionOptions::default())).is_ok());
}

#[test]
fn on_a_request_trusted_or_without_trusted_origins_nothing_is_missing() {
    let world = World::new();
    let proof = world.sign_up("ada@example.com");
    let none: [&str; 0] = [];
    assert_eq!(missed(&world.whole.trusted(), &proof), none);
    let ours = request("POST", &[("origin", "https://app.example")]);
    assert_eq!(missed(&world.whole.on(ours), &proof), none);
    let app = request("POST", &[("doorward-client", "app")]);
    assert_eq!(missed(&world.whole.on(app), &proof), none);
    // Who configured no origin has no pages whose requests could be forgotten.
    let mut config = Config::from_toml(
        "database = 'memory:'\npassword.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
         provider.email.kind = 'password'\n",
    )
    .unwrap();
    config.clock(world.clock.clone());
    let without = Auth::open(&config).unwrap();
    run(without.start()).unwrap();
    assert_eq!(missed(&without, &proof), none);
}

#[test]
fn a_view_of_a_view_has_both_and_trusted_is_no_origin() {
    let world = World::new();
    let evil = || request("POST", &[("origin", "https://evil.example")]);
    for both in [world.whole.trusted().on(evil()), world.whole.on(evil()).trusted()] {
        let tried = run(both.authenticate("email", Some(b"a@example.com"), password(PASSWORD))).unwrap();
        assert!(matches!(tried.outcome, Outcome::RequestRefused(_)), "{tried:?}");
    }
    // The other way round: what is trusted stays so in another realm, and its clones.
    let elsewhere = world.whole.trusted().realm("elsewhere").unwrap();
    let tried = run(elsewhere.authenticate("email", Some(b"a@example.com"), password(PASSWORD))).unwrap();
    assert!(matches!(tried.outcome, Outcome::Refused(_)), "{tried:?}");
}

#[test]
fn what_the_program_itself_causes_needs_neither() {
    let world = World::new();
    let session = world.user("ada@example.com");
    let (whole, user) = (&world.whole, session.user().id);
    let found = run(whole.find_user("email", b"ada@example.com")).unwrap();
    assert_eq!(found.unwrap().id, user);
    assert!(run(whole.get_user(user)).is_ok() && run(whole.list_methods(None)).is_ok());
    let validated = run(whole.validate_session(&access(&session))).unwrap();
    assert!(matches!(validated.outcome, Outcome::Accepted(_)));
    let proof = run(whole.session_proof(&session)).unwrap();
    assert!(run(whole.link_identity(&proof, "username", b"ada", Fields::default())).is_ok());
    assert!(run(whole.peek_token(b"dwt_x")).is_ok() && run(whole.peek_claim(b"dwc_x")).is_ok());
    let made = run(whole.create_session_for_user(user, &[], SessionOptions::default())).unwrap();
    assert!(matches!(made.outcome, Outcome::Accepted(_)));
    assert!(run(whole.end_all_sessions(user)).is_ok() && run(whole.delete_user(user)).is_ok());
}
