//! Doorward: users, provider ids and sessions on the embedding program's own database.
//!
//! The modules stand in the order in which a request flows through them:
//!
//! ```text
//! request ──► origin check ──► provider verifies ──► user ──► session ──► tokens ──► cookies
//!                              (plugin, per name)
//! ```

#![deny(unsafe_code)] // lifted by plugin/ alone, where foreign code is called

pub mod clock;
pub mod cookie;
pub mod error;
pub mod event;
pub mod factor;
pub mod governor;
pub mod headers;
pub mod id;
pub mod identifier;
pub mod keys;
pub mod origin;
pub mod password;
pub mod plugin;
pub mod policy;
pub mod refusal;
pub mod request;
pub mod rng;
pub mod secret;
pub mod session;
pub mod store;
pub mod throttle;
pub mod token;

pub use clock::Timestamp;
pub use error::{Error, ErrorKind, Result};
pub use id::{AuthenticatorId, FlowId, SignInId, UserId};
pub use secret::Secret;
