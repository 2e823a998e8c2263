//! What Doorward sees of an HTTP request: a method, some headers, the peer's address. No sockets, no body, no URL.
//!
//! Only the headers of [`HEADERS_READ`] are kept; everything else that is passed is dropped at once. In particular
//! neither `Host` nor `Referer` nor any method override decides anything here.

mod bearer;
mod client;
mod network;

pub use bearer::{Authorization, BearerPrefixError, BearerPrefixes, MAX_BEARER_BYTES};
pub use client::{ForwardedHeader, TrustedProxies};
pub use network::{Network, NetworkError, NetworkPrefix};

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// The exact list of request headers that are read, each with what for. Names are compared without regard to ASCII
/// case (RFC 9110 section 5.1).
pub const HEADERS_READ: [(&str, &str); 13] = [
    (
        "authorization",
        "bearer tokens: sessions of programs, and the credentials of configured providers",
    ),
    (
        "content-type",
        "how the body is read that the HTTP surface is given",
    ),
    (
        "cookie",
        "the session, flow and device cookies; several header lines are taken as one",
    ),
    (
        "doorward-client",
        "`app`: a client with neither cookies nor an origin, whose values travel in the two headers below",
    ),
    (
        "doorward-device",
        "what an app keeps in place of the device cookie",
    ),
    ("doorward-flow", "what an app keeps in place of the flow cookie"),
    (
        "forwarded",
        "the client's address, from listed proxies only (RFC 7239)",
    ),
    (
        "if-none-match",
        "whether the client has what the HTTP surface would send",
    ),
    (
        "origin",
        "the page that sends an unsafe request or opens a websocket (RFC 6454)",
    ),
    (
        "sec-fetch-site",
        "the browser's word on how far that page is from this host (Fetch Metadata)",
    ),
    (
        "upgrade",
        "whether a websocket is asked for, which is checked like an unsafe method",
    ),
    (
        "user-agent",
        "shown to the user beside each of the devices; decides nothing",
    ),
    (
        "x-forwarded-for",
        "the client's address, from listed proxies only",
    ),
];

/// Bytes of a `User-Agent` that are kept. Real ones are shorter; what is longer is cut, not refused.
pub const MAX_AGENT_BYTES: usize = 256;

/// A request, as far as it matters here. Cloning is one reference count.
///
/// ```
/// use doorward::request::Request;
///
/// let request = Request::new("POST", [("Origin", "https://example.com"), ("X-Other", "dropped")], None);
/// assert!(!request.is_safe());
/// assert_eq!(request.values("origin").count(), 1);
/// assert_eq!(request.values("x-other").count(), 0);
/// ```
#[derive(Clone)]
pub struct Request {
    view: Arc<View>,
}

#[derive(Clone)]
struct View {
    method: Box<[u8]>,
    headers: Vec<Header>,
    /// How many header lines there were, dropped ones included.
    lines: usize,
    peer: Option<IpAddr>,
    /// Path and query, as in the request line.
    target: Option<Box<[u8]>>,
}

#[derive(Clone)]
struct Header {
    name: &'static str,
    /// Wiped on drop: some of the headers carry secrets.
    value: Zeroizing<Vec<u8>>,
}

impl Request {
    /// The peer's address from its text: an IP address without a port, or `unix:` and whatever follows, as servers call
    /// a peer on a Unix socket: it has no address, and the entry `unix` of `trusted_proxies` says whether its word counts.
    ///
    /// # Errors
    /// `InvalidArgument` for anything else.
    pub fn peer_of(text: &str) -> Result<Option<IpAddr>> {
        if text.starts_with("unix:") {
            return Ok(None);
        }
        // The zone of an IPv6 address (RFC 4007 section 11) names an interface here.
        let address = text.split('%').next().unwrap_or_default();
        address.parse().map(Some).map_err(|_| {
            Error::new(
                ErrorKind::InvalidArgument,
                "`peer` takes an IPv4 or IPv6 address without a port, or `unix:` for a peer on a Unix socket",
            )
        })
    }

