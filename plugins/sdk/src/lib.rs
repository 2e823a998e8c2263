//! Write a Doorward provider in safe Rust.
//!
//! A provider is a type that implements [`Kind`], and one line that exports it:
//!
//! ```
//! #![forbid(unsafe_code)]
//! use doorward_plugin::{
//!     Config, Declaration, FactorClass, Failure, Field, IdentifierSource, Kind, Operation, Property, Purpose, Reason,
//!     Reply, Request, Verdict,
//! };
//!
//! /// Lets in whoever knows the word that was enrolled.
//! struct Word;
//!
//! impl Kind for Word {
//!     const DECLARATION: Declaration = Declaration {
//!         fields: &[&Field::new(c"word", 64).secret().asked_for(&[Purpose::Enroll, Purpose::Verify])],
//!         properties: &[Property::Inline, Property::KeepsRecords, Property::CanStart],
//!         factor: FactorClass::Knowledge,
//!         channel: c"word",
//!         operations: &[Operation::Enroll, Operation::Verify],
//!         max_record: 64,
//!         ..Declaration::new(c"word", c"A secret word", IdentifierSource::Given)
//!     };
//!
//!     fn open(_config: &Config<'_>) -> Result<Self, Failure> {
//!         Ok(Word)
//!     }
//!
//!     fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
//!         reply.new_record(request.credential("word"));
//!         Ok(Verdict::Accept)
//!     }
//!
//!     fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
//!         let word = request.credential("word");
//!         match request.records().find(|record| request.host().ct_equal(record.bytes(), word)) {
//!             Some(record) => {
//!                 reply.used_record(&record);
//!                 Ok(Verdict::Accept)
//!             }
//!             None => Ok(Verdict::Deny(Reason::Wrong)),
//!         }
//!     }
//! }
//!
//! doorward_plugin::export_module! {
//!     id: c"org.example.word",
//!     version: c"1.0.0",
//!     vendor: c"Example",
//!     license: c"MIT",
//!     kinds: [Word],
//! }
//! # fn main() {}
//! ```
//!
//! Build it as a `cdylib`. What each operation must do, and every limit, stands in `include/doorward_plugin.h`, the
//! specification; this crate turns it into types. A verdict is returned, so that none is *denied*; a panic is caught on
//! this side of the boundary, refuses the request, and the instance is not called again.

mod config;
mod declaration;
mod deliver;
mod failure;
mod host;
mod http;
mod kind;
mod kv;
mod limit;
mod module;
mod offers;
pub mod options;
mod pwhash;
mod reply;
mod request;
mod size;
mod trampoline;

pub use config::Config;
pub use declaration::{Declaration, FactorClass, Field, IdentifierSource, Operation, Property, Purpose};
pub use deliver::Message;
pub use failure::Failure;
pub use host::{Host, LogLevel};
pub use http::{Http, HttpAnswer};
pub use kind::{Kind, Reason, Verdict};
pub use kv::{Expect, Kv, KvValue};
pub use limit::Allowed;
pub use module::{ModuleInfo, module};
pub use offers::{Offers, migration, secret};
pub use pwhash::Pwhash;
pub use reply::Reply;
pub use request::{Record, Request};
pub use trampoline::table;

#[doc(hidden)]
pub use doorward_plugin_abi as abi;
pub use zeroize::Zeroizing;
