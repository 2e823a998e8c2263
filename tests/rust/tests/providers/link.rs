//! The link of a mailed code: whoever reads the letter signs in where the link is confirmed, and nobody anywhere else.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use doorward::{
    Answer, Auth, Delivery, ErrorKind, Fields, FlowHandle, NewUserOptions, Outcome, Proof, Request,
    SessionOptions, Settlement, TokenPurpose, UserId,
};

use crate::world::{World, accepted, flow, run, shown};

const EMAIL: &str = "ann@example.org";
/// What is limited has tests of its own.
const OPEN: &str = "throttle.enabled = false\n";

fn world(more: &str) -> World {
    let mail = "provider.mail.kind = 'email_code'\nprovider.mail.rule = 'email'\n";
    World::with(&["email_code", "recovery_codes"], &format!("{mail}{more}"))
}

/// One browser: a request of a page of ours, with the cookies that it was given.
#[derive(Clone, Default)]
struct Browser(String);

impl Browser {
    fn on(&self, auth: &Auth, method: &[u8]) -> Auth {
        let headers = [("origin", "https://app.example"), ("cookie", &self.0)];
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        auth.on(Request::new(method, headers, Some("192.0.2.7".parse().unwrap())))
    }

    fn take<T>(&mut self, answer: &Answer<T>) {
        for cookie in answer.headers.cookies() {
            let separator = if self.0.is_empty() { "" } else { "; " };
            self.0 = format!("{}{separator}{}={}", self.0, cookie.name(), cookie.value());
        }
    }
}

fn code(code: &str) -> Fields {
    Fields::from([("code", code)])
}

/// What the application finds in the outbox, and sends.
fn letters(world: &World) -> Vec<Delivery> {
    let due = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for one in &due {
        let settled = world
            .auth
            .settle_delivery(one.id, one.attempts, Settlement::Delivered);
        assert!(run(settled).unwrap());
    }
    due
}

fn param(letter: &Delivery, name: &str) -> Option<String> {
    let value = letter.params.named(name)?;
    Some(String::from_utf8(value.expose().to_vec()).unwrap())
}

/// A code that somebody asked for: his browser and flow, and what the letter says.
struct Asked {
    browser: Browser,
    flow: FlowHandle,
    code: String,
    link: Vec<u8>,
}

fn ask(world: &World, address: &str) -> Asked {
    let mut browser = Browser::default();
    let answer = run(browser.on(&world.auth, b"POST").authenticate(
        "mail",
        Some(address.as_bytes()),
        Fields::default(),
    ))
    .unwrap();
    browser.take(&answer);
    let due = letters(world);
    assert_eq!(due.len(), 1, "{due:?}");
    Asked {
        browser,
        flow: flow(answer),
        code: param(&due[0], "code").unwrap(),
        link: param(&due[0], "token").unwrap_or_default().into_bytes(),
    }
}

impl Asked {
    /// Types the code where it was asked for.
    fn type_code(&self, world: &World) -> Outcome<Proof> {
        let on = self.browser.on(&world.auth, b"POST");
        run(on.continue_flow(self.flow.token().expose(), None, code(&self.code)))
            .unwrap()
            .outcome
    }
}

/// Opens the link and presses the button, in a browser of its own.
fn confirm(auth: &Auth, link: &[u8]) -> Answer<Proof> {
    let on = Browser::default().on(auth, b"POST");
    run(on.continue_flow(link, None, Fields::default())).unwrap()
}

fn is_refused(outcome: &Outcome<Proof>) -> bool {
    matches!(outcome, Outcome::Refused(None))
}

/// A user who signed up by the address.
fn sign_up(world: &World, address: &str) -> Proof {
    let asked = ask(world, address);
    assert!(asked.link.is_empty(), "there is nobody to sign in");
    let Outcome::Unregistered(claim) = asked.type_code(world) else {
        panic!("nobody has {address} yet")
    };
    let on = asked.browser.on(&world.auth, b"POST");
    let created = on.create_user_from_claim(claim.token().expose(), NewUserOptions::default());
    accepted(run(created))
}

