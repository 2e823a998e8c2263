//! The ID token: one mutation for every check.

use doorward_plugin::abi;
use doorward_plugin_testing::{ConfigValue, Outcome, TestHost};
use serde_json::{Value, json};

use crate::issuer::{ACCESS_TOKEN, CODE, Key, Signing};
use crate::world::*;

/// What is bent, and what follows, at 1767225600.
const ROWS: &[Row] = &[
    // What must go on working.
    ("as it is", |_| {}, Outcome::Accepted),
    (
        "one audience in a list",
        |s| s.claims["aud"] = json!(["client"]),
        Outcome::Accepted,
    ),
    (
        "the authorized party",
        |s| s.claims["azp"] = json!("client"),
        Outcome::Accepted,
    ),
    (
        "expired within the skew",
        |s| s.claims["exp"] = json!(1_767_225_600 - 59),
        Outcome::Accepted,
    ),
    (
        "issued within the skew ahead",
        |s| s.claims["iat"] = json!(1_767_225_600 + 60),
        Outcome::Accepted,
    ),
    (
        "not before now",
        |s| s.claims["nbf"] = json!(1_767_225_600),
        Outcome::Accepted,
    ),
    (
        "a date with a fraction",
        |s| s.claims["iat"] = json!(1_767_225_600.5),
        Outcome::Accepted,
    ),
    (
        "no type",
        |s| {
            s.header.as_object_mut().unwrap().remove("typ");
        },
        Outcome::Accepted,
    ),
    (
        "no key id, and one key",
        |s| {
            s.header.as_object_mut().unwrap().remove("kid");
        },
        Outcome::Accepted,
    ),
    (
        "the hash of the access token",
        |s| s.claims["at_hash"] = half_hash(ACCESS_TOKEN),
        Outcome::Accepted,
    ),
    (
        "the hash of the code",
        |s| s.claims["c_hash"] = half_hash(CODE),
        Outcome::Accepted,
    ),
    (
        "keys of unknown kinds beside it",
        |s| {
            let key = s.key.jwk();
            s.keys = json!({ "keys": [{ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" }, 7, { "kid": "key-1" }, key] });
        },
        Outcome::Accepted,
    ),
    (
        "a key without use and algorithm",
        |s| s.keys["keys"][0] = without(s.key.jwk(), &["use", "alg"]),
        Outcome::Accepted,
    ),
    (
        "a subject of 255 bytes",
        |s| s.claims["sub"] = "s".repeat(255).into(),
        Outcome::Accepted,
    ),
    (
        "token type in small letters",
        |s| s.tokens["token_type"] = json!("bearer"),
        Outcome::Accepted,
    ),
    // Signature and header.
    ("a strange key", |s| s.signing = Signing::Strange, WRONG),
    ("no signature", |s| s.signing = Signing::Nothing, WRONG),
    (
        "alg none",
        |s| {
            s.header["alg"] = json!("none");
            s.signing = Signing::Nothing;
        },
        WRONG,
    ),
    (
        "alg None",
        |s| {
            s.header["alg"] = json!("None");
            s.signing = Signing::Nothing;
        },
        WRONG,
    ),
    (
        "alg HS256 with the public point",
        |s| {
            s.header["alg"] = json!("HS256");
            s.signing = Signing::Hmac(s.key.public());
        },
        WRONG,
    ),
    (
        "alg HS256 with the client secret",
        |s| {
            s.header["alg"] = json!("HS256");
            s.signing = Signing::Hmac(b"s3cret:%".to_vec());
        },
        WRONG,
    ),
    (
        "alg HS256 with a published oct key",
        |s| {
            s.header["alg"] = json!("HS256");
            s.keys["keys"][0] = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "key-1" });
            s.signing = Signing::Hmac(b"secret".to_vec());
        },
        WRONG,
    ),
    (
        "another algorithm than the key's",
        |s| s.header["alg"] = json!("ES384"),
        WRONG,
    ),
    (
        "an algorithm that is not listed",
        |s| s.header["alg"] = json!("RS512"),
        WRONG,
    ),
    (
        "no algorithm",
        |s| {
            s.header.as_object_mut().unwrap().remove("alg");
        },
        WRONG,
    ),
    (
        "critical b64",
        |s| {
            s.header["crit"] = json!(["b64"]);
            s.header["b64"] = json!(true);
        },
        WRONG,
    ),
    ("critical nothing", |s| s.header["crit"] = json!([]), WRONG),
    ("compressed", |s| s.header["zip"] = json!("DEF"), WRONG),
    (
        "an access token's type",
        |s| s.header["typ"] = json!("at+jwt"),
        WRONG,
    ),
    (
        "a logout token's type",
        |s| s.header["typ"] = json!("logout+jwt"),
        WRONG,
    ),
    ("another key id", |s| s.header["kid"] = json!("key-2"), WRONG),
    (
        "a key in the header",
        |s| {
            let strange = Key::new("key-3");
            s.header["jwk"] = strange.jwk();
            s.header["kid"] = json!("key-3");
            s.key = strange;
        },
        WRONG,
    ),
    (
        "two keys of that id",
        |s| {
            let key = s.key.jwk();
            s.keys = json!({ "keys": [key, Key::new("key-1").jwk()] });
        },
        WRONG,
    ),
    (
        "no key id, and two keys",
        |s| {
            s.header.as_object_mut().unwrap().remove("kid");
            let key = s.key.jwk();
            s.keys = json!({ "keys": [key, Key::new("key-2").jwk()] });
        },
        WRONG,
    ),
    (
        "a key for encryption",
        |s| s.keys["keys"][0]["use"] = json!("enc"),
        WRONG,
    ),
    (
        "a key for signing only",
        |s| s.keys["keys"][0]["key_ops"] = json!(["sign"]),
        WRONG,
    ),
    (
        "a key of another algorithm",
        |s| s.keys["keys"][0]["alg"] = json!("ES384"),
        WRONG,
    ),
    (
        "a key of another curve",
        |s| s.keys["keys"][0]["crv"] = json!("P-384"),
        WRONG,
    ),
    (
        "a point that is on no curve",
        |s| s.keys["keys"][0]["x"] = json!("AAAA"),
        WRONG,
    ),
    ("no keys", |s| s.keys = json!({ "keys": [] }), WRONG),
    // Claims.
    (
        "another issuer",
        |s| s.claims["iss"] = json!("https://other.example"),
        WRONG,
    ),
    (
        "the issuer with a slash",
        |s| s.claims["iss"] = json!("https://issuer.example/"),
        WRONG,
    ),
    (
        "the issuer in capitals",
        |s| s.claims["iss"] = json!("https://ISSUER.example"),
        WRONG,
    ),
    ("no issuer", |s| s.claims["iss"] = Value::Null, WRONG),
    ("issuers in a list", |s| s.claims["iss"] = json!([ISSUER]), WRONG),
    ("another audience", |s| s.claims["aud"] = json!("other"), WRONG),
    ("a longer audience", |s| s.claims["aud"] = json!("client2"), WRONG),
    (
        "another audience beside",
        |s| s.claims["aud"] = json!(["client", "other"]),
        WRONG,
    ),
    (
        "another audience beside, with azp",
        |s| {
            s.claims["aud"] = json!(["client", "other"]);
            s.claims["azp"] = json!("client");
        },
        WRONG,
    ),
    ("no audience", |s| s.claims["aud"] = Value::Null, WRONG),
    (
        "an empty list of audiences",
        |s| s.claims["aud"] = json!([]),
        WRONG,
    ),
    (
        "another authorized party",
        |s| s.claims["azp"] = json!("other"),
        WRONG,
    ),
    (
        "an authorized party that is no text",
        |s| s.claims["azp"] = json!(["client"]),
        WRONG,
    ),
    ("expired", |s| s.claims["exp"] = json!(1_767_225_600 - 60), WRONG),
    ("no expiry", |s| s.claims["exp"] = Value::Null, WRONG),
    (
        "an expiry as text",
        |s| s.claims["exp"] = json!("1767225900"),
        WRONG,
    ),
    ("an endless expiry", |s| s.claims["exp"] = json!(1e300), WRONG),
    (
        "issued in the future",
        |s| s.claims["iat"] = json!(1_767_225_600 + 61),
        WRONG,
    ),
    (
        "issued before the sign-in began",
        |s| s.claims["iat"] = json!(1_767_225_600 - 61),
        WRONG,
    ),
    ("no time of issue", |s| s.claims["iat"] = Value::Null, WRONG),
    (
        "not valid yet",
        |s| s.claims["nbf"] = json!(1_767_225_600 + 61),
        WRONG,
    ),
    ("not before a word", |s| s.claims["nbf"] = json!("soon"), WRONG),
    ("another nonce", |s| s.claims["nonce"] = json!("nonce"), WRONG),
    ("no nonce", |s| s.claims["nonce"] = Value::Null, WRONG),
    ("a nonce that is no text", |s| s.claims["nonce"] = json!(7), WRONG),
    (
        "the hash of another access token",
        |s| s.claims["at_hash"] = half_hash("access-2"),
        WRONG,
    ),
    (
        "the hash of another code",
        |s| s.claims["c_hash"] = half_hash("code-2"),
        WRONG,
    ),
    (
        "a hash that is no text",
        |s| s.claims["at_hash"] = json!(7),
        WRONG,
    ),
    ("no subject", |s| s.claims["sub"] = Value::Null, WRONG),
    ("an empty subject", |s| s.claims["sub"] = json!(""), WRONG),
    (
        "a subject that is a number",
        |s| s.claims["sub"] = json!(1),
        WRONG,
    ),
    (
        "a subject of 256 bytes",
        |s| s.claims["sub"] = "s".repeat(256).into(),
        WRONG,
    ),
    ("not a token", |s| s.tokens["id_token"] = json!("a.b.c"), WRONG),
    ("two parts", |s| s.tokens["id_token"] = json!("e30.e30"), WRONG),
    (
        "a token that is too long",
        |s| s.claims["long"] = "s".repeat(70_000).into(),
        WRONG,
    ),
    // What the issuer answers.
    ("no ID token", |s| s.tokens["id_token"] = Value::Null, UNAVAILABLE),
    (
        "no access token",
        |s| s.tokens["access_token"] = Value::Null,
        UNAVAILABLE,
    ),
    (
        "an access token of another type",
        |s| s.tokens["token_type"] = json!("DPoP"),
        UNAVAILABLE,
    ),
    ("another status than 200", |s| s.statuses[2] = 302, UNAVAILABLE),
    (
        "a client that is not known",
        |s| s.authorization = None,
        UNAVAILABLE,
    ),
    ("keys that cannot be had", |s| s.statuses[1] = 500, UNAVAILABLE),
    ("keys that are none", |s| s.keys = json!([]), UNAVAILABLE),
];

#[test]
fn every_check_of_the_id_token_is_made() {
    let now = TestHost::new().unix_seconds();
    assert_eq!(now, 1_767_225_600, "the table counts on it");
    for (name, bend, outcome) in ROWS {
        let world = World::new(&[]);
        let (state, callback) = world.begin();
        bend(&mut world.issuer.state());
        let answer = world.end(&state, &callback);
        assert_eq!(answer.outcome(), *outcome, "{name}: {:?}", answer.message);
        let told = format!("{:?} {:?}", answer.message, world.host.logged());
        for secret in [CODE, ACCESS_TOKEN, "s3cret", "ada@example.com", &callback.state] {
            assert!(!told.contains(secret), "{name}: {told}");
        }
    }
}

#[test]
fn what_is_asked_of_the_issuer_is_checked_in_its_answer() {
    let now = TestHost::new().unix_seconds();
    let max_age = [("max_age", ConfigValue::Integer(600))];
    for (auth_time, outcome) in [
        (json!(now - 600), Outcome::Accepted),
        (json!(now - 660), Outcome::Accepted),
        (json!(now - 661), WRONG),
        (json!(now + 61), WRONG),
        (Value::Null, WRONG),
        (json!("now"), WRONG),
    ] {
        let world = World::new(&max_age);
        world.issuer.state().claims["auth_time"] = auth_time.clone();
        assert_eq!(world.walk().outcome(), outcome, "{auth_time}");
    }
    for (acr, outcome) in [
        (json!("gold"), Outcome::Accepted),
        (json!("silver"), Outcome::Accepted),
        (json!("bronze"), WRONG),
        (json!("gold silver"), WRONG),
        (json!(["gold"]), WRONG),
        (Value::Null, WRONG),
    ] {
        let world = World::new(&[("acr_values", text("gold silver"))]);
        world.issuer.state().claims["acr"] = acr.clone();
        assert_eq!(world.walk().outcome(), outcome, "{acr}");
    }
    let world = World::new(&[("algorithms", text("RS256"))]);
    assert_eq!(
        world.walk().outcome(),
        WRONG,
        "an algorithm that the operator took off the list"
    );
}

/// What the issuer says of two factors counts where the operator has named it, and nowhere else.
#[test]
fn a_configured_method_or_class_that_came_is_two_in_one() {
    let of = |options: &[(&str, ConfigValue)], name: &str, value: &Value| {
        let world = World::new(options);
        world.issuer.state().claims[name] = value.clone();
        let answer = world.walk();
        assert_eq!(answer.outcome(), Outcome::Accepted, "{name} {value}");
        answer.reason == abi::ACCEPT_TWO_IN_ONE
    };
    let methods = [("amr", text("mfa hwk"))];
    for (amr, expected) in [
        (json!(["mfa"]), true),
        (json!(["pwd", "mfa"]), true),
        (json!(["hwk"]), true),
        // One factor: it signs in, as one.
        (json!(["pwd"]), false),
        (json!([]), false),
        (Value::Null, false),
        // No list of words: nothing was said.
        (json!("mfa"), false),
        (json!(["mfa hwk"]), false),
        (json!(["MFA"]), false),
        (json!([["mfa"]]), false),
        (json!({ "mfa": true }), false),
    ] {
        assert_eq!(of(&methods, "amr", &amr), expected, "{amr}");
    }
    assert!(!of(&[], "amr", &json!(["mfa"])), "nobody configured it");
    assert!(of(&[("acr_values", text("gold"))], "acr", &json!("gold")));
    assert!(!of(&[], "acr", &json!("gold")));
    assert!(!of(&methods, "acr", &json!("mfa")), "a class is no method");
}

/// Only what is signed counts: the userinfo endpoint adds nothing to it.
#[test]
fn the_methods_of_the_userinfo_endpoint_are_no_factors() {
    let world = World::new(&[("amr", text("mfa")), ("userinfo", ConfigValue::Boolean(true))]);
    world.issuer.state().userinfo["amr"] = json!(["mfa"]);
    let answer = world.walk();
    assert_eq!(answer.outcome(), Outcome::Accepted);
    assert_ne!(answer.reason, abi::ACCEPT_TWO_IN_ONE);
}
