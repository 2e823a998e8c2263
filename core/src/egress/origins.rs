//! Which origins a provider name may reach.

use url::{Host, Url};

/// A scheme, a host and a port: `https://issuer.example`, or `http://127.0.0.1:8080` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Reads an origin as it is configured.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "has {text:?}: {why}; an origin is `https://issuer.example`, with `:port` where it is not 443"
            )
        };
        let url = Url::parse(text).map_err(|_| wrong("it is not an absolute address"))?;
        if text.contains('*') {
            return Err(wrong("there are no wildcards"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => {
                return Err(wrong(
                    "plain http reaches this machine only (127.0.0.1, [::1], localhost)",
                ));
            }
            _ => return Err(wrong("it is neither https nor http")),
        }
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || has_userinfo(&url) {
            return Err(wrong("it has more than scheme, host and port"));
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// True for an origin behind TLS.
    pub(super) fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// The origins of one provider name.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// Reads the list.
    ///
    /// # Errors
    /// What is wrong with the first one that cannot be read.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        texts
            .into_iter()
            .map(Origin::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// True when nothing may be reached.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn any_https(&self) -> bool {
        self.0.iter().any(Origin::is_https)
    }

    /// The address, when its origin is in the list: as it was understood here, so that nobody understands it otherwise.
    pub(super) fn allow(&self, url: &str) -> Option<Url> {
        let mut url = Url::parse(url).ok()?;
        if has_userinfo(&url) {
            return None;
        }
        url.set_fragment(None);
        let origin = url.origin().ascii_serialization();
        self.0.iter().any(|allowed| allowed.0 == origin).then_some(url)
    }
}

fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What the operator is told of a refused request: its origin, for the rest may hold secrets, and the setting.
pub(super) fn refusal(provider: &str, url: &str) -> String {
    let origin = Url::parse(url).map_or_else(
        |_| "an address that cannot be read".to_owned(),
        |url| url.origin().ascii_serialization(),
    );
    format!("a request to {origin} was refused: `provider.{provider}.egress` does not list that origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, origin) in [
            ("https://issuer.example", Some("https://issuer.example")),
            ("https://Issuer.Example:443/", Some("https://issuer.example")),
            ("https://issuer.example:8443", Some("https://issuer.example:8443")),
            (
                "https://b\u{fc}cher.example",
                Some("https://xn--bcher-kva.example"),
            ),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://[::1]:8080", Some("http://[::1]:8080")),
            ("http://localhost", Some("http://localhost")),
            ("http://issuer.example", None),
            ("http://10.0.0.1", None),
            ("http://localhost.example", None),
            ("https://issuer.example/realm", None),
            ("https://issuer.example?a=b", None),
            ("https://issuer.example#a", None),
            ("https://user@issuer.example", None),
            ("https://user:word@issuer.example", None),
            ("https://*.example", None),
            ("ftp://issuer.example", None),
            ("file:///etc/passwd", None),
            ("issuer.example", None),
            ("", None),
        ] {
            let read = Origin::parse(text);
            assert_eq!(
                read.as_ref().ok().map(|origin| origin.0.as_str()),
                origin,
                "{text}: {read:?}"
            );
        }
    }

    #[test]
    fn only_listed_origins_are_allowed() {
        let origins = Origins::parse(["https://a.example", "http://127.0.0.1:81"]).unwrap();
        for (url, allowed) in [
            ("https://a.example/token?x=y", true),
            ("https://A.EXAMPLE:443/token", true),
            ("http://127.0.0.1:81/", true),
            ("http://127.1:81/", true),
            ("http://a.example/token", false),
            ("https://a.example:444/", false),
            ("https://a.example.evil.example/", false),
            ("https://a.example@evil.example/", false),
            ("https://evil.example/?https://a.example", false),
            ("https://x@a.example/", false),
            ("https:\\\\evil.example\\@a.example", false),
            ("http://127.0.0.1:82/", false),
            ("http://127.0.0.1/", false),
            ("data:,a", false),
            ("/token", false),
        ] {
            assert_eq!(origins.allow(url).is_some(), allowed, "{url}");
        }
        assert!(Origins::default().allow("https://a.example/").is_none());
    }

    #[test]
    fn a_refusal_tells_the_origin_and_the_setting_and_no_more() {
        let told = refusal(
            "corp",
            "https://u:secretword@a.example/path?code=secretword#secretword",
        );
        assert!(told.contains("https://a.example"), "{told}");
        assert!(told.contains("`provider.corp.egress`"), "{told}");
        assert!(!told.contains("secretword"), "{told}");
        assert!(!refusal("corp", "secretword").contains("secretword"));
    }
}
