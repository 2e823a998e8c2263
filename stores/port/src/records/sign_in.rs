//! Sign-ins: the row of `docs/sessions.md`, and making one.

use super::{EndReason, Hash};
use doorward_base::clock::Timestamp;
use doorward_base::id::SignInId;
use doorward_base::id::UserId;
use std::time::Duration;

/// One authentication on one device: the row of `docs/sessions.md`.
#[derive(Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Its id, in every token of it.
    pub id: SignInId,
    /// Whose it is.
    pub user_id: UserId,
    /// The user's epoch it lives under.
    pub epoch: i64,
    /// Counts exchanges of the refresh token, from 0.
    pub generation: u32,
    /// Proves that a refresh token of any generation was issued by us.
    pub family_hash: Hash,
    /// Salt of the current generation's derivation; `None` at generation 0 and after the end.
    pub salt: Option<Hash>,
    /// Of the current refresh secret; `None` after the end.
    pub refresh_hash: Option<Hash>,
    /// Of the current access secret; `None` after the end.
    pub access_hash: Option<Hash>,
    /// When the current access token stops being accepted.
    pub access_expires_at: Timestamp,
    /// Of the previous refresh secret; `None` at generation 0 and after the end.
    pub previous_refresh_hash: Option<Hash>,
    /// Of the previous access secret.
    pub previous_access_hash: Option<Hash>,
    /// When the previous access token stops being accepted.
    pub previous_access_expires_at: Option<Timestamp>,
    /// When one of the current generation's tokens was first accepted.
    pub confirmed_at: Option<Timestamp>,
    /// When it ends for want of use.
    pub idle_expires_at: Timestamp,
    /// When it ends in any case.
    pub absolute_expires_at: Timestamp,
    /// Lifetime of its access tokens.
    pub access_ttl: Duration,
    /// Lifetime without use.
    pub idle_ttl: Duration,
    /// Whether its cookies outlive the browser.
    pub persistent: bool,
    /// When the person last authenticated in it.
    pub authenticated_at: Timestamp,
    /// The factors proved, with their times: JSON.
    pub factors: String,
    /// The application's own data: a JSON object.
    pub attributes: String,
    /// Counts changes of the attributes, from 1.
    pub version: i64,
    /// User agent at sign-in.
    pub agent: String,
    /// Client address at sign-in.
    pub address: String,
    /// The sign-in that this step-up ends when first used.
    pub replaces: Option<SignInId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used; coarse.
    pub last_seen_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("epoch", &self.epoch)
            .field("generation", &self.generation)
            .field("confirmed_at", &self.confirmed_at)
            .field("ended_at", &self.ended_at)
            .field("end_reason", &self.end_reason)
            .finish_non_exhaustive()
    }
}

/// A sign-in to insert.
///
/// The lock is a write: `UPDATE doorward_user SET signed_in_at WHERE id AND session_epoch = row.epoch AND disabled_at
/// IS NULL`; no row: `Refused`. Then, under that lock, the cap is counted over live rows without pending step-ups (a
/// row with `replaces` is not counted against it), `ends` is ended as `replaced`, and the row is inserted. A row with
/// the same id and equal hashes counts as created, before the cap is asked: the insert is repeated after an unknown
/// outcome. A row whose `replaces` has ended meanwhile is `Refused`: it would outlive the end of what it replaces.
#[derive(Clone, Debug)]
pub struct NewSignIn {
    /// The row.
    pub row: SignIn,
    /// How many live sign-ins the user may have with this one.
    pub max_sign_ins: u32,
    /// At the cap: end the least recently seen (`cap`), or answer `CapReached`.
    pub evict: bool,
    /// Another user's sign-in on the same browser, which ends as `replaced`.
    pub ends: Option<SignInId>,
}

/// What became of a [`NewSignIn`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreatedSignIn {
    /// Inserted, or present with equal hashes; the sign-ins that the cap ended.
    Created(Vec<SignInId>),
    /// The user is gone, disabled, or of another epoch.
    Refused,
    /// The cap is reached and the policy denies.
    CapReached,
}
