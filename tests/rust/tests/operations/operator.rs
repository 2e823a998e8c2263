//! What an operator does for somebody who is shut out: evented, told, and nothing else.

use std::time::Duration;

use doorward::{ErrorKind, SessionOptions, TokenPurpose};

use crate::context::{OTHER, PASSWORD, World, accepted, access, password, run};
use crate::second_factor;

const ANN: &str = "ann@example.com";

/// The addresses that were told of a change, and of which.
fn told(world: &World) -> Vec<(String, String)> {
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    let what = |params: &doorward::Fields| {
        let what = params.named("what").map(|what| what.expose().to_vec());
        String::from_utf8(what.unwrap_or_default()).unwrap()
    };
    taken
        .iter()
        .map(|one| (one.address.clone(), what(&one.params)))
        .collect()
}

#[test]
fn a_lost_second_factor_is_taken_away_with_every_session() {
    let world = second_factor::world(false);
    let session = world.proved_user(ANN);
    let ann = session.user().id;
    let proof = run(world.auth.session_proof(&session)).unwrap();
    second_factor::enroll(&world, &proof);
    assert_eq!(world.try_sign_in(ANN, PASSWORD).outcome.id(), "continue");
    told(&world);
    world.events();
    assert_eq!(
        run(world.auth.reset_factors(ann, "lost his telephone, called back")).unwrap(),
        1
    );
    let events = world.events();
    assert!(
        events
            .iter()
            .any(|event| event.contains("factors_reset") && event.contains("telephone")),
        "{events:?}"
    );
    assert!(!world.is_live(&access(&session)));
    assert_eq!(
        told(&world),
        [(ANN.to_owned(), "authenticator_removed".to_owned())]
    );
    assert_eq!(
        world.try_sign_in(ANN, PASSWORD).outcome.id(),
        "accepted",
        "the password is as it was"
    );
    // Who has none loses none; a reason is asked for.
    assert_eq!(run(world.auth.reset_factors(ann, "again")).unwrap(), 0);
    for why in ["", "two\nlines", &"x".repeat(201)] {
        let error = run(world.auth.reset_factors(ann, why)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{why}");
    }
    run(world.auth.disable_user(ann)).unwrap();
    let error = run(world.auth.reset_factors(ann, "disabled")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
}

#[test]
fn credentials_are_set_and_second_factors_stay() {
    let world = second_factor::world(false);
    let session = world.proved_user(ANN);
    let ann = session.user().id;
    let proof = run(world.auth.session_proof(&session)).unwrap();
    second_factor::enroll(&world, &proof);
    told(&world);
    world.events();
    run(world.auth.set_credentials(ann, "email", password(OTHER))).unwrap();
    assert!(
        world
            .events()
            .iter()
            .any(|event| event.contains("credentials_set"))
    );
    assert!(!world.is_live(&access(&session)));
    assert_eq!(told(&world), [(ANN.to_owned(), "credentials".to_owned())]);
    assert_eq!(world.try_sign_in(ANN, PASSWORD).outcome.id(), "refused");
    assert_eq!(world.try_sign_in(ANN, OTHER).outcome.id(), "continue");
    let short = run(world.auth.set_credentials(ann, "email", password("short"))).unwrap_err();
    assert_eq!(short.kind(), ErrorKind::PolicyViolation);
    for (provider, kind) in [
        ("totp", ErrorKind::Unsupported),
        ("username", ErrorKind::NotFound),
    ] {
        let error = run(world.auth.set_credentials(ann, provider, password(OTHER))).unwrap_err();
        assert_eq!(error.kind(), kind, "{provider}");
    }
}

#[test]
fn an_address_that_the_operator_has_made_sure_of_recovers() {
    let world = World::new();
    let proof = accepted(run(world.auth.create_user(
        "username",
        b"ann",
        password(PASSWORD),
        doorward::NewUserOptions::default(),
    )));
    let ann = proof.user_id();
    let session = accepted(run(world.auth.create_session(&proof, SessionOptions::default())));
    world.events();
    run(world.auth.add_address(ann, "email", ANN.as_bytes())).unwrap();
    assert!(world.events().iter().any(|event| event.contains("address_added")));
    assert!(!world.is_live(&access(&session)));
    assert_eq!(told(&world), [(ANN.to_owned(), "identity_linked".to_owned())]);
    let held = run(world.auth.list_identities(ann)).unwrap();
    assert!(
        held.iter()
            .any(|one| one.provider == "email" && one.verified_at.is_some())
    );
    let asked = world
        .auth
        .request_token(TokenPurpose::Recovery, "email", ANN.as_bytes(), None);
    accepted(run(asked));
    assert_eq!(told(&world).len(), 1, "a token is on its way");
    world.sign_up("bob@example.com");
    let taken = run(world.auth.add_address(ann, "email", b"bob@example.com")).unwrap_err();
    assert_eq!(taken.what(), Some("identifier"));
    let name = run(world.auth.add_address(ann, "username", b"ann2")).unwrap_err();
    assert_eq!(name.kind(), ErrorKind::Unsupported);
}
