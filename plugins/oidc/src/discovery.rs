//! What the issuer publishes about itself (OpenID Connect Discovery 1.0 section 3, RFC 8414).

use std::sync::Arc;

use doorward_plugin::{Failure, Host};
use serde::Deserialize;
use url::Url;

use crate::shared::Shared;
use crate::web::{document, is_acceptable};

/// How long it is believed, in nanoseconds: an hour.
const LIFETIME_NS: u64 = 3_600_000_000_000;

/// The document, checked.
pub(crate) struct Metadata {
    pub(crate) authorization_endpoint: Url,
    pub(crate) token_endpoint: Url,
    pub(crate) jwks_uri: Url,
    pub(crate) userinfo_endpoint: Option<Url>,
    /// Responses carry `iss` (RFC 9207 section 3), so one without it is not the issuer's.
    pub(crate) says_iss: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
}

/// The document as this process has it.
#[derive(Default)]
pub(crate) struct Discovery(Shared<Metadata>);

impl Discovery {
    /// The document, fetched when there is none or it is old.
    pub(crate) fn metadata(&self, host: Host<'_>, issuer: &str) -> Result<Arc<Metadata>, Failure> {
        self.0.get(
            host,
            |_, age| age < LIFETIME_NS,
            || {
                // Section 4.1: the path is appended, a final slash of the issuer taken off first.
                let url = format!(
                    "{}/.well-known/openid-configuration",
                    issuer.trim_end_matches('/')
                );
                let url = Url::parse(&url).map_err(|_| Failure::config("issuer is no address"))?;
                checked(document(host, &url, &[], "its configuration")?, issuer)
            },
        )
    }
}

fn checked(document: Document, issuer: &str) -> Result<Metadata, Failure> {
    // Section 4.3: exactly equal, or one issuer could speak for another.
    if document.issuer != issuer {
        return Err(Failure::unavailable(
            "the configuration of the issuer names another issuer: compare `issuer` with it, byte by byte",
        ));
    }
    let lacks = |list: &Option<Vec<String>>, value: &str| {
        list.as_ref()
            .is_some_and(|list| !list.iter().any(|item| item == value))
    };
    if lacks(&document.response_types_supported, "code") {
        return Err(Failure::unavailable(
            "the issuer does not offer the authorization code flow",
        ));
    }
    if lacks(&document.code_challenge_methods_supported, "S256") {
        return Err(Failure::unavailable("the issuer does not offer PKCE with S256"));
    }
    let endpoint = |name: &str, text: &str| {
        Url::parse(text)
            .ok()
            .filter(|url| is_acceptable(url) && url.fragment().is_none())
            .ok_or_else(|| {
                Failure::unavailable(format!(
                    "the configuration of the issuer has a {name} that is no https address"
                ))
            })
    };
    Ok(Metadata {
        authorization_endpoint: endpoint("authorization_endpoint", &document.authorization_endpoint)?,
        token_endpoint: endpoint("token_endpoint", &document.token_endpoint)?,
        jwks_uri: endpoint("jwks_uri", &document.jwks_uri)?,
        userinfo_endpoint: document
            .userinfo_endpoint
            .map(|text| endpoint("userinfo_endpoint", &text))
            .transpose()?,
        says_iss: document.authorization_response_iss_parameter_supported,
    })
}
