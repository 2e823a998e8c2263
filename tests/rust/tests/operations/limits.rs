//! Limits of kinds (`doorward.limit/1`): read while the kind runs, charged with the answer that is stored. The kind is
//! `tests/plugins/limiter.c`.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use doorward::{Answer, Auth, Fields, NewUserOptions, Outcome, Proof, Settlement};
use doorward_tests::scratch::Scratch;

use crate::context::{Browser, World, accepted, limiter, run};

const ANN: &str = "ann@example.com";
/// What the host itself would close long before.
const WIDE: &str = "throttle.to_code.burst = 1000\n";

fn world() -> World {
    World::with(&format!("{}{WIDE}", limiter()))
}

/// One more question to the kind: its answer, and how many messages are due.
fn asked(world: &World, auth: &Auth, provider: &str, who: &str, more: &[(&str, &str)]) -> (String, usize) {
    let mut fields = Fields::from([("name", "code")]);
    for (name, value) in more {
        fields.0.retain(|(other, _)| other != name);
        fields.0.push(((*name).to_owned(), (*value).into()));
    }
    let answer = run(auth.authenticate(provider, Some(who.as_bytes()), fields));
    let said = answer.map_or_else(
        |error| error.kind().id().into(),
        |answer| answer.outcome.id().into(),
    );
    (said, due(world))
}

fn send(world: &World, provider: &str, who: &str) -> (String, usize) {
    asked(world, &world.auth, provider, who, &[("do", "send")])
}

fn due(world: &World) -> usize {
    let due = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for one in &due {
        let settled = world
            .auth
            .settle_delivery(one.id, one.attempts, Settlement::Delivered);
        assert!(run(settled).unwrap());
    }
    due.len()
}

/// A new user with this address.
fn user(world: &World, who: &str) -> Proof {
    let answer: Answer<Proof> = run(world.auth.authenticate(
        "mail",
        Some(who.as_bytes()),
        Fields::from([("do", "ask"), ("name", "other")]),
    ))
    .unwrap();
    let Outcome::Unregistered(claim) = answer.outcome else {
        panic!("{:?}", answer.outcome)
    };
    let created = world
        .auth
        .create_user_from_claim(claim.token().expose(), NewUserOptions::default());
    accepted(run(created))
}

fn sent(times: usize) -> (String, usize) {
    ("continue".to_owned(), times)
}

#[test]
fn beyond_the_burst_the_answer_stays_and_there_is_no_message_but_one_a_pace() {
    let world = world();
    for _ in 0..2 {
        assert_eq!(send(&world, "mail", ANN), sent(1));
    }
    for _ in 0..3 {
        assert_eq!(send(&world, "mail", ANN), sent(0));
    }
    // Another subject, and another provider name, have counters of their own.
    assert_eq!(send(&world, "mail", "bob@example.com"), sent(1));
    assert_eq!(send(&world, "post", ANN), sent(1));
    let other = [("do", "send"), ("name", "call")];
    assert_eq!(asked(&world, &world.auth, "mail", ANN, &other), sent(1));
    world.advance(59);
    assert_eq!(send(&world, "mail", ANN), sent(0));
    world.advance(1);
    assert_eq!(send(&world, "mail", ANN), sent(1));
    assert_eq!(send(&world, "mail", ANN), sent(0));
}

#[test]
fn realms_have_counters_of_their_own() {
    let world = world();
    let shop = world.auth.realm("shop").unwrap();
    for _ in 0..2 {
        assert_eq!(send(&world, "mail", ANN), sent(1));
    }
    assert_eq!(send(&world, "mail", ANN), sent(0));
    assert_eq!(asked(&world, &shop, "mail", ANN, &[("do", "send")]), sent(1));
}

