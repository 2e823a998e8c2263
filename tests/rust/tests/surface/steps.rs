//! Steps: second factors, enrollment, step-up, claims. A client draws a form from `next` alone.

use std::time::Duration;

use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};
use serde_json::{Value, json};

use crate::site::{ADA, Client, PASSWORD, Site, header, is_problem, json_of, plugin, text};

pub(crate) fn site() -> Site {
    Site::with(&format!(
        "plugin.totp.path = '{}'\nprovider.totp.kind = 'totp'\nplugin.recovery.path = '{}'\n\
         provider.codes.kind = 'recovery_codes'\npolicy.second_factor = ['totp', 'codes']\n",
        plugin("totp").display(),
        plugin("recovery_codes").display()
    ))
}

/// An authenticator app.
pub(crate) struct App(Vec<u8>);

impl App {
    pub(crate) fn scan(step: &Value) -> Self {
        let shown = step["next"][0]["challenge"]["secret"].as_str().unwrap();
        let (mut bits, mut held, mut secret) = (0_u64, 0, Vec::new());
        for symbol in shown.bytes() {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
                .iter()
                .position(|&known| known == symbol)
                .unwrap();
            bits = bits << 5 | value as u64;
            held += 5;
            if held >= 8 {
                held -= 8;
                secret.push(u8::try_from(bits >> held & 0xff).unwrap());
            }
        }
        Self(secret)
    }

    pub(crate) fn code(&self, site: &Site) -> String {
        use doorward::clock::Clock as _;
        let step = u64::try_from(site.clock.now().as_seconds() / PERIOD_SECONDS).unwrap();
        format!("{:06}", code_at(Algorithm::Sha1, &self.0, step, 6))
    }
}

pub(crate) fn enroll(site: &Site, ada: &mut Client<'_>) -> App {
    let begun = json_of(&ada.post("methods/enroll", &json!({"provider": "totp"})));
    assert_eq!(
        (&begun["outcome"], &begun["purpose"]),
        (&json!("continue"), &json!("enroll"))
    );
    let app = App::scan(&begun);
    let done = ada.post(
        "continue",
        &json!({"flow": begun["flow"], "fields": {"code": app.code(site)}}),
    );
    assert_eq!(
        (done.status, json_of(&done)["purpose"].clone()),
        (200, json!("change")),
        "{}",
        text(&done)
    );
    app
}

/// Ada's authenticator of a provider; null: she has none.
fn held(ada: &mut Client<'_>, provider: &str) -> Value {
    let listed = json_of(&ada.get("methods"));
    let mut held = listed["authenticators"].as_array().unwrap().iter();
    held.find(|one| one["provider"] == provider)
        .cloned()
        .unwrap_or_default()
}

/// Ada proves both factors again.
pub(crate) fn step_up(site: &Site, ada: &mut Client<'_>, app: &App) {
    site.advance(Duration::from_mins(1));
    let password = json!({"provider": "email", "fields": {"password": PASSWORD}});
    let step = json_of(&ada.post("step-up", &password));
    assert_eq!(step["next"][0]["provider"], "totp", "{step}");
    let code = json!({"flow": step["flow"], "fields": {"code": app.code(site)}});
    let done = ada.post("continue", &code);
    assert_eq!(json_of(&done)["outcome"], "accepted", "{}", text(&done));
}

