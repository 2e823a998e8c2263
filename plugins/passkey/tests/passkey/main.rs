//! Passkeys: the specification's vectors, one change for each thing it says to verify, the provider through the raw ABI,
//! and its parsers against anything at all.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod authentication;
mod authenticator;
mod loaded;
mod parsers;
mod policies;
mod provider;
mod registration;
mod vectors;
