//! One database, one user, a clock that stands still, and shorthands for what clients do.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use doorward::clock::{Clock, CorrectedClock, ManualClock};
use doorward::factor::Factor;
use doorward::plugin::FactorClass;
use doorward::rng::Random;
use doorward::session::{
    Created, Lifetimes, NewSession, Refreshed, Session, SessionEnd, SessionSettings, Sessions, Standing,
    StepUp, Validated,
};
use doorward::store::memory::MemoryStore;
use doorward::store::{CreatedUser, EndReason, NewUser, Post, SignIn, Store, User};
use doorward::token::{AccessToken, RefreshToken};
use doorward::{Error, SignInId, Timestamp, UserId};
use doorward_tests::intercept::Intercepted;

use crate::faults::Faults;
use crate::planted::Plant;

pub(crate) const MICRO: Duration = Duration::from_micros(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// The last moment before this much time has passed.
pub(crate) fn just_before(time: Duration) -> Duration {
    time.saturating_sub(MICRO)
}

/// Runs a future that never waits: the memory store answers at once.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store never makes anybody wait"),
    }
}

/// Different bytes each time, the same in each run.
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, into: &mut [u8]) -> doorward::Result<()> {
        for byte in into {
            // SplitMix64.
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (z >> 56) as u8;
        }
        Ok(())
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) user: UserId,
    sessions: Arc<Sessions>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Plant::Nothing, |_| {})
    }

    pub(crate) fn with(plant: Plant, change: impl FnOnce(&mut SessionSettings)) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
        let store = Arc::new(MemoryStore::with_clock(clock.clone()));
        let faults = Arc::new(Faults::new(store.clone(), plant));
        let mut settings = SessionSettings::default();
        change(&mut settings);
        let sessions = Sessions::new(
            Arc::new(Intercepted(faults.clone())),
            Arc::new(CorrectedClock::new(clock.clone())),
            Arc::new(Counting(AtomicU64::new(1))),
            settings,
        );
        let user = UserId::from_bytes([1; 16]);
        let world = Self {
            clock,
            store,
            faults,
            user,
            sessions: Arc::new(sessions.unwrap()),
        };
        world.add_user(user, "");
        world
    }

    pub(crate) fn add_user(&self, id: UserId, realm: &str) {
        let user = User {
            id,
            realm: realm.into(),
            attributes: "{}".into(),
            version: 1,
            session_epoch: 0,
            disabled_at: None,
            created_at: self.now(),
            updated_at: self.now(),
        };
        let new = NewUser {
            user,
            unique: Vec::new(),
            identity: None,
            authenticators: Vec::new(),
            addresses: Vec::new(),
            takes: Vec::new(),
            post: Post::default(),
        };
        assert_eq!(ready(self.store.create_user(new)).unwrap(), CreatedUser::Created);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn wait(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// The wall clock is set ahead; no time passes.
    pub(crate) fn step(&self, by: Duration) {
        if self.faults.plant == Plant::StepUnnoticed {
            self.clock.advance(by);
        } else {
            self.clock.step(self.now().plus(by));
        }
    }

    pub(crate) fn new_session(&self) -> NewSession {
        NewSession {
            user_id: self.user,
            epoch: 0,
            factors: vec![self.factor("email", FactorClass::Knowledge)],
            attributes: r#"{"theme":"dark"}"#.into(),
            lifetimes: Lifetimes::default(),
            agent: "Firefox".into(),
            address: "192.0.2.1".into(),
            ends: None,
        }
    }

    pub(crate) fn factor(&self, provider: &str, class: FactorClass) -> Factor {
        Factor {
            provider: provider.into(),
            class,
            channel: String::new(),
            at: self.now(),
            via: Vec::new(),
            two_in_one: false,
        }
    }

    pub(crate) fn create(&self, new: NewSession) -> Result<Created, Error> {
        ready(self.sessions.create(new, ""))
    }

    pub(crate) fn sign_in(&self) -> Session {
        created(self.create(self.new_session()))
    }

    pub(crate) fn totp(&self) -> StepUp {
        StepUp {
            epoch: 0,
            factors: vec![self.factor("totp", FactorClass::Possession)],
            full: false,
            agent: "Firefox".into(),
            address: "192.0.2.9".into(),
        }
    }

    pub(crate) fn try_step_up(&self, old: &Session, proof: StepUp) -> Result<Created, Error> {
        ready(self.sessions.step_up(old, proof))
    }

    pub(crate) fn step_up(&self, old: &Session) -> Session {
        created(self.try_step_up(old, self.totp()))
    }

    pub(crate) fn refresh(&self, token: &[u8]) -> Result<Refreshed, Error> {
        self.refresh_in("", token)
    }

    pub(crate) fn refresh_in(&self, realm: &str, token: &[u8]) -> Result<Refreshed, Error> {
        ready(self.sessions.refresh(&RefreshToken::parse(token).unwrap(), realm))
    }

    pub(crate) fn validate(&self, token: &[u8]) -> Result<Validated, Error> {
        self.validate_in("", token)
    }

    pub(crate) fn validate_in(&self, realm: &str, token: &[u8]) -> Result<Validated, Error> {
        ready(self.sessions.validate(&AccessToken::parse(token).unwrap(), realm))
    }

    pub(crate) fn standing_in(&self, realm: &str, token: &[u8]) -> Standing {
        ready(
            self.sessions
                .standing(&RefreshToken::parse(token).unwrap(), realm),
        )
        .unwrap()
    }

    pub(crate) fn held(&self, token: &[u8]) -> Option<Session> {
        ready(self.sessions.held(&RefreshToken::parse(token).unwrap(), "")).unwrap()
    }

    /// Signs out by whichever kind of token it is.
    pub(crate) fn end(&self, token: &[u8]) -> Result<SessionEnd, Error> {
        self.end_in("", token)
    }

    pub(crate) fn end_in(&self, realm: &str, token: &[u8]) -> Result<SessionEnd, Error> {
        match AccessToken::parse(token) {
            Some(access) => ready(self.sessions.end_by_access(&access, realm)),
            None => ready(
                self.sessions
                    .end_by_refresh(&RefreshToken::parse(token).unwrap(), realm),
            ),
        }
    }

    pub(crate) fn row(&self, id: SignInId) -> SignIn {
        ready(self.store.sign_in(id)).unwrap().unwrap().0
    }

    pub(crate) fn end_reason(&self, id: SignInId) -> Option<EndReason> {
        self.row(id).end_reason
    }

    /// Past the grace of a generation that was used: the next refresh is an exchange.
    pub(crate) fn settle(&self) {
        self.wait(GRACE);
    }

    /// The first session's successor, made after the grace.
    pub(crate) fn next(&self, session: &Session) -> Session {
        match self.refresh(refresh_of(session)) {
            Ok(Refreshed::Next(next)) => next,
            other => panic!("no successor: {other:?}"),
        }
    }

    pub(crate) fn accepts(&self, session: &Session) -> bool {
        matches!(self.validate(access_of(session)).unwrap(), Validated::Accepted(_))
    }
}

pub(crate) fn created(answer: Result<Created, Error>) -> Session {
    match answer {
        Ok(Created::Created { session, .. }) => session,
        other => panic!("no session: {other:?}"),
    }
}

pub(crate) fn access_of(session: &Session) -> &[u8] {
    session.access_token().unwrap().expose()
}

pub(crate) fn refresh_of(session: &Session) -> &[u8] {
    session.refresh_token().unwrap().expose()
}

/// Both tokens' texts.
pub(crate) fn texts(session: &Session) -> (&[u8], &[u8]) {
    (access_of(session), refresh_of(session))
}

/// A token of the same sign-in that we never issued: another family, any generation.
pub(crate) fn forged(session: &Session, generation: u32) -> Vec<u8> {
    struct Zeros;
    impl Random for Zeros {
        fn fill(&self, into: &mut [u8]) -> doorward::Result<()> {
            into.fill(0);
            Ok(())
        }
    }
    let mut token = RefreshToken::first(session.id(), &Zeros).unwrap();
    for _ in 0..generation {
        token = token.successor(&[0; 32]).unwrap();
    }
    token.text().expose().to_vec()
}
