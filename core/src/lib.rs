//! Doorward: users, provider ids and sessions on the embedding program's own database.
//!
//! It is a library. The program brings a database and an HTTP server; Doorward brings what lies between a request and
//! the user. It opens no listening socket, reads no environment, and starts no thread before [`Auth::start`].
//!
//! # The first login
//!
//! ```
//! use doorward::{Auth, Config, Fields, NewUserOptions, SessionOptions, block_on};
//!
//! # fn main() -> doorward::Result<()> {
//! let config = Config::from_toml("database = 'memory:'\n[provider.email]\nkind = 'password'")?;
//! let auth = Auth::open(&config)?;
//! block_on(async {
//!     auth.start().await?;
//!     let password = || Fields::from([("password", "plum tractors hum at noon")]);
//!     let new = NewUserOptions::default();
//!     auth.create_user("email", b"ada@example.com", password(), new).await?.require()?;
//!
//!     let proof = auth.authenticate("email", Some(b"Ada@Example.com"), password()).await?.require()?;
//!     let session = auth.create_session(&proof, SessionOptions::default()).await?.require()?;
//!     assert_eq!(session.user().id, proof.user_id());
//!     auth.stop().await
//! })
//! # }
//! ```
//!
//! Every operation is a method of [`Auth`] and gives an [`Answer`]: an [`Outcome`], which is a value to look at and not
//! an error, and header lines to send. An [`Error`] means that the question could not be decided, and says who must act.
//!
//! # A tour, in the order in which a request flows
//!
//! ```text
//! request ──► origin check ──► provider verifies ──► user ──► session ──► tokens ──► cookies
//!                              (plugin, per name)
//! ```
//!
//! The modules below stand in that order. `auth` is the only one that calls every stage, so begin there:
//!
//! 1. `auth/call.rs` begins each operation: `now` is taken once, and the [`request`] is looked at. [`origin`] says
//!    whether its page is trusted, [`cookie`] reads the tokens it carries, [`throttle`] names the counters it fills.
//! 2. `auth/sign_in.rs` makes the [`identifier`] canonical, finds the subject in the [`store`], and asks the kind behind
//!    the provider name. `verification` is that one question: records opened with the [`keys`], decoys for people who do
//!    not exist, compare-and-swap for records that change. Kinds, built in or loaded, live in [`plugin`]; the built-in
//!    one hashes with [`password`] within the memory budget of the [`governor`]. `auth/sign_up.rs` goes the same way
//!    with a user that does not exist yet.
//! 3. `auth/progress.rs` asks the [`policy`] what is still missing, and `auth/steps.rs` takes the answers to it. What is
//!    kept between two steps is a `flow`; what comes out at the end is a [`Proof`].
//! 4. `auth/sessions.rs` makes a session from the proof. [`session`] is the protocol, and `session/rules.rs` its rules
//!    as pure functions; [`token`] derives, prints and hashes what it hands out.
//! 5. [`headers`] carries the cookies to the browser. `auth/requests.rs` is what happens when they come back, and
//!    [`event`] tells the operator of all of it.
//!
//! `docs/sessions.md` is the protocol in words, `docs/architecture.md` shows which module may use which,
//! `docs/design.md` says why, and `docs/threats.md` names the test behind each promise.
//!
//! # What is public, and why
//!
//! An application needs what is re-exported here, [`config`], [`event`], and for tests [`clock`] and [`rng`]; a store of
//! its own implements [`store::Store`]. The other public modules are the parts themselves: public so that the suites in
//! `tests/` judge each by itself and the C and Python bindings name its types, not so that applications assemble them.
//! `auth`, `claim`, `flow`, `proof`, `provider` and `verification` are private: nobody but the core makes a proof.

#![forbid(unsafe_code)]

// The operations, and the HTTP surface on them.
mod auth;
pub mod http;

// What comes in, and whether the page that sent it may use the cookies here.
pub mod cookie;
pub mod origin;
pub mod refusal;
pub mod request;

// Who it claims to be, and how often that was tried.
pub mod throttle;

// The provider verifies: the kind behind a name, its records, its password hashes.
pub use doorward_runtime as plugin;
pub use doorward_runtime::{governor, password};
pub mod egress;
pub mod kept;
mod provider;
mod verification;

// From factors to a proof: the policy, and the steps in between.
mod claim;
pub mod factor;
mod flow;
pub mod policy;
mod proof;

// The user and the session.
mod address;
mod attributes;
pub mod session;
pub mod token;

// What people are sent.
pub mod delivery;

// Where all of it is kept.
pub mod store;

// What goes out.
pub mod outcome;

// What is configured.
pub mod config;

// What everything stands on (`base/`).
use doorward_base::{blocking, forked, metrics};
pub use doorward_base::{clock, error, event, headers, id, identifier, keys, rng, secret};

pub use auth::{
    Auth, Authenticator, Caller, Device, IdentifierPrefix, Identity, NewUserOptions, SessionOptions,
    TokenInfo, TokenPurpose, UserFilter,
};
pub use blocking::block_on;
pub use claim::Claim;
pub use clock::Timestamp;
pub use config::Config;
pub use delivery::{Delivery, Settlement};
pub use error::{Error, ErrorKind, Result};
pub use factor::Factor;
pub use flow::{FlowHandle, Method, MethodAction};
pub use id::{AuthenticatorId, DeliveryId, FlowId, SignInId, TokenId, UserId};
pub use outcome::{Answer, Outcome, RequestRefused, SignedOut, WayInfo};
pub use plugin::Fields;
pub use proof::Proof;
pub use request::Request;
pub use secret::Secret;
pub use session::Session;
pub use store::User;
