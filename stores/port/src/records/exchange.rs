//! Conditional writes on a sign-in: the exchange of a refresh token, a use of a settling generation, touches.

use super::Hash;
use crate::AuthenticatorAt;
use doorward_base::clock::Timestamp;
use doorward_base::id::SignInId;
use doorward_base::identifier::ProviderId;

/// The exchange of a refresh token: one conditional update.
///
/// `WHERE id AND generation = from AND refresh_hash = from_refresh_hash AND ended_at IS NULL`. It moves the current
/// hashes and access end to `previous_*`, sets generation `from + 1` and the new values,
/// `confirmed_at = NULL`, `idle_expires_at` and `last_seen_at` by max; and `replaces = NULL`: what the row replaced has
/// ended, so that no later unconfirmed generation is taken for a pending step-up.
#[derive(Clone)]
pub struct Advance {
    /// The sign-in.
    pub id: SignInId,
    /// The generation that is exchanged.
    pub from: u32,
    /// Its refresh hash.
    pub from_refresh_hash: Hash,
    /// The salt of the next generation.
    pub salt: Hash,
    /// The next generation's hashes.
    pub refresh_hash: Hash,
    /// The next generation's access hash.
    pub access_hash: Hash,
    /// The next access token's end.
    pub access_expires_at: Timestamp,
    /// The idle end after this use.
    pub idle_expires_at: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// A use of a settling generation by refresh: one conditional update.
///
/// `WHERE id AND generation AND refresh_hash AND ended_at IS NULL`: `access_expires_at` by max; with `confirm`,
/// `confirmed_at` set if null, and what the row replaces ended as `superseded` in the same transaction.
#[derive(Clone)]
pub struct Extend {
    /// The sign-in.
    pub id: SignInId,
    /// The current generation.
    pub generation: u32,
    /// Its refresh hash.
    pub refresh_hash: Hash,
    /// The access token's new end.
    pub access_expires_at: Timestamp,
    /// Set when one of the current generation's own tokens was presented.
    pub confirm: Option<Timestamp>,
}

/// A write that nobody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// First acceptance of a generation: `confirmed_at = at` if null, the generation is still current and the row is live
    /// then; not where the row replaces another, whose end has to be waited for.
    Confirm {
        /// The sign-in.
        id: SignInId,
        /// The generation that was accepted.
        generation: u32,
        /// The acceptance's time.
        at: Timestamp,
    },
    /// A use: `last_seen_at` and `idle_expires_at` by max.
    Seen {
        /// The sign-in.
        id: SignInId,
        /// When.
        at: Timestamp,
        /// The new idle end.
        idle_expires_at: Timestamp,
    },
    /// An identity signed somebody in.
    IdentityUsed(ProviderId, Timestamp),
    /// An authenticator verified somebody.
    AuthenticatorUsed(AuthenticatorAt, Timestamp),
}
