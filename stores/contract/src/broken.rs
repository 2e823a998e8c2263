//! A store with a planted bug, to see that the contract finds it: each is a mistake that adapters really make.

use std::sync::Arc;
use std::time::Duration;

use doorward_base::clock::Timestamp;
use doorward_base::id::{DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Advance, Agreed, Authenticator, AuthenticatorAt, Change, ChangeStep, Changed, CreatedSignIn, CreatedUser,
    DeletedUser, DeliveryEnd, Disagreement, EndReason, Ends, Extend, Flow, Identity, KvAction, KvAt,
    KvChange, KvChanged, KvEntry, KvExpect, KvUsage, Naming, NewSignIn, NewUser, Post, Posted, Purged,
    PutAttributes, QueuedDelivery, Reply, SchemaState, SignIn, Store, StoreStats, Subject, SubjectLook,
    Swapped, ThrottleRow, ThrottleStep, Throttled, Token, TokenUse, Touch, User, UserAddress, UserPage,
};

use crate::wait;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedBug {
    /// Writes the next generation over whatever is there.
    AdvanceIgnoresItsCondition,
    /// Reads the version itself instead of comparing it with what the caller has read.
    AttributesIgnoreTheVersion,
    /// Inserts without counting.
    CapIsNotCounted,
    /// Lists what has expired within the last hour.
    ExpiredIsListed,
    /// Counts no failure in a row.
    FailuresAreForgotten,
    /// Reads the epoch itself.
    ChangeIgnoresTheEpoch,
    /// Queues in a transaction of its own.
    DeliveryIsQueuedFirst,
    /// Charges in a transaction of its own, before the write.
    ChargedBesideTheWrite,
    /// Charges in the transaction of the steps, and undoes both.
    ChargeIsGivenBack,
    /// Ends a sign-in by its id alone.
    EndIgnoresTheOwner,
    /// Extends whatever generation is there.
    ExtendIgnoresTheHash,
    /// Gives a flow out and leaves it as it was.
    FlowIsTakenTwice,
    /// Reads what is there and writes without asking again.
    KeyIsPutUnasked,
    /// Looks whether a link is good, and writes nothing.
    LinkIsNotConsumed,
    /// Uses a link and leaves the code beside it.
    LinkLeavesTheCode,
    /// Gives messages out and leaves them due.
    LeaseIsNotWritten,
    /// Replaces a record and leaves its label and handle as they were.
    NamesOfReplacedRecordsAreLost,
    /// Queues messages whatever is closed.
    PostageIsNotAsked,
    /// Ends a message that somebody else has taken since.
    SettleIgnoresTheAttempt,
    /// Writes an address over whatever side it is on.
    SidesAreNotCompared,
    /// Says of every mark that it is new.
    SpendingIsNotKept,
    /// Swaps whatever record is there.
    SwapIgnoresTheVersion,
    /// Does step by step until one is refused.
    ThrottleStepsOneByOne,
    /// Claims whatever is there.
    ClaimIgnoresWhatWasSeen,
    /// Looks whether a token is good, and writes nothing.
    TokenIsNotConsumed,
    /// Loses what nobody waits for.
    TouchesAreLost,
}

/// A store that does all but one thing right.
pub struct Broken {
    /// The sound store beneath.
    pub inner: Arc<dyn Store>,
    /// Its bug.
    pub bug: PlantedBug,
}

impl Broken {
    fn has(&self, bug: PlantedBug) -> bool {
        self.bug == bug
    }

    fn posted(&self, mut post: Post) -> Post {
        if self.has(PlantedBug::PostageIsNotAsked) {
            post.postage.clear();
        }
        post
    }

    /// A message by itself: it rides on a flow that nobody needs.
    fn queue(&self, one: QueuedDelivery) {
        let flow = crate::samples::flow(None);
        let id = flow.id;
        wait(
            self.inner
                .put_flow(flow, Post::free(vec![one]), crate::samples::at(0)),
        );
        wait(self.inner.drop_flow(id));
    }
}

