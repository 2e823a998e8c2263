//! `doorward.kv/1`, from the plugin's side (`tests/plugins/keeper.c`) to a real store.

use std::sync::Arc;
use std::time::Duration;

use doorward::ErrorKind;
use doorward::clock::{Clock, ManualClock};
use doorward::kept::{KeptKeys, KeptQuota};
use doorward::plugin::{
    Ask, Decision, Kept, KeyAt, KeyValue, Kind, Kinds, NotKept, Operation, PoolSettings, Services,
};
use doorward::rng::SystemRandom;
use doorward::store::memory::MemoryStore;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{KvAt, KvValue, Reply, Store};
use doorward::{Error, Secret, Timestamp};

use crate::build;
use crate::context::{LONG, answer, ask, services};

struct Keeper {
    kinds: Kinds,
    clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
}

fn ready<T: Unpin>(reply: Reply<T>) -> T {
    doorward::block_on(reply).unwrap()
}

fn keeper(store: Arc<dyn Store>) -> Keeper {
    keeper_of(store, KeptQuota::default())
}

fn keeper_of(store: Arc<dyn Store>, quota: KeptQuota) -> Keeper {
    ready(store.start());
    ready(store.migrate());
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
    let (services, _) = services();
    let kept = KeptKeys::new(
        store.clone(),
        services.keys.clone().unwrap(),
        clock.clone(),
        Arc::new(SystemRandom),
        quota,
    );
    Keeper {
        kinds: loaded(Services {
            kv: Some(Arc::new(kept)),
            ..services
        }),
        clock,
        store,
    }
}

fn loaded(services: Services) -> Kinds {
    let object = build::c("tests/plugins/keeper.c", &[]);
    let kinds = Kinds::load(&[build::settings(&object)], &[], services, PoolSettings::of(2)).unwrap();
    kinds.start().unwrap();
    kinds
}

impl Keeper {
    fn named(&self, kind: &str, name: &str) -> Kind {
        self.kinds.open(kind, name, &serde_json::Map::new()).unwrap()
    }
}

fn asked(realm: &str, credentials: &[(&str, &str)]) -> Ask {
    Ask {
        realm: realm.into(),
        ..ask(Operation::Verify, credentials)
    }
}

/// What the kind was told: status, value in hex, number.
fn told(kind: &Kind, realm: &str, credentials: &[(&str, &str)]) -> (i32, String, i64) {
    let verdict = answer(kind, asked(realm, credentials)).unwrap();
    assert_eq!(verdict.decision, Decision::Accept);
    let line = verdict.attributes[0].1.as_str().unwrap().to_owned();
    let mut parts = line.split('|');
    let mut next = || parts.next().unwrap().to_owned();
    let status = next().parse().unwrap();
    (status, next(), next().parse().unwrap())
}

fn status(kind: &Kind, credentials: &[(&str, &str)]) -> i32 {
    told(kind, "", credentials).0
}

const OK: i32 = 0;
const ARGUMENT: i32 = -1;
const UNSUPPORTED: i32 = -2;
const FORMAT: i32 = -9;
const TOO_LARGE: i32 = -10;
const NOT_FOUND: i32 = -11;
const CONFLICT: i32 = -12;
const OVERLOADED: i32 = -13;

#[test]
fn values_are_put_read_replaced_and_removed_by_version() {
    let folder = build::folder();
    let stores: [Arc<dyn Store>; 2] = [
        Arc::new(MemoryStore::new()),
        Arc::new(SqliteStore::open(SqliteSettings::new(folder.join("kept.db")))),
    ];
    for store in stores {
        let keeper = keeper(store);
        let kind = keeper.named("keeper", "sms");
        let get = [("do", "get"), ("key", "k")];
        assert_eq!(status(&kind, &get), NOT_FOUND);
        let put = |value: &str, expect: &str| {
            told(
                &kind,
                "",
                &[("do", "put"), ("key", "k"), ("value", value), ("expect", expect)],
            )
        };
        let (put_status, _, version) = put("one", "0");
        assert_eq!((put_status, version > 0), (OK, true));
        assert_eq!(put("two", "0").0, CONFLICT);
        assert_eq!(told(&kind, "", &get), (OK, "6f6e65".into(), version));
        let (_, _, next) = put("two", &version.to_string());
        assert_ne!(next, version);
        assert_eq!(put("three", &version.to_string()).0, CONFLICT);
        let remove = |expect: &str| status(&kind, &[("do", "remove"), ("key", "k"), ("expect", expect)]);
        assert_eq!(remove(&version.to_string()), CONFLICT);
        assert_eq!(remove(&next.to_string()), OK);
        assert_eq!(remove("-1"), NOT_FOUND);
        // Put again, it is another one.
        assert_eq!(put("two", "0").0, OK);
        assert_eq!(remove(&next.to_string()), CONFLICT);
        assert_eq!(kind.faults(), 0);
        keeper.kinds.stop();
        ready(keeper.store.stop());
    }
}

