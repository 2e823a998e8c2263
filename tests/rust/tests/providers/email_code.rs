//! `email_code`: what an address gets, through a real mail server and back, and what a code is good for.

use std::path::Path;
use std::time::Duration;

use doorward::{Answer, Delivery, Fields, FlowHandle, NewUserOptions, Outcome, Proof, Settlement, UserId};
use serde_json::Value;

use crate::world::{World, accepted, challenged, flow, printed, run};

const EMAIL: &str = "Jane.Doe@Example.org";

fn world(more: &str) -> World {
    World::with(
        &["email_code"],
        &format!(
            "provider.mail.kind = 'email_code'\nprovider.mail.rule = 'email'\n\
             provider.mail.config.link = 'https://app.example/confirm'\n{more}"
        ),
    )
}

fn ask_for_code(world: &World, address: &str) -> Answer<Proof> {
    run(world
        .auth
        .authenticate("mail", Some(address.as_bytes()), Fields::default()))
    .unwrap()
}

fn code(code: &str) -> Fields {
    Fields::from([("code", code)])
}

/// What the application finds in the outbox, and sends.
fn taken(world: &World) -> Vec<Delivery> {
    let messages = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for message in &messages {
        let settled = world
            .auth
            .settle_delivery(message.id, message.attempts, Settlement::Delivered);
        assert!(run(settled).unwrap());
    }
    messages
}

fn param(delivery: &Delivery, name: &str) -> String {
    let value = delivery.params.named(name).unwrap();
    String::from_utf8(value.expose().to_vec()).unwrap()
}

/// The flow and the code of the only message.
fn sent(world: &World, address: &str) -> (FlowHandle, String) {
    let asked = flow(ask_for_code(world, address));
    let messages = taken(world);
    assert_eq!(messages.len(), 1, "{messages:?}");
    (asked, param(&messages[0], "code"))
}

/// Signs up by a proven address.
fn sign_up(world: &World, address: &str) -> UserId {
    let (asked, right) = sent(world, address);
    let Outcome::Unregistered(claim) = world.go_on(&asked, code(&right)).outcome else {
        panic!("nobody has {address} yet")
    };
    let created = world
        .auth
        .create_user_from_claim(claim.token().expose(), NewUserOptions::default());
    accepted(run(created)).user_id()
}

/// Another code of as many digits.
fn another(right: &str) -> String {
    let first = if right.starts_with('0') { "1" } else { "0" };
    format!("{first}{}", &right[1..])
}

/// Sends messages as an application does, and gives what the mailbox received.
fn mailed(messages: &[Delivery]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers/mailbox.py");
    let lines: Vec<String> = messages
        .iter()
        .map(|message| {
            let params: serde_json::Map<String, Value> = (message.params.0.iter())
                .map(|(name, _)| (name.clone(), param(message, name).into()))
                .collect();
            serde_json::json!({ "address": message.address, "template": message.template, "params": params })
                .to_string()
        })
        .collect();
    let arguments = [script.to_str().unwrap()];
    // Debian's Python, for Debian's aiosmtpd.
    let arrived = printed("/usr/bin/python3", &arguments, lines.join("\n").as_bytes());
    let arrived = String::from_utf8(arrived).unwrap();
    arrived
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_mail_that_arrives_signs_up_and_in() {
    let world = world("");
    let mut user = None;
    for _ in 0..2 {
        let asked = flow(ask_for_code(&world, EMAIL));
        assert_eq!(challenged(&asked, "digits"), "8");
        let messages = taken(&world);
        assert_eq!(
            (messages[0].channel.as_str(), messages[0].provider.as_str()),
            ("email", "mail")
        );
        let arrived = mailed(&messages);
        assert_eq!(arrived.len(), 1);
        assert_eq!(arrived[0]["recipients"], serde_json::json!([EMAIL]));
        let text = arrived[0]["text"].as_str().unwrap();
        let read = |label: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(label));
            line.unwrap().to_owned()
        };
        let right = read("Code: ");
        assert!(
            right.len() == 8 && right.bytes().all(|byte| byte.is_ascii_digit()),
            "{right}"
        );
        assert_eq!(read("Good for "), "10 minutes.");
        // What the page reads behind `#` is the code.
        let link = read("Link: ");
        let (page, from_link) = link.split_once("#code=").unwrap();
        assert_eq!(page, "https://app.example/confirm");
        let answer = world.go_on(&asked, code(&format!("{} {}", &from_link[..4], &from_link[4..])));
        let proof = match (answer.outcome, user) {
            (Outcome::Unregistered(claim), None) => {
                assert_eq!((claim.provider(), claim.identifier()), ("mail", EMAIL.as_bytes()));
                let created = world
                    .auth
                    .create_user_from_claim(claim.token().expose(), NewUserOptions::default());
                accepted(run(created))
            }
            (Outcome::Accepted(proof), Some(_)) => proof,
            (outcome, _) => panic!("{outcome:?}"),
        };
        assert_eq!(
            (proof.factors().len(), proof.factors()[0].channel.as_str()),
            (1, "email")
        );
        assert!(user.is_none_or(|user| user == proof.user_id()));
        user = Some(proof.user_id());
    }
}

