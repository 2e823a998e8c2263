//! Attacks of `docs/threats.md` that no suite of a single part plays through.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::{Auth, Config, ErrorKind, NewUserOptions, Outcome, SessionOptions};

use crate::context::{OTHER, PASSWORD, World, accepted, access, password, run};

#[test]
fn spelling_an_identifier_otherwise_buys_no_guesses() {
    let world = World::with("throttle.identity_free = 3\n");
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
fn no_secret_stands_in_the_database_in_an_event_or_in_a_debug_text() {
    let folder = std::env::temp_dir().join(format!("doorward-canary-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = format!(
        "database = 'sqlite:{}/doorward.db'\nprovider.email.kind = 'password'\n\
         password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n",
        folder.display()
    );
    let seen = Arc::new(Mutex::new(String::new()));
    let mut config = Config::from_toml(&text).unwrap();
    let sink = seen.clone();
    config.on_event(Arc::new(move |event| {
        let text = format!("{event} {event:?}\n");
        sink.lock().unwrap().push_str(&text);
    }));
    let auth = Auth::open(&config).unwrap();
    run(auth.start()).unwrap();
    let new = auth.create_user(
        "email",
        b"a@example.com",
        password(PASSWORD),
        NewUserOptions::default(),
    );
    let proof = accepted(run(new));
    let session = accepted(run(auth.create_session(&proof, SessionOptions::default())));
    let refused = run(auth.authenticate("email", Some(b"a@example.com"), password(OTHER))).unwrap();
    let weak = auth.create_user(
        "email",
        b"b@example.com",
        password("hunter2"),
        NewUserOptions::default(),
    );
    let weak = run(weak).unwrap_err();
    assert_eq!(weak.kind(), ErrorKind::PolicyViolation);
    let next = run(auth.refresh_session(session.refresh_token().unwrap().expose())).unwrap();
    run(auth.stop()).unwrap();

    let mut secrets: Vec<Vec<u8>> = vec![PASSWORD.into(), OTHER.into(), b"hunter2".to_vec()];
    for token in [session.access_token(), session.refresh_token()]
        .into_iter()
        .flatten()
    {
        let text = token.expose();
        let bytes = URL_SAFE_NO_PAD.decode(&text[4..]).unwrap();
        // The sign-in's id is no secret and stands in the row: what follows it is, family and secret.
        secrets.extend([
            text.to_vec(),
            bytes[20..].to_vec(),
            bytes[bytes.len() - 32..].to_vec(),
        ]);
    }
    let key = std::fs::read_to_string(folder.join("doorward.key")).unwrap();
    secrets.push(key.trim().into());
    let mut looked_at = vec![
        ("events".to_owned(), seen.lock().unwrap().clone().into_bytes()),
        (
            "debug".to_owned(),
            format!("{session:?} {proof:?} {refused:?} {next:?} {weak:?} {weak} {auth:?} {config:?}")
                .into_bytes(),
        ),
    ];
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("doorward.key") {
            looked_at.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    assert!(looked_at.len() >= 3, "the database is among them");
    for (place, bytes) in &looked_at {
        assert!(!bytes.is_empty(), "{place}");
        for secret in &secrets {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret),
                "a secret stands in {place}"
            );
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
