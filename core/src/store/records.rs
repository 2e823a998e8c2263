//! What goes into a store and comes out of it: plain records, one per table, and the answers of conditional writes.

use std::time::Duration;

use super::AuthenticatorAt;
use crate::clock::Timestamp;
use crate::id::{FlowId, SignInId, UserId};
use crate::identifier::ProviderId;

/// SHA-256 of something that is not stored itself.
pub type Hash = [u8; 32];

/// Versions of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaState {
    /// What the database has; 0: nothing yet.
    pub found: u32,
    /// What this release writes.
    pub current: u32,
}

/// One configuration item that all processes must see alike, such as `provider/email`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Slash-separated name, without the `agree/` that stores put before it.
    pub name: String,
    /// Its canonical text.
    pub value: String,
}

/// An agreed item whose stored value is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The item.
    pub name: String,
    /// What this process has.
    pub ours: String,
    /// What the database has.
    pub stored: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its realm, for life.
    pub realm: String,
    /// A JSON object as text.
    pub attributes: String,
    /// Counts changes of the attributes, from 1.
    pub version: i64,
    /// Bumped by whatever makes earlier sessions and proofs worthless.
    pub session_epoch: i64,
    /// When it was disabled, if it is.
    pub disabled_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its attributes or its state last changed.
    pub updated_at: Timestamp,
}

/// A provider id bound to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Realm, provider name and canonical identifier.
    pub at: ProviderId,
    /// The identifier as it was given.
    pub raw: Vec<u8>,
    /// The rule that made it canonical, and the rule's version.
    pub rule: String,
    /// The rule's version.
    pub rule_version: u32,
    /// The user.
    pub user_id: UserId,
    /// When its owner proved it; `None`: unverified.
    pub verified_at: Option<Timestamp>,
    /// When it was bound.
    pub created_at: Timestamp,
    /// When it last signed somebody in; coarse.
    pub last_used_at: Option<Timestamp>,
}

/// Whether an authenticator may be used. Stored as the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticatorStatus {
    /// Usable (0).
    Active,
    /// Usable only to be replaced (1).
    MustChange,
    /// Not usable (2).
    Suspended,
}

impl AuthenticatorStatus {
    /// The stored number.
    pub const fn number(self) -> i64 {
        match self {
            Self::Active => 0,
            Self::MustChange => 1,
            Self::Suspended => 2,
        }
    }

    /// The status of a stored number; unknown numbers are not usable.
    pub const fn of(number: i64) -> Self {
        match number {
            0 => Self::Active,
            1 => Self::MustChange,
            _ => Self::Suspended,
        }
    }
}

/// What a kind keeps to verify a user, sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Authenticator {
    /// User, group, id.
    pub at: AuthenticatorAt,
    /// The user's realm.
    pub realm: String,
    /// What RESOLVE names: unique in (realm, group).
    pub handle: Option<Vec<u8>>,
    /// The kind that wrote it.
    pub kind: String,
    /// The sealed record.
    pub record: Vec<u8>,
    /// For compare-and-swap, from 1.
    pub record_version: i64,
    /// What its owner calls it.
    pub label: String,
    /// Whether it may be used.
    pub status: AuthenticatorStatus,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used; coarse.
    pub last_used_at: Option<Timestamp>,
    /// When it stops being usable, if it does.
    pub expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("at", &self.at)
            .field("kind", &self.kind)
            .field("record_version", &self.record_version)
            .finish_non_exhaustive()
    }
}

/// A user as a provider sees it: found by provider id, by user or by handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The user.
    pub user: User,
    /// The identity it was found by, where it was.
    pub identity: Option<Identity>,
    /// Its authenticators of the group that was asked for, ordered by id.
    pub authenticators: Vec<Authenticator>,
}

/// A user to insert, with what belongs to it.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The user; `version` 1, `session_epoch` 0.
    pub user: User,
    /// Unique attributes: name and value.
    pub unique: Vec<(String, Vec<u8>)>,
    /// The first provider id.
    pub identity: Option<Identity>,
    /// The first authenticators.
    pub authenticators: Vec<Authenticator>,
}

/// What became of an insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreatedUser {
    /// Inserted whole.
    Created,
    /// A user with this id exists already.
    SameId(User),
    /// Nothing was inserted: `identifier`, `attribute` or `handle` is taken.
    Taken(&'static str),
}

