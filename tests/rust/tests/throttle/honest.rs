//! What honest people meet: no refusal of overlaps, no row, and a way in for owners whoever guesses.

use std::sync::Arc;
use std::time::Duration;

use doorward::event::EventName;
use doorward::store::memory::MemoryStore;
use doorward::store::{Store, ThrottleRow};
use doorward::{NewUserOptions, Outcome, SessionOptions, TokenPurpose};

use crate::world::{
    PASSWORD, WRONG, device, device_in, from, how, password, peer, process, run, sign_up, time, try_at,
};

/// H3, D03.
#[test]
fn an_owner_with_a_known_browser_gets_in_while_somebody_guesses_at_the_name() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "owner@example.com");
    let known = device(&auth, "198.51.100.1", "owner@example.com");
    let (mut known_in, mut unknown_in) = (0, 0);
    for minute in 0..180_u32 {
        for second in 0..60 {
            how(
                &auth,
                &peer((minute * 60 + second) % 10_000),
                "owner@example.com",
                WRONG,
            );
            time.advance(Duration::from_secs(1));
        }
        let answer = try_at(&auth, from("198.51.100.1", &known), "owner@example.com", PASSWORD);
        known_in += u32::from(answer.outcome.id() == "accepted");
        unknown_in += u32::from(how(&auth, "198.51.100.2", "owner@example.com", PASSWORD) == "accepted");
    }
    assert_eq!(known_in, 180);
    assert!(
        unknown_in <= 2,
        "{unknown_in}: the lane's success gives strangers nothing"
    );
}

/// F10: many fail behind one address.
#[test]
fn an_owner_with_a_known_browser_gets_in_from_an_address_that_others_have_closed() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "owner@example.com");
    let known = device(&auth, "192.0.2.1", "owner@example.com");
    for number in 0..55 {
        how(&auth, "192.0.2.1", &format!("u{number}@example.com"), WRONG);
    }
    assert_eq!(
        how(&auth, "192.0.2.1", "owner@example.com", PASSWORD),
        "accepted",
        "55 close nothing"
    );
    for number in 0..300 {
        how(&auth, "192.0.2.1", &format!("v{number}@example.com"), WRONG);
    }
    assert_eq!(
        how(&auth, "192.0.2.1", "owner@example.com", PASSWORD),
        "throttled"
    );
    let answer = try_at(&auth, from("192.0.2.1", &known), "owner@example.com", PASSWORD);
    assert_eq!(answer.outcome.id(), "accepted");
}

/// An office on a Monday: typing errors that end in a success never add up.
#[test]
fn typing_errors_behind_one_address_do_not_add_up() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "throttle.net.burst = 10\n");
    for user in 0..100 {
        let name = format!("u{user}@example.com");
        sign_up(&auth, &name);
        assert_eq!(how(&auth, "192.0.2.1", &name, WRONG), "refused");
        assert_eq!(how(&auth, "192.0.2.1", &name, WRONG), "refused");
        assert_eq!(how(&auth, "192.0.2.1", &name, PASSWORD), "accepted", "{user}");
    }
    // A good account buys no guesses at others: what is given back is what its own name had failed.
    let mut through = 0;
    for number in 0..40 {
        through += u32::from(how(&auth, "192.0.2.1", &format!("v{number}@example.com"), WRONG) == "refused");
        how(&auth, "192.0.2.1", "u1@example.com", PASSWORD);
    }
    assert_eq!(through, 10);
}

/// M3: all browsers of a user share one counter, and a change of credentials ends them.
#[test]
fn device_cookies_have_one_budget_and_end_with_the_credentials() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "ann@example.com");
    let cookies: Vec<String> = (0..10)
        .map(|_| device(&auth, "192.0.2.1", "ann@example.com"))
        .collect();
    let guess = |cookie: &String| {
        try_at(&auth, from("192.0.2.1", cookie), "ann@example.com", WRONG)
            .outcome
            .id()
    };
    let through = cookies
        .iter()
        .cycle()
        .take(200)
        .filter(|cookie| guess(cookie) == "refused");
    assert_eq!(through.count(), 11);
    time.advance(Duration::from_hours(1));
    let on = auth.on(from("192.0.2.1", &cookies[0]));
    let proof = try_at(&auth, from("192.0.2.1", &cookies[0]), "ann@example.com", PASSWORD)
        .require()
        .unwrap();
    let new = "another horse altogether";
    let changed = run(on.update_credentials(&proof, "email", password(new))).unwrap();
    let kept = device_in(&changed);
    // The browser that asked is known, the others are strangers by now.
    for _ in 0..5 {
        how(&auth, "192.0.2.1", "ann@example.com", WRONG);
    }
    how(&auth, "192.0.2.1", "ann@example.com", WRONG);
    let old = try_at(&auth, from("192.0.2.1", &cookies[1]), "ann@example.com", new);
    assert_eq!(old.outcome.id(), "throttled");
    let own = try_at(&auth, from("192.0.2.1", &kept), "ann@example.com", new);
    assert_eq!(own.outcome.id(), "accepted");
}

