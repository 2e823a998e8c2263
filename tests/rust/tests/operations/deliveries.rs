//! The outbox as an application drains it, by hand and by the callback.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::clock::ManualClock;
use doorward::{Auth, Config, ErrorKind, NewUserOptions, Settlement, Timestamp, TokenPurpose};
use doorward_tests::scratch::Scratch;

use crate::context::{PASSWORD, World, accepted, password, run};

const LEASE: Duration = Duration::from_mins(1);

fn ask(auth: &Auth, email: &str) {
    let asked = auth.request_token(TokenPurpose::Recovery, "email", email.as_bytes(), None);
    accepted(run(asked));
}

#[test]
fn a_message_is_handed_out_until_it_is_settled_or_expires() {
    let world = World::new();
    world.sign_up("a@example.com");
    ask(&world.auth, "a@example.com");
    let take = || run(world.auth.take_deliveries(10, LEASE)).unwrap();
    let settle =
        |one: &doorward::Delivery, how| run(world.auth.settle_delivery(one.id, one.attempts, how)).unwrap();
    let first = take();
    assert_eq!((first.len(), first[0].attempts), (1, 1));
    assert!(take().is_empty(), "it is leased");
    world.advance(60);
    let again = take();
    assert_eq!(
        (again[0].id, again[0].attempts),
        (first[0].id, 2),
        "its taker is gone"
    );
    assert!(!settle(&first[0], Settlement::Delivered), "too late");
    assert!(settle(&again[0], Settlement::Retry));
    world.advance(19);
    assert!(take().is_empty(), "20 s after the second attempt");
    world.advance(1);
    let third = take();
    assert!(settle(&third[0], Settlement::Retry));
    world.advance(3600);
    assert!(take().is_empty(), "the token has expired, and so has its message");
    let purged = run(world.auth.purge_expired()).unwrap();
    assert_eq!(purged.others, 2);

    ask(&world.auth, "a@example.com");
    let one = &take()[0];
    world.events();
    assert!(settle(one, Settlement::Failed));
    assert!(!settle(one, Settlement::Failed));
    assert_eq!(world.events(), [format!("delivery_failed reason={}", one.id)]);
    let said = format!("{one:?}");
    assert!(
        !said.contains("a@example.com") && !said.contains("dwt_"),
        "{said}"
    );
}

#[test]
fn limits_and_leases_out_of_range_are_refused() {
    let world = World::new();
    for (limit, lease) in [
        (0, LEASE),
        (1001, LEASE),
        (1, Duration::from_millis(999)),
        (1, Duration::from_secs(3601)),
    ] {
        let error = run(world.auth.take_deliveries(limit, lease)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn many_decoys_do_not_hide_a_message() {
    let world = World::new();
    world.sign_up("a@example.com");
    for n in 0..20 {
        ask(&world.auth, &format!("nobody{n}@example.com"));
    }
    ask(&world.auth, "a@example.com");
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.extend(run(world.auth.take_deliveries(1, LEASE)).unwrap());
    }
    assert_eq!(taken.len(), 1, "{taken:?}");
}

#[test]
fn the_callback_sends_tries_again_and_outlives_a_panic() {
    let folder = Scratch::new();
    let text = format!(
        "database = 'sqlite:{}/doorward.db'\nprovider.email.kind = 'password'\n\
         password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n",
        folder.path().display()
    );
    let mut config = Config::from_toml(&text).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
    config.clock(clock.clone());
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    config.on_delivery(Arc::new(move |delivery| {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        let seen = (thread, delivery.address.clone(), delivery.attempts);
        tell.lock().unwrap().send(seen).unwrap();
        match delivery.attempts {
            1 => std::panic::resume_unwind(Box::new("a mailer's bug")),
            2 => Settlement::Retry,
            _ => Settlement::Delivered,
        }
    }));
    let auth = Auth::open(&config).unwrap();
    run(auth.start()).unwrap();
    let new = NewUserOptions::default();
    accepted(run(auth.create_user(
        "email",
        b"a@example.com",
        password(PASSWORD),
        new,
    )));
    ask(&auth, "nobody@example.com");
    ask(&auth, "a@example.com");
    let wait = || told.recv_timeout(Duration::from_secs(30)).unwrap();
    let seen = |attempt| ("doorward-outbox".to_owned(), "a@example.com".to_owned(), attempt);
    assert_eq!(wait(), seen(1));
    // The clock of the tests stands still: each back-off is over when it says so.
    for attempt in 2..=3 {
        let mut looks = 0;
        let got = loop {
            // Whatever else is asked for wakes the thread.
            clock.advance(Duration::from_secs(10));
            ask(&auth, &format!("nobody{attempt}-{looks}@example.com"));
            looks += 1;
            match told.recv_timeout(Duration::from_millis(100)) {
                Ok(got) => break got,
                Err(_) => assert!(looks < 300, "attempt {attempt} never came"),
            }
        };
        assert_eq!(got, seen(attempt));
    }
    // Both sides of a fork begin again by themselves; a stopped context sends nothing.
    run(auth.before_fork()).unwrap();
    ask(&auth, "a@example.com");
    assert_eq!(wait(), seen(1));
    run(auth.stop()).unwrap();
    assert!(run(auth.stats()).is_err());
}
