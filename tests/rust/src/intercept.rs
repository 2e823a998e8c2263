//! A store around another one, for tests that plant faults and bugs: everything passes, except what a test intercepts.

use std::sync::Arc;
use std::time::Duration;

use doorward::identifier::ProviderId;
use doorward::store::Hash;
use doorward::store::{
    Advance, Agreed, Authenticator, AuthenticatorAt, Change, Changed, CreatedSignIn, CreatedUser,
    DeletedUser, DeliveryEnd, Disagreement, EndReason, Ends, Extend, Flow, Identity, KvAt, KvChange,
    KvChanged, KvEntry, KvUsage, Naming, NewSignIn, NewUser, Post, Posted, Purged, PutAttributes,
    QueuedDelivery, Reply, SchemaState, SignIn, Store, StoreStats, Subject, SubjectLook, Swapped,
    ThrottleRow, ThrottleStep, Throttled, Token, TokenUse, Touch, User, UserAddress, UserPage,
};
use doorward::{DeliveryId, FlowId, SignInId, Timestamp, TokenId, UserId};

/// What a test may do instead of the store, before it, after it. By default: nothing.
pub trait Intercept: Send + Sync + 'static {
    /// The store underneath, as of now.
    fn inner(&self) -> Arc<dyn Store>;
    /// Told the name of every operation before it runs.
    fn called(&self, _operation: &'static str) {}
    /// In place of [`Store::clock`].
    fn clock(&self) -> Reply<Timestamp> {
        self.inner().clock()
    }
    /// In place of [`Store::create_user`].
    fn create_user(&self, new: NewUser) -> Reply<CreatedUser> {
        self.inner().create_user(new)
    }
    /// In place of [`Store::set_enabled`].
    fn set_enabled(&self, id: UserId, enabled: bool, now: Timestamp) -> Reply<Option<u64>> {
        self.inner().set_enabled(id, enabled, now)
    }
    /// In place of [`Store::change`].
    fn change(&self, change: Change) -> Reply<Changed> {
        self.inner().change(change)
    }
    /// In place of [`Store::sign_in`].
    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>> {
        self.inner().sign_in(id)
    }
    /// In place of [`Store::create_sign_in`].
    fn create_sign_in(&self, new: NewSignIn) -> Reply<CreatedSignIn> {
        self.inner().create_sign_in(new)
    }
    /// In place of [`Store::advance`].
    fn advance(&self, next: Advance) -> Reply<bool> {
        self.inner().advance(next)
    }
    /// In place of [`Store::extend`].
    fn extend(&self, extend: Extend) -> Reply<bool> {
        self.inner().extend(extend)
    }
    /// In place of [`Store::confirm`].
    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool> {
        self.inner().confirm(id, generation, now)
    }
    /// In place of [`Store::touch`].
    fn touch(&self, touch: Touch) {
        self.inner().touch(touch);
    }
    /// In place of [`Store::put_flow`].
    fn put_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Posted> {
        self.inner().put_flow(flow, post, now)
    }
    /// In place of [`Store::spend`].
    fn spend(&self, mark: Hash, expires_at: Timestamp, now: Timestamp) -> Reply<bool> {
        self.inner().spend(mark, expires_at, now)
    }
    /// In place of [`Store::throttles`].
    fn throttles(&self, buckets: Vec<Hash>) -> Reply<Vec<ThrottleRow>> {
        self.inner().throttles(buckets)
    }
    /// In place of [`Store::throttle`].
    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        self.inner().throttle(steps, now)
    }
    /// In place of [`Store::end`].
    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        self.inner().end(which, reason, now)
    }
}

/// The store that a test hands to the code under test.
pub struct Intercepted<I>(pub Arc<I>);

