//! Cookies: their names, reading them, and the `Set-Cookie` lines that set and clear them (RFC 6265bis).
//!
//! Names are compared byte by byte and nothing is repaired on the way: no trimming, no `$Version`, no quoted strings,
//! no case. Whatever a server repairs, an attacker on a sibling domain can send (cookie tossing past the `__Host-`
//! prefix). A session cookie that comes twice is reported as such and never guessed.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::headers::CookieLifetime;
pub use crate::headers::SetCookie;
use crate::request::Request;

/// Longest `Set-Cookie` value, in bytes. Browsers must take 4096 bytes of name and value (RFC 6265bis section 5.6);
/// the whole line keeps within it.
pub const MAX_COOKIE_BYTES: usize = 4096;
/// Longest `Max-Age`: browsers cap it at 400 days (RFC 6265bis section 5.5).
pub const MAX_COOKIE_AGE: Duration = Duration::from_hours(400 * 24);
/// Longest cookie stem, in bytes.
pub const MAX_STEM_BYTES: usize = 32;
/// The cookie stem unless configured otherwise.
pub const DEFAULT_STEM: &str = "doorward";

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CookieKind {
    /// The access token of the session.
    Access,
    /// What the HTTP surface needs when a person comes back from an issuer, sealed.
    Away,
    /// The device cookie of throttling: this browser has signed in before.
    Device,
    /// The secret that binds flows to the browser that began them.
    Flow,
    /// What a form's answer has for the next page, sealed.
    Page,
    /// The refresh token of the session.
    Refresh,
}

impl CookieKind {
    /// Every kind there is, alphabetically.
    pub const ALL: [Self; 6] = [
        Self::Access,
        Self::Away,
        Self::Device,
        Self::Flow,
        Self::Page,
        Self::Refresh,
    ];

    const fn suffix(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Away => "away",
            Self::Device => "device",
            Self::Flow => "flow",
            Self::Page => "page",
            Self::Refresh => "refresh",
        }
    }
}

/// How cookies are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CookieSecurity {
    /// `__Host-` names and `Secure`: only over HTTPS (or to `localhost`), only for this very host. The default.
    #[default]
    Host,
    /// Names without prefix and no `Secure`, for development over plain HTTP. Any sibling domain can plant these, and
    /// anybody on the network can read them.
    PlainHttp,
}

/// The names of all cookies of one configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieNames {
    access: String,
    away: String,
    device: String,
    flow: String,
    page: String,
    refresh: String,
    security: CookieSecurity,
}

impl CookieNames {
    /// Names made of a stem: `__Host-<stem>-access` and so on, or `<stem>-access` for development.
    ///
    /// # Errors
    ///
    /// [`CookieError::Stem`] unless the stem has 1 to 32 characters of `a-z`, `0-9`, `_`, `-` and begins with a letter.
    pub fn new(stem: &str, security: CookieSecurity) -> Result<Self, CookieError> {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        let begins_well = stem.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !begins_well || stem.len() > MAX_STEM_BYTES || !stem.bytes().all(allowed) {
            return Err(CookieError::Stem(stem.to_owned()));
        }
        Ok(Self::named(stem, security))
    }

    fn named(stem: &str, security: CookieSecurity) -> Self {
        let prefix = match security {
            CookieSecurity::Host => "__Host-",
            CookieSecurity::PlainHttp => "",
        };
        let name = |kind: CookieKind| format!("{prefix}{stem}-{}", kind.suffix());
        Self {
            access: name(CookieKind::Access),
            away: name(CookieKind::Away),
            device: name(CookieKind::Device),
            flow: name(CookieKind::Flow),
            page: name(CookieKind::Page),
            refresh: name(CookieKind::Refresh),
            security,
        }
    }

    /// The name of one kind.
    pub fn name(&self, kind: CookieKind) -> &str {
        match kind {
            CookieKind::Access => &self.access,
            CookieKind::Away => &self.away,
            CookieKind::Device => &self.device,
            CookieKind::Flow => &self.flow,
            CookieKind::Page => &self.page,
            CookieKind::Refresh => &self.refresh,
        }
    }

