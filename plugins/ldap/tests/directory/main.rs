//! The kind against a real directory: who is let in, who is not, and what cannot be decided.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

mod slapd;

use doorward_ldap::doorward_module;
use doorward_plugin::{Reason, abi};
use doorward_plugin_testing::{Answer, Ask, ConfigValue, Outcome, Provider, TestHost};

use crate::slapd::Slapd;

fn text(value: &str) -> ConfigValue {
    ConfigValue::Text(value.to_owned())
}

fn secret(value: &str) -> ConfigValue {
    ConfigValue::Secret(value.as_bytes().to_vec())
}

/// A search as the service account, over `StartTLS`, but for what `change` says.
fn provider(slapd: &Slapd, change: &[(&str, ConfigValue)]) -> Result<Provider, String> {
    let mut options = vec![
        ("url", text(&slapd.url())),
        ("ca_file", text(&slapd.ca())),
        ("base", text("dc=example,dc=org")),
        ("bind_dn", text("cn=service,dc=example,dc=org")),
        ("bind_password", secret("s3rvice")),
        ("attributes", text("cn Mail")),
    ];
    for (name, value) in change {
        options.retain(|(other, _)| other != name);
        options.push((*name, value.clone()));
    }
    TestHost::new()
        .adopt(doorward_module())
        .open("ldap", "staff", &options)
        .map_err(|refused| format!("{refused:?}"))
}

fn verify(provider: &Provider, name: &str, password: &[u8]) -> Answer {
    provider.ask(&Ask::verify().identifier(name).credential("password", password))
}

