//! One's own account: attributes, ways in, the end of it.

use serde_json::json;

use crate::site::{ADA, OTHER, PASSWORD, Site, is_problem, json_of, text};

/// Nobody makes oneself what the program means by an attribute of its own.
#[test]
fn people_change_only_attributes_that_are_theirs() {
    let site = Site::new();
    let body = json!({"provider": "email", "identifier": ADA, "fields": {"password": PASSWORD}, "attributes": {"role": "admin"}});
    let refused = site.browser().post("sign-up", &body);
    is_problem(&refused, 400, "invalid_argument");
    let mut ada = site.ada();
    is_problem(
        &ada.send("PATCH", "user", &json!({"attributes": {"role": "admin"}})),
        400,
        "invalid_argument",
    );
    is_problem(
        &ada.send(
            "PATCH",
            "user",
            &json!({"attributes": {"name": "A", "role": null}}),
        ),
        400,
        "invalid_argument",
    );
    let changed = json_of(&ada.send(
        "PATCH",
        "user",
        &json!({"attributes": {"name": "Ada", "colour": "red"}}),
    ));
    assert_eq!(
        changed["user"]["attributes"],
        json!({"name": "Ada"}),
        "what is not public is not told"
    );
    let changed = json_of(&ada.send("PATCH", "user", &json!({"attributes": {"name": null}})));
    assert_eq!(changed["user"]["attributes"], json!({}));
}

#[test]
fn identities_are_linked_and_unlinked() {
    let site = Site::with("provider.username.kind = 'password'\n");
    let mut ada = site.proved();
    let linked = ada.post(
        "identities/link",
        &json!({"provider": "username", "identifier": "ada"}),
    );
    assert_eq!(linked.status, 200, "{}", text(&linked));
    let signed_in = site.browser().post(
        "sign-in",
        &json!({"provider": "username", "identifier": "ada", "fields": {"password": PASSWORD}}),
    );
    assert_eq!(signed_in.status, 200);
    let mut eve = site.browser();
    let body = json!({"provider": "email", "identifier": "eve@example.com", "fields": {"password": OTHER}});
    assert_eq!(eve.post("sign-up", &body).status, 201);
    is_problem(
        &eve.post(
            "identities/link",
            &json!({"provider": "username", "identifier": "ada"}),
        ),
        409,
        "conflict",
    );
    let gone = ada.post(
        "identities/unlink",
        &json!({"provider": "username", "identifier": "ada"}),
    );
    assert_eq!(gone.status, 200);
    let last = ada.post(
        "identities/unlink",
        &json!({"provider": "email", "identifier": ADA}),
    );
    is_problem(&last, 409, "last_way_in");
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    let site = Site::new();
    let mut ada = site.ada();
    let mut phone = site.browser();
    assert_eq!(phone.sign_in(PASSWORD).status, 200);
    let body = json!({"provider": "email", "fields": {"password": OTHER, "current": PASSWORD}});
    assert_eq!(ada.post("password", &body).status, 200);
    assert_eq!(
        (ada.status(), phone.status()),
        ("signed_in".into(), "signed_out".into())
    );
}

#[test]
fn the_end_of_an_account_wants_a_fresh_proof() {
    let site = Site::with("http.user_delete = true\nhttp.user_export = true\n");
    let mut ada = site.ada();
    site.advance(std::time::Duration::from_hours(1));
    is_problem(&ada.get("user/export"), 401, "proof_required");
    is_problem(&ada.post("user/delete", &json!({})), 401, "proof_required");
    assert_eq!(
        ada.post(
            "step-up",
            &json!({"provider": "email", "fields": {"password": PASSWORD}})
        )
        .status,
        200
    );
    let export = json_of(&ada.get("user/export"));
    assert_eq!(export["identities"][0]["identifier"], ADA);
    assert!(!export.to_string().contains("$argon2"));
    let gone = ada.post("user/delete", &json!({}));
    assert_eq!(gone.status, 204, "{}", text(&gone));
    assert_eq!(crate::site::header(&gone, "Clear-Site-Data"), Some("\"cache\""));
    assert!(ada.cookies.keys().all(|name| !name.ends_with("refresh")));
    assert_eq!(ada.sign_in(PASSWORD).status, 401);
}
