//! Inserts users into the SQLite file named by its argument and prints each one's id after its insert was
//! acknowledged, until somebody kills it. For the test that nothing acknowledged is lost.

#![expect(clippy::unwrap_used, reason = "a test's program: whatever fails ends it")]

use std::io::Write;
use std::sync::Arc;

use doorward::clock::Timestamp;
use doorward::id::UserId;
use doorward::rng::SystemRandom;
use doorward::store::Store;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward_tests::contract::samples::{alone, put, user};
use doorward_tests::contract::{race, wait};

fn main() {
    let path = std::env::args().nth(1).unwrap();
    let store = Arc::new(SqliteStore::open(SqliteSettings::new(path)));
    wait(store.start());
    wait(store.migrate());
    race(8, |_| {
        loop {
            let mut new = alone(user(""));
            new.user.id = UserId::generate(Timestamp::from_micros(0), &SystemRandom).unwrap();
            let made = put(&*store, new);
            // One whole line per call, so that a kill cannot leave half of one that looks like another's.
            let line = format!("{}\n", made.id);
            std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
        }
    });
}
