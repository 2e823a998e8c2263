//! SQLite under faults of its disk and with its files taken away, beneath four writers: what was acknowledged is there,
//! what was refused is not, and nothing is damaged. `make test-faults` runs the long ones too.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests judge by panicking, in helpers too"
)]

mod load;
mod unknown;

use std::fs;
use std::path::{Path, PathBuf};

use doorward::clock::{Clock, SystemClock};

use load::{Folder, Judged, Load, Told, Write, beside, judged, opened_again, tally};

/// Kinds of `shim.c` and how rare they are.
const FAULTS: [(&str, u32); 4] = [("write", 40), ("full", 40), ("short", 10), ("sync", 10)];

/// One run: some writes, then more with faults, then SIGKILL or an end in order.
fn struck(kind: &str, one_in: u32, seed: u64, killed: bool) -> (Judged, u64) {
    let folder = Folder::new(&format!("{kind}-{seed}"));
    let mut load = Load::start(&folder, &format!("{kind} {one_in} {seed}"), 0);
    let mut writes = Vec::new();
    load.acknowledged(50, &mut writes);
    load.strike();
    load.answers(400, &mut writes);
    let faults = load.faults();
    if killed {
        load.kill(&mut writes);
    } else {
        drop(load.child.stdin.take());
        load.end(&mut writes);
    }
    let again = opened_again(&folder, &format!("{kind} {one_in} {seed}"));
    println!(
        "{kind} {one_in} {seed}: {faults} faults, {:?}, opened again: {again}",
        tally(&writes)
    );
    (judged(&folder.database(), &writes), faults)
}

fn every_fault(seeds: std::ops::Range<u64>) {
    for (kind, one_in) in FAULTS {
        let mut faults = 0;
        for seed in seeds.clone() {
            let (judged, struck) = struck(kind, one_in, seed, seed % 2 == 0);
            assert_eq!(judged, Judged::default(), "{kind} {seed}");
            faults += struck;
        }
        assert!(faults > 0, "{kind}: nothing has failed");
    }
}

/// The log is made shorter seldom, the shared memory at each first start.
#[test]
fn a_start_that_cannot_shorten_its_files_is_refused_and_loses_nothing() {
    let folder = Folder::new("truncate");
    let mut load = Load::start(&folder, "none 1 1", 0);
    let mut writes = Vec::new();
    load.acknowledged(50, &mut writes);
    load.kill(&mut writes);
    assert!(!opened_again(&folder, "truncate 1 1"));
    assert_eq!(judged(&folder.database(), &writes), Judged::default());
    assert!(opened_again(&folder, "none 1 1"));
}

#[test]
fn what_was_acknowledged_survives_a_bad_disk() {
    every_fault(0..2);
}

#[test]
#[ignore = "make test-faults"]
fn what_was_acknowledged_survives_a_bad_disk_many_times() {
    every_fault(2..42);
}

/// The planted bug: a disk that lies, which nobody can withstand. Whoever judges the runs above must see it.
#[test]
fn a_disk_that_says_written_and_has_not_is_seen() {
    let seen = (0..20).any(|seed| struck("lie", 20, seed, true).0 != Judged::default());
    assert!(seen, "writes that were never made are not missed");
}

/// Takes files away under the load, whose inodes have a second name.
type Harm = fn(&Path);

const HARMS: [(&str, Harm); 5] = [
    ("renamed", |path| fs::rename(path, beside(path, ".old")).unwrap()),
    ("removed", |path| fs::remove_file(path).unwrap()),
    ("log removed", |path| {
        fs::remove_file(beside(path, "-wal")).unwrap();
    }),
    ("all removed", |path| {
        for suffix in ["", "-wal", "-shm"] {
            fs::remove_file(beside(path, suffix)).unwrap();
        }
    }),
    ("restored", |path| {
        fs::copy(path, beside(path, ".backup")).unwrap();
        fs::rename(beside(path, ".backup"), path).unwrap();
    }),
];

/// All that was told until the last writer knew that the files are gone.
fn taken_away(harm: &str, deed: Harm) -> (Vec<Write>, Folder) {
    let folder = Folder::new(harm);
    let path = folder.database();
    let mut load = Load::start(&folder, "none 1 1", 0);
    let mut writes = Vec::new();
    load.acknowledged(200, &mut writes);
    for suffix in ["", "-wal"] {
        fs::hard_link(beside(&path, suffix), beside(&path, &format!("{suffix}.kept"))).unwrap();
    }
    deed(&path);
    load.gone();
    // Each writer ends when it is told that the files are gone, long before it has written so much.
    load.answers(10_000, &mut writes);
    load.kill(&mut writes);
    (writes, folder)
}

#[test]
fn files_that_are_taken_away_under_load_take_no_acknowledged_write_along() {
    for (harm, deed) in HARMS {
        let (writes, folder) = taken_away(harm, deed);
        println!("{harm}: {:?}", tally(&writes));
        let late = writes
            .iter()
            .filter(|write| write.late && write.told == Told::Acknowledged);
        assert_eq!(late.count(), 0, "{harm}: acknowledged into nothing");
        assert!(
            writes
                .iter()
                .any(|write| write.told == Told::Refused("replaced".into())),
            "{harm}"
        );
        // What was acknowledged before is in the files, under whatever name: put back, nothing is missing.
        let path = folder.database();
        for suffix in ["", "-wal", "-shm"] {
            drop(fs::remove_file(beside(&path, suffix)));
        }
        for suffix in ["", "-wal"] {
            fs::rename(beside(&path, &format!("{suffix}.kept")), beside(&path, suffix)).unwrap();
        }
        let judged = judged(&path, &writes);
        assert_eq!((judged.lost, judged.damaged), (0, false), "{harm}");
    }
}

fn now() -> u128 {
    SystemClock.monotonic().as_nanos()
}

/// Processor time of a thread, in nanoseconds.
fn spent(load: &Load, thread: &str) -> u128 {
    let tasks = fs::read_dir(format!("/proc/{}/task", load.child.id())).unwrap();
    let of = |task: PathBuf| {
        let name = fs::read_to_string(task.join("comm")).ok()?;
        let spent = fs::read_to_string(task.join("schedstat")).ok()?;
        let spent = spent.split(' ').next()?.parse::<u128>().ok()?;
        (name.trim() == thread).then_some(spent)
    };
    tasks.filter_map(|task| of(task.unwrap().path())).sum()
}

#[test]
#[ignore = "make test-faults"]
fn the_look_for_foreign_descriptors_takes_a_hundredth_of_the_time() {
    for sockets in [0, 3_000, 15_000] {
        let folder = Folder::new(&format!("sockets-{sockets}"));
        let mut load = Load::start(&folder, "none 1 1", sockets);
        let (began_at, before) = (now(), spent(&load, "doorward-look"));
        let mut writes = Vec::new();
        while now() - began_at < 15_000_000_000 {
            load.answers(100, &mut writes);
        }
        let looked = spent(&load, "doorward-look") - before;
        let passed = now() - began_at;
        println!(
            "{sockets} sockets: {} millionths of the time, {} writes",
            looked * 1_000_000 / passed,
            writes.len()
        );
        assert!(
            looked * 100 <= passed,
            "{sockets} sockets: {looked} of {passed} ns"
        );
        load.kill(&mut writes);
        assert_eq!(judged(&folder.database(), &writes), Judged::default());
    }
}