#[test]
fn a_code_is_good_once_for_one_flow_one_address_and_ten_minutes() {
    let world = world("throttle.enabled = false\n");
    sign_up(&world, EMAIL);
    let (asked, right) = sent(&world, EMAIL);
    assert!(matches!(
        world.go_on(&asked, code(&right)).outcome,
        Outcome::Accepted(_)
    ));
    assert!(
        matches!(world.go_on(&asked, code(&right)).outcome, Outcome::Refused(None)),
        "spent"
    );
    // In another flow of the same address, and of another address.
    let (_first, right) = sent(&world, EMAIL);
    for address in [EMAIL, "joe@example.org"] {
        let (other, _) = sent(&world, address);
        assert!(
            matches!(world.go_on(&other, code(&right)).outcome, Outcome::Refused(_)),
            "{address}"
        );
    }
    let (asked, right) = sent(&world, EMAIL);
    world.advance(599);
    assert!(matches!(
        world.go_on(&asked, code(&right)).outcome,
        Outcome::Accepted(_)
    ));
    let (asked, right) = sent(&world, EMAIL);
    world.advance(600);
    assert!(
        matches!(world.go_on(&asked, code(&right)).outcome, Outcome::Refused(_)),
        "too late"
    );
    assert!(!world.database_has(right.as_bytes()), "nowhere in the clear");
}

