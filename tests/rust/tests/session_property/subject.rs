//! The real code under test: `Sessions` over a store that can fail, forget, and go back in time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use doorward::clock::ManualClock;
use doorward::factor::Factor;
use doorward::plugin::FactorClass;
use doorward::rng::Random;
use doorward::session::{
    AtCap, Created, Lifetimes, NewSession, Refreshed, Session, SessionEnd, SessionSettings, Sessions, StepUp,
    Validated,
};
use doorward::store::{
    Advance, Bump, Change, Changed, CreatedSignIn, CreatedUser, EndReason, Ends, Extend, NewSignIn, NewUser,
    Reply, SignIn, Store, StoreError, Touch, User,
};
use doorward::token::{AccessToken, RefreshToken};
use doorward::{SignInId, Timestamp, UserId};
use doorward_tests::intercept::{Intercept, Intercepted};
use doorward_tests::wait::block_on;

use crate::operations::Fault;
use crate::reference::{ABSOLUTE, ACCESS, Answer, GRACE, How, IDLE, Listed, MAX_SIGN_INS, Micros, Seen};

/// A bug planted around the protocol: in its store or in its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// Ends are answered and not done.
    AcceptsAfterEnd,
    /// First acceptances are answered and not written.
    ConfirmForgotten,
    /// Extensions are answered and not written.
    ExtendForgotten,
    /// The salt of an exchange is lost, so its successor cannot be derived again.
    FreshSuccessor,
    /// The grace is over at once.
    NoGrace,
    /// An end for reuse is answered and not done.
    ReuseIgnored,
    /// A replica that has not heard of the last exchange is asked.
    StaleReads,
    /// The old row shows the factors of its step-up.
    StepUpElevatesOld,
    /// A step-up does not say what it replaces.
    StepUpForgetsOld,
}

/// A write of a history, to be done again on an older copy of the database.
enum Write {
    Advance(Advance),
    Change(Box<Change>),
    Confirm(SignInId, u32, Timestamp),
    CreateSignIn(Box<NewSignIn>),
    CreateUser(NewUser),
    End(Ends, EndReason, Timestamp),
    Extend(Extend),
    SetEnabled(UserId, bool, Timestamp),
    Touch(Touch),
}

/// Makes a fresh, empty, started store.
pub(crate) type Fresh = Box<dyn Fn() -> Arc<dyn Store> + Send + Sync>;

/// A database with a memory of its writes.
struct Database {
    fresh: Fresh,
    plant: Option<Plant>,
    state: Mutex<State>,
}

struct State {
    store: Arc<dyn Store>,
    writes: Vec<Write>,
    backup: Option<usize>,
    faults: VecDeque<Fault>,
    drop_confirm: bool,
    /// For the planted bugs alone.
    before: Vec<(SignIn, User)>,
    elevated: Vec<(SignInId, String)>,
}

impl Database {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }

    /// One write of the protocol, which may fail as the history says.
    fn written<T: Unpin + 'static>(&self, write: Write, done: Reply<T>, fault: Option<Fault>) -> Reply<T> {
        let done = finish(done);
        self.state().writes.push(write);
        match fault {
            None => Reply::Now(done),
            Some(_) => Reply::Now(Err(StoreError::UnknownOutcome("planned by the history".into()))),
        }
    }

    fn next_fault(&self) -> Option<Fault> {
        self.state().faults.pop_front()
    }
}

fn rolled_back<T>() -> Reply<T> {
    Reply::Now(Err(StoreError::Retry("planned by the history".into())))
}