/// What became of a versioned write of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutAttributes {
    /// Written; the new version.
    Won(i64),
    /// The version is another.
    Lost,
    /// No such user or no such live sign-in.
    Absent,
    /// A unique value belongs to another user.
    Taken,
}

/// What became of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedUser {
    /// Gone from every table; how many live sign-ins went with it.
    Deleted(u64),
    /// No such user.
    Absent,
    /// A foreign key of the application forbids it.
    Referenced,
}

/// A way to sign in: a user keeps at least one. The user has it with an identity of the provider and, where a group is
/// named, an authenticator in it that is neither suspended nor expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayIn {
    /// A provider name whose kind can start a sign-in.
    pub provider: String,
    /// The credentials group in which it needs a usable authenticator; `None`: its kind keeps no records.
    pub group: Option<String>,
}

/// One transaction over a user's identities and authenticators.
///
/// It happens only if the user is enabled and its epoch is `epoch`. In order: the steps; then, if `ways_in` is not
/// empty, at least one of them must remain; then, if `bump` is set, the epoch moves on by one, every live sign-in of
/// the user ends with the reason, except `keep` and the unconfirmed ones that replace it, which take the new epoch.
#[derive(Clone, Debug)]
pub struct Change {
    /// The user.
    pub user_id: UserId,
    /// The epoch the caller's proof was made under.
    pub epoch: i64,
    /// What to do, in order; all or nothing.
    pub steps: Vec<ChangeStep>,
    /// The ways in of which one must remain; empty: not asked.
    pub ways_in: Vec<WayIn>,
    /// Set when the change makes earlier sessions worthless.
    pub bump: Option<Bump>,
    /// Now.
    pub now: Timestamp,
}

/// Ends a user's other sign-ins and moves the epoch on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bump {
    /// Why: `credentials_changed` or `factor_changed`.
    pub reason: EndReason,
    /// The sign-in that stays.
    pub keep: Option<SignInId>,
}

/// One step of a [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeStep {
    /// Inserts an identity; taken: `Changed::Taken("identifier")`.
    AddIdentity(Identity),
    /// Removes an identity of this user; absent: `Changed::Absent`.
    RemoveIdentity(ProviderId),
    /// Inserts an authenticator; its id or handle taken: `Changed::Taken("handle")` or `Taken("authenticator")`.
    AddAuthenticator(Authenticator),
    /// Replaces record, kind and status if the version is still `expect`, else `Changed::Lost`; version + 1.
    ReplaceAuthenticator {
        /// The new content; `record_version` is ignored.
        new: Authenticator,
        /// The version that was read.
        expect: i64,
    },
    /// Removes an authenticator; absent: `Changed::Absent`.
    RemoveAuthenticator(AuthenticatorAt),
    /// Gives an authenticator another label; absent: `Changed::Absent`.
    RenameAuthenticator(AuthenticatorAt, String),
}

/// What became of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Done; the user's epoch after it and the count of sign-ins ended.
    Done {
        /// The epoch now in force.
        epoch: i64,
        /// How many live sign-ins ended.
        ended: u64,
    },
    /// No such user, identity or authenticator.
    Absent,
    /// No way in would remain.
    LastWayIn,
    /// A record's version is another: somebody else changed it.
    Lost,
    /// The epoch is another or the user is disabled: the proof is worth nothing any more.
    Stale,
    /// `identifier`, `handle` or `authenticator` is taken.
    Taken(&'static str),
}

/// Why a sign-in ended. Stored as the text of [`EndReason::id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// `max_sign_ins` was reached and this was the least recently seen.
    Cap,
    /// The user's credentials changed elsewhere.
    CredentialsChanged,
    /// Ended from the list of devices or by the application.
    Ended,
    /// A factor was added or removed elsewhere.
    FactorChanged,
    /// Another user signed in on the same browser.
    Replaced,
    /// The database went back in time.
    RollbackDetected,
    /// The person signed out on this device.
    SignedOut,
    /// A step-up took its place.
    Superseded,
    /// An old refresh token was used after its successor: somebody has a copy.
    TokenReuse,
    /// The user was disabled.
    UserDisabled,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Cap,
        Self::CredentialsChanged,
        Self::Ended,
        Self::FactorChanged,
        Self::Replaced,
        Self::RollbackDetected,
        Self::SignedOut,
        Self::Superseded,
        Self::TokenReuse,
        Self::UserDisabled,
    ];

    /// The stable text, as stored and as shown.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::CredentialsChanged => "credentials_changed",
            Self::Ended => "ended",
            Self::FactorChanged => "factor_changed",
            Self::Replaced => "replaced",
            Self::RollbackDetected => "rollback_detected",
            Self::SignedOut => "signed_out",
            Self::Superseded => "superseded",
            Self::TokenReuse => "token_reuse",
            Self::UserDisabled => "user_disabled",
        }
    }

    /// The reason with this text.
    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.id() == id)
    }
}

