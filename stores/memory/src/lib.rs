//! A store in this process's memory, for tests: the very semantics of the databases, always answered at once.

#![forbid(unsafe_code)]

mod credentials;
mod flows;
mod identities;
mod kv;
mod outbox;
mod sign_ins;
mod spent;
mod throttles;
mod tokens;
mod users;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use doorward_base::clock::{Clock, SystemClock, Timestamp};
use doorward_base::id::{AuthenticatorId, DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::TRIMMED;
use doorward_store::{
    Advance, Agreed, Authenticator, AuthenticatorAt, Change, Changed, CreatedSignIn, CreatedUser,
    DeletedUser, DeliveryEnd, Disagreement, EndReason, Ends, Extend, Flow, Hash, Identity, KvAt, KvChange,
    KvChanged, KvEntry, KvUsage, Naming, NewSignIn, NewUser, Post, Posted, Purged, PutAttributes,
    QueuedDelivery, Reply, SchemaState, SignIn, Store, StoreResult, StoreStats, Subject, SubjectLook,
    Swapped, ThrottleRow, ThrottleStep, Throttled, Token, TokenUse, Touch, User, UserAddress, UserPage,
};

/// All tables of one process. Nothing outlives it, and forked children have a copy of their own.
pub struct MemoryStore {
    tables: Mutex<Tables>,
    clock: Arc<dyn Clock>,
}

/// The tables, each by its primary key.
#[derive(Default)]
struct Tables {
    agreed: BTreeMap<String, String>,
    users: BTreeMap<UserId, User>,
    /// (realm, name, value) → user.
    unique: BTreeMap<(String, String, Vec<u8>), UserId>,
    identities: identities::Identities,
    authenticators: BTreeMap<(UserId, String, AuthenticatorId), Authenticator>,
    addresses: BTreeMap<(UserId, Hash), UserAddress>,
    sign_ins: BTreeMap<SignInId, SignIn>,
    flows: BTreeMap<FlowId, Flow>,
    flow_ends: BTreeSet<(Timestamp, FlowId)>,
    /// Marks of what was answered rightly, and when they go.
    spent: HashSet<Hash>,
    spent_ends: BTreeSet<(Timestamp, Hash)>,
    tokens: BTreeMap<TokenId, Token>,
    token_ends: BTreeSet<(Timestamp, TokenId)>,
    outbox: BTreeMap<DeliveryId, QueuedDelivery>,
    outbox_ends: BTreeSet<(Timestamp, DeliveryId)>,
    kv: BTreeMap<KvAt, KvEntry>,
    throttles: HashMap<Hash, ThrottleRow>,
    /// The same rows by their end.
    throttle_ends: BTreeSet<(Timestamp, Hash)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store whose `clock()` is this one.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            tables: Mutex::default(),
            clock,
        }
    }

    /// How many rows each table that strangers can fill holds, those included that are over: for tests of trimming.
    pub fn rows(&self) -> [(&'static str, usize); 6] {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        [
            ("flow", tables.flows.len()),
            ("kv", tables.kv.len()),
            ("outbox", tables.outbox.len()),
            ("spent", tables.spent.len()),
            ("throttle", tables.throttles.len()),
            ("token", tables.tokens.len()),
        ]
    }

    /// Writes a user's row and nothing else, as somebody with SQL could: for tests of rows that no operation leaves.
    pub fn put_user(&self, user: User) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.users.insert(user.id, user);
    }

    /// One transaction: the lock is held for the whole of it.
    fn at_once<T>(&self, work: impl FnOnce(&mut Tables) -> T) -> Reply<T> {
        // A panic under the lock can come from a defect only; the tables are then as usable as before.
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        Reply::Now(Ok(work(&mut tables)))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// Removes a few rows that are over, the oldest end first. `ends` may name rows that have gone, or that last longer by now.
fn trim<K: Copy + Ord, V>(
    table: &mut BTreeMap<K, V>,
    ends: &mut BTreeSet<(Timestamp, K)>,
    now: Timestamp,
    expires_at: impl Fn(&V) -> Timestamp,
) {
    let mut gone = 0;
    while gone < TRIMMED
        && let Some(&(end, id)) = ends.first()
        && end <= now
    {
        ends.pop_first();
        match table.get(&id).map(&expires_at) {
            Some(later) if later > now => drop(ends.insert((later, id))),
            Some(_) => {
                table.remove(&id);
                gone += 1;
            }
            None => {}
        }
    }
}

const NOTHING: StoreResult<()> = Ok(());

impl Store for MemoryStore {
    fn start(&self) -> Reply<()> {
        Reply::Now(NOTHING)
    }

    fn stop(&self) -> Reply<()> {
        Reply::Now(NOTHING)
    }

    fn schema(&self) -> Reply<SchemaState> {
        Reply::Now(Ok(SchemaState { found: 1, current: 1 }))
    }

    fn migrate(&self) -> Reply<()> {
        Reply::Now(NOTHING)
    }

    fn agree(&self, items: Vec<Agreed>, replace: bool, _now: Timestamp) -> Reply<Vec<Disagreement>> {
        self.at_once(|tables| tables.agree(items, replace))
    }

    fn agreed(&self, prefix: String) -> Reply<Vec<Agreed>> {
        self.at_once(|tables| {
            let of = |(name, value): (&String, &String)| Agreed {
                name: name.clone(),
                value: value.clone(),
            };
            let from = tables.agreed.range(prefix.clone()..).map(of);
            from.take_while(|item| item.name.starts_with(&prefix)).collect()
        })
    }

    fn clock(&self) -> Reply<Timestamp> {
        Reply::Now(Ok(self.clock.now()))
    }

    fn health(&self) -> Reply<()> {
        Reply::Now(Ok(()))
    }

    fn create_user(&self, new: NewUser) -> Reply<CreatedUser> {
        self.at_once(|tables| tables.create_user(new))
    }

    fn user(&self, id: UserId) -> Reply<Option<User>> {
        self.at_once(|tables| tables.users.get(&id).cloned())
    }

    fn users(&self, page: UserPage) -> Reply<Vec<User>> {
        self.at_once(|tables| tables.page(&page))
    }

    fn count_users(&self, realm: String, enabled: Option<bool>, limit: u32) -> Reply<u64> {
        self.at_once(|tables| tables.count_users(&realm, enabled, limit))
    }

    fn users_by_prefix(&self, at: ProviderId, limit: u32) -> Reply<Vec<User>> {
        self.at_once(|tables| tables.by_prefix(&at, limit))
    }

    fn user_by_identity(&self, at: ProviderId) -> Reply<Option<User>> {
        self.at_once(|tables| {
            let identity = tables.identities.get(&at)?;
            tables.users.get(&identity.user_id).cloned()
        })
    }

    fn user_by_attribute(&self, realm: String, name: String, value: Vec<u8>) -> Reply<Option<User>> {
        self.at_once(|tables| {
            let id = tables.unique.get(&(realm, name, value))?;
            tables.users.get(id).cloned()
        })
    }

    fn put_attributes(
        &self,
        id: UserId,
        expect: i64,
        attributes: String,
        unique: Vec<(String, Vec<u8>)>,
        now: Timestamp,
    ) -> Reply<PutAttributes> {
        self.at_once(|tables| tables.put_attributes(id, expect, attributes, unique, now))
    }

    fn set_enabled(&self, id: UserId, enabled: bool, now: Timestamp) -> Reply<Option<u64>> {
        self.at_once(|tables| tables.set_enabled(id, enabled, now))
    }

    fn delete_user(&self, id: UserId) -> Reply<DeletedUser> {
        let now = self.clock.now();
        self.at_once(|tables| tables.delete_user(id, now))
    }

    fn subject(&self, at: ProviderId, group: String) -> Reply<SubjectLook> {
        self.at_once(|tables| tables.look(&at, &group))
    }

    fn subject_of(&self, user: UserId, group: String) -> Reply<Option<Subject>> {
        self.at_once(|tables| tables.subject_of(user, &group))
    }

    fn subject_by_handle(&self, realm: String, group: String, handle: Vec<u8>) -> Reply<Option<Subject>> {
        self.at_once(|tables| tables.subject_by_handle(&realm, &group, &handle))
    }

    fn identities(&self, user: UserId) -> Reply<Vec<Identity>> {
        self.at_once(|tables| tables.identities.of(user).cloned().collect())
    }

    fn addresses(&self, user: UserId) -> Reply<Vec<UserAddress>> {
        self.at_once(|tables| tables.addresses_of(user).copied().collect())
    }

    fn authenticators(&self, user: UserId) -> Reply<Vec<Authenticator>> {
        self.at_once(|tables| tables.authenticators_of(user).cloned().collect())
    }

    fn swap_record(
        &self,
        at: AuthenticatorAt,
        expect: i64,
        sealed: Vec<u8>,
        naming: Naming,
        now: Timestamp,
    ) -> Reply<Swapped> {
        self.at_once(|tables| tables.swap_record(&at, expect, sealed, naming, now))
    }

    fn count_failure(&self, at: AuthenticatorAt, failed: bool) -> Reply<()> {
        self.at_once(|tables| tables.count_failure(&at, failed))
    }

    fn change(&self, change: Change) -> Reply<Changed> {
        self.at_once(|tables| tables.change(change))
    }

    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>> {
        self.at_once(|tables| {
            let row = tables.sign_ins.get(&id)?;
            let user = tables.users.get(&row.user_id)?;
            Some((row.clone(), user.clone()))
        })
    }

    fn create_sign_in(&self, new: NewSignIn) -> Reply<CreatedSignIn> {
        self.at_once(|tables| tables.create_sign_in(new))
    }

    fn advance(&self, next: Advance) -> Reply<bool> {
        self.at_once(|tables| tables.advance(&next))
    }

    fn extend(&self, extend: Extend) -> Reply<bool> {
        self.at_once(|tables| tables.extend(&extend))
    }

    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool> {
        self.at_once(|tables| tables.confirm(id, generation, now))
    }

    fn touch(&self, touch: Touch) {
        // Nobody waits for it, and there is nothing it could fail with.
        drop(self.at_once(|tables| tables.touch(touch)));
    }

    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        self.at_once(|tables| tables.end(which, reason, now))
    }

    fn sign_ins(&self, user: UserId, now: Timestamp) -> Reply<Vec<SignIn>> {
        self.at_once(|tables| tables.listed(user, now))
    }

    fn put_session_attributes(&self, id: SignInId, expect: i64, attributes: String) -> Reply<PutAttributes> {
        self.at_once(|tables| tables.put_session_attributes(id, expect, attributes))
    }

    fn put_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Posted> {
        self.at_once(|tables| tables.put_flow(flow, &post, now))
    }

    fn take_flow(&self, id: FlowId, step: u32, secret_hash: Hash, now: Timestamp) -> Reply<Option<Flow>> {
        self.at_once(|tables| tables.take_flow(id, step, &secret_hash, now))
    }

    fn return_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Option<Posted>> {
        self.at_once(|tables| tables.return_flow(flow, &post, now))
    }

    fn drop_flow(&self, id: FlowId) -> Reply<()> {
        self.at_once(|tables| {
            tables.flows.remove(&id);
        })
    }

    fn spend(&self, mark: Hash, expires_at: Timestamp, now: Timestamp) -> Reply<bool> {
        self.at_once(|tables| tables.spend(mark, expires_at, now))
    }

    fn put_token(&self, token: Token, post: Post, now: Timestamp) -> Reply<Posted> {
        self.at_once(|tables| tables.put_token(token, &post, now))
    }

    fn spend_link(&self, link: TokenUse, now: Timestamp) -> Reply<bool> {
        self.at_once(|tables| tables.spend_link(link, now))
    }

    fn token(&self, id: TokenId, secret_hash: Hash, now: Timestamp) -> Reply<Option<Token>> {
        self.at_once(|tables| tables.token(id, &secret_hash, now).cloned())
    }

    fn take_deliveries(
        &self,
        limit: u32,
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Reply<Vec<QueuedDelivery>> {
        self.at_once(|tables| tables.take_deliveries(limit, leased_until, now))
    }

    fn settle_delivery(&self, id: DeliveryId, attempt: u32, end: DeliveryEnd) -> Reply<bool> {
        self.at_once(|tables| tables.settle_delivery(id, attempt, end))
    }

    fn kv(&self, at: KvAt, now: Timestamp) -> Reply<Option<KvEntry>> {
        self.at_once(|tables| tables.kv(&at, now))
    }

    fn kv_usage(&self, provider: String, now: Timestamp) -> Reply<KvUsage> {
        self.at_once(|tables| tables.kv_usage(&provider, now))
    }

    fn change_kv(&self, change: KvChange) -> Reply<KvChanged> {
        self.at_once(|tables| tables.change_kv(change))
    }

    fn throttles(&self, buckets: Vec<Hash>) -> Reply<Vec<ThrottleRow>> {
        self.at_once(|tables| tables.throttles(&buckets))
    }

    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        self.at_once(|tables| tables.throttle(&steps, now))
    }

    fn purge(&self, now: Timestamp, keep_ended: std::time::Duration, limit: u32) -> Reply<Purged> {
        self.at_once(|tables| tables.purge(now, keep_ended, limit))
    }

    fn stats(&self, now: Timestamp) -> Reply<StoreStats> {
        self.at_once(|tables| tables.stats(None, now))
    }

    fn realm_stats(&self, realm: String, now: Timestamp) -> Reply<StoreStats> {
        self.at_once(|tables| tables.stats(Some(&realm), now))
    }
}

