//! Limits, and requests that are none.

use serde_json::json;

use crate::site::{ADA, Site, is_problem, json_of};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[test]
fn limits_are_told_by_their_status() {
    let site = Site::with("http.max_body = 1024\n");
    assert_eq!(site.auth.http_wants(b"POST", b"/auth/sign-in"), Some(1024));
    assert_eq!(
        site.auth.http_wants(b"POST", b"/auth/callback/issuer"),
        Some(16384)
    );
    assert_eq!(site.auth.http_wants(b"GET", b"/auth/session"), Some(0));
    let mut ada = site.browser();
    let body = |length: usize| {
        let empty = json!({"provider": "email", "identifier": ""}).to_string().len();
        json!({"provider": "email", "identifier": "a".repeat(length - empty)}).to_string()
    };
    let fits = ada
        .raw("POST", "/auth/sign-in", &JSON, body(1024).as_bytes())
        .unwrap();
    assert_ne!(fits.status, 413);
    let longer = ada
        .raw("POST", "/auth/sign-in", &JSON, body(1025).as_bytes())
        .unwrap();
    is_problem(&longer, 413, "too_large");

    let target = |length: usize| format!("/auth/session?{}", "a".repeat(length - "/auth/session?".len()));
    assert_eq!(ada.raw("GET", &target(2048), &[], b"").unwrap().status, 200);
    is_problem(
        &ada.raw("GET", &target(2049), &[], b"").unwrap(),
        414,
        "uri_too_long",
    );

    let lines = |count: usize| vec![("x-line", "a"); count - ada.headers.len()];
    let (fits, more) = (lines(64), lines(65));
    assert_eq!(ada.raw("GET", "/auth/session", &fits, b"").unwrap().status, 200);
    is_problem(
        &ada.raw("GET", "/auth/session", &more, b"").unwrap(),
        431,
        "headers_too_large",
    );
}

#[test]
fn what_is_wrong_in_a_body_is_named() {
    let site = Site::new();
    let mut ada = site.browser();
    for (body, field) in [
        (r#"{"provider":"nobody","identifier":"a","fields":{}}"#, None),
        (r#"{"provider":"email","pasword":"x"}"#, Some("pasword")),
        (
            r#"{"provider":"email","fields":{"password":["x"]}}"#,
            Some("fields"),
        ),
        (r#"{"provider":"email","provider":"email"}"#, None),
        ("{}", Some("provider")),
        ("", Some("provider")),
        ("null", None),
        ("{\"provider\":\"\u{0}\"}", None),
    ] {
        let answer = ada.raw("POST", "/auth/sign-in", &JSON, body.as_bytes()).unwrap();
        is_problem(&answer, 400, "invalid_argument");
        assert_eq!(
            json_of(&answer).get("field").and_then(|field| field.as_str()),
            field,
            "{body}"
        );
    }
    let answer = ada
        .raw("POST", "/auth/sign-in", &JSON, b"{\"provider\":\"\xff\"}")
        .unwrap();
    is_problem(&answer, 400, "invalid_argument");
}

#[test]
fn a_call_without_a_request_or_a_target_is_the_programs_mistake() {
    let site = Site::new();
    let error = doorward::block_on(site.auth.http_handle(b"")).unwrap_err();
    assert!(error.message().contains("auth.on(request)"), "{error}");
    let on = site.auth.on(doorward::Request::new("GET", [("", ""); 0], None));
    let error = doorward::block_on(on.http_handle(b"")).unwrap_err();
    assert!(error.message().contains("target"), "{error}");
    let config =
        doorward::Config::from_toml("database = 'memory:'\nprovider.email.kind = 'password'\n").unwrap();
    let cold = doorward::Auth::open(&config).unwrap();
    let on = cold.on(doorward::Request::new("GET", [("", ""); 0], None).with_target("/auth/session"));
    assert_eq!(
        doorward::block_on(on.http_handle(b"")).unwrap_err().kind(),
        doorward::ErrorKind::InvalidState
    );
}

#[test]
fn too_many_guesses_are_told_when_to_come_back() {
    let site = Site::new();
    site.ada();
    let mut eve = site.browser();
    let answer = loop {
        let answer = eve.sign_in("guess");
        if answer.status != 401 {
            break answer;
        }
    };
    is_problem(&answer, 429, "throttled");
    let after = crate::site::header(&answer, "Retry-After").unwrap();
    assert_eq!(json_of(&answer)["retry_after"].to_string(), after);
}

#[test]
fn a_setting_that_cannot_be_is_named() {
    for (line, key) in [
        ("http.prefix = 'auth'", "http.prefix"),
        ("http.prefix = '/'", "http.prefix"),
        ("http.prefix = '/a/'", "http.prefix"),
        ("http.prefix = '/a/../b'", "http.prefix"),
        ("http.pages.home = '//evil.example'", "http.pages.home"),
        ("http.pages.home = \"/a\\r\\nSet-Cookie: a=b\"", "http.pages.home"),
        ("http.pages.sign_in = 'javascript://x'", "http.pages.sign_in"),
        ("http.return_to = ['evil']", "http.return_to"),
        ("http.max_body = 10", "http.max_body"),
    ] {
        let text = format!("database = 'memory:'\nprovider.email.kind = 'password'\n{line}\n");
        let error = doorward::Config::from_toml(&text)
            .and_then(|config| doorward::Auth::open(&config))
            .unwrap_err();
        assert!(error.message().contains(key), "{line}: {error}");
    }
    assert!(ADA.contains('@'));
}