    /// Takes a method as it stood in the request line, the headers in their order (one pair for each line), and the
    /// address of the peer that holds the connection: a proxy, perhaps. `None` where there is none (a Unix socket).
    pub fn new<N, V>(
        method: impl AsRef<[u8]>,
        headers: impl IntoIterator<Item = (N, V)>,
        peer: Option<IpAddr>,
    ) -> Self
    where
        N: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let mut lines = 0;
        let headers = headers
            .into_iter()
            .inspect(|_| lines += 1)
            .filter_map(|(name, value)| {
                let name = header_read(name.as_ref())?;
                Some(Header {
                    name,
                    value: Zeroizing::new(trim_whitespace(value.as_ref()).to_vec()),
                })
            })
            .collect();
        let peer = peer.map(|address| address.to_canonical());
        Self {
            view: Arc::new(View {
                method: method.as_ref().into(),
                headers,
                lines,
                peer,
                target: None,
            }),
        }
    }

    /// The same request with its path and query, as they stood in the request line: what the HTTP surface reads. Nothing
    /// else looks at them.
    #[must_use]
    pub fn with_target(self, target: impl AsRef<[u8]>) -> Self {
        let view = Arc::try_unwrap(self.view).unwrap_or_else(|shared| (*shared).clone());
        let target = Some(target.as_ref().into());
        Self {
            view: Arc::new(View { target, ..view }),
        }
    }

    /// Path and query, where they were given.
    pub fn target(&self) -> Option<&[u8]> {
        self.view.target.as_deref()
    }

    /// How many header lines the request had, those included that are not kept.
    pub fn header_lines(&self) -> usize {
        self.view.lines
    }

    /// The method, exactly as received.
    pub fn method(&self) -> &[u8] {
        &self.view.method
    }

    /// Whether the method is one that promises to change nothing (RFC 9110 section 9.2.1). Methods are case-sensitive,
    /// and an unknown one is unsafe.
    pub fn is_safe(&self) -> bool {
        matches!(self.method(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
    }

    /// Whether any `Upgrade` header names `websocket`, in any case and with any version.
    pub fn asks_for_websocket(&self) -> bool {
        self.values("upgrade")
            .flat_map(|value| value.split(|&byte| byte == b','))
            .any(|protocol| {
                let name = protocol.split(|&byte| byte == b'/').next().unwrap_or_default();
                trim_whitespace(name).eq_ignore_ascii_case(b"websocket")
            })
    }

    /// Whether the client declares itself an app: `Doorward-Client: app`, with neither `Cookie` nor `Origin`.
    ///
    /// A page of another origin can send that header only if this host's CORS allows it, which it must never do: then
    /// nothing but an app, or a page of this very host, can be one (Fetch standard, CORS-preflight request).
    pub fn is_app(&self) -> bool {
        matches!(self.single("doorward-client"), Single::One(b"app"))
            && self.values("cookie").next().is_none()
            && self.values("origin").next().is_none()
            && matches!(self.single("sec-fetch-site"), Single::Absent)
    }

    /// The address of whoever holds the connection, IPv4-mapped addresses unmapped. See [`TrustedProxies::client`].
    pub fn peer(&self) -> Option<IpAddr> {
        self.view.peer
    }

    /// The values of one of the [`HEADERS_READ`], line by line in their order, outer whitespace removed.
    pub fn values<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r [u8]> {
        self.view
            .headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_slice())
    }

    /// The value of a header that may come once.
    pub(crate) fn single<'r>(&'r self, name: &'r str) -> Single<'r> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => Single::Absent,
            (Some(value), None) => Single::One(value),
            (Some(_), Some(_)) => Single::Several,
        }
    }

    /// The user agent for lists and events: at most [`MAX_AGENT_BYTES`], every character that is not printable
    /// replaced by `?`, so that it can neither break a line nor turn its direction. `None` if absent or empty.
    pub fn agent(&self) -> Option<String> {
        let raw = String::from_utf8_lossy(self.values("user-agent").next()?);
        let mut agent = String::new();
        for character in raw.chars() {
            let character = if is_printable(character) { character } else { '?' };
            if agent.len() + character.len_utf8() > MAX_AGENT_BYTES {
                break;
            }
            agent.push(character);
        }
        (!agent.is_empty()).then_some(agent)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method().escape_ascii().to_string())
            .field("headers", &self.view.headers)
            .field("peer", &self.peer())
            .finish()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self.name {
            "authorization" | "cookie" | "doorward-device" | "doorward-flow" => "[redacted]".to_owned(),
            _ => self.value.escape_ascii().to_string(),
        };
        write!(f, "{}: {value}", self.name)
    }
}

/// How often a header that may come once did come.
#[derive(Clone, Copy)]
pub(crate) enum Single<'r> {
    Absent,
    One(&'r [u8]),
    Several,
}

