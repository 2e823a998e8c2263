//! A process goes by the server's clock: who measures it, on a real server. The process's own clocks are set by hand.

use super::*;

const HOUR: Duration = Duration::from_hours(1);
/// How far apart two readings of one moment are at most; the steps are larger by far.
const CLOSE: Duration = Duration::from_mins(15);
/// Reached only where nothing is measured.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process whose wall clock is two hours ahead of the server's, and its store.
struct Process {
    wall: Arc<ManualClock>,
    shared: Arc<CorrectedClock>,
    store: PostgresStore,
    server: Arc<Server>,
    database: String,
}

impl Process {
    fn start() -> Self {
        let server = Server::shared();
        let url = server.database();
        let wall = Arc::new(ManualClock::new(SystemClock.now().plus(2 * HOUR)));
        let shared = Arc::new(CorrectedClock::new(wall.clone()));
        let store = PostgresStore::correcting(options(&url), shared.clone());
        wait(store.start()).unwrap();
        wait(store.migrate()).unwrap();
        Self {
            database: url.rsplit('/').next().unwrap().to_owned(),
            wall,
            shared,
            store,
            server,
        }
    }

    /// Whether it reads what the server's clock does, which is this machine's.
    fn is_right(&self) -> bool {
        let (now, truth) = (self.shared.now(), SystemClock.now());
        now.since(truth).max(truth.since(now)) < CLOSE
    }

    /// The server's clock parts from this machine's, and no step of any clock here shows it.
    fn part(&self) {
        self.wall.advance(HOUR);
        assert!(!self.is_right());
    }
}

#[test]
fn each_new_connection_measures_the_clock() {
    let process = Process::start();
    assert!(process.is_right(), "the first one does");
    for round in 0..3 {
        process.part();
        assert!(
            wait(process.store.user(UserId::from_bytes([1; 16])))
                .unwrap()
                .is_none()
        );
        assert!(!process.is_right(), "{round}: one that is there already need not");
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'doorward'",
            process.database
        );
        assert_ne!(process.server.psql("postgres", &end), "0");
        assert!(
            wait(process.store.user(UserId::from_bytes([1; 16])))
                .unwrap()
                .is_none()
        );
        assert!(process.is_right(), "{round}");
    }
}

#[test]
fn a_step_of_the_wall_clock_is_measured_though_nobody_asks_the_store_for_anything() {
    let process = Process::start();
    for by in [HOUR, 2 * HOUR] {
        process.part();
        process.wall.step(process.wall.now().plus(by));
        let until = SystemClock.monotonic() + PATIENCE;
        while !process.is_right() {
            assert!(SystemClock.monotonic() < until, "nothing was measured");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
