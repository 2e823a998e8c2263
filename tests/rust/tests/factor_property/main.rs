//! Random histories of a user's owner and of an actor who reads one mailbox, on the real operations. The model of
//! `tests/model/tests/factor_model` says whom the rules protect; here it is seen that nobody gets past them (A), that
//! nobody who proves all he has is locked out (B), that additions commute (C) and that no account can be prepared for
//! whoever owns its address (P).
//!
//! In between, both keep what they had and use it later: flows, proofs, sessions, tokens, claims, each in its time only.
//!
//! `make test` looks for each property at ten thousand histories in memory and at a thousand on SQLite; `FACTOR_HISTORIES`
//! sets another number for both (`make test-rules`). How the model's faults are planted: `planted.rs`.

#![expect(clippy::panic, reason = "everything in here is a test")]

mod held;
mod operations;
#[cfg_attr(
    not(debug_assertions),
    expect(dead_code, reason = "nothing is planted in release builds")
)]
mod planted;
#[path = "../../../model/tests/factor_model/premises.rs"]
mod premises;
#[path = "../../../model/tests/factor_model/rules.rs"]
#[expect(dead_code, reason = "the model's own test uses the rest")]
mod rules;
mod stage;
#[path = "../../../model/tests/factor_model/steps.rs"]
#[expect(dead_code, reason = "the model's own test uses the rest")]
mod steps;
#[path = "../../../model/tests/factor_model/user.rs"]
mod user;
mod world;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use held::{Kind, Seen};
use operations::{Deed, Operation, act, deeds};
use premises::{is_protected, is_told};
use rules::Rules;
use stage::Stage;
use user::{ACTOR, BOTH, ISSUER, PASSKEY, PIN, SECONDS, TOTP, User, X, Y};
use world::{Came, Party, World};

/// Histories in `make test`, of each property; A and B are looked at in the same.
const ON_MEMORY: u32 = 10_000;
const ON_SQLITE: u32 = 1_000;
const SEED: [u8; 32] = *b"doorward factor property, seed 1";

/// Where the users of a history live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Memory,
    /// In memory, with this rule broken.
    Planted(&'static str),
    Sqlite,
}

