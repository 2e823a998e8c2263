//! `Authorization: Bearer` (RFC 6750), dispatched by the prefix of the token.

use std::fmt;

use super::{Request, Single};
use crate::error::{Error, ErrorKind};
use crate::identifier::ProviderName;
use crate::refusal::RefusalReason;

/// Longest bearer token that is read, in bytes. Ours are shorter; a provider's may be a signed document.
pub const MAX_BEARER_BYTES: usize = 8192;

/// Prefix of an access token.
const ACCESS: &str = "dwa_";
/// Prefix of a refresh token.
const REFRESH: &str = "dwr_";

/// What a request says in its `Authorization` header. Debug shows no token.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Authorization<'r> {
    /// No such header, or one of another scheme (the `Basic` of a proxy, say): cookies decide.
    Absent,
    /// A credential of a provider whose prefix is configured.
    Provider {
        /// The provider name to ask.
        provider: &'r ProviderName,
        /// The whole token, prefix included.
        credential: &'r str,
    },
    /// It is there and cannot be taken; cookies do not stand in for it.
    Refused(RefusalReason),
    /// An access token, not yet examined.
    Session(&'r str),
}

impl fmt::Debug for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Provider { provider, .. } => write!(f, "Provider({provider}, [redacted])"),
            Self::Refused(reason) => write!(f, "Refused({reason:?})"),
            Self::Session(_) => f.write_str("Session([redacted])"),
        }
    }
}

/// The token prefixes of providers. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BearerPrefixes(Vec<(String, ProviderName)>);

impl BearerPrefixes {
    /// Longest prefix in bytes.
    pub const MAX_PREFIX_BYTES: usize = 32;

    /// Takes pairs of prefix and provider name. Where one prefix begins another, the longer one wins.
    ///
    /// # Errors
    ///
    /// [`BearerPrefixError`] for a prefix that is empty, too long, twice there, contains what a bearer token cannot,
    /// or would take tokens of sessions away.
    pub fn new(pairs: impl IntoIterator<Item = (String, ProviderName)>) -> Result<Self, BearerPrefixError> {
        let mut prefixes: Vec<(String, ProviderName)> = Vec::new();
        for (prefix, provider) in pairs {
            let problem = if prefix.is_empty() || prefix.len() > Self::MAX_PREFIX_BYTES {
                Some("write 1 to 32 characters")
            } else if !prefix.bytes().all(is_token_byte) {
                Some("use letters, digits and - . _ ~ + / only")
            } else if [ACCESS, REFRESH]
                .iter()
                .any(|own| own.starts_with(&prefix) || prefix.starts_with(own))
            {
                Some("dwa_ and dwr_ belong to sessions; choose another")
            } else if prefixes.iter().any(|(known, _)| *known == prefix) {
                Some("it is listed twice; keep one")
            } else {
                None
            };
            if let Some(fix) = problem {
                return Err(BearerPrefixError { prefix, fix });
            }
            prefixes.push((prefix, provider));
        }
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(Self(prefixes))
    }

    /// What the request's `Authorization` header says.
    pub fn authorization<'r>(&'r self, request: &'r Request) -> Authorization<'r> {
        let value = match request.single("authorization") {
            Single::Absent => return Authorization::Absent,
            Single::Several => return Authorization::Refused(RefusalReason::AuthorizationDuplicate),
            Single::One(value) => value,
        };
        let (scheme, rest) = match value.iter().position(|&byte| byte == b' ') {
            Some(at) => value.split_at(at),
            None => (value, [].as_slice()),
        };
        if !scheme.is_empty() && !scheme.eq_ignore_ascii_case(b"bearer") {
            return Authorization::Absent;
        }
        let Some(token) = token(rest.trim_ascii_start()) else {
            return Authorization::Refused(RefusalReason::AuthorizationMalformed);
        };
        if token.starts_with(ACCESS) {
            return Authorization::Session(token);
        }
        if token.starts_with(REFRESH) {
            return Authorization::Refused(RefusalReason::AuthorizationRefreshToken);
        }
        match self
            .0
            .iter()
            .find(|(prefix, _)| token.starts_with(prefix.as_str()))
        {
            Some((_, provider)) => Authorization::Provider {
                provider,
                credential: token,
            },
            None => Authorization::Refused(RefusalReason::AuthorizationUnknownPrefix),
        }
    }
}

/// A configured prefix that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerPrefixError {
    prefix: String,
    fix: &'static str,
}

