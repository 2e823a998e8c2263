//! One-time codes by e-mail: whoever reads the mailbox signs in, or proves the address before signing up.
//!
//! The first step draws a code, queues a message with it in the same transaction as the flow, and keeps a keyed hash of
//! code and address in the flow's state; the second compares. A link, if one is configured, carries the same code behind
//! `#`, where no server and no mail scanner sees it.

#![forbid(unsafe_code)]

mod address;
mod code;
mod options;
mod provider;
mod sent;

doorward_plugin::export_module! {
    id: c"org.doorward.email_code",
    version: c"0.1.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [provider::EmailCode],
}
