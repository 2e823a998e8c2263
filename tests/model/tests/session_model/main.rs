//! The session protocol of `docs/sessions.md` as a model, searched exhaustively: two tabs that share a cookie jar, a
//! thief, two server processes, replies lost for any time, a step-up, ends, a crash, a rollback of the database.
//!
//! Every order of reads, writes, answers and ticks is tried within a scene's budget. The assumptions about the world:
//! a request is answered, or its reply lost, before it is as old as the grace (configuration that breaks this is
//! refused at start), and a queued first acceptance is written or lost within the grace. Left out because the client
//! may refresh at any moment anyway: the access token's own end. The machine of the run stays small: each scene is
//! bounded by its budget, and all by [`STATES`].

mod protocol;
mod server;
mod steps;
mod world;

use stateright::{Checker, HasDiscoveries, Model, Path, Property};

use world::{Budget, Violation, World};

/// No search generates more states than this, duplicates included: below half a gigabyte.
const STATES: usize = 30_000_000;

/// A budget of happenings and, for the tests of the tests, one planted bug.
#[derive(Clone, Copy)]
struct Scene {
    budget: Budget,
    bug: Option<Bug>,
}

/// What an implementation could get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// An end is marked but not looked at, and hashes stay.
    AcceptAfterEnd,
    /// A lost reply is answered with a new random successor instead of the derived one.
    FreshSuccessor,
    /// The loser of a race gets cleared cookies.
    LoserClearsCookies,
    /// The exchange updates by id alone.
    NoCompareAndSwap,
    /// The previous refresh token is a replay at once.
    NoGrace,
    /// Signing out with a step-up that was never used leaves what it replaces.
    PendingEndsAlone,
    /// A replayed token is refused and nothing ends.
    ReuseIgnored,
    /// The step-up adds its factor to the sign-in that exists.
    StepUpElevatesOld,
    /// The step-up is inserted without asking whether what it replaces has ended.
    StepUpOutlivesEnd,
}

const ONE_SUCCESSOR: &str = "one successor per generation";
const NOTHING_AFTER_END: &str = "nothing is accepted after an acknowledged end";
const HONEST_STAYS: &str = "an honest client is signed out only by theft, cap, end or rollback";
const NO_ELEVATION: &str = "no token of a sign-in gains the factors of its step-up";
const REPLAY_ENDS: &str = "thief and owner who use their tokens a grace apart end the sign-in";

const INVARIANTS: [&str; 5] = [
    ONE_SUCCESSOR,
    NOTHING_AFTER_END,
    HONEST_STAYS,
    NO_ELEVATION,
    REPLAY_ENDS,
];

fn properties() -> Vec<Property<Scene>> {
    fn holds(world: &World, violation: Violation) -> bool {
        world.history.violated != Some(violation)
    }
    vec![
        Property::always(ONE_SUCCESSOR, |_, world: &World| {
            holds(world, Violation::TwoSuccessors)
        }),
        Property::always(NOTHING_AFTER_END, |_, world: &World| {
            holds(world, Violation::AcceptedAfterEnd)
        }),
        Property::always(HONEST_STAYS, |_, world: &World| {
            holds(world, Violation::HonestSignedOut)
        }),
        Property::always(NO_ELEVATION, |_, world: &World| holds(world, Violation::Elevated)),
        Property::always(REPLAY_ENDS, |_, world: &World| {
            holds(world, Violation::ReplayUnnoticed)
        }),
        Property::sometimes(HEALED, |_, world: &World| world.history.seen.lost_reply_healed),
        Property::sometimes(STEPPED_UP, |_, world: &World| world.history.seen.step_up_used),
        Property::sometimes(REUSE_FOUND, |_, world: &World| {
            ended_by(world, protocol::EndReason::TokenReuse)
        }),
        Property::sometimes(FORK_FOUND, |_, world: &World| {
            ended_by(world, protocol::EndReason::RollbackDetected)
        }),
        Property::sometimes(OVERWRITTEN, |_, world: &World| world.history.step_up_overwritten),
    ]
}

// What a scene must reach, or its silence proves nothing.
const HEALED: &str = "a lost reply is given again";
const STEPPED_UP: &str = "a step-up is used";
const REUSE_FOUND: &str = "a replay ends the sign-in";
const FORK_FOUND: &str = "a rollback is detected";
const OVERWRITTEN: &str = "a late reply writes over the step-up's cookies";

fn ended_by(world: &World, reason: protocol::EndReason) -> bool {
    world.rows.iter().flatten().any(|row| row.ended == Some(reason))
}

