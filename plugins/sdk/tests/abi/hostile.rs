//! `tests/plugins/hostile.c`: no answer that breaks the contract is accepted, judged by the header's table.

use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Outcome, TestHost};

use crate::cc;

const BROKEN: Outcome = Outcome::BrokenContract;

/// What verification answers, and what Doorward makes of it.
const TABLE: &[(&str, Outcome)] = &[
    ("accept", Outcome::Accepted),
    ("deny", Outcome::Denied(abi::WRONG)),
    ("continue", Outcome::Continue),
    ("accept_nothing", Outcome::Accepted), // verify need not store anything; enroll must
    ("accept_and_violate", BROKEN),
    ("record_new", BROKEN),
    ("accept_whom", BROKEN), // no kind here finds identifiers
    ("accept_whom_new", BROKEN),
    ("no_verdict", Outcome::Denied(abi::WRONG)),
    ("verdict_one", BROKEN),
    ("verdict_minus_one", BROKEN),
    ("verdict_garbage", BROKEN),
    ("verdict_swapped", BROKEN),
    ("verdict_low_byte", BROKEN),
    ("accept_and_fail", BROKEN),
    ("accept_and_down", Outcome::Undecided(abi::E_UNAVAILABLE)),
    ("accept_and_pending", BROKEN),
    ("accept_and_magic", BROKEN),
    ("accept_then_deny", BROKEN),
    ("continue_bare", BROKEN),
    ("resolve_bare", BROKEN),
    ("resolve_again", Outcome::Resolve),
    ("resolve_garbage", Outcome::Resolve),
    ("resolve_long", BROKEN),
    ("record_long", BROKEN),
    ("record_null", BROKEN),
    ("record_endless", BROKEN),
    ("record_foreign", BROKEN),
    ("record_twice", BROKEN),
    ("used_foreign", BROKEN),
    ("used_null", BROKEN),
    ("state_long", BROKEN),
    ("state_null", BROKEN),
    ("challenge_long", BROKEN),
    ("challenge_nameless", BROKEN),
    ("label_long", BROKEN),
    ("label_not_utf8", BROKEN),
    ("identifier_long", BROKEN),
    ("identifier_null", BROKEN),
    ("show_once_null", BROKEN),
    ("attribute_long", BROKEN),
    ("label_of_two_lines", BROKEN),
    ("attribute_no_json", BROKEN),
    ("attribute_twice", BROKEN),
    ("challenge_twice", BROKEN),
    ("challenge_misnamed", BROKEN),
    ("challenges_without_end", BROKEN),
    ("violation_misnamed", BROKEN),
    ("letter_of_two_lines", BROKEN),
    ("no such behaviour", Outcome::Fault(abi::E_ARGUMENT)),
];

#[test]
fn only_a_clear_yes_is_accepted() {
    let plugin = TestHost::new().load(cc::plugin("tests/plugins/hostile.c", "hostile", &[]));
    let source = include_str!("../../../../tests/plugins/hostile.c");
    for (name, _) in TABLE.iter().filter(|(name, _)| !name.contains(' ')) {
        assert!(source.contains(&format!("{{\"{name}\", ")), "{name}");
    }
    for kind in ["hostile", "hostile.inline", "hostile.user"] {
        let provider = plugin.open(kind, "hostile", &[]).unwrap();
        let mut records = Vec::new();
        assert!(
            provider
                .ask(&Ask::enroll().credential("do", "accept"))
                .store(&mut records)
        );
        for (behaviour, outcome) in TABLE {
            let ask = Ask::verify().records(&records).credential("do", behaviour);
            let answer = provider.ask(&ask);
            assert_eq!(answer.outcome(), *outcome, "{kind} {behaviour}");
            let decoy = provider.ask(&Ask::verify().decoy().credential("do", behaviour));
            assert_ne!(decoy.outcome(), Outcome::Accepted, "{kind} {behaviour}");
            let enrollment = provider.ask(&Ask::enroll().credential("do", behaviour));
            let well = ["accept", "record_new"].contains(behaviour);
            assert_eq!(
                enrollment.outcome() == Outcome::Accepted,
                well,
                "{kind} {behaviour}"
            );
            let without_record = provider.ask(&Ask::verify().credential("do", behaviour));
            assert_ne!(without_record.outcome(), Outcome::Accepted, "{kind} {behaviour}");
        }
        let again = provider.ask(
            &Ask::verify()
                .resolved(b"handle")
                .credential("do", "resolve_again"),
        );
        assert_eq!(again.outcome(), BROKEN, "{kind}");
    }
}

