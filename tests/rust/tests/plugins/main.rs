//! Provider plugins through the core's own door: compiled from C (and Rust), loaded, asked, and never believed too much.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it cannot go on; clippy knows that of #[test] functions only"
)]

mod build;
mod context;

mod deadlines;
mod examples;
mod fail_closed;
mod fetching;
mod frozen;
mod keeping;
mod limiting;
mod loading;
mod offering;
mod panics;
mod password;
mod policy;
mod services;
