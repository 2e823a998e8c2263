//! The provider as the shared object that is shipped.

use std::process::Command;

use doorward_plugin::testing::{Ask, ConfigValue, Outcome, TestHost};

#[test]
fn the_shared_object_exports_its_entry_alone_and_enrolls() {
    // Cargo builds the library's `cdylib` beside the tests that link its `rlib`.
    let tests = std::env::current_exe().unwrap();
    let object = tests.with_file_name("libdoorward_passkey.so");

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

    let rp_id = ("rp_id", ConfigValue::Text("example.org".to_owned()));
    let passkey = TestHost::new()
        .load(object)
        .open("passkey", "passkey", &[rp_id])
        .unwrap();
    let begun = passkey.ask(&Ask::enroll().display("jane@example.org"));
    assert_eq!(begun.outcome(), Outcome::Continue);
    assert!(begun.challenged("options").contains("\"id\":\"example.org\""));
}
