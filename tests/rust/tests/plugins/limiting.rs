//! `doorward.limit/1`, from the plugin's side (`tests/plugins/limiter.c`) to whoever counts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::plugin::{
    Ask, Decision, Kind, Kinds, Limit, Limiter, Operation, PoolSettings, Services, Verdict,
};
use doorward::{Error, ErrorKind, Result, UserId};

use crate::build;
use crate::context::{answer, ask, services};

/// What was asked: realm, provider name, counter.
type Seen = Vec<(String, String, Limit)>;

/// Notes what it is asked, and says for how long it is closed; `None`: it is down.
struct Told {
    seen: Mutex<Seen>,
    closed: Option<Duration>,
}

impl Limiter for Told {
    fn closed_for(&self, realm: &str, provider: &str, limit: &Limit, _: Duration) -> Result<Duration> {
        let seen = (realm.to_owned(), provider.to_owned(), limit.clone());
        self.seen.lock().unwrap().push(seen);
        self.closed
            .ok_or_else(|| Error::new(ErrorKind::Unavailable, "planted"))
    }
}

fn told(closed: Option<Duration>) -> (Kinds, Arc<Told>) {
    let seen = Mutex::default();
    let told = Arc::new(Told { seen, closed });
    let kinds = loaded(Services {
        limits: Some(told.clone()),
        ..services().0
    });
    (kinds, told)
}

fn loaded(services: Services) -> Kinds {
    let object = build::c("tests/plugins/limiter.c", &[]);
    let kinds = Kinds::load(&[build::settings(&object)], &[], services, PoolSettings::of(2)).unwrap();
    kinds.start().unwrap();
    kinds
}

fn named(kinds: &Kinds, kind: &str) -> Kind {
    kinds.open(kind, "sms", &serde_json::Map::new()).unwrap()
}

fn verify(kind: &Kind, credentials: &[(&str, &str)]) -> Verdict {
    answer(kind, ask(Operation::Verify, credentials)).unwrap()
}

/// What the kind was told: status and wait.
fn heard(kind: &Kind, credentials: &[(&str, &str)]) -> (i32, u32) {
    let verdict = verify(kind, credentials);
    let line = verdict.attributes[0].1.as_str().unwrap().to_owned();
    let (status, wait) = line.split_once('|').unwrap();
    (status.parse().unwrap(), wait.parse().unwrap())
}

const OK: i32 = 0;
const ARGUMENT: i32 = -1;
const UNSUPPORTED: i32 = -2;
const TOO_LARGE: i32 = -10;
const CLOSED: u32 = u32::MAX;

#[test]
fn whoever_counts_is_asked_for_realm_provider_name_and_browser_of_the_call() {
    let (kinds, counts) = told(Some(Duration::ZERO));
    let kind = named(&kinds, "limiter");
    let user = UserId::from_bytes([9; 16]);
    let asked = Ask {
        realm: "shop".into(),
        known: Some(user),
        ..ask(
            Operation::Verify,
            &[("do", "send"), ("name", "code"), ("burst", "3"), ("pace", "600")],
        )
    };
    let verdict = answer(&kind, asked).unwrap();
    let limit = Limit {
        name: "code".into(),
        subject: b"ann".to_vec(),
        known: Some(user),
        burst: 3,
        pace: Duration::from_mins(10),
    };
    assert_eq!(
        *counts.seen.lock().unwrap(),
        [("shop".to_owned(), "sms".to_owned(), limit.clone())]
    );
    assert_eq!(
        (verdict.decision, verdict.messages.len()),
        (Decision::Continue, 1)
    );
    assert_eq!(verdict.limits, [limit], "to be charged with the answer");
    assert_eq!(kind.faults(), 0);
}

#[test]
fn what_is_closed_is_said_in_whole_seconds_and_not_charged() {
    for (closed, seconds) in [(1, 1), (1000, 1), (1001, 2), (90_000, 90)] {
        let (kinds, _) = told(Some(Duration::from_millis(closed)));
        let kind = named(&kinds, "limiter");
        assert_eq!(heard(&kind, &[("do", "ask"), ("name", "code")]), (OK, seconds));
        let verdict = verify(&kind, &[("do", "send"), ("name", "code")]);
        assert_eq!((verdict.messages.len(), verdict.limits.len()), (0, 0));
    }
}

