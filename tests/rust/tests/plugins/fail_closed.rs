//! `tests/plugins/hostile.c` breaks its contract in every way that a host can survive: it never lets anybody in.

use doorward::ErrorKind;
use doorward::plugin::{Ask, Decision, Denial, Kind, Kinds, OpenRecord, Operation, PoolSettings, Verdict};
use doorward::{AuthenticatorId, Secret};
use serde_json::json;

use crate::build;
use crate::context::{answer, ask, kinds, open, services, step, stored};

/// What may become of a lie.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    Denied,
    Fault,
    Down,
    Step,
    Handle,
}

/// Every behaviour of the plugin but the good ones, the time ones, and what the host must make of each when it verifies.
const LIES: &[(&str, Is)] = &[
    ("no_verdict", Is::Denied),
    ("verdict_one", Is::Fault),
    ("verdict_minus_one", Is::Fault),
    ("verdict_garbage", Is::Fault),
    ("verdict_swapped", Is::Fault),
    ("verdict_low_byte", Is::Fault),
    ("accept_and_fail", Is::Fault),
    ("accept_and_down", Is::Down),
    ("accept_and_pending", Is::Fault),
    ("accept_and_magic", Is::Fault),
    ("accept_then_deny", Is::Fault),
    ("continue_bare", Is::Fault),
    ("resolve_bare", Is::Fault),
    ("resolve_long", Is::Fault),
    ("record_long", Is::Fault),
    ("record_null", Is::Fault),
    ("record_endless", Is::Fault),
    ("record_foreign", Is::Fault),
    ("record_twice", Is::Fault),
    ("used_foreign", Is::Fault),
    ("used_null", Is::Fault),
    ("state_long", Is::Fault),
    ("state_null", Is::Fault),
    ("challenge_long", Is::Fault),
    ("challenge_nameless", Is::Fault),
    ("label_long", Is::Fault),
    ("label_not_utf8", Is::Fault),
    ("identifier_long", Is::Fault),
    ("identifier_null", Is::Fault),
    ("show_once_null", Is::Fault),
    ("attribute_long", Is::Fault),
    ("label_of_two_lines", Is::Fault),
    ("attribute_no_json", Is::Fault),
    ("attribute_twice", Is::Fault),
    ("challenge_twice", Is::Fault),
    ("challenge_misnamed", Is::Fault),
    ("challenges_without_end", Is::Fault),
    ("violation_misnamed", Is::Fault),
    ("letter_of_two_lines", Is::Fault),
    ("keep_reply", Is::Denied),
    ("write_to_kept", Is::Fault),
    ("write_to_null", Is::Fault),
    ("write_on_thread", Is::Denied),
    ("no such behaviour", Is::Fault),
    // Not lies by themselves; the host asks once more, and then it is one.
    ("continue", Is::Step),
    ("resolve_again", Is::Handle),
    ("resolve_garbage", Is::Handle),
];

fn seen(result: doorward::Result<Verdict>) -> Is {
    match result {
        Ok(verdict) => match verdict.decision {
            Decision::Accept => panic!("somebody was let in"),
            Decision::Continue => Is::Step,
            Decision::Deny => {
                assert!(verdict.records.is_empty() && verdict.state.is_none() && verdict.handle.is_none());
                Is::Denied
            }
            Decision::Resolve => Is::Handle,
        },
        Err(error) => match error.kind() {
            ErrorKind::PluginFault => Is::Fault,
            ErrorKind::Unavailable => Is::Down,
            other => panic!("{other:?}"),
        },
    }
}

/// The plugin with a deadline that a busy machine does not reach.
fn patient() -> Kinds {
    kinds(&build::c("tests/plugins/hostile.c", &["DEADLINE_MS=60000"]))
}

fn record() -> OpenRecord {
    OpenRecord {
        id: AuthenticatorId::SINGLE,
        version: 1,
        bytes: Secret::new([0, 0, 0, 1, 1]),
        label: String::new(),
    }
}

fn verify(what: &str) -> Ask {
    Ask {
        records: vec![record()],
        ..ask(Operation::Verify, &[("do", what)])
    }
}

fn hostile(kinds: &Kinds, kind: &str) -> Kind {
    open(kinds, kind, &json!({})).unwrap()
}

