//! The options of a TOTP provider.

use doorward_plugin::options;
use doorward_plugin::options::{FromText, Shape};

use crate::code::Algorithm;

options! {
    /// The options of a TOTP provider.
    pub(crate) struct Options {
        /// What the app shows for the account.
        pub(crate) issuer: Option<Issuer> => "the provider's name",
        /// Of devices enrolled from now on.
        pub(crate) digits: u8 [6..=8] = 6,
        /// Of devices enrolled from now on; many apps know `sha1` only.
        pub(crate) algorithm: Algorithm = "sha1",
        /// How many codes before the current one are accepted, for slow typing and clocks that are slow.
        pub(crate) window: u64 [0..=2] = 1,
        /// How many codes after the current one are accepted, for phones whose clock is fast (RFC 6238 section 6).
        pub(crate) ahead: u64 [0..=1] = 1,
        /// How many devices each user may have.
        pub(crate) max_devices: usize [1..=20] = 5,
    }
}

/// The name of a service in an app. A colon separates it from the account, so it can be in neither.
pub(crate) struct Issuer(pub(crate) String);

impl FromText for Issuer {
    const SHAPE: Shape = Shape::text(1..=64, "1 to 64 bytes without a colon");

    fn from_text(text: &str) -> Option<Self> {
        (text.len() <= 64 && !text.contains(':')).then(|| Self(text.to_owned()))
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
