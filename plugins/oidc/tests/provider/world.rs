//! An issuer, a client of it, and the browser between them.

use doorward_oidc::doorward_module;
use doorward_plugin::abi;
use doorward_plugin_testing::{Answer, Ask, ConfigValue, Outcome, Provider, TestHost};
use serde_json::Value;

use crate::issuer::{CODE, Issuer, State, connect};

pub(crate) const ISSUER: &str = "https://issuer.example";

pub(crate) fn text(value: &str) -> ConfigValue {
    ConfigValue::Text(value.to_owned())
}

pub(crate) fn open(host: TestHost, provider: &str, issuer: &str, more: &[(&str, ConfigValue)]) -> Provider {
    try_open(host, provider, issuer, more).unwrap()
}

pub(crate) fn try_open(
    host: TestHost,
    provider: &str,
    issuer: &str,
    more: &[(&str, ConfigValue)],
) -> Result<Provider, String> {
    let mut options = vec![
        ("issuer", text(issuer)),
        ("client_id", text("client")),
        ("client_secret", ConfigValue::Secret(b"s3cret:%".to_vec())),
        ("redirect_uri", text("https://app.example/callback")),
    ];
    for (name, value) in more {
        options.retain(|(known, _)| known != name);
        options.push((name, value.clone()));
    }
    host.adopt(doorward_module())
        .open("oidc", provider, &options)
        .map_err(|(_, why)| why)
}

/// What the browser brings back.
#[derive(Clone)]
pub(crate) struct Callback {
    pub(crate) state: String,
    pub(crate) code: String,
    pub(crate) iss: Option<String>,
    pub(crate) error: Option<String>,
}

/// An issuer, a client of it, and the clock between them.
pub(crate) struct World {
    pub(crate) host: TestHost,
    pub(crate) issuer: Issuer,
    pub(crate) oidc: Provider,
}

impl World {
    pub(crate) fn new(options: &[(&str, ConfigValue)]) -> Self {
        let host = TestHost::new();
        let issuer = Issuer::new(ISSUER, host.unix_seconds());
        connect(host, &[&issuer]);
        Self {
            host,
            issuer,
            oidc: open(host, "corp", ISSUER, options),
        }
    }

    pub(crate) fn begin(&self) -> (Vec<u8>, Callback) {
        let begun = self.oidc.ask(&Ask::verify().nobody());
        assert_eq!(begun.outcome(), Outcome::Continue, "{:?}", begun.message);
        let state = self.issuer.authorize(&begun.challenged("url"));
        let callback = Callback {
            state,
            code: CODE.to_owned(),
            iss: None,
            error: None,
        };
        (begun.next_state().to_vec(), callback)
    }

    pub(crate) fn end(&self, state: &[u8], callback: &Callback) -> Answer {
        end(&self.oidc, state, callback)
    }

    pub(crate) fn walk(&self) -> Answer {
        let (state, callback) = self.begin();
        self.end(&state, &callback)
    }
}

pub(crate) fn end(oidc: &Provider, state: &[u8], callback: &Callback) -> Answer {
    let mut ask = Ask::step_of_verify(state)
        .nobody()
        .credential("state", &callback.state)
        .credential("code", &callback.code);
    if let Some(iss) = &callback.iss {
        ask = ask.credential("iss", iss);
    }
    if let Some(error) = &callback.error {
        ask = ask.credential("error", error);
    }
    oidc.ask(&ask)
}

pub(crate) const WRONG: Outcome = Outcome::Denied(abi::WRONG);
pub(crate) const UNAVAILABLE: Outcome = Outcome::Undecided(abi::E_UNAVAILABLE);

pub(crate) fn attribute(answer: &Answer, name: &str) -> Option<Value> {
    let found = answer.attributes.iter().find(|(known, _)| known == name);
    found.map(|(_, json)| serde_json::from_slice(json).unwrap())
}

/// The left half of the hash, as in `at_hash`.
pub(crate) fn half_hash(text: &str) -> Value {
    use base64::Engine as _;
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .encode(&digest.as_ref()[..16])
        .into()
}

pub(crate) fn without(mut value: Value, names: &[&str]) -> Value {
    for name in names {
        value.as_object_mut().unwrap().remove(*name);
    }
    value
}

/// One thing is bent, and what follows.
pub(crate) type Row = (&'static str, fn(&mut State), Outcome);
