//! One transaction over a user's identities and authenticators.

use crate::AuthenticatorAt;
use std::time::Duration;

use super::{
    Authenticator, EndReason, Hash, Identity, Naming, Post, ProvedBy, QueuedDelivery, ThrottleKey, TokenUse,
    UserAddress,
};
use doorward_base::clock::Timestamp;
use doorward_base::id::SignInId;
use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;

/// A way to sign in: a user keeps at least one. The user has it with an identity of the provider, where one is named,
/// and an authenticator in the group that is neither suspended nor expired, where one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayIn {
    /// A provider name whose kind can start a sign-in; `None`: its authenticators find their user by their handle.
    pub provider: Option<String>,
    /// The credentials group in which it needs a usable authenticator; `None`: its kind keeps no records.
    pub group: Option<String>,
}

/// One transaction over a user's identities and authenticators.
///
/// It happens only if the user is enabled, its epoch is `epoch`, and the `token` (if any) is this user's, unexpired and
/// not consumed; it is consumed with the rest. In order: the charges, which stand from here on, even where the rest does
/// not happen, so that nobody learns for nothing what is taken; the steps; then, if `ways_in` is not
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
    /// The token that this change consumes: nobody else can, and it stays good if the change does not happen.
    pub token: Option<TokenUse>,
    /// What it is charged to.
    pub charges: Vec<ThrottleKey>,
    /// Messages about it, queued if it happens.
    pub deliveries: Vec<QueuedDelivery>,
    /// Messages that have their price, queued if it happens: `charges` there is empty, for what the change itself is
    /// charged to stands whatever becomes of it.
    pub letters: Post,
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

/// What another user gives up to whoever has proved an address: identities with that address, which nobody has proved.
///
/// It happens only if that user's epoch is still `epoch`, every identity is still there and unproved, and one of `ways_in`
/// remains to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yield {
    /// The other user. Nothing of theirs ends.
    pub user_id: UserId,
    /// The epoch under which it was judged that they can do without.
    pub epoch: i64,
    /// What goes.
    pub identities: Vec<ProviderId>,
    /// The addresses that go with it.
    pub addresses: Vec<Hash>,
    /// The ways in of which one must remain; empty: not asked.
    pub ways_in: Vec<WayIn>,
}

/// One step of a [`Change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeStep {
    /// Inserts an address of the user, or notes that it was proved where it stands on this side unproved; on the other
    /// side: `Changed::BothSides`.
    AddAddress(UserAddress),
    /// Notes that an address of the user was proved, unless that is noted already; one that is not there is nobody's
    /// concern.
    ProveAddress(Hash, Timestamp, ProvedBy),
    /// Removes an address of the user; absent is fine.
    RemoveAddress(Hash),
    /// Notes which addresses an identity's issuer or directory asserts; absent: `Changed::Absent`.
    SetReach(ProviderId, Vec<Hash>),
    /// Takes from another user what they give up; not as it was judged: `Changed::Lost`.
    Take(Yield),
    /// Inserts an identity; taken: `Changed::Taken("identifier")`.
    AddIdentity(Identity),
    /// Removes an identity of this user; absent: `Changed::Absent`.
    RemoveIdentity(ProviderId),
    /// Inserts an authenticator; its id or handle taken: `Changed::Taken("handle")` or `Taken("authenticator")`.
    AddAuthenticator(Authenticator),
    /// Replaces record, kind, status and `set_over` if the version is still `expect`, else `Changed::Lost`, and label and
    /// handle where `naming` has them, a handle that is taken: `Changed::Taken("handle")`; version + 1, no failures.
    ReplaceAuthenticator {
        /// The new content; `record_version`, `label` and `handle` are ignored.
        new: Authenticator,
        /// The version that was read.
        expect: i64,
        /// What it is called.
        naming: Naming,
    },
    /// Removes an authenticator; absent: `Changed::Absent`.
    RemoveAuthenticator(AuthenticatorAt),
    /// Gives an authenticator another label; absent: `Changed::Absent`.
    RenameAuthenticator(AuthenticatorAt, String),
    /// Notes that its owner proved an identity of this user, unless that is noted already; absent: `Changed::Absent`.
    VerifyIdentity(ProviderId, Timestamp),
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
    /// An address would stand on both sides.
    BothSides,
    /// What it is charged to is closed for so long.
    Closed(Duration),
    /// No way in would remain.
    LastWayIn,
    /// A record's version is another: somebody else changed it.
    Lost,
    /// The token is consumed, expired or not this user's.
    Spent,
    /// The epoch is another or the user is disabled: the proof is worth nothing any more.
    Stale,
    /// `identifier`, `handle` or `authenticator` is taken.
    Taken(&'static str),
}
