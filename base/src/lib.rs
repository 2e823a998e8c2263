//! What every part of Doorward stands on, and nothing that knows a session, a provider or a database.
//!
//! Applications use the crate `doorward`, which names from here what they need. Stores and the plugin runtime stand on
//! this crate alone.

#![forbid(unsafe_code)]

// What goes out.
pub mod error;
pub mod event;
pub mod headers;
pub mod metrics;

// Who a request claims to be.
pub mod identifier;

// What is sealed, drawn and timed.
pub mod clock;
pub mod id;
pub mod keys;
pub mod rng;
pub mod secret;

// Threads, forks and the end of the process.
pub mod blocking;
pub mod forever;
pub mod forked;
