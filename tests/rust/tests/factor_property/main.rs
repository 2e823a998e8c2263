//! Random histories of a user's owner and of an actor who reads one mailbox, on the real operations. The model of
//! `tests/model/tests/factor_model` says whom the rules protect; here it is seen that nobody gets past them (A), that
//! nobody who proves all he has is locked out (B), that additions commute (C) and that no account can be prepared for
//! whoever owns its address (P).
//!
//! `make test` looks at as many histories as fit; `FACTOR_HISTORIES` sets another number (`make test-rules`).

#![expect(clippy::panic, reason = "everything in here is a test")]

mod operations;
mod planted;
#[path = "../../../model/tests/factor_model/premises.rs"]
mod premises;
#[path = "../../../model/tests/factor_model/rules.rs"]
#[expect(dead_code, reason = "the model's own test uses the rest")]
mod rules;
#[path = "../../../model/tests/factor_model/steps.rs"]
#[expect(dead_code, reason = "the model's own test uses the rest")]
mod steps;
#[path = "../../../model/tests/factor_model/user.rs"]
#[expect(dead_code, reason = "the model's own test uses the rest")]
mod user;
mod world;

use std::cell::Cell;

use doorward_tests::scratch::Scratch;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use operations::{Deed, Operation, act, deeds};
use premises::{is_protected, is_told};
use rules::Rules;
use user::{ACTOR, BOTH, PIN, SECONDS, TOTP, User, X, Y};
use world::{Came, Party, World};

/// Histories of each property in `make test`.
const ON_MEMORY: u32 = 40;
const ON_SQLITE: u32 = 10;
/// The database that stands for the store with a bug.
const PLANTED: &str = "planted";
const SEED: [u8; 32] = *b"doorward factor property, seed 1";

/// Where the users of a history live; the folder goes with it.
#[derive(Clone, Copy, Debug)]
enum Engine {
    Memory,
    /// In memory, with a bug.
    Planted,
    Sqlite,
}

impl Engine {
    fn database(self, folder: &Scratch) -> String {
        match self {
            Self::Memory => "memory:".into(),
            Self::Planted => PLANTED.into(),
            Self::Sqlite => format!("sqlite:{}", folder.path().join("doorward.db").display()),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how long the suite runs is its caller's choice"
    )]
    fn histories(self) -> u32 {
        let asked = std::env::var("FACTOR_HISTORIES")
            .ok()
            .and_then(|number| number.parse().ok());
        asked.unwrap_or(match self {
            Self::Memory | Self::Planted => ON_MEMORY,
            Self::Sqlite => ON_SQLITE,
        })
    }
}

fn policies() -> impl Strategy<Value = Rules> {
    let seconds = prop_oneof![
        Just(SECONDS),
        Just(SECONDS | TOTP),
        Just(TOTP | PIN),
        Just(SECONDS | PIN),
        Just(TOTP),
    ];
    (seconds, any::<bool>()).prop_map(|(second, require)| Rules {
        second,
        require,
        verified: true,
        fault: None,
    })
}

