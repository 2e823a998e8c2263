//! Users come and go while strangers ask for letters that nobody gets: who asks is answered, and nothing is left behind of
//! who went. On PostgreSQL, and the same on SQLite.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use doorward::{Auth, Config, Fields, NewUserOptions, Outcome, TokenPurpose};
use doorward_tests::scratch::Scratch;
use doorward_tests::wait::{Over, block_on as run};
use rusqlite::Connection;

use super::*;

/// Who asks at the same time.
const STRANGERS: usize = 6;
/// Users who come and go.
const USERS: usize = 40;
/// Where letters and what they are about are filed under a user.
const FILED: [&str; 2] = ["doorward_token", "doorward_outbox"];

fn opened(database: &str, folder: &Path) -> Auth {
    let key = folder.join("k1.key");
    std::fs::write(&key, "17".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "database = '{database}'\nmigrate = true\nstore.deadline = '20s'\nkeys = [{{ id = 'k1', file = '{}' }}]\n\
         throttle.enabled = false\npassword.memory_kib = 64\npassword.passes = 1\n\
         password.unsafe_fast_hashes = true\nprovider.email.kind = 'password'\n",
        key.display()
    );
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap().trusted();
    run(auth.start()).unwrap();
    auth
}

fn signed_up(auth: &Auth, name: &str) -> UserId {
    let password = Fields::from([("password", "correct horse battery")]);
    let made = run(auth.create_user("email", name.as_bytes(), password, NewUserOptions::default()));
    made.unwrap().require().unwrap().user_id()
}

/// Asks for a letter; whoever it is is told the same.
fn ask(auth: &Auth, name: &str) {
    let asked = run(auth.request_token(TokenPurpose::Recovery, "email", name.as_bytes(), None)).unwrap();
    assert!(
        matches!(asked.outcome, Outcome::Accepted(())),
        "{name}: {:?}",
        asked.outcome
    );
}

/// Users sign up and are deleted; meanwhile strangers ask in the names of nobody, whose doubles those users are, and of the
/// users themselves.
fn come_and_go(auth: &Auth) {
    let over = AtomicBool::new(false);
    let asked = AtomicUsize::new(0);
    thread::scope(|scope| {
        for stranger in 0..STRANGERS {
            let (over, asked) = (&over, &asked);
            scope.spawn(move || {
                let _ends = Over(over);
                for number in 0.. {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    let name = match number % 3 {
                        0 => format!("u{}@example.com", number % USERS),
                        _ => format!("nobody-{stranger}-{number}@example.com"),
                    };
                    ask(auth, &name);
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let ends = Over(&over);
        for user in 0..USERS {
            let name = format!("u{user}@example.com");
            let id = signed_up(auth, &name);
            ask(auth, &name);
            // Somebody asks between any two of these.
            let before = asked.load(Ordering::SeqCst);
            while asked.load(Ordering::SeqCst) < before + STRANGERS {
                assert!(!over.load(Ordering::SeqCst), "a stranger was told otherwise");
                thread::yield_now();
            }
            assert_eq!(run(auth.delete_user(id)).unwrap(), 0);
        }
        drop(ends);
    });
    // Nothing is due for any of them.
    assert_eq!(run(auth.stats()).unwrap().users, 0);
    let due = run(auth.take_deliveries(1_000, Duration::from_mins(1))).unwrap();
    assert!(
        due.iter().all(|one| one.template != TokenPurpose::Recovery.id()),
        "{due:?}"
    );
}

#[test]
fn deletions_beside_decoys_neither_fail_nor_leave_anything_behind_on_postgres() {
    let server = Server::shared();
    let (url, folder) = (server.database(), Scratch::new());
    let auth = opened(&url, folder.path());
    come_and_go(&auth);
    for table in FILED {
        let left = format!("SELECT count(*) FROM {table} WHERE user_id IS NOT NULL");
        assert_eq!(
            server.psql(url.rsplit('/').next().unwrap(), &left),
            "0",
            "{table}"
        );
    }
    run(auth.stop()).unwrap();
}

#[test]
fn deletions_beside_decoys_neither_fail_nor_leave_anything_behind_on_sqlite() {
    let folder = Scratch::new();
    let file = folder.path().join("doorward.db");
    let auth = opened(&format!("sqlite:{}", file.display()), folder.path());
    come_and_go(&auth);
    run(auth.stop()).unwrap();
    let db = Connection::open(&file).unwrap();
    for table in FILED {
        let left = format!("SELECT count(*) FROM {table} WHERE user_id IS NOT NULL");
        let left: i64 = db.query_row(&left, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

/// A stranger's session holds the row of the only user, who is the double of everybody whom nobody is.
#[test]
fn a_locked_double_keeps_nobody_waiting() {
    let server = Server::shared();
    let (url, folder) = (server.database(), Scratch::new());
    let auth = opened(&url, folder.path());
    signed_up(&auth, "ann@example.com");
    let name = url.rsplit('/').next().unwrap();
    let holder = server.hold(name, "BEGIN; SELECT 1 FROM doorward_user FOR UPDATE");
    for number in 0..5 {
        let nobody = format!("nobody-{number}@example.com");
        ask(&auth, &nobody);
        let password = Fields::from([("password", "correct horse battery")]);
        let refused = run(auth.authenticate("email", Some(nobody.as_bytes()), password)).unwrap();
        assert!(
            matches!(refused.outcome, Outcome::Refused(_)),
            "{:?}",
            refused.outcome
        );
    }
    drop(holder);
    run(auth.stop()).unwrap();
}
