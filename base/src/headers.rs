//! Response headers: a list of lines that the embedding program sends, each as its own line and in this order.

use std::fmt::{self, Write as _};
use std::time::Duration;

use zeroize::Zeroizing;

mod set_cookie;

pub use set_cookie::{CookieLifetime, SetCookie};

/// The headers that an outcome wants sent.
///
/// `Set-Cookie` must never be folded into one line (RFC 9110 section 5.3), so there is no map here. The first cookie
/// brings `Cache-Control: no-store` with it, once: a shared cache must not hand one person's session to another.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ResponseHeaders {
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Eq)]
enum Line {
    /// What an app keeps in place of a cookie.
    App(&'static str, Zeroizing<String>),
    Challenge(Challenge),
    NoStore,
    /// A line of the HTTP surface.
    Plain(&'static str, String),
    RetryAfter(String),
    SetCookie(SetCookie),
}

/// What a 401 asks for: the value of `WWW-Authenticate` (RFC 9110 section 11.6.1).
///
/// | challenge | with |
/// |---|---|
/// | `Bearer` | nothing presented, or nothing that a bearer token could mend (RFC 6750 section 3.1) |
/// | `Bearer error="invalid_token"` | a token that is not accepted, or no more (the same) |
/// | `Bearer error="insufficient_user_authentication"` | a session that proves too little, or too long ago (RFC 9470 section 3) |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// Nothing was presented, or nothing that a bearer token could mend.
    pub fn nothing() -> Self {
        Self("Bearer".into())
    }

    /// `reason` is a stable id of ours: none has a character that a description may not have.
    pub fn invalid_token(reason: &'static str) -> Self {
        Self(format!(
            "Bearer error=\"invalid_token\", error_description=\"{reason}\""
        ))
    }

    /// The session proves too little, or too long ago: `reason` is a stable id of ours.
    pub fn insufficient(reason: &'static str) -> Self {
        Self(format!(
            "Bearer error=\"insufficient_user_authentication\", error_description=\"{reason}\""
        ))
    }

    /// How long ago a factor may have been proved, in whole seconds.
    #[must_use]
    pub fn max_age(mut self, limit: Duration) -> Self {
        _ = write!(self.0, ", max_age=\"{}\"", limit.as_secs());
        self
    }

    /// What is to be proved: one of these provider names, the best first. Names have no characters that need quoting.
    #[must_use]
    pub fn acr_values(mut self, names: &[String]) -> Self {
        if !names.is_empty() {
            _ = write!(self.0, ", acr_values=\"{}\"", names.join(" "));
        }
        self
    }
}

impl ResponseHeaders {
    /// No headers.
    pub const fn new() -> Self {
        Self { lines: Vec::new() }
    }

    /// Adds a cookie. One of the same name that was added before gives way: a response must not set one name twice
    /// (RFC 6265bis section 4.1.1).
    pub fn set_cookie(&mut self, cookie: SetCookie) {
        self.lines
            .retain(|line| !matches!(line, Line::SetCookie(earlier) if earlier.name() == cookie.name()));
        if !self.lines.contains(&Line::NoStore) {
            self.lines.push(Line::NoStore);
        }
        self.lines.push(Line::SetCookie(cookie));
    }

