//! TOTP as the shared object that is shipped.

#![forbid(unsafe_code)]

use std::process::Command;

use doorward_plugin::testing::{Ask, Outcome, TestHost};

#[test]
fn the_shared_object_exports_its_entry_alone_and_enrolls() {
    // Cargo builds the library's `cdylib` beside the tests that link its `rlib`.
    let tests = std::env::current_exe().unwrap();
    let object = tests.with_file_name("libdoorward_totp.so");

    let listing = Command::new("readelf")
        .args(["-W", "--dyn-syms"])
        .arg(&object)
        .output()
        .unwrap();
    let listing = String::from_utf8(listing.stdout).unwrap();
    let exported: Vec<&str> = listing
        .lines()
        .filter(|line| line.contains(" GLOBAL ") && !line.contains(" UND "))
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(exported, ["doorward_plugin_v1"]);

    let totp = TestHost::new().load(object).open("totp", "totp", &[]).unwrap();
    let begun = totp.ask(&Ask::enroll().credential("label", "phone"));
    assert_eq!(begun.outcome(), Outcome::Continue);
    assert_eq!(begun.challenged("secret").len(), 32);
}