macro_rules! sound {
    ($($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $method(&self, $($name: $type),*) -> Reply<$answer> {
            self.inner.$method($($name),*)
        }
    )*};
}

impl Store for Broken {
    sound! {
        start() -> ();
        stop() -> ();
        quiesce() -> ();
        schema() -> SchemaState;
        migrate() -> ();
        agree(items: Vec<Agreed>, replace: bool, now: Timestamp) -> Vec<Disagreement>;
        agreed(prefix: String) -> Vec<Agreed>;
        clock() -> Timestamp;
        health() -> ();
        user(id: UserId) -> Option<User>;
        users(page: UserPage) -> Vec<User>;
        count_users(realm: String, enabled: Option<bool>, limit: u32) -> u64;
        users_by_prefix(at: ProviderId, limit: u32) -> Vec<User>;
        user_by_identity(at: ProviderId) -> Option<User>;
        user_by_attribute(realm: String, name: String, value: Vec<u8>) -> Option<User>;
        set_enabled(id: UserId, enabled: bool, now: Timestamp) -> Option<u64>;
        delete_user(id: UserId) -> DeletedUser;
        subject(at: ProviderId, group: String) -> SubjectLook;
        subject_of(user: UserId, group: String) -> Option<Subject>;
        subject_by_handle(realm: String, group: String, handle: Vec<u8>) -> Option<Subject>;
        identities(user: UserId) -> Vec<Identity>;
        addresses(user: UserId) -> Vec<UserAddress>;
        authenticators(user: UserId) -> Vec<Authenticator>;
        sign_in(id: SignInId) -> Option<(SignIn, User)>;
        confirm(id: SignInId, generation: u32, now: Timestamp) -> bool;
        put_session_attributes(id: SignInId, expect: i64, attributes: String) -> PutAttributes;
        return_flow(flow: Flow, post: Post, now: Timestamp) -> Option<Posted>;
        drop_flow(id: FlowId) -> ();
        token(id: TokenId, secret_hash: [u8; 32], now: Timestamp) -> Option<Token>;
        kv(at: KvAt, now: Timestamp) -> Option<KvEntry>;
        kv_usage(provider: String, now: Timestamp) -> KvUsage;
        throttles(buckets: Vec<[u8; 32]>) -> Vec<ThrottleRow>;
        purge(now: Timestamp, keep_ended: Duration, limit: u32) -> Purged;
        stats(now: Timestamp) -> StoreStats;
        realm_stats(realm: String, now: Timestamp) -> StoreStats;
    }

    fn create_user(&self, mut new: NewUser) -> Reply<CreatedUser> {
        if self.has(PlantedBug::ChargedBesideTheWrite) {
            let charges = std::mem::take(&mut new.post.charges);
            let charges = charges.into_iter().map(ThrottleStep::Charge).collect();
            if let Throttled::Closed(wait) = wait(self.inner.throttle(charges, new.user.created_at)) {
                return Reply::Now(Ok(CreatedUser::Closed(wait)));
            }
        }
        self.inner.create_user(new)
    }

    fn sign_ins(&self, user: UserId, now: Timestamp) -> Reply<Vec<SignIn>> {
        let hour = Duration::from_hours(u64::from(self.has(PlantedBug::ExpiredIsListed)));
        self.inner.sign_ins(user, now.minus(hour))
    }

    fn put_flow(&self, flow: Flow, post: Post, now: Timestamp) -> Reply<Posted> {
        self.inner.put_flow(flow, self.posted(post), now)
    }

    fn spend_link(&self, link: TokenUse, now: Timestamp) -> Reply<bool> {
        if self.has(PlantedBug::LinkIsNotConsumed) {
            let good = wait(self.inner.token(link.id, link.secret_hash, now)).is_some();
            wait(self.inner.drop_flow(link.flow()));
            return Reply::Now(Ok(good));
        }
        if self.has(PlantedBug::LinkLeavesTheCode) {
            let code = crate::samples::flow(None);
            let code = Flow {
                id: link.flow(),
                ..code
            };
            let spent = wait(self.inner.spend_link(link, now));
            wait(self.inner.put_flow(code, Post::default(), now));
            return Reply::Now(Ok(spent));
        }
        self.inner.spend_link(link, now)
    }

