//! The default store: one SQLite file of its own, on the bundled library.
//!
//! Look-ups run on the caller's thread; writes go to one thread that gives many callers one fsync. Threads and
//! connections exist between `start` and `stop` only: SQLite's process-wide tables survive a fork while its locks do
//! not, so nothing may be open across one.

#![forbid(unsafe_code)]

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
mod sign_ins;
mod spent;
mod throttles;
mod tokens;
mod touches;
mod upkeep;
mod users;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rusqlite::Connection;

use self::descriptors::Files;
use self::look::Look;
use self::place::Before;
use self::readers::Readers;
use self::writer::{Counts, Verdict, Writer};
use doorward_base::clock::{Clock, SystemClock, Timestamp};
use doorward_base::forked::{self, Left};
use doorward_base::id::{DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Advance, Agreed, Authenticator, AuthenticatorAt, Change, Changed, CreatedSignIn, CreatedUser,
    DeletedUser, DeliveryEnd, Disagreement, EndReason, Ends, Extend, Flow, Hash, Identity, KvAt, KvChange,
    KvChanged, KvEntry, KvUsage, Naming, NewSignIn, NewUser, Post, Posted, Purged, PutAttributes,
    QueuedDelivery, Reply, SchemaState, SignIn, Store, StoreError, StoreResult, StoreStats, Subject,
    SubjectLook, Swapped, ThrottleRow, ThrottleStep, Throttled, Token, TokenUse, Touch, User, UserAddress,
    UserPage,
};

/// Where the file is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The database file, which nothing else in this process may open. Made with mode 0600 where it is absent.
    pub path: PathBuf,
    /// How long to wait for a lock that another process holds. Default 5 s.
    pub busy_timeout: Duration,
    /// How long a write may wait in the queue before it is given up, undone. Default 5 s.
    pub deadline: Duration,
    /// How many writes may wait at once; beyond them callers get *unavailable*. Default 1024.
    pub queue: usize,
}

impl SqliteSettings {
    /// The defaults, for this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(5),
            queue: 1024,
        }
    }
}

/// A store in one SQLite file. Nothing is opened before [`start`](Store::start).
pub struct SqliteStore {
    settings: SqliteSettings,
    clock: Arc<dyn Clock>,
    counts: Arc<Counts>,
    running: RwLock<Option<Running>>,
    before: Mutex<Before>,
}

/// What exists in this process between `start` and `stop`.
struct Running {
    /// The process that started it. In a forked child, all of this is a copy of something that still lives elsewhere.
    process: u32,
    readers: Readers,
    writer: Writer,
    look: Look,
}

/// What the writer has done since the store was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterCounts {
    /// Commits that wrote something and waited for the disk: one fsync each.
    pub commits: u64,
    /// Writes answered.
    pub writes: u64,
}

impl SqliteStore {
    /// A store that is not started yet.
    pub fn open(settings: SqliteSettings) -> Self {
        Self::with_clock(settings, Arc::new(SystemClock))
    }

