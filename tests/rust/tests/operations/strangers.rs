//! Strangers with an account of their own: `update_identifier` and `link_identity` tell them nothing about who else
//! exists (M2), and write to nobody more often than `throttle.change` lets them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::clock::Clock as _;
use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::{Answer, Auth, Delivery, ErrorKind, Fields, Outcome, Proof};
use doorward_tests::intercept::{Intercept, Intercepted};

use crate::context::{OTHER, PASSWORD, World, accepted, access, claims, password, request, run};

const ANN: &str = "ann@example.com";

/// What was asked of a store.
struct Noting {
    inner: Arc<dyn Store>,
    calls: Mutex<Vec<&'static str>>,
}

impl Intercept for Noting {
    fn inner(&self) -> Arc<dyn Store> {
        self.inner.clone()
    }

    fn called(&self, operation: &'static str) {
        self.calls.lock().unwrap().push(operation);
    }
}

/// What a person's form calls.
fn form(world: &World) -> Auth {
    world
        .whole
        .on(request("POST", &[("origin", "https://app.example")]))
}

fn mail(world: &World) -> Vec<Delivery> {
    run(world.auth.take_deliveries(100, Duration::from_hours(1))).unwrap()
}

fn token(message: &Delivery) -> Vec<u8> {
    message.params.named("token").unwrap().expose().to_vec()
}

/// The addresses of a user, each with whether it is proved.
fn held(world: &World, of: &Proof) -> Vec<(String, bool)> {
    let held = run(world.auth.list_identities(of.user_id())).unwrap();
    held.into_iter()
        .map(|one| {
            (
                String::from_utf8(one.identifier).unwrap(),
                one.verified_at.is_some(),
            )
        })
        .collect()
}

fn change(world: &World, proof: &Proof, to: &str) -> Answer<Proof> {
    run(form(world).update_identifier(proof, "email", ANN.as_bytes(), to.as_bytes())).unwrap()
}

fn link(world: &World, proof: &Proof, to: &str) -> Answer<Proof> {
    run(form(world).link_identity(proof, "email", to.as_bytes(), Fields::default())).unwrap()
}

#[test]
fn what_is_taken_is_answered_as_what_is_free() {
    let noting = Arc::new(Noting {
        inner: Arc::new(MemoryStore::new()),
        calls: Mutex::default(),
    });
    let world = World::over(
        Arc::new(Intercepted(noting.clone())),
        "throttle.change.burst = 100\n",
    );
    let ann = world.sign_up(ANN);
    world.sign_up("unproved@example.com");
    world.sign_up_proved("proved@example.com");
    let disabled = world.sign_up("disabled@example.com");
    run(world.auth.disable_user(disabled.user_id())).unwrap();
    let session = world.session(&ann);
    mail(&world);
    for operation in [change, link] {
        let mut seen = Vec::new();
        for who in ["nobody", "unproved", "proved", "disabled"] {
            noting.calls.lock().unwrap().clear();
            let answer = operation(&world, &ann, &format!("{who}@example.com"));
            let calls = std::mem::take(&mut *noting.calls.lock().unwrap());
            let now = world.clock.now();
            let rows = run(noting
                .inner
                .take_deliveries(100, now.plus(Duration::from_hours(1)), now))
            .unwrap();
            let sizes: Vec<usize> = rows.iter().map(|row| row.payload.len()).collect();
            let headers: Vec<_> = answer.headers.iter().collect();
            seen.push(format!("{} {headers:?} {calls:?} {sizes:?}", answer.outcome.id()));
            let same = answer.require().unwrap();
            assert_eq!(same.user_id(), ann.user_id());
        }
        assert!(seen[0].starts_with("accepted"), "{}", seen[0]);
        assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    }
    // Nothing has changed before somebody has read the message.
    assert_eq!(held(&world, &ann), [(ANN.to_owned(), false)]);
    assert!(world.is_live(&access(&session)));
}

