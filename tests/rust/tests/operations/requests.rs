//! Requests: origins, cookies, refresh on the way, bearer tokens, flows bound to the browser.

use doorward::{Answer, Auth, Caller, Outcome, Proof, SessionOptions, SignedOut, UserFilter};

use crate::context::{Browser, OTHER, PASSWORD, World, accepted, access, password, request, run};

/// Signs in on the browser's request and takes the cookies.
fn sign_in(auth: &Auth, browser: &mut Browser, email: &str) {
    let on = auth.on(browser.request("POST"));
    let proof = on.authenticate("email", Some(email.as_bytes()), password(PASSWORD));
    let proof: Proof = accepted(run(proof));
    let answer = run(on.create_session(&proof, SessionOptions::default())).unwrap();
    browser.take(&answer);
    assert!(matches!(answer.outcome, Outcome::Accepted(_)));
}

fn check(auth: &Auth, browser: &Browser) -> Answer<Caller> {
    run(auth.on(browser.request("GET")).check_request()).unwrap()
}

fn is_signed_in(answer: &Answer<Caller>) -> bool {
    matches!(answer.outcome, Outcome::Accepted(Caller::Session(_)))
}

#[test]
fn a_browser_stays_signed_in_past_its_access_token() {
    let world = World::new();
    world.sign_up("a@example.com");
    let mut browser = Browser::default();
    sign_in(&world.auth, &mut browser, "a@example.com");
    assert!(is_signed_in(&check(&world.auth, &browser)));
    world.advance(9 * 3600);
    let expired = check(&world.auth, &browser);
    assert!(matches!(
        expired.outcome,
        Outcome::SignedOut(SignedOut::ExpiredRefreshable)
    ));
    assert_eq!(
        expired.headers.cookies().count(),
        0,
        "a check never clears cookies"
    );
    let resumed = run(world.auth.on(browser.request("GET")).resume_request()).unwrap();
    assert!(is_signed_in(&resumed));
    browser.take(&resumed);
    assert!(is_signed_in(&check(&world.auth, &browser)));
    let out = run(world.auth.on(browser.request("POST")).end_session(None)).unwrap();
    browser.take(&out);
    assert!(browser.value("access").is_none() && browser.value("refresh").is_none());
    assert!(matches!(
        check(&world.auth, &browser).outcome,
        Outcome::SignedOut(SignedOut::NoToken)
    ));
}

#[test]
fn a_foreign_page_can_do_nothing() {
    let world = World::new();
    let session = world.user("a@example.com");
    let cookie = format!(
        "__Host-doorward-access={}",
        String::from_utf8(access(&session)).unwrap()
    );
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[],
    ] {
        let mut headers = headers.to_vec();
        headers.push(("cookie", &cookie));
        let on = world.auth.on(request("POST", &headers));
        let checked = run(on.check_request()).unwrap();
        assert!(
            matches!(checked.outcome, Outcome::RequestRefused(_)),
            "{headers:?}"
        );
        let tried = run(on.authenticate("email", Some(b"a@example.com"), password(PASSWORD))).unwrap();
        let Outcome::RequestRefused(refused) = tried.outcome else {
            panic!("{headers:?}")
        };
        assert!(refused.setting.starts_with("origins."));
        assert!(matches!(
            run(on.end_session(None)).unwrap().outcome,
            Outcome::RequestRefused(_)
        ));
    }
    assert!(world.is_live(&access(&session)));
}

