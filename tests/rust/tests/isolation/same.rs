//! Isolated and not: the same questions get the same answers.

use doorward::plugin::{Ask, Decision, Operation};
use serde_json::json;

use crate::build;
use crate::context::{answer, ask, kinds, open, step, stored};

#[test]
fn a_plugin_enrols_and_verifies_in_a_process_of_its_own() {
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
