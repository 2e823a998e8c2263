//! Clocks that step: the one that all processes share, a server's own, the database's. Nobody is signed out by it, and a
//! replay is found all the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward::Timestamp;
use doorward::clock::{Clock, CorrectedClock, ManualClock};
use doorward::rng::SystemRandom;
use doorward::session::{NewSession, Refreshed, Session, SessionSettings, Sessions, Validated};
use doorward::store::memory::MemoryStore;
use doorward::store::{EndReason, Reply, Store};
use doorward::token::{AccessToken, RefreshToken};
use doorward_tests::intercept::{Intercept, Intercepted};

use crate::planted::Plant;
use crate::world::{
    DAY, GRACE, HOUR, MICRO, World, access_of, created, just_before, ready, refresh_of, texts,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_step_of_the_shared_clock_signs_nobody_out() {
    signs_nobody_out(&World::new());
}

/// The second tab is slow, or its reply was lost, and the clock is set ahead meanwhile.
pub(crate) fn signs_nobody_out(world: &World) {
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    assert!(world.accepts(&second));
    world.wait(SECOND);
    world.step(HOUR);
    match world.refresh(refresh_of(&first)).unwrap() {
        Refreshed::Repeated(again) => assert_eq!(texts(&again), texts(&second)),
        other => panic!("{other:?}"),
    }
    // The page that still holds the access token before is served as well.
    assert!(world.accepts(&first));
    assert!(world.accepts(&second));
}

#[test]
fn a_step_excuses_the_generation_before_for_one_grace_and_no_older_one() {
    for by in [Duration::from_secs(45), HOUR, 300 * DAY] {
        for (waited, replay) in [(just_before(GRACE), false), (GRACE, true), (GRACE + MICRO, true)] {
            let world = World::with(Plant::Nothing, |settings| {
                (settings.idle_ttl, settings.absolute_ttl) = (900 * DAY, 900 * DAY);
            });
            let first = world.sign_in();
            world.settle();
            let second = world.next(&first);
            assert!(world.accepts(&second));
            world.step(by);
            // It is noticed here.
            assert!(matches!(
                world.validate(access_of(&second)).unwrap(),
                Validated::Accepted(_) | Validated::Expired
            ));
            world.wait(waited);
            match world.refresh(refresh_of(&first)).unwrap() {
                Refreshed::Ended(ended) if replay => assert_eq!(ended.reason, EndReason::TokenReuse),
                Refreshed::Repeated(again) if !replay => assert_eq!(texts(&again), texts(&second)),
                other => panic!("{by:?} {waited:?}: {other:?}"),
            }
        }
    }
    let world = World::new();
    let first = world.sign_in();
    world.settle();
    let second = world.next(&first);
    assert!(world.accepts(&second));
    world.settle();
    let third = world.next(&second);
    assert!(world.accepts(&third));
    world.step(HOUR);
    assert!(matches!(
        world.refresh(refresh_of(&first)).unwrap(),
        Refreshed::Ended(ended) if ended.reason == EndReason::TokenReuse
    ));
}

#[test]
fn a_step_back_signs_nobody_out() {
    for by in [Duration::from_secs(45), HOUR, DAY] {
        let world = World::new();
        let first = world.sign_in();
        world.settle();
        let second = world.next(&first);
        assert!(world.accepts(&second));
        world.clock.set(world.now().minus(by));
        for session in [&first, &second] {
            assert!(world.accepts(session), "{by:?}");
            let refreshed = world.refresh(refresh_of(session)).unwrap();
            assert!(
                matches!(refreshed, Refreshed::Repeated(_) | Refreshed::Current(_)),
                "{by:?}: {refreshed:?}"
            );
        }
    }
}

/// A database with a clock of its own.
struct Database {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    /// It does not say what time it is.
    silent: AtomicBool,
    plant: Plant,
    /// Whose clock a planted bug repeats.
    asks: OnceLock<Arc<CorrectedClock>>,
}

impl Intercept for Database {
    fn inner(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn clock(&self) -> Reply<Timestamp> {
        if self.silent.load(Ordering::SeqCst) {
            return Reply::Now(Err(doorward::store::StoreError::Unavailable("silent".into())));
        }
        match self.asks.get() {
            Some(asks) if self.plant == Plant::ReplayUnmeasured => Reply::Now(Ok(asks.now())),
            _ => Reply::Now(Ok(self.clock.now())),
        }
    }
}

/// A process on it.
struct Process {
    clock: Arc<ManualClock>,
    shared: Arc<CorrectedClock>,
    sessions: Sessions,
    database: Arc<Database>,
}

impl Process {
    /// Started when its wall clock reads this.
    fn start(database: &Arc<Database>, wall: Timestamp) -> Self {
        let clock = Arc::new(ManualClock::new(wall));
        let shared = Arc::new(CorrectedClock::new(clock.clone()));
        let store = Arc::new(Intercepted(database.clone()));
        let random = Arc::new(SystemRandom);
        let sessions = Sessions::new(store, shared.clone(), random, SessionSettings::default()).unwrap();
        let process = Self {
            clock,
            shared,
            sessions,
            database: database.clone(),
        };
        process.measure();
        process
    }

    fn measure(&self) {
        if self.database.plant == Plant::OffsetForgotten {
            return;
        }
        let at = self.shared.boot();
        self.shared.correct(at, self.database.clock.now(), at);
    }

    fn create(&self, new: NewSession) -> Session {
        created(ready(self.sessions.create(new, "")))
    }

    fn refresh(&self, session: &Session) -> doorward::Result<Refreshed> {
        ready(
            self.sessions
                .refresh(&RefreshToken::parse(refresh_of(session)).unwrap(), ""),
        )
    }

    fn next(&self, session: &Session) -> Session {
        match self.refresh(session).unwrap() {
            Refreshed::Next(next) => next,
            other => panic!("{other:?}"),
        }
    }

    fn accepts(&self, session: &Session) -> bool {
        let token = AccessToken::parse(access_of(session)).unwrap();
        matches!(
            ready(self.sessions.validate(&token, "")).unwrap(),
            Validated::Accepted(_)
        )
    }
}

/// Two processes on one database. The first one's wall clock is wrong by an hour, whichever way.
struct Place {
    database: Arc<Database>,
    wrong: Process,
    right: Process,
    new: NewSession,
}

impl Place {
    fn new(ahead: bool) -> Self {
        Self::of(&World::new(), ahead)
    }

    fn of(world: &World, ahead: bool) -> Self {
        let clock = Arc::new(ManualClock::new(world.now()));
        let wall = if ahead {
            world.now().plus(HOUR)
        } else {
            world.now().minus(HOUR)
        };
        let database = Arc::new(Database {
            store: world.store.clone(),
            clock,
            silent: AtomicBool::new(false),
            plant: world.faults.plant,
            asks: OnceLock::new(),
        });
        let wrong = Process::start(&database, wall);
        drop(database.asks.set(wrong.shared.clone()));
        Self {
            wrong,
            right: Process::start(&database, world.now()),
            new: world.new_session(),
            database,
        }
    }

    fn wait(&self, by: Duration) {
        for clock in [&self.database.clock, &self.wrong.clock, &self.right.clock] {
            clock.advance(by);
        }
    }

    /// The first token, and its successor, which was used.
    fn exchanged(&self) -> (Session, Session) {
        let first = self.right.create(self.new.clone());
        self.wait(GRACE);
        let second = self.right.next(&first);
        assert!(self.right.accepts(&second));
        self.wait(SECOND);
        (first, second)
    }
}

#[test]
fn a_servers_wall_clock_may_be_set_at_any_time() {
    for ahead in [true, false] {
        set_at_any_time(&World::new(), ahead);
    }
}

pub(crate) fn set_at_any_time(world: &World, ahead: bool) {
    let place = Place::of(world, ahead);
    let (first, second) = place.exchanged();
    // It is put right, as NTP does after the start, and then set wrong again.
    let right = place.right.clock.now();
    for wall in [right, right.plus(DAY), right.minus(DAY)] {
        place.wrong.clock.step(wall);
        let again = match place.wrong.refresh(&first).unwrap() {
            Refreshed::Repeated(again) => again,
            other => panic!("{other:?}"),
        };
        assert_eq!(texts(&again), texts(&second));
        // A session that it makes ends when one of the other would.
        let made = place.wrong.create(place.new.clone());
        assert_eq!(made.created_at(), place.database.clock.now());
        assert_eq!(
            made.access_expires_at(),
            place.right.create(place.new.clone()).access_expires_at()
        );
    }
    // And a replay is one, on every server, as soon as it is one on any.
    place.wait(GRACE);
    assert!(matches!(
        place.wrong.refresh(&first).unwrap(),
        Refreshed::Ended(ended) if ended.reason == EndReason::TokenReuse
    ));
}

#[test]
fn no_replay_is_judged_before_the_clock_was_measured() {
    measured_before_a_replay(&World::new());
    // A database that does not say is no reason to sign anybody out.
    let error = slept(&World::new(), true).unwrap_err();
    assert_eq!(error.kind(), doorward::ErrorKind::Unavailable);
}

pub(crate) fn measured_before_a_replay(world: &World) {
    let answer = slept(world, false).unwrap();
    assert!(matches!(answer, Refreshed::Repeated(_)), "{answer:?}");
}

/// The machine slept, or the database did: only asking it tells.
fn slept(world: &World, silent: bool) -> doorward::Result<Refreshed> {
    let place = Place::of(world, true);
    let (first, _) = place.exchanged();
    place.wrong.clock.advance(HOUR);
    place.database.silent.store(silent, Ordering::SeqCst);
    place.wrong.refresh(&first)
}

#[test]
fn a_step_of_the_databases_clock_is_a_step_of_the_shared_one() {
    for ahead in [true, false] {
        let place = Place::new(ahead);
        let (first, second) = place.exchanged();
        place.database.clock.step(place.database.clock.now().plus(HOUR));
        for process in [&place.wrong, &place.right] {
            process.measure();
            match process.refresh(&first).unwrap() {
                Refreshed::Repeated(again) => assert_eq!(texts(&again), texts(&second)),
                other => panic!("{other:?}"),
            }
        }
        place.wait(GRACE);
        assert!(matches!(
            place.right.refresh(&first).unwrap(),
            Refreshed::Ended(ended) if ended.reason == EndReason::TokenReuse
        ));
    }
}
