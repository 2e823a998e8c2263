//! Plugins before a host of another age: those of `tests/abi/v1` and today's, on the host of version 1.0 (a smaller table) and
//! on one of a later version (larger structs, more behind the table, flags that nobody knows yet).

use std::path::PathBuf;

use doorward_plugin_testing::{Ask, Conditions, Outcome, StoredRecord, TestHost};

use crate::cc;

fn record(format: u32, bytes: &[u8]) -> StoredRecord {
    StoredRecord {
        id: [7; 16],
        format,
        version: 1,
        bytes: bytes.to_vec(),
        label: String::new(),
    }
}

/// Steps, RESOLVE, keys and values, migration: on one host, under these conditions.
fn run(host: TestHost, conditions: Conditions, object: fn(&str) -> PathBuf) {
    let steps = host.load(object("steps.c"));
    let quiz = steps.open_under("quiz", "quiz", &[], conditions).unwrap();
    let mut records = Vec::new();
    let begun = quiz.ask_under(&Ask::enroll(), conditions);
    assert_eq!(begun.outcome(), Outcome::Continue);
    let given = Ask::step_of_enroll(begun.next_state()).credential("answer", "blue");
    assert!(quiz.ask_under(&given, conditions).store(&mut records));
    let asked = quiz.ask_under(&Ask::verify().records(&records), conditions);
    assert_eq!(asked.challenged("question"), "colour");
    let given = Ask::step_of_verify(asked.next_state())
        .records(&records)
        .credential("answer", "blue");
    assert_eq!(quiz.ask_under(&given, conditions).outcome(), Outcome::Accepted);

    let badge = steps.open("badge", "badge", &[]).unwrap();
    let named = Ask::verify().nobody().credential("number", "12");
    let named = badge.ask_under(&named, conditions);
    assert_eq!(
        (named.outcome(), named.handle.as_deref()),
        (Outcome::Resolve, Some(&b"12"[..]))
    );
    let resolved = Ask::verify()
        .resolved(b"12")
        .records(&[record(1, b"badge")])
        .credential("number", "12");
    assert_eq!(
        badge.ask_under(&resolved, conditions).outcome(),
        Outcome::Accepted
    );

    let keeper = host.load(object("keeper.c")).open("keeper", "sms", &[]).unwrap();
    let put = Ask::verify()
        .credential("do", "put")
        .credential("key", "k")
        .credential("value", "v");
    assert_eq!(keeper.ask_under(&put, conditions).outcome(), Outcome::Accepted);
    assert_eq!(host.kept("sms", b"k").unwrap(), b"v");

    let older = host.load(object("older.c")).open("older", "older", &[]).unwrap();
    let migrated = older.ask_under(&Ask::migrate(&record(1, b"v1:yes")), conditions);
    assert!(migrated.store(&mut vec![record(1, b"v1:yes")]));
}

#[test]
fn a_host_of_any_age_runs_plugins_of_any_age() {
    let todays = |source: &str| {
        cc::plugin(
            &format!("tests/plugins/{source}"),
            &format!("today-{source}"),
            &[],
        )
    };
    let newer = Conditions {
        newer: true,
        ..Conditions::default()
    };
    for object in [cc::frozen as fn(&str) -> PathBuf, todays] {
        run(TestHost::new(), Conditions::default(), object);
        run(TestHost::oldest(), Conditions::default(), object);
        run(TestHost::newer(), newer, object);
    }
}
