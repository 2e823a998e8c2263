//! The faults of the model, each planted in the real code: one rule broken in a context, and a short history in which that
//! turns a property red. The same history is green where every rule is kept. `cargo test --test factor_property planted`
//! says with `--nocapture` which property saw which.

use doorward::Config;

use crate::operations::{Deed, Operation as Op};
use crate::rules::Rules;
use crate::stage::Stage;
use crate::user::{ISSUER, Methods, PASSKEY, PIN, SECONDS, TOTP, X, Y};
use crate::world::Party;
use crate::{Engine, OWNER_OF_ALL, kept_out_of, not_prepared};

/// Breaks the rule, in builds where that can be done.
#[cfg(debug_assertions)]
pub(crate) fn plant(config: &mut Config, fault: &str) {
    let planted = config.plant(fault).map(|_| ());
    planted.unwrap_or_else(|error| panic!("{error}"));
}

#[cfg(not(debug_assertions))]
pub(crate) fn plant(_: &mut Config, fault: &str) {
    panic!("{fault}: nothing is planted in release builds");
}

/// Which property sees it.
enum Seen {
    /// A or B, in an account that its owner made at X or (true) at Y.
    KeptOut(bool),
    /// The same in an account that the actor made at Y.
    OfActor,
    /// P.
    Prepared,
}

struct Case {
    fault: &'static str,
    second: Methods,
    seen: Seen,
    /// What the finding begins with.
    says: &'static str,
    deeds: &'static [Deed],
}

const fn case(
    fault: &'static str,
    second: Methods,
    seen: Seen,
    says: &'static str,
    deeds: &'static [Deed],
) -> Case {
    Case {
        fault,
        second,
        seen,
        says,
        deeds,
    }
}

const O: bool = true;
const A: bool = false;
/// Recovery of the password over X and over Y.
const OVER_X: Op = Op::Recover("email", "email", 0);

const CASES: [Case; 16] = [
    case(
        "any_of_all",
        SECONDS | TOTP,
        Seen::KeptOut(false),
        "A: ",
        &[
            (O, Op::Prove(0)),
            (O, Op::EnrollApp),
            (O, Op::Inherit(0)),
            (A, OVER_X),
        ],
    ),
    case(
        "both_sides_is_none",
        SECONDS,
        Seen::OfActor,
        "A: ",
        &[(O, Op::Inherit(1))],
    ),
    case(
        "channel_not_address",
        SECONDS,
        Seen::KeptOut(false),
        "B: ",
        &[
            (O, Op::Prove(0)),
            (O, Op::Link("mail", 0)),
            (O, Op::Unlink("email", 0)),
            (O, Op::Link("code", 1)),
        ],
    ),
    case(
        "dead_is_absent",
        TOTP,
        Seen::KeptOut(false),
        "A: ",
        &[(O, Op::Prove(0)), (O, Op::EnrollApp), (O, Op::Spoil), (A, OVER_X)],
    ),
    case(
        "first_keeps",
        TOTP,
        Seen::Prepared,
        "P: ",
        &[(A, Op::EnrollPasskey)],
    ),
    case(
        "multi_anywhere",
        TOTP,
        Seen::KeptOut(false),
        "A: ",
        &[
            (O, Op::Prove(0)),
            (O, Op::Link("mail", 1)),
            (A, OVER_X),
            (A, Op::EnrollPasskey),
            (O, Op::EnrollApp),
        ],
    ),
    case(
        "no_over",
        SECONDS,
        Seen::KeptOut(false),
        "A: ",
        &[
            (O, Op::Prove(0)),
            (O, Op::Link("mail", 1)),
            (A, OVER_X),
            (O, Op::LinkUsername),
            (O, Op::Unlink("email", 0)),
            (O, Op::Unlink("mail", 1)),
            (O, Op::Inherit(1)),
            (O, Op::Inherit(0)),
        ],
    ),
    case(
        "no_sides",
        SECONDS,
        Seen::KeptOut(true),
        "A: the owner's Link",
        &[
            (O, Op::Prove(1)),
            (O, Op::Link("code", 0)),
            (O, Op::Link("email", 0)),
        ],
    ),
    case(
        "recovery_any_group",
        PIN,
        Seen::KeptOut(false),
        "A: the actor's Recover",
        &[
            (O, Op::Prove(0)),
            (O, Op::LinkPin),
            (A, Op::Recover("email", "pin", 0)),
        ],
    ),
    case(
        "recovery_takes_seconds",
        SECONDS,
        Seen::KeptOut(false),
        "A: the actor's Recover",
        &[(O, Op::Prove(0)), (O, Op::Link("code", 1)), (A, OVER_X)],
    ),
    case(
        "same_class_is_nothing",
        TOTP,
        Seen::KeptOut(false),
        "A: ",
        &[(O, Op::Prove(0)), (O, Op::Link("mail", 0)), (O, Op::EnrollApp)],
    ),
    case(
        "seconds_only_next",
        SECONDS,
        Seen::KeptOut(true),
        "A: ",
        &[(O, Op::Prove(1)), (O, Op::Link("code", 0))],
    ),
    case(
        "seconds_recover",
        SECONDS,
        Seen::KeptOut(true),
        "A: the actor's Recover",
        &[
            (O, Op::Prove(1)),
            (O, Op::Link("code", 0)),
            (A, Op::Recover("code", "email", 0)),
        ],
    ),
    case(
        "single_left",
        SECONDS,
        Seen::KeptOut(true),
        "A: the owner's Yield",
        &[
            (O, Op::Prove(1)),
            (O, Op::LinkUsername),
            (O, Op::Link("code", 0)),
            (O, Op::Unlink("email", 1)),
            (O, Op::Link("email", 1)),
            (O, Op::Unlink("username", 0)),
            (O, Op::Yield(1)),
        ],
    ),
    case(
        "unproved_recovers",
        TOTP,
        Seen::Prepared,
        "P: ",
        &[
            (A, Op::LinkUsername),
            (A, Op::Unlink("email", 0)),
            (A, Op::EnrollApp),
            (A, Op::Link("email", 0)),
        ],
    ),
    case(
        "verify_established",
        TOTP,
        Seen::Prepared,
        "P: ",
        &[
            (A, Op::Link("email", 1)),
            (A, Op::Prove(1)),
            // Then the victim follows a link.
            (O, Op::Wait(1)),
        ],
    ),
];