#[test]
fn five_guesses_end_the_flow_and_another_code_buys_no_more() {
    let world = world("throttle.to_code.burst = 100\n");
    sign_up(&world, EMAIL);
    let (mut asked, right) = sent(&world, EMAIL);
    let mut guesses = 0;
    loop {
        guesses += 1;
        match world.go_on(&asked, code(&another(&right))).outcome {
            Outcome::Refused(Some(again)) => asked = again,
            Outcome::Refused(None) => break,
            // The host delays guesses at one address long before it ends the flow, perhaps.
            Outcome::Throttled(wait) => world.advance(wait.as_secs() + 1),
            other => panic!("{other:?}"),
        }
        assert!(guesses < 50);
    }
    assert!(
        matches!(world.go_on(&asked, code(&right)).outcome, Outcome::Refused(None)),
        "over"
    );
    // New flows for the same address: guesses go on being counted.
    let mut throttled = false;
    for _ in 0..4 {
        // One message a lifetime.
        world.advance(600);
        let Outcome::Continue(mut asked) = ask_for_code(&world, EMAIL).outcome else {
            throttled = true;
            break;
        };
        let messages = taken(&world);
        let right = param(&messages[0], "code");
        for _ in 0..5 {
            match world.go_on(&asked, code(&another(&right))).outcome {
                Outcome::Refused(Some(again)) => asked = again,
                Outcome::Refused(None) => break,
                Outcome::Throttled(_) => throttled = true,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(throttled, "25 guesses without a delay");
}

#[test]
fn nobody_learns_who_exists_and_a_disabled_user_gets_no_mail() {
    let world = world("throttle.enabled = false\n");
    let user = sign_up(&world, EMAIL);
    let known = ask_for_code(&world, EMAIL);
    let unknown = ask_for_code(&world, "nobody@example.org");
    let shape = |answer: Answer<Proof>| {
        let headers = answer.headers.cookies().count();
        let asked = flow(answer);
        let next = &asked.next()[0];
        let challenge: Vec<String> = next.challenge.0.iter().map(|(name, _)| name.clone()).collect();
        (
            headers,
            asked.token().expose().len(),
            next.provider.clone(),
            challenge,
        )
    };
    assert_eq!(shape(known), shape(unknown));
    assert_eq!(taken(&world).len(), 2);
    run(world.auth.disable_user(user)).unwrap();
    let asked = flow(ask_for_code(&world, EMAIL));
    assert_eq!(taken(&world).len(), 0, "written, and never sent");
    assert!(matches!(
        world.go_on(&asked, code("12345678")).outcome,
        Outcome::Refused(_)
    ));
}

#[test]
fn the_mail_goes_where_the_user_was_made_not_where_it_was_typed() {
    let world = world("");
    sign_up(&world, EMAIL);
    let asked = flow(ask_for_code(&world, "JANE.DOE@example.ORG"));
    let messages = taken(&world);
    assert_eq!(messages[0].address, EMAIL);
    let right = param(&messages[0], "code");
    assert!(matches!(
        world.go_on(&asked, code(&right)).outcome,
        Outcome::Accepted(_)
    ));
}

#[test]
fn no_message_is_sent_to_what_is_no_address() {
    let world = world("throttle.enabled = false\n");
    for typed in [
        "",
        "jane",
        "a@b.example,c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "-f@b.example",
    ] {
        let answer = run(world
            .auth
            .authenticate("mail", Some(typed.as_bytes()), Fields::default()))
        .unwrap();
        assert!(
            matches!(answer.outcome, Outcome::Continue(_) | Outcome::Refused(_)),
            "{typed:?}"
        );
        assert!(taken(&world).is_empty(), "{typed:?}");
    }
}

/// A browser's request with these cookies.
fn on(world: &World, cookies: &str) -> doorward::Auth {
    let headers = [("origin", "https://app.example"), ("cookie", cookies)];
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let peer = Some("192.0.2.7".parse().unwrap());
    world.auth.on(doorward::Request::new(b"POST", headers, peer))
}

fn cookies<T>(answer: &Answer<T>) -> String {
    let lines: Vec<String> = answer
        .headers
        .cookies()
        .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
        .collect();
    lines.join("; ")
}

#[test]
fn whoever_asks_for_a_strangers_codes_fills_no_mailbox_and_shuts_no_owner_out() {
    let world = world("");
    sign_up(&world, EMAIL);
    let (asked, right) = sent(&world, EMAIL);
    let proof = accepted(Ok(world.go_on(&asked, code(&right))));
    let session = run(on(&world, "").create_session(&proof, doorward::SessionOptions::default())).unwrap();
    let known = cookies(&session);
    world.advance(3600);
    let mut messages = 0;
    for _ in 0..40 {
        // Always the same answer, however many there were.
        let _ = flow(ask_for_code(&world, EMAIL));
        messages += taken(&world).len();
        world.advance(30);
    }
    assert!((1..=6).contains(&messages), "{messages} in 20 minutes");
    let auth = on(&world, &known);
    let asked = run(auth.authenticate("mail", Some(EMAIL.as_bytes()), Fields::default())).unwrap();
    let known = format!("{known}; {}", cookies(&asked));
    let asked = flow(asked);
    let sent = taken(&world);
    assert_eq!(sent.len(), 1, "at once");
    let auth = on(&world, &known);
    let answered = auth.continue_flow(asked.token().expose(), None, code(&param(&sent[0], "code")));
    accepted(run(answered));
}

#[test]
fn of_many_submissions_of_one_code_one_signs_in() {
    let world = std::sync::Arc::new(world("throttle.enabled = false\n"));
    sign_up(&world, EMAIL);
    let (asked, right) = sent(&world, EMAIL);
    let token = asked.token().expose().to_vec();
    let barrier = std::sync::Arc::new(std::sync::Barrier::new(32));
    let threads: Vec<_> = (0..32)
        .map(|_| {
            let (world, barrier, token, right) =
                (world.clone(), barrier.clone(), token.clone(), right.clone());
            std::thread::spawn(move || {
                barrier.wait();
                match run(world.auth.continue_flow(&token, None, code(&right)))
                    .unwrap()
                    .outcome
                {
                    Outcome::Accepted(_) => 1,
                    Outcome::Refused(_) => 0,
                    other => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let signed_in: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(signed_in, 1);
}

#[test]
fn a_linked_address_is_a_second_factor() {
    let world = world("policy.second_factor = ['mail']\n");
    let proof = world.session_proof(&world.sign_up_proved(EMAIL));
    let second = "jane@second.example";
    let begun = world
        .auth
        .begin_link(&proof, "mail", Some(second.as_bytes()), Fields::default());
    let begun = flow(run(begun).unwrap());
    let right = param(&taken(&world)[0], "code");
    let Outcome::Unregistered(claim) = world.go_on(&begun, code(&right)).outcome else {
        panic!("the address is proven, and nobody's yet")
    };
    accepted(run(world.auth.link_claim(&proof, claim.token().expose())));
    // Its owner is told of it.
    assert!(
        taken(&world)
            .iter()
            .all(|one| one.template == "credentials_changed")
    );
    let asked = flow(world.sign_in(EMAIL));
    assert_eq!(asked.next()[0].provider, "mail");
    assert!(taken(&world).is_empty(), "not before it is asked for");
    let asked = flow(world.go_on(&asked, Fields::default()));
    let messages = taken(&world);
    assert_eq!((messages.len(), messages[0].address.as_str()), (1, second));
    let proof = accepted(Ok(world.go_on(&asked, code(&param(&messages[0], "code")))));
    assert_eq!(proof.factors().len(), 2);
}
