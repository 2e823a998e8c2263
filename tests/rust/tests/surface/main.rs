//! The HTTP surface, request by request: what a browser, an app or a stranger sends, and what comes back. Every answer is
//! held to the surface's own document.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod account;
mod apps;
mod browsers;
mod document;
mod forms;
mod limits;
mod messages;
mod origins;
mod site;
mod steps;
mod types;
