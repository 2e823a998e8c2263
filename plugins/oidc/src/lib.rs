//! Sign-in at an OpenID Connect issuer: authorization code, PKCE, nonce, and a state bound to the browser.
//!
//! The first step answers with an address to send the browser to; the second takes what the issuer sent back, redeems
//! the code through the host (`doorward.http/1`), and checks the ID token. A person is an issuer and a subject, never an
//! address; whatever else the issuer says about them is an attribute.

#![forbid(unsafe_code)]

mod attributes;
mod authorization;
mod discovery;
mod id_token;
mod identity;
mod jws;
mod keys;
mod options;
mod pending;
mod provider;
mod redemption;
mod shared;
mod web;

pub use identity::identifier;

doorward_plugin::export_module! {
    id: c"org.doorward.oidc",
    version: c"0.1.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [provider::Oidc],
}
