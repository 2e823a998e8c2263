use proptest::prelude::*;

use super::*;

fn policy() -> PasswordPolicy {
    PasswordPolicy::new(&PasswordPolicySettings::default(), SecondFactorRule::Optional).unwrap()
}

fn with_second_factor() -> PasswordPolicy {
    let settings = PasswordPolicySettings {
        min_length: 8,
        ..PasswordPolicySettings::default()
    };
    PasswordPolicy::new(&settings, SecondFactorRule::Enforced).unwrap()
}

fn rules(policy: &PasswordPolicy, password: &[u8]) -> Vec<&'static str> {
    policy
        .violations(password, &Context::default())
        .iter()
        .map(|v| v.rule)
        .collect()
}

#[test]
fn length_counts_code_points_at_the_boundaries() {
    let cases = [
        ("kv9mtq2x", 8, true),
        ("kv9mtq2", 8, false),
        ("kv9mtq2xlw4zr7p", 15, true),
        ("kv9mtq2xlw4zr7", 15, false),
        ("🦊🪵🧶🪁🎷🦉🧲🪐", 8, true), // astral: four bytes, two UTF-16 units each
        ("🦊🪵🧶🪁🎷🦉🧲", 8, false),
        ("e\u{301}o\u{308}u\u{302}yk", 8, true), // combining marks are code points
        ("kv9\0mtq2", 8, true),                  // NUL is one too
        ("kv9\0mtq", 8, false),
        ("        ", 8, true), // long enough; whatever else it is
    ];
    for (password, least, enough) in cases {
        let policy = if least == 8 {
            with_second_factor()
        } else {
            policy()
        };
        let short = rules(&policy, password.as_bytes()).contains(&"too_short");
        assert_eq!(short, !enough, "{password:?}");
    }
}

#[test]
fn sixty_four_of_the_longest_characters_are_always_allowed() {
    let settings = PasswordPolicySettings {
        max_bytes: MIN_MAX_BYTES,
        min_length: 64,
        ..PasswordPolicySettings::default()
    };
    let strictest = PasswordPolicy::new(&settings, SecondFactorRule::Optional).unwrap();
    let foxes: String = (0..64).filter_map(|i| char::from_u32(0x1f400 + i)).collect();
    assert_eq!((foxes.chars().count(), foxes.len()), (64, 256));
    assert_eq!(rules(&strictest, foxes.as_bytes()), Vec::<&str>::new());
    assert_eq!(rules(&strictest, format!("{foxes}x").as_bytes()), ["too_long"]);
}

#[test]
fn the_cap_in_bytes_holds_wherever_it_cuts() {
    let policy = policy();
    // Not repeating, so that nothing but the length is wrong.
    let long: String = (0u32..700)
        .filter_map(|i| char::from_u32(0xe0 + (i * i * 31 + i) % 400))
        .collect();
    for len in [MAX_BYTES, MAX_BYTES + 1, MAX_BYTES + 2, MAX_BYTES + 3] {
        let bytes = &long.as_bytes()[..long.floor_char_boundary(len)];
        let bytes = [bytes, &b"qqqq"[..len - bytes.len()]].concat();
        let expected: &[&str] = if len > MAX_BYTES { &["too_long"] } else { &[] };
        assert_eq!(rules(&policy, &bytes), expected, "{len}");
    }
    assert_eq!(rules(&policy, &vec![b'a'; 10_000_000]), ["too_long", "common"]);
}

#[test]
fn what_is_not_text_is_refused_as_such() {
    for bytes in [
        &b"\xff"[..],
        b"kv9mtq2xlw4zr7p\xc3",
        b"\xed\xa0\x80kv9mtq2xlw4zr7p",
    ] {
        assert_eq!(rules(&policy(), bytes), ["not_text"]);
    }
    let beyond = [vec![b'k'; MAX_BYTES], vec![0xff; 10]].concat();
    assert!(rules(&policy(), &beyond).contains(&"too_long"));
}

