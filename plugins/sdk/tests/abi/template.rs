//! `plugins/template/c`: the C template does what its README says.

use doorward_plugin::abi;
use doorward_plugin_testing::{Answer, Ask, Outcome, Provider, StoredRecord, TestHost};

use crate::cc;

fn pin(name: &str) -> Provider {
    let object = cc::plugin("plugins/template/c/pin.c", name, &[]);
    TestHost::new().load(object).open("pin", "member", &[]).unwrap()
}

fn enrolled(pin: &Provider) -> Vec<StoredRecord> {
    let mut records = Vec::new();
    let answer = pin.ask(
        &Ask::enroll()
            .credential("pin", "493817")
            .credential("word", "windmill"),
    );
    assert!(answer.store(&mut records), "{answer:?}");
    records
}

fn verify(pin: &Provider, records: &[StoredRecord], number: &str) -> Answer {
    pin.ask(&Ask::verify().records(records).credential("pin", number))
}

fn step(pin: &Provider, records: &[StoredRecord], state: &[u8], character: &str) -> Answer {
    pin.ask(
        &Ask::step_of_verify(state)
            .records(records)
            .credential("character", character),
    )
}

#[test]
fn pin_and_character_sign_in_and_the_position_moves_on() {
    let pin = pin("pin-moves");
    let mut records = enrolled(&pin);
    for (position, character) in [("1", "w"), ("2", "i"), ("3", "n"), ("4", "d")] {
        let first = verify(&pin, &records, "493817");
        assert_eq!(first.outcome(), Outcome::Continue);
        assert_eq!(first.challenged("position"), position);
        // Who begins again is asked the same again.
        assert_eq!(verify(&pin, &records, "493817").challenged("position"), position);
        assert_eq!(
            step(&pin, &records, first.next_state(), "?").outcome(),
            Outcome::Denied(abi::WRONG)
        );
        let second = step(&pin, &records, first.next_state(), character);
        assert_eq!(second.outcome(), Outcome::Accepted);
        assert!(second.store(&mut records));
    }
}

#[test]
fn one_challenge_signs_in_once() {
    let pin = pin("pin-once");
    let mut records = enrolled(&pin);
    let first = verify(&pin, &records, "493817");
    let read = records.clone();
    let one = step(&pin, &read, first.next_state(), "w");
    let other = step(&pin, &read, first.next_state(), "w");
    assert!(one.store(&mut records));
    assert!(!other.store(&mut records), "the record changed since it was read");
    let again = step(&pin, &records, first.next_state(), "w");
    assert_eq!(again.outcome(), Outcome::Denied(abi::WRONG));
}

#[test]
fn a_wrong_pin_and_nobody_are_answered_alike() {
    let pin = pin("pin-nobody");
    let records = enrolled(&pin);
    let wrong = verify(&pin, &records, "000000");
    let nobody = pin.ask(&Ask::verify().decoy().credential("pin", "493817"));
    assert_eq!(wrong.outcome(), Outcome::Denied(abi::WRONG));
    assert_eq!(nobody.outcome(), Outcome::Denied(abi::NOT_ENROLLED));
    for answer in [wrong, nobody] {
        assert!(answer.state.is_none() && answer.challenge.is_empty() && answer.message.is_empty());
    }
}

#[test]
fn enrollment_names_every_broken_rule() {
    let pin = pin("pin-rules");
    let answer = pin.ask(&Ask::enroll().credential("pin", "1").credential("word", "mill"));
    assert_eq!(answer.outcome(), Outcome::Denied(abi::INVALID_INPUT));
    let rule = |field: &str, limit| (field.to_owned(), "too_short".to_owned(), limit);
    assert_eq!(answer.violations, [rule("pin", 6), rule("word", 6)]);
}

#[test]
fn foreign_states_and_damaged_records_let_nobody_in() {
    let pin = pin("pin-damaged");
    let records = enrolled(&pin);
    for state in [&b""[..], b"\x02\x00", b"\x01", b"\x01\x00\x00"] {
        assert_eq!(
            step(&pin, &records, state, "w").outcome(),
            Outcome::Fault(abi::E_FORMAT),
            "{state:?}"
        );
    }
    let mut short = records.clone();
    short[0].bytes.truncate(10);
    let mut newer = records.clone();
    newer[0].bytes[0] = 2;
    let mut wordless = records.clone();
    wordless[0].bytes[2] = 0;
    let mut endless = records.clone();
    endless[0].bytes[35..].fill(b'$');
    for damaged in [short, newer, wordless, endless, Vec::new()] {
        assert!(matches!(
            verify(&pin, &damaged, "493817").outcome(),
            Outcome::Denied(_)
        ));
        assert!(matches!(
            step(&pin, &damaged, b"\x01\x00", "w").outcome(),
            Outcome::Denied(_)
        ));
    }
    let for_enrollment = pin.ask(
        &Ask::step_of_enroll(b"\x01\x00")
            .records(&records)
            .credential("character", "w"),
    );
    assert_eq!(for_enrollment.outcome(), Outcome::Fault(abi::E_FORMAT));
}

#[test]
fn the_template_stays_short() {
    let source = include_str!("../../../template/c/pin.c");
    assert!(source.lines().count() < 120, "{} lines", source.lines().count());
}