impl Intercept for Database {
    fn inner(&self) -> Arc<dyn Store> {
        self.state().store.clone()
    }

    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>> {
        let found = self.inner().sign_in(id);
        let Some(plant) = self.plant else { return found };
        let mut found = finish(found);
        if let Ok(Some((row, _))) = &mut found {
            let state = self.state();
            if plant == Plant::StepUpElevatesOld
                && let Some((_, factors)) = state.elevated.iter().find(|(old, _)| *old == id)
            {
                row.factors.clone_from(factors);
            }
            if plant == Plant::StaleReads
                && let Some(before) = state.before.iter().rfind(|(row, _)| row.id == id)
            {
                found = Ok(Some(before.clone()));
            }
        }
        Reply::Now(found)
    }

    fn create_user(&self, new: NewUser) -> Reply<CreatedUser> {
        let done = self.inner().create_user(new.clone());
        self.written(Write::CreateUser(new), done, None)
    }

    fn create_sign_in(&self, mut new: NewSignIn) -> Reply<CreatedSignIn> {
        let fault = self.next_fault();
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        if let Some(old) = new.row.replaces {
            self.state().elevated.push((old, new.row.factors.clone()));
            if self.plant == Some(Plant::StepUpForgetsOld) {
                new.row.replaces = None;
            }
        }
        let done = self.inner().create_sign_in(new.clone());
        self.written(Write::CreateSignIn(Box::new(new)), done, fault)
    }

    fn advance(&self, mut next: Advance) -> Reply<bool> {
        let fault = self.next_fault();
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        if self.plant == Some(Plant::FreshSuccessor) {
            next.salt = [7; 32];
        }
        if self.plant == Some(Plant::StaleReads)
            && let Ok(Some(before)) = finish(self.inner().sign_in(next.id))
        {
            self.state().before.push(before);
        }
        let done = self.inner().advance(next.clone());
        self.written(Write::Advance(next), done, fault)
    }

    fn extend(&self, extend: Extend) -> Reply<bool> {
        let fault = self.next_fault();
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        if self.plant == Some(Plant::ExtendForgotten) {
            return Reply::Now(Ok(true));
        }
        let done = self.inner().extend(extend.clone());
        self.written(Write::Extend(extend), done, fault)
    }

    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool> {
        let fault = self.next_fault();
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        if self.plant == Some(Plant::ConfirmForgotten) {
            return Reply::Now(Ok(true));
        }
        let done = self.inner().confirm(id, generation, now);
        self.written(Write::Confirm(id, generation, now), done, fault)
    }

    fn touch(&self, touch: Touch) {
        if matches!(touch, Touch::Confirm { .. }) {
            let dropped = std::mem::take(&mut self.state().drop_confirm);
            if dropped || self.plant == Some(Plant::ConfirmForgotten) {
                return;
            }
        }
        let store = self.inner();
        store.touch(touch.clone());
        settle(&*store);
        self.state().writes.push(Write::Touch(touch));
    }

    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        // Faults are for the protocol's own ends: the owner's are one call without a second attempt.
        let fault = if reason == EndReason::Ended {
            None
        } else {
            self.next_fault()
        };
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        match self.plant {
            Some(Plant::AcceptsAfterEnd) => return Reply::Now(Ok(1)),
            Some(Plant::ReuseIgnored) if reason == EndReason::TokenReuse => return Reply::Now(Ok(1)),
            _ => {}
        }
        let done = self.inner().end(which, reason, now);
        self.written(Write::End(which, reason, now), done, fault)
    }

    fn set_enabled(&self, id: UserId, enabled: bool, now: Timestamp) -> Reply<Option<u64>> {
        let done = self.inner().set_enabled(id, enabled, now);
        self.written(Write::SetEnabled(id, enabled, now), done, None)
    }

    fn change(&self, change: Change) -> Reply<Changed> {
        let done = self.inner().change(change.clone());
        self.written(Write::Change(Box::new(change)), done, None)
    }
}

/// Waits until what was queued is written: a transaction that stands behind it has been answered.
fn settle(store: &dyn Store) {
    finish(store.drop_flow(doorward::FlowId::from_bytes([0; 16]))).expect("the store answers");
}

