//! What is written: claims that are put back, commits that are lost, tables that stay flat.

use std::io::{BufRead as _, BufReader};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use doorward::Timestamp;
use doorward::clock::Clock as _;
use doorward::store::memory::MemoryStore;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{Reply, Store, StoreError, ThrottleStep, Throttled};
use doorward::throttle::Counter;
use doorward_tests::intercept::{Intercept, Intercepted};
use doorward_tests::scratch::Scratch;

use crate::world::{
    PASSWORD, WRONG, from, how, password, peer, process, run, settings, sign_up, time, try_at, wait_of,
};

/// Counts throttle transactions, and may lose the answer of a claim.
pub(crate) struct Counting {
    inner: Arc<dyn Store>,
    writes: AtomicU32,
    loses: AtomicBool,
    hangs: AtomicBool,
}

impl Counting {
    pub(crate) fn over(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            writes: AtomicU32::new(0),
            loses: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        })
    }

    pub(crate) fn store(self: &Arc<Self>) -> Arc<dyn Store> {
        Arc::new(Intercepted(self.clone()))
    }

    pub(crate) fn writes(&self) -> u32 {
        self.writes.load(Ordering::SeqCst)
    }
}

impl Intercept for Counting {
    fn inner(&self) -> Arc<dyn Store> {
        self.inner.clone()
    }

    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let is_claim = steps
            .iter()
            .any(|step| matches!(step, ThrottleStep::Claim { .. }));
        let done = self.inner.throttle(steps, now);
        if is_claim && self.loses.load(Ordering::SeqCst) {
            drop(run(done));
            return Reply::Now(Err(StoreError::UnknownOutcome("the answer was lost".into())));
        }
        if is_claim && self.hangs.load(Ordering::SeqCst) {
            drop(run(done));
            return Reply::later(std::future::pending());
        }
        done
    }
}

#[test]
fn an_attempt_that_is_dropped_frees_its_slot_and_puts_its_claim_back() {
    let time = time();
    let counting = Counting::over(Arc::new(MemoryStore::new()));
    let auth = process(&counting.store(), &time, 0, "");
    sign_up(&auth, "ann@example.com");
    for number in 0..10 {
        assert_eq!(how(&auth, &peer(number), "ann@example.com", WRONG), "refused");
    }
    // Ten are free: each of these claims, waits for the answer, and goes away.
    counting.hangs.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        let on = auth.on(from("192.0.2.1", ""));
        let mut attempt = pin!(on.authenticate("email", Some(b"ann@example.com"), password(WRONG)));
        let polled = attempt.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(
            matches!(polled, Poll::Pending),
            "its claim is written, and not answered"
        );
    }
    counting.hangs.store(false, Ordering::SeqCst);
    assert_eq!(how(&auth, "192.0.2.1", "ann@example.com", PASSWORD), "accepted");
}

#[test]
fn a_claim_whose_commit_was_lost_is_known_by_what_stands_there() {
    let time = time();
    let counting = Counting::over(Arc::new(MemoryStore::new()));
    let auth = process(&counting.store(), &time, 0, "");
    sign_up(&auth, "ann@example.com");
    for number in 0..10 {
        how(&auth, &peer(number), "ann@example.com", WRONG);
    }
    counting.loses.store(true, Ordering::SeqCst);
    assert_eq!(how(&auth, "192.0.2.1", "ann@example.com", WRONG), "refused");
    assert_eq!(
        how(&auth, "192.0.2.1", "ann@example.com", WRONG),
        "throttled",
        "counted once, and closed"
    );
    time.advance(Duration::from_secs(2));
    assert_eq!(how(&auth, "192.0.2.1", "ann@example.com", PASSWORD), "accepted");
}

/// A process that is really killed between claim and settle, on a database that others go on with.
#[test]
fn whoever_is_killed_holding_a_claim_has_failed() {
    let time = time();
    let folder = Scratch::new();
    let path = folder.path().join("doorward.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(SqliteSettings::new(&path)));
    run(store.start()).unwrap();
    run(store.migrate()).unwrap();
    let auth = process(&store, &time, 0, "");
    sign_up(&auth, "ann@example.com");
    for number in 0..10 {
        assert_eq!(how(&auth, &peer(number), "ann@example.com", WRONG), "refused");
    }
    for doubled in 0..3_u32 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_claim_until_killed"))
            .arg(&path)
            .arg(settings(""))
            .arg(time.now().as_micros().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut said).unwrap();
        assert_eq!(said, "claimed\n");
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        // It stands as a failure, with the delay of one.
        let answer = try_at(&auth, from("192.0.2.1", ""), "ann@example.com", PASSWORD);
        let wait = Duration::from_secs(2 << doubled);
        assert_eq!(wait_of(&answer), wait);
        time.advance(wait);
    }
    assert_eq!(how(&auth, "192.0.2.1", "ann@example.com", PASSWORD), "accepted");
    run(auth.stop()).unwrap();
}

/// Two hours of 25 wrong sign-ins a second, everybody and everywhere new.
#[test]
fn the_table_is_no_larger_than_what_lives() {
    let time = time();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let laws = doorward::throttle::ThrottleSettings::default();
    let mut sizes = Vec::new();
    let mut number: u64 = 0;
    for _ in 0..3 {
        for _ in 0..3600 * 25 {
            number += 1;
            time.advance(Duration::from_millis(40));
            let mut bucket = [0; 32];
            bucket[..8].copy_from_slice(&number.to_be_bytes());
            let key = |scope: u8, counter| {
                let mut bucket = bucket;
                bucket[8] = scope;
                doorward::store::ThrottleKey {
                    bucket,
                    law: laws.law(counter),
                }
            };
            let steps = vec![
                ThrottleStep::Fail(key(1, Counter::In)),
                ThrottleStep::Fail(key(2, Counter::Id)),
                ThrottleStep::Fail(key(3, Counter::Net)),
            ];
            run(store.throttle(steps, time.now())).unwrap();
        }
        sizes.push(number);
    }
    // What is over by now is a handful: the rest was removed in passing.
    let over = run(store.purge(time.now(), Duration::ZERO, u32::MAX))
        .unwrap()
        .throttles;
    assert!(over <= 16, "{over} of {number} are left");
}
