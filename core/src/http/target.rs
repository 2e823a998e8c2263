//! The request target: which endpoint it names, and its query.

use super::table::{Method, ROUTES, Route};

/// Longest path and query, in bytes.
const MAX_TARGET: usize = 2048;
/// The same where an issuer leads back: codes and states are its own.
const MAX_CALLBACK: usize = 16 * 1024;

/// A target that is the surface's.
pub(super) struct Target<'a> {
    /// The endpoints of the path: one for each method that it takes. Empty: there is no such path.
    pub(super) routes: Vec<&'static Route>,
    /// The parts of the path that stand for `{…}`, in their order.
    pub(super) parts: Vec<&'a str>,
    pub(super) query: &'a str,
    pub(super) is_too_long: bool,
}

impl<'a> Target<'a> {
    /// Reads a target; `None`: it is not the surface's.
    pub(super) fn read(prefix: &str, well_known: bool, raw: &'a [u8]) -> Option<Self> {
        let (path, query) = match raw.iter().position(|&byte| byte == b'?') {
            Some(at) => (&raw[..at], &raw[at + 1..]),
            None => (raw, &raw[raw.len()..]),
        };
        let below = path.strip_prefix(prefix.as_bytes()).and_then(|rest| match rest {
            [] => Some(rest),
            [b'/', below @ ..] => Some(below),
            _ => None,
        });
        // A path outside the prefix is ours only where it is one of the few that have their place at the root.
        let (path, is_root) = match below {
            Some(path) => (path, false),
            None if well_known && ROUTES.iter().any(|route| route.path.as_bytes() == path) => (path, true),
            None => return None,
        };
        // What is no text names nothing: paths of ours are plain ASCII.
        let path = std::str::from_utf8(path).unwrap_or("\0");
        let mut parts = Vec::new();
        let mut routes = Vec::new();
        for route in ROUTES
            .iter()
            .filter(|route| route.path.starts_with('/') == is_root)
        {
            if let Some(found) = matched(route.path, path) {
                routes.push(route);
                parts = found;
            }
        }
        let limit = if path.starts_with("callback/") {
            MAX_CALLBACK
        } else {
            MAX_TARGET
        };
        Some(Self {
            routes,
            parts,
            query: std::str::from_utf8(query).unwrap_or_default(),
            is_too_long: raw.len() > limit,
        })
    }

    /// The endpoint for a method. HEAD is answered as GET.
    pub(super) fn route(&self, method: &[u8]) -> Option<&'static Route> {
        let method = if method == b"HEAD" { b"GET" } else { method };
        let mut routes = self.routes.iter();
        routes
            .find(|route| route.method.id().as_bytes() == method)
            .copied()
    }

    /// The value of `Allow` (RFC 9110 section 10.2.1).
    pub(super) fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.routes.iter().map(|route| route.method.id()).collect();
        if methods.contains(&Method::Get.id()) {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    /// A parameter of the query, where it is there once.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut found = parameters(self.query).filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

/// The parameters of a query or form, decoded; what is no text in them is U+FFFD.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// The parts of a path that stand for the `{…}` of a route; `None`: it is another path.
fn matched<'a>(route: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let (mut of_route, mut of_path) = (route.split('/'), path.split('/'));
    let mut parts = Vec::new();
    loop {
        match (of_route.next(), of_path.next()) {
            (None, None) => return Some(parts),
            (Some(place), Some(part)) if place.starts_with('{') => {
                // Names and ids have no characters that would be encoded.
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                if part.is_empty() || !part.bytes().all(plain) {
                    return None;
                }
                parts.push(part);
            }
            (Some(known), Some(part)) if known == part => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(raw: &str) -> Option<(Vec<&'static str>, Vec<String>)> {
        Target::read("/auth", true, raw.as_bytes()).map(|target| {
            (
                target.routes.iter().map(|route| route.path).collect(),
                target.parts.iter().map(|&part| part.to_owned()).collect(),
            )
        })
    }

    #[test]
    fn a_target_names_an_endpoint_exactly_or_none() {
        assert_eq!(found("/auth/session"), Some((vec!["session"], vec![])));
        assert_eq!(found("/auth/session?a=b"), Some((vec!["session"], vec![])));
        assert_eq!(
            found("/auth/authenticators/totp/0190-a"),
            Some((
                vec!["authenticators/{provider}/{id}"; 2],
                vec!["totp".into(), "0190-a".into()]
            ))
        );
        assert_eq!(
            found("/.well-known/change-password"),
            Some((vec!["/.well-known/change-password"], vec![]))
        );
        for nowhere in [
            "/auth",
            "/auth/",
            "/auth//session",
            "/auth/session/",
            "/auth/Session",
            "/auth/%73ession",
            "/auth/../auth/session",
            "/auth/sessions/",
            "/auth/sessions/a%2fb",
            "/auth/sessions/\u{e9}",
            "/auth//.well-known/change-password",
        ] {
            assert_eq!(found(nowhere), Some((vec![], vec![])), "{nowhere}");
        }
        for foreign in [
            "/",
            "",
            "/authors",
            "/Auth/session",
            "/au",
            "https://a/auth/session",
            "/.well-known/other",
        ] {
            assert_eq!(found(foreign), None, "{foreign}");
        }
    }
}
