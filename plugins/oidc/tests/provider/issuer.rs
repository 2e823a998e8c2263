//! A small issuer inside the test: everything that it says can be bent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_plugin::HttpAnswer;
use doorward_plugin_testing::{HttpRequest, TestHost};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use url::Url;

pub(crate) const CODE: &str = "code+1/=";
pub(crate) const ACCESS_TOKEN: &str = "access-1";

/// How the ID token is signed.
#[derive(Clone)]
pub(crate) enum Signing {
    /// With the issuer's key.
    Own,
    /// With a key that the issuer does not publish.
    Strange,
    /// With HMAC, this being the key.
    Hmac(Vec<u8>),
    /// Not at all.
    Nothing,
}

pub(crate) struct Key {
    pair: EcdsaKeyPair,
    pub(crate) id: String,
}

impl Key {
    pub(crate) fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        Self {
            pair: pair.unwrap(),
            id: id.to_owned(),
        }
    }

    pub(crate) fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.public();
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }
}

pub(crate) struct State {
    pub(crate) issuer: String,
    pub(crate) key: Key,
    pub(crate) discovery: Value,
    pub(crate) keys: Value,
    pub(crate) header: Value,
    /// `nonce` comes from the request unless it is here already.
    pub(crate) claims: Value,
    pub(crate) signing: Signing,
    /// Added to the token response, in place of what is there.
    pub(crate) tokens: Value,
    pub(crate) userinfo: Value,
    /// Status of the discovery, key, token and userinfo endpoints.
    pub(crate) statuses: [u16; 4],
    /// Asked of whoever redeems a code.
    pub(crate) authorization: Option<String>,
    pub(crate) redirect_uri: String,
    /// Of the last authorization request.
    request: Vec<(String, String)>,
    pub(crate) seen: Vec<HttpRequest>,
}

#[derive(Clone)]
pub(crate) struct Issuer(pub(crate) Arc<Mutex<State>>);

impl Issuer {
    /// An issuer of this name, at which `client` is registered, as far as `host` can see.
    pub(crate) fn new(name: &str, now: i64) -> Self {
        let key = Key::new("key-1");
        Self(Arc::new(Mutex::new(State {
            issuer: name.to_owned(),
            discovery: json!({
                "issuer": name,
                "authorization_endpoint": format!("{name}/authorize?tenant=a"),
                "token_endpoint": format!("{name}/token"),
                "jwks_uri": format!("{name}/keys"),
                "userinfo_endpoint": format!("{name}/userinfo"),
                "response_types_supported": ["code", "id_token"],
                "code_challenge_methods_supported": ["plain", "S256"],
            }),
            keys: json!({ "keys": [key.jwk()] }),
            header: json!({ "alg": "ES256", "typ": "JWT", "kid": "key-1" }),
            claims: json!({
                "iss": name, "sub": "subject-1", "aud": "client", "exp": now + 300, "iat": now,
                "email": "ada@example.com", "email_verified": true, "name": "Ada",
            }),
            signing: Signing::Own,
            tokens: json!({}),
            userinfo: json!({ "sub": "subject-1", "email": "other@example.com", "locale": "fr" }),
            statuses: [200; 4],
            authorization: Some(format!("Basic {}", STANDARD.encode("client:s3cret%3A%25"))),
            redirect_uri: "https://app.example/callback".to_owned(),
            request: Vec::new(),
            seen: Vec::new(),
            key,
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the browser is sent to; gives the `state` parameter.
    pub(crate) fn authorize(&self, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        let mut state = self.state();
        state.request = url.query_pairs().into_owned().collect();
        state.asked("state")
    }

    pub(crate) fn requests_to(&self, path: &str) -> usize {
        let state = self.state();
        state
            .seen
            .iter()
            .filter(|request| request.url == format!("{}{path}", state.issuer))
            .count()
    }
}

/// Connects the host with these issuers.
pub(crate) fn connect(host: TestHost, issuers: &[&Issuer]) {
    let issuers: Vec<Issuer> = issuers.iter().map(|issuer| (*issuer).clone()).collect();
    host.answer_http(move |request| {
        let issuer = issuers
            .iter()
            .find(|issuer| request.url.starts_with(&format!("{}/", issuer.state().issuer)));
        issuer.map_or(Err(-6), |issuer| Ok(issuer.state().answer(request)))
    });
}

impl State {
    pub(crate) fn asked(&self, name: &str) -> String {
        let found = self.request.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub(crate) fn answer(&mut self, request: &HttpRequest) -> HttpAnswer {
        self.seen.push(request.clone());
        let path = request.url[self.issuer.len()..].to_owned();
        let (status, body) = match (request.method.as_str(), path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => (self.statuses[0], self.discovery.clone()),
            ("GET", "/keys") => (self.statuses[1], self.keys.clone()),
            ("POST", "/token") => self.redeem(request),
            ("GET", "/userinfo")
                if header(request, "authorization").as_deref() == Some("Bearer access-1") =>
            {
                (self.statuses[3], self.userinfo.clone())
            }
            _ => (404, json!({})),
        };
        HttpAnswer {
            status,
            body: body.to_string().into_bytes(),
        }
    }

    fn redeem(&self, request: &HttpRequest) -> (u16, Value) {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let given = |name: &str| {
            form.iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let challenge = given("code_verifier").map(|text| URL_SAFE_NO_PAD.encode(digest(text)));
        let good = given("grant_type") == Some("authorization_code")
            && given("code") == Some(CODE)
            && given("redirect_uri") == Some(&self.redirect_uri)
            && challenge == Some(self.asked("code_challenge"))
            && given("code_verifier").is_some_and(|text| text.len() >= 43);
        if header(request, "authorization") != self.authorization {
            return (401, json!({ "error": "invalid_client" }));
        }
        if !good {
            return (400, json!({ "error": "invalid_grant" }));
        }
        let mut tokens =
            json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": self.id_token() });
        for (name, value) in self.tokens.as_object().unwrap() {
            if value.is_null() {
                tokens.as_object_mut().unwrap().remove(name);
            } else {
                tokens[name] = value.clone();
            }
        }
        (self.statuses[2], tokens)
    }

    pub(crate) fn id_token(&self) -> String {
        let mut claims = self.claims.clone();
        if claims.get("nonce").is_none() {
            claims["nonce"] = self.asked("nonce").into();
        }
        let claims = Value::Object(
            claims
                .as_object()
                .unwrap()
                .clone()
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
        );
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encoded(&self.header), encoded(&claims));
        let sign = |key: &Key| {
            key.pair
                .sign(&SystemRandom::new(), message.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec()
        };
        let signature = match &self.signing {
            Signing::Own => sign(&self.key),
            Signing::Strange => sign(&Key::new("key-1")),
            Signing::Hmac(key) => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
                ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Signing::Nothing => Vec::new(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn header(request: &HttpRequest, name: &str) -> Option<String> {
    request
        .headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.clone())
}
