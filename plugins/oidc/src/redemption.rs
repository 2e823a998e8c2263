//! Redeeming the code at the token endpoint (RFC 6749 section 4.1.3, OpenID Connect Core 1.0 section 3.1.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_plugin::{Failure, Host, HttpAnswer, Zeroizing};
use serde::Deserialize;
use url::form_urlencoded;

use crate::discovery::Metadata;
use crate::options::{ClientAuthentication, Options};
use crate::pending::Pending;
use crate::web::{json, send};

/// What the code was worth.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) id_token: String,
    token_type: String,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// The tokens; `None`: the issuer says that the code is not good (`invalid_grant`).
pub(crate) fn redeem(
    host: Host<'_>,
    options: &Options,
    metadata: &Metadata,
    pending: &Pending,
    code: &str,
) -> Result<Option<Tokens>, Failure> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", &options.redirect_uri)
        .append_pair("code_verifier", &pending.verifier);
    let mut lines = vec![
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let authorization;
    match &options.authentication {
        ClientAuthentication::Basic(secret) => {
            authorization = basic(&options.client_id, secret);
            lines.push(("Authorization", &authorization));
        }
        ClientAuthentication::None => {
            form.append_pair("client_id", &options.client_id);
        }
        ClientAuthentication::Post(secret) => {
            form.append_pair("client_id", &options.client_id)
                .append_pair("client_secret", secret);
        }
    }
    let body = Zeroizing::new(form.finish());
    let answer = send(host, c"POST", &metadata.token_endpoint, &lines, body.as_bytes())?;
    if is_refused_code(&answer) {
        return Ok(None);
    }
    let tokens: Tokens = json(&answer, "tokens")?;
    // RFC 6749 section 7.1: a type that is not understood must not be used.
    if !tokens.token_type.eq_ignore_ascii_case("bearer") {
        return Err(Failure::unavailable(
            "the issuer gave an access token of a type other than Bearer",
        ));
    }
    Ok(Some(tokens))
}

/// RFC 6749 section 5.2. Every other error is between the issuer and the operator.
fn is_refused_code(answer: &HttpAnswer) -> bool {
    answer.status == 400
        && serde_json::from_slice::<Refused>(&answer.body)
            .is_ok_and(|refused| refused.error == "invalid_grant")
}

/// RFC 6749 section 2.3.1: both are form-encoded first, so a colon in either separates nothing.
fn basic(client_id: &str, secret: &str) -> Zeroizing<String> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), encoded(secret)));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}
