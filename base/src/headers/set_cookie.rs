//! One `Set-Cookie` line (RFC 6265bis section 4.1): its parts and its text.

use std::fmt;

use zeroize::Zeroizing;

/// One `Set-Cookie`. `Secure; HttpOnly; SameSite=Lax; Path=/` and never a `Domain`; without `Secure` only where plain
/// HTTP was asked for. Debug shows no value, and the value is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct SetCookie {
    name: String,
    value: Zeroizing<String>,
    lifetime: CookieLifetime,
    secure: bool,
    line: Zeroizing<String>,
}

/// How long a browser keeps a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieLifetime {
    /// Until it closes.
    Browser,
    /// It is cleared at once.
    Over,
    /// So many seconds.
    Seconds(u64),
}

impl SetCookie {
    /// A line of these parts, which are taken as they are: whoever calls has judged the characters and the length.
    pub fn new(name: &str, value: &str, lifetime: CookieLifetime, secure: bool) -> Self {
        let lives = match lifetime {
            CookieLifetime::Browser => String::new(),
            CookieLifetime::Over => "; Expires=Thu, 01 Jan 1970 00:00:00 GMT".to_owned(),
            CookieLifetime::Seconds(seconds) => format!("; Max-Age={seconds}"),
        };
        // Sized at once: growing would leave copies of the value behind.
        let mut line = Zeroizing::new(String::with_capacity(name.len() + value.len() + 128));
        for part in [
            name,
            "=",
            value,
            "; Path=/",
            &lives,
            if secure { "; Secure" } else { "" },
            "; HttpOnly; SameSite=Lax",
        ] {
            line.push_str(part);
        }
        Self {
            name: name.to_owned(),
            value: Zeroizing::new(value.to_owned()),
            lifetime,
            secure,
            line,
        }
    }

    /// The cookie's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cookie's value, a secret; empty if the cookie is cleared.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Seconds until the browser drops it; 0 if it is cleared, `None` if it goes when the browser closes.
    pub fn max_age_seconds(&self) -> Option<u64> {
        match self.lifetime {
            CookieLifetime::Browser => None,
            CookieLifetime::Over => Some(0),
            CookieLifetime::Seconds(seconds) => Some(seconds),
        }
    }

    /// Whether the line has `Secure`: always, except in development over plain HTTP.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The whole value of the `Set-Cookie` header.
    pub fn line(&self) -> &str {
        &self.line
    }
}

impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.value.is_empty() { "" } else { "[redacted]" };
        let attributes = self.line.find(';').map_or("", |at| &self.line[at..]);
        write!(f, "Set-Cookie: {}={value}{attributes}", self.name)
    }
}
