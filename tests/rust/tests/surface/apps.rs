//! Apps: no cookies, no origin; tokens in bodies.

use std::time::Duration;

use serde_json::{Value, json};

use crate::site::{ADA, PASSWORD, Site, header, is_problem, json_of, text};

#[test]
fn an_app_keeps_its_tokens_itself() {
    let site = Site::new();
    site.ada();
    let mut app = site.app();
    app.headers.retain(|(name, _)| name != "origin");
    let step = app.sign_in(PASSWORD);
    let session = json_of(&step)["session"]["session"].clone();
    let (access, refresh) = (
        session["access_token"].as_str().unwrap(),
        session["refresh_token"].as_str().unwrap(),
    );
    assert!(header(&step, "Set-Cookie").is_none() && app.cookies.is_empty());
    assert!(app.headers.iter().any(|(name, _)| name == "Doorward-Device"));
    let mut known = app.clone().with("authorization", &format!("Bearer {access}"));
    assert_eq!(known.status(), "signed_in");
    site.advance(Duration::from_hours(9));
    assert_eq!(known.status(), "refreshable");
    let refreshed = json_of(&app.post("refresh", &json!({ "refresh_token": refresh })));
    let access = refreshed["session"]["access_token"].as_str().unwrap().to_owned();
    let mut known = app.clone().with("authorization", &format!("Bearer {access}"));
    assert_eq!(known.status(), "signed_in");
    let out = known.post("sign-out", &json!({}));
    assert_eq!(json_of(&out)["ended"], 1);
    assert_eq!(known.status(), "signed_out");
    is_problem(
        &app.post("refresh", &json!({ "refresh_token": refresh })),
        401,
        "signed_out",
    );
}

/// What a browser sends is no app's: a page cannot have tokens put into its reach.
#[test]
fn a_page_is_never_told_tokens() {
    let site = Site::new();
    let mut ada = site.ada();
    let mut page = site.browser().with("doorward-client", "app");
    for answer in [
        page.sign_in(PASSWORD),
        ada.clone().with("doorward-client", "app").get("session"),
        ada.get("session"),
    ] {
        let body: Value = json_of(&answer);
        assert!(!body.to_string().contains("access_token"), "{body}");
        assert!(!text(&answer).contains("dwr_"));
    }
    assert!(page.cookies.keys().any(|name| name.ends_with("refresh")), "{ADA}");
}
