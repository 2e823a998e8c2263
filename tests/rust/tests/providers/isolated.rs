//! The same providers in processes of their own: nothing else changes.

use std::fmt::Write as _;
use std::time::Duration;

use doorward::{Caller, Fields, NewUserOptions, Outcome, Request};
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

use crate::world::{World, accepted, challenged, flow, run, shown};

const EMAIL: &str = "ann@example.org";

fn world(second_factor: &str) -> World {
    let names = ["api_key", "email_code", "recovery_codes", "totp"];
    let mut more = format!("plugin_host.path = '{}'\n", env!("CARGO_BIN_EXE_plugin_host"));
    for name in names {
        writeln!(
            more,
            "plugin.{name}.isolation = 'process'\nprovider.{name}.kind = '{name}'"
        )
        .unwrap();
    }
    more.push_str("provider.email_code.rule = 'email'\nbearer.prefixes.dwk_ = 'api_key'\nthrottle.to_code.burst = 1000\n");
    if !second_factor.is_empty() {
        writeln!(more, "policy.second_factor = ['{second_factor}']").unwrap();
    }
    World::with(&names, &more)
}

fn code(code: &str) -> Fields {
    Fields::from([("code", code)])
}

#[test]
fn recovery_codes_sign_in_once_from_a_process_of_their_own() {
    let world = world("recovery_codes");
    let proof = world.session_proof(&world.sign_up_proved(EMAIL));
    let answer = run(world.auth.begin_enrollment("recovery_codes", None, Some(&proof))).unwrap();
    let codes = shown(&answer, "codes");
    accepted(Ok(answer));
    let first = code(codes.lines().next().unwrap());
    let sign_in = || world.go_on(&flow(world.sign_in(EMAIL)), first.clone()).outcome;
    assert!(matches!(sign_in(), Outcome::Accepted(_)));
    assert!(matches!(sign_in(), Outcome::Refused(_)));
}

#[test]
fn totp_enrolls_and_signs_in_from_a_process_of_its_own() {
    let world = world("totp");
    let proof = world.session_proof(&world.sign_up_proved(EMAIL));
    let begun = flow(run(world.auth.begin_enrollment("totp", None, Some(&proof))).unwrap());
    assert!(challenged(&begun, "qr_svg").starts_with("<svg "));
    let shown = challenged(&begun, "secret");
    let bits: Vec<u8> = (shown.bytes())
        .map(|symbol| {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
                .iter()
                .position(|&other| other == symbol)
        })
        .flat_map(|value| {
            (0..5)
                .rev()
                .map(move |bit| u8::from(value.unwrap() >> bit & 1 == 1))
        })
        .collect();
    let secret: Vec<u8> = bits
        .chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit))
        .collect();
    let now = || {
        let step = u64::try_from(world.unix_seconds() / PERIOD_SECONDS).unwrap();
        code(&format!("{:06}", code_at(Algorithm::Sha1, &secret, step, 6)))
    };
    accepted(Ok(world.go_on(&begun, now())));
    world.advance(60);
    let asked = flow(world.sign_in(EMAIL));
    assert!(matches!(world.go_on(&asked, now()).outcome, Outcome::Accepted(_)));
}

#[test]
fn an_api_key_is_checked_in_a_process_of_its_own() {
    let world = world("");
    let proof = world.session_proof(&world.sign_up(EMAIL));
    let begun = flow(run(world.auth.begin_enrollment("api_key", None, Some(&proof))).unwrap());
    let answer = world.go_on(&begun, Fields::default());
    let key = shown(&answer, "key");
    accepted(Ok(answer));
    let header = format!("Bearer {key}");
    let headers = [(b"authorization".as_slice(), header.as_bytes())];
    let request = Request::new(b"GET", headers, Some("192.0.2.7".parse().unwrap()));
    let outcome = run(world.auth.on(request).check_request()).unwrap().outcome;
    assert!(
        matches!(outcome, Outcome::Accepted(Caller::Key { .. })),
        "{outcome:?}"
    );
}

/// Counters, messages and state all pass through the host.
#[test]
fn a_code_by_mail_comes_from_a_process_of_its_own() {
    let world = world("");
    let asked = run(world
        .auth
        .authenticate("email_code", Some(EMAIL.as_bytes()), Fields::default()));
    let asked = flow(asked.unwrap());
    let messages = run(world.auth.take_deliveries(10, Duration::from_mins(1))).unwrap();
    assert_eq!((messages.len(), messages[0].address.as_str()), (1, EMAIL));
    let right = messages[0].params.named("code").unwrap().expose().to_vec();
    let answer = world.go_on(&asked, code(std::str::from_utf8(&right).unwrap()));
    let Outcome::Unregistered(claim) = answer.outcome else {
        panic!("{:?}", answer.outcome)
    };
    let created = world
        .auth
        .create_user_from_claim(claim.token().expose(), NewUserOptions::default());
    accepted(run(created));
}

/// The kind's own limit: the host's beside it is wide.
#[test]
fn a_limit_is_read_and_charged_from_a_process_of_its_own() {
    let world = world("");
    let asked = |address: &str| {
        let asked = world
            .auth
            .authenticate("email_code", Some(address.as_bytes()), Fields::default());
        flow(run(asked).unwrap());
        run(world.auth.take_deliveries(10, Duration::from_mins(1)))
            .unwrap()
            .len()
    };
    let sent: Vec<usize> = (0..5).map(|_| asked(EMAIL)).collect();
    assert_eq!(sent, [1, 1, 1, 0, 0]);
    assert_eq!(asked("joe@example.org"), 1);
    world.advance(600);
    assert_eq!((asked(EMAIL), asked(EMAIL)), (1, 0));
}