impl<I: Intercept> Store for Intercepted<I> {
    fn start(&self) -> Reply<()> {
        self.0.called("start");
        self.0.inner().start()
    }
    fn stop(&self) -> Reply<()> {
        self.0.called("stop");
        self.0.inner().stop()
    }
    fn quiesce(&self) -> Reply<()> {
        self.0.called("quiesce");
        self.0.inner().quiesce()
    }
    fn health(&self) -> Reply<()> {
        self.0.called("health");
        self.0.inner().health()
    }
    fn schema(&self) -> Reply<SchemaState> {
        self.0.called("schema");
        self.0.inner().schema()
    }
    fn migrate(&self) -> Reply<()> {
        self.0.called("migrate");
        self.0.inner().migrate()
    }
    fn agree(&self, items: Vec<Agreed>, replace: bool, now: Timestamp) -> Reply<Vec<Disagreement>> {
        self.0.called("agree");
        self.0.inner().agree(items, replace, now)
    }
    fn agreed(&self, prefix: String) -> Reply<Vec<Agreed>> {
        self.0.called("agreed");
        self.0.inner().agreed(prefix)
    }
    fn clock(&self) -> Reply<Timestamp> {
        self.0.called("clock");
        self.0.clock()
    }
    fn create_user(&self, new: NewUser) -> Reply<CreatedUser> {
        self.0.called("create_user");
        self.0.create_user(new)
    }
    fn user(&self, id: UserId) -> Reply<Option<User>> {
        self.0.called("user");
        self.0.inner().user(id)
    }
    fn users(&self, page: UserPage) -> Reply<Vec<User>> {
        self.0.called("users");
        self.0.inner().users(page)
    }
    fn count_users(&self, realm: String, enabled: Option<bool>, limit: u32) -> Reply<u64> {
        self.0.called("count_users");
        self.0.inner().count_users(realm, enabled, limit)
    }
    fn users_by_prefix(&self, at: ProviderId, limit: u32) -> Reply<Vec<User>> {
        self.0.called("users_by_prefix");
        self.0.inner().users_by_prefix(at, limit)
    }
    fn user_by_identity(&self, at: ProviderId) -> Reply<Option<User>> {
        self.0.called("user_by_identity");
        self.0.inner().user_by_identity(at)
    }
    fn user_by_attribute(&self, realm: String, name: String, value: Vec<u8>) -> Reply<Option<User>> {
        self.0.called("user_by_attribute");
        self.0.inner().user_by_attribute(realm, name, value)
    }
    fn put_attributes(
        &self,
        id: UserId,
        expect: i64,
        attributes: String,
        unique: Vec<(String, Vec<u8>)>,
        now: Timestamp,
    ) -> Reply<PutAttributes> {
        self.0.called("put_attributes");
        self.0.inner().put_attributes(id, expect, attributes, unique, now)
    }
    fn set_enabled(&self, id: UserId, enabled: bool, now: Timestamp) -> Reply<Option<u64>> {
        self.0.called("set_enabled");
        self.0.set_enabled(id, enabled, now)
    }
    fn delete_user(&self, id: UserId) -> Reply<DeletedUser> {
        self.0.called("delete_user");
        self.0.inner().delete_user(id)
    }
    fn subject(&self, at: ProviderId, group: String) -> Reply<SubjectLook> {
        self.0.called("subject");
        self.0.inner().subject(at, group)
    }
    fn subject_of(&self, user: UserId, group: String) -> Reply<Option<Subject>> {
        self.0.called("subject_of");
        self.0.inner().subject_of(user, group)
    }
    fn subject_by_handle(&self, realm: String, group: String, handle: Vec<u8>) -> Reply<Option<Subject>> {
        self.0.called("subject_by_handle");
        self.0.inner().subject_by_handle(realm, group, handle)
    }
    fn identities(&self, user: UserId) -> Reply<Vec<Identity>> {
        self.0.called("identities");
        self.0.inner().identities(user)
    }
    fn addresses(&self, user: UserId) -> Reply<Vec<UserAddress>> {
        self.0.called("addresses");
        self.0.inner().addresses(user)
    }
    fn authenticators(&self, user: UserId) -> Reply<Vec<Authenticator>> {
        self.0.called("authenticators");
        self.0.inner().authenticators(user)
    }
    fn swap_record(
        &self,
        at: AuthenticatorAt,
        expect: i64,
        sealed: Vec<u8>,
        naming: Naming,
        now: Timestamp,
    ) -> Reply<Swapped> {
        self.0.called("swap_record");
        self.0.inner().swap_record(at, expect, sealed, naming, now)
    }
    fn count_failure(&self, at: AuthenticatorAt, failed: bool) -> Reply<()> {
        self.0.called("count_failure");
        self.0.inner().count_failure(at, failed)
    }
    fn change(&self, change: Change) -> Reply<Changed> {
        self.0.called("change");
        self.0.change(change)
    }
    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>> {
        self.0.called("sign_in");
        self.0.sign_in(id)
    }
    fn create_sign_in(&self, new: NewSignIn) -> Reply<CreatedSignIn> {
        self.0.called("create_sign_in");
        self.0.create_sign_in(new)
    }
    fn advance(&self, next: Advance) -> Reply<bool> {
        self.0.called("advance");
        self.0.advance(next)
    }
    fn extend(&self, extend: Extend) -> Reply<bool> {
        self.0.called("extend");
        self.0.extend(extend)
    }
    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool> {
        self.0.called("confirm");
        self.0.confirm(id, generation, now)
    }
    fn touch(&self, touch: Touch) {
        self.0.called("touch");
        self.0.touch(touch);
    }
    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        self.0.called("end");
        self.0.end(which, reason, now)
    }
    fn sign_ins(&self, user: UserId, now: Timestamp) -> Reply<Vec<SignIn>> {
        self.0.called("sign_ins");
        self.0.inner().sign_ins(user, now)
    }
    fn put_session_attributes(&self, id: SignInId, expect: i64, attributes: String) -> Reply<PutAttributes> {
        self.0.called("put_session_attributes");
        self.0.inner().put_session_attributes(id, expect, attributes)
    }
    fn put_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Posted> {
        self.0.called("put_flow");
        self.0.put_flow(flow, post, now)
    }
    fn take_flow(&self, id: FlowId, step: u32, secret_hash: Hash, now: Timestamp) -> Reply<Option<Flow>> {
        self.0.called("take_flow");
        self.0.inner().take_flow(id, step, secret_hash, now)
    }
    fn return_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Option<Posted>> {
        self.0.called("return_flow");
        self.0.inner().return_flow(flow, post, now)
    }
    fn drop_flow(&self, id: FlowId) -> Reply<()> {
        self.0.called("drop_flow");
        self.0.inner().drop_flow(id)
    }
    fn spend(&self, mark: Hash, expires_at: Timestamp, now: Timestamp) -> Reply<bool> {
        self.0.called("spend");
        self.0.spend(mark, expires_at, now)
    }
    fn put_token(&self, token: Token, post: Post, now: Timestamp) -> Reply<Posted> {
        self.0.called("put_token");
        self.0.inner().put_token(token, post, now)
    }
    fn spend_link(&self, link: TokenUse, now: Timestamp) -> Reply<bool> {
        self.0.called("spend_link");
        self.0.inner().spend_link(link, now)
    }
    fn token(&self, id: TokenId, secret_hash: Hash, now: Timestamp) -> Reply<Option<Token>> {
        self.0.called("token");
        self.0.inner().token(id, secret_hash, now)
    }
    fn take_deliveries(
        &self,
        limit: u32,
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Reply<Vec<QueuedDelivery>> {
        self.0.called("take_deliveries");
        self.0.inner().take_deliveries(limit, leased_until, now)
    }
    fn settle_delivery(&self, id: DeliveryId, attempt: u32, end: DeliveryEnd) -> Reply<bool> {
        self.0.called("settle_delivery");
        self.0.inner().settle_delivery(id, attempt, end)
    }
    fn kv(&self, at: KvAt, now: Timestamp) -> Reply<Option<KvEntry>> {
        self.0.called("kv");
        self.0.inner().kv(at, now)
    }
    fn kv_usage(&self, provider: String, now: Timestamp) -> Reply<KvUsage> {
        self.0.called("kv_usage");
        self.0.inner().kv_usage(provider, now)
    }
    fn change_kv(&self, change: KvChange) -> Reply<KvChanged> {
        self.0.called("change_kv");
        self.0.inner().change_kv(change)
    }
    fn throttles(&self, buckets: Vec<Hash>) -> Reply<Vec<ThrottleRow>> {
        self.0.called("throttles");
        self.0.throttles(buckets)
    }
    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        self.0.called("throttle");
        self.0.throttle(steps, now)
    }
    fn purge(&self, now: Timestamp, keep_ended: Duration, limit: u32) -> Reply<Purged> {
        self.0.called("purge");
        self.0.inner().purge(now, keep_ended, limit)
    }
    fn stats(&self, now: Timestamp) -> Reply<StoreStats> {
        self.0.called("stats");
        self.0.inner().stats(now)
    }
    fn realm_stats(&self, realm: String, now: Timestamp) -> Reply<StoreStats> {
        self.0.called("realm_stats");
        self.0.inner().realm_stats(realm, now)
    }
}