#[test]
fn whose_address_it_is_learns_that_somebody_wants_it() {
    let world = World::with("throttle.change.burst = 100\n");
    let ann = world.sign_up(ANN);
    world.sign_up_proved("Bob@example.com");
    let disabled = world.sign_up("disabled@example.com");
    run(world.auth.disable_user(disabled.user_id())).unwrap();
    mail(&world);
    for (operation, template) in [
        (
            change as fn(&World, &Proof, &str) -> Answer<Proof>,
            "change_identifier",
        ),
        (link, "verify"),
    ] {
        let mut sent = Vec::new();
        for who in ["Nobody", "bob", "disabled"] {
            accepted(Ok(operation(&world, &ann, &format!("{who}@example.com"))));
            for one in mail(&world) {
                assert_eq!(one.params.named("token").is_some(), one.template == template);
                sent.push((one.template.clone(), one.address.clone()));
            }
        }
        // As its owner once wrote it; a disabled user is told nothing.
        let expected = [
            (template, "Nobody@example.com"),
            ("address_in_use", "Bob@example.com"),
        ];
        assert_eq!(sent, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}

#[test]
fn an_address_is_linked_by_whoever_reads_there_in_a_session_of_the_user() {
    let world = World::new();
    let ann = world.sign_up(ANN);
    let bob = world.sign_up("bob@example.com");
    let elsewhere = world.session(&ann);
    let ann = accepted(Ok(world.try_sign_in(ANN, PASSWORD)));
    mail(&world);
    let ann = accepted(Ok(link(&world, &ann, "second@example.com")));
    let sent = mail(&world);
    let token = token(&sent[0]);
    assert_eq!(held(&world, &ann), [(ANN.to_owned(), false)]);
    assert_eq!(
        world.try_sign_in("second@example.com", PASSWORD).outcome.id(),
        "refused"
    );
    // Whoever clicks may know nothing of the account.
    for proof in [None, Some(&bob)] {
        let clicked = run(world.auth.consume_token(&token, proof)).unwrap_err();
        assert_eq!(
            (clicked.kind(), clicked.what()),
            (ErrorKind::ProofRequired, Some("session"))
        );
    }
    world.events();
    accepted(run(world.auth.consume_token(&token, Some(&ann))));
    let events = world.events().join("\n");
    for name in ["identity_linked", "identifier_verified", "session_ended"] {
        assert!(events.contains(name), "{events}");
    }
    assert!(!world.is_live(&access(&elsewhere)), "other sessions end");
    let expected = [(ANN.to_owned(), false), ("second@example.com".to_owned(), true)];
    assert_eq!(held(&world, &ann), expected);
    accepted(Ok(world.try_sign_in("second@example.com", PASSWORD)));
    let again = run(world.auth.consume_token(&token, Some(&ann))).unwrap();
    assert_eq!(again.outcome.id(), "refused", "once");
}

#[test]
fn what_was_asked_for_ends_with_the_next_change_of_the_user() {
    let world = World::new();
    let ann = world.sign_up(ANN);
    mail(&world);
    accepted(Ok(link(&world, &ann, "second@example.com")));
    let token = token(&mail(&world)[0]);
    let ann = accepted(run(world.auth.update_credentials(&ann, "email", password(OTHER))));
    let late = run(world.auth.consume_token(&token, Some(&ann))).unwrap();
    assert_eq!(late.outcome.id(), "refused");
    assert_eq!(held(&world, &ann).len(), 1);
}

#[test]
fn credentials_that_come_with_a_link_are_enrolled_whoever_has_the_address() {
    let world = World::with(&claims());
    world.sign_up_proved("taken@example.com");
    for address in ["free@example.com", "taken@example.com"] {
        let passkey = Fields::from([("id", address)]);
        let new = doorward::NewUserOptions::default();
        let made = accepted(run(world.auth.create_user("passkey", b"", passkey, new)));
        world.events();
        let linked = run(form(&world).link_identity(&made, "email", address.as_bytes(), password(OTHER)));
        let linked = accepted(linked);
        let events = world.events().join("\n");
        assert!(events.contains("authenticator_added") && !events.contains("identity_linked"));
        assert_eq!(held(&world, &made).len(), 1, "the passkey's");
        let sent = mail(&world);
        if address == "free@example.com" {
            let message = sent.iter().find(|one| one.template == "verify").unwrap();
            accepted(run(world.auth.consume_token(&token(message), Some(&linked))));
            accepted(Ok(world.try_sign_in(address, OTHER)));
        } else {
            assert!(sent.iter().any(|one| one.template == "address_in_use"));
            assert_eq!(world.try_sign_in(address, OTHER).outcome.id(), "refused");
        }
    }
}

#[test]
fn an_address_is_changed_by_its_message_and_its_spelling_at_once() {
    let world = World::new();
    let form = form(&world);
    let ann = world.sign_up(ANN);
    mail(&world);
    accepted(Ok(change(&world, &ann, "new@example.com")));
    let sent = mail(&world);
    let token = token(&sent[0]);
    let changed = world
        .auth
        .update_identifier_with_token(&token, ANN.as_bytes(), b"new@example.com");
    accepted(run(changed));
    assert_eq!(held(&world, &ann), [("new@example.com".to_owned(), true)]);
    let ann = accepted(Ok(world.try_sign_in("new@example.com", PASSWORD)));
    let respelled = form.update_identifier(&ann, "email", b"new@example.com", b"New@example.com");
    accepted(run(respelled));
    assert_eq!(held(&world, &ann)[0].0, "New@example.com");
    // What the user has not got is told before anybody is asked.
    let ann = accepted(Ok(world.try_sign_in("new@example.com", PASSWORD)));
    for to in ["nobody@example.com", "new@example.com"] {
        let absent = form.update_identifier(&ann, "email", b"old@example.com", to.as_bytes());
        assert_eq!(run(absent).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[test]
fn one_account_asks_ten_times_and_then_once_in_five_minutes() {
    let world = World::new();
    let ann = world.sign_up(ANN);
    for number in 0..50 {
        world.sign_up(&format!("u{number}@example.com"));
    }
    mail(&world);
    let ask = |number: usize| {
        let operation = if number.is_multiple_of(2) { change } else { link };
        operation(&world, &ann, &format!("u{number}@example.com"))
    };
    let mut sent = 0;
    for number in 0..50 {
        let answer = ask(number);
        if number < 10 {
            assert_eq!(answer.outcome.id(), "accepted");
        } else {
            assert!(matches!(answer.outcome, Outcome::Throttled(wait) if wait == Duration::from_mins(5)));
        }
        sent += mail(&world).len();
    }
    assert_eq!(sent, 10);
    // Of the same budget: tokens for a change.
    let purpose = doorward::TokenPurpose::ChangeIdentifier;
    let form = form(&world);
    let asked = form.request_token(purpose, "email", b"x@example.com", Some(&ann));
    assert_eq!(run(asked).unwrap().outcome.id(), "throttled");
    world.advance(300);
    assert_eq!(ask(11).outcome.id(), "accepted");
    assert_eq!(ask(12).outcome.id(), "throttled");
}

/// No message can ask a user name whose it is: what is taken is told, within the budget, taken or not.
#[test]
fn names_that_take_no_messages_are_bounded() {
    let world = World::new();
    let form = form(&world);
    let ann = world.sign_up(ANN);
    let bob = world.sign_up("bob@example.com");
    accepted(run(world.auth.link_identity(
        &bob,
        "username",
        b"bob",
        Fields::default(),
    )));
    let mut told = 0;
    for _ in 0..50 {
        let asked = form.link_identity(&ann, "username", b"bob", Fields::default());
        match run(asked) {
            Err(error) => {
                assert_eq!(
                    (error.kind(), error.what()),
                    (ErrorKind::Conflict, Some("identifier"))
                );
                told += 1;
            }
            Ok(answer) => assert_eq!(answer.outcome.id(), "throttled"),
        }
    }
    assert_eq!(told, 10);
    let free = form.link_identity(&ann, "username", b"nobody", Fields::default());
    assert_eq!(run(free).unwrap().outcome.id(), "throttled");
}

/// The program itself may know who exists.
#[test]
fn on_a_trusted_handle_it_is_done_at_once() {
    let world = World::new();
    let ann = world.sign_up(ANN);
    world.sign_up("bob@example.com");
    let taken = world
        .auth
        .update_identifier(&ann, "email", ANN.as_bytes(), b"bob@example.com");
    assert_eq!(run(taken).unwrap_err().kind(), ErrorKind::Conflict);
    let ann = accepted(run(world.auth.update_identifier(
        &ann,
        "email",
        ANN.as_bytes(),
        b"new@example.com",
    )));
    assert_eq!(held(&world, &ann), [("new@example.com".to_owned(), false)]);
    // Put on a request, it is a person's.
    let on = world
        .auth
        .on(request("POST", &[("origin", "https://app.example")]));
    let asked = on.update_identifier(&ann, "email", b"new@example.com", b"bob@example.com");
    assert_eq!(run(asked).unwrap().outcome.id(), "accepted");
}
