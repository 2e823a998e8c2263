//! Forks at any moment: what a child may use, and that it never waits for what a thread of its parent held.

use std::process::Command;

use crate::stores::Folder;

#[test]
fn a_fork_at_any_moment_leaves_a_child_that_is_served_or_refused() {
    let folder = Folder::new();
    let ran = Command::new(env!("CARGO_BIN_EXE_sqlite_work"))
        .arg("forks")
        .arg(folder.path().join("doorward.db"))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    print!("{}", String::from_utf8_lossy(&ran.stdout));
}
