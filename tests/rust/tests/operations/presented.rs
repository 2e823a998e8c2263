//! What a request presents goes one way through check, resume, step-up and sign-out.

use doorward::{Answer, Auth, Caller, ErrorKind, Outcome, Proof, SessionOptions, SignedOut};

use crate::context::{Browser, OTHER, PASSWORD, World, accepted, access, password, request, run};

const HOST: &str = "__Host-doorward";

fn sign_in(auth: &Auth, browser: &mut Browser, email: &str) {
    let on = auth.on(browser.request("POST"));
    let proof: Proof = accepted(run(on.authenticate(
        "email",
        Some(email.as_bytes()),
        password(PASSWORD),
    )));
    let answer = run(on.create_session(&proof, SessionOptions::default())).unwrap();
    browser.take(&answer);
    assert!(matches!(answer.outcome, Outcome::Accepted(_)));
}

fn bearer(session: &doorward::Session) -> String {
    format!("Bearer {}", String::from_utf8(access(session)).unwrap())
}

fn reason<T: std::fmt::Debug>(answer: &Answer<T>) -> &'static str {
    match &answer.outcome {
        Outcome::SignedOut(reason) => reason.id(),
        Outcome::RequestRefused(refused) => refused.reason,
        other => panic!("{other:?}"),
    }
}

fn cleared<T>(answer: &Answer<T>) -> usize {
    let cookies = answer.headers.cookies();
    cookies
        .filter(|cookie| cookie.max_age_seconds() == Some(0))
        .count()
}

fn resume(auth: &Auth, browser: &Browser) -> Answer<Caller> {
    run(auth.on(browser.request("GET")).resume_request()).unwrap()
}

fn is_signed_in(answer: &Answer<Caller>) -> bool {
    matches!(answer.outcome, Outcome::Accepted(Caller::Session(_)))
}

#[test]
fn a_sign_out_by_bearer_ends_it_and_needs_no_origin() {
    let world = World::new();
    let session = world.user("a@example.com");
    let on = world
        .auth
        .on(request("POST", &[("authorization", &bearer(&session))]));
    assert!(
        run(on.list_sessions(session.user().id)).is_ok(),
        "nor does anything else"
    );
    let out = run(on.end_session(None)).unwrap();
    assert_eq!((out.headers.len(), accepted(Ok(out))), (0, 1));
    assert!(!world.is_live(&access(&session)));
    assert_eq!(
        accepted(run(on.end_session(None))),
        0,
        "twice is fine, and says so"
    );
}

#[test]
fn beside_a_session_cookie_the_bearer_is_meant_and_the_origin_checked() {
    let world = World::new();
    let (one, other) = (world.user("a@example.com"), world.user("b@example.com"));
    let cookie = format!("{HOST}-access={}", String::from_utf8(access(&other)).unwrap());
    let both = [("authorization", &*bearer(&one)), ("cookie", &cookie)];
    let evil = world.auth.on(request("POST", &both));
    assert_eq!(reason(&run(evil.check_request()).unwrap()), "origin_absent");
    assert_eq!(reason(&run(evil.resume_request()).unwrap()), "origin_absent");
    assert_eq!(reason(&run(evil.end_session(None)).unwrap()), "origin_absent");
    assert!(world.is_live(&access(&one)) && world.is_live(&access(&other)));
    let ours = [both[0], both[1], ("origin", "https://app.example")];
    let out = run(world.auth.on(request("POST", &ours)).end_session(None)).unwrap();
    assert_eq!((cleared(&out), accepted(Ok(out))), (0, 1));
    assert!(!world.is_live(&access(&one)) && world.is_live(&access(&other)));
}

#[test]
fn a_cookie_that_came_twice_ends_nothing_and_says_so() {
    let world = World::new();
    let session = world.user("a@example.com");
    let token = String::from_utf8(access(&session)).unwrap();
    let cookies = format!("{HOST}-access={token}; {HOST}-access={token}");
    let on = world.auth.on(request(
        "POST",
        &[("cookie", &cookies), ("origin", "https://app.example")],
    ));
    assert_eq!(reason(&run(on.end_session(None)).unwrap()), "cookie_duplicate");
    assert!(world.is_live(&access(&session)));
}

