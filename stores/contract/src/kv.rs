//! What plugins keep besides records: values under keys, changed as one step.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use doorward_base::clock::Timestamp;
use doorward_store::{
    KvAction, KvAt, KvChange, KvChanged, KvEntry, KvExpect, KvUsage, KvValue, Purged, Store,
};

use crate::samples::at;
use crate::{race, wait};

fn key(key: &[u8]) -> KvAt {
    KvAt {
        realm: "r".into(),
        provider: "sms".into(),
        key: key.to_vec(),
    }
}

fn change(store: &dyn Store, at: &KvAt, action: KvAction, now: Timestamp) -> (KvChanged, i64) {
    static VERSIONS: AtomicI64 = AtomicI64::new(1);
    let version = VERSIONS.fetch_add(1, Ordering::Relaxed);
    let change = KvChange {
        at: at.clone(),
        action,
        version,
        now,
    };
    (wait(store.change_kv(change)), version)
}

fn put(store: &dyn Store, at: &KvAt, sealed: &[u8], expect: KvExpect) -> (KvChanged, i64) {
    let action = KvAction::Put {
        sealed: sealed.to_vec(),
        expect,
        expires_at: None,
    };
    change(store, at, action, crate::samples::at(1))
}

fn remove(store: &dyn Store, at: &KvAt, expect: KvExpect) -> KvChanged {
    change(store, at, KvAction::Remove { expect }, crate::samples::at(1)).0
}

fn add(store: &dyn Store, at: &KvAt, delta: i64, until: Option<Timestamp>, now: Timestamp) -> KvChanged {
    let action = KvAction::Add {
        delta,
        expires_at: until,
    };
    change(store, at, action, now).0
}

fn value(store: &dyn Store, at: &KvAt) -> Option<Vec<u8>> {
    wait(store.kv(at.clone(), crate::samples::at(1))).map(|entry| match entry.value {
        KvValue::Bytes(bytes) => bytes,
        KvValue::Counter(sum) => sum.to_string().into_bytes(),
    })
}

/// Any bytes, the largest, none at all.
pub fn a_value_is_read_as_it_was_put_until_it_expires(store: &dyn Store) {
    let longest = vec![0xff; 1024];
    for (name, sealed) in [
        (b"\x00\xff".as_slice(), vec![0xc3; 66_000]),
        (b"k", Vec::new()),
        (&longest, b"\x00\x01".to_vec()),
    ] {
        let action = KvAction::Put {
            sealed: sealed.clone(),
            expect: KvExpect::Any,
            expires_at: Some(at(60)),
        };
        let (changed, version) = change(store, &key(name), action, at(1));
        assert_eq!(changed, KvChanged::Done);
        let entry = KvEntry {
            value: KvValue::Bytes(sealed),
            version,
            expires_at: Some(at(60)),
        };
        assert_eq!(wait(store.kv(key(name), at(59))), Some(entry));
        assert_eq!(wait(store.kv(key(name), at(60))), None, "expired");
        let (late, _) = change(
            store,
            &key(name),
            KvAction::Remove {
                expect: KvExpect::Any,
            },
            at(60),
        );
        assert_eq!(late, KvChanged::Absent, "what has expired is not there");
    }
}

/// Bytes compare as bytes, and no neighbour is seen.
pub fn a_value_belongs_to_its_realm_provider_and_key(store: &dyn Store) {
    let here = key(b"k");
    let others = [
        KvAt {
            realm: String::new(),
            ..here.clone()
        },
        KvAt {
            provider: "SMS".into(),
            ..here.clone()
        },
        key(b"K"),
        key(b"k\x00"),
    ];
    assert_eq!(put(store, &here, b"mine", KvExpect::Absent).0, KvChanged::Done);
    for other in &others {
        assert_eq!(value(store, other), None, "{other:?}");
        assert_eq!(remove(store, other, KvExpect::Any), KvChanged::Absent);
        assert_eq!(put(store, other, b"theirs", KvExpect::Absent).0, KvChanged::Done);
    }
    assert_eq!(value(store, &here).unwrap(), b"mine");
}

/// Absent, any, or one version: also when something was removed and put again.
pub fn a_value_changes_only_where_it_is_what_was_expected(store: &dyn Store) {
    let here = key(b"k");
    assert_eq!(
        put(store, &here, b"x", KvExpect::Version(1)).0,
        KvChanged::Conflict
    );
    let (first, read) = put(store, &here, b"1", KvExpect::Absent);
    assert_eq!(first, KvChanged::Done);
    assert_eq!(put(store, &here, b"x", KvExpect::Absent).0, KvChanged::Conflict);
    assert_eq!(
        put(store, &here, b"2", KvExpect::Version(read)).0,
        KvChanged::Done
    );
    assert_eq!(
        put(store, &here, b"x", KvExpect::Version(read)).0,
        KvChanged::Conflict
    );
    assert_eq!(remove(store, &here, KvExpect::Version(read)), KvChanged::Conflict);
    assert_eq!(value(store, &here).unwrap(), b"2");
    assert_eq!(put(store, &here, b"3", KvExpect::Any).0, KvChanged::Done);
    assert_eq!(remove(store, &here, KvExpect::Any), KvChanged::Done);
    assert_eq!(remove(store, &here, KvExpect::Any), KvChanged::Absent);
    assert_eq!(put(store, &here, b"4", KvExpect::Absent).0, KvChanged::Done);
    assert_eq!(remove(store, &here, KvExpect::Version(read)), KvChanged::Conflict);
    // What has expired may be put as if it had never been.
    let short = KvAction::Put {
        sealed: b"5".to_vec(),
        expect: KvExpect::Any,
        expires_at: Some(at(1)),
    };
    assert_eq!(change(store, &here, short, at(0)).0, KvChanged::Done);
    assert_eq!(put(store, &here, b"6", KvExpect::Absent).0, KvChanged::Done);
    assert_eq!(value(store, &here).unwrap(), b"6");
}

