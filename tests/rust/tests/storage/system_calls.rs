//! What SQLite work asks of the system, counted by strace: numbers of calls do not depend on how busy the machine is.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::stores::Folder;

/// How often which thread made which call.
type Calls = BTreeMap<(String, String), usize>;

/// Calls of the program.
fn counted(folder: &Folder, work: &[&str]) -> Calls {
    let trace = folder.path().join("trace");
    let traced = Command::new("strace")
        .args(["-f", "--decode-pids=comm", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_sqlite_work"))
        .args(work)
        .output()
        .expect("install strace");
    assert!(traced.status.success(), "{traced:?}");
    calls(&trace)
}

/// Lines are `PID<thread> call(arguments…`; a call that was interrupted by another thread's has a second line.
fn calls(trace: &Path) -> Calls {
    let mut found = Calls::new();
    for line in std::fs::read_to_string(trace).unwrap().lines() {
        let thread = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let Some((thread, (call, arguments))) =
            thread.and_then(|(thread, rest)| Some((thread, rest.trim_start().split_once('(')?)))
        else {
            continue;
        };
        let proc = if arguments.contains("/proc/self/fd") {
            " of /proc/self/fd"
        } else {
            ""
        };
        *found
            .entry((thread.to_owned(), format!("{call}{proc}")))
            .or_insert(0) += 1;
    }
    found
}

/// The look for foreign descriptors is never in the way of a write: with 3,000 sockets the writer asks no more than with
/// none, and does not look itself.
#[test]
fn a_write_costs_the_same_calls_beside_three_thousand_sockets() {
    let folder = Folder::new();
    let [without, with] = ["0", "3000"].map(|sockets| {
        let file = folder.path().join(format!("{sockets}.db"));
        counted(&folder, &["write", file.to_str().unwrap(), sockets, "300"])
    });
    // Not all calls: how often threads wait for each other, and which pages random ids fill, is chance.
    let of_writer = |counted: &Calls| {
        ["statx", "openat", "getdents64", "getsockname", "readlink"].map(|call| {
            counted
                .get(&("doorward-sqlite".into(), call.into()))
                .copied()
                .unwrap_or(0)
        })
    };
    let [compared, _, listed, asked, _] = of_writer(&without);
    // A look would ask thousands; a few more or less are the moment at which a thread has its name.
    for (one, other) in of_writer(&without).into_iter().zip(of_writer(&with)) {
        assert!(one.abs_diff(other) < 30, "{without:?} and {with:?}");
    }
    assert_eq!((listed, asked), (0, 0));
    // Three files before each transaction and three after it, and a few at the end.
    assert!((1800..1830).contains(&compared), "{compared}");
    // Where a look did run, it asked about each socket once and followed the names of the few files.
    let looks = |call: &str| with.get(&("doorward-look".to_owned(), call.to_owned())).copied();
    let (asked, followed) = (
        looks("getsockname").unwrap_or(0),
        looks("statx of /proc/self/fd").unwrap_or(0),
    );
    assert!(followed <= asked / 100, "{asked} asked, {followed} followed");
}

/// What this workspace builds with, what README asks others to build with, and what is in the libraries and programs that
/// cargo built beside this test.
#[test]
fn sqlite_is_built_without_what_makes_readers_wait() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let ours = read(".cargo/config.toml");
    let (_, ours) = ours.split_once("[env]\n").unwrap();
    assert!(
        read("README.md").contains(&format!("```toml\n[env]\n{ours}```")),
        "{ours}"
    );

    let mut slow = vec!["ENABLE_API_ARMOR", "ENABLE_MEMORY_MANAGEMENT"];
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    let mut select = connection.prepare("PRAGMA compile_options").unwrap();
    let options: Vec<String> = select
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(options.contains(&"THREADSAFE=1".into()), "{options:?}");
    slow.retain(|slow| options.iter().any(|option| option == slow));
    assert!(slow.is_empty(), "{slow:?}: {options:?}");

    let built = Path::new(env!("CARGO_BIN_EXE_sqlite_work")).parent().unwrap();
    for name in ["sqlite_work", "libdoorward_ffi.so", "lib_doorward.so", "doorward"] {
        // A narrow build makes some of them only.
        let Ok(program) = std::fs::read(built.join(name)) else {
            continue;
        };
        let has = |option: &[u8]| program.windows(option.len()).any(|found| found == option);
        assert!(has(b"THREADSAFE=1\0"), "{name} has no SQLite");
        for slow in [&b"ENABLE_API_ARMOR\0"[..], b"ENABLE_MEMORY_MANAGEMENT\0"] {
            assert!(!has(slow), "{name}: {}", slow.escape_ascii());
        }
    }
}

/// With `ENABLE_MEMORY_MANAGEMENT` all connections share one lock for their pages. The test above cannot miss that; this one
/// counts what it costs, until a run is undisturbed: a thread that a busy machine stops while it holds a lock (SQLite
/// has one more, for a moment of each look-up) makes the others wait, and that is nobody's fault.
#[test]
fn eight_reading_threads_do_not_wait_for_each_other() {
    let folder = Folder::new();
    let trace = folder.path().join("trace");
    // Of one call only: to be stopped at each would make threads wait that hold a lock for it.
    let futexes = |run: u32| {
        let file = folder.path().join(format!("{run}.db"));
        let counted = Command::new("strace")
            .args(["-f", "--seccomp-bpf", "-e", "trace=futex", "-o"])
            .args([trace.as_path(), env!("CARGO_BIN_EXE_sqlite_work").as_ref()])
            .args(["read", file.to_str().unwrap(), "8", "10000"])
            .status();
        assert!(counted.expect("install strace").success());
        std::fs::read_to_string(&trace)
            .unwrap()
            .matches(" futex(")
            .count()
    };
    let few = (0..20).any(|run| futexes(run) < 800);
    assert!(few, "800 futex calls and more for 80,000 look-ups, twenty times");
}
