//! A browser's days: who is signed in, the refresh, the sign-out, the devices.

use std::time::Duration;

use serde_json::{Value, json};

use crate::site::{ADA, OTHER, PASSWORD, Site, header, is_problem, json_of, text};

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn a_sign_up_a_session_and_a_sign_out() {
    let site = Site::new();
    let mut ada = site.browser();
    assert_eq!(ada.status(), "signed_out");
    let body = json!({"provider": "email", "identifier": ADA, "fields": {"password": PASSWORD}, "attributes": {"name": "Ada"}});
    let made = ada.post("sign-up", &body);
    assert_eq!(made.status, 201);
    let step = json_of(&made);
    assert_eq!(
        (&step["outcome"], &step["purpose"]),
        (&json!("accepted"), &json!("sign_in"))
    );
    assert_eq!(step["session"]["user"]["attributes"], json!({"name": "Ada"}));
    // A browser's tokens are in cookies that no script reads, and nowhere else.
    assert!(
        !text(&made).contains("dwa_") && !text(&made).contains("dwr_"),
        "{}",
        text(&made)
    );
    assert!(made.headers.iter().any(|(name, value)| *name == "Set-Cookie"
        && value.contains("HttpOnly")
        && value.contains("Secure")));
    assert_eq!(header(&made, "Cache-Control"), Some("no-store"));

    let snapshot = json_of(&ada.get("session"));
    assert_eq!(snapshot["session"], step["session"]["session"]);
    assert_eq!(snapshot["now"], "2027-01-15T08:00:00.000000Z");
    let out = ada.post("sign-out", &json!({}));
    assert_eq!((out.status, json_of(&out)["ended"].clone()), (200, json!(1)));
    assert_eq!(header(&out, "Clear-Site-Data"), Some("\"cache\""));
    assert_eq!(ada.status(), "signed_out");
    // Twice is fine.
    assert_eq!(json_of(&ada.post("sign-out", &json!({})))["ended"], 0);

    is_problem(&ada.sign_in("wrong"), 401, "refused");
    assert_eq!(ada.sign_in(PASSWORD).status, 200);
    assert_eq!(ada.status(), "signed_in");
}

#[test]
fn an_expired_token_is_refreshable_until_it_is_over() {
    let site = Site::new();
    let mut ada = site.ada();
    let first = json_of(&ada.get("session"));
    site.advance(9 * HOUR);
    let asked = ada.get("session");
    assert_eq!(json_of(&asked)["status"], "refreshable");
    assert_eq!(header(&asked, "Set-Cookie"), None, "`session` never refreshes");
    let refused = ada.get("sessions");
    is_problem(&refused, 401, "signed_out");
    assert_eq!(json_of(&refused)["refreshable"], true);
    let refreshed = ada.post("refresh", &json!({}));
    assert_eq!(json_of(&refreshed)["session"]["id"], first["session"]["id"]);
    assert_eq!(ada.status(), "signed_in");

    site.advance(15 * 24 * HOUR);
    let asked = json_of(&ada.get("session"));
    assert_eq!(
        (&asked["status"], &asked["reason"]),
        (&json!("signed_out"), &json!("expired"))
    );
    let refused = ada.post("refresh", &json!({}));
    is_problem(&refused, 401, "signed_out");
    assert_eq!(json_of(&refused)["refreshable"], false);
    assert!(
        ada.cookies
            .keys()
            .all(|name| !name.ends_with("access") && !name.ends_with("refresh")),
        "{:?}",
        ada.cookies.keys()
    );
}

/// An open tab asks again and again: that keeps nobody signed in. What the program answers does.
#[test]
fn asking_who_is_signed_in_is_no_use_of_the_session() {
    for asks in [true, false] {
        let site = Site::with("session.idle_ttl = '2h'\nsession.access_ttl = '90m'\n");
        let mut ada = site.ada();
        for _ in 0..5 {
            site.advance(Duration::from_mins(30));
            if asks {
                ada.get("session");
            } else {
                ada.post("refresh", &json!({}));
                ada.get("sessions");
            }
        }
        assert_eq!(ada.status(), if asks { "signed_out" } else { "signed_in" });
    }
}

/// Eight tabs at the moment of expiry, and one more whose answer was lost: all get the same, and nobody is signed out.
#[test]
fn tabs_that_refresh_at_once_all_stay() {
    let site = Site::new();
    let mut ada = site.ada();
    for _ in 0..20 {
        site.advance(9 * HOUR);
        let mut tabs: Vec<_> = (0..8).map(|_| ada.clone()).collect();
        let answers: Vec<Value> = tabs
            .iter_mut()
            .map(|tab| json_of(&tab.post("refresh", &json!({}))))
            .collect();
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
        assert!(tabs.iter().all(|tab| tab.cookies == tabs[0].cookies));
        ada = tabs.swap_remove(3);
        assert_eq!(ada.status(), "signed_in");
    }
}

