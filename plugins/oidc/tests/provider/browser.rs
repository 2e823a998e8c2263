//! What the browser brings back, and two issuers that must not be mixed up.

use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Outcome, Provider, TestHost};
use serde_json::json;

use crate::issuer::{CODE, Issuer, connect};
use crate::world::{Callback, ISSUER, UNAVAILABLE, WRONG, World, end, open};

/// A name, whether the issuer promises `iss`, what is bent, and what follows.
type Row = (&'static str, bool, fn(&mut Callback), Outcome);

#[test]
fn every_check_of_what_the_browser_brings_is_made_before_the_code_goes_anywhere() {
    let says_iss = |world: &World| {
        world.issuer.state().discovery["authorization_response_iss_parameter_supported"] = json!(true);
    };
    let rows: Vec<Row> = vec![
        ("as it is", false, |_| {}, Outcome::Accepted),
        (
            "the right issuer",
            false,
            |c| c.iss = Some(ISSUER.into()),
            Outcome::Accepted,
        ),
        (
            "the right issuer, promised",
            true,
            |c| c.iss = Some(ISSUER.into()),
            Outcome::Accepted,
        ),
        ("no issuer, though promised", true, |_| {}, WRONG),
        (
            "another issuer",
            false,
            |c| c.iss = Some("https://other.example".into()),
            WRONG,
        ),
        (
            "the issuer with a slash",
            false,
            |c| c.iss = Some("https://issuer.example/".into()),
            WRONG,
        ),
        ("another state", false, |c| c.state = "A".repeat(43), WRONG),
        ("a shorter state", false, |c| c.state.truncate(42), WRONG),
        ("no state", false, |c| c.state.clear(), WRONG),
        (
            "no code",
            false,
            |c| c.code.clear(),
            Outcome::Denied(abi::INVALID_INPUT),
        ),
        (
            "the person said no",
            false,
            |c| c.error = Some("access_denied".into()),
            Outcome::Denied(abi::INVALID_INPUT),
        ),
        (
            "the issuer is down",
            false,
            |c| c.error = Some("server_error".into()),
            UNAVAILABLE,
        ),
        (
            "no by somebody else",
            false,
            |c| {
                c.error = Some("access_denied".into());
                c.state.clear();
            },
            WRONG,
        ),
    ];
    for (name, promised, bend, outcome) in rows {
        let world = World::new(&[]);
        if promised {
            says_iss(&world);
        }
        let (state, mut callback) = world.begin();
        bend(&mut callback);
        let answer = world.end(&state, &callback);
        assert_eq!(answer.outcome(), outcome, "{name}: {:?}", answer.message);
        assert_eq!(
            world.issuer.requests_to("/token"),
            usize::from(outcome == Outcome::Accepted),
            "{name}"
        );
    }
    let world = World::new(&[]);
    let (state, mut callback) = world.begin();
    callback.code = "code-2".into();
    assert_eq!(
        world.end(&state, &callback).outcome(),
        WRONG,
        "a code that the issuer does not know"
    );
    // Another sign-in's state does not fit this one's answer, in either direction.
    let (other, _) = world.begin();
    let (_, callback) = world.begin();
    assert_eq!(world.end(&other, &callback).outcome(), WRONG);
    // Nor does a state that is damaged.
    for damaged in [b"".as_slice(), b"\x02{}", b"\x01{}", &state[..state.len() - 1]] {
        assert_eq!(
            world.end(damaged, &callback).outcome(),
            Outcome::Fault(abi::E_FORMAT)
        );
    }
}

#[test]
fn two_issuers_cannot_be_taken_for_one_another() {
    let host = TestHost::new();
    let (honest, evil) = (
        Issuer::new(ISSUER, host.unix_seconds()),
        Issuer::new("https://evil.example", host.unix_seconds()),
    );
    connect(host, &[&honest, &evil]);
    let (corp, bad) = (
        open(host, "corp", ISSUER, &[]),
        open(host, "bad", "https://evil.example", &[]),
    );
    let begin = |oidc: &Provider, issuer: &Issuer| {
        let begun = oidc.ask(&Ask::verify().nobody());
        let state = issuer.authorize(&begun.challenged("url"));
        (
            begun.next_state().to_vec(),
            Callback {
                state,
                code: CODE.to_owned(),
                iss: None,
                error: None,
            },
        )
    };
    // The person begins at the evil issuer, which sends the browser on to the honest one and back: the code is the honest
    // issuer's, and would go to the evil one's token endpoint (the mix-up attack; RFC 9207 section 1).
    let (state, mut callback) = begin(&bad, &evil);
    callback.iss = Some(ISSUER.into());
    assert_eq!(end(&bad, &state, &callback).outcome(), WRONG);
    assert_eq!(evil.requests_to("/token"), 0);
    // The state of one provider is not good for the other, were the host to mix them up.
    let (state, callback) = begin(&bad, &evil);
    assert_eq!(
        end(&corp, &state, &callback).outcome(),
        Outcome::Fault(abi::E_FORMAT)
    );
    assert_eq!(honest.requests_to("/token"), 0);
    // The evil issuer signs, with its own key, a token that says it is the honest one's.
    evil.state().claims["iss"] = json!(ISSUER);
    let (state, callback) = begin(&bad, &evil);
    assert_eq!(end(&bad, &state, &callback).outcome(), WRONG);
    // It passes on the honest issuer's token, whose nonce it learnt by asking there itself.
    let (_, _) = begin(&corp, &honest);
    let stolen = honest.state().id_token();
    evil.state().tokens["id_token"] = stolen.into();
    let (state, callback) = begin(&bad, &evil);
    assert_eq!(end(&bad, &state, &callback).outcome(), WRONG);
    // And the same subject of two issuers is two people.
    evil.state().tokens = json!({});
    evil.state().claims["iss"] = json!("https://evil.example");
    let found = [(&corp, &honest), (&bad, &evil)].map(|(oidc, issuer)| {
        let (state, callback) = begin(oidc, issuer);
        end(oidc, &state, &callback).identifier.unwrap()
    });
    assert_ne!(found[0], found[1]);
}
