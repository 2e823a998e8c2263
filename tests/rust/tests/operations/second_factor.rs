//! Second factors: asked of who has one, demanded of everyone where required, never two of one class.

use std::path::PathBuf;

use doorward::{
    Answer, ErrorKind, Fields, FlowHandle, MethodAction, NewUserOptions, Outcome, Proof, SessionOptions,
};
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

use crate::context::{Browser, PASSWORD, World, accepted, access, password, run};

/// The plugin as cargo built it beside the test programs.
fn totp() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let built = program.ancestors().nth(2).unwrap().join("libdoorward_totp.so");
    assert!(
        built.exists(),
        "build the workspace first: cargo build --workspace ({})",
        built.display()
    );
    built
}

pub(crate) fn world(require: bool) -> World {
    World::with(&format!(
        "plugin.totp.path = '{}'\nprovider.totp.kind = 'totp'\n\
         policy.second_factor = ['totp']\npolicy.require = {require}\n",
        totp().display()
    ))
}

/// An authenticator app.
pub(crate) struct App(Vec<u8>);

impl App {
    /// Scans the secret that a flow shows.
    fn scan(flow: &FlowHandle) -> Self {
        let shown = flow.next()[0]
            .challenge
            .named("secret")
            .unwrap()
            .expose()
            .to_vec();
        let mut bits = 0_u64;
        let mut held = 0;
        let mut secret = Vec::new();
        for symbol in shown {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
                .iter()
                .position(|&s| s == symbol)
                .unwrap();
            bits = bits << 5 | value as u64;
            held += 5;
            if held >= 8 {
                held -= 8;
                secret.push(u8::try_from(bits >> held & 0xff).unwrap());
            }
        }
        Self(secret)
    }

    pub(crate) fn code(&self, world: &World) -> Fields {
        use doorward::clock::Clock as _;
        let step = u64::try_from(world.clock.now().as_seconds() / PERIOD_SECONDS).unwrap();
        Fields::from([(
            "code",
            format!("{:06}", code_at(Algorithm::Sha1, &self.0, step, 6)),
        )])
    }
}

fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    }
}

fn go_on(world: &World, flow: &FlowHandle, provider: Option<&str>, with: Fields) -> Answer<Proof> {
    run(world.auth.continue_flow(flow.token().expose(), provider, with)).unwrap()
}

/// Enrolls TOTP for a user with a session; gives the app and the renewed proof.
pub(crate) fn enroll(world: &World, proof: &Proof) -> (App, Proof) {
    let begun = flow(run(world.auth.begin_enrollment("totp", None, Some(proof))).unwrap());
    assert!(begun.next()[0].challenge.named("uri").is_some());
    let app = App::scan(&begun);
    let renewed = accepted(Ok(go_on(world, &begun, None, app.code(world))));
    (app, renewed)
}

#[test]
fn is_asked_of_those_who_have_one() {
    let world = world(false);
    let session = world.proved_user("a@example.com");
    let elsewhere = world.session(&accepted(Ok(world.try_sign_in("a@example.com", PASSWORD))));
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let (app, _) = enroll(&world, &proof);
    assert!(
        world.is_live(&access(&session)),
        "the session that enrolled stays"
    );
    assert!(
        !world.is_live(&access(&elsewhere)),
        "adding a factor ends the others"
    );
    world.advance(60);
    let asked = flow(world.try_sign_in("a@example.com", PASSWORD));
    assert_eq!(
        (asked.next()[0].provider.as_str(), asked.next()[0].action),
        ("totp", MethodAction::Verify)
    );
    let code = app.code(&world);
    let both = accepted(Ok(go_on(&world, &asked, None, code.clone())));
    assert_eq!(both.factors().len(), 2);
    assert!(world.is_live(&access(&world.session(&both))));
    // The same code again, in a new flow: it was used.
    let again = flow(world.try_sign_in("a@example.com", PASSWORD));
    assert!(matches!(
        go_on(&world, &again, None, code).outcome,
        Outcome::Refused(_)
    ));
}