impl Engine {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the suite runs is its caller's choice"
    )]
    fn histories(self) -> u32 {
        let asked = std::env::var("FACTOR_HISTORIES")
            .ok()
            .and_then(|number| number.parse().ok());
        asked.unwrap_or(match self {
            Self::Memory | Self::Planted(_) => ON_MEMORY,
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
        Just(TOTP | PASSKEY),
        Just(TOTP),
        Just(TOTP | ISSUER),
    ];
    (seconds, any::<bool>(), any::<bool>()).prop_map(|(second, require, verified)| Rules {
        second,
        // The model's issuer proves knowledge, and the test's possession: it matters where classes are required.
        require: require && second & ISSUER == 0,
        verified,
        fault: None,
    })
}

/// Runs histories; panics with the shortest one in which the property does not hold. Each policy has one context, in
/// which the users of its histories come and go.
fn search(engine: Engine, judge: impl Fn(&Stage, bool, &[Deed]) -> Result<bool, String>) {
    let config = Config {
        cases: engine.histories(),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let judged = Cell::new(0_u32);
    let stages: RefCell<HashMap<_, Option<Rc<Stage>>>> = RefCell::default();
    let strategy = (policies(), any::<bool>(), deeds());
    let found = TestRunner::new_with_rng(config, rng).run(&strategy, |(rules, side, deeds)| {
        let key = (rules.second, rules.require, rules.verified);
        let mut stages = stages.borrow_mut();
        let stage = stages
            .entry(key)
            .or_insert_with(|| Stage::new(rules, engine).map(Rc::new))
            .clone();
        drop(stages);
        let Some(stage) = stage else { return Ok(()) };
        let came = judge(&stage, side, &deeds).map_err(TestCaseError::fail)?;
        judged.set(judged.get() + u32::from(came));
        Ok(())
    });
    match found {
        Ok(()) => {
            let enough = engine.histories() / 20;
            assert!(judged.get() > enough, "only {} came to the point", judged.get());
            let seen = |of: fn(&Seen) -> u32| -> u32 {
                let stages = stages.borrow();
                stages.values().flatten().map(|stage| of(&stage.seen)).sum()
            };
            let (in_time, late) = (seen(Seen::in_time), seen(Seen::late));
            println!(
                "{} came to the point; {in_time} uses in time, {late} late",
                judged.get()
            );
            assert!(
                in_time > enough && late > enough / 5,
                "{in_time} in time, {late} late"
            );
        }
        Err(TestError::Abort(why)) => panic!("aborted: {why}"),
        Err(TestError::Fail(why, (rules, side, deeds))) => panic!("{why}\n{rules:?} {side}\n{deeds:#?}"),
    }
}

const OWNER_OF_ALL: Party = Party::owner(BOTH);
const READER_OF_X: Party = Party::actor(X);

/// A and B: whether there was anybody to protect.
fn kept_out(stage: &Stage, side: bool, deeds: &[Deed]) -> Result<bool, String> {
    kept_out_of(stage, OWNER_OF_ALL, side, deeds)
}

/// The same in an account that this party made.
fn kept_out_of(stage: &Stage, maker: Party, side: bool, deeds: &[Deed]) -> Result<bool, String> {
    let rules = stage.rules;
    let mut world = World::new(stage, maker, usize::from(side));
    let mut protected = false;
    let mut after = world.state();
    for (by_owner, what) in deeds {
        let before = after;
        let by = if *by_owner { OWNER_OF_ALL } else { READER_OF_X };
        act(&mut world, by, *what);
        after = world.state();
        in_time(&world)?;
        // What the owner gives up is given up; what an issuer asserts from now on is the issuer's.
        let given_up = *by_owner && (what.is_removal() || *what == Operation::Link("code", 0));
        let same_issuer = before.issuer == after.issuer;
        if !same_issuer {
            world.forget(READER_OF_X);
        }
        if is_protected(rules, &before) && !is_protected(rules, &after) && !given_up && same_issuer {
            let who = if *by_owner { "owner" } else { "actor" };
            return Err(format!(
                "A: the {who}'s {what:?} takes the protection away\n{before:?}\n{after:?}"
            ));
        }
        // Where nothing has changed, nothing has opened.
        if is_protected(rules, &after) {
            let looked_at = protected && after == before;
            protected = true;
            if !looked_at && !matches!(world.enter(READER_OF_X), Came::Out) {
                return Err(format!("A: after {what:?} the actor gets in\n{after:?}"));
            }
            if let (false, Some(kept)) = (looked_at, world.opens_with(READER_OF_X)) {
                return Err(format!("A: after {what:?} the actor is in by {kept}\n{after:?}"));
            }
        }
    }
    let planted = (after.totp | after.pin | after.password | after.passkey) & ACTOR != 0;
    // What is held is not enrolled anew, dead or not: where it is required beside two of one class, an operator helps.
    let resets = rules.require && after.dead;
    if planted || resets || !rules.sides_part(&after) || is_told(rules, &after) || gets_in(&mut world) {
        return Ok(protected);
    }
    Err(format!("B: the owner is locked out\n{after:?}"))
}

/// Nothing was good when its time was over.
fn in_time(world: &World<'_>) -> Result<(), String> {
    world
        .late
        .as_ref()
        .map_or(Ok(()), |late| Err(format!("late: {late}")))
}

/// The owner gets in, now or after recovering.
fn gets_in(world: &mut World<'_>) -> bool {
    let is_in = |world: &mut World<'_>| !matches!(world.enter(OWNER_OF_ALL), Came::Out);
    is_in(world)
        || (0..2).any(|at| {
            let recovered = ["email", "mail"]
                .iter()
                .any(|name| world.recover(OWNER_OF_ALL, name, "email", at));
            recovered && is_in(world)
        })
}

/// P: the actor, who reads Y, makes an account at X and does anything; then it is its victim's, or stays the actor's.
fn not_prepared(stage: &Stage, click: bool, deeds: &[Deed]) -> Result<bool, String> {
    let (actor, victim) = (Party::actor(Y), Party::owner(X));
    let mut world = World::new(stage, actor, 0);
    for (clicked, what) in deeds {
        // Between any two of them the victim may follow a link that somebody had sent.
        // One that counts without a session hands the account over (`first_proof`).
        if *clicked && click && world.click_for(actor, victim, 0) {
            let by = match world.enter(actor) {
                Came::Out => world.opens_with(actor),
                _ => Some("what is proved"),
            };
            if let Some(by) = by {
                return Err(format!("P: the victim has clicked and the actor is in by {by}"));
            }
        }
        // What only an owner or an operator does, the actor does not.
        if !matches!(what, Operation::Reset | Operation::Spoil | Operation::Asserts(_)) {
            act(&mut world, actor, *what);
            in_time(&world)?;
        }
    }
    if !world.recover(victim, "email", "email", 0) {
        return Ok(false);
    }
    let taken = world.state();
    if matches!(world.enter(victim), Came::Out) {
        return Err(format!("P: the victim has recovered and is not in\n{taken:?}"));
    }
    let stays_out = |world: &mut World<'_>, then: Option<Operation>| {
        let by = match world.enter(actor) {
            Came::Out => world.opens_with(actor),
            _ => Some("what is proved"),
        };
        by.map_or(Ok(()), |by| {
            Err(format!(
                "P: after the victim's recovery and {then:?} the actor is in by {by}\n{taken:?}"
            ))
        })
    };
    stays_out(&mut world, None)?;
    for then in [
        Operation::Click(0),
        Operation::Click(1),
        Operation::Recover("email", "email", 1),
        Operation::Recover("mail", "email", 1),
        Operation::Recover("code", "email", 1),
        Operation::Recover("code", "pin", 1),
        Operation::Use(Kind::Claim),
        Operation::Use(Kind::Recovery),
        Operation::Use(Kind::Verification),
    ] {
        // What was refused has changed nothing.
        if act(&mut world, actor, then) {
            stays_out(&mut world, Some(then))?;
        }
        in_time(&world)?;
    }
    Ok(true)
}

/// What is done before the two additions of C at most: each is done twice.
const MOST_BEFORE: usize = 8;

/// C: two additions of the owner's, the last of all, in both orders: who is there afterwards, and who gets in by what.
fn commute(stage: &Stage, side: bool, deeds: &[Deed]) -> Result<bool, String> {
    let additions: Vec<Operation> = deeds
        .iter()
        .map(|(_, what)| *what)
        .filter(|what| what.is_addition())
        .collect();
    let [.., one, other] = additions[..] else {
        return Ok(false);
    };
    let before: Vec<Operation> = deeds
        .iter()
        .map(|(_, what)| *what)
        .filter(|what| ![one, other].contains(what))
        .take(MOST_BEFORE)
        .collect();
    let after = |order: [Operation; 2]| {
        let mut world = World::new(stage, OWNER_OF_ALL, usize::from(side));
        for what in &before {
            act(&mut world, OWNER_OF_ALL, *what);
        }
        let done = order.map(|what| act(&mut world, OWNER_OF_ALL, what));
        (done, world)
    };
    let opens = |world: &mut World<'_>| -> (User, [bool; 6]) {
        let starts = ["email", "username", "mail", "code", "passkey", "issuer"];
        let end = world.state();
        (
            end,
            starts.map(|start| !matches!(world.enter_by(OWNER_OF_ALL, Some(start)), Came::Out)),
        )
    };
    let (mut ab, mut ba) = (after([one, other]), after([other, one]));
    let all_done = ab.0 == [true; 2] && ba.0 == [true; 2];
    if all_done {
        let (ab, ba) = (opens(&mut ab.1), opens(&mut ba.1));
        if ab != ba {
            return Err(format!("C: {one:?} and {other:?}\n{ab:?}\n{ba:?}"));
        }
    }
    let (ab, ba) = (ab.0, ba.0);
    let excused = |done: &[bool; 2], order: [Operation; 2]| {
        done[0] == done[1] || !done[0] || may_wait(stage.rules, order[0], order[1])
    };
    if !excused(&ab, [one, other]) && ba == [true; 2] {
        return Err(format!(
            "C: {other:?} is refused after {one:?} alone\n{ab:?}\n{ba:?}"
        ));
    }
    if !excused(&ba, [other, one]) && ab == [true; 2] {
        return Err(format!(
            "C: {one:?} is refused after {other:?} alone\n{ab:?}\n{ba:?}"
        ));
    }
    Ok(all_done)
}

/// True where the second addition may be refused for the first one, and not the other way round: a second factor waits
/// until each address is proved. It is the one excuse that the model has.
fn may_wait(rules: Rules, first: Operation, then: Operation) -> bool {
    let second = |what: Operation| {
        let set = match what {
            Operation::Link("code", _) => SECONDS,
            Operation::EnrollApp => TOTP,
            Operation::EnrollPasskey => PASSKEY,
            Operation::LinkIssuer => ISSUER,
            Operation::LinkPin => PIN,
            _ => 0,
        };
        rules.is_second(set)
    };
    matches!(first, Operation::Link("email", _)) && second(then)
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
