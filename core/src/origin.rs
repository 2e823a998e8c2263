//! The trusted-origin check: does this request come from a page that may use the cookies here?
//!
//! ```text
//! safe method, no websocket ───────────────────────────────────────────────► trusted
//! Origin   two, null, malformed, not configured ───────────────────────────► refused
//!          configured ─────────────────────────────────────────────────────► trusted
//!          absent ──► Sec-Fetch-Site  same-origin, none ───────────────────► trusted
//!                                     same-site, cross-site, two, unknown ─► refused
//!                                     absent ──────────────────────────────► refused; trusted in compat mode
//! ```
//!
//! Browsers send one of the two headers with every request that is checked, and pages cannot forge either (Fetch
//! standard; OWASP cross-site request forgery prevention). The check is made whether or not there is a cookie: signing
//! somebody in as somebody else is an attack too. `Host`, `Referer` and `X-Forwarded-Host` are never looked at.
//!
//! Browsers send no `Origin` when a link is followed, so a program must not change anything on `GET`.

use std::fmt;

use url::{Host, Url};

use crate::error::{Error, ErrorKind};
use crate::refusal::RefusalReason;
use crate::request::{Request, Single};

/// A scheme, a host and a port. Two are equal if all three are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scheme {
    Http,
    Https,
}

/// Whether origins without TLS may be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// Any `http` origin: for development in a network of one's own. Whoever can answer in that host's name, which
    /// without TLS is anybody on the way, is trusted.
    Anywhere,
    /// Only on `localhost`, below it, and on loopback addresses. The default.
    #[default]
    Loopback,
}

/// What happens to requests that are to be checked and carry neither `Origin` nor `Sec-Fetch-Site`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OriginMode {
    /// They are trusted: for programs that use cookies without being browsers. A browser too old to send either header
    /// is then unprotected.
    Compat,
    /// They are refused. The default.
    #[default]
    Strict,
}

/// The answer of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum OriginVerdict {
    /// Not a browser's page from elsewhere: cookies count, and so do sign-in and sign-up.
    Trusted,
    /// Nothing in this request counts.
    Refused {
        /// Why.
        reason: RefusalReason,
        /// The dotted configuration key that would change it.
        setting: &'static str,
    },
}

/// The origins whose pages are trusted. None by default: then only `Sec-Fetch-Site` can vouch for a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedOrigins {
    origins: Vec<Origin>,
    mode: OriginMode,
}

impl TrustedOrigins {
    /// Takes origins as they are written in configuration: `https://example.com`, `https://example.com:8443`.
    ///
    /// # Errors
    ///
    /// [`OriginError`] for the first value that is not an origin, or is one without TLS that `plain_http` does not
    /// allow; it names the value and the fix.
    pub fn parse<T: AsRef<str>>(
        values: impl IntoIterator<Item = T>,
        plain_http: PlainHttp,
        mode: OriginMode,
    ) -> Result<Self, OriginError> {
        let origins = values
            .into_iter()
            .map(|value| Origin::configured(value.as_ref(), plain_http))
            .collect::<Result<_, _>>()?;
        Ok(Self { origins, mode })
    }

