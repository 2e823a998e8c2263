//! The options of API keys.

use std::ffi::CStr;

use doorward_plugin::{Config, Failure};

use crate::{key, scope};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What the host checks the configuration against; README.md says the same in words.
pub(crate) const SCHEMA: &CStr = cr#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "prefix": { "type": "string", "minLength": 2, "maxLength": 16, "default": "dwk" },
    "scopes": { "type": "string", "maxLength": 1024, "default": "" },
    "max_lifetime_days": { "type": "integer", "minimum": 0, "maximum": 3650, "default": 365 },
    "max_keys": { "type": "integer", "minimum": 1, "maximum": 100, "default": 20 }
  }
}"#;

/// Checked options.
pub(crate) struct Options {
    /// What new keys begin with.
    pub(crate) prefix: String,
    /// What keys may be allowed to do.
    pub(crate) scopes: Vec<String>,
    /// Seconds that a new key may live at most; `None`: for ever.
    pub(crate) max_lifetime: Option<i64>,
    /// Keys of one user.
    pub(crate) max_keys: usize,
}

impl Options {
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let prefix = config.text(c"prefix")?.unwrap_or("dwk");
        if !key::is_prefix(prefix.as_bytes()) {
            return Err(Failure::config(
                "prefix must have 2 to 16 lower-case letters, digits and underscores, a letter first and no underscore last",
            ));
        }
        let scopes = scope::parse(config.text(c"scopes")?.unwrap_or("").as_bytes()).ok_or_else(|| {
            Failure::config(
                "scopes must be words of up to 64 ASCII characters, without quotation marks and backslashes, with spaces between them",
            )
        })?;
        let days: i64 = between(config, c"max_lifetime_days", 365, 0, 3650)?;
        Ok(Self {
            prefix: prefix.to_owned(),
            scopes: scopes.into_iter().map(str::to_owned).collect(),
            max_lifetime: Some(days * DAY).filter(|&seconds| seconds != 0),
            max_keys: between(config, c"max_keys", 20, 1, 100)?,
        })
    }

    /// Whether the configuration knows this scope today.
    pub(crate) fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|allowed| allowed == scope)
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
