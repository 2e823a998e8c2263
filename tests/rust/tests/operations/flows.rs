//! Flows: bound to browser, realm and time, taken once; and nobody can tell a decoy's from a real one.

use doorward::{Answer, Auth, ErrorKind, Fields, FlowHandle, NewUserOptions, Outcome, Proof, SessionOptions};

use crate::context::{Browser, World, accepted, request, run, steps};

const COLOUR: &str = "ultramarine";

fn answer(text: &str) -> Fields {
    Fields::from([("answer", text)])
}

fn world() -> World {
    World::with(&format!("{}throttle.id.free = 8\n", steps()))
}

pub(crate) fn enroll(world: &World, member: &str) -> Proof {
    let create = world.auth.create_user(
        "member",
        member.as_bytes(),
        answer(COLOUR),
        NewUserOptions::default(),
    );
    accepted(run(create))
}

fn begin(auth: &Auth, member: &str) -> Answer<Proof> {
    run(auth.authenticate("member", Some(member.as_bytes()), Fields::default())).unwrap()
}

fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) | Outcome::Refused(Some(flow)) => flow,
        other => panic!("{other:?}"),
    }
}

fn go_on(auth: &Auth, flow: &FlowHandle, text: &str) -> Answer<Proof> {
    run(auth.continue_flow(flow.token().expose(), None, answer(text))).unwrap()
}

/// What somebody without the right answer sees of a whole sign-in, in words.
fn seen(world: &World, member: &str) -> Vec<String> {
    seen_while(world, member, |_| {})
}

/// The same, while something happens before the answer with this number, from 0.
pub(crate) fn seen_while(world: &World, member: &str, mut happens: impl FnMut(usize)) -> Vec<String> {
    let mut answers = 0;
    let mut seen = Vec::new();
    let mut tell = |answer: &Answer<Proof>| {
        let handle = match &answer.outcome {
            Outcome::Continue(flow) | Outcome::Refused(Some(flow)) => {
                let next = &flow.next()[0];
                let fields: Vec<_> = next.fields.iter().map(|field| &field.name).collect();
                let shown: Vec<_> = next
                    .challenge
                    .0
                    .iter()
                    .map(|(name, value)| (name, value.expose()))
                    .collect();
                format!(
                    "{} {:?} {} {:?} {fields:?} {shown:?} {}",
                    flow.token().expose().len(),
                    flow.expires_at(),
                    next.provider,
                    next.action,
                    flow.next().len()
                )
            }
            Outcome::Throttled(wait) => format!("{wait:?}"),
            _ => String::new(),
        };
        seen.push(format!(
            "{} {handle} {}",
            answer.outcome.id(),
            answer.headers.len()
        ));
    };
    // Two flows to their end, then once more: attempts, tokens and delays are all in it.
    for _ in 0..3 {
        let mut answer = begin(&world.auth, member);
        tell(&answer);
        while let Outcome::Continue(held) | Outcome::Refused(Some(held)) = &answer.outcome {
            let token = held.token().expose().to_vec();
            happens(answers);
            answers += 1;
            // What the kind does not take costs nobody an attempt.
            match run(world
                .auth
                .continue_flow(&token, None, Fields::from([("colour", "red")])))
            {
                Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArgument),
                Ok(early) => tell(&early),
            }
            answer = go_on(&world.auth, held, "red");
            tell(&answer);
        }
    }
    seen
}

#[test]
fn nobody_and_somebody_look_the_same_from_begin_to_end() {
    // Each in a world of its own, so that the clocks and the counters are the same.
    let known = {
        let world = world();
        enroll(&world, "1234567");
        seen(&world, "1234567")
    };
    let disabled = {
        let world = world();
        let user = enroll(&world, "1234567").user_id();
        run(world.auth.disable_user(user)).unwrap();
        seen(&world, "1234567")
    };
    let unknown = seen(&world(), "1234567");
    assert_eq!(known, unknown);
    assert_eq!(known, disabled);
    assert!(
        known.iter().any(|line| line.starts_with("throttled")),
        "{known:#?}"
    );
}