/// Waits for an answer, wherever it is made.
pub(crate) fn finish<T: Unpin>(reply: Reply<T>) -> Result<T, StoreError> {
    match reply {
        Reply::Now(answer) => answer,
        later => block_on(later),
    }
}

/// Random bytes that are the same in every run.
struct SeededRandom(Mutex<u64>);

impl Random for SeededRandom {
    fn fill(&self, into: &mut [u8]) -> doorward::Result<()> {
        let mut state = self.0.lock().expect("nothing panics here");
        for byte in into {
            // splitmix64 (Steele, Lea, Flood 2014).
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z ^ (z >> 31)).to_le_bytes()[0];
        }
        Ok(())
    }
}

const USER: UserId = UserId::from_bytes([1; 16]);
const REALM: &str = "";

/// One process on one database.
pub(crate) struct Subject {
    database: Arc<Database>,
    sessions: Sessions,
    clock: Arc<ManualClock>,
}

/// What an operation gave: its answer, and the texts of the tokens that came with it.
pub(crate) struct Given {
    pub(crate) answer: Answer,
    pub(crate) access: Option<String>,
    pub(crate) refresh: Option<String>,
}

impl From<Answer> for Given {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            access: None,
            refresh: None,
        }
    }
}

impl Subject {
    pub(crate) fn new(fresh: Fresh, now: Micros, evict: bool, plant: Option<Plant>) -> Self {
        let database = Arc::new(Database {
            state: Mutex::new(State {
                store: fresh(),
                writes: Vec::new(),
                backup: None,
                faults: VecDeque::new(),
                drop_confirm: false,
                before: Vec::new(),
                elevated: Vec::new(),
            }),
            fresh,
            plant,
        });
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(now)));
        let no_grace = plant == Some(Plant::NoGrace);
        let settings = SessionSettings {
            access_ttl: micros(ACCESS),
            grace: if no_grace { Duration::ZERO } else { micros(GRACE) },
            idle_ttl: micros(IDLE),
            absolute_ttl: micros(ABSOLUTE),
            max_sign_ins: MAX_SIGN_INS,
            at_cap: if evict { AtCap::Evict } else { AtCap::Deny },
            unsafe_short_lifetimes: no_grace,
            ..SessionSettings::default()
        };
        let store: Arc<dyn Store> = Arc::new(Intercepted(database.clone()));
        let random = Arc::new(SeededRandom(Mutex::new(1)));
        let sessions = Sessions::new(store, clock.clone(), random, settings).expect("the settings are sound");
        let at = Timestamp::from_micros(now);
        let user = User {
            id: USER,
            realm: REALM.into(),
            attributes: "{}".into(),
            version: 1,
            session_epoch: 0,
            disabled_at: None,
            created_at: at,
            updated_at: at,
        };
        let new = NewUser {
            user,
            unique: Vec::new(),
            identity: None,
            authenticators: Vec::new(),
        };
        assert_eq!(
            finish(database.create_user(new)).expect("an empty store"),
            CreatedUser::Created
        );
        Self {
            database,
            sessions,
            clock,
        }
    }

    pub(crate) fn set_clock(&self, now: Micros) {
        self.clock.set(Timestamp::from_micros(now));
    }

    fn now(&self) -> Timestamp {
        doorward::clock::Clock::now(&*self.clock)
    }

    pub(crate) fn refresh(&self, text: &str) -> Result<Given, doorward::Error> {
        let Some(token) = RefreshToken::parse(text.as_bytes()) else {
            return Ok(Answer::Invalid.into());
        };
        Ok(match block_on(self.sessions.refresh(&token, REALM))? {
            Refreshed::Current(session) => tokens(How::Current, &session),
            Refreshed::Next(session) => tokens(How::Next, &session),
            Refreshed::Repeated(session) => tokens(How::Repeated, &session),
            Refreshed::Ended(ended) => Answer::Ended(ended.reason.id()).into(),
            Refreshed::SignedOut(over) => Answer::SignedOut(over.map(doorward::session::Over::id)).into(),
            Refreshed::Invalid => Answer::Invalid.into(),
        })
    }

    pub(crate) fn validate(&self, text: &str) -> Result<(Given, Option<Session>), doorward::Error> {
        let Some(token) = AccessToken::parse(text.as_bytes()) else {
            return Ok((Answer::Invalid.into(), None));
        };
        Ok(match block_on(self.sessions.validate(&token, REALM))? {
            Validated::Accepted(session) => (Answer::Accepted(seen(&session)).into(), Some(session)),
            Validated::Expired => (Answer::Expired.into(), None),
            Validated::Invalid => (Answer::Invalid.into(), None),
        })
    }

    pub(crate) fn create(&self, epoch: i64) -> Result<Given, doorward::Error> {
        let new = NewSession {
            user_id: USER,
            epoch,
            factors: vec![factor("email", FactorClass::Knowledge, self.now())],
            attributes: "{}".into(),
            lifetimes: Lifetimes::default(),
            agent: String::new(),
            address: String::new(),
            ends: None,
        };
        Ok(created(block_on(self.sessions.create(new, REALM))?))
    }

    pub(crate) fn step_up(&self, old: &Session, epoch: i64, full: bool) -> Result<Given, doorward::Error> {
        let proof = StepUp {
            epoch,
            factors: vec![factor("totp", FactorClass::Possession, self.now())],
            full,
            agent: String::new(),
            address: String::new(),
        };
        Ok(created(block_on(self.sessions.step_up(old, proof))?))
    }

    pub(crate) fn sign_out(&self, text: &str, access: bool) -> Result<Given, doorward::Error> {
        let end = if access {
            AccessToken::parse(text.as_bytes())
                .map(|token| block_on(self.sessions.end_by_access(&token, REALM)))
        } else {
            RefreshToken::parse(text.as_bytes())
                .map(|token| block_on(self.sessions.end_by_refresh(&token, REALM)))
        };
        let answer = match end.transpose()? {
            Some(SessionEnd::Ended(ended)) => Answer::Ended(ended.reason.id()),
            Some(SessionEnd::NotLive) => Answer::NotLive,
            Some(SessionEnd::Invalid) | None => Answer::Invalid,
        };
        Ok(answer.into())
    }

    pub(crate) fn end(&self, which: Which) -> Result<Given, StoreError> {
        let which = match which {
            Which::All => Ends::All(USER),
            Which::One(id) => Ends::One(USER, id),
            Which::Others(keep) => Ends::Others(USER, keep),
        };
        let count = finish(self.database.end(which, EndReason::Ended, self.now()))?;
        Ok(Answer::Count(count).into())
    }

    pub(crate) fn change_credentials(&self, epoch: i64, keep: Option<SignInId>) -> Result<Given, StoreError> {
        let change = Change {
            user_id: USER,
            epoch,
            steps: Vec::new(),
            ways_in: Vec::new(),
            bump: Some(Bump {
                reason: EndReason::CredentialsChanged,
                keep,
            }),
            now: self.now(),
        };
        Ok(match finish(self.database.change(change))? {
            Changed::Done { ended, .. } => Answer::Count(ended),
            _ => Answer::Refused,
        }
        .into())
    }

    pub(crate) fn set_enabled(&self, enabled: bool) -> Result<Given, StoreError> {
        let count = finish(self.database.set_enabled(USER, enabled, self.now()))?;
        Ok(Answer::Count(count.unwrap_or(0)).into())
    }

    pub(crate) fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let mut rows = finish(self.database.inner().sign_ins(USER, self.now()))?;
        rows.sort_by_key(|row| row.id);
        Ok(rows
            .into_iter()
            .map(|row| Listed {
                id: row.id,
                generation: row.generation,
                last_seen: row.last_seen_at.as_micros(),
                idle_end: row.idle_expires_at.as_micros(),
                elevated: row.factors.contains("totp"),
            })
            .collect())
    }

    /// At most two, so that the third attempt succeeds.
    pub(crate) fn fail(&self, faults: &[Fault]) {
        let mut state = self.database.state();
        state.faults = faults.iter().copied().collect();
    }

    /// Faults that no write has met. They are withdrawn.
    pub(crate) fn withdraw_faults(&self) -> bool {
        let mut state = self.database.state();
        let left = !state.faults.is_empty();
        state.faults.clear();
        left
    }

    pub(crate) fn drop_confirm(&self, drop: bool) {
        self.database.state().drop_confirm = drop;
    }

    pub(crate) fn back_up(&self) {
        let mut state = self.database.state();
        state.backup = Some(state.writes.len());
    }

    /// Another database that has seen the writes up to the backup takes the place of this one.
    pub(crate) fn roll_back(&self) -> Result<(), StoreError> {
        let Some(until) = self.database.state().backup.take() else {
            return Ok(());
        };
        let store = (self.database.fresh)();
        let mut state = self.database.state();
        state.writes.truncate(until);
        for write in &state.writes {
            again(&*store, write)?;
        }
        let old = std::mem::replace(&mut state.store, store);
        state.before.clear();
        drop(state);
        finish(old.stop())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // A store that cannot stop has nothing more to say about this history.
        let _stopped = finish(self.database.inner().stop());
    }
}