    fn put_token(&self, token: Token, post: Post, now: Timestamp) -> Reply<Posted> {
        self.inner.put_token(token, self.posted(post), now)
    }

    fn put_attributes(
        &self,
        id: UserId,
        mut expect: i64,
        attributes: String,
        unique: Vec<(String, Vec<u8>)>,
        now: Timestamp,
    ) -> Reply<PutAttributes> {
        if self.has(PlantedBug::AttributesIgnoreTheVersion)
            && let Some(user) = wait(self.inner.user(id))
        {
            expect = user.version;
        }
        self.inner.put_attributes(id, expect, attributes, unique, now)
    }

    fn count_failure(&self, at: AuthenticatorAt, failed: bool) -> Reply<()> {
        if self.has(PlantedBug::FailuresAreForgotten) {
            return Reply::Now(Ok(()));
        }
        self.inner.count_failure(at, failed)
    }

    fn swap_record(
        &self,
        at: AuthenticatorAt,
        expect: i64,
        sealed: Vec<u8>,
        mut naming: Naming,
        now: Timestamp,
    ) -> Reply<Swapped> {
        if self.has(PlantedBug::NamesOfReplacedRecordsAreLost) {
            naming = Naming::default();
        }
        let stored = wait(self.inner.authenticators(at.user_id))
            .into_iter()
            .find(|one| one.at == at);
        let expect = match stored {
            Some(one) if self.has(PlantedBug::SwapIgnoresTheVersion) => one.record_version,
            _ => expect,
        };
        self.inner.swap_record(at, expect, sealed, naming, now)
    }

    fn change(&self, mut change: Change) -> Reply<Changed> {
        for step in &mut change.steps {
            if let ChangeStep::ReplaceAuthenticator { naming, .. } = step
                && self.has(PlantedBug::NamesOfReplacedRecordsAreLost)
            {
                *naming = Naming::default();
            }
        }
        if self.has(PlantedBug::TokenIsNotConsumed)
            && let Some(used) = change.token.take()
            && wait(self.inner.token(used.id, used.secret_hash, change.now)).is_none()
        {
            return Reply::Now(Ok(Changed::Spent));
        }
        change.letters = self.posted(change.letters);
        if self.has(PlantedBug::DeliveryIsQueuedFirst) {
            for one in std::mem::take(&mut change.deliveries) {
                self.queue(one);
            }
        }
        if self.has(PlantedBug::ChargeIsGivenBack) {
            let charges = std::mem::take(&mut change.charges);
            let now = change.now;
            let changed = wait(self.inner.change(change));
            let charges = charges.into_iter().map(ThrottleStep::Charge).collect();
            let done = matches!(changed, Changed::Done { .. });
            return Reply::Now(Ok(match done.then(|| wait(self.inner.throttle(charges, now))) {
                Some(Throttled::Closed(wait)) => Changed::Closed(wait),
                _ => changed,
            }));
        }
        if self.has(PlantedBug::ChangeIgnoresTheEpoch)
            && let Some(user) = wait(self.inner.user(change.user_id))
        {
            change.epoch = user.session_epoch;
        }
        if self.has(PlantedBug::SidesAreNotCompared) {
            let held = wait(self.inner.addresses(change.user_id));
            change.steps.retain(|step| {
                !matches!(step, ChangeStep::AddAddress(new) if held.iter().any(|one| one.address == new.address))
            });
        }
        self.inner.change(change)
    }

    fn create_sign_in(&self, mut new: NewSignIn) -> Reply<CreatedSignIn> {
        if self.has(PlantedBug::CapIsNotCounted) {
            new.max_sign_ins = u32::MAX;
        }
        self.inner.create_sign_in(new)
    }

    fn advance(&self, mut next: Advance) -> Reply<bool> {
        if self.has(PlantedBug::AdvanceIgnoresItsCondition)
            && let Some((row, _)) = wait(self.inner.sign_in(next.id))
        {
            next.from = row.generation;
            next.from_refresh_hash = row.refresh_hash.unwrap_or(next.from_refresh_hash);
        }
        self.inner.advance(next)
    }