#[test]
fn a_foreign_page_writes_reads_and_ends_nothing_by_any_operation() {
    let world = World::new();
    let session = world.user("a@example.com");
    let user = session.user().id;
    let evil = world
        .auth
        .on(request("POST", &[("origin", "https://evil.example")]));
    let refused = |error: doorward::Error| error.kind() == doorward::ErrorKind::RequestRefused;
    let patch = r#"{"role":"admin"}"#;
    assert!(run(evil.update_session_attributes(&session, patch)).is_err_and(refused));
    assert!(run(evil.update_attributes(user, patch, None)).is_err_and(refused));
    assert!(run(evil.list_sessions(user)).is_err_and(refused));
    assert!(run(evil.session_proof(&session)).is_err_and(refused));
    assert!(run(evil.get_user(user)).is_err_and(refused));
    assert!(run(evil.list_users(None, 10, &UserFilter::default())).is_err_and(refused));
    assert!(run(evil.end_all_sessions(user)).is_err_and(refused));
    assert!(run(evil.take_deliveries(1, std::time::Duration::from_mins(1))).is_err_and(refused));
    let validated = run(evil.validate_session(&access(&session))).unwrap();
    assert!(matches!(validated.outcome, Outcome::RequestRefused(_)));
    let peeked = run(evil.peek_token(b"dwt_x")).unwrap();
    assert!(matches!(peeked.outcome, Outcome::RequestRefused(_)));
    // The same on a page of ours.
    let ours = world
        .auth
        .on(request("POST", &[("origin", "https://app.example")]));
    assert_eq!(
        run(ours.update_session_attributes(&session, patch)).unwrap(),
        patch
    );
    assert_eq!(run(world.auth.get_user(user)).unwrap().attributes, "{}");
}

#[test]
fn a_bearer_token_needs_no_origin_and_stands_alone() {
    let world = World::new();
    let session = world.user("a@example.com");
    let bearer = format!("Bearer {}", String::from_utf8(access(&session)).unwrap());
    let checked = run(world
        .auth
        .on(request("POST", &[("authorization", &bearer)]))
        .check_request())
    .unwrap();
    assert!(is_signed_in(&checked));
    let refused = run(world
        .auth
        .on(request("GET", &[("authorization", "Bearer xyz_1")]))
        .check_request())
    .unwrap();
    assert!(matches!(refused.outcome, Outcome::RequestRefused(_)));
}

#[test]
fn two_session_cookies_of_one_name_are_refused() {
    let world = World::new();
    let session = world.user("a@example.com");
    let token = String::from_utf8(access(&session)).unwrap();
    let cookies = format!("__Host-doorward-access={token}; __Host-doorward-access={token}");
    let on = world.auth.on(request("GET", &[("cookie", &cookies)]));
    assert!(matches!(
        run(on.check_request()).unwrap().outcome,
        Outcome::RequestRefused(_)
    ));
}

#[test]
fn another_users_sign_in_on_the_same_browser_ends() {
    let world = World::new();
    world.sign_up("a@example.com");
    world.sign_up("b@example.com");
    let mut browser = Browser::default();
    sign_in(&world.auth, &mut browser, "a@example.com");
    let first = browser.value("access").unwrap();
    sign_in(&world.auth, &mut browser, "b@example.com");
    assert!(!world.is_live(first.as_bytes()));
    let events = world.events();
    assert!(
        events
            .iter()
            .any(|event| event.contains("session_ended") && event.contains("replaced")),
        "{events:?}"
    );
    // The same user's is stepped up instead: it ends when the new one is first used.
    let second = browser.value("access").unwrap();
    sign_in(&world.auth, &mut browser, "b@example.com");
    assert!(
        world
            .events()
            .iter()
            .any(|event| event.contains("session_stepped_up"))
    );
    assert!(world.is_live(second.as_bytes()), "not before");
    assert!(is_signed_in(&check(&world.auth, &browser)));
    assert!(!world.is_live(second.as_bytes()));
}

#[test]
fn an_attacker_cannot_shut_a_known_browser_out() {
    let world = World::with("throttle.id.free = 3\nthrottle.in.free = 1000\n");
    world.sign_up("a@example.com");
    let mut owner = Browser::default();
    sign_in(&world.auth, &mut owner, "a@example.com");
    owner.forget("access");
    owner.forget("refresh");
    let attempt = |on: &Auth, with: &str| {
        run(on.authenticate("email", Some(b"a@example.com"), password(with)))
            .unwrap()
            .outcome
    };
    let attacker = world.auth.on(Browser::default().request("POST"));
    while !matches!(attempt(&attacker, OTHER), Outcome::Throttled(_)) {}
    let stranger = world.auth.on(Browser::default().request("POST"));
    assert!(
        matches!(attempt(&stranger, PASSWORD), Outcome::Throttled(_)),
        "an unknown browser waits"
    );
    let known = world.auth.on(owner.request("POST"));
    assert!(
        matches!(attempt(&known, PASSWORD), Outcome::Accepted(_)),
        "a known one does not"
    );
}
