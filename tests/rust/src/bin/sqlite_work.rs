//! Work on a SQLite store in a process of its own, for tests that count its system calls or take something from it.
//!
//!     sqlite_work write FILE SOCKETS WRITES    so many writes, one after the other, beside so many open sockets
//!     sqlite_work read FILE THREADS LOOKUPS    so many look-ups in each thread
//!     sqlite_work threadless FILE              a start without the right to a thread, then a fork
//!     sqlite_work forks FILE                   forks at any moment of starts and quiesces of another thread, and beside a
//!                                              foreign descriptor that came in between
//!     sqlite_work load FILE SOCKETS EPOCH      writes of four threads, each told on a line: `ID EPOCH ANSWER.`, until
//!                                              the input ends or the files are gone; EPOCH is a file, of
//!                                              which the first byte is told as it was when the write was asked for

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's program: whatever fails ends it"
)]

use std::io::{Read, Write};
use std::net::UdpSocket;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use doorward::id::UserId;
use doorward::rng::SystemRandom;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{CreatedUser, Store, StoreError};
use doorward_tests::contract::samples::{alone, at, put, user};
use doorward_tests::contract::{race, settled, wait};
use doorward_tests::wait::Over;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Uid, alarm, fork, setuid};

/// The load has run long enough.
static OVER: AtomicBool = AtomicBool::new(false);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize| arguments[n].parse::<usize>().unwrap();
    let file = Path::new(&arguments[1]);
    match arguments[0].as_str() {
        "write" => write(file, number(2), number(3)),
        "read" => read(file, number(2), number(3)),
        "threadless" => threadless(file),
        "forks" => forks(file),
        "load" => load(file, number(2), &arguments[3]),
        other => panic!("{other}?"),
    }
}

fn started(file: &Path) -> SqliteStore {
    let store = SqliteStore::open(SqliteSettings::new(file));
    wait(store.start());
    wait(store.migrate());
    store
}

fn opened(sockets: usize) -> Vec<UdpSocket> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    (0..sockets)
        .map(|_| UdpSocket::bind("127.0.0.1:0").unwrap())
        .collect()
}

fn load(file: &Path, sockets: usize, epoch: &str) {
    let sockets = opened(sockets);
    let store = started(file);
    let epoch = std::fs::File::open(epoch).unwrap();
    say("started\n");
    std::thread::spawn(|| {
        // The input ends with whoever started this.
        drop(std::io::stdin().read(&mut [0]));
        OVER.store(true, Ordering::Relaxed);
    });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !OVER.load(Ordering::Relaxed) {
                    let mut new = alone(user(""));
                    new.user.id = UserId::generate(at(0), &SystemRandom).unwrap();
                    let (id, mut asked_in) = (new.user.id, [0]);
                    epoch.read_exact_at(&mut asked_in, 0).unwrap();
                    let told = match settled(store.create_user(new)) {
                        Ok(CreatedUser::Created) => "acknowledged",
                        Ok(other) => panic!("{other:?}"),
                        Err(StoreError::UnknownOutcome(_)) => "unknown",
                        Err(StoreError::Replaced(_)) => "replaced",
                        Err(StoreError::Full(_) | StoreError::Unavailable(_)) => "unavailable",
                        Err(StoreError::Corrupt(_)) => "corrupt",
                        Err(other) => panic!("{other:?}"),
                    };
                    // One whole line per call, so that a kill cannot leave half of one that looks like another's.
                    say(&format!("{id} {} {told}.\n", asked_in[0]));
                    if told == "replaced" {
                        return;
                    }
                }
            });
        }
    });
    wait(store.stop());
    drop(sockets);
}

fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    output.write_all(line.as_bytes()).unwrap();
    output.flush().unwrap();
}

fn write(file: &Path, sockets: usize, writes: usize) {
    let sockets = opened(sockets);
    let store = started(file);
    for _ in 0..writes {
        put(&store, alone(user("")));
    }
    wait(store.stop());
    drop(sockets);
}

