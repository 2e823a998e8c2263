//! SQLite does not say what became of a commit: the fsync of the log fails, or the file is moved between commit and answer.
//! In every operation that writes, at its first commit, then at its second, until there is none left: the answer is what
//! stands, or that nobody knows; and whoever then asks again does it once.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use doorward::{Auth, Config, ErrorKind, block_on};
use doorward_tests::scratch::Scratch;
use doorward_tests::writes::{CASES, SETTINGS};

use crate::load::{beside, shim};

/// This process's disk.
struct Disk {
    switch: File,
    moves: bool,
}

impl Disk {
    /// The call to come at which the fault is: 1 the next one, 0 none.
    fn strike(&self, at: u64) {
        self.switch
            .write_all_at(&[at.to_ne_bytes(), [0; 8]].concat(), 0)
            .unwrap();
    }

    /// Whether the fault came. There is none from now on.
    fn struck(&self) -> bool {
        let mut faults = [0; 8];
        self.switch.read_exact_at(&mut faults, 8).unwrap();
        self.strike(0);
        u64::from_ne_bytes(faults) > 0
    }
}

fn opened(folder: &Path) -> Auth {
    let key = folder.join("k1.key");
    fs::write(&key, "17".repeat(32)).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "database = 'sqlite:{}'\nmigrate = true\nstore.deadline = '20s'\nkeys = [{{ id = 'k1', file = '{}' }}]\n{SETTINGS}",
        folder.join("doorward.db").display(),
        key.display()
    );
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap().trusted();
    block_on(auth.start()).unwrap();
    auth
}

#[test]
fn a_commit_whose_fsync_fails_is_answered_by_what_stands_or_as_unknown() {
    on_a_disk("sync");
}

#[test]
fn a_commit_into_a_file_that_was_moved_meanwhile_is_answered_as_unknown() {
    on_a_disk("moved");
}

fn on_a_disk(kind: &str) {
    let folder = Scratch::new();
    let switch = folder.path().join("switch");
    fs::write(&switch, [0; 16]).unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "unknown::whatever_becomes_of_a_commit",
            "--ignored",
            "--nocapture",
        ])
        .env("LD_PRELOAD", shim())
        .env("DOORWARD_FAULTS", format!("{kind} 0 0"))
        .env("DOORWARD_FAULTS_FILE", "doorward.db")
        .env("DOORWARD_FAULTS_SWITCH", switch)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    println!("{told}");
    assert!(
        ran.status.success() && told.contains("1 passed"),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
#[ignore = "the tests before run it, on such disks"]
#[expect(
    clippy::disallowed_methods,
    reason = "the library's variables say which disk this is"
)]
fn whatever_becomes_of_a_commit() {
    let Some(switch) = std::env::var_os("DOORWARD_FAULTS_SWITCH").map(PathBuf::from) else {
        println!("not on such a disk");
        return;
    };
    let kind = std::env::var("DOORWARD_FAULTS").unwrap();
    let disk = Disk {
        switch: File::options().read(true).write(true).open(switch).unwrap(),
        moves: kind.starts_with("moved"),
    };
    let folder = Scratch::new();
    let file = folder.path().join("doorward.db");
    let auth = opened(folder.path());
    for (operation, prepare) in CASES {
        let mut unknown = 0;
        for at in 1.. {
            let prepared = prepare(&auth, format!("{operation}-{at}@example.com"));
            disk.strike(at);
            let answer = (prepared.write)();
            let struck = disk.struck();
            match &answer {
                Ok(()) => {
                    assert!(
                        !struck || !disk.moves,
                        "{operation} {at}: acknowledged into nothing"
                    );
                    (prepared.stands)();
                }
                Err(error) => {
                    assert!(struck, "{operation} {at}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{operation} {at}: {error}");
                    let not_known = error.message().contains("did not say whether it was done");
                    let gone = error.what() == Some("store_file_replaced");
                    assert!(not_known || (gone && disk.moves), "{operation} {at}: {error}");
                    unknown += 1;
                }
            }
            if !struck {
                break;
            }
            if disk.moves {
                fs::rename(beside(&file, ".aside"), &file).unwrap();
                block_on(auth.stop()).unwrap();
                block_on(auth.start()).unwrap();
                block_on(auth.health()).unwrap();
            } else if answer.is_err() {
                // Whoever asks again is neither told that somebody else was faster nor does it twice.
                (prepared.write)().unwrap();
                (prepared.stands)();
            }
        }
        println!("{operation}: not known at {unknown} commits");
    }
}
