//! What a plugin may ask of the host, tried from the plugin's side by `tests/plugins/probe.c`.

use doorward::ErrorKind;
use doorward::plugin::{Decision, Kinds, Operation, PoolSettings};
use serde_json::json;

use crate::build;
use crate::context::{answer, ask, kinds, open, services};

#[test]
fn every_host_service_works() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let (services, heard) = services();
    let kinds = Kinds::load(&[build::settings(&object)], &[], services, PoolSettings::of(2)).unwrap();
    let options = json!({ "key": "k3y", "limit": 5, "strict": true, "server": { "greeting": "hello" } });
    let probe = open(&kinds, "probe", &options).unwrap();
    kinds.start().unwrap();
    let verdict = answer(&probe, ask(Operation::Verify, &[("word", "x")])).unwrap();
    assert_eq!(verdict.decision, Decision::Accept);
    assert_eq!(
        verdict.attributes,
        [("seen".to_owned(), json!("hello|k3y|5|1|probe"))]
    );
    let heard = heard.0.lock().unwrap().clone();
    assert!(heard[0].starts_with("loaded "), "{heard:?}");
    assert_eq!(heard[1..], ["probe probe.seen {\"n\":1}"]);
    assert_eq!(probe.faults(), 0);
}

#[test]
fn options_are_checked_before_the_kind_sees_them_and_it_may_still_refuse() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let kinds = kinds(&object);
    for (options, named) in [
        (json!({ "key": "k", "limt": 5 }), "limt: there is no such option"),
        (json!({ "limit": 5 }), "key: must be set"),
        (
            json!({ "key": "k", "limit": 21 }),
            "limit: must be a whole number from 1 to 20",
        ),
        (json!({ "key": "k", "limit": 13 }), "thirteen is unlucky"),
    ] {
        let error = open(&kinds, "probe", &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(named), "{error}");
    }
    let file = build::folder().join("key");
    std::fs::write(&file, "from a file\n").unwrap();
    let probe = open(&kinds, "probe", &json!({ "key": { "file": file } })).unwrap();
    let verdict = answer(&probe, ask(Operation::Verify, &[])).unwrap();
    assert_eq!(verdict.attributes[0].1, json!("|from a file|3|0|probe"));
}

#[test]
fn a_canonical_identifier_is_its_own_canonical_form() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let kinds = kinds(&object);
    let probe = open(&kinds, "probe", &json!({ "key": "k" })).unwrap();
    assert_eq!(probe.normalize(b"Ann").unwrap(), b"ann");
    for (raw, kind) in [
        (&b"!"[..], ErrorKind::InvalidArgument),
        (b"", ErrorKind::InvalidArgument),
        (&[b'a'; 1025], ErrorKind::InvalidArgument),
        (b"+ann", ErrorKind::PluginFault),
    ] {
        assert_eq!(probe.normalize(raw).unwrap_err().kind(), kind);
    }
    assert_eq!(probe.faults(), 1);
}

#[test]
fn credentials_are_the_declared_ones_and_too_long_is_wrong() {
    let object = build::c("tests/plugins/probe.c", &[]);
    let kinds = kinds(&object);
    let probe = open(&kinds, "probe", &json!({ "key": "k" })).unwrap();
    for credentials in [&[("wrod", "x")][..], &[("word", "x"), ("word", "y")]] {
        let error = answer(&probe, ask(Operation::Verify, credentials)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    assert_eq!(
        answer(&probe, ask(Operation::Enroll, &[])).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    // The kind accepts everything; what is longer than it declared it must never get to accept.
    let verdict = answer(&probe, ask(Operation::Verify, &[("word", "123456789")])).unwrap();
    assert_eq!(verdict.decision, Decision::Deny);
}
