//! The kind through the raw ABI, against an issuer inside the test: the walk, and one mutation for every check.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod browser;
mod id_token;
mod issuer;
mod world;

use doorward_oidc::{doorward_module, identifier};
use std::sync::atomic::{AtomicUsize, Ordering};

use doorward_plugin_testing::{Ask, ConfigValue, Outcome, TestHost};
use issuer::{Issuer, Key, State, connect};
use serde_json::json;

use world::*;

#[test]
fn a_person_is_an_issuer_and_a_subject_and_the_rest_is_as_asserted() {
    let world = World::new(&[]);
    let answer = world.walk();
    assert_eq!(answer.outcome(), Outcome::Accepted, "{:?}", answer.message);
    assert_eq!(
        answer.identifier.as_deref(),
        Some(identifier(ISSUER, "subject-1").as_slice())
    );
    for (name, value) in [
        ("issuer", json!(ISSUER)),
        ("subject", json!("subject-1")),
        ("email", json!("ada@example.com")),
        ("email_verified", json!(true)),
        ("name", json!("Ada")),
    ] {
        assert_eq!(attribute(&answer, name), Some(value), "{name}");
    }
    assert_eq!(attribute(&answer, "locale"), None);
    // Claims of another type than they should have are not passed on.
    world.issuer.state().claims["email_verified"] = json!("true");
    world.issuer.state().claims["email"] = json!(["ada@example.com"]);
    let answer = world.walk();
    assert_eq!(answer.outcome(), Outcome::Accepted);
    assert_eq!(
        (attribute(&answer, "email"), attribute(&answer, "email_verified")),
        (None, None)
    );
}

#[test]
fn the_authorization_request_is_that_of_the_specifications() {
    let world = World::new(&[
        ("scopes", text("email openid")),
        ("prompt", text("login")),
        ("max_age", ConfigValue::Integer(60)),
        ("acr_values", text("gold silver")),
    ]);
    let begun = world.oidc.ask(&Ask::verify().nobody());
    let url = begun.challenged("url");
    assert!(
        url.starts_with("https://issuer.example/authorize?tenant=a&response_type=code&"),
        "{url}"
    );
    world.issuer.authorize(&url);
    let state = world.issuer.state();
    for (name, value) in [
        ("client_id", "client"),
        ("redirect_uri", "https://app.example/callback"),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("max_age", "60"),
        ("acr_values", "gold silver"),
    ] {
        assert_eq!(state.asked(name), value, "{name}");
    }
    let randoms = [
        state.asked("state"),
        state.asked("nonce"),
        state.asked("code_challenge"),
    ];
    for random in &randoms {
        assert_eq!(random.len(), 43, "{random}");
    }
    drop(state);
    // Nothing of it is used twice, and the state that is kept holds no `state` parameter to steal.
    world
        .issuer
        .authorize(&world.oidc.ask(&Ask::verify().nobody()).challenged("url"));
    let again = world.issuer.state();
    for (name, random) in ["state", "nonce", "code_challenge"].iter().zip(&randoms) {
        assert_ne!(&again.asked(name), random);
        assert!(*name == "nonce" || !String::from_utf8_lossy(begun.next_state()).contains(random.as_str()));
    }
}

#[test]
fn every_check_of_the_configuration_of_the_issuer_is_made() {
    let rows: Vec<Row> = vec![
        ("as it is", |_| {}, Outcome::Continue),
        (
            "no list of methods",
            |s| {
                s.discovery = without(
                    s.discovery.clone(),
                    &["code_challenge_methods_supported", "response_types_supported"],
                );
            },
            Outcome::Continue,
        ),
        (
            "another issuer",
            |s| s.discovery["issuer"] = json!("https://other.example"),
            UNAVAILABLE,
        ),
        (
            "the issuer with a slash",
            |s| s.discovery["issuer"] = json!("https://issuer.example/"),
            UNAVAILABLE,
        ),
        (
            "no issuer",
            |s| s.discovery = without(s.discovery.clone(), &["issuer"]),
            UNAVAILABLE,
        ),
        (
            "PKCE without S256",
            |s| s.discovery["code_challenge_methods_supported"] = json!(["plain"]),
            UNAVAILABLE,
        ),
        (
            "no code flow",
            |s| s.discovery["response_types_supported"] = json!(["id_token"]),
            UNAVAILABLE,
        ),
        (
            "a token endpoint without TLS",
            |s| s.discovery["token_endpoint"] = json!("http://issuer.example/token"),
            UNAVAILABLE,
        ),
        (
            "keys without TLS",
            |s| s.discovery["jwks_uri"] = json!("http://issuer.example/keys"),
            UNAVAILABLE,
        ),
        (
            "a script for an endpoint",
            |s| s.discovery["authorization_endpoint"] = json!("javascript:alert(1)"),
            UNAVAILABLE,
        ),
        ("not there", |s| s.statuses[0] = 404, UNAVAILABLE),
        ("moved", |s| s.statuses[0] = 301, UNAVAILABLE),
    ];
    for (name, bend, outcome) in rows {
        let world = World::new(&[]);
        bend(&mut world.issuer.state());
        let answer = world.oidc.ask(&Ask::verify().nobody());
        assert_eq!(answer.outcome(), outcome, "{name}: {:?}", answer.message);
    }
}

