//! The shared object that Cargo builds beside a plugin's tests: what is shipped.

use std::path::PathBuf;
use std::process::Command;

/// The shared object of the package with that name, as its integration tests find it, checked to export the entry of a
/// plugin and nothing else. Needs `readelf`.
///
/// # Panics
/// When there is none, or it exports something else.
#[expect(clippy::expect_used, reason = "a test")]
pub fn shared_object(package: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("the path of this test");
    let object = tests.with_file_name(format!("lib{}.so", package.replace('-', "_")));
    let listing = Command::new("readelf")
        .args(["-W", "--dyn-syms"])
        .arg(&object)
        .output()
        .expect("readelf");
    let listing = String::from_utf8_lossy(&listing.stdout);
    let exported: Vec<&str> = listing
        .lines()
        .filter(|line| line.contains(" GLOBAL ") && !line.contains(" UND "))
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(exported, ["doorward_plugin_v1"], "{}", object.display());
    object
}
