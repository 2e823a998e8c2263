//! Databases that do not answer: a disk whose fsync hangs, a network through which nothing comes. Every caller is answered
//! at the deadline, wherever it waits, and all is well when the database answers again.
//!
//! That a caller was answered is seen by its answer, while the database still hangs; how soon is printed.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use doorward::clock::{Clock as _, SystemClock};
use doorward::{
    Auth, Config, Error, ErrorKind, Fields, NewUserOptions, Outcome, Session, SessionOptions, block_on,
};
use doorward_tests::postgres::Server;
use doorward_tests::scratch::Scratch;

const DEADLINE: Duration = Duration::from_secs(1);
/// How long a test waits for what must come while the database hangs.
const PATIENCE: Duration = Duration::from_mins(2);

fn opened(database: &str, folder: &Path) -> Auth {
    opened_with(database, folder, DEADLINE)
}

fn opened_with(database: &str, folder: &Path, deadline: Duration) -> Auth {
    let key = folder.join("k1.key");
    std::fs::write(&key, "17".repeat(32)).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let config = Config::from_toml(&format!(
        "database = '{database}'\nmigrate = true\nkeys = [{{ id = 'k1', file = '{}' }}]\nstore.deadline = '{}s'\n\
         password.memory_kib = 8\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
         provider.email.kind = 'password'\n",
        key.display(),
        deadline.as_secs()
    ));
    let auth = Auth::open(&config.unwrap()).unwrap();
    block_on(auth.start()).unwrap();
    auth
}

fn signed_in(auth: &Auth, email: &str) -> Session {
    let password = Fields::from([("password", "correct horse battery")]);
    let user = auth.create_user("email", email.as_bytes(), password, NewUserOptions::default());
    let proof = block_on(user).unwrap().require().unwrap();
    block_on(auth.create_session(&proof, SessionOptions::default()))
        .unwrap()
        .require()
        .unwrap()
}

/// What a caller wants, and what it was told.
type Wants = fn(&Auth, usize) -> Result<(), Error>;

fn access(session: &Session) -> Vec<u8> {
    session.access_token().unwrap().expose().to_vec()
}

/// Runs each in a thread of its own while nothing comes from the database; gives what each was told, and how long the
/// slowest waited.
fn told(auth: &Auth, callers: usize, wants: Wants) -> (Vec<Result<(), Error>>, Duration) {
    let (tell, hear) = channel();
    for caller in 0..callers {
        let (auth, tell) = (auth.clone(), tell.clone());
        std::thread::spawn(move || {
            let began_at = SystemClock.monotonic();
            let answer = wants(&auth, caller);
            drop(tell.send((answer, SystemClock.monotonic().saturating_sub(began_at))));
        });
    }
    let mut slowest = Duration::ZERO;
    let answers = (0..callers)
        .map(|_| {
            let (answer, waited) = hear.recv_timeout(PATIENCE).unwrap();
            slowest = slowest.max(waited);
            answer
        })
        .collect();
    (answers, slowest)
}

/// The library that makes disks hang, built once.
fn hung_disk() -> PathBuf {
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hung_disk-{}.so", std::process::id()));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../disks/hung_disk.c");
    let made = Command::new("cc")
        .args([
            "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
        ])
        .arg(source)
        .arg("-o")
        .arg(&object)
        .args(["-ldl"])
        .status();
    assert!(made.unwrap().success());
    object
}

#[test]
fn a_disk_that_hangs_costs_its_callers_the_deadline_and_no_more() {
    let folder = Scratch::new();
    let library = hung_disk();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "on_a_disk_that_hangs", "--ignored", "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env("HUNG_DISK", folder.path().join("hung"))
        .status();
    std::fs::remove_file(library).unwrap();
    assert!(ran.unwrap().success());
}

