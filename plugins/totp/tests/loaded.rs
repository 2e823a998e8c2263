//! TOTP as the shared object that is shipped.

#![forbid(unsafe_code)]

use doorward_plugin_testing::{Ask, Outcome, TestHost, shared_object};

#[test]
fn the_shared_object_exports_its_entry_alone_and_enrolls() {
    let object = shared_object(env!("CARGO_PKG_NAME"));
    let totp = TestHost::new().load(object).open("totp", "totp", &[]).unwrap();
    let begun = totp.ask(&Ask::enroll().credential("label", "phone"));
    assert_eq!(begun.outcome(), Outcome::Continue);
    assert_eq!(begun.challenged("secret").len(), 32);
}
