//! The options of recovery codes.

use std::ffi::CStr;

use doorward_plugin::{Config, Failure};

/// Most codes of a set: each has a bit and a hash in the record.
pub(crate) const MAX_CODES: u8 = 20;

/// What the host checks the configuration against; README.md says the same in words.
pub(crate) const SCHEMA: &CStr = cr#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "codes": { "type": "integer", "minimum": 2, "maximum": 20, "default": 10 },
    "warn_below": { "type": "integer", "minimum": 0, "maximum": 20, "default": 3 }
  }
}"#;

/// Checked options.
pub(crate) struct Options {
    /// Codes of a set that is made from now on.
    pub(crate) codes: u8,
    /// An event is told when fewer are left.
    pub(crate) warn_below: u8,
}

impl Options {
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            codes: between(config, c"codes", 10, 2)?,
            warn_below: between(config, c"warn_below", 3, 0)?,
        })
    }
}

fn between(config: &Config<'_>, name: &CStr, default: i64, least: u8) -> Result<u8, Failure> {
    let value = config.integer(name)?.unwrap_or(default);
    u8::try_from(value)
        .ok()
        .filter(|value| (least..=MAX_CODES).contains(value))
        .ok_or_else(|| {
            Failure::config(format!(
                "{} must be {least} to {MAX_CODES}",
                name.to_string_lossy()
            ))
        })
}
