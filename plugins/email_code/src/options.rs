//! The options of e-mail codes.

use std::time::Duration;

use doorward_plugin::options;
use doorward_plugin::options::{FromText, Shape};

options! {
    /// The options of e-mail codes.
    pub(crate) struct Options {
        /// How many digits a code has that is drawn from now on.
        pub(crate) digits: usize [6..=10] = 8,
        /// How long a code is good; not longer than ten minutes (OWASP ASVS 5.0 6.5.5).
        lifetime_seconds: u64 [60..=600] = 600,
        /// The page that confirms.
        pub(crate) link: Option<Link>,
    }
}

impl Options {
    pub(crate) fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime_seconds)
    }
}

/// The address of a page to which `#code=…` can be added.
pub(crate) struct Link(pub(crate) String);

impl FromText for Link {
    const SHAPE: Shape = Shape::text(
        0..=1024,
        "an `https://` address (`http://` for localhost only) of at most 1024 ASCII characters without a `#` part",
    );

    fn from_text(link: &str) -> Option<Self> {
        let local = |origin: &str| {
            let rest = link.strip_prefix(origin)?;
            Some(rest.is_empty() || rest.starts_with(['/', ':', '?']))
        };
        let secure = link
            .strip_prefix("https://")
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?']));
        let for_development =
            local("http://localhost") == Some(true) || local("http://127.0.0.1") == Some(true);
        let plain = link
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"#<>\"\\".contains(&byte));
        (plain && (secure || for_development)).then(|| Self(link.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_address_of_a_page() {
        for good in [
            "https://app.example/confirm",
            "https://app.example/confirm?lang=en",
            "http://localhost:8000/confirm",
            "http://127.0.0.1/confirm",
        ] {
            assert!(Link::from_text(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "https://",
            "https:///confirm",
            "app.example/confirm",
            "http://app.example/confirm",
            "http://localhost.evil.example/",
            "https://app.example/#/confirm",
            "https://app.example/a b",
            "https://app.example/\r\nBcc:",
            "javascript:alert(1)",
        ] {
            assert!(Link::from_text(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn the_readme_has_the_options_that_are_declared() {
        doorward_plugin_testing::same_options(include_str!("../README.md"), Options::DECLARED);
    }
}
