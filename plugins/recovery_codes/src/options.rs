//! The options of recovery codes.

use doorward_plugin::options;

/// Most codes of a set: each has a bit and a hash in the record.
pub(crate) const MAX_CODES: u8 = 20;

options! {
    /// The options of recovery codes.
    pub(crate) struct Options {
        /// How many codes a new set has.
        pub(crate) codes: u8 [2..=MAX_CODES as i64] = 10,
        /// The event `recovery_codes.few_left` is told when a sign-in leaves fewer than this.
        pub(crate) warn_below: u8 [0..=MAX_CODES as i64] = 3,
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
