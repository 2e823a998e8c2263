//! Responses: a status, header lines, a body.

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::problem::Problem;
use super::turn::{Body, Done};
use crate::auth::Auth;
use crate::request::Request;

/// What to send: the status, each header line as its own line and in this order, and the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Name and value. The values of cookies are secrets: send them, and keep them nowhere.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty where there is none.
    pub body: Cow<'static, [u8]>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither cookies nor a body that may hold a token.
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// How long a browser keeps a preflight's answer, in seconds.
const PREFLIGHT: &str = "600";

/// The header lines that every answer has.
pub(super) struct Lines(Vec<(&'static str, String)>);

impl Lines {
    /// For the request that the handle is on.
    pub(super) fn of(auth: &Auth) -> Self {
        let mut lines = vec![
            ("Vary", "Cookie, Origin, Authorization".to_owned()),
            ("X-Content-Type-Options", "nosniff".into()),
            ("Referrer-Policy", "no-referrer".into()),
            ("Cross-Origin-Resource-Policy", "same-site".into()),
        ];
        // Exactly the origins that are trusted by name (Fetch standard, CORS protocol). Never the headers by which an app
        // says that it is one: with them a page could be one.
        if let Some(origin) = auth.trusted_origin() {
            lines.push(("Access-Control-Allow-Origin", origin));
            lines.push(("Access-Control-Allow-Credentials", "true".into()));
            lines.push(("Access-Control-Expose-Headers", "Retry-After".into()));
        }
        Self(lines)
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    fn response(self, status: u16, body: impl Into<Cow<'static, [u8]>>) -> Response {
        Response {
            status,
            headers: self.0,
            body: body.into(),
        }
    }

    /// The answer to OPTIONS: what the path takes, and to a page that is trusted what it may send.
    pub(super) fn options(self, allow: &str) -> Response {
        let is_trusted = self
            .0
            .iter()
            .any(|(name, _)| *name == "Access-Control-Allow-Origin");
        let mut lines = self.with("Allow", allow).with("Cache-Control", "no-store");
        if is_trusted {
            lines = lines
                .with("Access-Control-Allow-Methods", allow)
                .with("Access-Control-Allow-Headers", "Content-Type")
                .with("Access-Control-Max-Age", PREFLIGHT);
        }
        lines.response(204, Vec::new())
    }

    pub(super) fn problem(self, auth: &Auth, problem: &Problem) -> Response {
        let body = problem.body(&auth.http_settings().problem_type).to_string();
        let mut lines = self
            .with("Content-Type", "application/problem+json")
            .with("Cache-Control", "no-store");
        if let Some(allow) = &problem.allow {
            lines = lines.with("Allow", allow);
        }
        for (name, value) in problem.headers.iter() {
            lines = lines.with(name, value);
        }
        lines.cookies(auth).response(problem.status, body.into_bytes())
    }

    pub(super) fn done(self, auth: &Auth, request: &Request, done: Done) -> Response {
        let mut lines = self;
        if done.clears {
            // What the browser kept of pages goes, the back button's among it (W3C, Clear Site Data).
            lines = lines.with("Clear-Site-Data", "\"cache\"");
        }
        let (text, media, kept) = match done.body {
            Body::Nothing => {
                return lines
                    .with("Cache-Control", "no-store")
                    .cookies(auth)
                    .response(done.status, Vec::new());
            }
            Body::Place(place) => {
                return lines
                    .with("Location", place)
                    .with("Cache-Control", "no-store")
                    .cookies(auth)
                    .response(done.status, Vec::new());
            }
            Body::Json(body) => (body.to_string().into(), JSON, None),
            Body::Tagged(body) => (body.to_string().into(), JSON, Some("private, no-cache")),
            Body::Document(text) => (text.into(), JSON, Some("no-cache")),
            Body::File {
                media,
                text,
                is_versioned: true,
            } => (
                Cow::Borrowed(text),
                media,
                Some("public, max-age=31536000, immutable"),
            ),
            Body::File { media, text, .. } => (Cow::Borrowed(text), media, Some("no-cache")),
        };
        // A program may have refreshed on this handle before: what brings somebody's cookies is nobody else's to keep.
        let kept = kept.filter(|_| auth.headers().cookies().next().is_none());
        let lines = lines
            .with("Content-Type", media)
            .with("Cache-Control", kept.unwrap_or("no-store"));
        let Some(tag) = kept.map(|_| tag(&text)) else {
            return lines.cookies(auth).response(done.status, bytes(text));
        };
        let known = request.values("if-none-match").any(|value| {
            let mut tags = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            tags.any(|known| known == tag.as_bytes())
        });
        let lines = lines.with("ETag", tag).cookies(auth);
        if known {
            return lines.response(304, Vec::new());
        }
        lines.response(done.status, bytes(text))
    }

    /// The final cookies of what was decided on the request, and what an app keeps in their place.
    fn cookies(mut self, auth: &Auth) -> Self {
        let collected = auth.headers();
        let lines = collected.iter().filter(|(name, _)| *name != "Cache-Control");
        self.0.extend(lines.map(|(name, value)| (name, value.to_owned())));
        self
    }
}

const JSON: &str = "application/json";

fn bytes(text: Cow<'static, str>) -> Cow<'static, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// A strong validator (RFC 9110 section 8.8.3): the same bytes, the same tag.
fn tag(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let digits: Vec<String> = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{}\"", digits.concat())
}
