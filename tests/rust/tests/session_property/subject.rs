//! The real code under test: `Sessions` over the database of a history.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::clock::{Clock as _, CorrectedClock, ManualClock};
use doorward::factor::Factor;
use doorward::plugin::FactorClass;
use doorward::rng::Random;
use doorward::session::{
    AtCap, Created, Lifetimes, NewSession, Refreshed, Session, SessionEnd, SessionSettings, Sessions, StepUp,
    Validated,
};
use doorward::store::{
    Bump, Change, Changed, CreatedUser, EndReason, Ends, NewUser, Post, Store, StoreError, User,
};
use doorward::token::{AccessToken, RefreshToken};
use doorward::{SignInId, Timestamp, UserId};
use doorward_tests::intercept::{Intercept, Intercepted};
use doorward_tests::wait::block_on;

use crate::database::{Database, Fresh, Plant, finish};
use crate::reference::{ABSOLUTE, ACCESS, Answer, GRACE, How, IDLE, Listed, MAX_SIGN_INS, Micros, Seen};

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
    shared: Arc<CorrectedClock>,
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
        let database = Arc::new(Database::new(fresh, plant));
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
        let shared = Arc::new(CorrectedClock::new(clock.clone()));
        let sessions =
            Sessions::new(store, shared.clone(), random, settings).expect("the settings are sound");
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
            addresses: Vec::new(),
            takes: Vec::new(),
            post: Post::default(),
        };
        assert_eq!(
            finish(database.create_user(new)).expect("an empty store"),
            CreatedUser::Created
        );
        Self {
            database,
            sessions,
            clock,
            shared,
        }
    }

    pub(crate) fn set_clock(&self, now: Micros) {
        self.clock.set(Timestamp::from_micros(now));
        self.shared.now();
    }

    /// Sets the wall clock, and somebody looks at it.
    pub(crate) fn step_clock(&self, now: Micros) {
        self.clock.step(Timestamp::from_micros(now));
        self.shared.now();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
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
            token: None,
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: Post::default(),
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

    /// The database, for what happens to it from outside.
    pub(crate) fn database(&self) -> &Database {
        &self.database
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
        via: Vec::new(),
        two_in_one: false,
    }
}

fn micros(duration: Micros) -> Duration {
    Duration::from_micros(duration.unsigned_abs())
}
