//! Doorward: users, provider ids and sessions on the embedding program's own database.
//!
//! The modules stand in the order in which a request flows through them:
//!
//! ```text
//! request ──► origin check ──► provider verifies ──► user ──► session ──► tokens ──► cookies
//!                              (plugin, per name)
//! ```

#![deny(unsafe_code)] // lifted by plugin/ alone, where foreign code is called

mod attributes;
mod auth;
mod blocking;
pub mod clock;
pub mod config;
pub mod cookie;
pub mod error;
pub mod event;
pub mod factor;
mod flow;
pub mod governor;
pub mod headers;
pub mod id;
pub mod identifier;
pub mod keys;
pub mod origin;
pub mod outcome;
pub mod password;
pub mod plugin;
pub mod policy;
mod proof;
mod provider;
pub mod refusal;
pub mod request;
pub mod rng;
pub mod secret;
pub mod session;
pub mod store;
pub mod throttle;
pub mod token;
mod verification;

pub use auth::{Auth, AuthenticatorInfo, Caller, Device, IdentityInfo, NewUserOptions, SessionOptions};
pub use blocking::block_on;
pub use clock::Timestamp;
pub use config::Config;
pub use error::{Error, ErrorKind, Result};
pub use factor::Factor;
pub use flow::{FlowHandle, Next, NextAction};
pub use id::{AuthenticatorId, FlowId, SignInId, UserId};
pub use outcome::{Answer, Outcome, RequestRefused, SignedOut};
pub use plugin::Fields;
pub use proof::Proof;
pub use request::Request;
pub use secret::Secret;
pub use session::Session;
pub use store::User;
