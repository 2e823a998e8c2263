//! The policy: what protects a user, and what is still asked before a session may be made.

mod account;
mod decide;
mod open;
mod planted;

use std::time::Duration;

pub(crate) use account::{Account, Names, Spoils, Taking, on_both_sides};
pub(crate) use decide::{Decision, Demand, Method, SecondName, covering, decide};
pub(crate) use planted::{Fault, Planted};

/// The policy by configuration.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// Provider names of second factors; any one of them does. Empty: one factor is enough.
    pub second_factor: Vec<String>,
    /// True: everyone must have one, and whoever has none is led to enroll. False: asked of users who have one.
    pub require: bool,
    /// How old a factor may be for a sensitive operation. Default 10 minutes.
    pub step_up_max_age: Duration,
    /// Whether new credentials take the current ones whatever the proof has proved. Default: where it has not proved them
    /// within `step_up_max_age`.
    pub current_always: bool,
    /// The rule that is broken for a test.
    pub(crate) planted: Planted,
}