#[test]
fn an_owner_who_recovers_during_an_attack_gets_in() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "ann@example.com");
    for number in 0..60 {
        how(&auth, &peer(number), "ann@example.com", WRONG);
    }
    assert_eq!(how(&auth, "192.0.2.1", "ann@example.com", PASSWORD), "throttled");
    let on = auth.on(from("192.0.2.1", ""));
    assert!(run(on.request_token(TokenPurpose::Recovery, "email", b"ann@example.com", None)).is_ok());
    let mail = run(auth.take_deliveries(10, Duration::from_mins(1))).unwrap();
    let token = mail[0].params.named("token").unwrap().expose().to_vec();
    let new = "another horse altogether";
    let recovered = run(on.update_credentials_with_token(&token, "email", password(new))).unwrap();
    let known = device_in(&recovered);
    for number in 0..60 {
        how(&auth, &peer(number), "ann@example.com", WRONG);
    }
    let answer = try_at(&auth, from("192.0.2.1", &known), "ann@example.com", new);
    assert_eq!(answer.outcome.id(), "accepted");
    let session = run(on.create_session(&answer.require().unwrap(), SessionOptions::default())).unwrap();
    assert!(matches!(session.outcome, Outcome::Accepted(_)));
}

#[test]
fn a_clock_that_was_far_ahead_shuts_nobody_out() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "ann@example.com");
    let ahead = process(&store, &time, 300 * 86_400_000, "");
    for number in 0..30 {
        how(&ahead, &peer(number), "ann@example.com", WRONG);
    }
    assert_eq!(how(&auth, "192.0.2.1", "ann@example.com", PASSWORD), "accepted");
}

#[test]
fn what_one_address_makes_the_program_do_is_bounded() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    let on = auth.on(from("192.0.2.1", ""));
    let mut users = 0;
    for number in 0..239 {
        let name = format!("u{number}@example.com");
        let made = run(on.create_user(
            "email",
            name.as_bytes(),
            password(PASSWORD),
            NewUserOptions::default(),
        ))
        .unwrap();
        users += u32::from(made.outcome.id() == "accepted");
    }
    assert_eq!(users, 50);
    for number in 50..400 {
        let name = format!("u{number}@example.com");
        let made = run(auth.create_user(
            "email",
            name.as_bytes(),
            password(PASSWORD),
            NewUserOptions::default(),
        ))
        .unwrap();
        assert_eq!(made.outcome.id(), "accepted");
    }
    let mut sent = 0;
    for number in 0..2_000 {
        let name = format!("u{}@example.com", number % 400);
        let asked = run(on.request_token(TokenPurpose::Recovery, "email", name.as_bytes(), None)).unwrap();
        assert_eq!(asked.outcome.id(), "accepted", "nobody is told");
        time.advance(Duration::from_millis(10));
        if number % 50 == 0 {
            sent += run(auth.take_deliveries(1_000, Duration::from_hours(1)))
                .unwrap()
                .len();
        }
    }
    sent += run(auth.take_deliveries(1_000, Duration::from_hours(1)))
        .unwrap()
        .len();
    assert!((300..=305).contains(&sent), "{sent}");
}

/// M2: a user has ten changes, then one in five minutes.
#[test]
fn changes_of_identifiers_are_charged_to_the_user() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "ann@example.com");
    sign_up(&auth, "bob@example.com");
    let mut probes = 0;
    for _ in 0..50 {
        let proof = try_at(&auth, from("192.0.2.1", ""), "ann@example.com", PASSWORD)
            .require()
            .unwrap();
        let asked = run(auth.update_identifier(&proof, "email", b"ann@example.com", b"bob@example.com"));
        probes += u32::from(!matches!(
            asked.map(|answer| answer.outcome),
            Ok(Outcome::Throttled(_))
        ));
    }
    assert_eq!(probes, 10);
}

