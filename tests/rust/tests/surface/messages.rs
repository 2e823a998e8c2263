//! What comes by message: nobody learns who exists, and a token does what it is for.

use serde_json::json;

use crate::site::{ADA, OTHER, PASSWORD, Site, is_problem, json_of, text};

#[test]
fn a_forgotten_password() {
    let site = Site::new();
    let mut elsewhere = site.proved();
    let mut ada = site.browser();
    let asked = ada.post("recover", &json!({"provider": "email", "identifier": ADA}));
    let nobody = site.browser().post(
        "recover",
        &json!({"provider": "email", "identifier": "nobody@example.com"}),
    );
    assert_eq!((asked.status, text(&asked)), (202, text(&nobody)));
    assert_eq!(asked.status, nobody.status);
    let token = site.letter("recovery");
    let peeked = json_of(&ada.post("token/peek", &json!({ "token": token })));
    assert_eq!(
        (&peeked["purpose"], &peeked["identifier"]),
        (&json!("recovery"), &json!(ADA))
    );
    assert!(
        peeked.get("user_id").is_none(),
        "whose it is is not the browser's to know"
    );
    let short = ada.post(
        "recover/finish",
        &json!({"token": token, "provider": "email", "fields": {"password": "short"}}),
    );
    is_problem(&short, 422, "policy_violation");
    let done = ada.post(
        "recover/finish",
        &json!({"token": token, "provider": "email", "fields": {"password": OTHER}}),
    );
    assert_eq!(done.status, 200, "{}", text(&done));
    assert_eq!(
        (ada.status(), elsewhere.status()),
        ("signed_out".into(), "signed_out".into()),
        "it is no sign-in"
    );
    assert_eq!(
        (ada.sign_in(PASSWORD).status, ada.sign_in(OTHER).status),
        (401, 200)
    );
    is_problem(
        &ada.post(
            "recover/finish",
            &json!({"token": token, "provider": "email", "fields": {"password": OTHER}}),
        ),
        401,
        "refused",
    );
}

#[test]
fn a_token_is_spent_by_a_post_alone() {
    let site = Site::new();
    let mut ada = site.ada();
    ada.post("verify", &json!({"provider": "email", "identifier": ADA}));
    let token = site.letter("verify");
    // What scanners of mail do.
    for target in ["verify/finish", "token/peek", "continue"] {
        let answer = ada
            .raw("GET", &format!("/auth/{target}?token={token}"), &[], b"")
            .unwrap();
        assert_eq!(answer.status, 405);
    }
    let stranger = site.browser().post("verify/finish", &json!({ "token": token }));
    is_problem(&stranger, 401, "proof_required");
    assert_eq!(json_of(&stranger)["what"], "session");
    let done = json_of(&ada.post("verify/finish", &json!({ "token": token })));
    assert_eq!(done["identifier"], ADA);
    assert!(json_of(&ada.get("methods"))["identities"][0]["verified_at"].is_string());
}

#[test]
fn a_new_address() {
    let site = Site::new();
    let mut ada = site.proved();
    let new = "ada@new.example";
    let body = json!({"provider": "email", "old_identifier": ADA, "new_identifier": new});
    assert_eq!(ada.post("identifier", &body).status, 202);
    assert_eq!(json_of(&ada.get("methods"))["identities"][0]["identifier"], ADA);
    let token = site.letter("change_identifier");
    let done = ada.post(
        "identifier/confirm",
        &json!({"token": token, "old_identifier": ADA, "new_identifier": new}),
    );
    assert_eq!(done.status, 200, "{}", text(&done));
    let signed_in = site.browser().post(
        "sign-in",
        &json!({"provider": "email", "identifier": new, "fields": {"password": PASSWORD}}),
    );
    assert_eq!(signed_in.status, 200);
}
