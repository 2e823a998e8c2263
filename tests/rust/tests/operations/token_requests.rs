//! Asking for single-use tokens: who is sent one, what it costs, and that nobody learns from it who has an account.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::clock::ManualClock;
use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::{Auth, Config, ErrorKind, NewUserOptions, Outcome, Timestamp, TokenPurpose};
use doorward_tests::intercept::{Intercept, Intercepted};

use crate::context::{PASSWORD, World, accepted, password, request, run};
use crate::recovery::{LEASE, mail, token_in};

#[test]
fn a07_mail_goes_to_the_stored_address_and_never_to_the_one_that_asked() {
    let world = World::new();
    world.sign_up("mike@example.org");
    for asked in ["MIKE@EXAMPLE.ORG", "Mike@example.org"] {
        accepted(Ok(world.request(TokenPurpose::Recovery, asked)));
        let letters = world.mail();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].address, "mike@example.org");
    }
    // Dotless i, Kelvin sign, fullwidth letters: other mailboxes, or none; nobody is sent anything.
    for asked in [
        "m\u{131}ke@example.org",
        "mi\u{212a}e@example.org",
        "mike@\u{ff45}xample.org.evil.example",
        "mike@example.org\nbcc: eve@evil.example",
        "mike@example.org,eve@evil.example",
        "mike@example.org\0",
    ] {
        accepted(Ok(world.request(TokenPurpose::Recovery, asked)));
        for letter in world.mail() {
            assert_eq!(letter.address, "mike@example.org", "{asked:?}");
        }
    }
}

/// Counts what the store is asked.
struct Counting {
    inner: Arc<dyn Store>,
    calls: Mutex<Vec<&'static str>>,
}

impl Intercept for Counting {
    fn inner(&self) -> Arc<dyn Store> {
        self.inner.clone()
    }
    fn called(&self, operation: &'static str) {
        self.calls.lock().unwrap().push(operation);
    }
}

#[test]
fn asking_in_the_name_of_nobody_gets_the_same_answer_after_the_same_work() {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let counting = Arc::new(Counting {
        inner: inner.clone(),
        calls: Mutex::default(),
    });
    let text = "provider.email.kind = 'password'\npassword.memory_kib = 64\npassword.passes = 1\n\
                password.unsafe_fast_hashes = true\norigins.trusted = ['https://app.example']\n";
    let mut config = Config::from_toml(text).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
    config.clock(clock.clone());
    config.store(Arc::new(Intercepted(counting.clone())));
    let auth = Auth::open(&config).unwrap().trusted();
    run(auth.start()).unwrap();
    let sign_up = |email: &str| {
        let new = NewUserOptions::default();
        accepted(run(auth.create_user(
            "email",
            email.as_bytes(),
            password(PASSWORD),
            new,
        )))
        .user_id()
    };
    sign_up("somebody@example.com");
    run(auth.disable_user(sign_up("disabled@example.com"))).unwrap();
    let on = auth.on(request("POST", &[("origin", "https://app.example")]));
    let mut seen = Vec::new();
    for who in [
        "somebody@example.com",
        "nobody@example.com",
        "disabled@example.com",
        "no address",
    ] {
        for purpose in [TokenPurpose::Recovery, TokenPurpose::Verify] {
            counting.calls.lock().unwrap().clear();
            let answer = run(on.request_token(purpose, "email", who.as_bytes(), None)).unwrap();
            let calls = std::mem::take(&mut *counting.calls.lock().unwrap());
            assert_eq!(
                calls,
                [
                    "subject",
                    "identities",
                    "authenticators",
                    "addresses",
                    "put_token"
                ],
                "{who}"
            );
            seen.push(format!("{answer:?}"));
        }
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    // The rows are of one size, and all look alike.
    let now = clock_now(&clock);
    let rows = run(inner.take_deliveries(100, now.plus(LEASE), now)).unwrap();
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| row.payload.len() == rows[0].payload.len()));
    // Two of them are somebody's: the others are never handed out, and go.
    clock.advance(LEASE * 2);
    let taken = mail(&auth);
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert!(taken.iter().all(|one| one.address == "somebody@example.com"));
    clock.advance(Duration::from_hours(30 * 24));
    let now = clock_now(&clock);
    assert_eq!(run(inner.take_deliveries(100, now, now)).unwrap(), []);
}

fn clock_now(clock: &ManualClock) -> Timestamp {
    use doorward::clock::Clock as _;
    clock.now()
}

#[test]
fn requests_are_charged_by_address_and_by_network_and_nobody_is_told() {
    let world = World::with("throttle.mail_net.burst = 6\n");
    world.sign_up("a@example.com");
    for other in ["b@example.com", "c@example.com"] {
        world.sign_up(other);
    }
    let on = world
        .auth
        .on(request("POST", &[("origin", "https://app.example")]));
    let ask = |email: &str| {
        let asked = on.request_token(TokenPurpose::Recovery, "email", email.as_bytes(), None);
        assert!(matches!(run(asked).unwrap().outcome, Outcome::Accepted(())));
    };
    // A spelling buys nothing.
    for email in ["a@example.com", "A@EXAMPLE.com"].repeat(3) {
        ask(email);
    }
    let first = world.mail();
    assert_eq!(first.len(), 3);
    // Asking again spoils nothing that was sent.
    assert!(run(world.auth.peek_token(&token_in(&first, TokenPurpose::Recovery))).is_ok());
    world.advance(20 * 60);
    ask("a@example.com");
    ask("a@example.com");
    assert_eq!(world.mail().len(), 1, "one for each pace");
    for _ in 0..3 {
        ask("b@example.com");
    }
    world.advance(4);
    ask("c@example.com");
    ask("c@example.com");
    ask("c@example.com");
    assert_eq!(world.mail().len(), 3 + 2, "by now the network has had its six");
}

#[test]
fn only_addresses_are_sent_messages() {
    let world = World::with("provider.phone.kind = 'password'\nprovider.phone.channel = 'sms'\n");
    let to_name = world
        .auth
        .request_token(TokenPurpose::Recovery, "username", b"ada", None);
    let error = run(to_name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("channel"), "{error}");
    let new = NewUserOptions::default();
    accepted(run(world.auth.create_user(
        "phone",
        b"+1555",
        password(PASSWORD),
        new,
    )));
    let to_phone = world
        .auth
        .request_token(TokenPurpose::Recovery, "phone", b"+1555", None);
    accepted(run(to_phone));
    let letters = world.mail();
    assert_eq!(
        (letters[0].channel.as_str(), letters[0].address.as_str()),
        ("sms", "+1555")
    );
    for channel in ["", "Sms", "s ms", "7"] {
        let text =
            format!("database = 'memory:'\nprovider.x.kind = 'password'\nprovider.x.channel = '{channel}'");
        let error = Auth::open(&Config::from_toml(&text).unwrap()).unwrap_err();
        assert!(error.message().contains("provider.x.channel"), "{error}");
    }
}
