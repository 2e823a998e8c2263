//! The storage port. Every method is one whole transaction with a stated winner; losing is a value, not an error.
//!
//! Affected rows and an acknowledged commit decide, never a read before a write. Stored times never decrease
//! (`max`), bytes compare as bytes. One contract suite (`stores/contract`) judges all stores.

#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

mod bounded;
mod records;
pub mod schema;

pub use bounded::Bounded;
pub use records::*;

use doorward_base::clock::Timestamp;
use doorward_base::error::{Error, ErrorKind};
use doorward_base::id::{AuthenticatorId, DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;

/// Why a store could not answer.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// A stored value cannot be understood. Carries what and where, never the value.
    Corrupt(String),
    /// The transaction lost a race inside the database (deadlock, serialization) and certainly did not happen.
    Retry(String),
    /// The process was forked while the store had files open. Says what helps.
    Forked(String),
    /// The disk of the database is full; nothing was written.
    Full(String),
    /// Somebody else held a lock for longer than one is waited for (the deadline; on PostgreSQL a quarter of it); nothing
    /// was written.
    Locked(String),
    /// The database was there, and is not any more. Says what to do.
    Missing(String),
    /// The database file was moved, removed or replaced under the store. Says what to do.
    Replaced(String),
    /// The schema is missing or of another release.
    Schema(String),
    /// Another SQLite copy of this process has the file open; names file and fix.
    SharedInProcess(String),
    /// The server, or what stands before it, is set up so that it cannot be used. Says what to set.
    Unfit(String),
    /// The database cannot be reached or is too slow; nothing is known to have been written.
    Unavailable(String),
    /// The connection was lost between the commit and its answer: it may or may not have happened.
    UnknownOutcome(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, detail) = match self {
            Self::Corrupt(detail) => ("a stored value cannot be understood", detail),
            Self::Retry(detail) => ("the transaction lost a race and was rolled back", detail),
            Self::Forked(detail) => (
                "the process was forked from one that has the database open",
                detail,
            ),
            Self::Full(detail) => ("the database's disk is full", detail),
            Self::Locked(detail) => ("the database is locked", detail),
            Self::Missing(detail) => ("the database is gone", detail),
            Self::Replaced(detail) => ("the database file is not where it was", detail),
            Self::Schema(detail) => ("the schema does not fit this release", detail),
            Self::SharedInProcess(detail) => ("the database file is shared inside this process", detail),
            Self::Unfit(detail) => ("the database cannot be used as it is set up", detail),
            Self::Unavailable(detail) => ("the database is unavailable", detail),
            Self::UnknownOutcome(detail) => ("the outcome of a commit is unknown", detail),
        };
        write!(f, "{what}: {detail}")
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for Error {
    fn from(failed: StoreError) -> Self {
        let (kind, message) = match failed {
            StoreError::Forked(detail) => return Self::new(ErrorKind::ForkedContext, detail),
            StoreError::Unfit(detail) => return Self::new(ErrorKind::Configuration, detail),
            StoreError::Missing(detail) => return Self::unavailable("database_missing", detail),
            StoreError::Full(_) => {
                return Self::unavailable("disk_full", "the disk of the database is full").caused_by(failed);
            }
            StoreError::Locked(_) => {
                let message = "somebody else held a lock of the database for too long";
                return Self::unavailable("database_locked", message).caused_by(failed);
            }
            StoreError::Replaced(_) => {
                let message = "the database file is not where it was";
                return Self::unavailable("store_file_replaced", message).caused_by(failed);
            }
            StoreError::Corrupt(_) => (ErrorKind::Corrupt, "the database holds something damaged"),
            StoreError::Retry(_) | StoreError::Unavailable(_) => (
                ErrorKind::Unavailable,
                "the database did not do what it was asked",
            ),
            StoreError::UnknownOutcome(_) => (
                ErrorKind::Unavailable,
                "the database did not say whether it was done",
            ),
            StoreError::Schema(_) => (
                ErrorKind::SchemaMismatch,
                "the database's schema is missing or of another release",
            ),
            StoreError::SharedInProcess(_) => (
                ErrorKind::StoreSharedInProcess,
                "another SQLite copy in this process has the database file open",
            ),
        };
        Self::new(kind, message).caused_by(failed)
    }
}

/// What a store's methods give in the end.
pub type StoreResult<T> = std::result::Result<T, StoreError>;

/// The answer of a store: at once (a look-up in the same process), or later. Await it, or look inside.
///
/// `Later` futures may be polled by any executor: a store that needs a runtime of its own runs its work there.
#[must_use = "the store has done nothing before its answer is awaited"]
pub enum Reply<T> {
    /// The answer is here; no executor is needed.
    Now(StoreResult<T>),
    /// The answer comes later.
    Later(Pin<Box<dyn Future<Output = StoreResult<T>> + Send + 'static>>),
    /// The answer was taken already.
    Taken,
}

impl<T> Reply<T> {
    /// An answer that takes a future to find.
    pub fn later(future: impl Future<Output = StoreResult<T>> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl<T: Unpin> Future for Reply<T> {
    type Output = StoreResult<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Self::Later(future) = &mut *self {
            return future.as_mut().poll(cx);
        }
        match std::mem::replace(&mut *self, Self::Taken) {
            Self::Now(answer) => Poll::Ready(answer),
            // Polled after completion: a defect of the caller, answered without panicking.
            _ => Poll::Ready(Err(StoreError::Unavailable(
                "the answer was taken already".into(),
            ))),
        }
    }
}

/// A database with Doorward's tables. Safe from many threads; shared as `Arc<dyn Store>`.
///
/// Threads and connections exist only between [`start`](Store::start) and [`stop`](Store::stop).
pub trait Store: Send + Sync + 'static {
    // Life and agreement.

    /// Opens connections and threads for this process. Called again after [`stop`](Store::stop), also in a forked child.
    fn start(&self) -> Reply<()>;
    /// Writes queued touches, closes every connection and thread. A stopped store may be forked.
    fn stop(&self) -> Reply<()>;
    /// The same for a fork: a store in a file finds the very same one when it is started again.
    fn quiesce(&self) -> Reply<()> {
        self.stop()
    }
    /// The schema's version, 0 when there is none, and the version this release writes.
    fn schema(&self) -> Reply<SchemaState>;
    /// Brings the schema to this release's version; safe to run twice and by two processes at once.
    fn migrate(&self) -> Reply<()>;
    /// Inserts the items that are absent and gives those whose stored value differs. With `replace`, overwrites them.
    fn agree(&self, items: Vec<Agreed>, replace: bool, now: Timestamp) -> Reply<Vec<Disagreement>>;
    /// The agreed items whose name starts with `prefix`.
    fn agreed(&self, prefix: String) -> Reply<Vec<Agreed>>;
    /// The database's clock, for measuring the offset to ours.
    fn clock(&self) -> Reply<Timestamp>;
    /// Reads a row, and takes and gives back what a write needs: an answer says that sign-ins can be looked up and made.
    fn health(&self) -> Reply<()>;

    // Users.

    /// Inserts user, unique attributes, identity, authenticators and deliveries, or nothing. Unique keys decide.
    fn create_user(&self, new: NewUser) -> Reply<CreatedUser>;
    /// One user by id.
    fn user(&self, id: UserId) -> Reply<Option<User>>;
    /// Users of a realm in order of id: see [`UserPage`].
    fn users(&self, page: UserPage) -> Reply<Vec<User>>;
    /// How many users of a realm there are, enabled or not or both, counted up to `limit`.
    fn count_users(&self, realm: String, enabled: Option<bool>, limit: u32) -> Reply<u64>;
    /// The users to whom the first `limit` provider ids belong whose canonical identifier begins with these bytes: one for
    /// each, in order of the identifiers.
    fn users_by_prefix(&self, at: ProviderId, limit: u32) -> Reply<Vec<User>>;
    /// The user to whom this provider id is bound.
    fn user_by_identity(&self, at: ProviderId) -> Reply<Option<User>>;
    /// The user with this value of a unique attribute.
    fn user_by_attribute(&self, realm: String, name: String, value: Vec<u8>) -> Reply<Option<User>>;
    /// Replaces the attributes if the version is still `expect`. All unique values of the user are replaced by `unique`.
    fn put_attributes(
        &self,
        id: UserId,
        expect: i64,
        attributes: String,
        unique: Vec<(String, Vec<u8>)>,
        now: Timestamp,
    ) -> Reply<PutAttributes>;
    /// Disables: sets `disabled_at`, bumps the epoch and ends every live sign-in with `user_disabled`, in one
    /// transaction. Enables: clears `disabled_at`. `None`: no such user. Otherwise the count of sign-ins ended.
    fn set_enabled(&self, id: UserId, enabled: bool, now: Timestamp) -> Reply<Option<u64>>;
    /// Removes the user from every table.
    fn delete_user(&self, id: UserId) -> Reply<DeletedUser>;

    // Identities and authenticators.

    /// User, identity and authenticators of the group by provider id, in one trip. A look in vain should read as much.
    fn subject(&self, at: ProviderId, group: String) -> Reply<SubjectLook>;
    /// User and authenticators by user: for second factors. `identity` is `None`.
    fn subject_of(&self, user: UserId, group: String) -> Reply<Option<Subject>>;
    /// The same by an authenticator's handle; only that authenticator is in the answer.
    fn subject_by_handle(&self, realm: String, group: String, handle: Vec<u8>) -> Reply<Option<Subject>>;
    /// A user's identities, ordered by provider and canonical identifier.
    fn identities(&self, user: UserId) -> Reply<Vec<Identity>>;
    /// A user's addresses, ordered by hash.
    fn addresses(&self, user: UserId) -> Reply<Vec<UserAddress>>;
    /// A user's authenticators of all groups, ordered by group and id.
    fn authenticators(&self, user: UserId) -> Reply<Vec<Authenticator>>;
    /// Replaces one sealed record if its version is still `expect`; the version moves on by one. No epoch moves:
    /// this is for rehash, counter and TOTP step. Label and handle follow `naming`.
    fn swap_record(
        &self,
        at: AuthenticatorAt,
        expect: i64,
        sealed: Vec<u8>,
        naming: Naming,
        now: Timestamp,
    ) -> Reply<Swapped>;
    /// Counts a wrong attempt at an authenticator, or forgets all of them: there was a right one. Absent is fine. It need not
    /// survive a power cut, and does not wait for the disk.
    fn count_failure(&self, at: AuthenticatorAt, failed: bool) -> Reply<()>;
    /// Changes identities and authenticators of one user under its epoch: see [`Change`].
    fn change(&self, change: Change) -> Reply<Changed>;

    // Sign-ins: all that session.rs needs.

    /// The sign-in joined to its user, by primary keys, from the primary.
    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>>;
    /// Inserts a sign-in under the user's lock: see [`NewSignIn`].
    fn create_sign_in(&self, new: NewSignIn) -> Reply<CreatedSignIn>;
    /// Moves a sign-in to its next generation: see [`Advance`]. True: one row was affected, this caller won.
    fn advance(&self, next: Advance) -> Reply<bool>;
    /// Extends the current generation's access token and confirms it where asked: see [`Extend`]. True: won.
    fn extend(&self, extend: Extend) -> Reply<bool>;
    /// Confirms the generation if `confirmed_at` is null, and ends what the row replaces in the same transaction
    /// (reason `superseded`). True when the row is at that generation, live, and confirmed now (by whomever).
    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool>;
    /// Queues a write that nobody waits for; merged per row, dropped when the queue is full.
    fn touch(&self, touch: Touch);
    /// Ends sign-ins with a reason, and with each one every [pending](SignIn::is_pending) one that replaces it: see
    /// [`Ends`].
    /// The count of sign-ins that were live and are ended now (pending step-ups not counted).
    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64>;
    /// The user's live sign-ins without pending step-ups, newest first.
    fn sign_ins(&self, user: UserId, now: Timestamp) -> Reply<Vec<SignIn>>;
    /// Replaces a live sign-in's attributes if the version is still `expect`.
    fn put_session_attributes(&self, id: SignInId, expect: i64, attributes: String) -> Reply<PutAttributes>;

    // Flows: consumed by one conditional write.

    /// Inserts a flow with its [`Post`], or neither. Here as with tokens, messages, keys and throttle rows, a few rows of
    /// the same table that are over go first, oldest first: no table is larger than what lives.
    fn put_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Posted>;
    /// Takes a flow if id, step and secret match, it has not expired and has attempts left: step + 1, attempts - 1,
    /// secret cleared. Gives the flow after that write.
    fn take_flow(&self, id: FlowId, step: u32, secret_hash: [u8; 32], now: Timestamp) -> Reply<Option<Flow>>;
    /// Gives a taken flow (at `flow.step`, no secret) a new secret, state and, where it may start anew, attempts.
    /// Its [`Post`] goes with it. `None`: somebody else moved it, and nothing was queued or charged.
    fn return_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Option<Posted>>;
    /// Removes a flow; absent is fine.
    fn drop_flow(&self, id: FlowId) -> Reply<()>;
    /// Inserts a mark that stays until `expires_at`, where there is none, expired or not. True: this caller has.
    fn spend(&self, mark: Hash, expires_at: Timestamp, now: Timestamp) -> Reply<bool>;

    // Single-use tokens, which a change consumes, and the outbox.

    /// Inserts a token with its [`Post`], or neither.
    fn put_token(&self, token: Token, post: Post, now: Timestamp) -> Reply<Posted>;
    /// Uses a link, or the code beside it: consumes the token, if it is good, and removes the flow of the same id. False:
    /// the other one was first, or its time is over, and nothing happened.
    fn spend_link(&self, link: TokenUse, now: Timestamp) -> Reply<bool>;
    /// The token, if id and secret match and it is neither consumed nor expired.
    fn token(&self, id: TokenId, secret_hash: Hash, now: Timestamp) -> Reply<Option<Token>>;
    /// Takes messages that are due and not expired, the longest due first: `due_at` becomes `leased_until` and
    /// `attempts` one more, so that nobody else takes them before. Gives them after that write.
    fn take_deliveries(
        &self,
        limit: u32,
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Reply<Vec<QueuedDelivery>>;
    /// Ends what [`take_deliveries`](Store::take_deliveries) gave at this attempt. False: it was taken again since, or
    /// is gone.
    fn settle_delivery(&self, id: DeliveryId, attempt: u32, end: DeliveryEnd) -> Reply<bool>;

    // What plugins keep besides records.

    /// What stands under a key and has not expired.
    fn kv(&self, at: KvAt, now: Timestamp) -> Reply<Option<KvEntry>>;
    /// How much a provider name keeps in all realms, without what has expired. Reads all of its keys.
    fn kv_usage(&self, provider: String, now: Timestamp) -> Reply<KvUsage>;
    /// Puts, adds to or removes what stands under a key, as one step: see [`KvChange`].
    fn change_kv(&self, change: KvChange) -> Reply<KvChanged>;

    // Throttling: read, claimed by compare-and-swap, settled.

    /// What stands in these rows, in this order; nothing where there is no row.
    fn throttles(&self, buckets: Vec<Hash>) -> Reply<Vec<ThrottleRow>>;
    /// All steps in one transaction, or none: see [`ThrottleStep`]. It need not survive a power cut, and does not wait
    /// for the disk. Begun whether or not the reply is awaited.
    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled>;

    // Upkeep.

    /// Removes what has expired or ended and may go, from every table, at most `limit` rows of each, and for about 20 ms:
    /// it says whether there is more. Others write between two of these, in this process and in others.
    fn purge(&self, now: Timestamp, keep_ended: std::time::Duration, limit: u32) -> Reply<Purged>;
    /// Counts of rows; beyond what is quick to count, an estimate will do.
    fn stats(&self, now: Timestamp) -> Reply<StoreStats>;
    /// The same of one realm.
    fn realm_stats(&self, realm: String, now: Timestamp) -> Reply<StoreStats>;
    /// How many connections this process has to a server, by state: none, where there is none.
    fn connections(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// Names one authenticator of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatorAt {
    /// The user.
    pub user_id: UserId,
    /// The credentials group.
    pub group: String,
    /// The authenticator.
    pub id: AuthenticatorId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_name_is_told_by_it_and_nothing_else_is_told_as_late() {
        let detail = || "detail".to_owned();
        for (failed, what, words) in [
            (
                StoreError::Full(detail()),
                Some("disk_full"),
                "disk of the database is full",
            ),
            (
                StoreError::Locked(detail()),
                Some("database_locked"),
                "held a lock",
            ),
            (
                StoreError::Unavailable(detail()),
                None,
                "did not do what it was asked",
            ),
            (
                StoreError::UnknownOutcome(detail()),
                None,
                "did not say whether it was done",
            ),
        ] {
            let error = Error::from(failed);
            assert_eq!((error.kind(), error.what()), (ErrorKind::Unavailable, what));
            assert!(error.message().contains(words), "{error}");
        }
    }
}