    fn extend(&self, mut extend: Extend) -> Reply<bool> {
        if self.has(PlantedBug::ExtendIgnoresTheHash)
            && let Some((row, _)) = wait(self.inner.sign_in(extend.id))
        {
            extend.generation = row.generation;
            extend.refresh_hash = row.refresh_hash.unwrap_or(extend.refresh_hash);
        }
        self.inner.extend(extend)
    }

    fn touch(&self, touch: Touch) {
        if !self.has(PlantedBug::TouchesAreLost) {
            self.inner.touch(touch);
        }
    }

    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        let which = match which {
            Ends::One(user, id) if self.has(PlantedBug::EndIgnoresTheOwner) => {
                let owner = wait(self.inner.sign_in(id)).map_or(user, |(row, _)| row.user_id);
                Ends::One(owner, id)
            }
            which => which,
        };
        self.inner.end(which, reason, now)
    }

    fn take_deliveries(
        &self,
        limit: u32,
        leased_until: Timestamp,
        now: Timestamp,
    ) -> Reply<Vec<QueuedDelivery>> {
        let taken = wait(self.inner.take_deliveries(limit, leased_until, now));
        if self.has(PlantedBug::LeaseIsNotWritten) {
            for one in &taken {
                wait(
                    self.inner
                        .settle_delivery(one.id, one.attempts, DeliveryEnd::DueAt(now)),
                );
            }
        }
        Reply::Now(Ok(taken))
    }

    fn settle_delivery(&self, id: DeliveryId, attempt: u32, end: DeliveryEnd) -> Reply<bool> {
        if !self.has(PlantedBug::SettleIgnoresTheAttempt) {
            return self.inner.settle_delivery(id, attempt, end);
        }
        let settled = (1..5).any(|attempt| wait(self.inner.settle_delivery(id, attempt, end)));
        Reply::Now(Ok(settled))
    }

    fn take_flow(&self, id: FlowId, step: u32, secret_hash: [u8; 32], now: Timestamp) -> Reply<Option<Flow>> {
        let taken = wait(self.inner.take_flow(id, step, secret_hash, now));
        if self.has(PlantedBug::FlowIsTakenTwice)
            && let Some(flow) = &taken
        {
            wait(self.inner.drop_flow(id));
            let again = Flow {
                step,
                secret_hash,
                attempts_left: flow.attempts_left + 1,
                ..flow.clone()
            };
            wait(self.inner.put_flow(again, Post::default(), now));
        }
        Reply::Now(Ok(taken))
    }

    fn spend(&self, mark: [u8; 32], expires_at: Timestamp, now: Timestamp) -> Reply<bool> {
        let spent = wait(self.inner.spend(mark, expires_at, now));
        Reply::Now(Ok(spent || self.has(PlantedBug::SpendingIsNotKept)))
    }

    fn change_kv(&self, mut change: KvChange) -> Reply<KvChanged> {
        if self.has(PlantedBug::KeyIsPutUnasked)
            && let KvAction::Put { expect, .. } = &mut change.action
            && *expect == KvExpect::Absent
            && wait(self.inner.kv(change.at.clone(), change.now)).is_none()
        {
            std::thread::sleep(Duration::from_millis(5));
            *expect = KvExpect::Any;
        }
        self.inner.change_kv(change)
    }

    fn throttle(&self, mut steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        if self.has(PlantedBug::ClaimIgnoresWhatWasSeen) {
            for step in &mut steps {
                if let ThrottleStep::Claim { key, seen } = step {
                    *seen = wait(self.inner.throttles(vec![key.bucket]))[0];
                }
            }
        }
        if !self.has(PlantedBug::ThrottleStepsOneByOne) {
            return self.inner.throttle(steps, now);
        }
        for step in steps {
            let done = wait(self.inner.throttle(vec![step], now));
            if done != Throttled::Done {
                return Reply::Now(Ok(done));
            }
        }
        Reply::Now(Ok(Throttled::Done))
    }
}
