//! The options of a passkey provider.

use std::ffi::{CStr, CString};
use std::time::Duration;

use doorward_plugin::{Config, Failure};

use crate::policy::{BackupEligibility, Policy, UserVerification};
use crate::public_key::Algorithm;

/// What the host checks the configuration against; README.md says the same in words.
pub(crate) const SCHEMA: &CStr = cr#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["rp_id"],
  "properties": {
    "rp_id": { "type": "string", "minLength": 1, "maxLength": 253 },
    "rp_name": { "type": "string", "minLength": 1, "maxLength": 64 },
    "origins": { "type": "array", "items": { "type": "string", "minLength": 1, "maxLength": 512 } },
    "top_origins": { "type": "array", "items": { "type": "string", "minLength": 1, "maxLength": 512 } },
    "user_verification": {
      "type": "string", "enum": ["required", "preferred", "discouraged"], "default": "required"
    },
    "backup_eligibility": {
      "type": "string", "enum": ["allowed", "forbidden", "required"], "default": "allowed"
    },
    "attestation": { "type": "string", "enum": ["none"], "default": "none" },
    "timeout_seconds": { "type": "integer", "minimum": 30, "maximum": 900, "default": 300 },
    "max_passkeys": { "type": "integer", "minimum": 1, "maximum": 20, "default": 10 }
  }
}"#;

/// Most origins, and most top origins.
const MAX_ORIGINS: usize = 32;

/// Checked options.
pub(crate) struct Options {
    pub(crate) policy: Policy,
    pub(crate) rp_name: String,
    pub(crate) timeout: Duration,
    pub(crate) max_passkeys: usize,
}

impl Options {
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let rp_id = config
            .text(c"rp_id")?
            .ok_or_else(|| Failure::config("rp_id is missing: give the domain of your site"))?;
        if !is_domain(rp_id) {
            return Err(Failure::config(format!(
                "rp_id {rp_id:?} must be a domain in lower case, such as \"example.org\", without scheme, port or path"
            )));
        }
        let mut origins = origins(config, "origins")?;
        if origins.is_empty() {
            origins.push(format!("https://{rp_id}"));
        }
        Ok(Self {
            rp_name: config.text(c"rp_name")?.unwrap_or(rp_id).to_owned(),
            timeout: Duration::from_secs(between(config, c"timeout_seconds", 300, 30, 900)?),
            max_passkeys: between(config, c"max_passkeys", 10, 1, 20)?,
            policy: Policy {
                rp_id: rp_id.to_owned(),
                origins,
                top_origins: self::origins(config, "top_origins")?,
                user_verification: match config.text(c"user_verification")?.unwrap_or("required") {
                    "required" => UserVerification::Required,
                    "preferred" => UserVerification::Preferred,
                    "discouraged" => UserVerification::Discouraged,
                    _ => {
                        return Err(Failure::config(
                            "user_verification must be required, preferred or discouraged",
                        ));
                    }
                },
                backup_eligibility: match config.text(c"backup_eligibility")?.unwrap_or("allowed") {
                    "allowed" => BackupEligibility::Allowed,
                    "forbidden" => BackupEligibility::Forbidden,
                    "required" => BackupEligibility::Required,
                    _ => {
                        return Err(Failure::config(
                            "backup_eligibility must be allowed, forbidden or required",
                        ));
                    }
                },
                algorithms: Algorithm::ALL.to_vec(),
            },
        })
    }
}

/// The items of a list of origins, each as browsers write it, for they are compared byte by byte.
fn origins(config: &Config<'_>, list: &str) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for index in 0..=MAX_ORIGINS {
        let name = CString::new(format!("{list}.{index}")).unwrap_or_default();
        let Some(origin) = config.text(&name)? else {
            return Ok(found);
        };
        if !is_origin(origin) {
            return Err(Failure::config(format!(
                "{list}: {origin:?} must be an origin in lower case, such as \"https://example.org\" or \
                 \"https://example.org:8443\", without a path or a slash at its end; http only for localhost"
            )));
        }
        found.push(origin.to_owned());
    }
    Err(Failure::config(format!(
        "{list} has more than {MAX_ORIGINS} entries"
    )))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// A web origin, or an Android app's, as its credential manager gives it.
fn is_origin(text: &str) -> bool {
    if let Some(hash) = text.strip_prefix("android:apk-key-hash:") {
        return hash.len() == 43
            && hash
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    }
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let (domain, port) = host.split_once(':').unwrap_or((host, "1"));
    let is_local = domain == "localhost" || domain.ends_with(".localhost");
    let has_port = port
        .parse::<u16>()
        .is_ok_and(|number| number != 0 && number.to_string() == port);
    let is_default = host.ends_with(if scheme == "https" { ":443" } else { ":80" });
    (scheme == "https" || scheme == "http" && is_local) && is_domain(domain) && has_port && !is_default
}

fn between<N: TryFrom<i64>>(
    config: &Config<'_>,
    name: &CStr,
    default: i64,
    least: i64,
    most: i64,
) -> Result<N, Failure> {
    let value = config.integer(name)?.unwrap_or(default);
    let refused = || Failure::config(format!("{} must be {least} to {most}", name.to_string_lossy()));
    if !(least..=most).contains(&value) {
        return Err(refused());
    }
    N::try_from(value).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_writes() {
        let key = "android:apk-key-hash:".to_owned() + &"x".repeat(43);
        for (text, is) in [
            ("https://example.org", true),
            ("https://example.org:8443", true),
            ("https://a.b.example.org", true),
            ("https://xn--bcher-kva.example", true),
            ("http://localhost", true),
            ("http://localhost:8080", true),
            ("http://app.localhost:8080", true),
            (key.as_str(), true),
            ("https://example.org/", false),
            ("https://example.org:443", false),
            ("http://localhost:80", false),
            ("https://example.org:0443", false),
            ("https://example.org:", false),
            ("https://example.org:99999", false),
            ("https://Example.org", false),
            ("https://*.example.org", false),
            ("https://bücher.example", false),
            ("https://a@example.org", false),
            ("https://", false),
            ("http://example.org", false),
            ("example.org", false),
            ("null", false),
            ("android:apk-key-hash:short", false),
        ] {
            assert_eq!(is_origin(text), is, "{text}");
        }
    }

    #[test]
    fn a_relying_party_is_a_domain() {
        for (text, is) in [
            ("example.org", true),
            ("localhost", true),
            ("a-b.example", true),
            ("", false),
            (".example.org", false),
            ("example.org.", false),
            ("https://example.org", false),
            ("example.org:8080", false),
            ("Example.org", false),
        ] {
            assert_eq!(is_domain(text), is, "{text}");
        }
    }
}