#[test]
fn a_user_disabled_in_the_middle_is_not_told() {
    let world = world();
    let user = enroll(&world, "1234567").user_id();
    let begun = flow(begin(&world.auth, "1234567"));
    run(world.auth.disable_user(user)).unwrap();
    // Even with the right answer it looks as with a wrong one.
    let mut held = begun;
    for left in (0..5).rev() {
        match go_on(&world.auth, &held, COLOUR).outcome {
            Outcome::Refused(Some(next)) if left > 0 => held = next,
            Outcome::Refused(None) => assert_eq!(left, 0),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_flow_is_answered_only_where_it_was_begun() {
    let world = world();
    enroll(&world, "1234567");
    let refused =
        |answer: Answer<Proof>| assert!(matches!(answer.outcome, Outcome::Refused(None)), "{answer:?}");
    let shop = world.auth.realm("shop").unwrap();
    refused(go_on(&shop, &flow(begin(&world.auth, "1234567")), COLOUR));
    let on = |browser: &Browser| world.auth.on(browser.request("POST"));
    let mut browser = Browser::default();
    let begun = |browser: &mut Browser| {
        let answer = begin(&on(browser), "1234567");
        browser.take(&answer);
        flow(answer)
    };
    let held = begun(&mut browser);
    refused(go_on(&world.auth, &held, COLOUR));
    refused(go_on(&on(&browser), &held, COLOUR));
    let held = begun(&mut browser);
    refused(go_on(&on(&Browser::default()), &held, COLOUR));
    let held = begun(&mut browser);
    accepted(Ok(go_on(&on(&browser), &held, COLOUR)));
    let late = begun(&mut browser);
    world.advance(601);
    refused(go_on(&on(&browser), &late, COLOUR));
}

#[test]
fn a_change_of_the_user_ends_a_flow_that_has_proved_something() {
    let world = World::with(&format!("{}policy.second_factor = ['badge']\n", steps()));
    let session = world.proved_user("a@example.com");
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let badge = |number: &str| Fields::from([("number", number)]);
    let proof = accepted(run(world.auth.update_credentials(&proof, "badge", badge("17"))));
    let held = flow(world.try_sign_in("a@example.com", crate::context::PASSWORD));
    let changed = crate::context::password(crate::context::OTHER);
    accepted(run(world.auth.update_credentials(&proof, "email", changed)));
    let answer = run(world.auth.continue_flow(held.token().expose(), None, badge("17"))).unwrap();
    assert!(matches!(answer.outcome, Outcome::Refused(None)), "{answer:?}");
}

#[test]
fn the_last_step_of_a_sign_up_counts_those_who_look_for_taken_identifiers() {
    let world = World::with(&format!("{}throttle.net.burst = 3\n", steps()));
    enroll(&world, "1234567");
    let mut browser = Browser::default();
    let mut throttled = false;
    for _ in 0..6 {
        let on = world.auth.on(browser.request("POST"));
        let begun = run(on.begin_enrollment("member", Some(b"1234567"), None)).unwrap();
        browser.take(&begun);
        let Outcome::Continue(held) = begun.outcome else {
            throttled = true;
            break;
        };
        let on = world.auth.on(browser.request("POST"));
        match run(on.continue_flow(held.token().expose(), None, answer("red"))) {
            Err(error) => assert_eq!(error.what(), Some("identifier")),
            Ok(answer) => throttled |= matches!(answer.outcome, Outcome::Throttled(_)),
        }
    }
    assert!(throttled);
}

#[test]
fn an_attacker_cannot_shut_a_known_browser_out_of_a_later_step() {
    let world = World::with(&format!(
        "{}throttle.id.free = 3\nthrottle.in.free = 1000\n",
        steps()
    ));
    enroll(&world, "1234567");
    let mut owner = Browser::default();
    let sign_in = |browser: &mut Browser| {
        let begun = begin(&world.auth.on(browser.request("POST")), "1234567");
        browser.take(&begun);
        let answer = go_on(&world.auth.on(browser.request("POST")), &flow(begun), COLOUR);
        browser.take(&answer);
        answer
    };
    let proof = accepted(Ok(sign_in(&mut owner)));
    let on = world.auth.on(owner.request("POST"));
    owner.take(&run(on.create_session(&proof, SessionOptions::default())).unwrap());
    owner.forget("access");
    owner.forget("refresh");
    let mut held = flow(begin(&world.auth, "1234567"));
    loop {
        match go_on(&world.auth, &held, "red").outcome {
            Outcome::Refused(Some(next)) => held = next,
            Outcome::Refused(None) => held = flow(begin(&world.auth, "1234567")),
            Outcome::Throttled(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        sign_in(&mut Browser::default()).outcome,
        Outcome::Throttled(_)
    ));
    accepted(Ok(sign_in(&mut owner)));
}

#[test]
fn an_app_has_no_cookies_and_no_origin_and_carries_its_binding_itself() {
    let world = world();
    enroll(&world, "1234567");
    let app = |more: &[(&str, &str)]| {
        let mut headers = vec![("doorward-client", "app")];
        headers.extend_from_slice(more);
        world.auth.on(request("POST", &headers))
    };
    let line = |answer: &Answer<Proof>, name: &str| {
        let mut lines = answer.headers.iter();
        lines
            .find(|(line, _)| *line == name)
            .map(|(_, value)| value.to_owned())
    };
    let begun = begin(&app(&[]), "1234567");
    assert_eq!(begun.headers.cookies().count(), 0);
    let binding = line(&begun, "Doorward-Flow").unwrap();
    assert!(!format!("{:?}", begun.headers).contains(&binding), "a secret");
    let held = flow(begun);
    assert_eq!((held.purpose(), held.provider()), ("sign_in", Some("member")));
    let signed_in = go_on(&app(&[("doorward-flow", &binding)]), &held, COLOUR);
    let on = app(&[]);
    let proof = accepted(Ok(signed_in));
    assert_eq!(proof.purpose(), "sign_in");
    let made = run(on.create_session(&proof, SessionOptions::default())).unwrap();
    assert_eq!(made.headers.cookies().count(), 0);
    assert!(made.headers.iter().any(|(name, _)| name == "Doorward-Device"));
    assert!(on.headers().iter().any(|(name, _)| name == "Doorward-Device"));
    let session = accepted(Ok(made));
    assert!(session.access_token().is_some() && session.refresh_token().is_some());
    assert_eq!(
        run(world.auth.session_proof(&session)).unwrap().purpose(),
        "session"
    );
    let token = session.refresh_token().unwrap().expose().to_vec();
    assert!(matches!(
        run(on.refresh_session(&token)).unwrap().outcome,
        Outcome::Accepted(_)
    ));
    assert_eq!(accepted(run(on.end_session(Some(&token)))), 1);
    // Another app, without the binding, gets nothing from the flow.
    let stolen = flow(begin(&app(&[]), "1234567"));
    assert!(matches!(
        go_on(&app(&[]), &stolen, COLOUR).outcome,
        Outcome::Refused(_)
    ));
}

#[test]
fn whoever_has_a_cookie_or_an_origin_is_no_app() {
    let world = world();
    enroll(&world, "1234567");
    for more in [
        ("cookie", "a=b"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("doorward-client", "app"),
    ] {
        let on = world
            .auth
            .on(request("POST", &[("doorward-client", "app"), more]));
        let tried = begin(&on, "1234567");
        assert!(matches!(tried.outcome, Outcome::RequestRefused(_)), "{more:?}");
    }
    let other = world.auth.on(request("POST", &[("doorward-client", "browser")]));
    assert!(matches!(
        begin(&other, "1234567").outcome,
        Outcome::RequestRefused(_)
    ));
}
