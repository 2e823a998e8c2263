//! The provider as the shared object that is shipped.

use doorward_plugin_testing::{Ask, ConfigValue, Outcome, TestHost, shared_object};

#[test]
fn the_shared_object_exports_its_entry_alone_and_enrolls() {
    let object = shared_object(env!("CARGO_PKG_NAME"));
    let rp_id = ("rp_id", ConfigValue::Text("example.org".to_owned()));
    let passkey = TestHost::new()
        .load(object)
        .open("passkey", "passkey", &[rp_id])
        .unwrap();
    let begun = passkey.ask(&Ask::enroll().display("jane@example.org"));
    assert_eq!(begun.outcome(), Outcome::Continue);
    assert!(begun.challenged("options").contains("\"id\":\"example.org\""));
}