fn read(file: &Path, threads: usize, lookups: usize) {
    let store = started(file);
    let made = put(&store, alone(user("")));
    race(threads, |_| {
        for _ in 0..lookups {
            assert!(wait(store.user(made.id)).is_some());
        }
    });
}

/// What cannot be started must leave nothing behind that a child of a fork would trip over.
fn threadless(file: &Path) {
    // Root may always have one more.
    if Uid::effective().is_root() {
        setuid(Uid::from_raw(65_534)).unwrap();
    }
    let (_, most) = getrlimit(Resource::RLIMIT_NPROC).unwrap();
    setrlimit(Resource::RLIMIT_NPROC, 0, most).unwrap();
    let store = SqliteStore::open(SqliteSettings::new(file));
    let refused = settled(store.start());
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(text)) if text.contains("thread")),
        "{refused:?}"
    );
    setrlimit(Resource::RLIMIT_NPROC, most, most).unwrap();
    // SAFETY: this process has one thread, as it was refused any other.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let store = started(file);
            put(&store, alone(user("")));
            assert_eq!(wait(store.stats(at(0))).users, 1);
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
            let store = started(file);
            assert_eq!(wait(store.stats(at(0))).users, 1);
        }
    }
}

/// Children of which each kind has been seen.
const CHILDREN: usize = 40;
/// Seconds after which a child that waits for ever is ended.
const FOR_EVER: u32 = 120;

/// How a child of a fork ends that begins anew on the file.
fn child(file: &Path) -> ! {
    alarm::set(FOR_EVER);
    let store = SqliteStore::open(SqliteSettings::new(file));
    let ended = match settled(store.start()) {
        Ok(()) => match settled(store.stats(at(0))) {
            Ok(found) if found.users == 1 => 0,
            _ => 3,
        },
        Err(StoreError::Forked(_)) => 1,
        Err(StoreError::SharedInProcess(_)) => 2,
        Err(_) => 4,
    };
    drop(store);
    std::process::exit(ended)
}

fn forked(file: &Path) -> WaitStatus {
    // SAFETY: the child uses nothing that another thread of ours may have held but what is judged here: SQLite and the
    // store. The allocator is fit for a fork.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => child(file),
        ForkResult::Parent { child } => waitpid(child, None).unwrap(),
    }
}

/// Whenever the fork comes, the child is served (nothing was open) or refused (something was), and never waits for ever.
fn forks(file: &Path) {
    let store = started(file);
    put(&store, alone(user("")));
    wait(store.quiesce());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ends = Over(&OVER);
            while !OVER.load(Ordering::Relaxed) {
                wait(store.start());
                wait(store.stats(at(0)));
                wait(store.quiesce());
                sleep(Duration::from_millis(1));
            }
        });
        let over = Over(&OVER);
        let mut seen = [0; 2];
        for turn in 0.. {
            sleep(Duration::from_micros(turn * 37 % 5_000));
            assert!(
                !OVER.load(Ordering::Relaxed),
                "the store neither starts nor rests"
            );
            match forked(file) {
                WaitStatus::Exited(_, code @ (0 | 1)) => seen[code.unsigned_abs() as usize] += 1,
                other => panic!("{other:?} after {seen:?}"),
            }
            if seen.iter().all(|seen| *seen >= CHILDREN) {
                break;
            }
        }
        drop(over);
        println!("{} children were served, {} refused", seen[0], seen[1]);
    });
    // Another copy of SQLite opens the file when nobody looks: the child has its descriptor, and so have we.
    let foreign = std::fs::File::open(file).unwrap();
    assert!(matches!(forked(file), WaitStatus::Exited(_, 2)));
    let refused = settled(store.start());
    assert!(
        matches!(refused, Err(StoreError::SharedInProcess(_))),
        "{refused:?}"
    );
    drop(foreign);
    assert!(matches!(forked(file), WaitStatus::Exited(_, 0)));
    wait(store.start());
    assert_eq!(wait(store.stats(at(0))).users, 1);
    wait(store.stop());
}
