//! The two plugins that ship as examples, loaded from their files: the C template and TOTP.

use std::sync::Arc;
use std::time::Duration;

use doorward::clock::ManualClock;
use doorward::plugin::{
    Ask, Decision, Denial, FactorClass, IdentifierSource, Kind, Kinds, OpenRecord, Operation, PluginSettings,
    PoolSettings, Services,
};
use doorward::{AuthenticatorId, ErrorKind, Timestamp};
use doorward_totp::{Algorithm, code_at};
use serde_json::json;

use crate::build;
use crate::context::{LONG, answer, ask, at_once, kinds, open, services, step, stored};

#[test]
fn the_c_template_signs_in_by_pin_and_then_one_character() {
    let kinds = kinds(&build::c("plugins/template/c/pin.c", &[]));
    let pin = open(&kinds, "pin", &json!({})).unwrap();
    let short = answer(&pin, ask(Operation::Enroll, &[("pin", "12"), ("word", "abc")])).unwrap();
    let broken: Vec<_> = short
        .violations
        .iter()
        .map(|v| (v.field.as_str(), v.rule, v.limit))
        .collect();
    assert_eq!(broken, [("pin", "too_short", 6), ("word", "too_short", 6)]);

    let enrolled = answer(
        &pin,
        ask(Operation::Enroll, &[("pin", "314159"), ("word", "umbrella")]),
    )
    .unwrap();
    assert_eq!(enrolled.decision, Decision::Accept);
    let mut record = stored(&enrolled);
    let verify = |record: &OpenRecord, digits| Ask {
        records: vec![record.clone()],
        ..ask(Operation::Verify, &[("pin", digits)])
    };
    assert_eq!(
        answer(&pin, verify(&record, "271828")).unwrap().decision,
        Decision::Deny
    );
    for (position, character) in [("1", "u"), ("2", "m"), ("3", "b")] {
        let first = answer(&pin, verify(&record, "314159")).unwrap();
        assert_eq!(first.decision, Decision::Continue);
        assert_eq!(
            first.challenge.named("position").unwrap().expose(),
            position.as_bytes()
        );
        let state = first.state.unwrap();
        let second = |character| Ask {
            records: vec![record.clone()],
            ..step(Operation::Verify, &state, &[("character", character)])
        };
        let wrong = answer(&pin, second("x")).unwrap();
        assert_eq!((wrong.decision, wrong.denial), (Decision::Deny, Denial::Wrong));
        let right = answer(&pin, second(character)).unwrap();
        assert_eq!((right.decision, right.used), (Decision::Accept, Some(record.id)));
        record = stored(&right);
    }
    assert_eq!(pin.faults(), 0);
}

/// TOTP with a clock to move.
fn totp() -> (Kinds, Kind, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
    let services = Services {
        clock: clock.clone(),
        ..services().0
    };
    let object = build::totp();
    let pinned = PluginSettings {
        sha256: Some(build::sha256(&object)),
        ..build::settings(&object)
    };
    let kinds = Kinds::load(&[pinned], &[], services, PoolSettings::of(1)).unwrap();
    let kind = open(&kinds, "totp", &json!({ "issuer": "Tests" })).unwrap();
    (kinds, kind, clock)
}

fn code(secret: &[u8], clock: &ManualClock) -> String {
    let step = doorward::clock::Clock::now(clock).as_seconds() / 30;
    format!("{:06}", code_at(Algorithm::Sha1, secret, step.unsigned_abs(), 6))
}

/// What authenticator apps read (RFC 4648 section 6, without padding).
fn base32(text: &[u8]) -> Vec<u8> {
    let mut bits = 0_u64;
    let mut held = 0;
    let mut bytes = Vec::new();
    for letter in text {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|known| known == letter)
            .unwrap();
        bits = (bits << 5) | value as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn totp_declares_a_second_factor_that_cannot_start_a_sign_in() {
    let (_kinds, kind, _clock) = totp();
    let declared = kind.declaration();
    assert_eq!(declared.source, IdentifierSource::User);
    assert_eq!(declared.class, Some(FactorClass::Possession));
    assert!(!declared.can_start && declared.inline && declared.keeps_records && declared.several_records);
    assert_eq!(
        declared
            .fields_at(Operation::Enroll, 1)
            .map(|f| f.name.as_str())
            .collect::<Vec<_>>(),
        ["code"]
    );
    assert_eq!(
        declared
            .fields_at(Operation::Verify, 0)
            .next()
            .unwrap()
            .autocomplete,
        "one-time-code"
    );
}

#[test]
fn a_totp_device_is_enrolled_in_two_steps_and_no_code_works_twice() {
    let (_kinds, kind, clock) = totp();
    let offered = at_once(kind.ask(ask(Operation::Enroll, &[("label", "phone")]), LONG))
        .unwrap()
        .unwrap();
    assert_eq!(offered.decision, Decision::Continue);
    let secret = base32(offered.challenge.named("secret").unwrap().expose());
    let state = offered.state.unwrap();
    let confirm = |code: &str| step(Operation::Enroll, &state, &[("code", code)]);
    assert_eq!(
        answer(&kind, confirm("0000000")).unwrap().decision,
        Decision::Deny
    );
    let first = code(&secret, &clock);
    let enrolled = answer(&kind, confirm(&first)).unwrap();
    assert_eq!(enrolled.decision, Decision::Accept);
    assert_eq!(enrolled.records[0].label.as_deref(), Some("phone"));
    let id = AuthenticatorId::from_bytes([9; 16]);
    let record = OpenRecord {
        id,
        ..stored(&enrolled)
    };
    let verify = |record: &OpenRecord, code: &str| Ask {
        records: vec![record.clone()],
        ..ask(Operation::Verify, &[("code", code)])
    };
    let replayed = answer(&kind, verify(&record, &first)).unwrap();
    assert_eq!(
        (replayed.decision, replayed.denial),
        (Decision::Deny, Denial::Expired)
    );
    clock.advance(Duration::from_secs(30));
    let second = code(&secret, &clock);
    let signed_in = answer(&kind, verify(&record, &second)).unwrap();
    assert_eq!((signed_in.decision, signed_in.used), (Decision::Accept, Some(id)));
    let record = OpenRecord {
        version: 2,
        ..stored(&signed_in)
    };
    assert_eq!(
        answer(&kind, verify(&record, &second)).unwrap().decision,
        Decision::Deny
    );
    assert_eq!(kind.faults(), 0);
}

#[test]
fn a_totp_record_or_state_that_is_damaged_is_an_error_and_lets_nobody_in() {
    let (_kinds, kind, _clock) = totp();
    let record = OpenRecord {
        id: AuthenticatorId::SINGLE,
        version: 1,
        bytes: b"\0\0\0\x01damaged"[..].into(),
        label: String::new(),
    };
    let asked = Ask {
        records: vec![record],
        ..ask(Operation::Verify, &[("code", "123456")])
    };
    assert_eq!(answer(&kind, asked).unwrap_err().kind(), ErrorKind::Corrupt);
    let state = doorward::Secret::from("damaged");
    let asked = step(Operation::Enroll, &state, &[("code", "123456")]);
    assert_eq!(answer(&kind, asked).unwrap_err().kind(), ErrorKind::Corrupt);
}
