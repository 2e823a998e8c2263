//! Apps under attack: what a browser sends is no app's, what an app is answered is no cookie, and what came twice is nobody's.

use std::time::Duration;

use doorward::{
    Answer, Auth, Caller, NewUserOptions, Outcome, Proof, RequestRefused, Session, SessionOptions,
    Settlement, TokenPurpose,
};

use crate::context::{
    Browser, OTHER, PASSWORD, World, accepted, access, claims, password, request, run, steps,
};

const ANN: &str = "ann@example.com";
const APP: (&str, &str) = ("doorward-client", "app");

fn app(world: &World, more: &[(&str, &str)]) -> Auth {
    let mut headers = vec![APP];
    headers.extend_from_slice(more);
    world.auth.on(request("POST", &headers))
}

fn line<T>(answer: &Answer<T>, name: &str) -> Option<String> {
    let mut lines = answer.headers.iter();
    lines
        .find(|(line, _)| *line == name)
        .map(|(_, value)| value.to_owned())
}

fn sign_in(on: &Auth, with: &str) -> Answer<Proof> {
    run(on.authenticate("email", Some(ANN.as_bytes()), password(with))).unwrap()
}

fn bearer(session: &Session) -> String {
    format!("Bearer {}", String::from_utf8(access(session)).unwrap())
}

fn mailed(world: &World) -> Vec<u8> {
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for one in &taken {
        let settled = world
            .auth
            .settle_delivery(one.id, one.attempts, Settlement::Delivered);
        assert!(run(settled).unwrap());
    }
    let link = taken.iter().rev().find_map(|one| one.params.named("token"));
    link.unwrap().expose().to_vec()
}

/// Everything that sets or clears a cookie for a browser.
#[test]
fn no_answer_to_an_app_has_a_cookie() {
    let world = World::with(&claims());
    let told = |on: &Auth, what: &str, cookies: usize| {
        assert_eq!(cookies, 0, "{what}");
        let of_request = on.headers();
        assert_eq!(of_request.cookies().count(), 0, "{what}, of the request");
        assert!(of_request.iter().all(|(name, _)| name != "Set-Cookie"), "{what}");
    };
    let on = app(&world, &[]);
    let created = run(on.create_user(
        "email",
        ANN.as_bytes(),
        password(PASSWORD),
        NewUserOptions::default(),
    ));
    let created = created.unwrap();
    told(&on, "create_user", created.headers.cookies().count());
    let made = run(on.create_session(&accepted(Ok(created)), SessionOptions::default())).unwrap();
    told(&on, "create_session", made.headers.cookies().count());
    let session = accepted(Ok(made));
    let authorized = bearer(&session);
    let with = || app(&world, &[("authorization", &authorized)]);
    let on = with();
    let checked = run(on.check_request()).unwrap();
    told(&on, "check_request", checked.headers.cookies().count());
    assert!(
        matches!(checked.outcome, Outcome::Accepted(Caller::Session(_))),
        "{checked:?}"
    );
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let on = with();
    let changed = run(on.update_credentials(&proof, "email", password(OTHER))).unwrap();
    told(&on, "update_credentials", changed.headers.cookies().count());
    assert!(
        line(&changed, "Doorward-Device").is_some(),
        "{:?}",
        changed.headers
    );
    let on = app(&world, &[]);
    accepted(run(on.request_token(
        TokenPurpose::Recovery,
        "email",
        ANN.as_bytes(),
        None,
    )));
    let token = mailed(&world);
    let recovered = run(on.update_credentials_with_token(&token, "email", password(PASSWORD))).unwrap();
    told(
        &on,
        "update_credentials_with_token",
        recovered.headers.cookies().count(),
    );
    assert!(
        line(&recovered, "Doorward-Device").is_some(),
        "{:?}",
        recovered.headers
    );
    // The session is over: a browser's cookies would be cleared now.
    for what in ["resume_request", "check_request"] {
        let on = with();
        let answer = if what == "resume_request" {
            run(on.resume_request())
        } else {
            run(on.check_request())
        };
        let answer = answer.unwrap();
        let (cookies, outcome) = (answer.headers.cookies().count(), answer.outcome.id());
        told(&on, what, cookies);
        assert_eq!(outcome, "signed_out", "{what}");
    }
    let on = app(&world, &[]);
    let session = accepted(run(
        on.create_session(&accepted(Ok(sign_in(&on, PASSWORD))), SessionOptions::default())
    ));
    let authorized = bearer(&session);
    let on = app(&world, &[("authorization", &authorized)]);
    let ended = run(on.end_session(None)).unwrap();
    told(&on, "end_session", ended.headers.cookies().count());
    assert_eq!(accepted(Ok(ended)), 1);
    assert!(!world.is_live(&access(&session)));
    // By a token in hand, which is no bearer token: a browser would be told to forget its cookies.
    let on = app(&world, &[]);
    let proof = accepted(Ok(sign_in(&on, PASSWORD)));
    let session = accepted(run(on.create_session(&proof, SessionOptions::default())));
    let on = app(&world, &[]);
    let ended = run(on.end_session(Some(&access(&session)))).unwrap();
    told(&on, "end_session of a token", ended.headers.cookies().count());
    assert_eq!(accepted(Ok(ended)), 1);
}