/// Which sign-ins an owner ends.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    All,
    One(SignInId),
    Others(SignInId),
}

fn again(store: &dyn Store, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Advance(next) => finish(store.advance(next.clone())).map(drop),
        Write::Change(change) => finish(store.change((**change).clone())).map(drop),
        Write::Confirm(id, generation, now) => finish(store.confirm(*id, *generation, *now)).map(drop),
        Write::CreateSignIn(new) => finish(store.create_sign_in((**new).clone())).map(drop),
        Write::CreateUser(new) => finish(store.create_user(new.clone())).map(drop),
        Write::End(which, reason, now) => finish(store.end(*which, *reason, *now)).map(drop),
        Write::Extend(extend) => finish(store.extend(extend.clone())).map(drop),
        Write::SetEnabled(id, enabled, now) => finish(store.set_enabled(*id, *enabled, *now)).map(drop),
        Write::Touch(touch) => {
            store.touch(touch.clone());
            settle(store);
            Ok(())
        }
    }
}

fn created(created: Created) -> Given {
    match created {
        Created::Created { session, mut evicted } => {
            evicted.sort_unstable();
            Given {
                answer: Answer::Created {
                    session: seen(&session),
                    evicted,
                },
                ..tokens(How::Next, &session)
            }
        }
        Created::Refused => Answer::Refused.into(),
        Created::CapReached => Answer::CapReached.into(),
    }
}

fn tokens(how: How, session: &Session) -> Given {
    let text = |secret: &doorward::Secret| String::from_utf8_lossy(secret.expose()).into_owned();
    Given {
        answer: Answer::Tokens {
            how,
            session: seen(session),
        },
        access: session.access_token().map(text),
        refresh: session.refresh_token().map(text),
    }
}

fn seen(session: &Session) -> Seen {
    Seen {
        id: session.id(),
        access_end: session.access_expires_at().as_micros(),
        idle_end: session.idle_expires_at().as_micros(),
        absolute_end: session.absolute_expires_at().as_micros(),
        elevated: session.factors().iter().any(|factor| factor.provider == "totp"),
    }
}

fn factor(provider: &str, class: FactorClass, at: Timestamp) -> Factor {
    Factor {
        provider: provider.into(),
        class,
        channel: String::new(),
        at,
    }
}

fn micros(duration: Micros) -> Duration {
    Duration::from_micros(duration.unsigned_abs())
}