fn stage(second: Methods, engine: Engine) -> Stage {
    let rules = Rules {
        second,
        require: false,
        verified: true,
        fault: None,
    };
    Stage::new(rules, engine).unwrap_or_else(|| panic!("{rules:?} is refused"))
}

fn judge(stage: &Stage, case: &Case) -> Result<bool, String> {
    match case.seen {
        Seen::KeptOut(side) => kept_out_of(stage, OWNER_OF_ALL, side, case.deeds),
        Seen::OfActor => kept_out_of(stage, Party::actor(X), true, case.deeds),
        Seen::Prepared => not_prepared(stage, true, case.deeds),
    }
}

#[test]
#[cfg(debug_assertions)]
fn each_fault_of_the_model_turns_a_property_red_in_the_real_code() {
    let mut missed = Vec::new();
    for case in &CASES {
        let kept = judge(&stage(case.second, Engine::Memory), case);
        if kept.is_err() {
            missed.push(format!("{}: red without the fault: {kept:?}", case.fault));
        }
        let broken = judge(&stage(case.second, Engine::Planted(case.fault)), case);
        if let Err(why) = &broken {
            println!("{}: {}", case.fault, why.lines().next().unwrap_or_default());
        }
        if !broken.as_ref().is_err_and(|why| why.starts_with(case.says)) {
            missed.push(format!("{}: not noticed: {broken:?}", case.fault));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    let names: std::collections::BTreeSet<_> = CASES.iter().map(|case| case.fault).collect();
    assert_eq!(names.len(), 16);
    let _ = (ISSUER, PASSKEY, Y);
}

/// The seventeenth spares the operator and turns no property red: it is the refusal that sees it.
#[test]
#[cfg(debug_assertions)]
fn enrolling_beside_an_unproved_address_is_what_the_fault_allows() {
    use crate::operations::act;
    use crate::world::World;
    for (engine, expected) in [
        (Engine::Memory, false),
        (Engine::Planted("enroll_unproved"), true),
    ] {
        let stage = stage(TOTP, engine);
        let mut world = World::new(&stage, OWNER_OF_ALL, 0);
        assert_eq!(
            act(&mut world, OWNER_OF_ALL, Op::EnrollApp),
            expected,
            "{engine:?}"
        );
    }
}

/// The faults are planted by builds with debug assertions; what is released has none.
#[test]
fn nothing_is_planted_in_what_is_released() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let read = |path: &str| {
        std::fs::read_to_string(format!("{root}{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let manifest = read("Cargo.toml");
    assert!(!manifest.contains("debug-assertions"), "a profile turns them on");
    for (path, what) in [
        ("core/src/config.rs", "pub fn plant("),
        ("core/src/policy/planted.rs", "pub(crate) fn named("),
    ] {
        let text = read(path);
        let lines: Vec<&str> = text.lines().collect();
        let at = lines.iter().position(|line| line.contains(what));
        let at = at.unwrap_or_else(|| panic!("{path} has no {what}"));
        let above = lines[at.saturating_sub(3)..at].join("\n");
        assert!(
            above.contains("#[cfg(debug_assertions)]"),
            "{path}: {what} is in every build"
        );
    }
}
