//! TOTP through the raw ABI: what a person, a thief and two servers can do with codes.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use doorward_plugin::{FactorClass, IdentifierSource, Property, abi};
use doorward_plugin_testing::{Answer, Ask, ConfigValue, Outcome, Provider, StoredRecord, TestHost};
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at, doorward_module};

fn provider(host: TestHost, options: &[(&str, ConfigValue)]) -> Provider {
    host.adopt(doorward_module())
        .open("totp", "totp", options)
        .unwrap()
}

/// What the authenticator app does: reads the secret that was shown, tells the code of a moment.
struct App {
    secret: Vec<u8>,
    digits: u8,
    algorithm: Algorithm,
}

impl App {
    fn scan(base32: &str) -> Self {
        let mut bits = 0_u64;
        let mut held = 0;
        let mut secret = Vec::new();
        for letter in base32.bytes() {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
                .iter()
                .position(|&other| other == letter)
                .unwrap();
            bits = bits << 5 | value as u64;
            held += 5;
            if held >= 8 {
                held -= 8;
                secret.push(u8::try_from(bits >> held & 255).unwrap());
            }
        }
        Self {
            secret,
            digits: 6,
            algorithm: Algorithm::Sha1,
        }
    }

    fn code(&self, host: TestHost, periods_from_now: i64) -> String {
        let step = u64::try_from(host.unix_seconds() / PERIOD_SECONDS + periods_from_now).unwrap();
        let code = code_at(self.algorithm, &self.secret, step, self.digits);
        format!("{code:0width$}", width = usize::from(self.digits))
    }
}

fn begin(totp: &Provider, records: &[StoredRecord], label: &str) -> Answer {
    totp.ask(
        &Ask::enroll()
            .records(records)
            .credential("label", label)
            .display("jane@example.org"),
    )
}

fn finish(totp: &Provider, records: &[StoredRecord], begun: &Answer, code: &str) -> Answer {
    totp.ask(
        &Ask::step_of_enroll(begun.next_state())
            .records(records)
            .credential("code", code),
    )
}

fn verify(totp: &Provider, records: &[StoredRecord], code: &str) -> Answer {
    totp.ask(&Ask::verify().records(records).credential("code", code))
}

/// Enrolls a device and waits until its first code has passed.
fn enroll(host: TestHost, totp: &Provider, records: &mut Vec<StoredRecord>, label: &str) -> App {
    let begun = begin(totp, records, label);
    assert_eq!(begun.outcome(), Outcome::Continue);
    let app = App::scan(&begun.challenged("secret"));
    assert!(finish(totp, records, &begun, &app.code(host, 0)).store(records));
    host.advance_seconds(PERIOD_SECONDS);
    app
}

#[test]
fn it_declares_a_second_factor() {
    let kinds = TestHost::new().adopt(doorward_module()).kinds();
    let kind = kinds[0];
    assert_eq!(kind.identifier_source, IdentifierSource::User as u32);
    assert_eq!(kind.factor, FactorClass::Possession as u32);
    assert_eq!(
        kind.flags & Property::CanStart as u32,
        0,
        "it cannot start a sign-in"
    );
    assert_ne!(kind.flags & Property::SeveralRecords as u32, 0);
    assert!(kind.update.is_none() && kind.normalize.is_none());
}

#[test]
fn enrollment_takes_two_steps_and_nothing_is_stored_by_the_first() {
    let host = TestHost::new();
    let totp = provider(host, &[("issuer", ConfigValue::Text("Big Corp".to_owned()))]);
    let begun = begin(&totp, &[], "phone");
    assert_eq!(begun.outcome(), Outcome::Continue);
    assert!(begun.record.is_none());
    let secret = begun.challenged("secret");
    assert_eq!(secret.len(), 32, "20 bytes");
    assert_eq!(
        begun.challenged("uri"),
        format!(
            "otpauth://totp/Big%20Corp:jane%40example.org?secret={secret}&issuer=Big%20Corp&algorithm=SHA1&digits=6&period=30"
        )
    );
    let app = App::scan(&secret);
    let wrong = finish(&totp, &[], &begun, &app.code(host, 5));
    assert_eq!(wrong.outcome(), Outcome::Denied(abi::WRONG));
    assert!(wrong.record.is_none());
    let mut records = Vec::new();
    assert!(finish(&totp, &[], &begun, &app.code(host, 0)).store(&mut records));
    assert_eq!((records.len(), records[0].label.as_str()), (1, "phone"));
}