    /// The same with another clock. SQLite has no clock of its own: `clock()` gives this one's time.
    pub fn with_clock(settings: SqliteSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            clock,
            counts: Arc::default(),
            running: RwLock::new(None),
            before: Mutex::default(),
        }
    }

    /// How well writes share their fsyncs.
    pub fn writer_counts(&self) -> WriterCounts {
        WriterCounts {
            commits: self.counts.commits.load(Ordering::Relaxed),
            writes: self.counts.works.load(Ordering::Relaxed),
        }
    }

    fn open_all(&self) -> StoreResult<()> {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = running.as_ref() {
            return before.check_process();
        }
        let files = Files::create(&self.settings.path, *self.before())?;
        // The writer first: a connection that cannot write can neither make the log nor repair it.
        let writer = Writer::start(&files, &self.settings, Arc::clone(&self.counts))?;
        let look = match Look::start(files.clone()) {
            Ok(look) => look,
            Err(error) => {
                writer.stop();
                return Err(error);
            }
        };
        *running = Some(Running {
            process: std::process::id(),
            readers: Readers::new(files, self.settings.clone()),
            writer,
            look,
        });
        Ok(())
    }

    fn before(&self) -> MutexGuard<'_, Before> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that there is a schema: from now on the file is never made anew.
    fn has_schema(&self) {
        self.before().schema = true;
    }

    fn close_all(&self) -> StoreResult<()> {
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(stopped) = running.take() {
            if let Err(error) = stopped.check_process() {
                // A forked child's copy: closing it would reach into the parent's files. It is leaked on purpose.
                std::mem::forget(stopped);
                return Err(error);
            }
            stopped.look.stop();
            // The readers first: the last connection to close folds the log into the file, and readers cannot.
            stopped.readers.close();
            stopped.writer.stop();
        }
        Ok(())
    }

    /// A look-up, on the caller's thread.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Reply<T> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        Reply::Now(match running.as_ref() {
            Some(running) => running.readers.read(work),
            None => Err(not_started()),
        })
    }

    /// A transaction of its own, in a batch with others'.
    fn transact<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send + 'static,
    ) -> Reply<T> {
        self.queue(None, work)
    }

    /// A transaction that always keeps what it wrote.
    fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Reply<T> {
        self.queue(None, move |db| work(db).map(Verdict::Keep))
    }

    fn queue<T: Send + 'static>(
        &self,
        forbidden: Option<T>,
        work: impl FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send + 'static,
    ) -> Reply<T> {
        self.on_writer(|writer| writer.write(forbidden, work))
    }

    fn on_writer<T>(&self, work: impl FnOnce(&Writer) -> Reply<T>) -> Reply<T> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = running.as_ref() else {
            return Reply::Now(Err(not_started()));
        };
        match running.check_process() {
            Ok(()) => work(&running.writer),
            Err(error) => Reply::Now(Err(error)),
        }
    }
}

impl Running {
    fn check_process(&self) -> StoreResult<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        // The count of connections came along, so this says what helps.
        descriptors::check_process()?;
        Err(StoreError::Forked(forked::told("this store", Left::Sqlite)))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Err: a forked child's copy, which is leaked.
        drop(self.close_all());
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn not_started() -> StoreError {
    StoreError::Unavailable("the store is not started".into())
}

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
        self.transact(move |db| credentials::change(db, &change))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn now<T>(reply: Reply<T>) -> StoreResult<T> {
        match reply {
            Reply::Now(answer) => answer,
            Reply::Later(future) => tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .block_on(future),
            Reply::Taken => panic!("taken"),
        }
    }

    #[test]
    fn nothing_is_open_outside_of_start_and_stop_and_the_file_is_private() {
        let folder = std::env::temp_dir().join(format!("doorward-sqlite-life-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("doorward.db");
        let store = SqliteStore::open(SqliteSettings::new(&path));
        assert!(!path.exists(), "the constructor opens nothing");
        assert!(matches!(now(store.schema()), Err(StoreError::Unavailable(_))));
        for round in 0..2 {
            now(store.start()).unwrap();
            assert_eq!(now(store.schema()).unwrap().found, round);
            now(store.migrate()).unwrap();
            now(store.migrate()).unwrap();
            assert_eq!(now(store.schema()).unwrap(), SchemaState { found: 1, current: 1 });
            now(store.stop()).unwrap();
            let open = std::fs::read_dir("/proc/self/fd").unwrap();
            let ours = open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
            assert_eq!(ours.filter(|file| file.starts_with(&folder)).count(), 0);
        }
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_schema_of_a_later_release_is_refused() {
        let folder = std::env::temp_dir().join(format!("doorward-sqlite-later-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = SqliteStore::open(SqliteSettings::new(folder.join("doorward.db")));
        now(store.start()).unwrap();
        assert!(matches!(
            now(store.stats(Timestamp::from_micros(1))),
            Err(StoreError::Schema(_))
        ));
        now(store.migrate()).unwrap();
        now(store.write(|db| db.execute("UPDATE doorward_meta SET value = '99' WHERE name = 'schema'", [])))
            .unwrap();
        assert_eq!(now(store.schema()).unwrap().found, 99);
        assert!(matches!(now(store.migrate()), Err(StoreError::Schema(_))));
        now(store.write(|db| db.execute("UPDATE doorward_meta SET value = '1' WHERE name = 'schema'", [])))
            .unwrap();
        let of_another_commit = |answer: StoreResult<()>| matches!(answer, Err(StoreError::Schema(why)) if why.contains("another commit"));
        assert!(of_another_commit(now(store.schema()).map(drop)));
        assert!(of_another_commit(now(store.migrate())));
        now(store.stop()).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
