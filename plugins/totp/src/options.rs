//! The options of a TOTP provider.

use std::ffi::CStr;

use doorward_plugin::{Config, Failure};

use crate::code::Algorithm;

/// What the host checks the configuration against; README.md says the same in words.
pub(crate) const SCHEMA: &CStr = cr#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "issuer": { "type": "string", "minLength": 1, "maxLength": 64 },
    "digits": { "type": "integer", "minimum": 6, "maximum": 8, "default": 6 },
    "algorithm": { "type": "string", "enum": ["sha1", "sha256", "sha512"], "default": "sha1" },
    "window": { "type": "integer", "minimum": 0, "maximum": 2, "default": 1 },
    "ahead": { "type": "integer", "minimum": 0, "maximum": 1, "default": 1 },
    "max_devices": { "type": "integer", "minimum": 1, "maximum": 20, "default": 5 }
  }
}"#;

/// Checked options. Digits and algorithm are of devices enrolled from now on.
pub(crate) struct Options {
    pub(crate) issuer: String,
    pub(crate) digits: u8,
    pub(crate) algorithm: Algorithm,
    pub(crate) window: u64,
    pub(crate) ahead: u64,
    pub(crate) max_devices: usize,
}

impl Options {
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let issuer = config.text(c"issuer")?.unwrap_or_else(|| config.provider());
        // A colon separates issuer and account in the label, so it can be in neither.
        if issuer.is_empty() || issuer.len() > 64 || issuer.contains(':') {
            return Err(Failure::config("issuer must have 1 to 64 bytes and no colon"));
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            digits: between(config, c"digits", 6, 6, 8)?,
            algorithm: match config.text(c"algorithm")?.unwrap_or("sha1") {
                "sha1" => Algorithm::Sha1,
                "sha256" => Algorithm::Sha256,
                "sha512" => Algorithm::Sha512,
                _ => return Err(Failure::config("algorithm must be sha1, sha256 or sha512")),
            },
            window: between(config, c"window", 1, 0, 2)?,
            ahead: between(config, c"ahead", 1, 0, 1)?,
            max_devices: between(config, c"max_devices", 5, 1, 20)?,
        })
    }
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