#[test]
fn a_code_signs_in_once() {
    let host = TestHost::new();
    let totp = provider(host, &[]);
    let mut records = Vec::new();
    let app = enroll(host, &totp, &mut records, "phone");
    let code = app.code(host, 0);
    assert!(verify(&totp, &records, &code).store(&mut records));
    for spelling in [
        code.clone(),
        format!("{} {}", &code[..3], &code[3..]),
        format!("{code} "),
    ] {
        assert_eq!(
            verify(&totp, &records, &spelling).outcome(),
            Outcome::Denied(abi::EXPIRED),
            "{spelling}"
        );
    }
    host.advance_seconds(PERIOD_SECONDS);
    assert_eq!(
        verify(&totp, &records, &code).outcome(),
        Outcome::Denied(abi::EXPIRED),
        "still in the window"
    );
    assert!(verify(&totp, &records, &app.code(host, 0)).store(&mut records));
}

#[test]
fn the_code_that_enrolled_signs_nobody_in() {
    let host = TestHost::new();
    let totp = provider(host, &[]);
    let begun = begin(&totp, &[], "");
    let code = App::scan(&begun.challenged("secret")).code(host, 0);
    let mut records = Vec::new();
    assert!(finish(&totp, &[], &begun, &code).store(&mut records));
    assert_eq!(
        verify(&totp, &records, &code).outcome(),
        Outcome::Denied(abi::EXPIRED)
    );
}

/// Two servers read the same record in the same moment: the second write finds another version.
#[test]
fn of_two_servers_only_one_accepts_a_code() {
    let host = TestHost::new();
    let totp = provider(host, &[]);
    let mut records = Vec::new();
    let app = enroll(host, &totp, &mut records, "phone");
    let code = app.code(host, 0);
    let one = verify(&totp, &records, &code);
    let other = verify(&totp, &records, &code);
    assert_eq!(
        (one.outcome(), other.outcome()),
        (Outcome::Accepted, Outcome::Accepted)
    );
    assert!(one.store(&mut records));
    assert!(!other.store(&mut records));
    assert_eq!(
        verify(&totp, &records, &code).outcome(),
        Outcome::Denied(abi::EXPIRED),
        "the run after the conflict"
    );
}

#[test]
fn codes_are_accepted_as_far_back_and_ahead_as_configured() {
    for (window, ahead, accepted) in [
        (Some(0), Some(0), vec![0]),
        (None, None, vec![-1, 0, 1]),
        (Some(2), Some(0), vec![-2, -1, 0]),
        (Some(0), Some(1), vec![0, 1]),
        (Some(2), None, vec![-2, -1, 0, 1]),
    ] {
        let host = TestHost::new();
        let given = [("window", window), ("ahead", ahead)];
        let options: Vec<_> = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, ConfigValue::Integer(value?))))
            .collect();
        let totp = provider(host, &options);
        let mut records = Vec::new();
        let app = enroll(host, &totp, &mut records, "phone");
        host.advance_seconds(10 * PERIOD_SECONDS);
        let outcomes: Vec<i64> = (-4..=3)
            .filter(|&steps| verify(&totp, &records, &app.code(host, steps)).outcome() == Outcome::Accepted)
            .collect();
        assert_eq!(outcomes, accepted, "{given:?}");
    }
}