#[test]
fn asking_a_refusal_and_an_error_charge_nothing() {
    let world = world();
    for _ in 0..5 {
        assert_eq!(
            asked(&world, &world.auth, "mail", ANN, &[("do", "deny")]).0,
            "refused"
        );
        assert_eq!(
            asked(&world, &world.auth, "mail", ANN, &[("do", "fail")]).0,
            "unavailable"
        );
        let ask = [("do", "ask")];
        assert_eq!(asked(&world, &world.auth, "mail", ANN, &ask).0, "unregistered");
    }
    assert_eq!(
        (send(&world, "mail", ANN), send(&world, "mail", ANN)),
        (sent(1), sent(1))
    );
    assert_eq!(send(&world, "mail", ANN), sent(0));
}

#[test]
fn known_and_unknown_are_limited_alike() {
    let world = world();
    user(&world, ANN);
    for who in [ANN, "nobody@example.com"] {
        let told: Vec<usize> = (0..4).map(|_| send(&world, "mail", who).1).collect();
        assert_eq!(told, [1, 1, 0, 0], "{who}");
    }
}

#[test]
fn an_owners_browser_has_a_counter_of_its_own_that_no_stranger_fills() {
    let world = world();
    let owner = user(&world, ANN);
    let bob = user(&world, "bob@example.com");
    let mut browser = Browser::default();
    let signed_in = |browser: &mut Browser, proof: &Proof| {
        let on = world.auth.on(browser.request("POST"));
        let session = on.create_session(proof, doorward::SessionOptions::default());
        browser.take(&run(session).unwrap());
    };
    signed_in(&mut browser, &owner);
    for _ in 0..3 {
        send(&world, "mail", ANN);
    }
    assert_eq!(send(&world, "mail", ANN), sent(0), "closed to strangers");
    let on = world.auth.on(browser.request("POST"));
    let own = || asked(&world, &on, "mail", ANN, &[("do", "send")]);
    assert_eq!((own(), own(), own()), (sent(1), sent(1), sent(0)));
    // What the owner did counts with nobody else, and somebody else's browser is a stranger's.
    world.advance(60);
    assert_eq!(send(&world, "mail", ANN), sent(1));
    let mut other = Browser::default();
    signed_in(&mut other, &bob);
    let on = world.auth.on(other.request("POST"));
    assert_eq!(asked(&world, &on, "mail", ANN, &[("do", "send")]), sent(0));
}

#[test]
fn switched_off_everything_is_open() {
    let world = World::with(&format!("{}throttle.enabled = false\n", limiter()));
    for _ in 0..20 {
        assert_eq!(send(&world, "mail", ANN), sent(1));
    }
}

/// A named pipe.
fn pipe(folder: &Scratch, name: &str) -> std::path::PathBuf {
    let path = folder.path().join(name);
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path
}

#[test]
fn what_has_closed_since_it_was_asked_drops_the_message_and_keeps_the_answer() {
    let world = world();
    let folder = Scratch::new();
    let (ready, go) = (pipe(&folder, "ready"), pipe(&folder, "go"));
    let once = ("burst", "1");
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let fields = Fields::from([
                ("do", "meet"),
                ("name", "code"),
                once,
                ("ready", ready.to_str().unwrap()),
                ("go", go.to_str().unwrap()),
            ]);
            run(world.auth.authenticate("mail", Some(ANN.as_bytes()), fields))
                .unwrap()
                .outcome
                .id()
        });
        // It was told that the counter is open; then somebody else is faster.
        let mut byte = [0];
        std::fs::File::open(&ready)
            .unwrap()
            .read_exact(&mut byte)
            .unwrap();
        let faster = [("do", "send"), once];
        assert_eq!(asked(&world, &world.auth, "mail", ANN, &faster), sent(1));
        std::fs::OpenOptions::new()
            .write(true)
            .open(&go)
            .unwrap()
            .write_all(&[1])
            .unwrap_or(());
        assert_eq!(slow.join().unwrap(), "continue");
    });
    assert_eq!(due(&world), 0, "its message is dropped");
}