impl Tables {
    /// Of a realm, or of all.
    fn stats(&self, realm: Option<&str>, now: Timestamp) -> StoreStats {
        let is_of = |user: &User| realm.is_none_or(|realm| user.realm == realm);
        let live = self.sign_ins.values().filter(|row| {
            let user = self.users.get(&row.user_id);
            user.is_some_and(|user| is_of(user) && row.is_counted(user, now))
        });
        let open = self.flows.values().filter(|flow| {
            let user = flow.user_id.and_then(|id| self.users.get(&id));
            flow.expires_at > now && (realm.is_none() || user.is_some_and(is_of))
        });
        StoreStats {
            users: self.users.values().filter(|user| is_of(user)).count() as u64,
            sign_ins: live.count() as u64,
            flows: open.count() as u64,
        }
    }

    fn agree(&mut self, items: Vec<Agreed>, replace: bool) -> Vec<Disagreement> {
        let mut differing = Vec::new();
        for item in items {
            match self.agreed.get(&item.name) {
                Some(stored) if *stored != item.value => {
                    differing.push(Disagreement {
                        name: item.name.clone(),
                        ours: item.value.clone(),
                        stored: stored.clone(),
                    });
                    if replace {
                        self.agreed.insert(item.name, item.value);
                    }
                }
                Some(_) => {}
                None => {
                    self.agreed.insert(item.name, item.value);
                }
            }
        }
        differing
    }

    fn purge(&mut self, now: Timestamp, keep_ended: std::time::Duration, limit: u32) -> Purged {
        let limit = limit as usize;
        let cut = now.minus(keep_ended);
        let gone: Vec<SignInId> = (self.sign_ins.values())
            .filter(|row| row.gone_at() <= cut)
            .map(|row| row.id)
            .take(limit)
            .collect();
        for id in &gone {
            self.sign_ins.remove(id);
        }
        let expired: Vec<FlowId> = (self.flows.values())
            .filter(|flow| flow.expires_at <= now)
            .map(|flow| flow.id)
            .take(limit)
            .collect();
        for id in &expired {
            self.flows.remove(id);
        }
        let others = [
            self.forget_spent(now, limit),
            self.purge_tokens(now, limit),
            self.purge_outbox(now, limit),
            self.purge_kv(now, limit),
        ];
        let (sign_ins, flows, throttles) = (gone.len() as u64, expired.len() as u64, self.forget(now, limit));
        let full = limit as u64;
        Purged {
            sign_ins,
            flows,
            others: others.iter().sum(),
            throttles,
            more: [sign_ins, flows, throttles]
                .iter()
                .chain(&others)
                .any(|removed| *removed >= full),
        }
    }
}
