//! Random histories of all operations of the storage port: every engine gives every answer of the store in memory, and has
//! what it has in the end. A drift in one of them is found.
//!
//! `STORE_SEED` gives another seed, `STORE_HISTORIES` another number of histories, `STORE_FIRST` the number of the first one:
//! what a failure tells is run again by these.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests judge by panicking, in helpers too"
)]

#[path = "../storage/stores.rs"]
#[expect(
    dead_code,
    reason = "the stores of the contract, of which histories take three"
)]
mod stores;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use doorward::clock::{Clock as _, SystemClock};
use doorward::store::memory::MemoryStore;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward_contract::Fixture;
use doorward_contract::broken::{Broken, PlantedBug};
use doorward_contract::differential::{Divergence, Engine, Histories};

const SEED: u64 = 0x00d0_07a2_d000_0001;
/// Operations of a history, before all is read back.
const STEPS: usize = 14;

#[expect(clippy::disallowed_methods, reason = "how a failure is run again")]
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// As many as are asked for, else so many.
fn histories(count: u64) -> Histories {
    let first = number("STORE_FIRST").unwrap_or(0);
    let count = number("STORE_HISTORIES").unwrap_or(count);
    Histories {
        seed: number("STORE_SEED").unwrap_or(SEED),
        numbers: first..first + count,
        steps: STEPS,
    }
}

/// On two threads, each with stores of its own.
fn agree(histories: &Histories, fresh: impl Fn() -> Vec<Engine> + Sync) {
    let began = SystemClock.monotonic();
    let Range { start, end } = histories.numbers;
    let half = start + (end - start) / 2;
    let compared: u64 = std::thread::scope(|scope| {
        let run = |numbers: Range<u64>| {
            let part = Histories {
                numbers,
                ..histories.clone()
            };
            let fresh = &fresh;
            scope.spawn(move || part.compare(&|| fresh()))
        };
        let running = [run(start..half), run(half..end)];
        let told = |ran: Result<u64, Box<Divergence>>| match ran {
            Ok(compared) => compared,
            Err(parted) => panic!("{parted}"),
        };
        running.into_iter().map(|one| told(one.join().unwrap())).sum()
    });
    println!(
        "seed {}: {} histories, {compared} answers, {:?}",
        histories.seed,
        end - start,
        SystemClock.monotonic().saturating_sub(began)
    );
}

fn memory() -> Engine {
    Engine::new("memory", Fixture::start(Arc::new(MemoryStore::new()), ()))
}

/// In a folder that is memory, too, where there is one.
fn sqlite() -> Engine {
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() {
        stores::Folder::within(shared)
    } else {
        stores::Folder::new()
    };
    let settings = SqliteSettings::new(folder.path().join("doorward.db"));
    Engine::new(
        "SQLite",
        Fixture::start(Arc::new(SqliteStore::open(settings)), folder),
    )
}

fn postgres() -> Engine {
    Engine {
        has_late_touches: true,
        ..Engine::new("PostgreSQL", stores::postgres())
    }
}

#[test]
fn memory_and_sqlite_give_one_answer_to_ten_thousand_histories() {
    agree(&histories(10_000), || vec![memory(), sqlite()]);
}

#[test]
fn postgresql_gives_the_same_to_three_hundred() {
    agree(&histories(300), || vec![memory(), sqlite(), postgres()]);
}

/// A store with a planted bug beside a sound one.
fn beside(bug: PlantedBug) -> Vec<Engine> {
    let sound = stores::memory();
    let inner = Arc::clone(&sound.store);
    let drifting = Fixture::start(Arc::new(Broken { inner, bug }), sound);
    vec![memory(), Engine::new("drifting", drifting)]
}

/// Bugs that one caller alone can see, each another operation.
const DRIFTS: [PlantedBug; 14] = [
    PlantedBug::AdvanceIgnoresItsCondition,
    PlantedBug::AttributesIgnoreTheVersion,
    PlantedBug::CapIsNotCounted,
    PlantedBug::ChangeIgnoresTheEpoch,
    PlantedBug::EndIgnoresTheOwner,
    PlantedBug::ExpiredIsListed,
    PlantedBug::FailuresAreForgotten,
    PlantedBug::FlowIsTakenTwice,
    PlantedBug::LeaseIsNotWritten,
    PlantedBug::LinkIsNotConsumed,
    PlantedBug::PostageIsNotAsked,
    PlantedBug::SpendingIsNotKept,
    PlantedBug::SwapIgnoresTheVersion,
    PlantedBug::TouchesAreLost,
];

#[test]
fn a_planted_drift_is_found_and_told_by_few_steps() {
    for bug in DRIFTS {
        let histories = Histories {
            seed: SEED,
            numbers: 0..2_000,
            steps: STEPS,
        };
        let found = histories.compare(&|| beside(bug));
        let parted = found.expect_err(&format!("{bug:?} is not found"));
        println!("{bug:?}: {parted}");
        assert!(
            parted.steps.len() <= 6,
            "{bug:?} takes more steps than it needs: {parted}"
        );
        assert_eq!(parted.answers.len(), 2, "{bug:?}: {parted}");
    }
}
