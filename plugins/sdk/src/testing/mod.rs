//! A small host for a plugin's own tests (feature `testing`).
//!
//! It drives any plugin, in whatever language, through the raw ABI: a manual clock, repeatable randomness, records in a
//! `Vec`, keys, values and limits in memory, messages in the answer, HTTP as a closure; no database and no network. It judges a reply by the table in `include/doorward_plugin.h`, so a test that passes
//! here says what Doorward would do with the answer. It is for tests only: its keys and its randomness are no secret.
//!
//! ```no_run
//! use doorward_plugin::testing::{Ask, Outcome, TestHost};
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

mod answer;
mod ask;
mod deliver;
mod described;
mod host;
mod http;
mod kv;
mod limit;
mod locale;
mod object;
mod plugin;
mod pwhash;
mod readme;
mod shipped;
mod trace;
mod writers;

pub use answer::{Answer, Outcome, StoredRecord};
pub use ask::Ask;
pub use deliver::Delivery;
pub use described::{Described, DescribedField};
pub use host::TestHost;
pub use http::HttpRequest;
pub use locale::{locale, set_locale};
pub use object::Object;
pub use plugin::{ConfigValue, Plugin, Provider};
pub use readme::{options_table, same_options};
pub use shipped::shared_object;
pub use trace::Conditions;
