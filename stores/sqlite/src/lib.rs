//! The default store: one SQLite file of its own, on the bundled library.
//!
//! Look-ups run on the caller's thread; writes go to one thread that gives many callers one fsync. Threads and
//! connections exist between `start` and `stop` only: SQLite's process-wide tables survive a fork while its locks do
//! not, so nothing may be open across one.

#![forbid(unsafe_code)]

mod batches;
mod change;
mod connection;
mod credentials;
mod descriptors;
mod failure;
mod filed;
mod flows;
mod kv;
mod listed;
mod live;
mod look;
mod outbox;
mod place;
mod readers;
mod rows;
mod schema;
mod settings;
mod sign_ins;
mod spent;
mod store;
mod throttles;
mod tokens;
mod touches;
mod upkeep;
mod users;
mod work;
mod writer;

pub use settings::SqliteSettings;
pub use store::{SqliteStore, WriterCounts};

use std::sync::PoisonError;
use std::time::Duration;

use rusqlite::Connection;

use self::work::Verdict;
use doorward_base::clock::Timestamp;
use doorward_base::id::{DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Advance, Agreed, Authenticator, AuthenticatorAt, Change, Changed, CreatedSignIn, CreatedUser,
    DeletedUser, DeliveryEnd, Disagreement, EndReason, Ends, Extend, Flow, Hash, Identity, KvAt, KvChange,
    KvChanged, KvEntry, KvUsage, Naming, NewSignIn, NewUser, Post, Posted, Purged, PutAttributes,
    QueuedDelivery, Reply, SchemaState, SignIn, Store, StoreStats, Subject, SubjectLook, Swapped,
    ThrottleRow, ThrottleStep, Throttled, Token, TokenUse, Touch, User, UserAddress, UserPage,
};

impl Store for SqliteStore {
    /// Opens the file and starts the writer, on the caller's thread.
    fn start(&self) -> Reply<()> {
        Reply::Now(self.open_all())
    }

    /// Waits on the caller's thread for look-ups, queued writes and the writer's end.
    fn stop(&self) -> Reply<()> {
        self.before().file = None;
        Reply::Now(self.close_all())
    }

