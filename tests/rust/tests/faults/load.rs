//! A process that writes while something happens to its disk or its files, and what it was told.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use doorward::id::UserId;
use doorward::store::Store;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward_tests::contract::{settled, wait};
use rusqlite::Connection;

/// Longer than any machine takes; reached only where something hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the process was told of one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Acknowledged,
    /// Certainly not done.
    Refused(String),
    Unknown,
}

/// One write, and the answer.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) id: UserId,
    /// It was asked for after [`Load::gone`].
    pub(crate) late: bool,
    pub(crate) told: Told,
}

/// A name beside this one.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// A folder that goes with its owner.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("doorward-faults-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("doorward.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The process under load.
pub(crate) struct Load {
    pub(crate) child: Child,
    lines: Receiver<String>,
    switch: PathBuf,
    epoch: PathBuf,
}

impl Load {
    /// Starts four writers on the folder's database; `faults` is what `shim.c` understands, none of it yet.
    pub(crate) fn start(folder: &Folder, faults: &str, sockets: usize) -> Self {
        let switch = folder.0.join("switch");
        fs::write(&switch, [0; 16]).unwrap();
        let epoch = folder.0.join("epoch");
        fs::write(&epoch, "0").unwrap();
        let mut command = faulty(folder, faults);
        command
            .args(["load", folder.database().to_str().unwrap(), &sockets.to_string()])
            .arg(&epoch);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    return;
                }
            }
        });
        let mut load = Self {
            child,
            lines,
            switch,
            epoch,
        };
        assert_eq!(load.line().as_deref(), Some("started"));
        load
    }

    /// The next line; none when the process has ended.
    fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(error) => panic!("the load says nothing: {error}"),
        }
    }

    /// Reads answers until there are so many acknowledged ones, or the process has ended.
    pub(crate) fn acknowledged(&mut self, count: usize, into: &mut Vec<Write>) {
        let mut left = count;
        while left > 0 {
            let Some(line) = self.line() else { return };
            let write = parsed(&line);
            left -= usize::from(write.told == Told::Acknowledged);
            into.push(write);
        }
    }

    /// Reads as many answers, of whatever kind.
    pub(crate) fn answers(&mut self, count: usize, into: &mut Vec<Write>) {
        for _ in 0..count {
            let Some(line) = self.line() else { return };
            into.push(parsed(&line));
        }
    }

    /// Faults from now on.
    pub(crate) fn strike(&self) {
        let switch = fs::File::options().write(true).open(&self.switch).unwrap();
        switch.write_all_at(&1_u64.to_ne_bytes(), 0).unwrap();
    }

    /// What is asked for from now on is late.
    pub(crate) fn gone(&self) {
        let epoch = fs::File::options().write(true).open(&self.epoch).unwrap();
        epoch.write_all_at(b"1", 0).unwrap();
    }

    /// How many calls failed.
    pub(crate) fn faults(&self) -> u64 {
        let bytes = fs::read(&self.switch).unwrap();
        u64::from_ne_bytes(bytes[8..16].try_into().unwrap())
    }

    /// SIGKILL; what it had said until then.
    pub(crate) fn kill(mut self, into: &mut Vec<Write>) {
        self.child.kill().unwrap();
        self.end(into);
    }

    /// Waits for its own end.
    pub(crate) fn end(mut self, into: &mut Vec<Write>) {
        while let Some(line) = self.line() {
            // The last one may be torn by the kill.
            if line.ends_with('.') {
                into.push(parsed(&line));
            }
        }
        self.child.wait().unwrap();
    }
}

/// `ID EPOCH ANSWER.`
fn parsed(line: &str) -> Write {
    let words: Vec<&str> = line.trim_end_matches('.').split(' ').collect();
    let [id, epoch, told] = words[..] else {
        panic!("{line:?}");
    };
    Write {
        id: UserId::parse(id).unwrap(),
        late: epoch != "48",
        told: match told {
            "acknowledged" => Told::Acknowledged,
            "unknown" => Told::Unknown,
            refused => Told::Refused(refused.to_owned()),
        },
    }
}

/// The program of the load on a disk with these faults, once the folder's switch is on.
fn faulty(folder: &Folder, faults: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sqlite_work"));
    command
        .env("LD_PRELOAD", shim())
        .env("DOORWARD_FAULTS", faults)
        .env("DOORWARD_FAULTS_FILE", "doorward.db")
        .env("DOORWARD_FAULTS_SWITCH", folder.0.join("switch"));
    command
}

/// A start, a few writes and a stop with faults from the first; whether all of it went well.
pub(crate) fn opened_again(folder: &Folder, faults: &str) -> bool {
    fs::write(folder.0.join("switch"), [1_u64.to_ne_bytes(), [0; 8]].concat()).unwrap();
    let mut command = faulty(folder, faults);
    command.args(["write", folder.database().to_str().unwrap(), "0", "20"]);
    command.stderr(Stdio::null());
    command.status().unwrap().success()
}

/// What a database lacks of what was acknowledged, has of what was refused, and whether it is whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) lost: usize,
    pub(crate) back: usize,
    pub(crate) damaged: bool,
}

pub(crate) fn judged(database: &Path, writes: &[Write]) -> Judged {
    let mut judged = Judged::default();
    let whole = |connection: &Connection| -> rusqlite::Result<String> {
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))
    };
    judged.damaged = !matches!(
        Connection::open(database).and_then(|c| whole(&c)).as_deref(),
        Ok("ok")
    );
    if judged.damaged {
        return judged;
    }
    let store = SqliteStore::open(SqliteSettings::new(database));
    wait(store.start());
    for write in writes {
        let Ok(found) = settled(store.user(write.id)) else {
            judged.damaged = true;
            break;
        };
        match write.told {
            Told::Acknowledged => judged.lost += usize::from(found.is_none()),
            Told::Refused(_) => judged.back += usize::from(found.is_some()),
            Told::Unknown => {}
        }
    }
    wait(store.stop());
    judged
}

/// How many answers of each kind, for a line of print.
pub(crate) fn tally(writes: &[Write]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for write in writes {
        *tally.entry(format!("{:?}", write.told)).or_insert(0) += 1;
    }
    tally
}

/// The preloaded library, compiled once.
pub(crate) fn shim() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT
        .get_or_init(|| {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
            let built = std::env::temp_dir().join(format!("doorward-faults-{}.so", std::process::id()));
            let compiled = Command::new("cc")
                .args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o"])
                .args([&built, &source])
                .arg("-ldl")
                .status();
            assert!(compiled.expect("install gcc").success());
            built
        })
        .clone()
}