#[test]
fn a_sign_out_of_nothing_at_all_is_the_programs_mistake() {
    let world = World::new();
    let error = run(world.auth.end_session(None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
    // A request without tokens, and garbage, are people's: fine, and nothing ended.
    let on = world.auth.on(Browser::default().request("POST"));
    assert_eq!(accepted(run(on.end_session(None))), 0);
    assert_eq!(accepted(run(world.auth.end_session(Some(b"garbage")))), 0);
}

#[test]
fn each_reason_says_whether_to_refresh_and_whether_to_clear() {
    use doorward::store::EndReason;
    for (reason, refresh, clear) in [
        (SignedOut::ExpiredRefreshable, true, false),
        (SignedOut::Expired, false, true),
        (SignedOut::Ended(EndReason::SignedOut), false, true),
        (SignedOut::Ended(EndReason::Ended), false, true),
        (SignedOut::Ended(EndReason::Replaced), false, false),
        (SignedOut::Ended(EndReason::Superseded), false, false),
        (SignedOut::Ended(EndReason::TokenReuse), false, false),
        (SignedOut::Ended(EndReason::CredentialsChanged), false, false),
        (SignedOut::Ended(EndReason::UserDisabled), false, false),
        (SignedOut::Invalid, false, false),
        (SignedOut::NoToken, false, false),
    ] {
        assert_eq!(
            (reason.may_refresh(), reason.may_clear()),
            (refresh, clear),
            "{reason:?}"
        );
    }
}

#[test]
fn cookies_of_a_sign_in_past_its_time_are_cleared_and_a_check_clears_none() {
    let world = World::new();
    world.sign_up("a@example.com");
    let mut browser = Browser::default();
    sign_in(&world.auth, &mut browser, "a@example.com");
    world.advance(8 * 3600 + 60);
    let checked = run(world.auth.on(browser.request("GET")).check_request()).unwrap();
    assert_eq!((reason(&checked), cleared(&checked)), ("expired_refreshable", 0));
    world.advance(15 * 86_400);
    let checked = run(world.auth.on(browser.request("GET")).check_request()).unwrap();
    assert_eq!((reason(&checked), cleared(&checked)), ("expired", 0));
    let resumed = resume(&world.auth, &browser);
    assert_eq!((reason(&resumed), cleared(&resumed)), ("expired", 2));
}

#[test]
fn a_late_answer_to_old_cookies_deletes_no_new_ones() {
    let world = World::new();
    world.sign_up("a@example.com");
    world.sign_up("b@example.com");
    let (mut old, mut browser) = (Browser::default(), Browser::default());
    let on = world.auth.on(browser.request("POST"));
    let proof: Proof = accepted(run(on.authenticate(
        "email",
        Some(b"a@example.com"),
        password(PASSWORD),
    )));
    let answer = run(on.create_session(&proof, SessionOptions::default())).unwrap();
    old.take(&answer);
    browser.take(&answer);
    sign_in(&world.auth, &mut browser, "b@example.com");
    let late = resume(&world.auth, &old);
    assert_eq!((reason(&late), cleared(&late)), ("replaced", 0));
    browser.take(&late);
    assert!(is_signed_in(&resume(&world.auth, &browser)));
    // What an operator or the person ended leaves.
    let user = run(world.auth.find_user("email", b"b@example.com"))
        .unwrap()
        .unwrap();
    assert_eq!(run(world.auth.end_all_sessions(user.id)).unwrap(), 1);
    let ended = resume(&world.auth, &browser);
    assert_eq!((reason(&ended), cleared(&ended)), ("ended", 2));
}

#[test]
fn every_401_says_how_to_authenticate() {
    let world = World::new();
    let session = world.user("a@example.com");
    let challenge = |answer: &Answer<Caller>| {
        let mut lines = answer.headers.iter();
        let line = lines.find(|(name, _)| *name == "WWW-Authenticate");
        assert_eq!(line.is_some(), answer.http_status() == 401, "{answer:?}");
        line.map(|(_, value)| value.to_owned())
    };
    let on = |headers: &[(&str, &str)]| run(world.auth.on(request("GET", headers)).check_request()).unwrap();
    let bearer = bearer(&session);
    assert_eq!(challenge(&on(&[])).unwrap(), "Bearer");
    assert_eq!(challenge(&on(&[("authorization", &bearer)])), None);
    assert_eq!(
        challenge(&on(&[("authorization", "Bearer xyz_1")])),
        None,
        "a 403"
    );
    world.advance(9 * 3600);
    let expired = challenge(&on(&[("authorization", &bearer)])).unwrap();
    assert_eq!(
        expired,
        "Bearer error=\"invalid_token\", error_description=\"expired_refreshable\""
    );
    let wrong = world.try_sign_in("a@example.com", OTHER);
    assert_eq!(wrong.http_status(), 401);
    assert_eq!(wrong.headers.iter().next(), Some(("WWW-Authenticate", "Bearer")));
}

#[test]
fn a_refresh_whose_cookies_are_lost_ends_the_sign_in_only_where_its_token_is_used() {
    for used in [true, false] {
        let world = World::new();
        world.sign_up("a@example.com");
        let mut browser = Browser::default();
        sign_in(&world.auth, &mut browser, "a@example.com");
        world.advance(8 * 3600 + 60);
        // A renderer refreshes, and its answer's lines never reach the browser.
        let mut renderer = Browser::default();
        renderer.take(&resume(&world.auth, &browser));
        if used {
            assert!(is_signed_in(
                &run(world.auth.on(renderer.request("GET")).check_request()).unwrap()
            ));
        }
        world.advance(31);
        let late = resume(&world.auth, &browser);
        if used {
            assert_eq!((reason(&late), cleared(&late)), ("token_reuse", 0));
        } else {
            assert!(is_signed_in(&late));
        }
    }
}

#[test]
fn the_obvious_middleware_signs_nobody_out() {
    let world = World::new();
    world.sign_up("a@example.com");
    world.sign_up("b@example.com");
    let mut browser = Browser::default();
    // Resume, then the page, then the lines of the handle, once.
    let serve = |browser: &mut Browser, page: &dyn Fn(&Auth)| {
        let on = world.auth.on(browser.request("POST"));
        let was = run(on.resume_request()).unwrap();
        page(&on);
        let headers = on.headers();
        browser.take(&Answer {
            headers,
            ..Answer::of(Outcome::Accepted(()))
        });
        was
    };
    let login = |who: &'static str| {
        move |on: &Auth| {
            let proof: Proof = accepted(run(on.authenticate(
                "email",
                Some(who.as_bytes()),
                password(PASSWORD),
            )));
            let _session = accepted(run(on.create_session(&proof, SessionOptions::default())));
        }
    };
    let _first = serve(&mut browser, &login("a@example.com"));
    world.advance(9 * 3600);
    // The access token is refreshed on the way to the sign-in of somebody else.
    assert!(is_signed_in(&serve(&mut browser, &login("b@example.com"))));
    let now = serve(&mut browser, &|_| {});
    let Outcome::Accepted(Caller::Session(session)) = now.outcome else {
        panic!("{now:?}")
    };
    let b = run(world.auth.find_user("email", b"b@example.com"))
        .unwrap()
        .unwrap();
    assert_eq!(session.user().id, b.id);
    // And on the way to a sign-out.
    world.advance(9 * 3600);
    let _out = serve(&mut browser, &|on| {
        assert_eq!(accepted(run(on.end_session(None))), 1);
    });
    assert!(browser.value("access").is_none() && browser.value("refresh").is_none());
    // One line a name; a handle without a request has none.
    let on = world.auth.on(browser.request("POST"));
    login("a@example.com")(&on);
    let names: Vec<String> = on
        .headers()
        .cookies()
        .map(|cookie| cookie.name().to_owned())
        .collect();
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(names.len(), distinct.len(), "{names:?}");
    assert!(world.auth.headers().is_empty());
}

/// Planted: a middleware that sends its own lines last, as if the handle remembered nothing.
#[test]
fn lines_sent_in_another_order_than_the_decisions_sign_somebody_out() {
    let world = World::new();
    world.sign_up("a@example.com");
    world.sign_up("b@example.com");
    let mut browser = Browser::default();
    sign_in(&world.auth, &mut browser, "a@example.com");
    world.advance(9 * 3600);
    let was = resume(&world.auth, &browser);
    sign_in(&world.auth, &mut browser, "b@example.com");
    browser.take(&was);
    assert_eq!(reason(&resume(&world.auth, &browser)), "replaced");
}

#[test]
fn attributes_that_nest_too_deep_are_told_so() {
    let world = World::new();
    let session = world.user("a@example.com");
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(
        run(world
            .auth
            .update_attributes(session.user().id, &nested(100), None))
        .is_ok()
    );
    let error = run(world
        .auth
        .update_attributes(session.user().id, &nested(128), None))
    .unwrap_err();
    assert!(
        error.message().contains("nest at most 127 deep"),
        "{}",
        error.message()
    );
}