#[test]
fn forwarding_by_an_unlisted_peer_is_told_once() {
    let listed = [
        ("10.0.0.1", "192.0.2.7", true),
        ("", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.7", false),
        // A proxy on a Unix socket has no address.
        ("", "unix", false),
        ("192.0.2.7", "unix", true),
    ];
    for (peer, proxies, told) in listed {
        let events = Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = events.clone();
        let mut config = doorward::Config::from_toml(&format!(
            "database = 'memory:'\nprovider.email.kind = 'password'\ntrusted_proxies = ['{proxies}']\n"
        ))
        .unwrap();
        config.on_event(Arc::new(move |event| {
            if event.name == EventName::ProxyUnlisted {
                sink.lock()
                    .unwrap()
                    .push((event.reason.clone(), event.address.clone()));
            }
        }));
        let auth = doorward::Auth::open(&config).unwrap();
        run(auth.start()).unwrap();
        for _ in 0..3 {
            let address = (!peer.is_empty()).then(|| peer.parse().unwrap());
            let request = doorward::Request::new("GET", [("x-forwarded-for", "203.0.113.9")], address);
            assert!(run(auth.on(request).check_request()).is_ok());
        }
        let events = events.lock().unwrap();
        assert_eq!(events.len(), usize::from(told), "{peer}: {events:?}");
        assert!(
            events
                .iter()
                .all(|(reason, _)| reason.as_deref() == Some("trusted_proxies"))
        );
    }
    let error = doorward::Config::from_toml("database = 'memory:'\ntrusted_proxies = ['unix:']\n")
        .and_then(|config| doorward::Auth::open(&config))
        .unwrap_err();
    assert!(error.message().contains("`unix`"), "{error}");
}

/// Rows of nobody's: what no failure has written.
#[test]
fn a_right_password_after_typing_errors_empties_what_is_its_own() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "ann@example.com");
    for _ in 0..5 {
        for _ in 0..4 {
            assert_eq!(how(&auth, "192.0.2.1", "ann@example.com", WRONG), "refused");
        }
        assert_eq!(how(&auth, "192.0.2.1", "ann@example.com", PASSWORD), "accepted");
    }
    assert_eq!(
        run(store.throttles(vec![[0; 32]])).unwrap(),
        [ThrottleRow::default()]
    );
}

/// Whose mailbox is the way in asks for a code wherever others have guessed.
#[test]
fn a_code_is_asked_for_from_an_address_that_others_have_closed() {
    let (time, store) = (time(), Arc::new(MemoryStore::new()) as Arc<dyn Store>);
    let auth = process(&store, &time, 0, &crate::codes::settings());
    crate::codes::sign_up(&auth, "ann@example.com");
    for number in 0..150 {
        how(&auth, "192.0.2.1", &format!("v{number}@example.com"), WRONG);
    }
    assert_eq!(how(&auth, "192.0.2.1", "w@example.com", WRONG), "throttled");
    let begun = crate::codes::begin(&auth, "192.0.2.1", "", "ann@example.com");
    assert_eq!(begun.outcome.id(), "continue");
    assert_eq!(crate::world::messages(&auth).len(), 1);
}

/// A browser that somebody else has is no known one any more once its owner has ended everything.
#[test]
fn whoever_ends_all_sign_ins_has_no_known_browser_left() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "owner@example.com");
    let known = device(&auth, "198.51.100.1", "owner@example.com");
    for number in 0..60 {
        how(&auth, &peer(number), "owner@example.com", WRONG);
    }
    let by = |cookie: &str| {
        let answer = try_at(&auth, from("198.51.100.1", cookie), "owner@example.com", WRONG);
        answer.outcome.id()
    };
    assert_eq!(
        by(&known),
        "refused",
        "it is looked at, whatever strangers have closed"
    );
    let owner = run(auth.find_user("email", b"owner@example.com"))
        .unwrap()
        .unwrap();
    assert_eq!(run(auth.end_all_sessions(owner.id)).unwrap(), 1);
    assert_eq!(by(&known), "throttled");
}
