//! The example does what the README says: it prints the cookies of a new session, and its user exists afterwards.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder of this test's own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("doorward-first-login-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn run(&self) -> Output {
        Command::new(env!("CARGO_BIN_EXE_first_login"))
            .current_dir(&self.0)
            .output()
            .unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn prints_two_cookies_once_and_a_conflict_from_then_on() {
    let folder = Folder::new();
    let first = folder.run();
    let printed = String::from_utf8(first.stdout).unwrap();
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    for cookie in ["__Host-doorward-refresh=dwr_", "__Host-doorward-access=dwa_"] {
        assert!(printed.contains(&format!("Set-Cookie: {cookie}")), "{printed}");
    }
    let again = folder.run();
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && said.contains("conflict"), "{said}");
}
