//! Builds a C plugin as its own file says.

use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The shared object made of `source` (a path in the repository), with `flags` besides the usual ones.
pub(crate) fn plugin(source: &str, name: &str, flags: &[&str]) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.so"));
    let built = Command::new("cc")
        .args([
            "-std=c11",
            "-O1",
            "-g",
            "-Wall",
            "-Wextra",
            "-pedantic",
            "-Werror",
        ])
        .args(["-fPIC", "-shared", "-fvisibility=hidden"])
        .args(flags)
        .arg("-I")
        .arg(repository().join("include"))
        .arg(repository().join(source))
        .arg("-o")
        .arg(&out)
        .status()
        .unwrap();
    assert!(built.success(), "{source} does not compile");
    out
}