/// One authentication on one device: design section 4, *Row*.
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
    /// When the current generation was made; `None` at generation 0.
    pub rotated_at: Option<Timestamp>,
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

impl SignIn {
    /// A step-up whose tokens nobody has used: what it replaces is still in force.
    pub fn is_pending(&self) -> bool {
        self.replaces.is_some() && self.confirmed_at.is_none()
    }
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

/// The exchange of a refresh token: one conditional update.
///
/// `WHERE id AND generation = from AND refresh_hash = from_refresh_hash AND ended_at IS NULL`. It moves the current
/// hashes and access end to `previous_*`, sets generation `from + 1` and the new values, `rotated_at = now`,
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
    /// First acceptance of a generation: `confirmed_at = at` if null and the generation is still current.
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

/// Which sign-ins to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// One, of this owner.
    One(UserId, SignInId),
    /// All but one, and but the unconfirmed ones that replace it.
    Others(UserId, SignInId),
    /// All of a user.
    All(UserId),
}

/// The state between two steps.
#[derive(Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its id, in its token.
    pub id: FlowId,
    /// Counts what was taken, from 0.
    pub step: u32,
    /// Of the secret in its token; all zero while it is taken.
    pub secret_hash: Hash,
    /// Whose it is, where that is known and must go with the user.
    pub user_id: Option<UserId>,
    /// Of the browser's cookie, where it was begun on a request.
    pub browser_hash: Option<Hash>,
    /// How many answers may still be tried.
    pub attempts_left: u32,
    /// The sealed state.
    pub state: Vec<u8>,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow")
            .field("id", &self.id)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

/// One bucket of failures and its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleKey {
    /// SHA-256 of what is counted.
    pub bucket: Hash,
    /// How it delays.
    pub limit: ThrottleLimit,
}

/// How a bucket delays: nothing for the first failures, then doubling, up to a ceiling; forgotten after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleLimit {
    /// Failures without any delay.
    pub free: u32,
    /// The delay after the first failure beyond those.
    pub first: Duration,
    /// The longest delay.
    pub ceiling: Duration,
    /// How long after the last failure the bucket is forgotten.
    pub forget: Duration,
}

impl ThrottleLimit {
    /// The delay after this many failures. A bucket is open again at last failure + delay.
    pub fn delay(&self, failures: u32) -> Duration {
        let beyond = failures.saturating_sub(self.free);
        if beyond == 0 {
            return Duration::ZERO;
        }
        let doubled = 1_u32.checked_shl(beyond - 1).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.ceiling)
    }
}

/// Whether an attempt may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// Counted as failed in every bucket; verify now.
    Go,
    /// Nothing was counted; not before this moment.
    NotBefore(Timestamp),
}

/// How an attempt that was counted as failed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It succeeded: the buckets are emptied.
    Cleared,
    /// It was neither right nor wrong: the failure is given back.
    NotCounted,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Ended or expired sign-ins.
    pub sign_ins: u64,
    /// Expired flows.
    pub flows: u64,
    /// Expired tokens, deliveries and key-value entries.
    pub others: u64,
    /// Forgotten throttle buckets.
    pub throttles: u64,
}

/// Counts of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Users.
    pub users: u64,
    /// Live sign-ins.
    pub sign_ins: u64,
    /// Open flows.
    pub flows: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_grows_from_nothing_to_the_ceiling() {
        let limit = ThrottleLimit {
            free: 3,
            first: Duration::from_secs(1),
            ceiling: Duration::from_secs(60),
            forget: Duration::from_secs(3600),
        };
        let seconds: Vec<u64> = [0, 3, 4, 5, 6, 10, 100, u32::MAX]
            .map(|n| limit.delay(n).as_secs())
            .to_vec();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 60, 60, 60]);
    }
}