#[test]
fn a_link_signs_in_where_it_is_confirmed_and_not_where_it_was_asked_for() {
    let world = world("");
    let ann = sign_up(&world, EMAIL).user_id();
    let asked = ask(&world, EMAIL);
    // The page that the link leads to: it says what the link is for, and spends nothing.
    for _ in 0..3 {
        let on = Browser::default().on(&world.auth, b"GET");
        let info = accepted(run(on.peek_token(&asked.link)));
        assert_eq!(info.purpose, TokenPurpose::SignInLink);
        assert_eq!(
            (info.provider.as_str(), info.identifier.as_slice(), info.user_id),
            ("mail", EMAIL.as_bytes(), ann)
        );
    }
    let mut elsewhere = Browser::default();
    let on = elsewhere.on(&world.auth, b"POST");
    let answer = run(on.continue_flow(&asked.link, None, Fields::default())).unwrap();
    elsewhere.take(&answer);
    let proof = accepted(Ok(answer));
    assert_eq!((proof.user_id(), proof.purpose()), (ann, "sign_in"));
    let factor = &proof.factors()[0];
    assert_eq!(
        (factor.provider.as_str(), factor.channel.as_str()),
        ("mail", "email")
    );
    assert_eq!(
        factor.via.len(),
        1,
        "given by this address, as the code beside it"
    );
    let session = run(elsewhere
        .on(&world.auth, b"POST")
        .create_session(&proof, SessionOptions::default()))
    .unwrap();
    elsewhere.take(&session);
    accepted(run(elsewhere.on(&world.auth, b"GET").check_request()));
    // The browser that asked has nothing, and its code is void.
    let on = asked.browser.on(&world.auth, b"GET");
    assert_eq!(run(on.check_request()).unwrap().outcome.id(), "signed_out");
    assert!(is_refused(&asked.type_code(&world)));
}

