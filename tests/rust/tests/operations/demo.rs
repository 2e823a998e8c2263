//! The policy that the demo ships with, against whoever reads a mailbox alone.

use doorward::{Answer, ErrorKind, Fields, Outcome, Proof, TokenPurpose};

use crate::context::{PASSWORD, World, accepted, password, run};
use crate::mailbox::{enroll_totp, flow, go_on, mailed, offered};

const ANN: &str = "ann@example.com";

/// The policy that the demo ships with, read from its file: in memory, with fast hashes and this build's plugins.
fn demo() -> World {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut text = std::fs::read_to_string(format!("{root}/demo/doorward.toml")).unwrap();
    for (placeholder, value) in [
        ("sqlite:@FOLDER@/doorward.db", "memory:"),
        ("@CPP_PORT@", "8410"),
        ("@PYTHON_PORT@", "8411"),
        (
            "[password]\n",
            "[password]\nmemory_kib = 8\npasses = 1\nunsafe_fast_hashes = true\n",
        ),
    ] {
        assert!(text.contains(placeholder), "{placeholder}");
        text = text.replace(placeholder, value);
    }
    assert!(
        text.contains("second_factor = [\"totp\", \"recovery_codes\"]"),
        "{text}"
    );
    let program = std::env::current_exe().unwrap();
    let built = program.ancestors().nth(2).unwrap();
    for name in ["totp", "recovery_codes", "passkey", "email_code"] {
        let object = built.join(format!("libdoorward_{name}.so"));
        assert!(
            object.exists(),
            "build the workspace first: cargo build --workspace"
        );
        text += "\n";
        text = format!("{text}\n[plugin.{name}]\npath = '{}'\n", object.display());
    }
    World::of(&text)
}

/// A code to the address, at the demo's name for codes.
fn demo_code(world: &World, address: &str) -> Answer<Proof> {
    mailed(world, "code");
    let begun = world
        .auth
        .authenticate("mail", Some(address.as_bytes()), Fields::default());
    let begun = run(begun).unwrap();
    let code = String::from_utf8(mailed(world, "code").unwrap_or_default()).unwrap();
    go_on(world, &flow(begun), Fields::from([("code", code.as_str())]))
}

/// Whoever reads the mailbox alone, against somebody who holds this second factor: each script, then every way in again.
#[test]
fn the_demos_policy_lets_no_mailbox_past_a_second_factor() {
    for seconds in [&["totp"][..], &["totp", "recovery_codes"], &["recovery_codes"]] {
        let world = demo();
        let ann = world.sign_up_proved(ANN);
        let claim = match demo_code(&world, ANN).outcome {
            Outcome::Unregistered(claim) => claim,
            other => panic!("{other:?}"),
        };
        let mut ann = accepted(run(world.auth.link_claim(&ann, claim.token().expose())));
        for second in seconds {
            ann = if *second == "totp" {
                enroll_totp(&world, &ann)
            } else {
                accepted(run(world.auth.begin_enrollment(
                    "recovery_codes",
                    None,
                    Some(&ann),
                )))
            };
        }
        let stays_out = |password: &str, after: &str| {
            world.advance(86_400);
            for answer in [demo_code(&world, ANN), world.try_sign_in(ANN, password)] {
                let mut asked = offered(answer);
                asked.sort_by_key(|name| seconds.iter().position(|second| second == name));
                assert_eq!(asked, seconds, "{after}");
            }
        };
        stays_out(PASSWORD, "nothing");
        // It clicks, recovers, recovers once more, and asks for whatever a token can do.
        let token = |purpose, name: &str| {
            world.advance(86_400);
            mailed(&world, "token");
            let asked = world.auth.request_token(purpose, name, ANN.as_bytes(), None);
            accepted(run(asked));
            mailed(&world, "token")
        };
        if let Some(link) = token(TokenPurpose::Verify, "email") {
            let _ = run(world.auth.consume_token(&link, None));
        }
        stays_out(PASSWORD, "a click");
        for (round, name) in ["email", "mail", "email"].into_iter().enumerate() {
            let link = token(TokenPurpose::Recovery, name).unwrap();
            for group in ["totp", "recovery_codes", "passkey"] {
                let replaced =
                    world
                        .auth
                        .update_credentials_with_token(&link, group, password("attacker sets this"));
                assert_eq!(
                    run(replaced).unwrap_err().kind(),
                    ErrorKind::Unsupported,
                    "{group}"
                );
            }
            let chosen = format!("attacker sets this one now {round}");
            let recovered = world
                .auth
                .update_credentials_with_token(&link, "email", password(&chosen));
            accepted(run(recovered));
            stays_out(&chosen, "a recovery");
        }
        // A claim of somebody new at the address takes nothing from who has proved it.
        let held = run(world.auth.list_authenticators(ann.user_id())).unwrap();
        for second in seconds {
            assert!(
                held.iter().any(|one| one.group == *second),
                "{second} is still there"
            );
        }
    }
}
