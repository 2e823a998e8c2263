//! Authenticators: what kinds keep to verify users, and a user as a provider sees it.

use super::{Hash, Identity, User};
use crate::AuthenticatorAt;
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;

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
    /// The address over which recovery last set it, until a proof that this address could not have made changes it.
    pub set_over: Option<Hash>,
    /// Wrong attempts at it since the last right one, where they are counted (`throttle.consecutive`).
    pub failures: u32,
}

/// What a replaced record is called from now on. `None`: as before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// By its owner.
    pub label: Option<String>,
    /// By RESOLVE: unique in (realm, group).
    pub handle: Option<Vec<u8>>,
}

/// What became of a record that was to be swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// Done: this caller won.
    Done,
    /// Its version is another, or it is not there.
    Lost,
    /// Another record has the handle.
    Taken,
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

/// What a look by provider id found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectLook {
    /// The user with that provider id.
    pub found: Option<Subject>,
    /// Whose rows were read where nobody was found: somebody's, if there is anybody, and of no use but for what they cost.
    /// They are kept as long as those of who is found.
    pub beside: Option<Subject>,
}

impl SubjectLook {
    /// What was read, and whether it is what was looked for.
    pub fn of(read: Option<Subject>, is_found: bool) -> Self {
        let (found, beside) = if is_found { (read, None) } else { (None, read) };
        Self { found, beside }
    }

    /// Whose rows were read: whoever goes on as if somebody had been found goes on with this user, whose rows are at hand.
    pub fn read(&self) -> Option<UserId> {
        let read = self.found.as_ref().or(self.beside.as_ref());
        read.map(|subject| subject.user.id)
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
