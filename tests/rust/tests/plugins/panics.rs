//! A panic of a Rust plugin costs one request, in this process and in one of its own.

use doorward::ErrorKind;
use doorward::clock::{Clock, SystemClock};
use doorward::plugin::{Decision, Kind, Kinds, Operation, PoolSettings, Verdict};
use serde_json::json;

use crate::build;
use crate::context::{LONG, answer, ask, open, services};

fn kinds() -> Kinds {
    let settings = build::settings(&build::beside("libdoorward_panics.so"));
    let kinds = Kinds::load(&[settings], &[], services().0, PoolSettings::of(2)).unwrap();
    kinds.start().unwrap();
    kinds
}

fn does(kind: &Kind, what: &str) -> doorward::Result<Verdict> {
    answer(kind, ask(Operation::Verify, &[("do", what)]))
}

fn accepts(kind: &Kind) {
    let verdict = does(kind, "accept").unwrap();
    assert_eq!(verdict.decision, Decision::Accept);
    // Whatever was opened anew was started, too.
    let started = verdict.attributes.iter().find(|(name, _)| name == "started");
    assert_eq!(started.map(|(_, value)| value.clone()), Some(json!(1)));
}

/// Sooner or later, and then for good.
fn is_tried_again(kind: &Kind) {
    let began = SystemClock.monotonic();
    while does(kind, "accept").is_err() {
        let waited = SystemClock.monotonic().saturating_sub(began);
        assert!(waited < LONG, "it is not tried again");
        std::thread::yield_now();
    }
    accepts(kind);
}

#[test]
fn a_panic_costs_its_request_and_is_told_as_a_bug() {
    let kinds = kinds();
    for name in ["panics", "panics.inline"] {
        let kind = open(&kinds, name, &json!({})).unwrap();
        accepts(&kind);
        for turn in 1..=6 {
            let error = does(&kind, "panic").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PluginFault, "{error}");
            assert!(error.message().contains("a bug in the plugin"), "{error}");
            assert_eq!(kind.faults(), turn);
            accepts(&kind);
            kind.health().unwrap();
        }
    }
}

#[test]
fn a_plugin_that_panicked_can_be_stopped_and_started() {
    let kinds = kinds();
    let kind = open(&kinds, "panics", &json!({})).unwrap();
    assert_eq!(does(&kind, "panic").unwrap_err().kind(), ErrorKind::PluginFault);
    kinds.stop();
    kinds.start().unwrap();
    accepts(&kind);
}

#[test]
fn one_that_does_nothing_but_panic_is_left_alone_and_tried_again() {
    let kinds = kinds();
    let kind = open(&kinds, "panics", &json!({})).unwrap();
    let left_alone = (0..1000).any(|_| does(&kind, "panic").unwrap_err().kind() == ErrorKind::Unavailable);
    assert!(left_alone);
    is_tried_again(&kind);
}

#[test]
fn calls_that_run_beside_a_panic_end_well() {
    let kinds = kinds();
    let kind = open(&kinds, "panics", &json!({})).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for turn in 0..50 {
                    let what = if turn % 10 == 0 { "panic" } else { "deny" };
                    match does(&kind, what) {
                        Ok(verdict) => assert_eq!(verdict.decision, Decision::Deny),
                        // Its own, or one that another ended under it while several did.
                        Err(error) => assert!(
                            matches!(error.kind(), ErrorKind::PluginFault | ErrorKind::Unavailable),
                            "{error}"
                        ),
                    }
                }
            });
        }
    });
    is_tried_again(&kind);
}