/// A page of another origin makes its visitor's browser send what it likes: never without an origin or what a browser says
/// of where a request comes from.
#[test]
fn a_page_that_says_it_is_an_app_is_a_page() {
    let world = World::with(&steps());
    world.sign_up(ANN);
    let on = app(&world, &[]);
    let mine = accepted(run(
        on.create_session(&accepted(Ok(sign_in(&on, PASSWORD))), SessionOptions::default())
    ));
    let bearer = bearer(&mine);
    let cookie = format!("__Host-doorward-access={}", &bearer["Bearer ".len()..]);
    let pages: [&[(&str, &str)]; 7] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("cookie", "")],
        &[("cookie", &cookie)],
    ];
    for page in pages {
        let on = app(&world, page);
        let refused = sign_in(&on, PASSWORD);
        assert!(
            matches!(refused.outcome, Outcome::RequestRefused(RequestRefused { .. })),
            "{page:?}: {refused:?}"
        );
        assert_eq!(
            on.headers().iter().count(),
            0,
            "{page:?}: no cookie and no binding"
        );
        // What the attacker's own app was given binds nobody's browser.
        let planted = [
            page,
            &[("doorward-flow", "AAAA"), ("doorward-device", "AAAA")][..],
        ]
        .concat();
        assert!(
            matches!(
                sign_in(&app(&world, &planted), PASSWORD).outcome,
                Outcome::RequestRefused(_)
            ),
            "{page:?}"
        );
    }
    // Bearer and a session cookie: the bearer is meant, and the origin is checked, app or not.
    let both = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
    assert!(matches!(
        run(app(&world, &both).end_session(None)).unwrap().outcome,
        Outcome::RequestRefused(_)
    ));
    let foreign = [both[0], both[1], ("origin", "https://evil.example")];
    assert!(matches!(
        run(app(&world, &foreign).end_session(None)).unwrap().outcome,
        Outcome::RequestRefused(_)
    ));
    assert!(world.is_live(&access(&mine)), "nothing has ended");
    // Said twice, or with anything else, it is not said.
    for client in ["app, app", "app ", "APP", "web", ""] {
        let on = world.auth.on(request("POST", &[("doorward-client", client)]));
        let taken = !matches!(sign_in(&on, PASSWORD).outcome, Outcome::RequestRefused(_));
        assert_eq!(taken, client.trim() == "app", "{client:?}");
    }
}

/// The binding of a flow and the mark of a known device are the app's where it is one, and the browser's cookies elsewhere.
#[test]
fn bindings_that_came_twice_or_of_the_other_sort_bind_nothing() {
    let world = World::with(&format!("{}policy.second_factor = ['badge']\n", steps()));
    let ann = world.sign_up_proved(ANN);
    let badge = || doorward::Fields::from([("number", "17")]);
    accepted(run(world.auth.update_credentials(&ann, "badge", badge())));
    let begin = |on: &Auth| {
        let begun = sign_in(on, PASSWORD);
        let binding = line(&begun, "Doorward-Flow");
        match begun.outcome {
            Outcome::Continue(flow) => (flow.token().expose().to_vec(), binding),
            other => panic!("{other:?}"),
        }
    };
    let go_on = |on: &Auth, flow: &[u8]| run(on.continue_flow(flow, None, badge())).unwrap().outcome.id();
    let (flow, binding) = begin(&app(&world, &[]));
    let binding = binding.unwrap();
    let bound = ("doorward-flow", binding.as_str());
    assert_eq!(go_on(&app(&world, &[bound]), &flow), "accepted");
    let (flow, binding) = begin(&app(&world, &[]));
    let binding = binding.unwrap();
    let bound = ("doorward-flow", binding.as_str());
    assert_eq!(go_on(&app(&world, &[bound, bound]), &flow), "refused", "twice");
    // A browser sends the app's header, and an app what would be a browser's cookie.
    let (flow, binding) = begin(&app(&world, &[]));
    let binding = binding.unwrap();
    let of_page = request(
        "POST",
        &[("origin", "https://app.example"), ("doorward-flow", &binding)],
    );
    assert_eq!(go_on(&world.auth.on(of_page), &flow), "refused");
    let mut browser = Browser::default();
    let asked = sign_in(&world.auth.on(browser.request("POST")), PASSWORD);
    browser.take(&asked);
    let Outcome::Continue(flow) = asked.outcome else {
        panic!("a badge is asked for")
    };
    let value = browser.value("-flow").unwrap();
    let (cookie, flow) = (("doorward-flow", value.as_str()), flow.token().expose().to_vec());
    // It is the same secret, so whoever holds it is the same client; without it nobody is.
    assert_eq!(go_on(&app(&world, &[]), &flow), "refused");
    let asked = sign_in(&world.auth.on(browser.request("POST")), PASSWORD);
    let Outcome::Continue(flow) = asked.outcome else {
        panic!("a badge is asked for")
    };
    assert_eq!(
        go_on(&app(&world, &[cookie, cookie]), flow.token().expose()),
        "refused"
    );
}