    /// The origins, in the order of configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.origins.iter()
    }

    /// Whether none is configured.
    pub const fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// Checks a request.
    pub fn check(&self, request: &Request) -> OriginVerdict {
        if request.is_safe() && !request.asks_for_websocket() {
            return OriginVerdict::Trusted;
        }
        let verdict = match request.single("origin") {
            Single::Several => Err(RefusalReason::OriginDuplicate),
            Single::One(b"null") => Err(RefusalReason::OriginNull),
            Single::One(value) => match Origin::sent(value) {
                None => Err(RefusalReason::OriginMalformed),
                Some(origin) if self.origins.contains(&origin) => Ok(()),
                Some(_) => Err(RefusalReason::OriginNotConfigured),
            },
            Single::Absent => match request.single("sec-fetch-site") {
                Single::One(b"same-origin" | b"none") => Ok(()),
                Single::One(b"same-site") => Err(RefusalReason::FetchSiteSameSite),
                Single::One(b"cross-site") => Err(RefusalReason::FetchSiteCrossSite),
                Single::One(_) => Err(RefusalReason::FetchSiteUnknown),
                Single::Several => Err(RefusalReason::FetchSiteDuplicate),
                Single::Absent => match self.mode {
                    OriginMode::Compat => Ok(()),
                    OriginMode::Strict => Err(RefusalReason::OriginAbsent),
                },
            },
        };
        match verdict {
            Ok(()) => OriginVerdict::Trusted,
            Err(reason) => OriginVerdict::Refused {
                reason,
                setting: reason.setting(),
            },
        }
    }
}

impl Origin {
    /// Parses a configured origin.
    fn configured(value: &str, plain_http: PlainHttp) -> Result<Self, OriginError> {
        let wrong = |fix: String| OriginError {
            value: value.to_owned(),
            fix,
        };
        if value.contains('*') {
            return Err(wrong("wildcards are not supported; list each origin".to_owned()));
        }
        if value
            .chars()
            .any(|character| character.is_whitespace() || character.is_control())
        {
            return Err(wrong("remove the whitespace".to_owned()));
        }
        if value == "null" {
            return Err(wrong(
                "pages without an origin cannot be trusted; remove it".to_owned(),
            ));
        }
        if !value.contains("://") {
            return Err(wrong(format!(
                "write it with its scheme, as https://{}",
                value.trim_matches('/')
            )));
        }
        // An authority may be followed by one slash, which the parser adds itself, and by nothing else. Backslashes
        // and lone slashes are what parsers disagree about.
        let rest = value.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let url = Url::parse(value)
            .map_err(|problem| wrong(format!("write it as https://example.com ({problem})")))?;
        let origin = Self::of(&url).ok_or_else(|| wrong("write it as https://example.com".to_owned()))?;
        if authority.is_empty() || authority.contains(['/', '\\', '?', '#', '@']) {
            return Err(wrong(format!("keep scheme, host and port only, as {origin}")));
        }
        if origin.scheme == Scheme::Http && plain_http == PlainHttp::Loopback && !is_loopback(&url) {
            return Err(wrong(
                "an origin without TLS can be forged by anybody on the network; use https (http is for localhost)"
                    .to_owned(),
            ));
        }
        Ok(origin)
    }

    /// Parses an `Origin` header: exactly scheme, host and perhaps port, as browsers write them (RFC 6454 section 7;
    /// HTML standard, "ASCII serialisation of an origin"). The parser is the one of the configuration, and whatever it
    /// would repair, apart from letter case and a written-out default port, makes the header malformed.
    fn sent(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?.to_ascii_lowercase();
        let authority = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))?;
        let (host, port) = match authority.rfind(':') {
            Some(colon) if !authority.ends_with(']') => authority.split_at(colon),
            _ => (authority, ""),
        };
        let origin = Self::of(&Url::parse(&text).ok()?)?;
        let port_is_plain = port.is_empty() || port == format!(":{}", origin.port);
        (origin.host == host && port_is_plain).then_some(origin)
    }

    fn of(url: &Url) -> Option<Self> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        Some(Self {
            scheme,
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = match self.scheme {
            Scheme::Http => ("http", 80),
            Scheme::Https => ("https", 443),
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

/// A configured origin that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginError {
    value: String,
    fix: String,
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a trusted origin: {}", self.value, self.fix)
    }
}

impl std::error::Error for OriginError {}

impl From<OriginError> for Error {
    fn from(error: OriginError) -> Self {
        Self::new(ErrorKind::Configuration, error.to_string())
    }
}

/// Names that never leave the machine (RFC 6761 section 6.3), and loopback addresses.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
