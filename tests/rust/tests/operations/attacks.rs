//! Attacks of `docs/threats.md` that no suite of a single part plays through.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::{Auth, Config, NewUserOptions, Outcome, SessionOptions};
use doorward_tests::scratch::Scratch;

use crate::context::{OTHER, PASSWORD, World, accepted, access, password, run};

#[test]
fn spelling_an_identifier_otherwise_buys_no_guesses() {
    let world = World::with("throttle.id.free = 3\n");
    world.sign_up("ada@example.com");
    let spellings = [
        "ada@example.com",
        "Ada@example.com",
        "ADA@EXAMPLE.COM",
        "ada@Example.Com",
    ];
    let tried = spellings
        .iter()
        .cycle()
        .take(12)
        .filter(|spelling| !matches!(world.try_sign_in(spelling, OTHER).outcome, Outcome::Throttled(_)))
        .count();
    assert!((3..=4).contains(&tried), "{tried} guesses went through");
    assert!(
        matches!(
            world.try_sign_in("someone@example.com", OTHER).outcome,
            Outcome::Refused(_)
        ),
        "others are not delayed"
    );
}

#[test]
fn a_planted_token_never_becomes_a_session() {
    let world = World::new();
    world.sign_up("a@example.com");
    let planted = format!("dwa_{}", URL_SAFE_NO_PAD.encode([7; 52]));
    let cookie = format!("__Host-doorward-access={planted}");
    let headers = [("cookie", cookie.as_str()), ("origin", "https://app.example")];
    let on = world.auth.on(crate::context::request("POST", &headers));
    let proof = accepted(run(on.authenticate(
        "email",
        Some(b"a@example.com"),
        password(PASSWORD),
    )));
    let session = accepted(run(on.create_session(&proof, SessionOptions::default())));
    assert_ne!(access(&session), planted.as_bytes());
    assert!(!world.is_live(planted.as_bytes()));
}

#[test]
fn no_bytes_of_a_token_stand_in_the_database() {
    let folder = Scratch::new();
    let text = format!(
        "database = 'sqlite:{}/doorward.db'\nprovider.email.kind = 'password'\n\
         password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n",
        folder.path().display()
    );
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap();
    run(auth.start()).unwrap();
    let new = NewUserOptions::default();
    let proof = accepted(run(auth.create_user(
        "email",
        b"a@example.com",
        password(PASSWORD),
        new,
    )));
    let session = accepted(run(auth.create_session(&proof, SessionOptions::default())));
    run(auth.stop()).unwrap();
    let mut secrets = Vec::new();
    for token in [session.access_token(), session.refresh_token()] {
        let text = token.unwrap().expose();
        let bytes = URL_SAFE_NO_PAD.decode(&text[4..]).unwrap();
        // The id and the generation are no secrets and stand in the row; family and secret come after them.
        secrets.extend(bytes[20..].chunks(16).map(<[u8]>::to_vec));
    }
    assert_eq!(secrets.len(), 5);
    let database = std::fs::read(folder.path().join("doorward.db")).unwrap();
    let holds = |needle: &[u8]| database.windows(needle.len()).any(|window| window == needle);
    assert!(holds(session.id().as_bytes()), "the sign-in is in the file");
    assert!(!secrets.iter().any(|secret| holds(secret)));
}
