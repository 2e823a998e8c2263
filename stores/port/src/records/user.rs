//! Accounts and their provider ids: rows, and what becomes of writing them.

use std::time::Duration;

use super::{Authenticator, Hash, Post, UserAddress, Yield};
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;

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

impl User {
    /// True for a user of this realm that is enabled, or is not, or either.
    pub fn is_listed(&self, realm: &str, enabled: Option<bool>) -> bool {
        self.realm == realm && enabled.is_none_or(|enabled| enabled == self.disabled_at.is_none())
    }
}

/// Which users of a realm, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserPage {
    /// The realm.
    pub realm: String,
    /// Only those that are enabled, or only those that are not.
    pub enabled: Option<bool>,
    /// Those that come after this one in that order.
    pub after: Option<UserId>,
    /// By id downwards; else upwards.
    pub newest_first: bool,
    /// At most so many.
    pub limit: u32,
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
    /// The addresses that its issuer or directory asserted at the last use: who reads there may have the account there.
    pub reach: Vec<Hash>,
    /// True when a backend or a message answered for it as it was added.
    pub vouched: bool,
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
    /// The addresses that come with them, each once.
    pub addresses: Vec<UserAddress>,
    /// What other users give up for it, taken first.
    pub takes: Vec<Yield>,
    /// Messages about it, queued if it is inserted, and what it is charged to: a user that is not inserted costs nothing.
    pub post: Post,
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
    /// Nothing was inserted: what others would give up is not as it was judged.
    Lost,
    /// Nothing was inserted: what it is charged to is closed for so long. Told first, whatever is taken.
    Closed(Duration),
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
