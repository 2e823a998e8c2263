//! The caller's wait for a store has the deadline, wherever the store queues: the one place where every later answer is
//! awaited with it. Whichever engine it is, and the application's own.
//!
//! An engine that answers in time says more, so it has a little longer than the deadline to do so. Dropping the wait
//! abandons the answer, not the work.

mod watch;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use watch::{Until, Watch, Watcher};

use crate::{
    Advance, Agreed, Authenticator, AuthenticatorAt, Change, Changed, CreatedSignIn, CreatedUser,
    DeletedUser, DeliveryEnd, Disagreement, EndReason, Ends, Extend, Flow, Hash, Identity, KvAt, KvChange,
    KvChanged, KvEntry, KvUsage, Naming, NewSignIn, NewUser, Post, Posted, Purged, PutAttributes,
    QueuedDelivery, Reply, SchemaState, SignIn, Store, StoreError, StoreResult, StoreStats, Subject,
    SubjectLook, Swapped, ThrottleRow, ThrottleStep, Throttled, Token, TokenUse, Touch, User, UserAddress,
    UserPage,
};
use doorward_base::clock::{Clock as _, SystemClock, Timestamp};
use doorward_base::id::{DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_base::metrics::{Metrics, Timed, Timer};

/// By how much longer than the deadline a store may take to say why it has no answer.
const EXCUSE: Duration = Duration::from_millis(250);

/// A store, each of whose answers is waited for until the deadline.
pub struct Bounded {
    store: Arc<dyn Store>,
    deadline: Duration,
    watch: Arc<Watch>,
    watcher: Arc<Held>,
    metrics: Arc<Metrics>,
}

/// What a late answer leaves open.
#[derive(Clone, Copy)]
enum Asked {
    /// Whether it was done.
    Write,
    /// Nothing.
    Read,
}

impl Bounded {
    /// This store, bounded.
    pub fn new(store: Arc<dyn Store>, deadline: Duration) -> Self {
        Self::timed(store, deadline, Arc::default())
    }

    /// The same, each answer timed.
    pub fn timed(store: Arc<dyn Store>, deadline: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            deadline,
            watch: Arc::default(),
            watcher: Arc::default(),
            metrics,
        }
    }

    fn time(&self, asked: Asked) -> Timer {
        self.metrics.time(match asked {
            Asked::Read => Timed::Read,
            Asked::Write => Timed::Write,
        })
    }

    fn within<T: Send + 'static>(&self, asked: Asked, timer: Timer, reply: Reply<T>) -> Reply<T> {
        let Reply::Later(answer) = reply else {
            return reply;
        };
        let at = SystemClock
            .monotonic()
            .saturating_add(self.deadline.saturating_add(EXCUSE));
        let none = format!("no answer within {:?} (`store.deadline`)", self.deadline);
        let late = match asked {
            Asked::Read => StoreError::Unavailable(none),
            Asked::Write => StoreError::UnknownOutcome(format!("{none}: it may still be written")),
        };
        let answered = Until::new(answer, at, late, self.watch.clone());
        Reply::later(async move {
            let _timer = timer;
            answered.await
        })
    }

    /// Ends the thread when this has an answer that asks for it: until then somebody may wait.
    fn ending(&self, reply: Reply<()>, over: fn(&StoreResult<()>) -> bool) -> Reply<()> {
        let watcher = self.watcher.clone();
        let end = move |answer: StoreResult<()>| {
            if over(&answer) {
                end(&watcher);
            }
            answer
        };
        match reply {
            Reply::Later(answer) => Reply::later(async move { end(answer.await) }),
            Reply::Now(answer) => Reply::Now(end(answer)),
            Reply::Taken => Reply::Taken,
        }
    }
}

type Held = Mutex<Option<Watcher>>;

fn held(watcher: &Held) -> std::sync::MutexGuard<'_, Option<Watcher>> {
    watcher.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end(watcher: &Held) {
    let ended = held(watcher).take();
    if let Some(ended) = ended {
        ended.end();
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        end(&self.watcher);
    }
}

macro_rules! bounded {
    ($($asked:ident $method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $method(&self, $($name: $type),*) -> Reply<$answer> {
            let timer = self.time(Asked::$asked);
            self.within(Asked::$asked, timer, self.store.$method($($name),*))
        }
    )*};
}

impl Store for Bounded {
    /// Begins the thread that watches, and opens the store, which bounds that itself.
    fn start(&self) -> Reply<()> {
        let mut watcher = held(&self.watcher);
        if watcher.is_none() {
            match Watcher::begin(&self.watch) {
                Ok(begun) => *watcher = Some(begun),
                Err(error) => return Reply::Now(Err(error)),
            }
        }
        drop(watcher);
        self.ending(self.store.start(), StoreResult::is_err)
    }

