//! `throttle.consecutive`: failures in a row at one password, without forgetting.

use std::sync::Arc;
use std::time::Duration;

use doorward::TokenPurpose;
use doorward::store::Store;
use doorward::store::memory::MemoryStore;

use crate::world::{
    PASSWORD, WRONG, device, from, how, password, peer, process, run, sign_up, time, try_at, wait_of,
};

const ANN: &str = "ann@example.com";
const DAY: Duration = Duration::from_hours(24);

/// Lets so many wrong attempts through, each when it may, from everywhere.
fn fail(auth: &doorward::Auth, time: &crate::world::Time, times: u32, name: &str) {
    let mut through = 0;
    let mut number = 0;
    while through < times {
        number += 1;
        let answer = try_at(auth, from(&peer(number), ""), name, WRONG);
        match answer.outcome.id() {
            "refused" => through += 1,
            _ => time.advance(wait_of(&answer)),
        }
    }
}

#[test]
fn after_so_many_failures_in_a_row_strangers_have_one_attempt_a_day() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "throttle.consecutive = 20\n");
    sign_up(&auth, ANN);
    let known = device(&auth, "198.51.100.1", ANN);
    // Slowly enough for every delay to be forgotten: failures in a row are not.
    for _ in 0..4 {
        fail(&auth, &time, 5, ANN);
        time.advance(Duration::from_hours(6));
    }
    for day in 0..3 {
        assert_eq!(how(&auth, &peer(7000 + day), ANN, WRONG), "refused", "{day}");
        let answer = try_at(&auth, from("192.0.2.1", ""), ANN, WRONG);
        assert_eq!(wait_of(&answer), DAY);
        time.advance(DAY.saturating_sub(Duration::from_secs(1)));
        assert_eq!(how(&auth, "192.0.2.2", ANN, PASSWORD), "throttled");
        time.advance(Duration::from_secs(1));
    }
    // The owner's browser feels nothing, and its success ends it.
    assert_eq!(how(&auth, "192.0.2.3", ANN, WRONG), "refused");
    assert_eq!(how(&auth, "192.0.2.3", ANN, PASSWORD), "throttled");
    let owner = try_at(&auth, from("198.51.100.1", &known), ANN, PASSWORD);
    assert_eq!(owner.outcome.id(), "accepted");
    time.advance(DAY);
    for _ in 0..5 {
        assert_eq!(how(&auth, "192.0.2.4", ANN, WRONG), "refused");
    }
    assert_eq!(how(&auth, "192.0.2.5", ANN, PASSWORD), "accepted");
}

#[test]
fn a_success_or_a_recovery_ends_it_and_unknown_names_fill_nothing() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "throttle.consecutive = 12\n");
    sign_up(&auth, ANN);
    let failures = || {
        let user = run(auth.find_user("email", ANN.as_bytes())).unwrap().unwrap().id;
        run(store.authenticators(user)).unwrap()[0].failures
    };
    fail(&auth, &time, 11, ANN);
    assert_eq!(failures(), 11);
    time.advance(Duration::from_hours(1));
    assert_eq!(how(&auth, "192.0.2.1", ANN, PASSWORD), "accepted");
    assert_eq!(failures(), 0, "in a row");
    fail(&auth, &time, 12, ANN);
    time.advance(Duration::from_hours(1));
    assert_eq!(how(&auth, "192.0.2.1", ANN, WRONG), "refused");
    assert_eq!(how(&auth, "192.0.2.1", ANN, PASSWORD), "throttled");
    let on = auth.on(from("192.0.2.1", ""));
    drop(run(on.request_token(TokenPurpose::Recovery, "email", ANN.as_bytes(), None)).unwrap());
    let mail = run(auth.take_deliveries(10, Duration::from_mins(1))).unwrap();
    let token = mail[0].params.named("token").unwrap().expose().to_vec();
    let new = "another horse altogether";
    drop(run(on.update_credentials_with_token(&token, "email", password(new))).unwrap());
    assert_eq!(failures(), 0);
    assert_eq!(
        how(&auth, "192.0.2.9", ANN, new),
        "accepted",
        "from a browser nobody knows"
    );
    // An unknown name has the delays of anybody, and no more.
    fail(&auth, &time, 40, "nobody@example.com");
    let answer = try_at(&auth, from("192.0.2.1", ""), "nobody@example.com", WRONG);
    assert!(wait_of(&answer) <= Duration::from_hours(1));
}

#[test]
fn without_the_setting_nothing_is_counted_in_a_row() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, ANN);
    fail(&auth, &time, 120, ANN);
    time.advance(Duration::from_hours(1));
    assert_eq!(how(&auth, "192.0.2.1", ANN, PASSWORD), "accepted");
    let user = run(auth.find_user("email", ANN.as_bytes())).unwrap().unwrap().id;
    assert_eq!(run(store.authenticators(user)).unwrap()[0].failures, 0);
}
