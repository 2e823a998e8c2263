//! API keys through the raw ABI, as a host sees them.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use doorward_api_key::doorward_module;
use doorward_plugin::{FactorClass, IdentifierSource, Property, abi};
use doorward_plugin_testing::{Answer, Ask, ConfigValue, Outcome, Provider, StoredRecord, TestHost};

fn text(value: &str) -> ConfigValue {
    ConfigValue::Text(value.to_owned())
}

fn provider(host: TestHost, options: &[(&str, ConfigValue)]) -> Provider {
    host.adopt(doorward_module())
        .open("api_key", "api_key", options)
        .unwrap()
}

fn with_scopes(host: TestHost) -> Provider {
    provider(host, &[("scopes", text("read write admin"))])
}

fn ask_for(of: &Provider, records: &[StoredRecord], fields: &[(&str, &str)]) -> Answer {
    let begun = of.ask(&Ask::enroll().records(records));
    assert_eq!(begun.outcome(), Outcome::Continue);
    let mut ask = Ask::step_of_enroll(begun.next_state()).records(records);
    for (name, value) in fields {
        ask = ask.credential(name, value);
    }
    of.ask(&ask)
}

fn enroll(of: &Provider, records: &mut Vec<StoredRecord>, fields: &[(&str, &str)]) -> String {
    let answer = ask_for(of, records, fields);
    assert!(answer.store(records), "{answer:?}");
    let (name, key) = &answer.show_once[0];
    assert_eq!(name, "key");
    String::from_utf8(key.clone()).unwrap()
}

/// Both calls, as the host makes them: the handle, then the records that it names.
fn verify(of: &Provider, records: &[StoredRecord], key: &str) -> Answer {
    let named = of.ask(&Ask::verify().credential("key", key));
    if named.outcome() != Outcome::Resolve {
        return named;
    }
    let handle = named.handle.unwrap();
    of.ask(
        &Ask::verify()
            .credential("key", key)
            .records(records)
            .resolved(&handle),
    )
}

#[test]
fn it_declares_a_key_that_starts_no_sign_in() {
    let kinds = TestHost::new().adopt(doorward_module()).kinds();
    let kind = kinds[0];
    assert_eq!(kind.identifier_source, IdentifierSource::Found as u32);
    assert_eq!(kind.factor, FactorClass::Possession as u32);
    assert_eq!(
        kind.flags,
        Property::Inline as u32
            | Property::KeepsRecords as u32
            | Property::SeveralRecords as u32
            | Property::Unguessable as u32
    );
}

#[test]
fn a_key_is_shown_once_and_does_what_it_was_made_for() {
    let of = with_scopes(TestHost::new());
    let mut records = Vec::new();
    let fields = [
        ("label", "backup"),
        ("scopes", "write read write"),
        ("expires_in", "3600"),
    ];
    let key = enroll(&of, &mut records, &fields);
    assert_eq!(key.len(), 66);
    assert!(key.starts_with("dwk_"));
    assert_eq!(records[0].label, "backup");
    let kept = &records[0].bytes;
    assert!(
        !kept
            .windows(20)
            .any(|held| key.as_bytes().windows(20).any(|part| held == part))
    );
    let answer = verify(&of, &records, &key);
    assert_eq!(answer.outcome(), Outcome::Accepted);
    assert_eq!(answer.used, Some(records[0].id));
    assert_eq!(
        answer.attributes,
        [("scopes".to_owned(), b"[\"read\",\"write\"]".to_vec())]
    );
    let plain = enroll(&of, &mut records, &[]);
    let answer = verify(&of, &records, &plain);
    assert_eq!(answer.used, Some(records[1].id));
    assert_eq!(answer.attributes[0].1, b"[]");
}

#[test]
fn a_key_ends() {
    let host = TestHost::new();
    let of = provider(host, &[("max_lifetime_days", ConfigValue::Integer(1))]);
    let mut records = Vec::new();
    let hour = enroll(&of, &mut records, &[("expires_in", "3600")]);
    let day = enroll(&of, &mut records, &[]);
    host.advance_seconds(3599);
    assert_eq!(verify(&of, &records[..1], &hour).outcome(), Outcome::Accepted);
    host.advance_seconds(1);
    assert_eq!(
        verify(&of, &records[..1], &hour).outcome(),
        Outcome::Denied(abi::EXPIRED)
    );
    assert_eq!(verify(&of, &records[1..], &day).outcome(), Outcome::Accepted);
    host.advance_seconds(86_400 - 3600);
    assert_eq!(
        verify(&of, &records[1..], &day).outcome(),
        Outcome::Denied(abi::EXPIRED)
    );
    let for_ever = provider(host, &[("max_lifetime_days", ConfigValue::Integer(0))]);
    let key = enroll(&for_ever, &mut records, &[]);
    host.advance_seconds(100 * 365 * 86_400);
    assert_eq!(verify(&of, &records[2..], &key).outcome(), Outcome::Accepted);
}

