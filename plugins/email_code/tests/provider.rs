//! E-mail codes through the raw ABI, as a host sees them.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use doorward_email_code::doorward_module;
use doorward_plugin::{FactorClass, IdentifierSource, Property, abi};
use doorward_plugin_testing::{Answer, Ask, Conditions, ConfigValue, Outcome, Provider, TestHost};

#[test]
fn it_declares_a_first_factor_that_keeps_nothing() {
    let kinds = TestHost::new().adopt(doorward_module()).kinds();
    let kind = kinds[0];
    assert_eq!(kind.identifier_source, IdentifierSource::Given as u32);
    assert_eq!(kind.factor, FactorClass::Possession as u32);
    assert_eq!(kind.flags, Property::CanStart as u32);
    assert!(kind.enroll.is_none() && kind.update.is_none() && kind.normalize.is_none());
}

const ADDRESS: &str = "jane@example.org";

fn provider(host: TestHost, options: &[(&str, ConfigValue)]) -> Provider {
    host.adopt(doorward_module())
        .open("email_code", "email", options)
        .unwrap()
}

fn begin(of: &Provider, address: &str) -> Answer {
    of.ask(&Ask::verify().identifier(address))
}

fn finish(of: &Provider, begun: &Answer, address: &str, code: &str) -> Outcome {
    let ask = Ask::step_of_verify(begun.next_state()).identifier(address);
    of.ask(&ask.credential("code", code)).outcome()
}

#[test]
fn the_code_is_in_the_message_and_nowhere_else() {
    let link = (
        "link",
        ConfigValue::Text("https://app.example/confirm".to_owned()),
    );
    let of = provider(TestHost::new(), &[link]);
    let begun = begin(&of, ADDRESS);
    assert_eq!(begun.outcome(), Outcome::Continue);
    assert_eq!(begun.deliveries.len(), 1);
    let message = &begun.deliveries[0];
    assert_eq!(
        (
            message.channel.as_str(),
            message.address.as_str(),
            message.template.as_str(),
            message.seconds
        ),
        ("email", ADDRESS, "sign_in_code", 600)
    );
    let code = message.param("code");
    assert!(
        code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit()),
        "{code}"
    );
    assert_eq!(
        message.param("link"),
        format!("https://app.example/confirm#code={code}")
    );
    assert_eq!(message.param("minutes"), "10");
    assert_eq!(begun.challenge, [("digits".to_owned(), b"8".to_vec())]);
    let (state, seconds) = begun.state.as_ref().unwrap();
    assert_eq!(*seconds, 600);
    assert!(!state.windows(8).any(|part| part == code.as_bytes()));
    assert_eq!(finish(&of, &begun, ADDRESS, code), Outcome::Accepted);
    assert_eq!(
        finish(&of, &begun, "jade@example.org", code),
        Outcome::Denied(abi::WRONG),
        "of another address"
    );
    assert_eq!(
        finish(&of, &begin(&of, ADDRESS), ADDRESS, code),
        Outcome::Denied(abi::WRONG),
        "of another flow"
    );
}

#[test]
fn codes_have_as_many_digits_as_configured_and_all_of_them_come() {
    for digits in [6, 10] {
        let host = TestHost::new();
        let of = provider(host, &[("digits", ConfigValue::Integer(digits))]);
        let mut seen = [0; 10];
        for _ in 0..200 {
            host.reopen();
            let begun = begin(&of, ADDRESS);
            let code = begun.deliveries[0].param("code");
            assert_eq!(code.len(), usize::try_from(digits).unwrap());
            code.bytes().for_each(|byte| seen[usize::from(byte - b'0')] += 1);
        }
        let fair = digits * 200 / 10;
        assert!(
            seen.iter().all(|&count| (fair / 2..fair * 2).contains(&count)),
            "{seen:?}"
        );
    }
}

#[test]
fn a_code_is_late_after_its_lifetime() {
    let host = TestHost::new();
    let of = provider(host, &[("lifetime_seconds", ConfigValue::Integer(60))]);
    let begun = begin(&of, ADDRESS);
    let code = begun.deliveries[0].param("code").to_owned();
    host.advance_seconds(59);
    assert_eq!(finish(&of, &begun, ADDRESS, &code), Outcome::Accepted);
    host.advance_seconds(1);
    assert_eq!(finish(&of, &begun, ADDRESS, &code), Outcome::Denied(abi::EXPIRED));
    let wrong = if code.starts_with('0') {
        "11111111"
    } else {
        "00000000"
    };
    assert_eq!(
        finish(&of, &begun, ADDRESS, wrong),
        Outcome::Denied(abi::WRONG),
        "not told that it is late"
    );
    assert_eq!(
        finish(&of, &begun, ADDRESS, "1234567"),
        Outcome::Denied(abi::INVALID_INPUT)
    );
}

