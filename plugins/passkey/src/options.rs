//! The options of a passkey provider.

use std::ffi::CStr;
use std::time::Duration;

use doorward_plugin::options::{FromText, Shape};
use doorward_plugin::{Config, Failure, choices, options};

use crate::policy::{BackupEligibility, Policy, UserVerification};
use crate::public_key::Algorithm;

options! {
    /// The options as an operator writes them.
    struct Written {
        /// Whose passkeys these are; it can never change: passkeys are bound to it.
        rp_id: Domain,
        /// What the browser shows for the site.
        rp_name: Option<String> [1..=64] => "`rp_id`",
        /// Compared byte by byte with what the browser reports: no patterns, no subdomains by themselves. Android apps:
        /// `android:apk-key-hash:…`.
        origins: Vec<Origin> [0..=32] => "`https://` and `rp_id`",
        /// Pages of other sites that may show one of the origins in a frame; none: never in a foreign frame.
        top_origins: Vec<Origin> [0..=32],
        /// For both ceremonies. `preferred` and `discouraged` also take security keys without a PIN: for second factors after
        /// a password.
        user_verification: UserVerification = "required",
        /// Whether passkeys that are copied between devices may be registered: `forbidden` wants one device only, `required`
        /// wants those that survive its loss.
        backup_eligibility: BackupEligibility = "allowed",
        /// No proof of the authenticator's make is asked for.
        attestation: Attestation = "none",
        /// For each ceremony.
        timeout_seconds: u64 [30..=900] = 300,
        /// How many passkeys each user may have.
        max_passkeys: usize [1..=20] = 10,
    }
}

choices! {
    /// What proof of the authenticator's make is asked for.
    enum Attestation {
        None = "none",
    }
}

/// Options as the ceremonies need them.
pub(crate) struct Options {
    pub(crate) policy: Policy,
    pub(crate) rp_name: String,
    pub(crate) timeout: Duration,
    pub(crate) max_passkeys: usize,
}

impl Options {
    pub(crate) const SCHEMA: &CStr = Written::SCHEMA;

    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let written = Written::read(config)?;
        let Attestation::None = written.attestation;
        let Domain(rp_id) = written.rp_id;
        let texts = |origins: Vec<Origin>| origins.into_iter().map(|Origin(text)| text).collect();
        let mut origins: Vec<String> = texts(written.origins);
        if origins.is_empty() {
            origins.push(format!("https://{rp_id}"));
        }
        Ok(Self {
            rp_name: written.rp_name.unwrap_or_else(|| rp_id.clone()),
            timeout: Duration::from_secs(written.timeout_seconds),
            max_passkeys: written.max_passkeys,
            policy: Policy {
                rp_id,
                origins,
                top_origins: texts(written.top_origins),
                user_verification: written.user_verification,
                backup_eligibility: written.backup_eligibility,
                algorithms: Algorithm::ALL.to_vec(),
            },
        })
    }
}

/// A domain, as a relying party's id is one.
struct Domain(String);

impl FromText for Domain {
    const SHAPE: Shape = Shape::text(
        1..=253,
        "a domain in lower case, such as `example.org`, without scheme, port or path",
    );

    fn from_text(text: &str) -> Option<Self> {
        is_domain(text).then(|| Self(text.to_owned()))
    }
}

/// An origin, as browsers write it, for they are compared byte by byte.
struct Origin(String);

impl FromText for Origin {
    const SHAPE: Shape = Shape::text(
        1..=512,
        "an origin in lower case, such as `https://example.org` or `https://example.org:8443`, without a path or a slash \
         at its end; http only for localhost",
    );

    fn from_text(text: &str) -> Option<Self> {
        is_origin(text).then(|| Self(text.to_owned()))
    }
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

    #[test]
    fn the_readme_has_the_options_that_are_declared() {
        doorward_plugin_testing::same_options(include_str!("../README.md"), Written::DECLARED);
    }
}
