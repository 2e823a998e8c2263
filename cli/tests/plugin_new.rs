//! `doorward plugin new`: what it writes builds and keeps the contract as it stands.

#![expect(clippy::unwrap_used, reason = "tests judge by panicking, in helpers too")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An empty folder of that name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn doorward(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorward"))
        .arg("plugin")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Writes, builds as the project's README says, and checks.
fn follows(language: &str, with: &[&str], object: &str) {
    let folder = folder(&format!("new-{language}"));
    let written = doorward(&folder, &["new", "front_door", "--lang", language]);
    assert!(written.status.success(), "{written:?}");
    let project = folder.join("front_door");
    let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
    assert!(readme.contains(&format!("    {}\n", with.join(" "))), "{readme}");
    assert!(readme.contains(&format!("plugin check {object} ")), "{readme}");
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    // The versions that are here already: a test asks nobody for others.
    std::fs::copy(lock, project.join("Cargo.lock")).unwrap();
    let built = Command::new(with[0])
        .args(&with[1..])
        .current_dir(&project)
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let checked = doorward(&project, &["check", object, "--vectors", "vectors.toml"]);
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(
        checked.status.success() && said.contains(" 0 failed, 0 warned"),
        "{said}"
    );
    assert!(said.contains("vectors      front_door, isolated"), "{said}");
}

#[test]
fn a_project_in_c_builds_and_passes() {
    follows("c", &["make"], "front_door.so");
}

#[test]
fn a_project_in_cpp_builds_and_passes() {
    follows("cpp", &["make"], "front_door.so");
}

#[test]
fn a_project_in_rust_builds_and_passes() {
    follows(
        "rust",
        &["cargo", "build", "--release"],
        "target/release/libfront_door.so",
    );
}

#[test]
fn what_cannot_be_written_is_said_and_nothing_is_written() {
    let folder = folder("new-refused");
    for (arguments, code, said) in [
        (&["new"][..], 2, "which NAME?"),
        (&["new", "Front", "--lang", "c"], 2, "is no name"),
        (&["new", "../up", "--lang", "c"], 2, "is no name"),
        (&["new", "_door", "--lang", "c"], 2, "is no name"),
        (
            &["new", "a23456789012345678901234567890123", "--lang", "c"],
            2,
            "is no name",
        ),
        (&["new", "door"], 2, "--lang is needed"),
        (&["new", "door", "--lang", "cobol"], 2, "there are c, cpp"),
        (
            &["new", "door", "--lang", "rust", "--sdk", "/nonexistent"],
            1,
            "is not the SDK",
        ),
    ] {
        let output = doorward(&folder, arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::create_dir(folder.join("door")).unwrap();
    let output = doorward(&folder, &["new", "door", "--lang", "c"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(folder.join("door")).unwrap().count(), 0);
}
