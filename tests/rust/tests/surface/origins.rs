//! Origins: no page but a trusted one causes anything, whoever is signed in in the browser.

use serde_json::json;

use crate::document::{Document, filled};
use crate::site::{PAGE, Site, header, is_problem, json_of, text};

#[test]
fn every_unsafe_endpoint_refuses_a_foreign_page() {
    let site = Site::with("http.user_delete = true\nhttp.user_export = true\n");
    let document = Document::of(&doorward::http::openapi("/auth"));
    let mut checked = 0;
    for (method, path) in document.endpoints() {
        if method == "GET" || path == "/callback/{provider}" {
            continue;
        }
        let body = document.body_for(&method, &path).unwrap_or(json!({})).to_string();
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("x", "y"),
        ] {
            let mut ada = site.ada_again();
            ada.headers.retain(|(known, _)| known != "origin");
            let mut ada = ada.with(name, value);
            let json = [("content-type", "application/json")];
            let answer = ada.raw(&method, &filled(&path), &json, body.as_bytes()).unwrap();
            is_problem(&answer, 403, "request_refused");
            let body = json_of(&answer);
            assert!(
                body["reason"].is_string() && body["setting"].is_string(),
                "{path}"
            );
            checked += 1;
        }
        // A bearer token that comes along changes nothing for cookies.
        let mut ada = site
            .ada_again()
            .with("origin", "https://evil.example")
            .with("authorization", "Bearer dwa_x");
        let json = [("content-type", "application/json")];
        let answer = ada.raw(&method, &filled(&path), &json, body.as_bytes()).unwrap();
        is_problem(&answer, 403, "request_refused");
    }
    assert!(checked > 100, "{checked}");
}

impl Site {
    /// Ada's browser, whether or not she was here before.
    fn ada_again(&self) -> crate::site::Client<'_> {
        let mut ada = self.browser();
        if ada.sign_in(crate::site::PASSWORD).status == 200 {
            ada
        } else {
            self.ada()
        }
    }
}

/// What a page of another origin can send without asking: forms and plain text (Fetch standard, CORS-safelisted).
#[test]
fn plain_text_is_never_read() {
    let site = Site::new();
    let body = br#"{"provider":"email","identifier":"ada@example.com"}"#;
    for media in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json, text/plain",
        "",
    ] {
        let answer = site
            .browser()
            .raw("POST", "/auth/sign-in", &[("content-type", media)], body)
            .unwrap();
        is_problem(&answer, 415, "unsupported_media_type");
    }
    let answer = site.browser().raw("POST", "/auth/sign-in", &[], body).unwrap();
    is_problem(&answer, 415, "unsupported_media_type");
    let twice = [
        ("content-type", "application/json"),
        ("content-type", "application/json"),
    ];
    let answer = site.browser().raw("POST", "/auth/sign-in", &twice, body).unwrap();
    is_problem(&answer, 415, "unsupported_media_type");
    // Where there is no form, a form is no body.
    let answer = site.browser().form("refresh", "refresh_token=a");
    is_problem(&answer, 415, "unsupported_media_type");
}

#[test]
fn exactly_the_trusted_origins_are_told() {
    let site = Site::new();
    for (origin, trusted) in [
        (PAGE, true),
        ("https://www.example", true),
        ("https://app.example:443", true),
        ("https://app.example.evil.example", false),
        ("https://evilapp.example", false),
        ("http://app.example", false),
        ("null", false),
        ("*", false),
        ("", false),
    ] {
        for (method, path) in [
            ("GET", "/auth/session"),
            ("OPTIONS", "/auth/sign-in"),
            ("POST", "/auth/nothing"),
            ("GET", "/auth/config"),
        ] {
            let mut client = site.browser().with("origin", origin);
            let answer = client.raw(method, path, &[], b"").unwrap();
            let told = header(&answer, "Access-Control-Allow-Origin");
            assert_eq!(told, trusted.then_some(origin), "{method} {origin}");
            assert_eq!(
                header(&answer, "Access-Control-Allow-Credentials"),
                trusted.then_some("true")
            );
            assert!(header(&answer, "Vary").unwrap().contains("Origin"));
        }
        let answer = site
            .browser()
            .with("origin", origin)
            .raw("OPTIONS", "/auth/sign-in", &[], b"")
            .unwrap();
        assert_eq!(answer.status, 204);
        assert_eq!(header(&answer, "Allow"), Some("POST, OPTIONS"));
        // The headers by which an app says that it is one are never allowed: then a page could be one.
        assert_eq!(
            header(&answer, "Access-Control-Allow-Headers"),
            trusted.then_some("Content-Type")
        );
        assert!(answer.body.is_empty() && !text(&answer).contains("oorward"));
    }
    // No origin at all: nothing is told to anybody.
    let mut person = site.browser();
    person.headers.clear();
    assert_eq!(
        header(&person.get("session"), "Access-Control-Allow-Origin"),
        None
    );
}

/// A program may send what the handle has, whatever was asked: a preflight has its lines there, too.
#[test]
fn the_handle_has_the_lines_of_a_preflight() {
    let site = Site::new();
    let request = doorward::Request::new("OPTIONS", [("origin", PAGE)], None).with_target("/auth/sign-in");
    let on = site.auth.on(request);
    let answer = doorward::block_on(on.http_handle(b"")).unwrap().unwrap();
    assert!(header(&answer, "Access-Control-Allow-Methods").is_some());
    let lines = on.headers();
    for (name, value) in &answer.headers {
        assert!(lines.iter().any(|line| line == (*name, value.as_str())), "{name}");
    }
}