fn header_read(name: &[u8]) -> Option<&'static str> {
    HEADERS_READ
        .iter()
        .map(|&(known, _)| known)
        .find(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Outer spaces and tabs are not part of a field value (RFC 9110 section 5.5).
fn trim_whitespace(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// `escape_debug` leaves exactly the printable characters alone, and quotes and backslashes are printable.
fn is_printable(character: char) -> bool {
    matches!(character, '"' | '\'' | '\\') || character.escape_debug().len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        Request::new(method, headers.iter().copied(), None)
    }

    #[test]
    fn only_the_listed_headers_are_kept_whatever_their_case() {
        let all: Vec<(String, &str)> = HEADERS_READ
            .iter()
            .map(|(name, _)| (name.to_uppercase(), "value"))
            .collect();
        let kept = Request::new("GET", all, None);
        for (name, purpose) in HEADERS_READ {
            assert_eq!(kept.values(name).count(), 1, "{name}");
            assert_eq!(name, name.to_lowercase());
            assert!(!purpose.is_empty());
        }
        let dropped = request(
            "GET",
            &[
                ("Host", "a"),
                ("Referer", "b"),
                ("X-HTTP-Method-Override", "POST"),
                ("Origin ", "c"),
            ],
        );
        assert!(dropped.view.headers.is_empty());
    }

    #[test]
    fn methods_are_case_sensitive_and_unknown_ones_unsafe() {
        for (method, safe) in [
            ("GET", true),
            ("HEAD", true),
            ("OPTIONS", true),
            ("TRACE", true),
            ("POST", false),
            ("PUT", false),
            ("PATCH", false),
            ("DELETE", false),
            ("CONNECT", false),
            ("QUERY", false),
            ("get", false),
            ("", false),
            ("GET ", false),
            ("GET\0", false),
        ] {
            assert_eq!(request(method, &[]).is_safe(), safe, "{method:?}");
        }
    }

    #[test]
    fn websockets_are_recognised_in_every_spelling_that_servers_take() {
        for (value, asks) in [
            ("websocket", true),
            ("WebSocket", true),
            ("h2c, websocket", true),
            ("websocket/13", true),
            ("h2c,\twebsocket ", true),
            ("h2c", false),
            ("websockets", false),
            ("", false),
            ("web socket", false),
        ] {
            assert_eq!(
                request("GET", &[("Upgrade", value)]).asks_for_websocket(),
                asks,
                "{value:?}"
            );
        }
        assert!(request("GET", &[("Upgrade", "h2c"), ("upgrade", "websocket")]).asks_for_websocket());
    }

    #[test]
    fn outer_whitespace_is_not_part_of_a_value() {
        let request = request("GET", &[("Origin", " \t https://example.com\t ")]);
        assert_eq!(
            request.values("origin").next(),
            Some(b"https://example.com".as_slice())
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let request = request(
            "POST",
            &[
                ("Cookie", "canary-1"),
                ("Authorization", "Bearer canary-2"),
                ("Origin", "o\n"),
            ],
        );
        let shown = format!("{request:?} {request:#?}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(
            shown.contains("cookie: [redacted]") && shown.contains("o\\\\n") | shown.contains("o\\n"),
            "{shown}"
        );
    }

    #[test]
    fn the_agent_is_capped_and_cannot_forge_a_line() {
        let evil = "Mozilla\r\n\u{1b}[31mfake\u{202e}\u{0}\u{7f}\u{85}\u{2028}\"'\\é";
        assert_eq!(
            request("GET", &[("User-Agent", evil)]).agent().as_deref(),
            Some("Mozilla???[31mfake?????\"'\\é"),
        );
        let long = "é".repeat(400);
        let agent = request("GET", &[("User-Agent", &long)]).agent().unwrap();
        assert_eq!(agent, "é".repeat(128));
        assert_eq!(request("GET", &[("User-Agent", "  ")]).agent(), None);
        assert_eq!(request("GET", &[]).agent(), None);
        assert_eq!(
            Request::new("GET", [("user-agent", [0xff, b'a'])], None)
                .agent()
                .as_deref(),
            Some("\u{fffd}a")
        );
    }

    #[test]
    fn a_peer_is_an_address_or_a_unix_socket() {
        assert_eq!(Request::peer_of("fe80::1%eth0").unwrap(), "fe80::1".parse().ok());
        for unix in ["unix:", "unix:/run/app.sock"] {
            assert_eq!(Request::peer_of(unix).unwrap(), None);
        }
        for wrong in ["", "localhost", "192.0.2.1:80", "unix"] {
            let error = Request::peer_of(wrong).unwrap_err();
            assert!(error.message().contains("`unix:`"), "{wrong}: {error}");
        }
    }

    #[test]
    fn mapped_peers_are_unmapped() {
        let request = Request::new("GET", [("", ""); 0], Some("::ffff:192.0.2.7".parse().unwrap()));
        assert_eq!(request.peer(), Some("192.0.2.7".parse().unwrap()));
    }
}
