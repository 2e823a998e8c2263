//! Tries one wrong password on the SQLite file named by its argument, says so once the attempt is claimed, and works on
//! it until somebody kills it. For the test that whoever dies holding a claim has failed.

#![expect(clippy::unwrap_used, reason = "a test's program: whatever fails ends it")]

use std::io::Write;
use std::sync::Arc;

use doorward::clock::{ManualClock, Timestamp};
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{Reply, Store, ThrottleStep, Throttled};
use doorward::{Auth, Config, Fields, block_on};
use doorward_tests::intercept::{Intercept, Intercepted};

/// Stops for good once a claim is written.
struct Claims(Arc<dyn Store>);

impl Intercept for Claims {
    fn inner(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        let is_claim = steps
            .iter()
            .any(|step| matches!(step, ThrottleStep::Claim { .. }));
        let done = block_on(self.0.throttle(steps, now));
        if is_claim && done.as_ref().is_ok_and(|done| *done == Throttled::Done) {
            std::io::stdout().lock().write_all(b"claimed\n").unwrap();
            loop {
                std::thread::park();
            }
        }
        Reply::Now(done)
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (path, settings, now) = (
        arguments.next().unwrap(),
        arguments.next().unwrap(),
        arguments.next().unwrap(),
    );
    let mut config = Config::from_toml(&settings).unwrap();
    let store = Arc::new(SqliteStore::open(SqliteSettings::new(path)));
    config.store(Arc::new(Intercepted(Arc::new(Claims(store)))));
    config.clock(Arc::new(ManualClock::new(Timestamp::from_micros(
        now.parse().unwrap(),
    ))));
    let auth = Auth::open(&config).unwrap().trusted();
    block_on(auth.start()).unwrap();
    let guess = Fields::from([("password", "wrong donkey capacitor")]);
    drop(block_on(auth.authenticate(
        "email",
        Some(b"ann@example.com"),
        guess,
    )));
}