#[test]
fn keys_rotate_without_a_flood_of_requests() {
    let world = World::new(&[]);
    assert_eq!(world.walk().outcome(), Outcome::Accepted);
    assert_eq!(world.walk().outcome(), Outcome::Accepted);
    assert_eq!(world.issuer.requests_to("/keys"), 1, "kept");
    assert_eq!(
        world.issuer.requests_to("/.well-known/openid-configuration"),
        1,
        "kept"
    );
    let rotate = |id: &str| {
        let mut state = world.issuer.state();
        state.key = Key::new(id);
        state.keys = json!({ "keys": [state.key.jwk()] });
        state.header["kid"] = json!(id);
    };
    world.host.advance_seconds(6);
    for claim in ["iat", "exp"] {
        let mut state = world.issuer.state();
        state.claims[claim] = json!(state.claims[claim].as_i64().unwrap() + 6);
    }
    rotate("key-2");
    assert_eq!(
        world.walk().outcome(),
        Outcome::Accepted,
        "an unknown key id is looked for"
    );
    assert_eq!(world.issuer.requests_to("/keys"), 2);
    // Tokens with invented ids do not become requests.
    world.issuer.state().header["kid"] = json!("invented");
    for _ in 0..5 {
        assert_eq!(world.walk().outcome(), WRONG);
    }
    assert_eq!(world.issuer.requests_to("/keys"), 2);
    // A key that the issuer took back is good no longer than ten minutes, also under its old id.
    rotate("key-2");
    assert_eq!(world.walk().outcome(), WRONG);
    world.host.advance_seconds(600);
    for claim in ["iat", "exp"] {
        let mut state = world.issuer.state();
        state.claims[claim] = json!(state.claims[claim].as_i64().unwrap() + 600);
    }
    assert_eq!(world.walk().outcome(), Outcome::Accepted);
    assert_eq!(world.issuer.requests_to("/keys"), 3);
}

#[test]
fn userinfo_adds_and_never_replaces() {
    let userinfo = [("userinfo", ConfigValue::Boolean(true))];
    let world = World::new(&userinfo);
    let answer = world.walk();
    assert_eq!(answer.outcome(), Outcome::Accepted, "{:?}", answer.message);
    assert_eq!(attribute(&answer, "locale"), Some(json!("fr")));
    assert_eq!(attribute(&answer, "email"), Some(json!("ada@example.com")));
    for (name, bend) in [
        (
            "somebody else",
            (|s: &mut State| s.userinfo["sub"] = json!("subject-2")) as fn(&mut State),
        ),
        ("nobody", |s| s.userinfo = json!({ "email": "x" })),
        ("not there", |s| s.statuses[3] = 403),
        ("no endpoint", |s| {
            s.discovery = without(s.discovery.clone(), &["userinfo_endpoint"]);
        }),
    ] {
        let world = World::new(&userinfo);
        bend(&mut world.issuer.state());
        assert_eq!(world.walk().outcome(), UNAVAILABLE, "{name}");
    }
}

#[test]
fn clients_authenticate_as_configured() {
    let world = World::new(&[("client_authentication", text("post"))]);
    world.issuer.state().authorization = None;
    assert_eq!(world.walk().outcome(), Outcome::Accepted);
    let form = world
        .issuer
        .state()
        .seen
        .iter()
        .find(|request| request.method == "POST")
        .unwrap()
        .body
        .clone();
    let form = String::from_utf8(form).unwrap();
    assert!(
        form.contains("client_id=client&client_secret=s3cret%3A%25"),
        "{form}"
    );
    // A public client: PKCE alone.
    let host = TestHost::new();
    let issuer = Issuer::new(ISSUER, host.unix_seconds());
    issuer.state().authorization = None;
    connect(host, &[&issuer]);
    let options = [
        ("issuer", text(ISSUER)),
        ("client_id", text("client")),
        ("redirect_uri", text("https://app.example/callback")),
    ];
    let oidc = host
        .adopt(doorward_module())
        .open("oidc", "corp", &options)
        .unwrap();
    let world = World { host, issuer, oidc };
    assert_eq!(world.walk().outcome(), Outcome::Accepted);
}

