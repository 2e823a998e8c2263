//! A cold context: `open` looks, and leaves everything as it is. A configuration test of another user makes nothing that the
//! server then cannot read.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use doorward::{Auth, Config};
use doorward_tests::scratch::Scratch;

use crate::context::run;

/// What one file or folder is, the times of its changes among it: what is made and removed again changes its folder's.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    number: (u64, u64),
    owner: (u32, u32, u32),
    written: (i64, i64),
    changed: (i64, i64),
    content: Option<Vec<u8>>,
}

fn look(folder: &Path) -> BTreeMap<PathBuf, Seen> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let all = paths.chain([folder.to_owned()]);
    let seen = all.map(|path| {
        let of = std::fs::symlink_metadata(&path).unwrap();
        let seen = Seen {
            number: (of.dev(), of.ino()),
            owner: (of.uid(), of.gid(), of.mode()),
            written: (of.mtime(), of.mtime_nsec()),
            changed: (of.ctime(), of.ctime_nsec()),
            content: of.is_file().then(|| std::fs::read(&path).unwrap()),
        };
        (path, seen)
    });
    seen.collect()
}

fn opened(folder: &Path) -> doorward::Result<Auth> {
    Auth::open(
        &Config::from_toml(&format!(
            "database = 'sqlite:{}'\nprovider.email.kind = 'password'\n",
            folder.join("doorward.db").display()
        ))
        .unwrap(),
    )
}

#[test]
fn opening_a_cold_context_writes_nothing() {
    let folder = Scratch::new();
    // Nothing is there yet: neither the database nor its log, its shared memory or its key is made.
    let before = look(folder.path());
    let cold = opened(folder.path()).unwrap();
    assert_eq!(look(folder.path()), before, "a missing database");
    drop(cold);
    assert_eq!(look(folder.path()), before, "a missing database, closed");

    let auth = opened(folder.path()).unwrap();
    run(auth.start()).unwrap();
    let names: Vec<String> = look(folder.path())
        .into_keys()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name.starts_with("doorward."))
        .collect();
    assert!(
        names.contains(&"doorward.db".into()) && names.contains(&"doorward.key".into()),
        "{names:?}"
    );
    // Beside a server that runs, and after it.
    let beside = || {
        let before = look(folder.path());
        let cold = opened(folder.path()).unwrap();
        assert_eq!(look(folder.path()), before);
        drop(cold);
        assert_eq!(look(folder.path()), before);
    };
    beside();
    run(auth.stop()).unwrap();
    drop(auth);
    beside();

    // The key of a database that is gone, and a database without its key, are found by `start`, not made good by `open`.
    for gone in ["doorward.db", "doorward.key"] {
        let aside = folder.path().join("aside");
        std::fs::rename(folder.path().join(gone), &aside).unwrap();
        let before = look(folder.path());
        drop(opened(folder.path()));
        assert_eq!(look(folder.path()), before, "without {gone}");
        std::fs::rename(&aside, folder.path().join(gone)).unwrap();
    }
}
