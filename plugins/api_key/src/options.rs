//! The options of API keys.

use doorward_plugin::options;
use doorward_plugin::options::{FromText, Shape};

use crate::{key, scope};

/// Seconds of a day.
const DAY: i64 = 86_400;

options! {
    /// The options of API keys.
    pub(crate) struct Options {
        /// What new keys begin with; old ones stay good.
        pub(crate) prefix: Prefix = "dwk",
        /// What keys may be allowed to do; one that is taken off the list is taken off every key.
        pub(crate) scopes: Scopes = "",
        /// Longest life of a new key; 0: keys may live for ever.
        max_lifetime_days: i64 [0..=3650] = 365,
        /// How many keys each user may have.
        pub(crate) max_keys: usize [1..=100] = 20,
    }
}

impl Options {
    /// Seconds that a new key may live at most; `None`: for ever.
    pub(crate) fn max_lifetime(&self) -> Option<i64> {
        Some(self.max_lifetime_days * DAY).filter(|&seconds| seconds != 0)
    }

    /// Whether the configuration knows this scope today.
    pub(crate) fn allows(&self, scope: &str) -> bool {
        self.scopes.0.iter().any(|allowed| allowed == scope)
    }
}

/// What keys begin with.
pub(crate) struct Prefix(pub(crate) String);

impl FromText for Prefix {
    const SHAPE: Shape = Shape::text(
        2..=key::MAX_PREFIX as i64,
        "2 to 16 lower-case letters, digits and underscores, a letter first and no underscore last",
    );

    fn from_text(text: &str) -> Option<Self> {
        key::is_prefix(text.as_bytes()).then(|| Self(text.to_owned()))
    }
}

/// What keys may be allowed to do.
pub(crate) struct Scopes(pub(crate) Vec<String>);

impl FromText for Scopes {
    const SHAPE: Shape = Shape::text(
        0..=scope::MAX_LIST as i64,
        "words of up to 64 ASCII characters, without quotation marks and backslashes, with spaces between them, together up to 1024",
    );

    fn from_text(text: &str) -> Option<Self> {
        let scopes = scope::parse(text.as_bytes())?;
        Some(Self(scopes.into_iter().map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_options_that_are_declared() {
        doorward_plugin_testing::same_options(include_str!("../README.md"), Options::DECLARED);
    }
}