#[test]
fn a_flow_takes_five_wrong_answers_and_each_token_once() {
    let world = world(false);
    let session = world.proved_user("a@example.com");
    let (app, _) = enroll(&world, &run(world.auth.session_proof(&session)).unwrap());
    world.advance(60);
    let wrong = || Fields::from([("code", "000000")]);
    let first = flow(world.try_sign_in("a@example.com", PASSWORD));
    let Outcome::Refused(Some(second)) = go_on(&world, &first, None, wrong()).outcome else {
        panic!("try again")
    };
    assert!(
        matches!(
            go_on(&world, &first, None, app.code(&world)).outcome,
            Outcome::Refused(None)
        ),
        "spent"
    );
    let mut held = second;
    for left in (0..4).rev() {
        match go_on(&world, &held, None, wrong()).outcome {
            Outcome::Refused(Some(next)) if left > 0 => held = next,
            Outcome::Refused(None) => assert_eq!(left, 0),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        go_on(&world, &held, None, app.code(&world)).outcome,
        Outcome::Refused(None)
    ));
}

#[test]
fn where_required_everyone_is_led_to_enroll_at_sign_up_too() {
    let world = world(true);
    let create = world.auth.create_user(
        "email",
        b"a@example.com",
        password(PASSWORD),
        NewUserOptions::default(),
    );
    let led = flow(run(create).unwrap());
    assert_eq!(led.next()[0].action, MethodAction::Enroll);
    // Whoever stops here has no proof, and is led to the same place at the next sign-in.
    let led = flow(world.try_sign_in("a@example.com", PASSWORD));
    let shown = flow(go_on(&world, &led, Some("totp"), Fields::default()));
    let app = App::scan(&shown);
    let proof = accepted(Ok(go_on(&world, &shown, None, app.code(&world))));
    world.session(&proof);
}

#[test]
fn an_enrollment_ends_with_the_session_that_began_it() {
    let world = world(false);
    let session = world.proved_user("a@example.com");
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let begun = flow(run(world.auth.begin_enrollment("totp", None, Some(&proof))).unwrap());
    let app = App::scan(&begun);
    accepted(run(world.auth.end_session(Some(&access(&session)))));
    let answer = go_on(&world, &begun, None, app.code(&world));
    assert!(matches!(answer.outcome, Outcome::Refused(None)), "{answer:?}");
    accepted(Ok(world.try_sign_in("a@example.com", PASSWORD)));
}

#[test]
fn a_second_factor_alone_starts_nothing() {
    let world = world(false);
    let session = world.proved_user("a@example.com");
    let (app, _) = enroll(&world, &run(world.auth.session_proof(&session)).unwrap());
    world.advance(60);
    let code = app.code(&world);
    let answer = run(world.auth.authenticate("totp", None, code)).unwrap();
    assert!(matches!(answer.outcome, Outcome::Refused(None)));
}

#[test]
fn a_live_session_is_stepped_up_by_a_second_factor() {
    let world = world(false);
    world.sign_up_proved("a@example.com");
    let mut browser = Browser::default();
    let on = world.auth.on(browser.request("POST"));
    let proof = accepted(run(on.authenticate(
        "email",
        Some(b"a@example.com"),
        password(PASSWORD),
    )));
    browser.take(&run(on.create_session(&proof, SessionOptions::default())).unwrap());
    let checked = run(world.auth.on(browser.request("GET")).check_request()).unwrap();
    let Outcome::Accepted(doorward::Caller::Session(session)) = checked.outcome else {
        panic!()
    };
    let (app, _) = enroll(&world, &run(world.auth.session_proof(&session)).unwrap());
    world.advance(900);
    let stale = run(world.auth.session_proof(&session)).unwrap();
    let error = run(world.auth.begin_enrollment("totp", None, Some(&stale))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProofRequired);
    let on = world.auth.on(browser.request("POST"));
    let proof = accepted(run(on.authenticate("totp", None, app.code(&world))));
    let alone = run(world.auth.create_session(&proof, SessionOptions::default())).unwrap_err();
    assert_eq!(
        alone.kind(),
        ErrorKind::ProofRequired,
        "only on that session's request"
    );
    let answer = run(on.create_session(&proof, SessionOptions::default())).unwrap();
    browser.take(&answer);
    let stepped = answer.require().unwrap();
    assert_eq!(stepped.factors().len(), 2);
    assert_ne!(stepped.id(), session.id());
}
