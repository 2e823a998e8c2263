//! A plugin in this process, asked one question after the other: for its own tests, and for the kit.
//!
//! The core asks what people ask, of instances that it replaces when they break. Here a test asks whatever it likes, of one
//! instance, and may be a host of another age. What a plugin may call, what it may write and what an answer is worth is
//! what it is in the core, for the table, the reply and the judgement are the core's own.

mod answer;
mod judgement;
mod locale;
mod object;
mod plugin;
mod provider;
mod question;
mod table;

pub use answer::{Answer, Delivery, Outcome, StoredRecord};
pub use locale::{locale, set_locale};
pub use object::Object;
pub use plugin::{KindOptions, Plugin, Refused};
pub use provider::{Circumstances, Provider};
pub use question::Question;
pub use table::{Age, HostTable};