/// Runs histories; panics with the shortest one in which the property does not hold.
fn search(engine: Engine, judge: impl Fn(Rules, Engine, bool, &[Deed]) -> Result<bool, String>) {
    let config = Config {
        cases: engine.histories(),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let judged = Cell::new(0_u32);
    let strategy = (policies(), any::<bool>(), deeds());
    let found = TestRunner::new_with_rng(config, rng).run(&strategy, |(rules, side, deeds)| {
        let came = judge(rules, engine, side, &deeds).map_err(TestCaseError::fail)?;
        judged.set(judged.get() + u32::from(came));
        Ok(())
    });
    match found {
        Ok(()) => assert!(
            judged.get() > engine.histories() / 20,
            "only {} came to the point",
            judged.get()
        ),
        Err(TestError::Abort(why)) => panic!("aborted: {why}"),
        Err(TestError::Fail(why, (rules, side, deeds))) => panic!("{why}\n{rules:?} {side}\n{deeds:#?}"),
    }
}

const OWNER_OF_ALL: Party = Party::owner(BOTH);
const READER_OF_X: Party = Party::actor(X);

/// A and B: whether there was anybody to protect.
fn kept_out(rules: Rules, engine: Engine, side: bool, deeds: &[Deed]) -> Result<bool, String> {
    let folder = Scratch::new();
    let Some(mut world) = World::new(rules, &engine.database(&folder), OWNER_OF_ALL, usize::from(side))
    else {
        return Ok(false);
    };
    let mut protected = false;
    for (by_owner, what) in deeds {
        let before = world.state();
        let by = if *by_owner { OWNER_OF_ALL } else { READER_OF_X };
        act(&mut world, by, *what);
        let after = world.state();
        if !by_owner && is_protected(rules, &before) && !is_protected(rules, &after) {
            return Err(format!(
                "A: the actor's {what:?} takes the protection away\n{before:?}\n{after:?}"
            ));
        }
        if is_protected(rules, &after) {
            protected = true;
            if !matches!(world.enter(READER_OF_X), Came::Out) {
                return Err(format!("A: after {what:?} the actor gets in\n{after:?}"));
            }
        }
    }
    let state = world.state();
    let planted = (state.totp | state.pin | state.password) & ACTOR != 0;
    if planted || !rules.sides_part(&state) || is_told(rules, &state) || gets_in(&mut world) {
        return Ok(protected);
    }
    Err(format!("B: the owner is locked out\n{state:?}"))
}

/// The owner gets in, now or after recovering.
fn gets_in(world: &mut World) -> bool {
    let is_in = |world: &mut World| !matches!(world.enter(OWNER_OF_ALL), Came::Out);
    is_in(world)
        || (0..2).any(|at| {
            let recovered = ["email", "mail"]
                .iter()
                .any(|name| world.recover(OWNER_OF_ALL, name, "email", at));
            recovered && is_in(world)
        })
}

/// P: the actor, who reads Y, makes an account at X and does anything; then it is its victim's, or stays the actor's.
fn not_prepared(rules: Rules, engine: Engine, click: bool, deeds: &[Deed]) -> Result<bool, String> {
    let folder = Scratch::new();
    let (actor, victim) = (Party::actor(Y), Party::owner(X));
    let Some(mut world) = World::new(rules, &engine.database(&folder), actor, 0) else {
        return Ok(false);
    };
    for (clicked, what) in deeds {
        // Between any two of them the victim may follow a link that somebody had sent.
        if *clicked && click {
            world.click(victim, 0, None);
        }
        act(&mut world, actor, *what);
    }
    if !world.recover(victim, "email", "email", 0) {
        return Ok(false);
    }
    let taken = world.state();
    if matches!(world.enter(victim), Came::Out) {
        return Err(format!("P: the victim has recovered and is not in\n{taken:?}"));
    }
    for then in [
        Operation::SignIn,
        Operation::Click(0),
        Operation::Click(1),
        Operation::Recover("email", "email", 1),
        Operation::Recover("mail", "email", 1),
        Operation::Recover("code", "email", 1),
        Operation::Recover("code", "pin", 1),
    ] {
        act(&mut world, actor, then);
        if !matches!(world.enter(actor), Came::Out) {
            return Err(format!(
                "P: after the victim's recovery and {then:?} the actor is in\n{taken:?}"
            ));
        }
    }
    Ok(true)
}

/// C: the last two additions of the owner's, in both orders.
fn commute(rules: Rules, engine: Engine, side: bool, deeds: &[Deed]) -> Result<bool, String> {
    let (additions, before): (Vec<&Deed>, Vec<&Deed>) =
        deeds.iter().partition(|(_, what)| what.is_addition());
    let [.., (_, one), (_, other)] = additions[..] else {
        return Ok(false);
    };
    let after = |order: [Operation; 2]| -> Option<(User, [bool; 2])> {
        let folder = Scratch::new();
        let mut world = World::new(rules, &engine.database(&folder), OWNER_OF_ALL, usize::from(side))?;
        for (by_owner, what) in additions[..additions.len() - 2].iter().chain(&before) {
            if *by_owner {
                act(&mut world, OWNER_OF_ALL, *what);
            }
        }
        let done = order.map(|what| act(&mut world, OWNER_OF_ALL, what));
        Some((world.state(), done))
    };
    let (Some((ab, first)), Some((ba, second))) = (after([*one, *other]), after([*other, *one])) else {
        return Ok(false);
    };
    let all_done = first == [true; 2] && second == [true; 2];
    // What is refused in one order waits for the other: a second factor for the proof of each address, an address that
    // is on one side for the other side to be free.
    if all_done && ab != ba {
        return Err(format!("C: {one:?} and {other:?}\n{ab:?}\n{ba:?}"));
    }
    Ok(all_done)
}

#[test]
fn a_mailbox_opens_nothing_and_the_owner_gets_in_on_memory() {
    search(Engine::Memory, kept_out);
}

#[test]
fn a_mailbox_opens_nothing_and_the_owner_gets_in_on_sqlite() {
    search(Engine::Sqlite, kept_out);
}

#[test]
fn no_account_is_prepared_on_memory() {
    search(Engine::Memory, not_prepared);
}

#[test]
fn no_account_is_prepared_on_sqlite() {
    search(Engine::Sqlite, not_prepared);
}

#[test]
fn additions_commute_on_memory() {
    search(Engine::Memory, commute);
}

#[test]
fn additions_commute_on_sqlite() {
    search(Engine::Sqlite, commute);
}

/// The owner proves X and has codes at Y; the reader of X recovers: asked for the code still, or not any more.
#[test]
fn a_recovery_that_takes_second_factors_is_noticed() {
    let rules = Rules {
        second: SECONDS,
        require: false,
        verified: true,
        fault: None,
    };
    let deeds = [
        (true, Operation::Prove(0)),
        (true, Operation::Link("code", 1)),
        (false, Operation::Recover("email", "email", 0)),
    ];
    assert_eq!(kept_out(rules, Engine::Memory, false, &deeds), Ok(true));
    let noticed = kept_out(rules, Engine::Planted, false, &deeds);
    assert!(noticed.is_err_and(|why| why.starts_with("A: ")));
}