#[test]
fn a_renderer_that_cannot_refresh_sends_the_browser_to_do_it() {
    let site = Site::with("http.return_to = ['https://www.example/in']\n");
    let mut ada = site.ada();
    site.advance(9 * HOUR);
    ada.headers.retain(|(name, _)| name != "origin");
    for (to, place) in [
        ("%2Fnotes%3Fa%3Db", "/notes?a=b"),
        ("https://www.example/in", "https://www.example/in"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("%2F%09%2Fevil.example", "/"),
        ("/a&to=/b", "/"),
    ] {
        let answer = ada.get(&format!("resume?to={to}"));
        assert_eq!(
            (answer.status, header(&answer, "Location")),
            (303, Some(place)),
            "{to}"
        );
    }
    assert_eq!(ada.status(), "signed_in");
    let answer = site.browser().get("resume?to=/notes");
    assert_eq!(header(&answer, "Location"), Some("/sign-in"));
}

#[test]
fn devices_have_names_and_end_one_by_one() {
    let site = Site::new();
    let mut ada = site.ada();
    site.advance(Duration::from_secs(1));
    let mut phone = site.browser().with(
        "user-agent",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1",
    );
    assert_eq!(phone.sign_in(PASSWORD).status, 200);
    let listed = json_of(&ada.get("sessions"))["sessions"].clone();
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(names, [("Safari on iPhone", false), ("Firefox on Linux", true)]);
    let of_phone = listed[0]["id"].as_str().unwrap().to_owned();

    // Somebody else's is not there, and neither is one that is none.
    let mut eve = site.browser();
    let body = json!({"provider": "email", "identifier": "eve@example.com", "fields": {"password": OTHER}});
    assert_eq!(eve.post("sign-up", &body).status, 201);
    for id in [of_phone.as_str(), "019b0000-0000-7000-8000-000000000000", "x"] {
        is_problem(
            &eve.send("DELETE", &format!("sessions/{id}"), &json!({})),
            404,
            "not_found",
        );
    }
    assert_eq!(phone.status(), "signed_in");
    assert_eq!(
        ada.send("DELETE", &format!("sessions/{of_phone}"), &json!({}))
            .status,
        204
    );
    assert_eq!(phone.status(), "signed_out");

    // The others, then all.
    assert_eq!(phone.sign_in(PASSWORD).status, 200);
    let out = ada.post("sign-out", &json!({"where": "others"}));
    assert_eq!(
        (json_of(&out)["status"].clone(), json_of(&out)["ended"].clone()),
        (json!("signed_in"), json!(1))
    );
    assert_eq!(header(&out, "Clear-Site-Data"), None);
    assert_eq!(
        (phone.status(), ada.status()),
        ("signed_out".into(), "signed_in".into())
    );
    assert_eq!(phone.sign_in(PASSWORD).status, 200);
    let out = ada.post("sign-out", &json!({"where": "everywhere"}));
    assert_eq!(json_of(&out)["ended"], 2);
    assert_eq!(
        (phone.status(), ada.status()),
        ("signed_out".into(), "signed_out".into())
    );
}

#[test]
fn a_cookie_that_comes_twice_decides_nothing() {
    let site = Site::new();
    let ada = site.ada();
    let access = ada
        .cookies
        .iter()
        .find(|(name, _)| name.ends_with("access"))
        .unwrap();
    let mut twice = ada.clone();
    twice.cookies.clear();
    let line = format!("{0}={1}; {0}={1}", access.0, access.1);
    let answer = twice
        .raw("GET", "/auth/session", &[("cookie", &line)], b"")
        .unwrap();
    is_problem(&answer, 403, "request_refused");
    assert_eq!(json_of(&answer)["reason"], "cookie_duplicate");
}

#[test]
fn what_a_client_has_is_not_sent_again() {
    let site = Site::new();
    let mut ada = site.ada();
    for path in ["config", "methods", "openapi.json", "client.js", "client.d.ts"] {
        let answer = ada.get(path);
        let tag = header(&answer, "ETag").unwrap().to_owned();
        let again = ada
            .raw(
                "GET",
                &format!("/auth/{path}"),
                &[("if-none-match", &format!("\"x\", {tag}"))],
                b"",
            )
            .unwrap();
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert!(header(&answer, "Cache-Control").unwrap().contains("no-cache"));
        let head = ada.raw("HEAD", &format!("/auth/{path}"), &[], b"").unwrap();
        assert_eq!(
            (head.status, head.body.len(), header(&head, "ETag")),
            (200, 0, Some(tag.as_str()))
        );
    }
}

#[test]
fn the_client_may_be_kept_where_its_address_has_a_version() {
    let site = Site::new();
    let answer = site.browser().get("client.js?v=1");
    assert_eq!(header(&answer, "Content-Type"), Some("text/javascript"));
    assert_eq!(
        header(&answer, "Cache-Control"),
        Some("public, max-age=31536000, immutable")
    );
    assert!(text(&answer).contains("@doorward/client"));
}

/// A program that refreshes before it asks the surface sends cookies with what may else be kept by everybody.
#[test]
fn what_has_a_cookie_is_kept_by_nobody() {
    let site = Site::new();
    let ada = site.ada();
    site.advance(9 * HOUR);
    for path in ["client.js?v=1", "config", "openapi.json"] {
        let cookies: Vec<String> = (ada.cookies.iter())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = doorward::Request::new("GET", [("cookie", cookies.join("; "))], None)
            .with_target(format!("/auth/{path}"));
        let on = site.auth.on(request);
        assert_eq!(
            doorward::block_on(on.resume_request()).unwrap().outcome.id(),
            "accepted"
        );
        let answer = doorward::block_on(on.http_handle(b"")).unwrap().unwrap();
        assert!(answer.headers.iter().any(|(name, _)| *name == "Set-Cookie"));
        assert_eq!(header(&answer, "Cache-Control"), Some("no-store"), "{path}");
    }
}