#[test]
fn only_an_answer_that_is_stored_is_charged_and_one_counter_once() {
    let (kinds, _) = told(Some(Duration::ZERO));
    let kind = named(&kinds, "limiter");
    let with = |what| verify(&kind, &[("do", what), ("name", "code")]).limits.len();
    assert_eq!((with("send"), with("twice")), (1, 1));
    assert_eq!((with("deny"), with("ask")), (0, 0), "a verification that is over");
    let failed = ask(Operation::Verify, &[("do", "fail"), ("name", "code")]);
    assert_eq!(answer(&kind, failed).unwrap_err().kind(), ErrorKind::Unavailable);
    let many = |times| heard(&kind, &[("do", "ask"), ("name", "x"), ("times", times)]).0;
    assert_eq!((many("4"), many("5")), (OK, TOO_LARGE));
}

#[test]
fn limits_are_in_their_range_and_a_refusal_never_reads_as_open() {
    let (kinds, counts) = told(Some(Duration::ZERO));
    let kind = named(&kinds, "limiter");
    let with = |more: &[(&str, &str)]| {
        let mut credentials = vec![("do", "ask")];
        credentials.extend_from_slice(more);
        heard(&kind, &credentials)
    };
    for good in [
        &[("name", "a"), ("burst", "1"), ("pace", "172800")][..],
        &[("name", "a_2"), ("burst", "10000"), ("pace", "17")],
        &[("name", "code"), ("many", "1024")],
    ] {
        assert_eq!(with(good), (OK, 0), "{good:?}");
    }
    let asked = counts.seen.lock().unwrap().len();
    for bad in [
        &[("name", "")][..],
        &[("name", "Code")],
        &[("name", "a23456789012345678901234567890123")],
        &[("name", "code"), ("many", "0")],
        &[("name", "code"), ("burst", "0")],
        &[("name", "code"), ("pace", "0")],
        &[("name", "code"), ("burst", "10001"), ("pace", "1")],
        &[("name", "code"), ("burst", "2"), ("pace", "86401")],
        &[("name", "code"), ("burst", "4294967295"), ("pace", "4294967295")],
    ] {
        assert_eq!(with(bad), (ARGUMENT, CLOSED), "{bad:?}");
    }
    assert_eq!(with(&[("name", "code"), ("many", "1025")]), (TOO_LARGE, CLOSED));
    for what in ["uncalled", "unnamed"] {
        assert_eq!(
            heard(&kind, &[("do", what), ("name", "code")]),
            (ARGUMENT, CLOSED),
            "{what}"
        );
    }
    assert_eq!(heard(&kind, &[("do", "untold"), ("name", "code")]).0, ARGUMENT);
    assert_eq!(counts.seen.lock().unwrap().len(), asked, "nobody was asked");
    assert_eq!(kind.faults(), 0);
}

#[test]
fn a_kind_that_may_not_wait_may_not_ask_and_without_an_answer_nobody_is_let_in() {
    let (kinds, counts) = told(Some(Duration::ZERO));
    let inline = named(&kinds, "limiter.inline");
    assert_eq!(
        heard(&inline, &[("do", "ask"), ("name", "code")]),
        (UNSUPPORTED, CLOSED)
    );
    // `limiter.c` checks the refusal in open and normalize.
    assert_eq!(named(&kinds, "limiter").normalize(b"Ann").unwrap(), b"Ann");
    assert!(counts.seen.lock().unwrap().is_empty());
    let without = loaded(services().0);
    let kind = named(&without, "limiter");
    assert_eq!(heard(&kind, &[("do", "ask"), ("name", "code")]).0, UNSUPPORTED);
    let (down, _) = told(None);
    let kind = named(&down, "limiter");
    let error = answer(&kind, ask(Operation::Verify, &[("do", "ask"), ("name", "code")])).unwrap_err();
    assert_eq!((error.kind(), kind.faults()), (ErrorKind::Unavailable, 0));
}