impl fmt::Display for BearerPrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a bearer prefix: {}", self.prefix, self.fix)
    }
}

impl std::error::Error for BearerPrefixError {}

impl From<BearerPrefixError> for Error {
    fn from(error: BearerPrefixError) -> Self {
        Self::new(ErrorKind::Configuration, error.to_string())
    }
}

/// `b64token` of RFC 6750 section 2.1: token characters, then any number of `=`.
fn token(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.trim_end_matches('=');
    (text.len() <= MAX_BEARER_BYTES && !body.is_empty() && body.bytes().all(is_token_byte)).then_some(text)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProviderName {
        ProviderName::new(text).unwrap()
    }

    fn prefixes() -> BearerPrefixes {
        BearerPrefixes::new([
            ("ak_".to_owned(), name("api")),
            ("ak_live_".to_owned(), name("live")),
        ])
        .unwrap()
    }

    #[test]
    fn tokens_go_where_their_prefix_says_and_malformed_is_not_absent() {
        use Authorization::{Absent, Provider, Refused, Session};
        use RefusalReason::{AuthorizationMalformed, AuthorizationRefreshToken, AuthorizationUnknownPrefix};
        let (api, live) = (name("api"), name("live"));
        let long = format!("Bearer dwa_{}", "a".repeat(MAX_BEARER_BYTES));
        for (value, expected) in [
            ("Bearer dwa_abc", Session("dwa_abc")),
            ("bearer   dwa_abc", Session("dwa_abc")),
            ("BEARER dwa_", Session("dwa_")),
            (
                "Bearer ak_1==",
                Provider {
                    provider: &api,
                    credential: "ak_1==",
                },
            ),
            (
                "Bearer ak_live_1",
                Provider {
                    provider: &live,
                    credential: "ak_live_1",
                },
            ),
            ("Basic dXNlcjpwYXNz", Absent),
            ("Bearerdwa_abc", Absent),
            ("Bearer", Refused(AuthorizationMalformed)),
            ("", Refused(AuthorizationMalformed)),
            ("Bearer ===", Refused(AuthorizationMalformed)),
            ("Bearer dwa_a=b", Refused(AuthorizationMalformed)),
            ("Bearer dwa_a dwa_b", Refused(AuthorizationMalformed)),
            ("Bearer dwa_a,dwa_b", Refused(AuthorizationMalformed)),
            ("Bearer dwa_\u{e9}", Refused(AuthorizationMalformed)),
            ("Bearer dwa_\0", Refused(AuthorizationMalformed)),
            ("Bearer \tdwa_a", Session("dwa_a")),
            (&long, Refused(AuthorizationMalformed)),
            ("Bearer dwr_abc", Refused(AuthorizationRefreshToken)),
            ("Bearer DWA_abc", Refused(AuthorizationUnknownPrefix)),
            ("Bearer xyz", Refused(AuthorizationUnknownPrefix)),
        ] {
            let request = Request::new("GET", [("Authorization", value)], None);
            assert_eq!(prefixes().authorization(&request), expected, "{value:?}");
        }
        assert_eq!(
            prefixes().authorization(&Request::new("GET", [("Cookie", "a=b")], None)),
            Absent
        );
    }

    #[test]
    fn two_authorization_headers_are_refused_even_if_equal() {
        let request = Request::new(
            "GET",
            [
                ("Authorization", "Bearer dwa_a"),
                ("authorization", "Bearer dwa_a"),
            ],
            None,
        );
        assert_eq!(
            prefixes().authorization(&request),
            Authorization::Refused(RefusalReason::AuthorizationDuplicate)
        );
    }

    #[test]
    fn prefixes_that_cannot_work_are_refused_with_the_fix() {
        let long = "p".repeat(33);
        for (pairs, fix) in [
            (vec![""], "1 to 32"),
            (vec![long.as_str()], "1 to 32"),
            (vec!["a b"], "letters, digits"),
            (vec!["dw"], "belong to sessions"),
            (vec!["dwa_x"], "belong to sessions"),
            (vec!["a_", "a_"], "twice"),
        ] {
            let pairs = pairs.into_iter().map(|prefix| (prefix.to_owned(), name("api")));
            let message = BearerPrefixes::new(pairs).unwrap_err().to_string();
            assert!(message.contains(fix), "{message}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let prefixes = prefixes();
        for value in ["Bearer dwa_canary", "Bearer ak_canary"] {
            let request = Request::new("GET", [("Authorization", value)], None);
            let shown = format!("{:?}", prefixes.authorization(&request));
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