#[test]
fn all_violations_are_reported_at_once_with_their_limits() {
    let settings = PasswordPolicySettings {
        context_words: vec!["Umbrella".into()],
        ..PasswordPolicySettings::default()
    };
    let policy = PasswordPolicy::new(&settings, SecondFactorRule::Optional).unwrap();
    let error = policy
        .check(&Secret::from("master1987"), &Context::of(["master@example.org"]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PolicyViolation);
    let found: Vec<_> = error
        .violations()
        .iter()
        .map(|v| (v.rule, v.limit, v.field.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("too_short", 15, "password"),
            ("common", 0, "password"),
            ("context", 0, "password")
        ]
    );
    assert!(!error.to_string().contains("master"));
    let error = policy
        .check(
            &Secret::from("greta-example-77"),
            &Context::of(["greta@example.org"]),
        )
        .unwrap_err();
    assert_eq!(
        error.violations().iter().map(|v| v.rule).collect::<Vec<_>>(),
        ["context"]
    );
    policy
        .check(
            &Secret::from("nine lamps under the quay"),
            &Context::of(["greta@example.org"]),
        )
        .unwrap();
}

#[test]
fn settings_that_the_standards_forbid_are_refused() {
    let base = PasswordPolicySettings::default;
    let cases = [
        (
            PasswordPolicySettings {
                min_length: 14,
                ..base()
            },
            SecondFactorRule::Optional,
            Some("policy.require"),
        ),
        (
            PasswordPolicySettings {
                min_length: 14,
                ..base()
            },
            SecondFactorRule::Enforced,
            None,
        ),
        (
            PasswordPolicySettings {
                min_length: 8,
                ..base()
            },
            SecondFactorRule::Enforced,
            None,
        ),
        (
            PasswordPolicySettings {
                min_length: 7,
                ..base()
            },
            SecondFactorRule::Enforced,
            Some("password.min_length"),
        ),
        (
            PasswordPolicySettings {
                min_length: 64,
                ..base()
            },
            SecondFactorRule::Optional,
            None,
        ),
        (
            PasswordPolicySettings {
                min_length: 65,
                ..base()
            },
            SecondFactorRule::Optional,
            Some("password.min_length"),
        ),
        (
            PasswordPolicySettings {
                max_bytes: 255,
                ..base()
            },
            SecondFactorRule::Optional,
            Some("password.max_bytes"),
        ),
        (
            PasswordPolicySettings {
                max_bytes: 256,
                ..base()
            },
            SecondFactorRule::Optional,
            None,
        ),
        (
            PasswordPolicySettings {
                max_bytes: 1025,
                ..base()
            },
            SecondFactorRule::Optional,
            Some("password.max_bytes"),
        ),
        (
            PasswordPolicySettings {
                blocklist: Some("/nowhere".into()),
                ..base()
            },
            SecondFactorRule::Optional,
            Some("password.blocklist"),
        ),
    ];
    for (settings, second_factor, named) in cases {
        match (PasswordPolicy::new(&settings, second_factor), named) {
            (Ok(_), None) => {}
            (Err(error), Some(named)) => assert!(error.message().contains(named), "{error}"),
            (result, _) => panic!("{settings:?} {second_factor:?}: {result:?}"),
        }
    }
}

proptest! {
    /// ASVS 5.0 6.2.5: any characters, no classes. Fifteen different ones chosen at random are always accepted.
    #[test]
    fn any_characters_are_allowed(chars in proptest::collection::hash_set(any::<char>(), 24..40)) {
        let password: String = chars.into_iter().collect();
        prop_assert_eq!(rules(&policy(), password.as_bytes()), Vec::<&str>::new());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), identifier in ".{0,40}") {
        let _ = policy().violations(&bytes, &Context::of([identifier.as_str()]));
        let _ = policy().violations(identifier.as_bytes(), &Context::of([identifier.as_str()]));
    }

    /// ASVS 5.0 6.2.11, for identifiers with at least one word of three letters.
    #[test]
    fn an_identifier_with_digits_is_never_a_password(name in "[a-zA-Z]{3,12}", digits in "[0-9]{0,12}") {
        let user = Context::of([name.as_str()]);
        let reversed: String = name.chars().rev().collect();
        for password in [format!("{name}{digits}"), format!("{digits}{}", name.to_uppercase()), format!("{reversed}{digits}")] {
            let found = policy().violations(password.as_bytes(), &user);
            prop_assert!(found.iter().any(|v| v.rule == "context"), "{}", password);
        }
    }
}
