//! Every operation that writes, each with what it leaves behind: for tests that lose the answers of its commits.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are parts of tests: they judge by panicking"
)]

use std::time::Duration;

use doorward::{
    Answer, Auth, Delivery, Fields, NewUserOptions, Outcome, Proof, Result, SessionOptions, Settlement,
    TokenPurpose,
};

use crate::wait::block_on as run;

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "wrong donkey capacitor";

/// The providers that the operations ask for; a password costs nothing.
pub const SETTINGS: &str = "password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
                            throttle.enabled = false\nprovider.email.kind = 'password'\n\
                            provider.username.kind = 'password'\n";

/// One operation, prepared.
pub struct Write<'w> {
    /// Does it. An error is one that the operation itself gave.
    pub write: Box<dyn Fn() -> Result<()> + 'w>,
    /// Panics unless it was done, once.
    pub stands: Box<dyn Fn() + 'w>,
}

/// The name of an operation, and what prepares it for somebody of this address.
pub type Case = (&'static str, for<'w> fn(&'w Auth, String) -> Write<'w>);

fn made<'w>(write: impl Fn() -> Result<()> + 'w, stands: impl Fn() + 'w) -> Write<'w> {
    Write {
        write: Box::new(write),
        stands: Box::new(stands),
    }
}

fn password(text: &str) -> Fields {
    Fields::from([("password", text)])
}

fn accepted<T: std::fmt::Debug>(answer: Answer<T>) -> T {
    match answer.outcome {
        Outcome::Accepted(value) => value,
        other => panic!("{other:?}"),
    }
}

fn signed_up(auth: &Auth, name: &str) -> Result<Proof> {
    let made = auth.create_user(
        "email",
        name.as_bytes(),
        password(PASSWORD),
        NewUserOptions::default(),
    );
    Ok(accepted(run(made)?))
}

fn user(auth: &Auth, name: &str) -> Proof {
    signed_up(auth, name).unwrap()
}

/// Signs in with this password.
fn proved(auth: &Auth, name: &str, text: &str) -> Proof {
    accepted(run(auth.authenticate("email", Some(name.as_bytes()), password(text))).unwrap())
}

fn asked(auth: &Auth, purpose: TokenPurpose, name: &str) -> Result<()> {
    accepted(run(auth.request_token(purpose, "email", name.as_bytes(), None))?);
    Ok(())
}

/// What is due for this address.
fn letters(auth: &Auth, name: &str) -> Vec<Delivery> {
    let due = run(auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    due.into_iter().filter(|one| one.address == name).collect()
}

/// The token in the newest message.
fn token(auth: &Auth, purpose: TokenPurpose, name: &str) -> Vec<u8> {
    asked(auth, purpose, name).unwrap();
    let letters = letters(auth, name);
    let letter = letters
        .iter()
        .rev()
        .find(|one| one.template == purpose.id())
        .unwrap();
    letter.params.named("token").unwrap().expose().to_vec()
}

fn sessions(auth: &Auth, proof: &Proof) -> usize {
    run(auth.list_sessions(proof.user_id())).unwrap().len()
}

fn signed_in(auth: &Auth, proof: &Proof) -> Result<doorward::Session> {
    Ok(accepted(run(
        auth.create_session(proof, SessionOptions::default())
    )?))
}

fn identities(auth: &Auth, proof: &Proof) -> Vec<Vec<u8>> {
    let found = run(auth.list_identities(proof.user_id())).unwrap();
    found.into_iter().map(|one| one.identifier).collect()
}

/// All of them.
pub const CASES: &[Case] = &[
    ("create_user", |auth, name| {
        let there = name.clone();
        made(
            move || signed_up(auth, &name).map(drop),
            move || assert!(run(auth.find_user("email", there.as_bytes())).unwrap().is_some()),
        )
    }),
    ("update_credentials", |auth, name| {
        let proof = user(auth, &name);
        made(
            move || {
                let new = accepted(run(auth.update_credentials(&proof, "email", password(OTHER)))?);
                assert_eq!(new.user_id(), proof.user_id());
                Ok(())
            },
            move || drop(proved(auth, &name, OTHER)),
        )
    }),
    ("update_credentials_with_token", |auth, name| {
        let id = user(auth, &name).user_id();
        let token = token(auth, TokenPurpose::Recovery, &name);
        made(
            move || {
                let changed = auth.update_credentials_with_token(&token, "email", password(OTHER));
                assert_eq!(accepted(run(changed)?), id);
                Ok(())
            },
            move || drop(proved(auth, &name, OTHER)),
        )
    }),
    ("request_token", |auth, name| {
        user(auth, &name);
        let to = name.clone();
        made(
            move || asked(auth, TokenPurpose::Recovery, &name),
            move || {
                let mut sent = letters(auth, &to);
                sent.retain(|one| one.template == TokenPurpose::Recovery.id());
                assert_eq!(sent.len(), 1);
            },
        )
    }),
    ("consume_token", |auth, name| {
        let proof = user(auth, &name);
        let token = token(auth, TokenPurpose::Verify, &name);
        let id = proof.user_id();
        made(
            move || {
                accepted(run(auth.consume_token(&token, Some(&proof)))?);
                Ok(())
            },
            move || {
                let identities = run(auth.list_identities(id)).unwrap();
                assert!(identities[0].verified_at.is_some());
            },
        )
    }),
    ("take_deliveries", |auth, name| {
        user(auth, &name);
        asked(auth, TokenPurpose::Recovery, &name).unwrap();
        let to = name.clone();
        made(
            move || {
                let due = run(auth.take_deliveries(100, Duration::from_mins(1)))?;
                assert!(due.iter().any(|one| one.address == name));
                Ok(())
            },
            move || assert!(letters(auth, &to).is_empty(), "they are somebody's for a minute"),
        )
    }),
    ("settle_delivery", |auth, name| {
        user(auth, &name);
        asked(auth, TokenPurpose::Recovery, &name).unwrap();
        let taken = letters(auth, &name).pop().unwrap();
        let (id, attempts) = (taken.id, taken.attempts);
        let settle = move || run(auth.settle_delivery(id, attempts, Settlement::Delivered));
        made(
            move || {
                assert!(settle()?);
                Ok(())
            },
            move || assert!(!settle().unwrap(), "it is gone"),
        )
    }),
    ("create_session", |auth, name| {
        let proof = user(auth, &name);
        let again = proof.clone();
        made(
            move || signed_in(auth, &proof).map(drop),
            move || assert_eq!(sessions(auth, &again), 1),
        )
    }),
    ("end_sign_in", |auth, name| {
        let proof = user(auth, &name);
        let session = signed_in(auth, &proof).unwrap();
        let again = proof.clone();
        made(
            move || {
                assert_eq!(run(auth.end_sign_in(proof.user_id(), session.id()))?, 1);
                Ok(())
            },
            move || assert_eq!(sessions(auth, &again), 0),
        )
    }),
    ("end_all_sessions", |auth, name| {
        let proof = user(auth, &name);
        for _ in 0..2 {
            signed_in(auth, &proved(auth, &name, PASSWORD)).unwrap();
        }
        let again = proof.clone();
        made(
            move || {
                assert_eq!(run(auth.end_all_sessions(proof.user_id()))?, 2);
                Ok(())
            },
            move || assert_eq!(sessions(auth, &again), 0),
        )
    }),
    ("update_session_attributes", |auth, name| {
        let proof = user(auth, &name);
        let session = signed_in(auth, &proof).unwrap();
        made(
            move || {
                let new = run(auth.update_session_attributes(&session, r#"{"a":1}"#))?;
                assert_eq!(new, r#"{"a":1}"#);
                Ok(())
            },
            move || {
                let found = run(auth.list_sessions(proof.user_id())).unwrap();
                assert_eq!(found[0].attributes, r#"{"a":1}"#);
            },
        )
    }),
    ("update_attributes", |auth, name| {
        let id = user(auth, &name).user_id();
        made(
            move || run(auth.update_attributes(id, r#"{"a":1}"#, Some(1))).map(drop),
            move || {
                let user = run(auth.find_user("email", name.as_bytes())).unwrap().unwrap();
                assert_eq!((user.attributes.as_str(), user.version), (r#"{"a":1}"#, 2));
            },
        )
    }),
    ("disable_user", |auth, name| {
        let proof = user(auth, &name);
        signed_in(auth, &proof).unwrap();
        made(
            move || {
                assert_eq!(run(auth.disable_user(proof.user_id()))?, 1);
                Ok(())
            },
            move || {
                let user = run(auth.find_user("email", name.as_bytes())).unwrap().unwrap();
                assert!(user.disabled_at.is_some());
            },
        )
    }),
    ("enable_user", |auth, name| {
        let id = user(auth, &name).user_id();
        run(auth.disable_user(id)).unwrap();
        made(
            move || run(auth.enable_user(id)).map(drop),
            move || drop(proved(auth, &name, PASSWORD)),
        )
    }),
    ("delete_user", |auth, name| {
        let id = user(auth, &name).user_id();
        made(
            move || {
                assert_eq!(run(auth.delete_user(id))?, 0);
                Ok(())
            },
            move || assert!(run(auth.find_user("email", name.as_bytes())).unwrap().is_none()),
        )
    }),
    ("link_identity", |auth, name| {
        let proof = user(auth, &name);
        let (new, again) = (name.replace('@', "."), proof.clone());
        let linked = new.clone();
        made(
            move || {
                let linked = auth.link_identity(&proof, "username", new.as_bytes(), password(OTHER));
                accepted(run(linked)?);
                Ok(())
            },
            move || assert!(identities(auth, &again).contains(&linked.clone().into_bytes())),
        )
    }),
    ("update_identifier", |auth, name| {
        let (first, second) = (name.replace('@', "."), name.replace('@', "-"));
        let linked = user(auth, &name);
        let linked = auth.link_identity(&linked, "username", first.as_bytes(), password(OTHER));
        let proof = accepted(run(linked).unwrap());
        let (again, new) = (proof.clone(), second.clone());
        made(
            move || {
                let moved = auth.update_identifier(&proof, "username", first.as_bytes(), second.as_bytes());
                accepted(run(moved)?);
                Ok(())
            },
            move || assert!(identities(auth, &again).contains(&new.clone().into_bytes())),
        )
    }),
    ("unlink_identity", |auth, name| {
        let linked = name.replace('@', ".");
        let proof = user(auth, &name);
        let link = auth.link_identity(&proof, "username", linked.as_bytes(), password(OTHER));
        let proof = accepted(run(link).unwrap());
        let again = proof.clone();
        made(
            move || {
                accepted(run(auth.unlink_identity(&proof, "username", linked.as_bytes()))?);
                Ok(())
            },
            move || assert_eq!(identities(auth, &again).len(), 1),
        )
    }),
    ("set_credentials", |auth, name| {
        let id = user(auth, &name).user_id();
        made(
            move || run(auth.set_credentials(id, "email", password(OTHER))).map(drop),
            move || drop(proved(auth, &name, OTHER)),
        )
    }),
    ("refresh_session", |auth, name| {
        let proof = user(auth, &name);
        let session = signed_in(auth, &proof).unwrap();
        let token = session.refresh_token().unwrap().expose().to_vec();
        let again = token.clone();
        made(
            move || {
                accepted(run(auth.refresh_session(&token))?);
                Ok(())
            },
            // The lost answer: the same token gives the same successor, and nobody is signed out.
            move || {
                accepted(run(auth.refresh_session(&again)).unwrap());
                assert_eq!(sessions(auth, &proof), 1);
            },
        )
    }),
];
