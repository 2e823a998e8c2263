//! A SQLite file that is moved, removed or replaced while it is in use: noticed at the next write, and by look-ups within
//! the second. Until now all of these writes were acknowledged, and gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{CreatedUser, Store, StoreError};
use doorward_tests::contract::samples::{alone, at, put, user};
use doorward_tests::contract::{settled, wait};

use crate::stores::Folder;

type Harm = fn(&Path);

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

/// What operators, cleaners and restores do.
const HARMS: [(&str, Harm); 6] = [
    ("renamed", |path| fs::rename(path, beside(path, ".old")).unwrap()),
    ("removed", |path| fs::remove_file(path).unwrap()),
    ("log removed", |path| {
        fs::remove_file(beside(path, "-wal")).unwrap();
    }),
    ("shared memory removed", |path| {
        fs::remove_file(beside(path, "-shm")).unwrap();
    }),
    ("all removed", |path| {
        for suffix in ["", "-wal", "-shm"] {
            fs::remove_file(beside(path, suffix)).unwrap();
        }
    }),
    ("restored by a rename", |path| {
        fs::copy(path, beside(path, ".backup")).unwrap();
        fs::rename(beside(path, ".backup"), path).unwrap();
    }),
];

fn started(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(SqliteSettings::new(path));
    wait(store.start());
    wait(store.migrate());
    store
}

#[test]
fn a_file_that_is_not_where_it_was_takes_no_more_writes() {
    for (harm, deed) in HARMS {
        let folder = Folder::new();
        let path = folder.path().join("doorward.db");
        let store = started(&path);
        put(&store, alone(user("")));
        assert_eq!(wait(store.stats(at(0))).users, 1);
        wait(store.health());
        deed(&path);
        let refused = settled(store.create_user(alone(user(""))));
        assert!(
            matches!(refused, Err(StoreError::Replaced(_))),
            "{harm}: {refused:?}"
        );
        // Once a write has noticed, look-ups know: they must not call anybody signed out.
        let looked = settled(store.stats(at(0)));
        assert!(
            matches!(looked, Err(StoreError::Replaced(_))),
            "{harm}: {looked:?}"
        );
        let health = settled(store.health());
        assert!(
            matches!(health, Err(StoreError::Replaced(_))),
            "{harm}: {health:?}"
        );
        // That it comes back does not undo what others may have done meanwhile.
        if harm == "renamed" {
            fs::rename(beside(&path, ".old"), &path).unwrap();
            assert!(settled(store.stats(at(0))).is_err(), "{harm}");
            wait(store.stop());
            wait(store.start());
            assert_eq!(wait(store.stats(at(0))).users, 1, "{harm}");
        }
    }
}

/// What deployments do: the configured name is a link, and is turned to another file.
#[test]
fn a_link_that_is_turned_to_another_file_is_noticed() {
    let folder = Folder::new();
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    for path in [&old, &new] {
        wait(started(path).stop());
    }
    let named = folder.path().join("doorward.db");
    std::os::unix::fs::symlink(&old, &named).unwrap();
    let store = started(&named);
    put(&store, alone(user("")));
    let turned = beside(&named, ".turned");
    std::os::unix::fs::symlink(&new, &turned).unwrap();
    fs::rename(turned, &named).unwrap();
    let refused = settled(store.create_user(alone(user(""))));
    assert!(matches!(refused, Err(StoreError::Replaced(_))), "{refused:?}");
}

#[test]
fn look_ups_alone_notice_it_within_the_second() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    put(&store, alone(user("")));
    fs::rename(&path, beside(&path, ".old")).unwrap();
    let mut looks = 0_u64;
    let refused = loop {
        match settled(store.stats(at(0))) {
            Ok(found) => assert_eq!(found.users, 1),
            Err(error) => break error,
        }
        looks += 1;
        assert!(looks < 100_000_000, "nobody looks");
    };
    assert!(matches!(refused, StoreError::Replaced(_)), "{refused}");
}

/// A log that was only removed is still held: what it has is folded into the file by the stop.
#[test]
fn what_was_acknowledged_before_the_log_was_removed_is_there_after_a_restart() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    for _ in 0..20 {
        put(&store, alone(user("")));
    }
    fs::remove_file(beside(&path, "-wal")).unwrap();
    assert!(settled(store.create_user(alone(user("")))).is_err());
    wait(store.stop());
    wait(store.start());
    assert_eq!(wait(store.stats(at(0))).users, 20);
    assert!(matches!(
        settled(store.create_user(alone(user("")))),
        Ok(CreatedUser::Created)
    ));
}

#[test]
fn a_store_that_had_a_schema_makes_no_file_in_its_place() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    assert_eq!(wait(store.schema()).found, 1);
    wait(store.stop());
    let aside = beside(&path, ".aside");
    fs::rename(&path, &aside).unwrap();
    let gone = settled(store.start());
    assert!(matches!(gone, Err(StoreError::Missing(_))), "{gone:?}");
    fs::write(&path, "").unwrap();
    let empty = settled(store.start());
    assert!(matches!(empty, Err(StoreError::Missing(_))), "{empty:?}");
    fs::rename(&aside, &path).unwrap();
    wait(store.start());
}

/// After a stop the operator may have restored a backup; after a fork it must be the very same file.
#[test]
fn a_quiesced_store_finds_the_very_same_file_or_none() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    wait(store.quiesce());
    fs::copy(&path, beside(&path, ".backup")).unwrap();
    fs::rename(beside(&path, ".backup"), &path).unwrap();
    let other = settled(store.start());
    assert!(matches!(other, Err(StoreError::Replaced(_))), "{other:?}");
    wait(store.stop());
    wait(store.start());
}