    /// What is queued is written, however long that takes.
    fn stop(&self) -> Reply<()> {
        self.ending(self.store.stop(), |_| true)
    }

    fn quiesce(&self) -> Reply<()> {
        self.ending(self.store.quiesce(), |_| true)
    }

    /// As long as it takes.
    fn migrate(&self) -> Reply<()> {
        self.store.migrate()
    }

    fn touch(&self, touch: Touch) {
        self.store.touch(touch);
    }

    fn connections(&self) -> Vec<(&'static str, u64)> {
        self.store.connections()
    }

    bounded! {
        Read schema() -> SchemaState;
        Write agree(items: Vec<Agreed>, replace: bool, now: Timestamp) -> Vec<Disagreement>;
        Read agreed(prefix: String) -> Vec<Agreed>;
        Read clock() -> Timestamp;
        Read health() -> ();
        Write create_user(new: NewUser) -> CreatedUser;
        Read user(id: UserId) -> Option<User>;
        Read users(page: UserPage) -> Vec<User>;
        Read count_users(realm: String, enabled: Option<bool>, limit: u32) -> u64;
        Read users_by_prefix(at: ProviderId, limit: u32) -> Vec<User>;
        Read user_by_identity(at: ProviderId) -> Option<User>;
        Read user_by_attribute(realm: String, name: String, value: Vec<u8>) -> Option<User>;
        Write put_attributes(id: UserId, expect: i64, attributes: String, unique: Vec<(String, Vec<u8>)>, now: Timestamp) -> PutAttributes;
        Write set_enabled(id: UserId, enabled: bool, now: Timestamp) -> Option<u64>;
        Write delete_user(id: UserId) -> DeletedUser;
        Read subject(at: ProviderId, group: String) -> SubjectLook;
        Read subject_of(user: UserId, group: String) -> Option<Subject>;
        Read subject_by_handle(realm: String, group: String, handle: Vec<u8>) -> Option<Subject>;
        Read identities(user: UserId) -> Vec<Identity>;
        Read addresses(user: UserId) -> Vec<UserAddress>;
        Read authenticators(user: UserId) -> Vec<Authenticator>;
        Write swap_record(at: AuthenticatorAt, expect: i64, sealed: Vec<u8>, naming: Naming, now: Timestamp) -> Swapped;
        Write count_failure(at: AuthenticatorAt, failed: bool) -> ();
        Write change(change: Change) -> Changed;
        Read sign_in(id: SignInId) -> Option<(SignIn, User)>;
        Write create_sign_in(new: NewSignIn) -> CreatedSignIn;
        Write advance(next: Advance) -> bool;
        Write extend(extend: Extend) -> bool;
        Write confirm(id: SignInId, generation: u32, now: Timestamp) -> bool;
        Write end(which: Ends, reason: EndReason, now: Timestamp) -> u64;
        Read sign_ins(user: UserId, now: Timestamp) -> Vec<SignIn>;
        Write put_session_attributes(id: SignInId, expect: i64, attributes: String) -> PutAttributes;
        Write put_flow(flow: Flow, post: Post, now: Timestamp) -> Posted;
        Write take_flow(id: FlowId, step: u32, secret_hash: Hash, now: Timestamp) -> Option<Flow>;
        Write return_flow(flow: Flow, post: Post, now: Timestamp) -> Option<Posted>;
        Write drop_flow(id: FlowId) -> ();
        Write spend(mark: Hash, expires_at: Timestamp, now: Timestamp) -> bool;
        Write put_token(token: Token, post: Post, now: Timestamp) -> Posted;
        Write spend_link(link: TokenUse, now: Timestamp) -> bool;
        Read token(id: TokenId, secret_hash: Hash, now: Timestamp) -> Option<Token>;
        Write take_deliveries(limit: u32, leased_until: Timestamp, now: Timestamp) -> Vec<QueuedDelivery>;
        Write settle_delivery(id: DeliveryId, attempt: u32, end: DeliveryEnd) -> bool;
        Read kv(at: KvAt, now: Timestamp) -> Option<KvEntry>;
        Read kv_usage(provider: String, now: Timestamp) -> KvUsage;
        Write change_kv(change: KvChange) -> KvChanged;
        Read throttles(buckets: Vec<Hash>) -> Vec<ThrottleRow>;
        Write throttle(steps: Vec<ThrottleStep>, now: Timestamp) -> Throttled;
        Write purge(now: Timestamp, keep_ended: Duration, limit: u32) -> Purged;
        Read stats(now: Timestamp) -> StoreStats;
        Read realm_stats(realm: String, now: Timestamp) -> StoreStats;
    }
}