/// A phone whose clock is 30 s fast: it enrolls and signs in, and no code of it is good twice.
#[test]
fn a_phone_that_is_ahead_enrolls_and_signs_in_and_no_code_is_good_twice() {
    let host = TestHost::new();
    let totp = provider(host, &[]);
    let begun = begin(&totp, &[], "");
    let app = App::scan(&begun.challenged("secret"));
    let mut records = Vec::new();
    assert!(finish(&totp, &[], &begun, &app.code(host, 1)).store(&mut records));
    let expired = Outcome::Denied(abi::EXPIRED);
    // The code that enrolled, early and when its time has come; and the one before it.
    assert_eq!(verify(&totp, &records, &app.code(host, 1)).outcome(), expired);
    assert_eq!(verify(&totp, &records, &app.code(host, 0)).outcome(), expired);
    host.advance_seconds(PERIOD_SECONDS);
    assert_eq!(verify(&totp, &records, &app.code(host, 0)).outcome(), expired);
    assert!(verify(&totp, &records, &app.code(host, 1)).store(&mut records));
    host.advance_seconds(PERIOD_SECONDS);
    assert_eq!(verify(&totp, &records, &app.code(host, 0)).outcome(), expired);
    assert!(verify(&totp, &records, &app.code(host, 1)).store(&mut records));
}

#[test]
fn several_devices_each_keep_their_own_step() {
    let host = TestHost::new();
    let totp = provider(host, &[]);
    let mut records = Vec::new();
    let phone = enroll(host, &totp, &mut records, "phone");
    let tablet = enroll(host, &totp, &mut records, "tablet");
    let labels: Vec<&str> = records.iter().map(|record| record.label.as_str()).collect();
    assert_eq!(labels, ["phone", "tablet"]);
    let by_phone = verify(&totp, &records, &phone.code(host, 0));
    assert_eq!(by_phone.record.as_ref().unwrap().0, Some(records[0].id));
    assert!(by_phone.store(&mut records));
    assert!(verify(&totp, &records, &tablet.code(host, 0)).store(&mut records));
    assert_eq!(
        verify(&totp, &records, &phone.code(host, 0)).outcome(),
        Outcome::Denied(abi::EXPIRED)
    );
    // One damaged device does not lock out the other.
    records[0].bytes.truncate(5);
    host.advance_seconds(PERIOD_SECONDS);
    assert_eq!(
        verify(&totp, &records, &tablet.code(host, 0)).outcome(),
        Outcome::Accepted
    );
    records.truncate(1);
    assert_eq!(
        verify(&totp, &records, "123456").outcome(),
        Outcome::Fault(abi::E_FORMAT)
    );
}

#[test]
fn no_more_devices_than_allowed() {
    let host = TestHost::new();
    let totp = provider(host, &[("max_devices", ConfigValue::Integer(1))]);
    let mut records = Vec::new();
    let begun_before = begin(&totp, &records, "early");
    enroll(host, &totp, &mut records, "phone");
    let full = begin(&totp, &records, "tablet");
    assert_eq!(full.outcome(), Outcome::Denied(abi::INVALID_INPUT));
    assert_eq!(
        full.violations,
        [("label".to_owned(), "too_many_devices".to_owned(), 1)]
    );
    let code = App::scan(&begun_before.challenged("secret")).code(host, 0);
    assert_eq!(
        finish(&totp, &records, &begun_before, &code).outcome(),
        Outcome::Denied(abi::INVALID_INPUT)
    );
}

#[test]
fn a_wrong_code_and_nobody_are_answered_alike() {
    let host = TestHost::new();
    let totp = provider(host, &[]);
    let mut records = Vec::new();
    let app = enroll(host, &totp, &mut records, "phone");
    let wrong = verify(&totp, &records, &app.code(host, 7));
    let nobody = totp.ask(&Ask::verify().decoy().credential("code", app.code(host, 0)));
    assert_eq!(wrong.outcome(), Outcome::Denied(abi::WRONG));
    assert_eq!(nobody.outcome(), Outcome::Denied(abi::NOT_ENROLLED));
    for answer in [wrong, nobody] {
        assert!(answer.record.is_none() && answer.state.is_none() && answer.challenge.is_empty());
        assert!(answer.message.is_empty());
    }
    // A decoy enrolls as far as anybody and is accepted nowhere.
    let begun = totp.ask(&Ask::enroll().decoy());
    assert_eq!(begun.outcome(), Outcome::Continue);
    let code = App::scan(&begun.challenged("secret")).code(host, 0);
    let end = totp.ask(
        &Ask::step_of_enroll(begun.next_state())
            .decoy()
            .credential("code", code),
    );
    assert_eq!(end.outcome(), Outcome::Denied(abi::WRONG));
}

