//! The options of an OpenID Connect provider.

use std::ffi::CStr;

use doorward_plugin::{Config, Failure, Zeroizing};
use jsonwebtoken::Algorithm;
use url::Url;

use crate::jws;
use crate::web::is_acceptable;

/// What the host checks the configuration against; README.md says the same in words.
pub(crate) const SCHEMA: &CStr = cr#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["issuer", "client_id", "redirect_uri"],
  "properties": {
    "issuer": { "type": "string", "minLength": 1, "maxLength": 512 },
    "client_id": { "type": "string", "minLength": 1, "maxLength": 512 },
    "client_secret": { "type": "string", "minLength": 1, "maxLength": 4096, "writeOnly": true },
    "client_authentication": { "type": "string", "enum": ["basic", "post"], "default": "basic" },
    "redirect_uri": { "type": "string", "minLength": 1, "maxLength": 2048 },
    "scopes": { "type": "string", "maxLength": 1024, "default": "openid email profile" },
    "prompt": { "type": "string", "enum": ["none", "login", "consent", "select_account"] },
    "max_age": { "type": "integer", "minimum": 0, "maximum": 31536000 },
    "acr_values": { "type": "string", "minLength": 1, "maxLength": 1024 },
    "amr": { "type": "string", "minLength": 1, "maxLength": 1024 },
    "algorithms": { "type": "string", "minLength": 1, "maxLength": 256, "default": "RS256 PS256 ES256 ES384 EdDSA" },
    "clock_skew": { "type": "integer", "minimum": 0, "maximum": 300, "default": 60 },
    "userinfo": { "type": "boolean", "default": false }
  }
}"#;

/// How the client shows at the token endpoint who it is (OpenID Connect Core 1.0 section 9).
pub(crate) enum ClientAuthentication {
    /// `client_secret_basic`.
    Basic(Zeroizing<String>),
    /// `none`: a public client, which PKCE alone protects.
    None,
    /// `client_secret_post`.
    Post(Zeroizing<String>),
}

/// Checked options.
pub(crate) struct Options {
    /// Exactly as configured: issuers are compared byte by byte.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) redirect_uri: String,
    /// With `openid`, once.
    pub(crate) scopes: String,
    pub(crate) prompt: Option<String>,
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
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let issuer = required(config, c"issuer")?;
        let parsed = address("issuer", &issuer)?;
        if parsed.query().is_some() || issuer.contains(['#', '?']) || issuer.len() > 512 {
            return Err(Failure::config(
                "issuer must have neither query nor fragment, and at most 512 bytes",
            ));
        }
        let redirect_uri = required(config, c"redirect_uri")?;
        address("redirect_uri", &redirect_uri)?;
        Ok(Self {
            client_id: required(config, c"client_id")?,
            authentication: authentication(config)?,
            redirect_uri,
            scopes: scopes(config.text(c"scopes")?.unwrap_or("openid email profile")),
            prompt: config.text(c"prompt")?.map(str::to_owned),
            max_age: config.integer(c"max_age")?,
            acr_values: words(config.text(c"acr_values")?.unwrap_or_default()),
            amr: words(config.text(c"amr")?.unwrap_or_default()),
            algorithms: algorithms(
                config
                    .text(c"algorithms")?
                    .unwrap_or("RS256 PS256 ES256 ES384 EdDSA"),
            )?,
            clock_skew: config.integer(c"clock_skew")?.unwrap_or(60).clamp(0, 300),
            userinfo: config.boolean(c"userinfo")?.unwrap_or(false),
            issuer,
        })
    }
}

fn required(config: &Config<'_>, name: &CStr) -> Result<String, Failure> {
    match config.text(name)? {
        Some(text) if !text.is_empty() && !text.contains(char::is_control) => Ok(text.to_owned()),
        Some(_) => Err(Failure::config(format!(
            "{} must not be empty and has no control characters",
            name.to_string_lossy()
        ))),
        None => Err(Failure::config(format!("{} is required", name.to_string_lossy()))),
    }
}

fn address(name: &str, text: &str) -> Result<Url, Failure> {
    Url::parse(text)
        .ok()
        .filter(|url| is_acceptable(url) && url.fragment().is_none())
        .ok_or_else(|| {
            Failure::config(format!(
                "{name} must be an https address without a fragment; plain http is for this machine only (127.0.0.1, [::1], localhost)"
            ))
        })
}

fn authentication(config: &Config<'_>) -> Result<ClientAuthentication, Failure> {
    let method = config.text(c"client_authentication")?;
    let Some(secret) = config.secret(c"client_secret")? else {
        return match method {
            None => Ok(ClientAuthentication::None),
            Some(_) => Err(Failure::config("client_authentication needs a client_secret")),
        };
    };
    let secret = std::str::from_utf8(secret).map_err(|_| Failure::config("client_secret is not UTF-8"))?;
    if secret.is_empty() {
        return Err(Failure::config(
            "client_secret must not be empty: leave it out for a public client",
        ));
    }
    let secret = Zeroizing::new(secret.to_owned());
    match method.unwrap_or("basic") {
        "basic" => Ok(ClientAuthentication::Basic(secret)),
        "post" => Ok(ClientAuthentication::Post(secret)),
        _ => Err(Failure::config("client_authentication must be basic or post")),
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

fn algorithms(text: &str) -> Result<Vec<Algorithm>, Failure> {
    let named = |name: &str| {
        jws::named(name).ok_or_else(|| {
            Failure::config(format!(
                "algorithms has {name:?}; there are RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA"
            ))
        })
    };
    let algorithms = text
        .split_ascii_whitespace()
        .map(named)
        .collect::<Result<Vec<_>, _>>()?;
    if algorithms.is_empty() {
        return Err(Failure::config(
            "algorithms must name at least one, such as RS256",
        ));
    }
    Ok(algorithms)
}
