//! A page of a SQLite file that is damaged, as by a disk: whoever reads it says so, and everybody else goes on.

use std::path::Path;
use std::process::{Command, Stdio};

use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{CreatedUser, Store, StoreError, User};
use doorward_tests::contract::samples::{alone, at, put, user, whole};
use doorward_tests::contract::{settled, wait};
use rusqlite::Connection;

use crate::stores::Folder;

/// Where the first page of a table is: its offset and its size. Asked while no store has the file open.
fn page_of(path: &Path, table: &str) -> (u64, u64) {
    let db = Connection::open(path).unwrap();
    let size: i64 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    let root = "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?1";
    let root: i64 = db.query_row(root, [table], |row| row.get(0)).unwrap();
    let size = u64::try_from(size).unwrap();
    (u64::try_from(root - 1).unwrap() * size, size)
}

/// By another process: whoever closes a file that SQLite has open drops its locks.
fn damage(path: &Path, (offset, size): (u64, u64)) {
    let mut write = Command::new("dd");
    write.args(["if=/dev/zero", "bs=1", "conv=notrunc,fsync"]);
    write.arg(format!("of={}", path.display()));
    write.args([format!("seek={offset}"), format!("count={size}")]);
    assert!(write.stderr(Stdio::null()).status().unwrap().success());
}

fn is_damaged<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    assert!(
        matches!(answer, Err(StoreError::Corrupt(text)) if text.contains("restore the file from a backup")),
        "{answer:?}"
    );
}

/// A store with one user, who has an identity.
fn stopped(path: &Path) -> (SqliteStore, User) {
    let store = SqliteStore::open(SqliteSettings::new(path));
    wait(store.start());
    wait(store.migrate());
    let ann = put(&store, whole("", "ann"));
    wait(store.health());
    wait(store.stop());
    (store, ann)
}

#[test]
fn health_says_that_the_page_it_reads_is_damaged() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let (store, ann) = stopped(&path);
    let page = page_of(&path, "doorward_meta");
    wait(store.start());
    damage(&path, page);
    // A write of somebody else makes every reader read anew what it had at hand.
    let met = put(&store, alone(user("")));
    for _ in 0..3 {
        is_damaged(&settled(store.health()));
    }
    // Users stand on other pages.
    assert_eq!(wait(store.user(ann.id)), Some(ann));
    assert_eq!(wait(store.user(met.id)), Some(met));
    assert_eq!(wait(store.stats(at(0))).users, 2);
    // The next start reads which schema it is.
    wait(store.stop());
    wait(store.start());
    is_damaged(&settled(store.migrate()));
}

#[test]
fn what_health_does_not_read_is_told_by_whoever_reads_it() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let (store, ann) = stopped(&path);
    let page = page_of(&path, "doorward_identity");
    damage(&path, page);
    wait(store.start());
    put(&store, alone(user("")));
    wait(store.health());
    is_damaged(&settled(store.identities(ann.id)));
    is_damaged(&settled(store.create_user(whole("", "bob"))));
    // Undone as a whole, and not the end of the writer.
    assert_eq!(wait(store.stats(at(0))).users, 2);
    let created = settled(store.create_user(alone(user(""))));
    assert!(matches!(created, Ok(CreatedUser::Created)), "{created:?}");
    wait(store.health());
}
