//! The current password, given with a new one.

use doorward::{ErrorKind, Fields, Proof};

use crate::context::{OTHER, PASSWORD, World, accepted, claims, password, run};

const ANN: &str = "ann@example.com";

fn with_current(new: &str, current: &str) -> Fields {
    Fields::from([("password", new), ("current", current)])
}

fn update(world: &World, proof: &Proof, with: Fields) -> doorward::Result<doorward::Answer<Proof>> {
    run(world.auth.update_credentials(proof, "email", with))
}

#[test]
fn whoever_has_not_proved_the_password_of_late_gives_it_with_the_new_one() {
    let world = World::with(&claims());
    let ann = world.sign_up(ANN);
    let passkey = || Fields::from([("id", "k1")]);
    accepted(run(world.auth.update_credentials(&ann, "passkey", passkey())));
    // Signed in by the passkey: fresh, and no proof of the password.
    let by_passkey = || accepted(run(world.auth.authenticate("passkey", None, passkey())));
    let proof = by_passkey();
    let error = update(&world, &proof, password(OTHER)).unwrap_err();
    assert_eq!(
        (error.kind(), error.what()),
        (ErrorKind::ProofRequired, Some("current"))
    );
    world.events();
    let wrong = update(&world, &proof, with_current(OTHER, "another donkey capacitor")).unwrap();
    assert_eq!(wrong.outcome.id(), "refused");
    assert!(world.events().iter().any(|event| event.contains("reason=wrong")));
    accepted(update(&world, &proof, with_current(OTHER, PASSWORD)));
    accepted(Ok(world.try_sign_in(ANN, OTHER)));
    assert_eq!(world.try_sign_in(ANN, PASSWORD).outcome.id(), "refused");
    // Guesses count as at a sign-in.
    let proof = by_passkey();
    let guesses: Vec<&str> = (0..20)
        .map(|n| {
            let guess = format!("a guess of number {n}");
            let answer = update(&world, &proof, with_current(PASSWORD, &guess)).unwrap();
            answer.outcome.id()
        })
        .collect();
    assert_eq!(guesses.first(), Some(&"refused"));
    assert_eq!(guesses.last(), Some(&"throttled"));
}

#[test]
fn whoever_has_just_typed_it_need_not_type_it_again_but_a_wrong_one_is_wrong() {
    let world = World::new();
    let ann = world.sign_up(ANN);
    let wrong = update(&world, &ann, with_current(OTHER, "another donkey capacitor")).unwrap();
    assert_eq!(wrong.outcome.id(), "refused");
    let ann = accepted(update(&world, &ann, password(OTHER)));
    accepted(update(&world, &ann, with_current(PASSWORD, OTHER)));
}

#[test]
fn the_operator_may_demand_it_always() {
    let world = World::with("policy.current_password = 'always'\n");
    let ann = world.sign_up(ANN);
    let error = update(&world, &ann, password(OTHER)).unwrap_err();
    assert_eq!(error.what(), Some("current"));
    accepted(update(&world, &ann, with_current(OTHER, PASSWORD)));
}