#[test]
fn what_is_no_code_is_no_guess() {
    let host = TestHost::new();
    let totp = provider(host, &[]);
    let mut records = Vec::new();
    enroll(host, &totp, &mut records, "phone");
    for typed in ["", "12345", "1234567", "abcdef", "12345\u{666}"] {
        assert_eq!(
            verify(&totp, &records, typed).outcome(),
            Outcome::Denied(abi::INVALID_INPUT),
            "{typed}"
        );
    }
}

#[test]
fn digits_and_algorithm_are_of_the_device_not_of_today() {
    let host = TestHost::new();
    let before = provider(
        host,
        &[
            ("digits", ConfigValue::Integer(8)),
            ("algorithm", ConfigValue::Text("sha512".to_owned())),
        ],
    );
    let begun = begin(&before, &[], "");
    let mut app = App::scan(&begun.challenged("secret"));
    assert_eq!(app.secret.len(), 64);
    (app.digits, app.algorithm) = (8, Algorithm::Sha512);
    let mut records = Vec::new();
    assert!(finish(&before, &[], &begun, &app.code(host, 0)).store(&mut records));
    host.advance_seconds(PERIOD_SECONDS);
    let after = provider(host, &[]);
    assert_eq!(
        verify(&after, &records, &app.code(host, 0)).outcome(),
        Outcome::Accepted
    );
}

#[test]
fn foreign_states_begin_anew() {
    let host = TestHost::new();
    let totp = provider(host, &[]);
    let begun = begin(&totp, &[], "phone");
    let mut newer = begun.next_state().to_vec();
    newer[0] = 2;
    for state in [&[][..], &newer, &begun.next_state()[..20]] {
        let ask = Ask::step_of_enroll(state).credential("code", "123456");
        assert_eq!(totp.ask(&ask).outcome(), Outcome::Fault(abi::E_FORMAT));
    }
    let code = App::scan(&begun.challenged("secret")).code(host, 0);
    let verification = Ask::step_of_verify(begun.next_state()).credential("code", code);
    assert_eq!(
        totp.ask(&verification).outcome(),
        Outcome::Fault(abi::E_UNSUPPORTED)
    );
}

#[test]
fn options_outside_their_range_stop_the_start() {
    let number = |name: &'static str, value| (name, ConfigValue::Integer(value));
    let words = |name: &'static str, value: &str| (name, ConfigValue::Text(value.to_owned()));
    for (option, message) in [
        (number("digits", 5), "digits must be a whole number from 6 to 8"),
        (number("digits", 9), "digits must be a whole number from 6 to 8"),
        (number("window", -1), "window must be a whole number from 0 to 2"),
        (number("window", 3), "window must be a whole number from 0 to 2"),
        (number("ahead", 2), "ahead must be a whole number from 0 to 1"),
        (
            number("max_devices", 0),
            "max_devices must be a whole number from 1 to 20",
        ),
        (
            words("algorithm", "md5"),
            "algorithm must be one of \"sha1\", \"sha256\", \"sha512\"",
        ),
        (
            words("issuer", "a:b"),
            "issuer must be 1 to 64 bytes without a colon",
        ),
        (words("digits", "6"), "digits must be a whole number from 6 to 8"),
    ] {
        let refused = TestHost::new()
            .adopt(doorward_module())
            .open("totp", "totp", &[option])
            .err();
        assert_eq!(refused, Some((abi::E_CONFIG, message.to_owned())));
    }
}
