//! The built-in kind `password`, asked through the same table as everybody.

use doorward::plugin::{Ask, Decision, Denial, Kinds, Operation, PoolSettings, Services};
use doorward::{AuthenticatorId, ErrorKind};
use serde_json::json;

use crate::context::{answer, ask, fields, hasher, open, services, stored};

const GOOD: &str = "wobbly umbrella galaxy 47";
const BETTER: &str = "seven purple trombones asleep";

fn password(services: Services) -> (Kinds, doorward::plugin::Kind) {
    let kinds = Kinds::load(&[], &[], services, PoolSettings::of(2)).unwrap();
    kinds.start().unwrap();
    let kind = open(&kinds, "password", &json!({})).unwrap();
    (kinds, kind)
}

fn verify(record: &doorward::plugin::OpenRecord, word: &str) -> Ask {
    Ask {
        records: vec![record.clone()],
        ..ask(Operation::Verify, &[("password", word)])
    }
}

#[test]
fn a_password_that_was_enrolled_verifies_and_another_does_not() {
    let (_kinds, kind) = password(services().0);
    let enrolled = answer(&kind, ask(Operation::Enroll, &[("password", GOOD)])).unwrap();
    assert_eq!(enrolled.decision, Decision::Accept);
    let record = stored(&enrolled);
    assert!(
        !record
            .bytes
            .expose()
            .windows(GOOD.len())
            .any(|w| w == GOOD.as_bytes())
    );
    let right = answer(&kind, verify(&record, GOOD)).unwrap();
    assert_eq!(right.decision, Decision::Accept);
    assert!(right.records.is_empty(), "a current hash is not replaced");
    for wrong in [
        "",
        "wobbly umbrella galaxy 48",
        "wobbly umbrella galaxy 47 ",
        &GOOD.repeat(50),
    ] {
        let verdict = answer(&kind, verify(&record, wrong)).unwrap();
        assert_eq!(
            (verdict.decision, verdict.denial),
            (Decision::Deny, Denial::Wrong),
            "{wrong:?}"
        );
    }
}

#[test]
fn nobody_and_a_user_without_a_password_are_refused_alike() {
    let (_kinds, kind) = password(services().0);
    let record = stored(&answer(&kind, ask(Operation::Enroll, &[("password", GOOD)])).unwrap());
    let nobody = ask(Operation::Verify, &[("password", GOOD)]);
    for asked in [
        nobody.clone(),
        Ask {
            decoy: true,
            subject: None,
            ..nobody
        },
        // Right, and no such subject all the same.
        Ask {
            decoy: true,
            ..verify(&record, GOOD)
        },
    ] {
        assert_eq!(answer(&kind, asked).unwrap().decision, Decision::Deny);
    }
}

#[test]
fn all_violations_are_reported_at_once_with_their_limits() {
    let (_kinds, kind) = password(services().0);
    for (word, rules) in [
        ("ann", &[("too_short", 15), ("common", 0), ("context", 0)][..]),
        ("password", &[("too_short", 15), ("common", 0)]),
        (&"aB3 ".repeat(300), &[("too_long", 1024)]),
    ] {
        let update = Ask {
            new_credentials: fields(&[("password", word)]),
            ..ask(Operation::Update, &[])
        };
        for asked in [ask(Operation::Enroll, &[("password", word)]), update] {
            let verdict = answer(&kind, asked).unwrap();
            assert_eq!(
                (verdict.decision, verdict.denial),
                (Decision::Deny, Denial::InvalidInput)
            );
            let found: Vec<_> = verdict.violations.iter().map(|v| (v.rule, v.limit)).collect();
            for rule in rules {
                assert!(found.contains(rule), "{word:?}: {found:?} lacks {rule:?}");
            }
            assert!(
                verdict
                    .violations
                    .iter()
                    .all(|v| v.field == "password" && v.message.len() > 20)
            );
        }
    }
}

#[test]
fn an_update_verifies_the_old_password_if_it_is_given_and_replaces_the_record() {
    let (_kinds, kind) = password(services().0);
    let record = stored(&answer(&kind, ask(Operation::Enroll, &[("password", GOOD)])).unwrap());
    let update = |old: &[(&str, &str)]| Ask {
        records: vec![record.clone()],
        new_credentials: fields(&[("password", BETTER)]),
        ..ask(Operation::Update, old)
    };
    let wrong = answer(&kind, update(&[("password", "wrong")])).unwrap();
    assert_eq!((wrong.decision, wrong.denial), (Decision::Deny, Denial::Wrong));
    for old in [&[("password", GOOD)][..], &[]] {
        let updated = answer(&kind, update(old)).unwrap();
        assert_eq!(updated.decision, Decision::Accept);
        assert_eq!(updated.records[0].replaces, Some(AuthenticatorId::SINGLE));
        let record = stored(&updated);
        assert_eq!(
            answer(&kind, verify(&record, BETTER)).unwrap().decision,
            Decision::Accept
        );
        assert_eq!(
            answer(&kind, verify(&record, GOOD)).unwrap().decision,
            Decision::Deny
        );
    }
}

#[test]
fn a_hash_of_another_cost_is_replaced_at_the_next_sign_in() {
    let (_old_kinds, old) = password(services().0);
    let record = stored(&answer(&old, ask(Operation::Enroll, &[("password", GOOD)])).unwrap());
    let dearer = Services {
        hasher: Some(hasher(128)),
        ..services().0
    };
    let (_kinds, kind) = password(dearer);
    let wrong = answer(&kind, verify(&record, BETTER)).unwrap();
    assert!(wrong.decision == Decision::Deny && wrong.records.is_empty());
    let verdict = answer(&kind, verify(&record, GOOD)).unwrap();
    assert_eq!(verdict.decision, Decision::Accept);
    assert_eq!(verdict.records[0].replaces, Some(record.id));
    let better = stored(&verdict);
    assert!(String::from_utf8_lossy(better.bytes.expose()).contains("m=128,"));
    let again = answer(&kind, verify(&better, GOOD)).unwrap();
    assert!(again.decision == Decision::Accept && again.records.is_empty());
}

#[test]
fn a_damaged_record_is_an_error_and_never_a_wrong_password() {
    let (_kinds, kind) = password(services().0);
    let good = stored(&answer(&kind, ask(Operation::Enroll, &[("password", GOOD)])).unwrap());
    for bytes in [
        &b""[..],
        b"\0\0\0\x01",
        b"\0\0\0\x02$argon2id$",
        b"\0\0\0\x01$argon2id$garbage",
    ] {
        let damaged = doorward::plugin::OpenRecord {
            bytes: bytes.into(),
            ..good.clone()
        };
        assert_eq!(
            answer(&kind, verify(&damaged, GOOD)).unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }
}
