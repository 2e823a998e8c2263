//! Plugins in C and Rust, driven through the raw ABI by the test host.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod cc;
mod cpp;
mod docs;
mod extensions;
mod frozen;
mod hostile;
mod linking;
mod options;
mod panics;
mod services;
mod template;
