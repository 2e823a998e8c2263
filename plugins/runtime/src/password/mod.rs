//! Passwords: what may become one, and how one is stored and verified. No storage here.
//!
//! ```text
//! new password ──► policy (all violations at once) ──► hasher ──► PHC string, to be sealed and stored
//! sign-in ────────────────────────────────────────► hasher ──► matched, stale or wrong
//! ```
//!
//! Hashing goes through the [governor](crate::governor). Bytes are hashed and verified exactly as received: no
//! normalisation, no trimming, no truncation, NUL included (ASVS 5.0 6.2.8).

mod blocklist;
mod context;
mod cost;
mod guess;
mod hash;
mod phc;
mod place;
mod policy;
mod stored_form;

pub use blocklist::Blocklist;
pub use context::Context;
pub use cost::{Cost, Limits};
pub use hash::{Against, Hasher, HasherSettings, Standing, Verdict};
pub use policy::{
    ALWAYS_ALLOWED_LENGTH, MIN_LENGTH, MIN_LENGTH_WITH_SECOND_FACTOR, MIN_MAX_BYTES, PasswordPolicy,
    PasswordPolicySettings, SecondFactorRule,
};

/// The longest password that is taken or verified: bytes. Sixteen times what 64 code points of ASCII need and four
/// times what 64 of the longest need (NIST SP 800-63B-4 3.1.1.2: at least 64 should be permitted), short enough that
/// its length does not show in the time of a hash. Nothing is ever cut: longer is refused.
pub const MAX_BYTES: usize = 1024;
