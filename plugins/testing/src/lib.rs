//! A small host for a plugin's own tests.
//!
//! It drives any plugin, in whatever language, through the raw ABI: a manual clock, repeatable randomness, records in a
//! `Vec`, keys, values and limits in memory, messages in the answer, HTTP as a closure; no database and no network. Its
//! table, what a reply may hold and what an answer is worth are those of Doorward (`doorward-runtime`), so a test that
//! passes here says what Doorward does with the answer. It is for tests only: its keys and its randomness are no secret.
//!
//! ```no_run
//! use doorward_plugin_testing::{Ask, Outcome, TestHost};
//!
//! let host = TestHost::new();
//! let pin = host.load("/path/to/pin.so").open("pin", "pin", &[]).unwrap();
//! let mut records = Vec::new();
//! let enrolled = pin.ask(&Ask::enroll().credential("pin", "493817").credential("word", "windmill"));
//! assert_eq!(enrolled.outcome(), Outcome::Accepted);
//! assert!(enrolled.store(&mut records));
//! let first = pin.ask(&Ask::verify().records(&records).credential("pin", "493817"));
//! assert_eq!(first.outcome(), Outcome::Continue);
//! ```

#![forbid(unsafe_code)]

mod ask;
mod counters;
mod host;
mod http;
mod memory;
mod plugin;
mod readme;
mod services;
mod shipped;
mod sources;
mod trace;

pub use ask::Ask;
pub use doorward_runtime::direct::{
    Answer, Delivery, Object, Outcome, Refused, StoredRecord, locale, set_locale,
};
pub use host::TestHost;
pub use http::HttpRequest;
pub use memory::Memory;
pub use plugin::{ConfigValue, Plugin, Provider};
pub use readme::{options_table, same_options};
pub use shipped::shared_object;
pub use trace::{Conditions, INFALLIBLE};
