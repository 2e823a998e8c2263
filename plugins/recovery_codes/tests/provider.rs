//! Recovery codes through the raw ABI, as a host sees them.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use doorward_plugin::{FactorClass, IdentifierSource, Property, abi};
use doorward_plugin_testing::{Answer, Ask, ConfigValue, Outcome, Provider, StoredRecord, TestHost};
use doorward_recovery_codes::doorward_module;

fn provider(host: TestHost, options: &[(&str, ConfigValue)]) -> Provider {
    host.adopt(doorward_module())
        .open("recovery_codes", "recovery_codes", options)
        .unwrap()
}

/// What the person writes down.
fn codes(answer: &Answer) -> Vec<String> {
    let (_, shown) = answer.show_once.iter().find(|(name, _)| name == "codes").unwrap();
    let shown = std::str::from_utf8(shown).unwrap();
    shown.lines().map(str::to_owned).collect()
}

fn enroll(of: &Provider, records: &mut Vec<StoredRecord>) -> Vec<String> {
    let answer = of.ask(&Ask::enroll());
    assert_eq!(answer.outcome(), Outcome::Accepted);
    assert!(answer.store(records));
    codes(&answer)
}

fn verify(of: &Provider, records: &[StoredRecord], code: &str) -> Answer {
    of.ask(&Ask::verify().records(records).credential("code", code))
}

#[test]
fn it_declares_a_second_factor_of_which_a_user_has_one() {
    let kinds = TestHost::new().adopt(doorward_module()).kinds();
    let kind = kinds[0];
    assert_eq!(kind.identifier_source, IdentifierSource::User as u32);
    assert_eq!(kind.factor, FactorClass::Possession as u32);
    assert_eq!(
        kind.flags,
        Property::Inline as u32 | Property::KeepsRecords as u32,
        "it cannot start a sign-in, and a new set replaces the old"
    );
}

#[test]
fn each_code_is_good_once_and_in_any_order() {
    let of = provider(TestHost::new(), &[]);
    let mut records = Vec::new();
    let codes = enroll(&of, &mut records);
    assert_eq!(codes.len(), 10);
    let different: std::collections::BTreeSet<&String> = codes.iter().collect();
    assert_eq!(different.len(), 10);
    for code in codes.iter().rev() {
        let answer = verify(&of, &records, &code.to_lowercase().replace('-', " "));
        assert_eq!(answer.record.as_ref().unwrap().0, Some(records[0].id));
        assert!(answer.store(&mut records), "{code}");
        let is_last = code == &codes[0];
        assert_eq!(answer.record.unwrap().1.is_empty(), is_last, "{code}");
        let left = answer.show_once.iter().find(|(name, _)| name == "left");
        assert_eq!(
            left.map(|(_, value)| value.as_slice()),
            is_last.then_some(b"0".as_slice())
        );
        if is_last {
            // The host keeps what is used up to itself.
            records.clear();
            assert_eq!(
                verify(&of, &records, code).outcome(),
                Outcome::Denied(abi::NOT_ENROLLED)
            );
            break;
        }
        assert_eq!(
            verify(&of, &records, code).outcome(),
            Outcome::Denied(abi::EXPIRED),
            "{code}"
        );
    }
    assert!(records.is_empty());
}

#[test]
fn the_record_holds_no_code() {
    let of = provider(TestHost::new(), &[]);
    let mut records = Vec::new();
    let codes = enroll(&of, &mut records);
    for code in codes {
        for spelling in [code.clone(), code.replace('-', ""), code[..9].to_owned()] {
            let spelling = spelling.as_bytes();
            assert!(
                !records[0]
                    .bytes
                    .windows(spelling.len())
                    .any(|held| held == spelling)
            );
        }
    }
}

#[test]
fn a_new_set_replaces_the_old() {
    let of = provider(TestHost::new(), &[("codes", ConfigValue::Integer(4))]);
    let mut records = Vec::new();
    let old = enroll(&of, &mut records);
    let answer = of.ask(&Ask::update().records(&records));
    assert_eq!(answer.outcome(), Outcome::Accepted);
    assert_eq!(
        answer.record.as_ref().unwrap().0,
        None,
        "a new record, in place of the old"
    );
    let new = codes(&answer);
    records[0].bytes = answer.record.unwrap().1;
    for code in old {
        assert_eq!(
            verify(&of, &records, &code).outcome(),
            Outcome::Denied(abi::WRONG)
        );
    }
    assert_eq!(verify(&of, &records, &new[0]).outcome(), Outcome::Accepted);
}

#[test]
fn of_two_servers_only_one_accepts_a_code() {
    let of = provider(TestHost::new(), &[]);
    let mut records = Vec::new();
    let codes = enroll(&of, &mut records);
    let (one, other) = (verify(&of, &records, &codes[0]), verify(&of, &records, &codes[0]));
    assert!(one.store(&mut records));
    assert!(!other.store(&mut records));
}

#[test]
fn wrong_nobody_and_no_code_at_all() {
    let host = TestHost::new();
    let of = provider(host, &[]);
    let mut records = Vec::new();
    let codes = enroll(&of, &mut records);
    let mut guess = codes[0].clone().into_bytes();
    guess[0] = if guess[0] == b'0' { b'1' } else { b'0' };
    let guess = String::from_utf8(guess).unwrap();
    for (answer, reason) in [
        (verify(&of, &records, &guess), abi::WRONG),
        (verify(&of, &records, "123456"), abi::INVALID_INPUT),
        (verify(&of, &[], &codes[0]), abi::NOT_ENROLLED),
        (
            of.ask(&Ask::verify().decoy().credential("code", &codes[0])),
            abi::NOT_ENROLLED,
        ),
    ] {
        assert_eq!(answer.outcome(), Outcome::Denied(reason));
        assert!(answer.record.is_none() && answer.message.is_empty());
    }
    records[0].bytes.truncate(30);
    assert_eq!(
        verify(&of, &records, &codes[0]).outcome(),
        Outcome::Fault(abi::E_FORMAT)
    );
}

#[test]
fn few_left_is_told_and_counted() {
    let host = TestHost::new();
    let options = [
        ("codes", ConfigValue::Integer(4)),
        ("warn_below", ConfigValue::Integer(2)),
    ];
    let of = provider(host, &options);
    let mut records = Vec::new();
    let codes = enroll(&of, &mut records);
    let mut told = Vec::new();
    for code in codes {
        assert!(verify(&of, &records, &code).store(&mut records));
        told.push(host.logged().len());
    }
    assert_eq!(told, [0, 0, 1, 2], "{:?}", host.logged());
    assert!(
        host.logged()[0].contains("recovery_codes.few_left") && host.logged()[0].contains("{\"left\":1}")
    );
}

#[test]
fn options_outside_their_range_stop_the_start() {
    for (name, value, message) in [
        ("codes", 1, "codes must be a whole number from 2 to 20"),
        ("codes", 21, "codes must be a whole number from 2 to 20"),
        ("codes", 266, "codes must be a whole number from 2 to 20"),
        ("warn_below", -1, "warn_below must be a whole number from 0 to 20"),
        ("warn_below", 21, "warn_below must be a whole number from 0 to 20"),
    ] {
        let refused = TestHost::new()
            .adopt(doorward_module())
            .open(
                "recovery_codes",
                "recovery_codes",
                &[(name, ConfigValue::Integer(value))],
            )
            .err();
        assert_eq!(refused, Some((abi::E_CONFIG, message.to_owned())));
    }
}