#[test]
fn a_plugin_that_behaves_is_believed() {
    let kinds = patient();
    for name in ["hostile", "hostile.inline", "hostile.user"] {
        let kind = hostile(&kinds, name);
        let enrolled = answer(&kind, ask(Operation::Enroll, &[("do", "accept")])).unwrap();
        assert_eq!(enrolled.decision, Decision::Accept);
        let asked = Ask {
            records: vec![stored(&enrolled)],
            ..verify("accept")
        };
        assert_eq!(answer(&kind, asked).unwrap().decision, Decision::Accept);
        assert_eq!(answer(&kind, verify("deny")).unwrap().decision, Decision::Deny);
        assert_eq!(kind.faults(), 0);
    }
}

#[test]
fn no_lie_of_verify_lets_anybody_in() {
    let kinds = patient();
    for name in ["hostile", "hostile.inline", "hostile.user"] {
        let kind = hostile(&kinds, name);
        for (what, is) in LIES {
            assert_eq!(seen(answer(&kind, verify(what))), *is, "{name}: {what}");
        }
        let faults = LIES.iter().filter(|(_, is)| *is == Is::Fault).count();
        assert_eq!(kind.faults(), faults as u64);
    }
}

#[test]
fn no_lie_of_a_found_kind_lets_anybody_in() {
    let kinds = patient();
    let kind = hostile(&kinds, "hostile.found");
    // It says yes and not to whom.
    assert_eq!(
        seen(answer(&kind, ask(Operation::Verify, &[("do", "accept")]))),
        Is::Fault
    );
    for (what, is) in LIES {
        assert_eq!(
            seen(answer(&kind, ask(Operation::Verify, &[("do", what)]))),
            *is,
            "{what}"
        );
        // The second call, with the record that the handle named.
        let resolved = Ask {
            resolved: Some(b"handle".to_vec()),
            ..verify(what)
        };
        let is = if *is == Is::Handle { Is::Fault } else { *is };
        assert_eq!(seen(answer(&kind, resolved)), is, "resolved: {what}");
    }
}

#[test]
fn no_lie_of_enroll_update_or_step_is_stored() {
    let kinds = patient();
    let kind = hostile(&kinds, "hostile");
    let state = answer(&kind, verify("continue")).unwrap().state.unwrap();
    for (what, is) in LIES {
        // Here RESOLVE is a lie, whatever its handle, but in a step of a verification; and of two records in one reply
        // none is stored.
        let verifies = *is;
        let is = if *is == Is::Handle { Is::Fault } else { *is };
        for operation in [Operation::Enroll, Operation::Update] {
            let asked = Ask {
                records: vec![record()],
                ..ask(operation, &[("do", what)])
            };
            assert_eq!(seen(answer(&kind, asked)), is, "{operation:?}: {what}");
        }
        for purpose in [Operation::Enroll, Operation::Update, Operation::Verify] {
            let asked = Ask {
                records: vec![record()],
                ..step(purpose, &state, &[("do", what)])
            };
            let is = if purpose == Operation::Verify {
                verifies
            } else {
                is
            };
            assert_eq!(seen(answer(&kind, asked)), is, "step of {purpose:?}: {what}");
        }
        let resolved = Ask {
            records: vec![record()],
            resolved: Some(b"handle".to_vec()),
            ..step(Operation::Verify, &state, &[("do", what)])
        };
        assert_eq!(seen(answer(&kind, resolved)), is, "resolved step: {what}");
    }
}

#[test]
fn nothing_is_accepted_without_a_record_to_verify_against_or_to_store() {
    let kinds = patient();
    let kind = hostile(&kinds, "hostile");
    assert_eq!(
        seen(answer(&kind, ask(Operation::Verify, &[("do", "accept")]))),
        Is::Fault
    );
    let update = Ask {
        records: vec![record()],
        ..ask(Operation::Update, &[("do", "accept")])
    };
    assert_eq!(seen(answer(&kind, update)), Is::Fault);
}