#[test]
fn options_that_cannot_work_are_refused_by_name() {
    for (option, value, told) in [
        (
            "issuer",
            "http://issuer.example",
            "issuer must be an https address",
        ),
        (
            "issuer",
            "https://issuer.example?a=b",
            "issuer must be an https address with neither query nor fragment",
        ),
        (
            "issuer",
            "https://user@issuer.example",
            "issuer must be an https address",
        ),
        (
            "issuer",
            "https://issuer.example\n",
            "issuer must be an https address",
        ),
        (
            "redirect_uri",
            "http://app.example/callback",
            "redirect_uri must be an https address",
        ),
        (
            "redirect_uri",
            "https://app.example/#a",
            "redirect_uri must be an https address",
        ),
        (
            "algorithms",
            "RS256 HS256",
            "algorithms must be one or more of RS256",
        ),
        ("algorithms", "none", "algorithms must be one or more of RS256"),
        ("algorithms", " ", "algorithms must be one or more of RS256"),
        ("client_id", "", "client_id must be 1 to 512 characters"),
        (
            "client_authentication",
            "jwt",
            "client_authentication must be one of \"basic\", \"post\"",
        ),
    ] {
        let refused = try_open(TestHost::new(), "corp", ISSUER, &[(option, text(value))]);
        let why = refused.err().unwrap_or_default();
        assert!(why.contains(told), "{option} = {value:?}: {why}");
    }
    assert!(try_open(TestHost::new(), "corp", "http://127.0.0.1:8080", &[]).is_ok());
}

#[test]
fn without_http_or_without_permission_nobody_can_be_decided() {
    let world = open(TestHost::bare(), "corp", ISSUER, &[]);
    assert_eq!(world.ask(&Ask::verify().nobody()).outcome(), UNAVAILABLE);
    // Nobody answers: what a host says whose `egress` lists nothing.
    let answer = open(TestHost::new(), "corp", ISSUER, &[]).ask(&Ask::verify().nobody());
    assert_eq!(answer.outcome(), UNAVAILABLE);
    let told = format!("{:?}", answer.message);
    assert!(
        told.contains("`egress` of this provider does not list https://issuer.example"),
        "{told}"
    );
}

#[test]
fn the_issuer_is_asked_once_for_all_who_wait() {
    let world = World::new(&[]);
    let (issuer, asked) = (world.issuer.clone(), std::sync::Arc::new(AtomicUsize::new(0)));
    let waiting = std::sync::Arc::new(AtomicUsize::new(0));
    let (seen, begun) = (asked.clone(), waiting.clone());
    world.host.answer_http(move |request| {
        seen.fetch_add(1, Ordering::SeqCst);
        // Until everybody is on the way, and for a moment more: whoever would ask as well does it now.
        while begun.load(Ordering::SeqCst) < 8 {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        Ok(issuer.state().answer(request))
    });
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                waiting.fetch_add(1, Ordering::SeqCst);
                let begun = world.oidc.ask(&Ask::verify().nobody());
                assert_eq!(begun.outcome(), Outcome::Continue, "{:?}", begun.message);
            });
        }
    });
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn an_issuer_that_fails_is_asked_again_after_some_seconds_and_not_before() {
    let world = World::new(&[]);
    world.issuer.state().statuses[0] = 503;
    let path = "/.well-known/openid-configuration";
    for _ in 0..101 {
        let failed = world.oidc.ask(&Ask::verify().nobody());
        assert_eq!(failed.outcome(), UNAVAILABLE);
        assert!(failed.message.contains("503"), "{}", failed.message);
    }
    assert_eq!(world.issuer.requests_to(path), 1);
    world.issuer.state().statuses[0] = 200;
    world.host.advance_seconds(6);
    assert_eq!(
        world.oidc.ask(&Ask::verify().nobody()).outcome(),
        Outcome::Continue
    );
    assert_eq!(world.issuer.requests_to(path), 2);
}

#[test]
fn a_document_over_the_limit_is_the_issuers_fault_and_told_with_its_size() {
    let world = World::new(&[]);
    world.issuer.state().discovery["padding"] = "x".repeat(300_000).into();
    let failed = world.oidc.ask(&Ask::verify().nobody());
    assert_eq!(failed.outcome(), UNAVAILABLE);
    for said in ["https://issuer.example has 300", "at most 262144"] {
        assert!(failed.message.contains(said), "{}", failed.message);
    }
}
