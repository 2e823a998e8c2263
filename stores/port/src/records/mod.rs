//! What goes into a store and comes out of it: plain records, and the answers of conditional writes.

mod address;
mod authenticator;
mod change;
mod end;
mod exchange;
mod flow;
mod kv;
mod live;
mod outbox;
mod post;
mod sign_in;
mod throttle;
mod token;
mod upkeep;
mod user;

pub use address::*;
pub use authenticator::*;
pub use change::*;
pub use end::*;
pub use exchange::*;
pub use flow::*;
pub use kv::KvWrite;
pub use kv::*;
pub use live::*;
pub use outbox::*;
pub use post::Paid;
pub use post::{Post, Posted};
pub use sign_in::*;
pub use throttle::*;
pub use throttle::{TRIMMED, throttled};
pub use token::*;
pub use upkeep::*;
pub use user::*;

/// SHA-256 of something that is not stored itself.
pub type Hash = [u8; 32];