    fn quiesce(&self) -> Reply<()> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let file = running
            .as_ref()
            .and_then(|running| place::inode(running.readers.files().place().main()));
        drop(running);
        self.before().file = file;
        Reply::Now(self.close_all())
    }

    fn schema(&self) -> Reply<SchemaState> {
        let current = schema::CURRENT;
        match self.read(schema::found) {
            Reply::Now(found) => {
                let found = found.and_then(|found| found);
                if found.as_ref().is_ok_and(|found| *found > 0) {
                    self.has_schema();
                }
                Reply::Now(found.map(|found| SchemaState { found, current }))
            }
            later => Reply::later(async move {
                let found = later.await??;
                Ok(SchemaState { found, current })
            }),
        }
    }

    fn migrate(&self) -> Reply<()> {
        let now = self.clock.now();
        match self.transact(move |db| schema::migrate(db, now)) {
            Reply::Now(answer) => Reply::Now(answer.and_then(|migrated| migrated)),
            answer => Reply::later(async move { answer.await? }),
        }
    }

    fn agree(&self, items: Vec<Agreed>, replace: bool, now: Timestamp) -> Reply<Vec<Disagreement>> {
        self.write(move |db| upkeep::agree(db, &items, replace, now))
    }

    fn agreed(&self, prefix: String) -> Reply<Vec<Agreed>> {
        self.read(|db| upkeep::agreed(db, &prefix))
    }

    fn clock(&self) -> Reply<Timestamp> {
        Reply::Now(Ok(self.clock.now()))
    }

    fn health(&self) -> Reply<()> {
        let looked = self.read(upkeep::look);
        if let Reply::Now(Err(failed)) = looked {
            return Reply::Now(Err(failed));
        }
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(failed)) = running.as_ref().map(|running| running.readers.has_room()) {
            return Reply::Now(Err(failed));
        }
        drop(running);
        self.transact(|db| upkeep::touch(db).map(Verdict::Undo))
    }

    fn create_user(&self, new: NewUser) -> Reply<CreatedUser> {
        self.transact(move |db| users::create(db, &new))
    }

    fn user(&self, id: UserId) -> Reply<Option<User>> {
        self.read(|db| users::by_id(db, id))
    }

    fn users(&self, page: UserPage) -> Reply<Vec<User>> {
        self.read(|db| listed::page(db, &page))
    }

    fn count_users(&self, realm: String, enabled: Option<bool>, limit: u32) -> Reply<u64> {
        self.read(|db| listed::count(db, &realm, enabled, limit))
    }

    fn users_by_prefix(&self, at: ProviderId, limit: u32) -> Reply<Vec<User>> {
        self.read(|db| listed::by_prefix(db, &at, limit))
    }

    fn user_by_identity(&self, at: ProviderId) -> Reply<Option<User>> {
        self.read(|db| users::by_identity(db, &at))
    }

    fn user_by_attribute(&self, realm: String, name: String, value: Vec<u8>) -> Reply<Option<User>> {
        self.read(|db| users::by_attribute(db, &realm, &name, &value))
    }

    fn put_attributes(
        &self,
        id: UserId,
        expect: i64,
        attributes: String,
        unique: Vec<(String, Vec<u8>)>,
        now: Timestamp,
    ) -> Reply<PutAttributes> {
        self.transact(move |db| users::put_attributes(db, id, expect, &attributes, &unique, now))
    }

    fn set_enabled(&self, id: UserId, enabled: bool, now: Timestamp) -> Reply<Option<u64>> {
        self.transact(move |db| users::set_enabled(db, id, enabled, now))
    }

    fn delete_user(&self, id: UserId) -> Reply<DeletedUser> {
        let now = self.clock.now();
        self.queue(Some(DeletedUser::Referenced), move |db| {
            users::delete(db, id, now)
        })
    }

    fn subject(&self, at: ProviderId, group: String) -> Reply<SubjectLook> {
        self.read(|db| credentials::subject(db, &at, &group))
    }

    fn subject_of(&self, user: UserId, group: String) -> Reply<Option<Subject>> {
        self.read(|db| credentials::subject_of(db, user, &group))
    }

    fn subject_by_handle(&self, realm: String, group: String, handle: Vec<u8>) -> Reply<Option<Subject>> {
        self.read(|db| credentials::subject_by_handle(db, &realm, &group, &handle))
    }

    fn identities(&self, user: UserId) -> Reply<Vec<Identity>> {
        self.read(|db| credentials::identities(db, user))
    }

    fn addresses(&self, user: UserId) -> Reply<Vec<UserAddress>> {
        self.read(|db| credentials::addresses(db, user))
    }

    fn authenticators(&self, user: UserId) -> Reply<Vec<Authenticator>> {
        self.read(|db| credentials::authenticators(db, user))
    }

    fn swap_record(
        &self,
        at: AuthenticatorAt,
        expect: i64,
        sealed: Vec<u8>,
        naming: Naming,
        now: Timestamp,
    ) -> Reply<Swapped> {
        self.write(move |db| credentials::swap_record(db, &at, expect, &sealed, &naming, now))
    }

    fn count_failure(&self, at: AuthenticatorAt, failed: bool) -> Reply<()> {
        let work = move |db: &Connection| credentials::count_failure(db, &at, failed);
        self.on_writer(|writer| writer.write_unsynced(work))
    }

    fn change(&self, change: Change) -> Reply<Changed> {
        self.transact(move |db| change::change(db, &change))
    }

    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>> {
        self.read(|db| sign_ins::find(db, id))
    }

    fn create_sign_in(&self, new: NewSignIn) -> Reply<CreatedSignIn> {
        self.transact(move |db| sign_ins::create(db, &new))
    }

    fn advance(&self, next: Advance) -> Reply<bool> {
        self.write(move |db| sign_ins::advance(db, &next))
    }

    fn extend(&self, extend: Extend) -> Reply<bool> {
        self.write(move |db| sign_ins::extend(db, &extend))
    }

    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool> {
        self.write(move |db| sign_ins::confirm(db, id, generation, now))
    }

    fn touch(&self, touch: Touch) {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_ref().filter(|running| running.check_process().is_ok()) {
            running.writer.touch(touch);
        }
    }

    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        self.write(move |db| sign_ins::end(db, which, reason, now))
    }

    fn sign_ins(&self, user: UserId, now: Timestamp) -> Reply<Vec<SignIn>> {
        self.read(|db| sign_ins::list(db, user, now))
    }

    fn put_session_attributes(&self, id: SignInId, expect: i64, attributes: String) -> Reply<PutAttributes> {
        self.write(move |db| sign_ins::put_attributes(db, id, expect, &attributes))
    }

    fn put_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Posted> {
        self.transact(move |db| flows::put(db, &flow, &post, now))
    }

    fn take_flow(&self, id: FlowId, step: u32, secret_hash: Hash, now: Timestamp) -> Reply<Option<Flow>> {
        // Garbage ends at the look: it must not wait for the write lock, nor make anybody else wait.
        match self.read(|db| flows::is_takeable(db, id, step, &secret_hash, now)) {
            Reply::Now(Ok(false)) => Reply::Now(Ok(None)),
            _ => self.write(move |db| flows::take(db, id, step, &secret_hash, now)),
        }
    }

    fn return_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Option<Posted>> {
        self.transact(move |db| flows::give_back(db, &flow, &post, now))
    }

    fn drop_flow(&self, id: FlowId) -> Reply<()> {
        self.write(move |db| flows::remove(db, id))
    }

    fn spend(&self, mark: Hash, expires_at: Timestamp, now: Timestamp) -> Reply<bool> {
        match self.read(|db| spent::is_there(db, &mark)) {
            Reply::Now(Ok(true)) => Reply::Now(Ok(false)),
            _ => self.write(move |db| spent::spend(db, &mark, expires_at, now)),
        }
    }

    fn put_token(&self, token: Token, post: Post, now: Timestamp) -> Reply<Posted> {
        self.transact(move |db| tokens::put(db, &token, &post, now))
    }

    fn spend_link(&self, link: TokenUse, now: Timestamp) -> Reply<bool> {
        self.write(move |db| tokens::spend_link(db, &link, now))
    }

    fn token(&self, id: TokenId, secret_hash: Hash, now: Timestamp) -> Reply<Option<Token>> {
        self.read(|db| tokens::find(db, id, &secret_hash, now))
    }

    fn take_deliveries(
        &self,
        limit: u32,
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Reply<Vec<QueuedDelivery>> {
        // Asked every few seconds, and mostly in vain: the write lock is taken only where something is due.
        match self.read(|db| outbox::is_any_due(db, now)) {
            Reply::Now(Ok(false)) => Reply::Now(Ok(Vec::new())),
            _ => self.write(move |db| outbox::take(db, limit, leased_until, now)),
        }
    }

    fn settle_delivery(&self, id: DeliveryId, attempt: u32, end: DeliveryEnd) -> Reply<bool> {
        self.write(move |db| outbox::settle(db, id, attempt, end))
    }

    fn kv(&self, at: KvAt, now: Timestamp) -> Reply<Option<KvEntry>> {
        self.read(|db| kv::get(db, &at, now))
    }

    fn kv_usage(&self, provider: String, now: Timestamp) -> Reply<KvUsage> {
        self.read(|db| kv::usage(db, &provider, now))
    }

    fn change_kv(&self, change: KvChange) -> Reply<KvChanged> {
        self.write(move |db| kv::change(db, &change))
    }

    fn throttles(&self, buckets: Vec<Hash>) -> Reply<Vec<ThrottleRow>> {
        self.read(|db| throttles::find(db, &buckets))
    }

    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        let work = move |db: &Connection| throttles::apply(db, &steps, now);
        self.on_writer(|writer| writer.write_unsynced(work))
    }

    fn purge(&self, now: Timestamp, keep_ended: Duration, limit: u32) -> Reply<Purged> {
        let work = move |db: &Connection| upkeep::purge(db, now, keep_ended, limit).map(Verdict::Keep);
        self.on_writer(|writer| writer.write_resting(work))
    }

    fn stats(&self, now: Timestamp) -> Reply<StoreStats> {
        self.read(|db| upkeep::stats(db, now))
    }

    fn realm_stats(&self, realm: String, now: Timestamp) -> Reply<StoreStats> {
        self.read(|db| upkeep::realm_stats(db, &realm, now))
    }
}
