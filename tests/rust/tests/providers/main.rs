//! The providers of `plugins/`, each as the built plugin in the real core on SQLite, against something we did not write.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod api_key;
mod conformance;
mod describing;
mod email_code;
mod garbage;
mod isolated;
mod link;
mod recovery_codes;
mod stepped;
mod totp;
mod world;