    /// Adds `Retry-After` in whole seconds, rounded up, at least 1 (RFC 9110 section 10.2.3). A later call replaces an
    /// earlier one.
    pub fn retry_after(&mut self, wait: Duration) {
        self.lines.retain(|line| !matches!(line, Line::RetryAfter(_)));
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0))
            .max(1);
        self.lines.push(Line::RetryAfter(seconds.to_string()));
    }

    /// Adds what an app keeps in place of a cookie, and `Cache-Control: no-store` once. A later value of the same name
    /// replaces an earlier one.
    pub fn app_value(&mut self, name: &'static str, value: &str) {
        self.lines
            .retain(|line| !matches!(line, Line::App(earlier, _) if *earlier == name));
        if !self.lines.contains(&Line::NoStore) {
            self.lines.push(Line::NoStore);
        }
        self.lines.push(Line::App(name, Zeroizing::new(value.to_owned())));
    }

    /// Adds `WWW-Authenticate`. A later call replaces an earlier one.
    pub fn challenge(&mut self, challenge: Challenge) {
        self.lines.retain(|line| !matches!(line, Line::Challenge(_)));
        self.lines.push(Line::Challenge(challenge));
    }

    /// Adds a line of the HTTP surface. A later value of the same name replaces an earlier one.
    pub fn plain(&mut self, name: &'static str, value: &str) {
        let is_same = |line: &Line| match line {
            Line::Plain(earlier, _) => *earlier == name,
            Line::NoStore => name == "Cache-Control",
            _ => false,
        };
        self.lines.retain(|line| !is_same(line));
        self.lines.push(Line::Plain(name, value.to_owned()));
    }

    /// What goes with the status that is sent, and with no other: `Retry-After` and `WWW-Authenticate`.
    #[must_use]
    pub fn of_status(&self) -> Self {
        let lines = self.lines.iter();
        let of_status = lines.filter(|line| matches!(line, Line::Challenge(_) | Line::RetryAfter(_)));
        Self {
            lines: of_status.cloned().collect(),
        }
    }

    /// Adds everything that the other list has, by the same rules.
    pub fn append(&mut self, other: Self) {
        for line in other.lines {
            match line {
                Line::App(name, value) => self.app_value(name, &value),
                Line::Plain(name, value) => self.plain(name, &value),
                Line::SetCookie(cookie) => self.set_cookie(cookie),
                Line::NoStore if self.lines.contains(&Line::NoStore) => {}
                Line::RetryAfter(_) => {
                    self.lines.retain(|line| !matches!(line, Line::RetryAfter(_)));
                    self.lines.push(line);
                }
                Line::Challenge(_) => {
                    self.lines.retain(|line| !matches!(line, Line::Challenge(_)));
                    self.lines.push(line);
                }
                Line::NoStore => self.lines.push(line),
            }
        }
    }

    /// The lines, name and value. The values of cookies are secrets: send them, and keep them nowhere.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &str)> {
        self.lines.iter().map(|line| match line {
            Line::App(name, value) => (*name, value.as_str()),
            Line::Challenge(challenge) => ("WWW-Authenticate", challenge.0.as_str()),
            Line::NoStore => ("Cache-Control", "no-store"),
            Line::Plain(name, value) => (*name, value.as_str()),
            Line::RetryAfter(seconds) => ("Retry-After", seconds.as_str()),
            Line::SetCookie(cookie) => ("Set-Cookie", cookie.line()),
        })
    }

    /// The cookies alone, for programs that set them through an interface of their own.
    pub fn cookies(&self) -> impl Iterator<Item = &SetCookie> {
        self.lines.iter().filter_map(|line| match line {
            Line::SetCookie(cookie) => Some(cookie),
            Line::App(..) | Line::Challenge(_) | Line::NoStore | Line::Plain(..) | Line::RetryAfter(_) => {
                None
            }
        })
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl FromIterator<SetCookie> for ResponseHeaders {
    fn from_iter<I: IntoIterator<Item = SetCookie>>(cookies: I) -> Self {
        let mut headers = Self::new();
        for cookie in cookies {
            headers.set_cookie(cookie);
        }
        headers
    }
}

impl fmt::Debug for ResponseHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.lines.iter().map(|line| match line {
                Line::App(name, _) => format!("{name}: [redacted]"),
                Line::Challenge(challenge) => format!("WWW-Authenticate: {}", challenge.0),
                Line::NoStore => "Cache-Control: no-store".to_owned(),
                Line::Plain(name, value) => format!("{name}: {value}"),
                Line::RetryAfter(seconds) => format!("Retry-After: {seconds}"),
                Line::SetCookie(cookie) => format!("{cookie:?}"),
            }))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(what: &str, value: &str) -> SetCookie {
        SetCookie::new(
            &format!("__Host-doorward-{what}"),
            value,
            CookieLifetime::Browser,
            true,
        )
    }

    fn names(headers: &ResponseHeaders) -> Vec<&'static str> {
        headers.iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn cookies_bring_no_store_once_and_keep_their_order() {
        let mut headers = ResponseHeaders::new();
        headers.set_cookie(cookie("refresh", "r"));
        headers.set_cookie(cookie("access", "a"));
        assert_eq!(names(&headers), ["Cache-Control", "Set-Cookie", "Set-Cookie"]);
        let lines: Vec<_> = headers.iter().map(|(_, value)| value.to_owned()).collect();
        assert!(
            lines[1].starts_with("__Host-doorward-refresh=r;")
                && lines[2].starts_with("__Host-doorward-access=a;")
        );
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn no_name_is_set_twice() {
        let mut headers: ResponseHeaders = [cookie("access", "old"), cookie("access", "new")]
            .into_iter()
            .collect();
        headers.append(
            [cookie("access", "newest"), cookie("flow", "f")]
                .into_iter()
                .collect(),
        );
        assert_eq!(names(&headers), ["Cache-Control", "Set-Cookie", "Set-Cookie"]);
        assert_eq!(
            headers.cookies().map(SetCookie::value).collect::<Vec<_>>(),
            ["newest", "f"]
        );
    }

    #[test]
    fn retry_after_is_whole_seconds_rounded_up_and_alone() {
        for (wait, seconds) in [
            (Duration::ZERO, "1"),
            (Duration::from_millis(1), "1"),
            (Duration::from_secs(1), "1"),
            (Duration::from_millis(1001), "2"),
            (Duration::MAX, "18446744073709551615"),
        ] {
            let mut headers = ResponseHeaders::new();
            headers.retry_after(Duration::from_secs(77));
            headers.retry_after(wait);
            assert_eq!(headers.iter().collect::<Vec<_>>(), [("Retry-After", seconds)]);
        }
        let mut both = ResponseHeaders::new();
        both.retry_after(Duration::from_secs(5));
        let mut other = ResponseHeaders::new();
        other.retry_after(Duration::from_secs(6));
        both.append(other);
        assert_eq!(both.iter().collect::<Vec<_>>(), [("Retry-After", "6")]);
        assert!(ResponseHeaders::new().is_empty());
    }

    #[test]
    fn debug_shows_no_cookie_value() {
        let headers: ResponseHeaders = [cookie("access", "canary")].into_iter().collect();
        let shown = format!("{headers:?} {headers:#?}");
        assert!(
            !shown.contains("canary") && shown.contains("__Host-doorward-access"),
            "{shown}"
        );
    }
}