#[test]
fn a_second_factor_is_asked_for_step_by_step() {
    let site = site();
    let mut ada = site.proved();
    let app = enroll(&site, &mut ada);
    let listed = json_of(&ada.get("methods"));
    assert!(held(&mut ada, "totp")["created_at"].is_string());
    assert_eq!(listed["identities"][0]["identifier"], ADA);

    site.advance(Duration::from_mins(1));
    let mut phone = site.browser();
    let step = json_of(&phone.sign_in(PASSWORD));
    assert_eq!(step["outcome"], "continue");
    assert_eq!(phone.status(), "signed_out");
    let method = &step["next"][0];
    assert_eq!(
        (&method["provider"], &method["action"]),
        (&json!("totp"), &json!("verify"))
    );
    assert_eq!(method["fields"][0]["autocomplete"], "one-time-code");

    // A wrong answer gives the flow to try again with; the old one is spent.
    let wrong = phone.post(
        "continue",
        &json!({"flow": step["flow"], "fields": {"code": "000000"}}),
    );
    is_problem(&wrong, 401, "refused");
    let again = json_of(&wrong);
    assert_ne!(again["flow"], step["flow"]);
    is_problem(
        &phone.post(
            "continue",
            &json!({"flow": step["flow"], "fields": {"code": app.code(&site)}}),
        ),
        401,
        "refused",
    );
    // Another browser cannot answer it.
    is_problem(
        &site.browser().post(
            "continue",
            &json!({"flow": again["flow"], "fields": {"code": app.code(&site)}}),
        ),
        401,
        "refused",
    );
    let step = json_of(&phone.sign_in(PASSWORD));
    let done = phone.post(
        "continue",
        &json!({"flow": step["flow"], "provider": "totp", "fields": {"code": app.code(&site)}}),
    );
    let done = json_of(&done);
    assert_eq!(done["outcome"], "accepted");
    let factors: Vec<_> = done["session"]["session"]["factors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["provider"].clone())
        .collect();
    assert_eq!(factors, ["email", "totp"]);
    assert_eq!(phone.status(), "signed_in");
}

#[test]
fn a_change_wants_a_fresh_proof_and_a_step_up_gives_one() {
    let site = site();
    let mut ada = site.proved();
    site.advance(Duration::from_hours(1));
    let refused = ada.post("methods/enroll", &json!({"provider": "totp"}));
    is_problem(&refused, 401, "proof_required");
    assert!(
        header(&refused, "WWW-Authenticate")
            .unwrap()
            .contains("insufficient_user_authentication")
    );
    assert_eq!(json_of(&refused)["max_age"], 600);
    is_problem(
        &ada.post(
            "step-up",
            &json!({"provider": "email", "fields": {"password": "wrong"}}),
        ),
        401,
        "refused",
    );
    let stepped = ada.post(
        "step-up",
        &json!({"provider": "email", "fields": {"password": PASSWORD}}),
    );
    assert_eq!(json_of(&stepped)["outcome"], "accepted");
    enroll(&site, &mut ada);
    // Nobody is stepped up who is not signed in.
    is_problem(
        &site.browser().post(
            "step-up",
            &json!({"provider": "email", "fields": {"password": PASSWORD}}),
        ),
        401,
        "signed_out",
    );
}

#[test]
fn what_is_shown_once_is_in_that_one_answer() {
    let site = site();
    let mut ada = site.proved();
    let app = enroll(&site, &mut ada);
    step_up(&site, &mut ada, &app);
    let begun = ada.post("methods/enroll", &json!({"provider": "codes"}));
    let mut step = json_of(&begun);
    if step["outcome"] == "continue" {
        step = json_of(&ada.post("continue", &json!({"flow": step["flow"], "fields": {}})));
    }
    assert_eq!(step["outcome"], "accepted", "{step}");
    let codes = step["show_once"].as_object().unwrap();
    assert!(!codes.is_empty());
    let listed = text(&ada.get("methods"));
    for value in codes.values() {
        assert!(!listed.contains(value.as_str().unwrap()));
    }
}

#[test]
fn labels_and_removal() {
    let site = site();
    let mut ada = site.proved();
    let app = enroll(&site, &mut ada);
    step_up(&site, &mut ada, &app);
    let id = held(&mut ada, "totp")["id"].as_str().unwrap().to_owned();
    let path = format!("authenticators/totp/{id}");
    assert_eq!(
        ada.send("PATCH", &path, &json!({"label": "My telephone"})).status,
        204
    );
    assert_eq!(held(&mut ada, "totp")["label"], "My telephone");
    is_problem(
        &ada.send("PATCH", "authenticators/totp/x", &json!({"label": "a"})),
        404,
        "not_found",
    );
    is_problem(
        &ada.send(
            "DELETE",
            "authenticators/totp/019b0000-0000-7000-8000-000000000000",
            &json!({}),
        ),
        404,
        "not_found",
    );
    assert_eq!(ada.send("DELETE", &path, &json!({})).status, 204);
    assert_eq!(held(&mut ada, "totp"), Value::Null);
}