#[test]
fn a_found_kind_says_whom_it_accepts_unless_that_is_settled() {
    let kinds = patient();
    let found = hostile(&kinds, "hostile.found");
    let resident = hostile(&kinds, "hostile.resident");
    let nobody = |asked: Ask| Ask {
        subject: None,
        ..asked
    };
    let accepts = |kind: &Kind, asked: Ask| match answer(kind, asked) {
        Ok(verdict) => verdict.decision == Decision::Accept,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PluginFault);
            false
        }
    };
    let enroll = |what: &str| ask(Operation::Enroll, &[("do", what)]);
    assert!(accepts(
        &found,
        nobody(ask(Operation::Verify, &[("do", "accept_whom")]))
    ));
    assert!(!accepts(
        &found,
        nobody(ask(Operation::Verify, &[("do", "accept_nothing")]))
    ));
    assert!(accepts(&found, enroll("accept_nothing")));
    assert!(!accepts(&found, nobody(enroll("accept_nothing"))));
    // With records: somebody new needs a name, somebody known does not, and a handle is one.
    assert!(accepts(&resident, enroll("record_new")));
    assert!(!accepts(&resident, nobody(enroll("record_new"))));
    let verdict = answer(&resident, nobody(enroll("accept_whom_new"))).unwrap();
    assert_eq!(
        verdict.identifier,
        Some((b"somebody".to_vec(), b"somebody".to_vec()))
    );
    assert!(!accepts(
        &resident,
        nobody(ask(Operation::Verify, &[("do", "accept_whom")]))
    ));
    let state = answer(&resident, verify("continue")).unwrap().state.unwrap();
    for asked in [
        verify("accept_nothing"),
        step(Operation::Verify, &state, &[("do", "accept_nothing")]),
    ] {
        let resolved = Ask {
            resolved: Some(b"handle".to_vec()),
            records: vec![record()],
            ..asked
        };
        assert!(accepts(&resident, resolved.clone()));
        assert!(!accepts(
            &resident,
            Ask {
                resolved: None,
                ..resolved
            }
        ));
    }
}

#[test]
fn a_decoy_is_answered_like_a_real_one_and_never_accepted() {
    let kinds = patient();
    for name in ["hostile", "hostile.inline", "hostile.found", "hostile.user"] {
        let kind = hostile(&kinds, name);
        let state = answer(&kind, verify("continue")).unwrap().state.unwrap();
        for (what, is) in LIES {
            let decoy = Ask {
                decoy: true,
                records: Vec::new(),
                ..verify(what)
            };
            assert_eq!(seen(answer(&kind, decoy)), *is, "{name}: {what}");
        }
        for asked in [
            verify("accept"),
            step(Operation::Verify, &state, &[("do", "accept")]),
        ] {
            let decoy = Ask {
                decoy: true,
                records: Vec::new(),
                resolved: Some(b"x".to_vec()),
                ..asked
            };
            let verdict = answer(&kind, decoy).unwrap();
            assert_eq!(
                (verdict.decision, verdict.denial),
                (Decision::Deny, Denial::Wrong)
            );
        }
    }
}

#[test]
fn a_module_that_is_wrong_itself_is_refused() {
    for fault in 1..=12 {
        let object = build::c("tests/plugins/hostile.c", &[&format!("MODULE_FAULT={fault}")]);
        match Kinds::load(
            &[build::settings(&object)],
            &[],
            services().0,
            PoolSettings::of(1),
        ) {
            Ok(_) => panic!("module fault {fault} was not seen"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::PluginRefused, "{fault}: {error}"),
        }
    }
}

#[test]
fn a_first_step_travels_in_its_token_only_for_a_kind_that_nobody_guesses() {
    let load = |lacks: u32| {
        let object = build::c("tests/plugins/unstored.c", &[&format!("LACKS={lacks}")]);
        Kinds::load(
            &[build::settings(&object)],
            &[],
            services().0,
            PoolSettings::of(1),
        )
    };
    assert!(load(0).unwrap().declaration("unstored").unwrap().unstored_start);
    for lacks in 1..=4 {
        match load(lacks) {
            Ok(_) => panic!("without {lacks} it was loaded"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::PluginRefused, "{lacks}: {error}");
                assert!(error.message().contains("UNSTORED_START"), "{lacks}: {error}");
            }
        }
    }
}
