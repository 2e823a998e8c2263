//! Passkeys: registration and authentication after Web Authentication level 3, as a Doorward provider.
//!
//! Both ceremonies have two steps: the first answers with the `options` that a page gives to
//! `navigator.credentials.create` or `.get`, the second takes what the browser returned. The challenge lives in the
//! sealed state of the flow. The protocol is in two files that read like the specification: [`registration`] is its
//! section 7.1, [`authentication`] its section 7.2, one function for each thing to verify. The others parse:
//! [`client_data`] what the browser signed for, [`authenticator_data`] what the authenticator did, [`attestation`] and
//! [`public_key`] what it brought.

#![forbid(unsafe_code)]

pub mod attestation;
pub mod authentication;
pub mod authenticator_data;
pub mod client_data;
pub mod credential;
pub mod policy;
pub mod public_key;
pub mod refusal;
pub mod registration;
pub mod response;

mod bytes;
mod ceremony;
mod challenge;
mod options;
mod provider;

pub use ceremony::Ceremony;

doorward_plugin::export_module! {
    id: c"org.doorward.passkey",
    version: c"0.1.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [provider::Passkey],
}
