//! The options of e-mail codes.

use std::ffi::CStr;
use std::time::Duration;

use doorward_plugin::{Config, Failure};

/// Longest link, in bytes.
const MAX_LINK: usize = 1024;

/// What the host checks the configuration against; README.md says the same in words.
pub(crate) const SCHEMA: &CStr = cr#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "digits": { "type": "integer", "minimum": 6, "maximum": 10, "default": 8 },
    "lifetime_seconds": { "type": "integer", "minimum": 60, "maximum": 600, "default": 600 },
    "link": { "type": "string", "maxLength": 1024 }
  }
}"#;

/// Checked options.
pub(crate) struct Options {
    /// Digits of a code that is drawn from now on.
    pub(crate) digits: usize,
    /// How long a code is good: at most ten minutes (OWASP ASVS 5.0 6.5.5).
    pub(crate) lifetime: Duration,
    /// The page that confirms, if there is one.
    pub(crate) link: Option<String>,
}

impl Options {
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let link = config.text(c"link")?;
        if let Some(link) = link {
            check_link(link)?;
        }
        Ok(Self {
            digits: between(config, c"digits", 8, 6, 10)?,
            lifetime: Duration::from_secs(between(config, c"lifetime_seconds", 600, 60, 600)?),
            link: link.map(str::to_owned),
        })
    }
}

/// Whether it is the address of a page to which `#code=…` can be added.
fn check_link(link: &str) -> Result<(), Failure> {
    let local = |origin: &str| {
        let rest = link.strip_prefix(origin)?;
        Some(rest.is_empty() || rest.starts_with(['/', ':', '?']))
    };
    let secure = link
        .strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?']));
    let for_development = local("http://localhost") == Some(true) || local("http://127.0.0.1") == Some(true);
    let plain = link
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"#<>\"\\".contains(&byte));
    if link.len() <= MAX_LINK && plain && (secure || for_development) {
        return Ok(());
    }
    Err(Failure::config(
        "link must be an https:// address (http:// for localhost only) of at most 1024 ASCII characters without a # part",
    ))
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
    fn a_link_is_the_address_of_a_page() {
        for good in [
            "https://app.example/confirm",
            "https://app.example/confirm?lang=en",
            "http://localhost:8000/confirm",
            "http://127.0.0.1/confirm",
        ] {
            assert!(check_link(good).is_ok(), "{good}");
        }
        let long = format!("https://app.example/{}", "a".repeat(MAX_LINK));
        for bad in [
            "",
            "https://",
            "https:///confirm",
            "app.example/confirm",
            "http://app.example/confirm",
            "http://localhost.evil.example/",
            "https://app.example/#/confirm",
            "https://app.example/a b",
            "https://app.example/\r\nBcc:",
            "javascript:alert(1)",
            &long,
        ] {
            assert!(check_link(bad).is_err(), "{bad:?}");
        }
    }
}
