//! What follows a `+` labels a mailbox where factors are compared. Where an address yields it is a name of its own: a message
//! to one proves no other, and takes no other.

use doorward::{Claim, ErrorKind, Fields, NewUserOptions, Outcome, Proof, UserId};
use doorward_tests::scratch::Scratch;

use crate::context::{OTHER, PASSWORD, World, accepted, claims, password, run};

const PLAIN: &str = "ann@example.com";
const LABELLED: &str = "ann+shop@example.com";

fn each(judge: impl Fn(&World)) {
    judge(&World::with(&claims()));
    let folder = Scratch::new();
    let file = format!("sqlite:{}", folder.path().join("doorward.db").display());
    judge(&World::on(&file, &claims()));
}

fn claim(outcome: Outcome<Proof>) -> Claim {
    match outcome {
        Outcome::Unregistered(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// Somebody whom an issuer vouches for, and who says that these addresses are theirs.
fn claimant(world: &World, addresses: &[&str]) -> Proof {
    let code = Fields::from([("code", "good:7")]);
    let made = claim(
        run(world.auth.authenticate("github", None, code))
            .unwrap()
            .outcome,
    );
    let created = world
        .auth
        .create_user_from_claim(made.token().expose(), NewUserOptions::default());
    let mut proof = accepted(run(created));
    for (at, address) in addresses.iter().enumerate() {
        let credentials = if at == 0 {
            password(PASSWORD)
        } else {
            Fields::default()
        };
        let linked = world
            .auth
            .link_identity(&proof, "email", address.as_bytes(), credentials);
        proof = accepted(run(linked));
    }
    proof
}

/// Signs up with a code that was read there.
fn reads(world: &World, address: &str) -> Proof {
    let begun = world
        .auth
        .authenticate("mail", Some(address.as_bytes()), Fields::default());
    let Outcome::Continue(flow) = run(begun).unwrap().outcome else {
        panic!("a code is asked for")
    };
    let code = Fields::from([("code", "1234")]);
    let answered = run(world.auth.continue_flow(flow.token().expose(), None, code)).unwrap();
    let made = claim(answered.outcome);
    let created = world
        .auth
        .create_user_from_claim(made.token().expose(), NewUserOptions::default());
    accepted(run(created))
}

fn owner(world: &World, address: &str) -> Option<UserId> {
    let found = run(world.auth.find_user("email", address.as_bytes())).unwrap();
    found.map(|user| user.id)
}

#[test]
fn a_message_to_one_name_takes_no_other_of_the_same_mailbox() {
    for (read, other) in [(PLAIN, LABELLED), (LABELLED, PLAIN)] {
        each(|world| {
            let claimed = claimant(world, &[other]).user_id();
            reads(world, read);
            assert_eq!(owner(world, other), Some(claimed), "{read} was read");
            // Whoever reads there takes it all the same.
            reads(world, other);
            assert_eq!(owner(world, other), None, "{other} was read");
        });
        // And of an account that says both are its own.
        each(|world| {
            let claimed = claimant(world, &[other, read]).user_id();
            reads(world, read);
            assert_eq!(owner(world, read), None);
            assert_eq!(owner(world, other), Some(claimed), "{read} was read");
        });
    }
}

/// A proof of one is no message to the other.
#[test]
fn whoever_has_proved_a_label_takes_no_address_by_it() {
    each(|world| {
        let claimed = claimant(world, &[PLAIN]).user_id();
        let shop = reads(world, LABELLED);
        let linked = world
            .auth
            .link_identity(&shop, "email", PLAIN.as_bytes(), password(OTHER));
        assert_eq!(run(linked).unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(owner(world, PLAIN), Some(claimed));
    });
}
