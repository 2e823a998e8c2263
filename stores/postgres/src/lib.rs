//! PostgreSQL: several processes, and several machines, on one database.
//!
//! The store owns two threads and a few connections between `start` and `stop`; callers need no runtime. Isolation
//! is READ COMMITTED throughout: each decision is one conditional write, and its count of affected rows decides.
//! Transactions over several rows of a user hold that user's row first, so they queue instead of deadlocking; one
//! that loses a race nevertheless is run again, up to three times. A replica is refused: a look-up that is behind
//! would let an ended session live.
//!
//! A pooler may stand before the server: one that keeps a server connection for each of ours is used as the server
//! itself; one that hands them on after each transaction must be named in the URL, and is noticed at the start.
//!
//! The runtime role needs SELECT, INSERT, UPDATE and DELETE on the `doorward_` tables and no right to create
//! anything; only [`migrate`](doorward_store::Store::migrate) does, and `start` never migrates.

#![forbid(unsafe_code)]

mod change;
mod connection;
mod ends;
mod fault;
mod flows;
mod identities;
mod kv;
mod life;
mod listed;
mod live;
mod lock;
mod lookups;
mod measured;
mod operation;
mod options;
mod outbox;
mod pool;
mod rows;
mod schema;
mod sign_ins;
mod spent;
mod store;
mod throttles;
mod time;
mod tokens;
mod touches;
mod turns;
mod upkeep;
mod users;
mod yields;

use std::sync::Arc;
use std::time::Duration;

pub use options::PostgresOptions;
pub use schema::Migration;
pub use store::PostgresStore;

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
use life::Life;
use operation::End;
use store::locked;
use turns::Row;

impl Store for PostgresStore {
    fn start(&self) -> Reply<()> {
        let mut slot = self.life();
        if slot.as_ref().is_some_and(Life::is_ours) {
            return Reply::Now(Ok(()));
        }
        match Life::begin(self.options.clone(), self.clock.clone()) {
            Err(error) => return Reply::Now(Err(error)),
            // What a fork left behind is leaked by its own `drop`.
            Ok(life) => *slot = Some(life),
        }
        drop(slot);
        let checked = self.run(None, |asked| async move {
            life::look_for_pooler(&asked.pool).await?;
            life::check(&asked.pool).await
        });
        let life = Arc::clone(&self.life);
        Reply::later(async move {
            let answer = checked.await;
            if answer.is_err() {
                // A failed start leaves nothing behind.
                let failed = locked(&life).take();
                if let Some(failed) = failed {
                    failed.end().await?;
                }
            }
            answer
        })
    }

    fn stop(&self) -> Reply<()> {
        match self.life().take() {
            Some(life) if life.is_ours() => life.end(),
            _ => Reply::Now(Ok(())),
        }
    }

    fn schema(&self) -> Reply<SchemaState> {
        self.run(None, |asked| async move { schema::state(&asked.pool).await })
    }

    fn migrate(&self) -> Reply<()> {
        self.run(None, |asked| async move {
            asked.patiently(&(), |c, ()| Box::pin(schema::migrate(c))).await?;
            life::check(&asked.pool).await
        })
    }

    fn agree(&self, items: Vec<Agreed>, replace: bool, now: Timestamp) -> Reply<Vec<Disagreement>> {
        let agreement = upkeep::Agreement { items, replace, now };
        self.transaction(None, agreement, |c, i| Box::pin(upkeep::agree(c, i)))
    }

    fn agreed(&self, prefix: String) -> Reply<Vec<Agreed>> {
        self.read(prefix, |c, i| Box::pin(upkeep::agreed(c, i)))
    }

    fn clock(&self) -> Reply<Timestamp> {
        self.read((), |c, ()| Box::pin(time::clock(c)))
    }

    fn health(&self) -> Reply<()> {
        self.transaction(None, (), |c, ()| Box::pin(upkeep::health(c)))
    }

    fn create_user(&self, new: NewUser) -> Reply<CreatedUser> {
        self.transaction(Row::User(new.user.id), new, |c, i| Box::pin(users::create(c, i)))
    }

