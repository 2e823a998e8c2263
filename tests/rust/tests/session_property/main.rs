//! Random histories of operations on the real session code, judged at every step by a sequential reference that is
//! written from the design: answer, reason, times, the very bytes of the tokens, and the list of devices. Some operations happen in the middle of
//! others, between their read and their write.
//!
//! The seed is fixed, so a run is the same everywhere; raise [`CASES`] or change [`SEED`] to look further.

#![expect(clippy::expect_used, clippy::panic, reason = "everything in here is a test")]

mod database;
mod meddle;
mod operations;
mod reference;
mod replay;
mod subject;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward_tests::scratch::Scratch;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use database::{Fresh, Plant};
use replay::Tally;

/// Histories on the memory store.
const CASES: u32 = 5_000;
/// Histories on SQLite, whose commits are durable.
const CASES_ON_SQLITE: u32 = 300;
/// Histories within which a planted bug has to be found.
const CASES_FOR_A_BUG: u32 = 400;
const SEED: [u8; 32] = *b"doorward session property, seed1";

fn memory() -> Fresh {
    Box::new(|| Arc::new(MemoryStore::new()))
}

/// A file for each database, in a folder that goes with the history.
fn sqlite() -> Fresh {
    let folder = Scratch::new();
    let count = AtomicU32::new(0);
    Box::new(move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let path = folder.path().join(format!("{number}.db"));
        let store = SqliteStore::open(SqliteSettings::new(path));
        database::finish(store.start()).expect("the folder is ours");
        database::finish(store.migrate()).expect("the file is empty");
        Arc::new(store)
    })
}

/// Replays histories; the shortest one found on which code and reference differ.
fn search(cases: u32, fresh: fn() -> Fresh, plant: Option<Plant>) -> Result<Tally, String> {
    let config = Config {
        cases,
        failure_persistence: None,
        // A planted bug needs no shortest example.
        max_shrink_iters: if plant.is_some() { 0 } else { 2_000 },
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let strategy = (proptest::bool::ANY, operations::history());
    let total = RefCell::new(Tally::new());
    TestRunner::new_with_rng(config, rng)
        .run(&strategy, |(evict, history)| {
            let tally = replay::replay(&history, evict, fresh(), plant).map_err(TestCaseError::fail)?;
            for (answer, count) in tally {
                *total.borrow_mut().entry(answer).or_default() += count;
            }
            Ok(())
        })
        .map_err(|error| match error {
            TestError::Abort(why) => format!("aborted: {why}"),
            TestError::Fail(why, (evict, history)) => format!("{why}\nevict: {evict}\n{history:#?}"),
        })?;
    Ok(total.into_inner())
}

/// Code and reference agree, and the histories came by everything that can be answered.
fn agree(cases: u32, fresh: fn() -> Fresh, answers: &[&str]) {
    let tally = match search(cases, fresh, None) {
        Ok(tally) => tally,
        Err(difference) => panic!("{difference}"),
    };
    println!("{cases} histories: {tally:#?}");
    for answer in answers {
        assert!(tally.contains_key(*answer), "no history came by {answer:?}");
    }
}

/// Everything that can be answered.
const ANSWERS: [&str; 28] = [
    "CapReached",
    "Expired",
    "Invalid",
    "NotLive",
    "Refused",
    "accepted",
    "counted",
    "created",
    "created, another evicted",
    "ended: rollback_detected",
    "ended: signed_out",
    "ended: token_reuse",
    "signed out: cap",
    "signed out: credentials_changed",
    "signed out: ended",
    "signed out: expired",
    "signed out: not said",
    "signed out: rollback_detected",
    "signed out: signed_out",
    "signed out: superseded",
    "signed out: token_reuse",
    "signed out: user_disabled",
    "tokens: Current",
    "tokens: Next",
    "tokens: Repeated",
    "accepted: previous",
    "interrupted",
    "accepted: stepped up",
];

#[test]
fn sessions_on_the_memory_store_answer_as_the_reference() {
    agree(CASES, memory, &ANSWERS);
}

#[test]
fn sessions_on_sqlite_answer_as_the_reference() {
    agree(
        CASES_ON_SQLITE,
        sqlite,
        &["tokens: Next", "tokens: Repeated", "ended: token_reuse"],
    );
}

/// Each planted bug is one that the replay must see.
fn finds(plant: Plant) {
    let found = search(CASES_FOR_A_BUG, memory, Some(plant));
    assert!(
        found.is_err(),
        "{plant:?} was not found in {CASES_FOR_A_BUG} histories"
    );
}

#[test]
fn finds_acceptance_after_an_end() {
    finds(Plant::AcceptsAfterEnd);
}

#[test]
fn finds_forgotten_confirmations() {
    finds(Plant::ConfirmForgotten);
}

#[test]
fn finds_forgotten_extensions() {
    finds(Plant::ExtendForgotten);
}

#[test]
fn finds_a_fresh_successor() {
    finds(Plant::FreshSuccessor);
}

#[test]
fn finds_an_exchange_without_compare_and_swap() {
    finds(Plant::NoCompareAndSwap);
}

#[test]
fn finds_a_missing_grace() {
    finds(Plant::NoGrace);
}

#[test]
fn finds_ignored_reuse() {
    finds(Plant::ReuseIgnored);
}

#[test]
fn finds_stale_reads() {
    finds(Plant::StaleReads);
}

#[test]
fn finds_a_step_up_that_elevates_the_old_session() {
    finds(Plant::StepUpElevatesOld);
}

#[test]
fn finds_a_step_up_that_leaves_the_old_session() {
    finds(Plant::StepUpForgetsOld);
}