#[test]
fn a_found_identifier_is_needed_for_yes() {
    let plugin = TestHost::new().load(cc::plugin("tests/plugins/hostile.c", "hostile-found", &[]));
    let provider = plugin.open("hostile.found", "hostile", &[]).unwrap();
    for behaviour in ["accept", "accept_nothing", "identifier_long", "identifier_null"] {
        assert_eq!(
            provider.ask(&Ask::verify().credential("do", behaviour)).outcome(),
            BROKEN,
            "{behaviour}"
        );
    }
}

#[test]
fn who_is_accepted_must_have_been_said_once() {
    let plugin = TestHost::new().load(cc::plugin("tests/plugins/hostile.c", "hostile-whom", &[]));
    let outcome = |kind: &str, ask: Ask, behaviour: &str| {
        let provider = plugin.open(kind, "hostile", &[]).unwrap();
        provider.ask(&ask.credential("do", behaviour)).outcome()
    };
    let found = "hostile.found";
    assert_eq!(
        outcome(found, Ask::verify().nobody(), "accept_whom"),
        Outcome::Accepted
    );
    assert_eq!(outcome(found, Ask::verify().nobody(), "accept_nothing"), BROKEN);
    assert_eq!(outcome(found, Ask::enroll().nobody(), "accept_nothing"), BROKEN);
    assert_eq!(outcome(found, Ask::enroll(), "accept_nothing"), Outcome::Accepted);
    // With records: the handle says who it is, and so does the user that a new record is for.
    let resident = "hostile.resident";
    let provider = plugin.open(resident, "hostile", &[]).unwrap();
    let mut records = Vec::new();
    assert!(
        provider
            .ask(&Ask::enroll().credential("do", "record_new"))
            .store(&mut records)
    );
    assert_eq!(outcome(resident, Ask::enroll().nobody(), "record_new"), BROKEN);
    assert_eq!(
        outcome(resident, Ask::enroll().nobody(), "accept_whom_new"),
        Outcome::Accepted
    );
    assert_eq!(outcome(resident, Ask::verify().nobody(), "accept_whom"), BROKEN);
    for ask in [Ask::verify(), Ask::step_of_verify(b"state")] {
        assert_eq!(
            outcome(resident, ask.clone().nobody(), "resolve_again"),
            Outcome::Resolve
        );
        assert_eq!(outcome(resident, ask.clone().nobody(), "resolve_bare"), BROKEN);
        let resolved = ask.resolved(b"handle").records(&records);
        assert_eq!(
            outcome(resident, resolved.clone(), "accept_nothing"),
            Outcome::Accepted
        );
        assert_eq!(outcome(resident, resolved, "resolve_again"), BROKEN);
    }
    for ask in [Ask::enroll(), Ask::step_of_enroll(b"state"), Ask::update()] {
        assert_eq!(outcome(resident, ask, "resolve_again"), BROKEN);
    }
}

/// Every combination of status and verdict around the right ones.
#[test]
fn the_table_of_the_header_holds_for_any_number() {
    let statuses = [
        abi::OK,
        1,
        -1,
        -5,
        -6,
        -7,
        -8,
        -13,
        -14,
        i32::MIN,
        i32::MAX,
        0x4143_4345,
    ];
    let verdicts = [
        abi::DENY,
        abi::ACCEPT,
        abi::CONTINUE,
        abi::RESOLVE,
        1,
        2,
        u32::MAX,
        0x4143_4344,
        0x0043_4345,
    ];
    let plugin = TestHost::new().load(cc::plugin("tests/plugins/numbers.c", "numbers", &[]));
    let numbers = plugin.open("numbers", "numbers", &[]).unwrap();
    let mut accepted = Vec::new();
    for status in statuses {
        for verdict in verdicts {
            let said = [status.to_ne_bytes(), verdict.to_ne_bytes()].concat();
            let answer = numbers.ask(&Ask::verify().credential("say", said));
            assert_eq!(answer.status, status);
            if answer.outcome() == Outcome::Accepted {
                accepted.push((status, verdict));
            }
        }
    }
    assert_eq!(accepted, [(abi::OK, abi::ACCEPT)]);
}