/// Of 32 that find nothing, one puts; of 32 that read one version, one replaces it.
pub fn a_key_is_put_by_one_of_many(store: &dyn Store) {
    let here = key(b"k");
    let mut expect = KvExpect::Absent;
    for _ in 0..2 {
        let tried = race(32, |n| put(store, &here, n.to_string().as_bytes(), expect));
        let won: Vec<_> = tried
            .iter()
            .enumerate()
            .filter(|(_, (changed, _))| *changed == KvChanged::Done)
            .collect();
        assert_eq!(won.len(), 1, "{tried:?}");
        let (winner, (_, version)) = won[0];
        assert_eq!(value(store, &here).unwrap(), winner.to_string().as_bytes());
        expect = KvExpect::Version(*version);
    }
}

/// What makes a nonce good for one use.
pub fn a_value_is_removed_by_one_of_many(store: &dyn Store) {
    let here = key(b"nonce");
    put(store, &here, b"x", KvExpect::Absent);
    let removed = race(32, |_| remove(store, &here, KvExpect::Any));
    let done = removed.iter().filter(|one| **one == KvChanged::Done).count();
    assert_eq!(done, 1, "{removed:?}");
    assert!(
        removed
            .iter()
            .all(|one| [KvChanged::Done, KvChanged::Absent].contains(one))
    );
}

/// No addition is lost, and each sees a sum of its own.
pub fn many_add_to_one_counter(store: &dyn Store) {
    let here = key(b"count");
    let mut sums: Vec<i64> = race(32, |_| match add(store, &here, 3, None, at(1)) {
        KvChanged::Sum(sum) => sum,
        other => panic!("{other:?}"),
    });
    sums.sort_unstable();
    assert_eq!(sums, (1..=32).map(|n| n * 3).collect::<Vec<i64>>());
    assert_eq!(add(store, &here, -100, None, at(1)), KvChanged::Sum(-4));
    assert_eq!(add(store, &here, i64::MIN, None, at(1)), KvChanged::TooLarge);
    assert_eq!(add(store, &here, 0, None, at(1)), KvChanged::Sum(-4));
}

/// A window of attempts does not grow with every attempt.
pub fn a_counter_keeps_its_end_and_is_no_value(store: &dyn Store) {
    let here = key(b"count");
    assert_eq!(add(store, &here, 1, Some(at(60)), at(1)), KvChanged::Sum(1));
    assert_eq!(add(store, &here, 1, Some(at(600)), at(59)), KvChanged::Sum(2));
    assert_eq!(
        add(store, &here, 1, Some(at(600)), at(60)),
        KvChanged::Sum(1),
        "a new one"
    );
    assert_eq!(add(store, &here, 1, None, at(61)), KvChanged::Sum(2));
    let stored = wait(store.kv(here.clone(), at(61))).unwrap();
    assert_eq!(
        (stored.value, stored.expires_at),
        (KvValue::Counter(2), Some(at(600)))
    );
    let other = key(b"text");
    put(store, &other, &8_i64.to_le_bytes(), KvExpect::Any);
    assert_eq!(add(store, &other, 1, None, at(1)), KvChanged::NotACounter);
    assert_eq!(value(store, &other).unwrap(), 8_i64.to_le_bytes());
    assert_eq!(
        put(store, &here, b"x", KvExpect::Any).0,
        KvChanged::Done,
        "and back"
    );
    assert_eq!(value(store, &here).unwrap(), b"x");
}

/// Bounded per call; what stays for ever stays.
pub fn expired_values_are_purged(store: &dyn Store) {
    for n in 0..3 {
        add(store, &key(&[n]), 1, Some(at(10)), at(1));
    }
    add(store, &key(b"later"), 1, Some(at(11)), at(1));
    put(store, &key(b"for ever"), b"x", KvExpect::Any);
    let purge = |limit| wait(store.purge(at(10), Duration::ZERO, limit)).others;
    assert_eq!((purge(2), purge(100), purge(100)), (2, 1, 0));
    assert_eq!(wait(store.purge(at(10), Duration::ZERO, 100)), Purged::default());
    assert!(wait(store.kv(key(b"later"), at(10))).is_some());
    assert_eq!(value(store, &key(b"for ever")).unwrap(), b"x");
}

/// Keys and bytes of one provider name: what is stored has one byte more than what was put.
pub fn what_a_provider_keeps_is_counted_in_all_realms(store: &dyn Store) {
    let usage = |provider: &str, now| wait(store.kv_usage(provider.into(), now));
    assert_eq!(usage("sms", at(1)), KvUsage::default());
    put(store, &key(b"k"), b"four", KvExpect::Any);
    put(store, &key(b"k"), b"fourteen bytes", KvExpect::Any);
    let elsewhere = KvAt {
        realm: "s".into(),
        ..key(b"key")
    };
    put(store, &elsewhere, b"", KvExpect::Any);
    let other = KvAt {
        provider: "other".into(),
        ..key(b"k")
    };
    put(store, &other, b"x", KvExpect::Any);
    add(store, &key(b"n"), 1, Some(at(60)), at(1));
    let all = KvUsage {
        keys: 3,
        bytes: (1 + 15) + (3 + 1) + (1 + 9),
    };
    assert_eq!(usage("sms", at(59)), all);
    let lasting = KvUsage { keys: 2, bytes: 20 };
    assert_eq!(usage("sms", at(60)), lasting);
    assert_eq!(usage("other", at(60)), KvUsage { keys: 1, bytes: 3 });
}
