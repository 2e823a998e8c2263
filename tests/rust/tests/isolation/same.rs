//! Isolated and not: the same questions get the same answers.

use doorward::plugin::{Ask, Decision, Operation};
use serde_json::json;

use crate::build;
use crate::context::{answer, ask, kinds, open, step, stored};

#[test]
fn a_plugin_enrolls_and_verifies_in_a_process_of_its_own() {
    let kinds = kinds(&build::c("plugins/template/c/pin.c", &[]));
    let pin = open(&kinds, "pin", &json!({})).unwrap();
    let short = answer(&pin, ask(Operation::Enroll, &[("pin", "12"), ("word", "abc")])).unwrap();
    assert_eq!(short.violations.len(), 2);
    let enrolled = answer(
        &pin,
        ask(Operation::Enroll, &[("pin", "314159"), ("word", "umbrella")]),
    )
    .unwrap();
    assert_eq!(enrolled.decision, Decision::Accept);
    let record = stored(&enrolled);
    let verify = |digits| Ask {
        records: vec![record.clone()],
        ..ask(Operation::Verify, &[("pin", digits)])
    };
    assert_eq!(answer(&pin, verify("271828")).unwrap().decision, Decision::Deny);
    let first = answer(&pin, verify("314159")).unwrap();
    assert_eq!(first.decision, Decision::Continue);
    let second = Ask {
        records: vec![record.clone()],
        ..step(Operation::Verify, &first.state.unwrap(), &[("character", "u")])
    };
    let right = answer(&pin, second).unwrap();
    assert_eq!((right.decision, right.used), (Decision::Accept, Some(record.id)));
    assert_eq!(pin.faults(), 0);
}

#[test]
fn messages_of_kinds_come_out_of_their_process_as_they_went_in() {
    let kinds = kinds(&build::c("tests/plugins/courier.c", &[]));
    let courier = open(&kinds, "courier", &json!({})).unwrap();
    let verify = |how| answer(&courier, ask(Operation::Verify, &[("do", how)]));
    let told = verify("hour").unwrap();
    assert_eq!((told.decision, told.messages.len()), (Decision::Continue, 1));
    let message = &told.messages[0];
    assert_eq!(
        (message.channel.as_str(), message.template.as_str()),
        ("email", "courier.code")
    );
    assert!(!message.address.is_empty());
    assert_eq!(message.params.named("code").unwrap().expose(), b"4711");
    assert_eq!(message.lifetime, Some(std::time::Duration::from_hours(1)));
    assert_eq!(verify("four").unwrap().messages.len(), 4);
    assert!(verify("deny").unwrap().messages.is_empty());
    for lie in [
        "five",
        "two_lines",
        "param_twice",
        "too_much",
        "null_channel",
        "foreign",
    ] {
        assert_eq!(
            verify(lie).unwrap_err().kind(),
            doorward::ErrorKind::PluginFault,
            "{lie}"
        );
    }
}