#[test]
fn a_get_spends_nothing_and_neither_does_anything_else_that_takes_tokens() {
    let world = world("");
    let ann = sign_up(&world, EMAIL);
    let asked = ask(&world, EMAIL);
    for method in [&b"GET"[..], b"HEAD"] {
        let on = Browser::default().on(&world.auth, method);
        let refused = run(on.continue_flow(&asked.link, None, Fields::default()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidState);
    }
    for (provider, fields) in [(Some("email"), Fields::default()), (None, code(&asked.code))] {
        let on = Browser::default().on(&world.auth, b"POST");
        let refused = run(on.continue_flow(&asked.link, provider, fields));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let on = Browser::default().on(&world.auth, b"POST");
    let consumed = run(on.consume_token(&asked.link, Some(&ann))).unwrap();
    assert_eq!(consumed.outcome.id(), "refused");
    let recovered = on.update_credentials_with_token(
        &asked.link,
        "email",
        Fields::from([("password", "another horse battery")]),
    );
    assert_eq!(run(recovered).unwrap().outcome.id(), "refused");
    let request = on.request_token(TokenPurpose::SignInLink, "mail", EMAIL.as_bytes(), None);
    assert_eq!(run(request).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let on = Browser::default().on(&world.auth, b"POST");
    let named = run(on.continue_flow(&asked.link, Some("mail"), Fields::default()));
    assert_eq!(
        accepted(named).user_id(),
        ann.user_id(),
        "it is as good as before"
    );
}

#[test]
fn a_link_is_good_once_and_so_is_the_code_beside_it() {
    let world = world(OPEN);
    sign_up(&world, EMAIL);
    let twice = ask(&world, EMAIL);
    accepted(Ok(confirm(&world.auth, &twice.link)));
    assert!(is_refused(&confirm(&world.auth, &twice.link).outcome));
    let on = Browser::default().on(&world.auth, b"GET");
    assert_eq!(run(on.peek_token(&twice.link)).unwrap().outcome.id(), "refused");
    let by_code = ask(&world, EMAIL);
    assert!(matches!(by_code.type_code(&world), Outcome::Accepted(_)));
    assert!(is_refused(&confirm(&world.auth, &by_code.link).outcome));
    let by_link = ask(&world, EMAIL);
    accepted(Ok(confirm(&world.auth, &by_link.link)));
    assert!(is_refused(&by_link.type_code(&world)));
    // One letter spoils no other.
    let (older, newer) = (ask(&world, EMAIL), ask(&world, EMAIL));
    accepted(Ok(confirm(&world.auth, &newer.link)));
    accepted(Ok(confirm(&world.auth, &older.link)));
}

#[test]
fn of_code_and_link_at_once_one_signs_in() {
    let world = Arc::new(world(OPEN));
    sign_up(&world, EMAIL);
    for _ in 0..8 {
        let asked = ask(&world, EMAIL);
        let barrier = Barrier::new(8);
        let signed_in: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let (asked, barrier, world) = (&asked, &barrier, &world);
                    scope.spawn(move || {
                        barrier.wait();
                        let outcome = match n {
                            0 => asked.type_code(world),
                            _ => confirm(&world.auth, &asked.link).outcome,
                        };
                        usize::from(matches!(outcome, Outcome::Accepted(_)))
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(signed_in, 1);
    }
}

#[test]
fn a_link_ends_with_the_users_epoch_with_its_identity_and_with_its_time() {
    let world = world(&format!("{OPEN}provider.mail.config.lifetime_seconds = 60\n"));
    let ann = sign_up(&world, EMAIL);
    let refused = |asked: &Asked| is_refused(&confirm(&world.auth, &asked.link).outcome);
    let asked = ask(&world, EMAIL);
    world.advance(59);
    accepted(Ok(confirm(&world.auth, &asked.link)));
    let asked = ask(&world, EMAIL);
    world.advance(60);
    assert!(refused(&asked), "its time is over, as its code's");
    let asked = ask(&world, EMAIL);
    run(world.auth.disable_user(ann.user_id())).unwrap();
    assert!(refused(&asked), "disabled");
    run(world.auth.enable_user(ann.user_id())).unwrap();
    assert!(refused(&asked), "whatever was begun before the epoch moved");
    assert!(matches!(asked.type_code(&world), Outcome::Refused(_)));
    let asked = ask(&world, EMAIL);
    run(world.auth.disable_user(ann.user_id())).unwrap();
    assert!(refused(&asked), "disabled");
    let asked = run(world
        .auth
        .authenticate("mail", Some(EMAIL.as_bytes()), Fields::default()));
    flow(asked.unwrap());
    assert!(letters(&world).is_empty(), "nor is one sent");
    run(world.auth.enable_user(ann.user_id())).unwrap();
    let asked = ask(&world, EMAIL);
    run(world.auth.delete_user(ann.user_id())).unwrap();
    assert!(refused(&asked), "there is nobody");
}

#[test]
fn a_link_is_of_its_realm_and_of_its_secret() {
    let world = world(OPEN);
    sign_up(&world, EMAIL);
    let asked = ask(&world, EMAIL);
    let other = world.auth.realm("shop").unwrap();
    assert!(is_refused(&confirm(&other, &asked.link).outcome));
    let peeked = run(Browser::default().on(&other, b"GET").peek_token(&asked.link));
    assert_eq!(peeked.unwrap().outcome.id(), "refused");
    for at in [8, 30, 60] {
        let mut bent = asked.link.clone();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        assert!(is_refused(&confirm(&world.auth, &bent).outcome), "byte {at}");
    }
    // A token of another purpose is no link, and a link is no token of another purpose.
    let on = Browser::default().on(&world.auth, b"POST");
    let asked_for = on.request_token(TokenPurpose::Verify, "mail", EMAIL.as_bytes(), None);
    accepted(run(asked_for));
    let verify = param(&letters(&world)[0], "token").unwrap();
    assert!(is_refused(&confirm(&world.auth, verify.as_bytes()).outcome));
    accepted(Ok(confirm(&world.auth, &asked.link)));
}

#[test]
fn a_second_factor_is_still_asked_for_where_the_link_was_confirmed() {
    let world = world(&format!(
        "{OPEN}provider.recovery_codes.kind = 'recovery_codes'\npolicy.second_factor = ['recovery_codes']\n"
    ));
    let ann = world.session_proof(&sign_up(&world, EMAIL));
    let enrolled = run(world.auth.begin_enrollment("recovery_codes", None, Some(&ann))).unwrap();
    let codes = shown(&enrolled, "codes");
    accepted(Ok(enrolled));
    letters(&world);
    let asked = ask(&world, EMAIL);
    let mut browser = Browser::default();
    let on = browser.on(&world.auth, b"POST");
    let answer = run(on.continue_flow(&asked.link, None, Fields::default())).unwrap();
    browser.take(&answer);
    let second = flow(answer);
    assert_eq!(second.next()[0].provider, "recovery_codes");
    assert!(is_refused(&asked.type_code(&world)), "void, whatever the rest");
    let proof = |browser: &Browser| {
        let on = browser.on(&world.auth, b"POST");
        let fields = code(codes.lines().next().unwrap());
        run(on.continue_flow(second.token().expose(), None, fields)).unwrap()
    };
    let proof = accepted(Ok(proof(&browser)));
    assert_eq!((proof.user_id(), proof.factors().len()), (ann.user_id(), 2));
}

#[test]
fn an_owner_without_a_cookie_gets_in_with_the_letter_that_a_stranger_caused() {
    let world = world("");
    let ann = sign_up(&world, EMAIL).user_id();
    world.advance(3600);
    let asked = ask(&world, EMAIL);
    // The stranger guesses until the flow is gone and the owner's counters are closed, and asks until no more letters go.
    let (mut links, mut is_guessed_out) = (Vec::new(), false);
    for _ in 0..12 {
        let on = asked.browser.on(&world.auth, b"POST");
        let begun = run(on.authenticate("mail", Some(EMAIL.as_bytes()), Fields::default())).unwrap();
        let Outcome::Continue(mut guessed) = begun.outcome else {
            break;
        };
        links.extend(letters(&world).first().and_then(|letter| param(letter, "token")));
        loop {
            let guess = on.continue_flow(guessed.token().expose(), None, code("00000000"));
            match run(guess).unwrap().outcome {
                Outcome::Refused(Some(again)) => guessed = again,
                outcome => {
                    is_guessed_out |= links.len() == 1 && matches!(outcome, Outcome::Refused(None));
                    break;
                }
            }
        }
    }
    assert!(is_guessed_out, "the code of the first letter is gone");
    let closed = Browser::default().on(&world.auth, b"POST");
    let answer = run(closed.authenticate("mail", Some(EMAIL.as_bytes()), Fields::default())).unwrap();
    let told = letters(&world).len();
    assert!(
        matches!(answer.outcome, Outcome::Throttled(_)) || told == 0,
        "{:?}: nothing is open any more",
        answer.outcome
    );
    assert!(links.len() > 1);
    for link in links {
        assert_eq!(accepted(Ok(confirm(&world.auth, link.as_bytes()))).user_id(), ann);
    }
}

#[test]
fn only_a_first_factors_letter_to_its_own_address_has_a_link() {
    let world = world(&format!("{OPEN}policy.second_factor = ['mail']\n"));
    let proof = world.session_proof(&world.sign_up_proved(EMAIL));
    let on = world.auth.clone();
    let begun = on.begin_link(&proof, "mail", Some(b"ann@second.example"), Fields::default());
    let begun = flow(run(begun).unwrap());
    let letter = &letters(&world)[0];
    assert_eq!(
        param(letter, "token"),
        None,
        "it links an address to whoever is signed in"
    );
    let answer = world.go_on(&begun, code(&param(letter, "code").unwrap()));
    let Outcome::Unregistered(claim) = answer.outcome else {
        panic!("{:?}", answer.outcome)
    };
    accepted(run(world.auth.link_claim(&proof, claim.token().expose())));
    letters(&world);
    let asked = flow(world.sign_in(EMAIL));
    let asked = flow(world.go_on(&asked, Fields::default()));
    let letter = &letters(&world)[0];
    assert_eq!(
        param(letter, "token"),
        None,
        "a second factor is proved where the first was"
    );
    let right = code(&param(letter, "code").unwrap());
    assert_eq!(accepted(Ok(world.go_on(&asked, right))).factors().len(), 2);
}

#[test]
fn nothing_of_a_link_stands_in_the_database_and_it_is_told() {
    let world = world("");
    let ann: UserId = sign_up(&world, EMAIL).user_id();
    let asked = ask(&world, EMAIL);
    world.events();
    accepted(Ok(confirm(&world.auth, &asked.link)));
    let events = world.events();
    let consumed = events.iter().find(|event| event.contains("token_consumed"));
    let consumed = consumed.unwrap_or_else(|| panic!("{events:?}"));
    assert!(consumed.contains("sign_in_link") && consumed.contains(&ann.to_string()));
    assert!(!world.database_has(&asked.link), "nowhere in the clear");
    assert!(!world.database_has(&asked.link[30..]), "nor its secret");
}