#[test]
#[ignore = "the test before runs it, on such a disk"]
#[expect(
    clippy::disallowed_methods,
    reason = "the library's variable says where the switch is"
)]
fn on_a_disk_that_hangs() {
    let hung = PathBuf::from(std::env::var_os("HUNG_DISK").unwrap());
    let folder = Scratch::new();
    let auth = opened(
        &format!("sqlite:{}", folder.path().join("doorward.db").display()),
        folder.path(),
    );
    let session = signed_in(&auth, "ann@example.com");
    let user = session.user().id;
    let wants: [(&str, usize, Wants); 5] = [
        ("sign up", 100, |auth, caller| {
            let (email, password) = (
                format!("u{caller}@example.com"),
                Fields::from([("password", "correct horse battery")]),
            );
            let user = auth.create_user("email", email.as_bytes(), password, NewUserOptions::default());
            block_on(user).map(|_| ())
        }),
        ("sign in by trusted code", 20, |auth, _| {
            let user = block_on(auth.find_user("email", b"ann@example.com"))?.unwrap().id;
            block_on(auth.create_session_for_user(user, &[], SessionOptions::default())).map(|_| ())
        }),
        ("ask for a link", 20, |auth, _| {
            let purpose = doorward::TokenPurpose::Recovery;
            block_on(auth.request_token(purpose, "email", b"ann@example.com", None)).map(|_| ())
        }),
        ("ask how it is", 5, |auth, _| block_on(auth.health())),
        ("purge", 5, |auth, _| block_on(auth.purge_expired()).map(|_| ())),
    ];
    for (what, callers, wants) in wants {
        std::fs::write(&hung, "").unwrap();
        // Somebody whose write is at the disk before the others come.
        let first = auth.clone();
        let first = std::thread::spawn(move || {
            block_on(first.update_attributes(user, r#"{"a":1}"#, None)).map(|_| ())
        });
        let hangs_by = SystemClock.monotonic() + PATIENCE;
        while std::fs::metadata(&hung).unwrap().len() == 0 {
            assert!(
                SystemClock.monotonic() < hangs_by,
                "{what}: nobody is at the disk"
            );
            std::thread::yield_now();
        }
        let (answers, slowest) = told(&auth, callers, wants);
        eprintln!("{what}: {callers} callers, the slowest {slowest:?}");
        for answer in &answers {
            let error = answer.as_ref().expect_err(what);
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error}");
        }
        // Look-ups never wait for the disk.
        assert!(matches!(
            block_on(auth.validate_session(&access(&session)))
                .unwrap()
                .outcome,
            Outcome::Accepted(_)
        ));
        assert_eq!(first.join().unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
        std::fs::remove_file(&hung).unwrap();
        let heals_at = SystemClock.monotonic() + PATIENCE;
        while block_on(auth.health()).is_err() {
            assert!(SystemClock.monotonic() < heals_at, "{what}: it is well again");
        }
    }
    signed_in(&auth, "bob@example.com");
    block_on(auth.stop()).unwrap();
}

/// Twenty callers write while somebody else holds a lock that each of them needs: all are told that, and sessions go on.
fn told_of_a_lock(auth: &Auth, session: &Session) {
    let (answers, slowest) = told(auth, 20, |auth, caller| {
        let (email, password) = (
            format!("u{caller}@example.com"),
            Fields::from([("password", "correct horse battery")]),
        );
        block_on(auth.create_user("email", email.as_bytes(), password, NewUserOptions::default())).map(|_| ())
    });
    eprintln!("a lock that somebody holds: 20 callers, the slowest {slowest:?}");
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(
            (error.kind(), error.what()),
            (ErrorKind::Unavailable, Some("database_locked")),
            "{error}"
        );
        assert!(error.message().contains("lock"), "{error}");
    }
    assert!(matches!(
        block_on(auth.validate_session(&access(session))).unwrap().outcome,
        Outcome::Accepted(_)
    ));
}

#[test]
fn a_lock_that_is_waited_for_in_vain_is_told_as_such() {
    let folder = Scratch::new();
    let file = folder.path().join("doorward.db");
    let auth = opened(&format!("sqlite:{}", file.display()), folder.path());
    let session = signed_in(&auth, "ann@example.com");
    // Another program, as an operator's shell would, in a transaction that it forgets.
    let mut holder = Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys\nopen_ = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
             open_.execute('BEGIN IMMEDIATE')\nprint('held', flush=True)\nsys.stdin.read()",
        ])
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 5];
    holder.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    told_of_a_lock(&auth, &session);
    let refreshed = auth.refresh_session(session.refresh_token().unwrap().expose());
    for error in [
        block_on(refreshed).unwrap_err(),
        block_on(auth.health()).unwrap_err(),
    ] {
        assert_eq!(error.what(), Some("database_locked"), "{error}");
    }
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    signed_in(&auth, "bob@example.com");
    block_on(auth.stop()).unwrap();
}

#[test]
fn a_lock_that_is_waited_for_in_vain_is_told_as_such_on_postgres() {
    let server = Server::shared();
    let url = server.database();
    let folder = Scratch::new();
    // A lock is waited for a quarter of it: that much is left to hear so.
    let auth = opened_with(&url, folder.path(), 4 * DEADLINE);
    let session = signed_in(&auth, "ann@example.com");
    // What `ALTER TABLE … ADD FOREIGN KEY … REFERENCES doorward_user` takes. Some wait for it, the others for those.
    let holder = server.hold(
        url.rsplit('/').next().unwrap(),
        "BEGIN; LOCK TABLE doorward_user IN SHARE ROW EXCLUSIVE MODE",
    );
    told_of_a_lock(&auth, &session);
    drop(holder);
    signed_in(&auth, "bob@example.com");
    block_on(auth.stop()).unwrap();
}

/// Passes bytes on, unless nothing is to come through.
fn network(server: u16) -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dead = Arc::new(AtomicBool::new(false));
    let is_dead = dead.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            for (from, to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                let is_dead = is_dead.clone();
                std::thread::spawn(move || pass(from, to, &is_dead));
            }
        }
    });
    (port, dead)
}

fn pass(mut from: TcpStream, mut to: TcpStream, dead: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        while dead.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
}

#[test]
fn two_thousand_callers_through_a_dead_network_are_answered_at_the_deadline() {
    let server = Server::shared();
    let folder = Scratch::new();
    let (port, dead) = network(server.port());
    let direct = format!(":{}/", server.port());
    let url = server.database().replace(&direct, &format!(":{port}/"));
    let auth = opened(&url, folder.path());
    let session = signed_in(&auth, "ann@example.com");
    let token: Arc<[u8]> = access(&session).into();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    dead.store(true, Ordering::SeqCst);
    let slowest = runtime.block_on(async {
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..2_000 {
            let (auth, token) = (auth.clone(), token.clone());
            callers.spawn(async move {
                let began_at = SystemClock.monotonic();
                let error = auth.validate_session(&token).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                SystemClock.monotonic().saturating_sub(began_at)
            });
        }
        let all = tokio::time::timeout(PATIENCE, callers.join_all());
        all.await
            .expect("everybody is answered")
            .into_iter()
            .max()
            .unwrap()
    });
    eprintln!("2,000 look-ups, the slowest {slowest:?}");
    // One batch after the other would take seven deadlines and more.
    assert!(slowest < 5 * DEADLINE, "{slowest:?}");
    dead.store(false, Ordering::SeqCst);
    let heals_at = SystemClock.monotonic() + PATIENCE;
    while block_on(auth.validate_session(&token)).is_err() {
        assert!(SystemClock.monotonic() < heals_at, "it is well again");
    }
    block_on(auth.stop()).unwrap();
}