#[test]
fn a_person_of_the_directory_is_let_in_with_the_right_password_only() {
    let slapd = Slapd::start();
    let staff = provider(&slapd, &[]).unwrap();
    let answer = verify(&staff, "ann", b"correct horse");
    assert_eq!(answer.outcome(), Outcome::Accepted);
    assert_eq!(
        answer.attributes,
        [
            ("cn".to_owned(), br#"["Ann Lee"]"#.to_vec()),
            (
                "mail".to_owned(),
                br#"["ann@example.org","ann.lee@example.org"]"#.to_vec()
            ),
        ]
    );
    // Special characters of filters and of names stand for themselves.
    assert_eq!(verify(&staff, "p*()r,", b"odd one").outcome(), Outcome::Accepted);
    for (name, password) in [
        ("ann", &b"wrong"[..]),
        ("nobody", b"correct horse"),
        ("a*", b"correct horse"),
        ("*", b"correct horse"),
        ("ann)(uid=*", b"correct horse"),
        ("ann\\2a", b"correct horse"),
        ("twin", b"same"),
        ("service", b"s3rvice"),
    ] {
        let answer = verify(&staff, name, password);
        assert_eq!(answer.outcome(), Outcome::Denied(Reason::Wrong as u32), "{name}");
        assert!(answer.attributes.is_empty());
    }
    // A bind without a password succeeds everywhere: it never gets that far. Nor does what is no text.
    for password in [&b""[..], b"\xff\xfe"] {
        let answer = verify(&staff, "ann", password);
        assert_eq!(answer.outcome(), Outcome::Denied(Reason::InvalidInput as u32));
    }
}

#[test]
fn an_entry_may_be_named_without_a_search() {
    let slapd = Slapd::start();
    let direct = [
        ("url", text(&slapd.url())),
        ("ca_file", text(&slapd.ca())),
        ("user_dn", text("uid={identifier},ou=people,dc=example,dc=org")),
        ("attributes", text("mail")),
    ];
    let host = TestHost::new().adopt(doorward_module());
    let staff = host.open("ldap", "staff", &direct).unwrap();
    let answer = verify(&staff, "ann", b"correct horse");
    assert_eq!(answer.outcome(), Outcome::Accepted);
    assert_eq!(
        answer.attributes[0].1,
        br#"["ann@example.org","ann.lee@example.org"]"#
    );
    for name in ["ann,ou=people", "twin,ou=others,dc=example,dc=org#", "nobody"] {
        assert_eq!(
            verify(&staff, name, b"correct horse").outcome(),
            Outcome::Denied(Reason::Wrong as u32),
            "{name}"
        );
    }
}

#[test]
fn locked_and_expired_accounts_are_told_apart_from_wrong_passwords() {
    let slapd = Slapd::start();
    let staff = provider(&slapd, &[]).unwrap();
    for _ in 0..3 {
        assert_eq!(
            verify(&staff, "ann", b"wrong").outcome(),
            Outcome::Denied(Reason::Wrong as u32)
        );
    }
    assert_eq!(
        verify(&staff, "ann", b"correct horse").outcome(),
        Outcome::Denied(Reason::Locked as u32)
    );
    // Its password was set years ago, and is good for an hour.
    assert_eq!(
        verify(&staff, "old", b"was good").outcome(),
        Outcome::Denied(Reason::Expired as u32)
    );
}

#[test]
fn passwords_go_to_nobody_who_cannot_prove_to_be_the_directory() {
    let slapd = Slapd::start();
    let other = slapd.folder.join("other.pem").display().to_string();
    let by_address = format!("ldap://127.0.0.1:{}", slapd.port);
    let tls = format!("ldaps://localhost:{}", slapd.tls_port);
    for (change, reached) in [
        (("ca_file", text(&slapd.ca())), true),
        (("url", text(&tls)), true),
        (("ca_file", text(&other)), false),
        (("url", text(&by_address)), false),
    ] {
        let staff = provider(&slapd, std::slice::from_ref(&change)).unwrap();
        let outcome = verify(&staff, "ann", b"correct horse").outcome();
        assert_eq!(outcome == Outcome::Accepted, reached, "{change:?}");
        if !reached {
            assert_eq!(outcome, Outcome::Undecided(abi::E_UNAVAILABLE), "{change:?}");
        }
    }
    // Readable passwords are for whoever asks for them by name.
    let refused = provider(&slapd, &[("start_tls", ConfigValue::Boolean(false))])
        .err()
        .unwrap();
    assert!(refused.contains("danger_plaintext"), "{refused}");
    let plain = [
        ("start_tls", ConfigValue::Boolean(false)),
        ("danger_plaintext", ConfigValue::Boolean(true)),
    ];
    let staff = provider(&slapd, &plain).unwrap();
    assert_eq!(
        verify(&staff, "ann", b"correct horse").outcome(),
        Outcome::Accepted
    );
}

#[test]
fn a_directory_that_does_not_answer_decides_nothing() {
    let mut slapd = Slapd::start();
    let staff = provider(&slapd, &[("timeout_ms", ConfigValue::Integer(500))]).unwrap();
    let health = |staff: &Provider| staff.ask(&Ask::health()).status;
    assert_eq!(health(&staff), abi::OK);
    slapd.stopped(|| {
        assert_eq!(
            verify(&staff, "ann", b"correct horse").outcome(),
            Outcome::Undecided(abi::E_UNAVAILABLE)
        );
        assert_eq!(health(&staff), abi::E_UNAVAILABLE);
    });
    slapd.frozen(|| {
        let outcome = verify(&staff, "ann", b"correct horse").outcome();
        assert!(
            [
                Outcome::Undecided(abi::E_TIMEOUT),
                Outcome::Undecided(abi::E_UNAVAILABLE)
            ]
            .contains(&outcome),
            "{outcome:?}"
        );
    });
    assert_eq!(
        verify(&staff, "ann", b"correct horse").outcome(),
        Outcome::Accepted
    );
    // A service account that the directory does not know is the operator's mistake, not the person's.
    let wrong = provider(&slapd, &[("bind_password", secret("wrong"))]).unwrap();
    assert_eq!(
        verify(&wrong, "ann", b"correct horse").outcome(),
        Outcome::Undecided(abi::E_UNAVAILABLE)
    );
    let nowhere = provider(&slapd, &[("base", text("dc=example,dc=com"))]).unwrap();
    assert_eq!(
        verify(&nowhere, "ann", b"correct horse").outcome(),
        Outcome::Undecided(abi::E_UNAVAILABLE)
    );
}

#[test]
fn referrals_are_never_followed() {
    let slapd = Slapd::start();
    let ignoring = provider(&slapd, &[]).unwrap();
    assert_eq!(
        verify(&ignoring, "ann", b"correct horse").outcome(),
        Outcome::Accepted
    );
    let refusing = provider(&slapd, &[("referrals", text("refuse"))]).unwrap();
    assert_eq!(
        verify(&refusing, "ann", b"correct horse").outcome(),
        Outcome::Undecided(abi::E_UNAVAILABLE)
    );
}

#[test]
fn an_option_that_cannot_work_is_refused_with_its_name() {
    let slapd = Slapd::start();
    for (change, named) in [
        (("url", text("http://localhost")), "url"),
        (("filter", text("(uid=ann)")), "filter"),
        (("user_dn", text("uid={identifier}")), "base"),
        (("ca_file", text("/nonexistent")), "ca_file"),
    ] {
        let refused = provider(&slapd, &[change]).err().unwrap();
        assert!(refused.contains(named), "{named}: {refused}");
    }
}