#[test]
fn nobody_is_answered_like_anybody_and_never_accepted() {
    let of = provider(TestHost::new(), &[]);
    for typed in [ADDRESS, "no address", ""] {
        let begun = of.ask(&Ask::verify().identifier(typed).decoy());
        assert_eq!(begun.outcome(), Outcome::Continue, "{typed}");
        assert_eq!((begun.deliveries.len(), begun.next_state().len()), (1, 74));
        let right = begun.deliveries[0].param("code");
        let ask = Ask::step_of_verify(begun.next_state()).identifier(typed).decoy();
        let end = of.ask(&ask.credential("code", right));
        assert_eq!(end.outcome(), Outcome::Denied(abi::WRONG));
    }
}

#[test]
fn beyond_three_messages_there_is_one_a_lifetime_and_the_answer_is_the_same() {
    let host = TestHost::new();
    let of = provider(host, &[("lifetime_seconds", ConfigValue::Integer(60))]);
    let nobody = |address: &str| of.ask(&Ask::verify().identifier(address).decoy());
    let ways: [&dyn Fn(&str) -> Answer; 2] = [&|address| begin(&of, address), &nobody];
    for (ask, address) in ways.into_iter().zip([ADDRESS, "joe@example.org"]) {
        let open = ask(address);
        let mut sent = open.deliveries.len();
        for _ in 0..9 {
            let more = ask(address);
            assert_eq!(more.outcome(), Outcome::Continue);
            assert_eq!(
                (more.challenge.clone(), more.next_state().len()),
                (open.challenge.clone(), open.next_state().len())
            );
            sent += more.deliveries.len();
        }
        assert_eq!(sent, 3, "{address}");
        host.advance_seconds(59);
        assert!(ask(address).deliveries.is_empty());
        host.advance_seconds(1);
        assert_eq!(
            (ask(address).deliveries.len(), ask(address).deliveries.len()),
            (1, 0)
        );
    }
}

#[test]
fn a_limit_that_cannot_be_read_lets_nobody_on() {
    let of = provider(TestHost::new(), &[]);
    let calls = begin(&of, ADDRESS).host_calls;
    let fallible: Vec<_> = calls.iter().filter(|call| **call != "unix_micros").collect();
    let at = fallible.iter().position(|call| **call == "limit.limit").unwrap();
    let down = Conditions {
        failing: Some((at, abi::E_UNAVAILABLE)),
        ..Conditions::default()
    };
    let answer = of.ask_under(&Ask::verify().identifier(ADDRESS), down);
    assert_eq!(answer.outcome(), Outcome::Undecided(abi::E_UNAVAILABLE));
    assert!(answer.deliveries.is_empty());
}

#[test]
fn what_is_no_address_gets_no_message() {
    let of = provider(TestHost::new(), &[]);
    for typed in ["", "jane", "a@b,c@d", "a@b\r\nBcc: c@d"] {
        let answer = begin(&of, typed);
        assert_eq!(answer.outcome(), Outcome::Denied(abi::INVALID_INPUT), "{typed:?}");
        assert!(answer.deliveries.is_empty());
    }
}

#[test]
fn foreign_states_begin_anew() {
    let of = provider(TestHost::new(), &[]);
    let begun = begin(&of, ADDRESS);
    let mut newer = begun.next_state().to_vec();
    newer[0] = 2;
    for state in [&[][..], &newer, &begun.next_state()[..73]] {
        let ask = Ask::step_of_verify(state).credential("code", "12345678");
        assert_eq!(of.ask(&ask).outcome(), Outcome::Fault(abi::E_FORMAT));
    }
    assert_eq!(
        of.ask(&Ask::step_of_enroll(begun.next_state())).outcome(),
        Outcome::Fault(abi::E_UNSUPPORTED)
    );
}

#[test]
fn options_outside_their_range_stop_the_start() {
    let number = |name: &'static str, value| (name, ConfigValue::Integer(value));
    let link = |value: &str| ("link", ConfigValue::Text(value.to_owned()));
    for (option, message) in [
        (number("digits", 5), "digits must be a whole number from 6 to 10"),
        (number("digits", 11), "digits must be a whole number from 6 to 10"),
        (
            number("lifetime_seconds", 59),
            "lifetime_seconds must be a whole number from 60 to 600",
        ),
        (
            number("lifetime_seconds", 601),
            "lifetime_seconds must be a whole number from 60 to 600",
        ),
        (link("http://app.example/"), "link must be"),
        (link("https://app.example/#x"), "link must be"),
    ] {
        let refused = TestHost::new()
            .adopt(doorward_module())
            .open("email_code", "email", &[option])
            .err();
        let (status, said) = refused.unwrap();
        assert_eq!(status, abi::E_CONFIG);
        assert!(said.starts_with(message), "{said}");
    }
}