    /// Our cookies in a request, over all its `Cookie` lines.
    pub fn read<'r>(&self, request: &'r Request) -> RequestCookies<'r> {
        let mut cookies = RequestCookies::default();
        for line in request.values("cookie") {
            for (at, pair) in line.split(|&byte| byte == b';').enumerate() {
                // "; " separates (RFC 6265bis section 4.2.1): one space, and only behind a semicolon.
                let pair = if at > 0 {
                    pair.strip_prefix(b" ").unwrap_or(pair)
                } else {
                    pair
                };
                let Some(equals) = pair.iter().position(|&byte| byte == b'=') else {
                    continue; // a value without a name is never ours
                };
                let (name, value) = (&pair[..equals], &pair[equals + 1..]);
                let kind = CookieKind::ALL
                    .into_iter()
                    .find(|&kind| self.name(kind).as_bytes() == name);
                if let Some(kind) = kind {
                    let place = cookies.place(kind);
                    *place = match place {
                        Presented::Absent => Presented::One(value),
                        Presented::Duplicate | Presented::One(_) => Presented::Duplicate,
                    };
                }
            }
        }
        cookies
    }

    /// A line that sets a cookie. Without `max_age` it lasts until the browser closes; with one, that many whole
    /// seconds, at least 1 and at most [`MAX_COOKIE_AGE`].
    ///
    /// # Errors
    ///
    /// - [`CookieError::Value`] if the value is empty or has other characters than `A-Z a-z 0-9 - _ . ~`.
    /// - [`CookieError::TooLong`] if the line is longer than [`MAX_COOKIE_BYTES`].
    pub fn set(
        &self,
        kind: CookieKind,
        value: &str,
        max_age: Option<Duration>,
    ) -> Result<SetCookie, CookieError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if value.is_empty() || !value.bytes().all(plain) {
            return Err(CookieError::Value);
        }
        let lifetime = match max_age {
            None => CookieLifetime::Browser,
            Some(age) => CookieLifetime::Seconds(age.min(MAX_COOKIE_AGE).as_secs().max(1)),
        };
        let cookie = self.cookie(kind, value, lifetime);
        if cookie.line().len() > MAX_COOKIE_BYTES {
            return Err(CookieError::TooLong);
        }
        Ok(cookie)
    }

    /// A line that clears a cookie: the same attributes, no value, and an end in the past. (`Max-Age=0` is understood
    /// everywhere too, but the grammar for servers does not have it.)
    pub fn clear(&self, kind: CookieKind) -> SetCookie {
        self.cookie(kind, "", CookieLifetime::Over)
    }

    fn cookie(&self, kind: CookieKind, value: &str, lifetime: CookieLifetime) -> SetCookie {
        let secure = self.security == CookieSecurity::Host;
        SetCookie::new(self.name(kind), value, lifetime, secure)
    }
}

impl Default for CookieNames {
    fn default() -> Self {
        Self::named(DEFAULT_STEM, CookieSecurity::Host)
    }
}

/// Our cookies in one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCookies<'r> {
    /// The access token.
    pub access: Presented<'r>,
    /// What comes back from an issuer, sealed.
    pub away: Presented<'r>,
    /// The device cookie.
    pub device: Presented<'r>,
    /// The flow binding.
    pub flow: Presented<'r>,
    /// What a form's answer has for the next page, sealed.
    pub page: Presented<'r>,
    /// The refresh token.
    pub refresh: Presented<'r>,
}

impl<'r> RequestCookies<'r> {
    /// Whether a cookie of the session came more than once, equal or not: the request is to be refused with
    /// [`RefusalReason::CookieDuplicate`](crate::refusal::RefusalReason::CookieDuplicate).
    pub fn session_is_ambiguous(&self) -> bool {
        self.access == Presented::Duplicate || self.refresh == Presented::Duplicate
    }

    /// Whether any cookie of the session came, however often.
    pub fn has_session(&self) -> bool {
        self.access != Presented::Absent || self.refresh != Presented::Absent
    }

    fn place(&mut self, kind: CookieKind) -> &mut Presented<'r> {
        match kind {
            CookieKind::Access => &mut self.access,
            CookieKind::Away => &mut self.away,
            CookieKind::Device => &mut self.device,
            CookieKind::Flow => &mut self.flow,
            CookieKind::Page => &mut self.page,
            CookieKind::Refresh => &mut self.refresh,
        }
    }
}

/// How often a cookie came, and its value if that was once. Debug shows no value.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub enum Presented<'r> {
    /// Not at all.
    #[default]
    Absent,
    /// More than once: which is meant cannot be known.
    Duplicate,
    /// Once, with this value, byte for byte.
    One(&'r [u8]),
}

impl<'r> Presented<'r> {
    /// The value, if the cookie came exactly once.
    pub fn once(self) -> Option<&'r [u8]> {
        match self {
            Self::One(value) => Some(value),
            Self::Absent | Self::Duplicate => None,
        }
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Duplicate => "Duplicate",
            Self::One(_) => "One([redacted])",
        })
    }
}

/// A cookie that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieError {
    /// The configured stem, which is shown, cannot be part of a name.
    Stem(String),
    /// The line would be longer than [`MAX_COOKIE_BYTES`].
    TooLong,
    /// The value is empty or has characters that would need quoting.
    Value,
}

impl fmt::Display for CookieError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stem(stem) => write!(
                f,
                "{stem:?} is not a cookie stem: write 1 to {MAX_STEM_BYTES} characters of a-z, 0-9, _ and -, a letter \
                 first"
            ),
            Self::TooLong => write!(f, "the cookie line is longer than {MAX_COOKIE_BYTES} bytes"),
            Self::Value => {
                f.write_str("the cookie value is empty or has characters other than A-Z a-z 0-9 - _ . ~")
            }
        }
    }
}

impl std::error::Error for CookieError {}

/// A wrong stem is the configuration's fault; values are made here, so a wrong one is a defect.
impl From<CookieError> for Error {
    fn from(error: CookieError) -> Self {
        let kind = match error {
            CookieError::Stem(_) => ErrorKind::Configuration,
            CookieError::TooLong | CookieError::Value => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests;