#[test]
fn counters_add_up_and_what_has_an_end_is_gone_then() {
    let keeper = keeper(Arc::new(MemoryStore::new()));
    let kind = keeper.named("keeper", "sms");
    let add = |delta: &str| {
        told(
            &kind,
            "",
            &[("do", "add"), ("key", "n"), ("delta", delta), ("seconds", "60")],
        )
    };
    assert_eq!(add("5"), (OK, String::new(), 5));
    keeper.clock.advance(Duration::from_secs(59));
    assert_eq!(add("-7"), (OK, String::new(), -2));
    let read = told(&kind, "", &[("do", "get"), ("key", "n")]);
    assert_eq!(read.1, "feffffffffffffff", "little-endian");
    assert_eq!(add("-9223372036854775807").0, TOO_LARGE);
    keeper.clock.advance(Duration::from_secs(1));
    assert_eq!(add("1"), (OK, String::new(), 1));
    let put = [("do", "put"), ("key", "v"), ("value", "x"), ("seconds", "10")];
    assert_eq!(status(&kind, &put), OK);
    assert_eq!(status(&kind, &[("do", "add"), ("key", "v")]), FORMAT);
    keeper.clock.advance(Duration::from_secs(10));
    assert_eq!(status(&kind, &[("do", "get"), ("key", "v")]), NOT_FOUND);
    let now = keeper.clock.now();
    assert_eq!(ready(keeper.store.purge(now, Duration::ZERO, 100)).others, 1);
}

#[test]
fn nobody_sees_another_realm_or_provider_name() {
    let keeper = keeper(Arc::new(MemoryStore::new()));
    let (sms, call) = (keeper.named("keeper", "sms"), keeper.named("keeper", "call"));
    let put = [("do", "put"), ("key", "k"), ("value", "mine")];
    let get = [("do", "get"), ("key", "k")];
    assert_eq!(told(&sms, "a", &put).0, OK);
    assert_eq!(told(&sms, "a", &get).1, "6d696e65");
    assert_eq!(told(&sms, "b", &get).0, NOT_FOUND);
    assert_eq!(told(&call, "a", &get).0, NOT_FOUND);
    assert_eq!(told(&call, "a", &[("do", "remove"), ("key", "k")]).0, NOT_FOUND);
    // Whoever writes to the database cannot move a value to where another key is read.
    let here = KvAt {
        realm: "a".into(),
        provider: "sms".into(),
        key: b"k".to_vec(),
    };
    let stored = ready(keeper.store.kv(here.clone(), keeper.clock.now())).unwrap();
    let KvValue::Bytes(sealed) = stored.value else {
        panic!("not bytes");
    };
    assert!(!sealed.windows(4).any(|part| part == b"mine"), "it is sealed");
    let moved = doorward::store::KvChange {
        at: KvAt {
            provider: "call".into(),
            ..here
        },
        action: doorward::store::KvAction::Put {
            sealed,
            expect: doorward::store::KvExpect::Any,
            expires_at: None,
        },
        version: 1,
        now: keeper.clock.now(),
    };
    ready(keeper.store.change_kv(moved));
    assert_eq!(told(&call, "a", &get).0, FORMAT);
}

#[test]
fn limits_are_named_and_nothing_is_kept_beyond_them() {
    let keeper = keeper(Arc::new(MemoryStore::new()));
    let kind = keeper.named("keeper", "sms");
    let fill = |key: &str, value: &str| {
        status(
            &kind,
            &[("do", "fill"), ("key", "-"), ("many", key), ("delta", value)],
        )
    };
    assert_eq!(fill("0", "1"), ARGUMENT);
    assert_eq!(
        (fill("1024", "65536"), fill("1025", "0"), fill("1", "65537")),
        (OK, TOO_LARGE, TOO_LARGE)
    );
    assert_eq!(
        status(&kind, &[("do", "get"), ("key", "-"), ("many", "1024")]),
        TOO_LARGE,
        "its buffer"
    );
    assert_eq!(
        status(&kind, &[("do", "put"), ("key", "k"), ("expect", "-2")]),
        ARGUMENT
    );
    assert_eq!(
        status(&kind, &[("do", "remove"), ("key", "k"), ("expect", "0")]),
        ARGUMENT
    );
    assert_eq!(
        status(&kind, &[("do", "uncalls"), ("key", "k")]),
        ARGUMENT,
        "without a call"
    );
}

#[test]
fn a_kind_that_may_not_wait_may_not_ask() {
    let keeper = keeper(Arc::new(MemoryStore::new()));
    let kind = keeper.named("keeper.inline", "sms");
    for what in ["get", "put", "remove", "add"] {
        assert_eq!(
            status(&kind, &[("do", what), ("key", "k")]),
            UNSUPPORTED,
            "{what}"
        );
    }
    // Its answer must be the same every time, so it may not depend on what is kept: `keeper.c` checks the refusal.
    assert_eq!(keeper.named("keeper", "call").normalize(b"Ann").unwrap(), b"Ann");
    let without = loaded(services().0);
    let kind = without.open("keeper", "sms", &serde_json::Map::new()).unwrap();
    assert_eq!(status(&kind, &[("do", "get"), ("key", "k")]), UNSUPPORTED);
}

