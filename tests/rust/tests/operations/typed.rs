//! What people type: an identifier means the same with the white space that keyboards add, wherever one is taken.

use std::time::Duration;

use doorward::{ErrorKind, Fields, NewUserOptions, Outcome, Settlement, TokenPurpose};

use crate::context::{OTHER, PASSWORD, World, accepted, password, run};

/// The address with the space of a keyboard that completes words, and with marks that nobody sees.
fn spellings(of: &str) -> [String; 4] {
    [
        format!("{of} "),
        format!(" {of}\n"),
        format!("\u{feff}{of}\u{a0}"),
        format!("{of}\u{200b}"),
    ]
}

/// The addresses that messages of this template go to.
fn addresses(world: &World, template: &str) -> Vec<String> {
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for one in &taken {
        run(world
            .auth
            .settle_delivery(one.id, one.attempts, Settlement::Delivered))
        .unwrap();
    }
    taken
        .into_iter()
        .filter(|one| one.template == template)
        .map(|one| one.address)
        .collect()
}

#[test]
fn somebody_who_types_a_space_signs_in_and_recovers() {
    let world = World::with("throttle.enabled = false\n");
    let user = world.sign_up("ada@example.com").user_id();
    for typed in spellings("Ada@example.com") {
        let proof = world.try_sign_in(&typed, PASSWORD).require().unwrap();
        assert_eq!(proof.user_id(), user, "{typed:?}");
        for purpose in [TokenPurpose::Recovery, TokenPurpose::Verify] {
            accepted(run(world.auth.request_token(
                purpose,
                "email",
                typed.as_bytes(),
                None,
            )));
            assert_eq!(addresses(&world, purpose.id()), ["ada@example.com"], "{typed:?}");
        }
        let found = run(world.auth.find_user("email", typed.as_bytes())).unwrap();
        assert_eq!(found.unwrap().id, user, "{typed:?}");
    }
    // A guess is counted against the one name.
    let refused = world.try_sign_in("ada@example.com ", OTHER);
    assert!(matches!(refused.outcome, Outcome::Refused(_)));
}

const HASH: &str = "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m";

#[test]
fn a_hash_is_no_password_wherever_a_new_one_is_taken() {
    let world = World::new();
    let refused = |error: doorward::Error| {
        assert_eq!(error.kind(), ErrorKind::PolicyViolation, "{error}");
        let rules: Vec<_> = error.violations().iter().map(|one| one.rule).collect();
        assert_eq!(rules, ["hash_as_password"]);
    };
    let new = NewUserOptions::default();
    let created = world
        .auth
        .create_user("email", b"ada@example.com", password(HASH), new);
    refused(run(created).unwrap_err());
    let proof = world.sign_up("ada@example.com");
    refused(run(world.auth.update_credentials(&proof, "email", password(HASH))).unwrap_err());
    accepted(run(world.auth.request_token(
        TokenPurpose::Recovery,
        "email",
        b"ada@example.com",
        None,
    )));
    let letters = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    let token = letters[0].params.named("token").unwrap().expose();
    let recovered = |with| {
        run(world
            .auth
            .update_credentials_with_token(token, "email", password(with)))
    };
    refused(recovered(HASH).unwrap_err());
    accepted(recovered(&format!("{HASH} is how it was kept")));
}

#[test]
fn what_is_kept_of_an_identifier_has_no_white_space_at_its_ends() {
    let world = World::with("throttle.enabled = false\n");
    let kept = |user| -> Vec<String> {
        let held = run(world.auth.list_identities(user)).unwrap();
        held.into_iter()
            .map(|one| String::from_utf8(one.identifier).unwrap())
            .collect()
    };
    for (n, typed) in spellings("Ada").into_iter().enumerate() {
        let address = typed.replace("Ada", &format!("Ada{n}@example.com"));
        let new = NewUserOptions::default();
        let made = world
            .auth
            .create_user("email", address.as_bytes(), password(PASSWORD), new);
        let proof = accepted(run(made));
        let user = proof.user_id();
        assert_eq!(kept(user), [format!("Ada{n}@example.com")]);
        // Linked, changed with and without a message, unlinked.
        let name = typed.replace("Ada", &format!("Ada{n}"));
        let linked = world
            .auth
            .link_identity(&proof, "username", name.as_bytes(), Fields::default());
        let proof = accepted(run(linked));
        assert!(kept(user).contains(&format!("Ada{n}")));
        let next = typed.replace("Ada", &format!("Next{n}@example.com"));
        let changed = world
            .auth
            .update_identifier(&proof, "email", address.as_bytes(), next.as_bytes());
        let proof = accepted(run(changed));
        assert!(kept(user).contains(&format!("Next{n}@example.com")));
        addresses(&world, "");
        let last = typed.replace("Ada", &format!("Last{n}@example.com"));
        let change = TokenPurpose::ChangeIdentifier;
        accepted(run(world.auth.request_token(
            change,
            "email",
            last.as_bytes(),
            Some(&proof),
        )));
        assert_eq!(
            addresses(&world, change.id()),
            [format!("Last{n}@example.com")],
            "mail goes to what the person meant"
        );
        let unlinked = world.auth.unlink_identity(&proof, "username", name.as_bytes());
        accepted(run(unlinked));
        assert_eq!(kept(user), [format!("Next{n}@example.com")]);
    }
}
