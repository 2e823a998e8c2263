//! Random histories of a user's owner and of an actor who reads one mailbox, on the real operations. The model of
//! `tests/model/tests/factor_model` says whom the rules protect; here it is seen that nobody gets past them (A), that
//! nobody who proves all he has is locked out (B), that additions commute (C) and that no account can be prepared for
//! whoever owns its address (P).
//!
//! `make test` looks at ten thousand histories in memory and at a thousand on SQLite; `FACTOR_HISTORIES` sets another number
//! for both (`make test-rules`).

#![expect(clippy::panic, reason = "everything in here is a test")]

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

use operations::{Deed, Operation, act, deeds};
use premises::{is_protected, is_told};
use rules::Rules;
use user::{ACTOR, BOTH, ISSUER, PASSKEY, PIN, SECONDS, TOTP, User, X, Y};
use world::{Came, Party, Stage, World};

/// Histories in `make test`, of all properties together.
const ON_MEMORY: u32 = 10_000;
const ON_SQLITE: u32 = 1_000;
/// The tenths of them that are A's and B's, P's, and C's, of which each is two.
const KEPT_OUT: u32 = 4;
const PREPARED: u32 = 4;
const COMMUTE: u32 = 2;
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
    fn histories(self, tenths: u32) -> u32 {
        let asked = std::env::var("FACTOR_HISTORIES")
            .ok()
            .and_then(|number| number.parse().ok());
        let all: u32 = asked.unwrap_or(match self {
            Self::Memory | Self::Planted(_) => ON_MEMORY,
            Self::Sqlite => ON_SQLITE,
        });
        (all / 10 * tenths).max(1)
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
fn search(engine: Engine, tenths: u32, judge: impl Fn(&Stage, bool, &[Deed]) -> Result<bool, String>) {
    let config = Config {
        cases: engine.histories(tenths),
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
        Ok(()) => assert!(
            judged.get() > engine.histories(tenths) / 20,
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
        // What the owner gives up is given up; what an issuer asserts from now on is the issuer's.
        let given_up = *by_owner && (what.is_removal() || *what == Operation::Link("code", 0));
        let same_issuer = before.issuer == after.issuer;
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
        if *clicked && click {
            world.click_for(actor, victim, 0);
        }
        // What only an owner or an operator does, the actor does not.
        if !matches!(what, Operation::Reset | Operation::Spoil | Operation::Asserts(_)) {
            act(&mut world, actor, *what);
        }
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
    let after = |order: [Operation; 2]| -> ([bool; 2], User, Vec<bool>) {
        let mut world = World::new(stage, OWNER_OF_ALL, usize::from(side));
        for what in &before {
            act(&mut world, OWNER_OF_ALL, *what);
        }
        let done = order.map(|what| act(&mut world, OWNER_OF_ALL, what));
        let end = world.state();
        let opens = ["email", "username", "mail", "code", "passkey", "issuer"]
            .map(|start| !matches!(world.enter_by(OWNER_OF_ALL, Some(start)), Came::Out));
        (done, end, opens.to_vec())
    };
    let (ab, ba) = (after([one, other]), after([other, one]));
    let all_done = ab.0 == [true; 2] && ba.0 == [true; 2];
    if all_done && (ab.1, &ab.2) != (ba.1, &ba.2) {
        return Err(format!("C: {one:?} and {other:?}\n{ab:?}\n{ba:?}"));
    }
    // What is refused in one order is refused for what the other addition is: a second factor waits for the proof of each
    // address, an address serves one side, and who holds a second factor proves it for whatever comes next.
    let excused = |done: &[bool; 2], order: [Operation; 2]| {
        done[0] == done[1] || !done[0] || may_wait(stage.rules, order[0], order[1])
    };
    if !excused(&ab.0, [one, other]) && ba.0 == [true; 2] {
        return Err(format!(
            "C: {other:?} is refused after {one:?} alone\n{ab:?}\n{ba:?}"
        ));
    }
    if !excused(&ba.0, [other, one]) && ab.0 == [true; 2] {
        return Err(format!(
            "C: {one:?} is refused after {other:?} alone\n{ab:?}\n{ba:?}"
        ));
    }
    Ok(all_done)
}

/// True where the second addition may be refused for the first one, and not the other way round.
fn may_wait(rules: Rules, first: Operation, then: Operation) -> bool {
    let second = |what: Operation| {
        let set = match what {
            Operation::Link("code", _) => SECONDS,
            Operation::EnrolApp => TOTP,
            Operation::EnrolPasskey => PASSKEY,
            Operation::LinkIssuer => ISSUER,
            Operation::LinkPin => PIN,
            _ => 0,
        };
        rules.is_second(set)
    };
    // An unproved address before a second factor; a first or second factor that the next sensitive change wants, too.
    matches!(first, Operation::Link("email", _)) && second(then) || second(first) || second(then)
}

#[test]
fn a_mailbox_opens_nothing_and_the_owner_gets_in_on_memory() {
    search(Engine::Memory, KEPT_OUT, kept_out);
}

#[test]
fn a_mailbox_opens_nothing_and_the_owner_gets_in_on_sqlite() {
    search(Engine::Sqlite, KEPT_OUT, kept_out);
}

#[test]
fn no_account_is_prepared_on_memory() {
    search(Engine::Memory, PREPARED, not_prepared);
}

#[test]
fn no_account_is_prepared_on_sqlite() {
    search(Engine::Sqlite, PREPARED, not_prepared);
}

#[test]
fn additions_commute_on_memory() {
    search(Engine::Memory, COMMUTE, commute);
}

#[test]
fn additions_commute_on_sqlite() {
    search(Engine::Sqlite, COMMUTE, commute);
}
