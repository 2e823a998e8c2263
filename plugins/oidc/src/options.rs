//! The options of an OpenID Connect provider.

use std::ffi::CStr;

use doorward_plugin::options::{FromText, Shape};
use doorward_plugin::{Config, Failure, Zeroizing, choices, options};
use jsonwebtoken::Algorithm;
use url::Url;

use crate::jws;
use crate::web::is_acceptable;

options! {
    /// The options as an operator writes them.
    struct Written {
        /// Exactly as the issuer writes it: compared byte by byte.
        issuer: Issuer,
        /// What the issuer calls this client.
        client_id: Plain,
        /// Without one the client is public, and PKCE alone protects it.
        client_secret: Option<Zeroizing<String>> [1..=4096],
        /// How the secret is sent to the token endpoint.
        client_authentication: Option<Method> => "`basic`",
        /// Exactly as registered.
        redirect_uri: Address,
        /// Words; `openid` is always among them.
        scopes: String [0..=1024] = "openid email profile",
        /// Asked of the issuer.
        prompt: Option<Prompt>,
        /// Seconds. Asked of the issuer, and `auth_time` is checked (ASVS 6.8.4).
        max_age: Option<i64> [0..=31_536_000],
        /// Words. Asked of the issuer, and `acr` must be one of them (ASVS 6.8.4).
        acr_values: Option<String> [1..=1024],
        /// Words: methods (RFC 8176, such as `mfa`) of which one in the ID token makes the sign-in two in one.
        amr: Option<String> [1..=1024],
        /// Signatures that are believed.
        algorithms: Algorithms = "RS256 PS256 ES256 ES384 EdDSA",
        /// How far the clocks may be apart, in seconds.
        clock_skew: i64 [0..=300] = 60,
        /// Also ask the userinfo endpoint for attributes.
        userinfo: bool = false,
    }
}

choices! {
    /// How a client that has a secret sends it to the token endpoint.
    enum Method {
        Basic = "basic",
        Post = "post",
    }
}

choices! {
    /// What the issuer is asked to ask (OpenID Connect Core 1.0 section 3.1.2.1).
    #[derive(Clone, Copy)]
    pub(crate) enum Prompt {
        None = "none",
        Login = "login",
        Consent = "consent",
        SelectAccount = "select_account",
    }
}

/// How the client shows at the token endpoint who it is (OpenID Connect Core 1.0 section 9).
pub(crate) enum ClientAuthentication {
    /// `client_secret_basic`.
    Basic(Zeroizing<String>),
    /// `none`: a public client, which PKCE alone protects.
    None,
    /// `client_secret_post`.
    Post(Zeroizing<String>),
}

/// Options as the protocol needs them.
pub(crate) struct Options {
    /// Exactly as configured: issuers are compared byte by byte.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) redirect_uri: String,
    /// With `openid`, once.
    pub(crate) scopes: String,
    pub(crate) prompt: Option<Prompt>,
    /// Seconds.
    pub(crate) max_age: Option<i64>,
    pub(crate) acr_values: Vec<String>,
    /// Methods of which one makes the sign-in two in one.
    pub(crate) amr: Vec<String>,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Seconds.
    pub(crate) clock_skew: i64,
    pub(crate) userinfo: bool,
}

impl Options {
    pub(crate) const SCHEMA: &CStr = Written::SCHEMA;

    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let written = Written::read(config)?;
        Ok(Self {
            issuer: written.issuer.0,
            client_id: written.client_id.0,
            authentication: authentication(written.client_authentication, written.client_secret)?,
            redirect_uri: written.redirect_uri.0,
            scopes: scopes(&written.scopes),
            prompt: written.prompt,
            max_age: written.max_age,
            acr_values: words(&written.acr_values.unwrap_or_default()),
            amr: words(&written.amr.unwrap_or_default()),
            algorithms: written.algorithms.0,
            clock_skew: written.clock_skew,
            userinfo: written.userinfo,
        })
    }
}

/// Where tokens and codes may travel, without a fragment.
struct Address(String);

impl FromText for Address {
    const SHAPE: Shape = Shape::text(
        1..=2048,
        "an https address without a fragment; plain http is for this machine only (127.0.0.1, [::1], localhost)",
    );

    fn from_text(text: &str) -> Option<Self> {
        Url::parse(text)
            .is_ok_and(|url| is_acceptable(&url) && url.fragment().is_none())
            .then(|| Self(text.to_owned()))
            .filter(|Self(text)| !text.contains(char::is_control))
    }
}

/// An [`Address`] that is an issuer.
struct Issuer(String);

impl FromText for Issuer {
    const SHAPE: Shape = Shape::text(
        1..=512,
        "an https address with neither query nor fragment, at most 512 bytes; plain http is for this machine only \
         (127.0.0.1, [::1], localhost)",
    );

    fn from_text(text: &str) -> Option<Self> {
        let Address(text) = Address::from_text(text)?;
        (!text.contains(['#', '?']) && text.len() <= 512).then_some(Self(text))
    }
}

/// A text of one line.
struct Plain(String);

impl FromText for Plain {
    const SHAPE: Shape = Shape::text(1..=512, "1 to 512 characters, none of them a control character");

    fn from_text(text: &str) -> Option<Self> {
        (!text.contains(char::is_control)).then(|| Self(text.to_owned()))
    }
}

/// At least one of the algorithms that can be verified.
struct Algorithms(Vec<Algorithm>);

impl FromText for Algorithms {
    const SHAPE: Shape = Shape::text(
        1..=256,
        "one or more of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA, with spaces between them",
    );

    fn from_text(text: &str) -> Option<Self> {
        let algorithms: Vec<Algorithm> = text
            .split_ascii_whitespace()
            .map(jws::named)
            .collect::<Option<_>>()?;
        (!algorithms.is_empty()).then_some(Self(algorithms))
    }
}

fn authentication(
    method: Option<Method>,
    secret: Option<Zeroizing<String>>,
) -> Result<ClientAuthentication, Failure> {
    match (method, secret) {
        (None, None) => Ok(ClientAuthentication::None),
        (Some(_), None) => Err(Failure::config("client_authentication needs a client_secret")),
        (None | Some(Method::Basic), Some(secret)) => Ok(ClientAuthentication::Basic(secret)),
        (Some(Method::Post), Some(secret)) => Ok(ClientAuthentication::Post(secret)),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

fn scopes(text: &str) -> String {
    let others = text.split_ascii_whitespace().filter(|scope| *scope != "openid");
    std::iter::once("openid")
        .chain(others)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_options_that_are_declared() {
        doorward_plugin_testing::same_options(include_str!("../README.md"), Written::DECLARED);
    }
}
