//! Who gets in, and who is shut out: the rules of second factors, recovery and first proofs, judged over every state of one
//! user, an owner, and an actor who reads one mailbox. Each rule is broken in turn to see that a property notices.

mod premises;
mod properties;
mod rules;
mod states;
mod steps;
mod table;
mod user;

use properties::check;
use rules::Fault;

#[test]
fn the_rules_hold_over_every_state() {
    let seen = check(None).unwrap_or_else(|red| panic!("{red}"));
    assert_eq!(
        (seen.a, seen.b, seen.c, seen.p),
        (73_440, 33_512, 598_716, 576),
        "as many as the rules were judged by when they were written"
    );
}

#[test]
fn each_broken_rule_turns_a_property_red() {
    for fault in [
        Fault::AnyOfAll,
        Fault::BothSidesIsNone,
        Fault::ChannelNotAddress,
        Fault::DeadIsAbsent,
        Fault::FirstKeeps,
        Fault::MultiAnywhere,
        Fault::NoOver,
        Fault::NoSides,
        Fault::RecoveryAnyGroup,
        Fault::RecoveryTakesSeconds,
        Fault::SameClassIsNothing,
        Fault::SecondsOnlyNext,
        Fault::SecondsRecover,
        Fault::SingleLeft,
        Fault::UnprovedRecovers,
        Fault::VerifyEstablished,
    ] {
        match check(Some(fault)) {
            Ok(seen) => panic!("{fault:?} is not noticed: {seen:?}"),
            Err(red) => println!("{fault:?}: {red}"),
        }
    }
}

/// It spares the operator and protects nobody: the refusal `address_unproved` has tests of its own.
#[test]
fn enrolling_beside_an_unproved_address_breaks_no_property() {
    check(Some(Fault::EnrollUnproved)).unwrap_or_else(|red| panic!("{red}"));
}
