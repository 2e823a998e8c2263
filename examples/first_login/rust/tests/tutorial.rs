//! The programs of `docs/tutorials/rust.md` are the files of this crate, and each of them does what the page says.

use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../../../docs/tutorials/rust.md");
const PROGRAMS: [&str; 3] = [
    include_str!("../src/main.rs"),
    include_str!("../src/bin/session.rs"),
    include_str!("../src/bin/second_factor.rs"),
];

#[test]
fn the_page_shows_the_files() {
    let shown: Vec<&str> = PAGE
        .split("\n```rust\n")
        .skip(1)
        .map(|block| block.split("\n```\n").next().unwrap())
        .collect();
    // Each without the line that says what it is and how it is run.
    let files = PROGRAMS.map(|file| file.split_once('\n').unwrap().1.trim_end());
    assert_eq!(shown, files);
}

#[test]
fn a_session_begins_is_seen_and_ends() {
    let ran = Command::new(env!("CARGO_BIN_EXE_session")).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.starts_with("signed in: "),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn a_second_factor_is_drawn_and_asked_for() {
    let program = Path::new(env!("CARGO_BIN_EXE_second_factor"));
    let plugin = program.with_file_name("libdoorward_recovery_codes.so");
    assert!(plugin.exists(), "cargo build --workspace ({})", plugin.display());
    let ran = Command::new(program).arg(&plugin).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.lines().count() == 11,
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