#[test]
fn wrong_foreign_and_nobodys_keys() {
    let of = with_scopes(TestHost::new());
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    let key = enroll(&of, &mut mine, &[]);
    let other = enroll(&of, &mut others, &[]);
    assert_eq!(verify(&of, &mine, &other).outcome(), Outcome::Denied(abi::WRONG));
    let nobody = Ask::verify().decoy().credential("key", &key).resolved(b"x");
    assert_eq!(of.ask(&nobody).outcome(), Outcome::Denied(abi::WRONG));
    let mut typo = key.clone().into_bytes();
    typo[30] = if typo[30] == b'a' { b'b' } else { b'a' };
    for no_key in [
        String::from_utf8(typo).unwrap(),
        String::new(),
        key[..65].to_owned(),
        format!("{key}\n"),
    ] {
        assert_eq!(
            verify(&of, &mine, &no_key).outcome(),
            Outcome::Denied(abi::INVALID_INPUT),
            "no record is looked up for {no_key}"
        );
    }
    mine[0].bytes.truncate(20);
    assert_eq!(verify(&of, &mine, &key).outcome(), Outcome::Fault(abi::E_FORMAT));
}

#[test]
fn options_that_change_later_lock_no_key_out_but_take_scopes_away() {
    let host = TestHost::new();
    let mut records = Vec::new();
    let key = enroll(&with_scopes(host), &mut records, &[("scopes", "read admin")]);
    let later = provider(host, &[("prefix", text("acme_live")), ("scopes", text("read"))]);
    let answer = verify(&later, &records, &key);
    assert_eq!(answer.outcome(), Outcome::Accepted);
    assert_eq!(answer.attributes[0].1, b"[\"read\"]");
    assert!(enroll(&later, &mut records, &[]).starts_with("acme_live_"));
}

#[test]
fn all_that_is_wrong_with_a_wish_is_said_at_once() {
    let of = with_scopes(TestHost::new());
    let year = 365 * 86_400;
    for (fields, violations) in [
        (
            &[("scopes", "read root")][..],
            &[("scopes", "not_allowed", 0)][..],
        ),
        (&[("scopes", "a\"b")], &[("scopes", "bad_format", 0)]),
        (&[("expires_in", "59")], &[("expires_in", "too_soon", 60)]),
        (&[("expires_in", "31536001")], &[("expires_in", "too_late", year)]),
        (&[("expires_in", "-60")], &[("expires_in", "bad_format", 0)]),
        (&[("expires_in", "1e3")], &[("expires_in", "bad_format", 0)]),
        (
            &[("scopes", "x"), ("expires_in", "x")],
            &[("scopes", "not_allowed", 0), ("expires_in", "bad_format", 0)],
        ),
    ] {
        let answer = ask_for(&of, &[], fields);
        assert_eq!(
            answer.outcome(),
            Outcome::Denied(abi::INVALID_INPUT),
            "{fields:?}"
        );
        let said: Vec<(&str, &str, u64)> = (answer.violations.iter())
            .map(|(field, code, limit)| (field.as_str(), code.as_str(), *limit))
            .collect();
        assert_eq!(said, violations);
    }
}

#[test]
fn no_more_keys_than_allowed() {
    let of = provider(TestHost::new(), &[("max_keys", ConfigValue::Integer(1))]);
    let mut records = Vec::new();
    let begun_before = of.ask(&Ask::enroll());
    enroll(&of, &mut records, &[]);
    let late = Ask::step_of_enroll(begun_before.next_state()).records(&records);
    for answer in [of.ask(&Ask::enroll().records(&records)), of.ask(&late)] {
        assert_eq!(answer.outcome(), Outcome::Denied(abi::INVALID_INPUT));
        assert_eq!(
            answer.violations,
            [("label".to_owned(), "too_many_keys".to_owned(), 1)]
        );
    }
}

#[test]
fn foreign_states_begin_anew() {
    let of = with_scopes(TestHost::new());
    for state in [&[][..], &[2], &[1, 1]] {
        assert_eq!(
            of.ask(&Ask::step_of_enroll(state)).outcome(),
            Outcome::Fault(abi::E_FORMAT)
        );
    }
    assert_eq!(
        of.ask(&Ask::step_of_verify(&[1])).outcome(),
        Outcome::Fault(abi::E_UNSUPPORTED)
    );
}

#[test]
fn options_outside_their_range_stop_the_start() {
    let number = |name: &'static str, value| (name, ConfigValue::Integer(value));
    for (option, message) in [
        (("prefix", text("Acme")), "prefix must be 2 to 16 lower-case"),
        (("prefix", text("acme_")), "prefix must be 2 to 16 lower-case"),
        (("prefix", text("x")), "prefix must be 2 to 16 lower-case"),
        (("scopes", text("a\"b")), "scopes must be"),
        (
            number("max_lifetime_days", -1),
            "max_lifetime_days must be a whole number from 0 to 3650",
        ),
        (
            number("max_lifetime_days", 3651),
            "max_lifetime_days must be a whole number from 0 to 3650",
        ),
        (
            number("max_keys", 0),
            "max_keys must be a whole number from 1 to 100",
        ),
        (
            number("max_keys", 101),
            "max_keys must be a whole number from 1 to 100",
        ),
    ] {
        let refused = TestHost::new()
            .adopt(doorward_module())
            .open("api_key", "api_key", &[option])
            .err();
        let (status, said) = refused.unwrap();
        assert_eq!(status, abi::E_CONFIG);
        assert!(said.starts_with(message), "{said}");
    }
}
