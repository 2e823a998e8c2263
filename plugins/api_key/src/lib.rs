//! API keys: for programs that call on behalf of a user, without a session.
//!
//! A key is shown once. Its middle part names its record, which the host looks up; the record keeps a hash of the whole key,
//! what the key may do and when it ends. A checksum at its end finds typing errors and keys that leaked, without a database.

#![forbid(unsafe_code)]

mod checksum;
mod key;
mod options;
mod provider;
mod record;
mod scope;

doorward_plugin::export_module! {
    id: c"org.doorward.api_key",
    version: c"0.1.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [provider::ApiKey],
}
