//! One-time codes from an authenticator app (TOTP, RFC 6238), as a second factor.
//!
//! Enrollment has two steps: the first makes a secret and shows it, the second takes a code made from it and stores the
//! device. Verification accepts a code of the current or the previous 30 seconds, once: the record keeps the last step
//! that was accepted, and the host stores it by compare-and-swap, so a code cannot be used twice, not even at two
//! servers in the same moment.

#![forbid(unsafe_code)]

mod code;
mod device;
mod options;
mod provider;
mod qr;
mod uri;

pub use code::{Algorithm, PERIOD_SECONDS, code_at};

doorward_plugin::export_module! {
    id: c"org.doorward.totp",
    version: c"0.1.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [provider::Totp],
}