#[test]
fn a_full_provider_name_is_told_so_and_no_other_name_feels_it() {
    let keys = KeptQuota {
        keys: 3,
        ..KeptQuota::default()
    };
    let keeper = keeper_of(Arc::new(MemoryStore::new()), keys);
    let (kind, other) = (keeper.named("keeper", "sms"), keeper.named("keeper", "call"));
    let put =
        |kind: &Kind, key: &str, value: &str| status(kind, &[("do", "put"), ("key", key), ("value", value)]);
    for key in ["a", "b", "c"] {
        assert_eq!(put(&kind, key, "value"), OK);
    }
    let add = |key: &str| status(&kind, &[("do", "add"), ("key", key)]);
    assert_eq!((put(&kind, "d", "value"), add("n")), (OVERLOADED, OVERLOADED));
    assert_eq!(
        (put(&kind, "a", "other"), put(&kind, "a", "longer value")),
        (OK, OVERLOADED)
    );
    assert_eq!(put(&other, "d", "value"), OK);
    assert_eq!(status(&kind, &[("do", "remove"), ("key", "a")]), OK);
    keeper.clock.advance(Duration::from_secs(10));
    assert_eq!((add("n"), add("m")), (OK, OVERLOADED));
    assert_eq!((kind.faults(), other.faults()), (0, 0));
    // Large values: 17 of 60 kB in 1 MiB.
    let bytes = KeptQuota {
        bytes: 1 << 20,
        ..KeptQuota::default()
    };
    let keeper = keeper_of(Arc::new(MemoryStore::new()), bytes);
    let kind = keeper.named("keeper", "sms");
    let fill = |length: usize| {
        let length = length.to_string();
        status(
            &kind,
            &[
                ("do", "fill"),
                ("key", "-"),
                ("many", &length),
                ("delta", "60000"),
            ],
        )
    };
    let told: Vec<i32> = (1..=40).map(fill).collect();
    assert!(
        told.iter().all(|status| [OK, OVERLOADED].contains(status)),
        "{told:?}"
    );
    assert_eq!(told.iter().filter(|status| **status == OK).count(), 17);
}

/// A keeper that is down, or as slow as it is let.
struct Broken {
    slow: bool,
}

impl Broken {
    fn fail<T>(&self, wait: Duration) -> Kept<T> {
        let kind = if self.slow {
            std::thread::sleep(wait);
            ErrorKind::Timeout
        } else {
            ErrorKind::Unavailable
        };
        Err(NotKept::Failed(Error::new(kind, "planted")))
    }
}

impl KeyValue for Broken {
    fn get(&self, _at: &KeyAt<'_>, wait: Duration) -> Kept<(Secret, i64)> {
        self.fail(wait)
    }
    fn put(&self, _at: &KeyAt<'_>, _value: &[u8], _seconds: u32, _expect: i64, wait: Duration) -> Kept<i64> {
        self.fail(wait)
    }
    fn remove(&self, _at: &KeyAt<'_>, _expect: i64, wait: Duration) -> Kept<()> {
        self.fail(wait)
    }
    fn add(&self, _at: &KeyAt<'_>, _delta: i64, _seconds: u32, wait: Duration) -> Kept<i64> {
        self.fail(wait)
    }
}

#[test]
fn a_store_that_is_down_or_slow_lets_nobody_in() {
    for what in ["get", "put", "remove", "add"] {
        let down = loaded(Services {
            kv: Some(Arc::new(Broken { slow: false })),
            ..services().0
        });
        let kind = down.open("keeper", "sms", &serde_json::Map::new()).unwrap();
        let credentials = [("do", what), ("key", "k")];
        let error = answer(&kind, asked("", &credentials)).unwrap_err();
        assert_eq!(
            (error.kind(), kind.faults()),
            (ErrorKind::Unavailable, 0),
            "{what}"
        );
    }
    let slow = loaded(Services {
        kv: Some(Arc::new(Broken { slow: true })),
        ..services().0
    });
    let kind = slow.open("keeper", "sms", &serde_json::Map::new()).unwrap();
    let short = Duration::from_millis(100);
    let waited = kind.ask(asked("", &[("do", "get"), ("key", "k")]), short.min(LONG));
    assert_eq!(doorward::block_on(waited).unwrap_err().kind(), ErrorKind::Timeout);
    // A real store that is not started.
    let store = Arc::new(SqliteStore::open(SqliteSettings::new(
        build::folder().join("kept.db"),
    )));
    let keeper = keeper(store);
    ready(keeper.store.stop());
    let error = answer(
        &keeper.named("keeper", "sms"),
        asked("", &[("do", "add"), ("key", "k")]),
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