    fn user(&self, id: UserId) -> Reply<Option<User>> {
        self.read(id, |c, i| Box::pin(users::by_id(c, *i)))
    }

    fn users(&self, page: UserPage) -> Reply<Vec<User>> {
        self.read(page, |c, page| Box::pin(listed::page(c, page)))
    }

    fn count_users(&self, realm: String, enabled: Option<bool>, limit: u32) -> Reply<u64> {
        self.read((realm, enabled, limit), |c, (realm, enabled, limit)| {
            Box::pin(listed::count(c, realm, *enabled, *limit))
        })
    }

    fn users_by_prefix(&self, at: ProviderId, limit: u32) -> Reply<Vec<User>> {
        self.read((at, limit), |c, (at, limit)| {
            Box::pin(listed::by_prefix(c, at, *limit))
        })
    }

    fn user_by_identity(&self, at: ProviderId) -> Reply<Option<User>> {
        self.read(at, |c, i| Box::pin(users::by_identity(c, i)))
    }

    fn user_by_attribute(&self, realm: String, name: String, value: Vec<u8>) -> Reply<Option<User>> {
        self.read((realm, name, value), |c, (realm, name, value)| {
            Box::pin(users::by_attribute(c, realm, name, value))
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
        let new = users::NewAttributes {
            id,
            expect,
            attributes,
            unique,
            now,
        };
        self.transaction(Row::User(id), new, |c, i| Box::pin(users::put_attributes(c, i)))
    }

    fn set_enabled(&self, id: UserId, enabled: bool, now: Timestamp) -> Reply<Option<u64>> {
        self.transaction(Row::User(id), (id, enabled, now), |c, (id, enabled, now)| {
            Box::pin(users::set_enabled(c, *id, *enabled, *now))
        })
    }

    fn delete_user(&self, id: UserId) -> Reply<DeletedUser> {
        self.transaction(Row::User(id), id, |c, i| Box::pin(users::delete(c, *i)))
    }

    fn subject(&self, at: ProviderId, group: String) -> Reply<SubjectLook> {
        self.read((at, group), |c, (at, group)| {
            Box::pin(identities::subject(c, at, group))
        })
    }

    fn subject_of(&self, user: UserId, group: String) -> Reply<Option<Subject>> {
        self.read((user, group), |c, (user, group)| {
            Box::pin(identities::subject_of(c, *user, group))
        })
    }

    fn subject_by_handle(&self, realm: String, group: String, handle: Vec<u8>) -> Reply<Option<Subject>> {
        self.read((realm, group, handle), |c, (realm, group, handle)| {
            Box::pin(identities::subject_by_handle(c, realm, group, handle))
        })
    }

    fn identities(&self, user: UserId) -> Reply<Vec<Identity>> {
        self.read(user, |c, i| Box::pin(identities::identities(c, *i)))
    }

    fn addresses(&self, user: UserId) -> Reply<Vec<UserAddress>> {
        self.read(user, |c, i| Box::pin(identities::addresses(c, *i)))
    }

    fn authenticators(&self, user: UserId) -> Reply<Vec<Authenticator>> {
        self.read(user, |c, i| Box::pin(identities::authenticators(c, *i)))
    }

    fn swap_record(
        &self,
        at: AuthenticatorAt,
        expect: i64,
        sealed: Vec<u8>,
        naming: Naming,
        now: Timestamp,
    ) -> Reply<Swapped> {
        let new = identities::NewRecord {
            at,
            expect,
            sealed,
            naming,
            now,
        };
        self.transaction(Row::User(new.at.user_id), new, |c, i| {
            Box::pin(async move { Ok(End::Commit(identities::swap_record(c, i).await?)) })
        })
    }

    fn count_failure(&self, at: AuthenticatorAt, failed: bool) -> Reply<()> {
        self.transaction(Row::User(at.user_id), (at, failed), |c, (at, failed)| {
            Box::pin(identities::count_failure(c, at, *failed))
        })
    }

    fn change(&self, change: Change) -> Reply<Changed> {
        self.transaction(Row::User(change.user_id), change, |c, i| {
            Box::pin(change::change(c, i))
        })
    }

    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>> {
        match &*self.life() {
            None => Reply::Now(Err(life::stopped())),
            Some(life) if !life.is_ours() => Reply::Now(Err(life::forked())),
            Some(life) => life.look_up(id),
        }
    }

    fn create_sign_in(&self, new: NewSignIn) -> Reply<CreatedSignIn> {
        self.transaction(Row::User(new.row.user_id), new, |c, i| {
            Box::pin(sign_ins::create(c, i))
        })
    }

    fn advance(&self, next: Advance) -> Reply<bool> {
        self.statement(Row::SignIn(next.id), next, |c, i| {
            Box::pin(sign_ins::advance(c, i))
        })
    }

    fn extend(&self, extend: Extend) -> Reply<bool> {
        self.run(Some(Row::SignIn(extend.id)), |asked| async move {
            // Hardly any row replaces another: one statement first, the transaction where that found nothing.
            let alone = asked
                .statement(&extend, |c, i| Box::pin(sign_ins::extend_alone(c, i)))
                .await?;
            if alone || extend.confirm.is_none() {
                return Ok(alone);
            }
            asked
                .transaction(&extend, |c, i| Box::pin(sign_ins::extend(c, i)))
                .await
        })
    }

    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool> {
        self.run(Some(Row::SignIn(id)), move |asked| async move {
            let at = (id, generation, now);
            let alone = asked.statement(&at, |c, (id, generation, now)| {
                Box::pin(sign_ins::confirm_alone(c, *id, *generation, *now))
            });
            if alone.await? {
                return Ok(true);
            }
            asked
                .transaction(&at, |c, (id, generation, now)| {
                    Box::pin(sign_ins::confirm(c, *id, *generation, *now))
                })
                .await
        })
    }

    fn touch(&self, touch: Touch) {
        if let Some(life) = self.life().as_ref().filter(|life| life.is_ours()) {
            life.touches.push(touch);
        }
    }

    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        self.transaction(
            Row::User(which.user()),
            (which, reason, now),
            |c, (which, reason, now)| Box::pin(ends::end(c, *which, *reason, *now)),
        )
    }

    fn sign_ins(&self, user: UserId, now: Timestamp) -> Reply<Vec<SignIn>> {
        self.read((user, now), |c, (user, now)| {
            Box::pin(sign_ins::list(c, *user, *now))
        })
    }

    fn put_session_attributes(&self, id: SignInId, expect: i64, attributes: String) -> Reply<PutAttributes> {
        self.transaction(
            Row::SignIn(id),
            (id, expect, attributes),
            |c, (id, expect, attributes)| Box::pin(sign_ins::put_attributes(c, *id, *expect, attributes)),
        )
    }

    fn put_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Posted> {
        self.transaction(
            flow.user_id.map(Row::User),
            (flow, post, now),
            |c, (flow, post, now)| Box::pin(flows::put(c, flow, post, *now)),
        )
    }

    fn take_flow(&self, id: FlowId, step: u32, secret_hash: Hash, now: Timestamp) -> Reply<Option<Flow>> {
        let at = flows::FlowAt {
            id,
            step,
            secret_hash,
            now,
        };
        self.run(None, |asked| async move {
            let Some(flow) = asked.read(&at, |c, i| Box::pin(flows::takeable(c, i))).await? else {
                return Ok(None);
            };
            let won = asked.statement(&flow, |c, i| Box::pin(flows::take(c, i))).await?;
            Ok(won.then(|| flows::taken(flow)))
        })
    }

    fn return_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Option<Posted>> {
        if post == Post::default() {
            return self.run(None, |asked| async move {
                let given = asked.transaction(&flow, |c, i| {
                    Box::pin(async move { flows::end(flows::give_back_alone(c, i).await) })
                });
                Ok(given.await?.then_some(Posted::Done))
            });
        }
        self.transaction(
            flow.user_id.map(Row::User),
            (flow, post, now),
            |c, (flow, post, now)| Box::pin(flows::give_back(c, flow, post, *now)),
        )
    }

    fn drop_flow(&self, id: FlowId) -> Reply<()> {
        self.transaction(None, id, |c, i| {
            Box::pin(async move { Ok(End::Commit(flows::drop(c, *i).await?)) })
        })
    }

    fn spend(&self, mark: Hash, expires_at: Timestamp, now: Timestamp) -> Reply<bool> {
        self.run(None, move |asked| async move {
            if asked.read(&mark, |c, i| Box::pin(spent::is_there(c, i))).await? {
                return Ok(false);
            }
            let input = spent::Spend {
                mark,
                expires_at,
                now,
            };
            asked
                .transaction(&input, |c, i| Box::pin(spent::spend(c, i)))
                .await
        })
    }

    fn put_token(&self, token: Token, post: Post, now: Timestamp) -> Reply<Posted> {
        self.transaction(
            token.user_id.map(Row::User),
            (token, post, now),
            |c, (token, post, now)| Box::pin(tokens::put(c, token, post, *now)),
        )
    }

    fn spend_link(&self, link: TokenUse, now: Timestamp) -> Reply<bool> {
        self.transaction(None, (link, now), |c, (link, now)| {
            Box::pin(async move { Ok(End::Commit(tokens::spend_link(c, link, *now).await?)) })
        })
    }

    fn token(&self, id: TokenId, secret_hash: Hash, now: Timestamp) -> Reply<Option<Token>> {
        self.read((id, secret_hash, now), |c, (id, secret_hash, now)| {
            Box::pin(tokens::find(c, *id, secret_hash, *now))
        })
    }

    fn take_deliveries(
        &self,
        limit: u32,
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Reply<Vec<QueuedDelivery>> {
        let take = outbox::Take {
            limit,
            leased_until,
            now,
        };
        self.transaction(None, take, |c, i| Box::pin(outbox::take(c, i)))
    }

    fn settle_delivery(&self, id: DeliveryId, attempt: u32, end: DeliveryEnd) -> Reply<bool> {
        self.transaction(None, (id, attempt, end), |c, (id, attempt, end)| {
            Box::pin(async move { Ok(End::Commit(outbox::settle(c, *id, *attempt, *end).await?)) })
        })
    }

    fn kv(&self, at: KvAt, now: Timestamp) -> Reply<Option<KvEntry>> {
        self.read((at, now), |c, (at, now)| Box::pin(kv::get(c, at, *now)))
    }

    fn kv_usage(&self, provider: String, now: Timestamp) -> Reply<KvUsage> {
        self.read((provider, now), |c, (provider, now)| {
            Box::pin(kv::usage(c, provider, *now))
        })
    }

    fn change_kv(&self, change: KvChange) -> Reply<KvChanged> {
        self.transaction(None, change, |c, i| Box::pin(kv::change(c, i)))
    }

    fn throttles(&self, buckets: Vec<Hash>) -> Reply<Vec<ThrottleRow>> {
        self.read(buckets, |c, i| Box::pin(throttles::find(c, i)))
    }

    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        self.transaction(None, (steps, now), |c, (steps, now)| {
            Box::pin(throttles::apply_alone(c, steps, *now))
        })
    }

    fn purge(&self, now: Timestamp, keep_ended: Duration, limit: u32) -> Reply<Purged> {
        let purge = upkeep::Purge {
            now,
            keep_ended,
            limit,
        };
        self.transaction(None, purge, |c, i| Box::pin(upkeep::purge(c, i)))
    }

    fn stats(&self, now: Timestamp) -> Reply<StoreStats> {
        self.read(now, |c, i| Box::pin(upkeep::stats(c, *i)))
    }

    fn realm_stats(&self, realm: String, now: Timestamp) -> Reply<StoreStats> {
        self.read((realm, now), |c, (realm, now)| {
            Box::pin(upkeep::realm_stats(c, realm, *now))
        })
    }

    fn connections(&self) -> Vec<(&'static str, u64)> {
        let life = self.life();
        let ours = life.as_ref().filter(|life| life.is_ours());
        ours.map_or_else(Vec::new, |life| life.pool.connections())
    }
}
