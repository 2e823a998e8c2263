//! Forms without any script: 303 to a page, and what the page shows travels sealed.

use serde_json::{Value, json};

use crate::site::{ADA, OTHER, PASSWORD, Site, header};
use crate::steps;

fn place(answer: &doorward::http::Response) -> &str {
    assert_eq!(answer.status, 303, "{:?}", String::from_utf8_lossy(&answer.body));
    assert!(answer.body.is_empty());
    header(answer, "Location").unwrap()
}

#[test]
fn a_sign_in_leads_on_and_a_wrong_one_back() {
    let site = Site::new();
    site.ada();
    let mut ada = site.browser();
    let wrong = ada.form(
        "sign-in",
        "provider=email&identifier=ada%40example.com&fields.password=wrong&to=%2Fnotes",
    );
    assert_eq!(place(&wrong), "/sign-in");
    // The page learns once what was wrong, and what was typed, but for what is secret.
    let page = ada.page();
    assert_eq!(page["problem"]["code"], "refused");
    assert_eq!(
        (&page["problem"]["identifier"], &page["problem"]["to"]),
        (&json!(ADA), &json!("/notes"))
    );
    assert!(!page.to_string().contains("wrong\""), "{page}");
    assert_eq!(ada.page(), Value::Null);

    let right = ada.form("sign-in", "provider=email&identifier=ada%40example.com&fields.password=plum+tractors+hum+at+noon&to=%2Fnotes%3Fa");
    assert_eq!(place(&right), "/notes?a");
    assert_eq!((ada.status().as_str(), ada.page()), ("signed_in", Value::Null));
    for evil in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        let mut other = site.browser();
        let body = format!(
            "provider=email&identifier=ada%40example.com&fields.password=plum+tractors+hum+at+noon&to={evil}"
        );
        assert_eq!(place(&other.form("sign-in", &body)), "/", "{evil}");
    }
    assert_eq!(place(&ada.form("sign-out", "where=here")), "/");
    assert_eq!(ada.status(), "signed_out");
}

#[test]
fn the_whole_way_with_a_second_factor() {
    let site = steps::site();
    let mut ada = site.proved();
    let app = steps::enroll(&site, &mut ada);
    site.advance(std::time::Duration::from_mins(1));
    let mut phone = site.browser();
    let body =
        "provider=email&identifier=ada%40example.com&fields.password=plum+tractors+hum+at+noon&to=/notes";
    let on = phone.form("sign-in", body);
    assert_eq!(place(&on), "/continue");
    let step = phone.page()["step"].clone();
    assert_eq!(
        (&step["next"][0]["provider"], &step["to"]),
        (&json!("totp"), &json!("/notes"))
    );
    let token = step["flow"].as_str().unwrap();
    let wrong = phone.form(
        "continue",
        &format!("flow={token}&provider=totp&fields.code=000000&to=/notes"),
    );
    assert_eq!(place(&wrong), "/continue");
    let problem = phone.page()["problem"].clone();
    let token = problem["flow"].as_str().unwrap();
    let done = phone.form(
        "continue",
        &format!(
            "flow={token}&provider=totp&fields.code={}&to=/notes",
            app.code(&site)
        ),
    );
    assert_eq!(place(&done), "/notes");
    assert_eq!(phone.status(), "signed_in");
    // No place ever has a token.
    for answer in [&on, &wrong, &done] {
        assert!(!place(answer).contains("dwf_"));
    }
}

#[test]
fn what_a_form_gave_is_shown_once() {
    let site = steps::site();
    let mut ada = site.proved();
    let app = steps::enroll(&site, &mut ada);
    steps::step_up(&site, &mut ada, &app);
    let enrolled = ada.form("methods/enroll", "provider=codes");
    assert_eq!(place(&enrolled), "/account");
    let page = ada.page();
    assert!(page["step"]["show_once"].is_object(), "{page}");
    assert_eq!(ada.page(), Value::Null);
}

#[test]
fn what_is_carried_is_sealed_and_this_browsers_own() {
    let site = Site::new();
    let mut ada = site.browser();
    ada.form(
        "sign-in",
        "provider=email&identifier=ada%40example.com&fields.password=wrong",
    );
    let (name, value) = ada
        .cookies
        .iter()
        .find(|(name, _)| name.ends_with("-page"))
        .unwrap();
    assert!(name.starts_with("__Host-") && !value.contains("refused"));
    let (name, value) = (name.clone(), value.clone());
    // Damaged, cut, or in the place of another: nothing.
    for damaged in [
        value[1..].to_owned(),
        value.replace('A', "B"),
        "x".into(),
        format!("{value}x"),
    ] {
        let mut other = site.browser();
        if damaged == value {
            continue;
        }
        other.cookies.insert(name.clone(), damaged);
        assert_eq!(other.page(), Value::Null);
    }
    let realm = site.auth.realm("elsewhere").unwrap();
    let request = doorward::Request::new("GET", [("cookie", format!("{name}={value}"))], None);
    assert_eq!(
        doorward::block_on(realm.on(request.clone()).http_page()).unwrap(),
        None
    );
    let on = site.auth.on(request);
    assert!(
        doorward::block_on(on.http_page())
            .unwrap()
            .unwrap()
            .contains("refused")
    );
    assert!(
        on.headers()
            .iter()
            .any(|(line, value)| line == "Set-Cookie" && value.starts_with(&format!("{name}=;")))
    );
    // Ten minutes later it is worth nothing.
    site.advance(std::time::Duration::from_mins(11));
    assert_eq!(ada.page(), Value::Null);
}

#[test]
fn a_form_that_cannot_be_read_leads_back_too() {
    let site = Site::new();
    let mut ada = site.browser();
    for body in [
        "provider=email&unknown=1",
        "identifier=a",
        "provider=email&provider=email",
        "provider=%ff",
    ] {
        assert_eq!(place(&ada.form("sign-in", body)), "/sign-in", "{body}");
        assert_eq!(ada.page()["problem"]["code"], "invalid_argument", "{body}");
    }
    // Nobody is signed in: the page to sign in, whatever the form was for.
    assert_eq!(
        place(&ada.form("password", "provider=email&fields.password=a")),
        "/sign-in"
    );
    assert_eq!(ada.page()["problem"]["code"], "signed_out");
}

/// An access token that is past its time does not lose what a person wrote.
#[test]
fn a_form_is_refreshed_for() {
    let site = Site::new();
    let mut ada = site.ada();
    site.advance(std::time::Duration::from_hours(9));
    assert_eq!(
        place(&ada.form("user", "attributes.name=Ada+Lovelace")),
        "/account"
    );
    let told = ada.get("session");
    assert!(String::from_utf8_lossy(&told.body).contains("Ada Lovelace"));
}

#[test]
fn a_new_password_by_a_form() {
    let site = Site::new();
    let mut ada = site.ada();
    let body = "provider=email&fields.current=plum+tractors+hum+at+noon&fields.password=short";
    assert_eq!(place(&ada.form("password", body)), "/account");
    let problem = ada.page()["problem"].clone();
    assert_eq!(problem["code"], "policy_violation");
    assert_eq!(problem["violations"][0]["rule"], "too_short");
    let body =
        "provider=email&fields.current=plum+tractors+hum+at+noon&fields.password=nine+grey+owls+read+late";
    assert_eq!(place(&ada.form("password", body)), "/account");
    let mut other = site.browser();
    assert_eq!(
        (other.sign_in(PASSWORD).status, other.sign_in(OTHER).status),
        (401, 200)
    );
}