/// Searches the scene; everything that it must reach is reached and no invariant breaks.
fn holds(name: &str, budget: Budget, states: usize, reached: &[&'static str]) -> bool {
    let checker = search(Scene { budget, bug: None }, states);
    println!(
        "{name}: {} unique states of {} generated, depth {}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth()
    );
    for violation in INVARIANTS {
        let path = checker.discovery(violation).map(Path::into_actions);
        assert!(path.is_none(), "{name}: broken: {violation}\n{path:?}");
    }
    for claim in reached {
        assert!(
            checker.discovery(claim).is_some(),
            "{name}: never reached: {claim}"
        );
    }
    checker.state_count() < states
}

/// The same, and the whole scene was searched.
fn always_holds(name: &str, budget: Budget, reached: &[&'static str]) {
    assert!(
        holds(name, budget, STATES, reached),
        "{name}: not searched to the end; lower its budget"
    );
}

/// The planted bug breaks this invariant.
fn breaks(bug: Bug, invariant: &'static str, budget: Budget) {
    let checker = search(
        Scene {
            budget,
            bug: Some(bug),
        },
        STATES,
    );
    let path = checker.discovery(invariant).map(Path::into_actions);
    println!("{bug:?}: {} states, then {path:?}", checker.unique_state_count());
    assert!(path.is_some(), "{bug:?} was not found");
}

fn search(scene: Scene, states: usize) -> impl Checker<Scene> {
    scene
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .target_state_count(states)
        .spawn_bfs()
        .join()
}

/// Two tabs, two servers, lost replies: what every scene has.
const TABS: Budget = Budget {
    exchanges: 2,
    thefts: 0,
    step_ups: 0,
    ends: 0,
    crashes: 0,
    rollbacks: 0,
    faults: 0,
};

#[test]
fn honest_tabs_survive_lost_replies_a_crash_and_a_database_that_fails() {
    let budget = Budget {
        exchanges: 4,
        crashes: 1,
        faults: 2,
        ..TABS
    };
    always_holds("honest", budget, &[HEALED]);
}

#[test]
fn a_thief_is_found_out() {
    let budget = Budget { thefts: 1, ..TABS };
    always_holds("theft", budget, &[HEALED, REUSE_FOUND]);
}

#[test]
fn a_step_up_gives_nothing_to_the_old_tokens_and_ends_with_them() {
    let budget = Budget {
        exchanges: 1,
        step_ups: 1,
        ends: 1,
        crashes: 1,
        ..TABS
    };
    always_holds("step-up", budget, &[STEPPED_UP, OVERWRITTEN]);
}

#[test]
fn a_thief_gains_nothing_from_the_owners_step_up() {
    let budget = Budget {
        exchanges: 0,
        thefts: 1,
        step_ups: 1,
        ends: 1,
        ..TABS
    };
    always_holds("step-up under theft", budget, &[STEPPED_UP]);
}

#[test]
fn a_rollback_of_the_database_is_detected() {
    let budget = Budget {
        exchanges: 3,
        rollbacks: 1,
        ..TABS
    };
    always_holds("rollback", budget, &[FORK_FOUND]);
}

#[test]
fn nothing_breaks_where_all_of_it_happens_at_once() {
    let budget = Budget {
        exchanges: 3,
        thefts: 1,
        step_ups: 1,
        ends: 1,
        crashes: 1,
        rollbacks: 1,
        faults: 1,
    };
    // Too much to search to the end: the shortest histories first, up to a bound.
    holds("everything", budget, 10_000_000, &[STEPPED_UP]);
}

#[test]
fn finds_an_exchange_without_compare_and_swap() {
    breaks(Bug::NoCompareAndSwap, ONE_SUCCESSOR, TABS);
}

#[test]
fn finds_a_missing_grace() {
    breaks(Bug::NoGrace, HONEST_STAYS, TABS);
}

#[test]
fn finds_ignored_reuse() {
    breaks(Bug::ReuseIgnored, REPLAY_ENDS, Budget { thefts: 1, ..TABS });
}

#[test]
fn finds_a_fresh_random_successor() {
    breaks(Bug::FreshSuccessor, ONE_SUCCESSOR, TABS);
}

#[test]
fn finds_acceptance_after_an_end() {
    breaks(Bug::AcceptAfterEnd, NOTHING_AFTER_END, Budget { ends: 1, ..TABS });
}

#[test]
fn finds_a_step_up_that_elevates_the_old_token() {
    breaks(
        Bug::StepUpElevatesOld,
        NO_ELEVATION,
        Budget {
            step_ups: 1,
            ends: 1,
            ..TABS
        },
    );
}

#[test]
fn finds_a_loser_whose_cookies_are_cleared() {
    breaks(Bug::LoserClearsCookies, HONEST_STAYS, TABS);
}

#[test]
fn finds_a_step_up_that_outlives_the_end_of_the_old() {
    breaks(
        Bug::StepUpOutlivesEnd,
        NOTHING_AFTER_END,
        Budget {
            step_ups: 1,
            ends: 1,
            ..TABS
        },
    );
}

#[test]
fn finds_an_old_sign_in_that_outlives_the_end_of_its_step_up() {
    breaks(
        Bug::PendingEndsAlone,
        NOTHING_AFTER_END,
        Budget {
            step_ups: 1,
            ends: 1,
            ..TABS
        },
    );
}
