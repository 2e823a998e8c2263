//! The rules against the attacks on them (A06 to A08).

mod canonical_once;

use unicode_normalization::UnicodeNormalization;

use self::canonical_once::assert_idempotent;
use super::*;

fn canonical(rule: Rule, raw: &str) -> Result<String, IdentifierError> {
    Identifier::parse(rule, raw.as_bytes()).map(|identifier| String::from_utf8(identifier.canonical).unwrap())
}

fn username(raw: &str) -> Result<String, IdentifierError> {
    canonical(Rule::Username, raw)
}

fn email(raw: &str) -> Result<String, IdentifierError> {
    canonical(Rule::Email, raw)
}

#[test]
fn rules_have_names_and_versions() {
    for (rule, name) in [
        (Rule::Email, "email"),
        (Rule::Opaque, "opaque"),
        (Rule::Provider, "provider"),
        (Rule::Username, "username"),
    ] {
        assert_eq!(
            (rule.name(), rule.version(), Rule::named(name)),
            (name, 1, Some(rule))
        );
    }
    assert_eq!(Rule::named("Email"), None);
}

#[test]
fn emails_are_made_canonical_or_refused() {
    use IdentifierError::{At, Character, Domain, Empty, LocalPart, NotText, TooLong, Whitespace};
    let longest_local = format!("{}@example.com", "a".repeat(64));
    let label = "d".repeat(61);
    let longest = format!("{}@{label}.{label}.{label}.com", "a".repeat(64));
    assert_eq!(longest.len(), MAX_EMAIL_BYTES);
    for (raw, expected) in [
        ("ada@example.com", Ok("ada@example.com")),
        (
            "Ada.Lovelace+News@Example.COM",
            Ok("ada.lovelace+news@example.com"),
        ),
        (
            "a!#$%&'*+-/=?^_`{|}~b@example.com",
            Ok("a!#$%&'*+-/=?^_`{|}~b@example.com"),
        ),
        ("root@localhost", Ok("root@localhost")),
        ("ada@b\u{fc}cher.example", Ok("ada@xn--bcher-kva.example")),
        ("ada@BU\u{308}CHER.example", Ok("ada@xn--bcher-kva.example")),
        ("ada@xn--bcher-kva.example", Ok("ada@xn--bcher-kva.example")),
        ("ada@example\u{3002}com", Ok("ada@example.com")),
        ("ada@\u{ff25}xample.com", Ok("ada@example.com")),
        ("Jos\u{e9}@example.com", Ok("jos\u{e9}@example.com")),
        ("JOSE\u{301}@example.com", Ok("jos\u{e9}@example.com")),
        (
            "\u{418}\u{432}\u{430}\u{43d}@example.com",
            Ok("\u{438}\u{432}\u{430}\u{43d}@example.com"),
        ),
        ("stra\u{df}e@example.com", Ok("stra\u{df}e@example.com")),
        (&longest_local, Ok(&*longest_local)),
        (&longest, Ok(&*longest)),
        ("", Err(Empty)),
        ("ada", Err(At)),
        ("@", Err(Domain)),
        ("ada@", Err(Domain)),
        ("@example.com", Err(LocalPart)),
        ("a@b@example.com", Err(At)),
        (".a@example.com", Err(LocalPart)),
        ("a.@example.com", Err(LocalPart)),
        ("a..b@example.com", Err(LocalPart)),
        ("\"ada\"@example.com", Err(Character)),
        ("\"a@b\"@example.com", Err(At)),
        ("ada(comment)@example.com", Err(Character)),
        ("Ada <ada@example.com>", Err(Whitespace)),
        ("<ada@example.com", Err(Character)),
        ("ada@example.com>", Err(Domain)),
        ("mailto:ada@example.com", Err(Character)),
        ("a\\b@example.com", Err(Character)),
        ("ada@[192.0.2.7]", Err(Domain)),
        ("ada@192.0.2.7", Err(Domain)),
        ("ada@example.com.", Err(Domain)),
        ("ada@.example.com", Err(Domain)),
        ("ada@example..com", Err(Domain)),
        ("ada@-example.com", Err(Domain)),
        ("ada@exam_ple.com", Err(Domain)),
        ("ada@example.com/x", Err(Domain)),
        ("ada@example.com?bcc=eve", Err(Domain)),
        ("ada@exa\u{ad}mple.com", Err(Domain)),
        ("ada@exa\u{200b}mple.com", Err(Domain)),
        ("ada@xn--a.example", Err(Domain)),
        ("ad\u{200b}a@example.com", Err(Character)),
        ("ad\u{202e}a@example.com", Err(Character)),
        ("\u{1f600}@example.com", Err(Character)),
        ("\u{fb01}n@example.com", Err(Character)),
        (&format!("a{longest_local}"), Err(TooLong { limit: 64 })),
        (&longest.replacen('d', "dd", 1), Err(TooLong { limit: 254 })),
        (
            &format!("{}@example.com", "a".repeat(2000)),
            Err(TooLong { limit: 1024 }),
        ),
    ] {
        assert_eq!(
            email(raw).as_deref(),
            expected.as_ref().map(|text| *text),
            "{raw:?}"
        );
    }
    assert_eq!(Identifier::parse(Rule::Email, b"\xff@example.com"), Err(NotText));
}

#[test]
fn usernames_are_made_canonical_or_refused() {
    use IdentifierError::{Character, Empty, Imitation, MixedScripts, Shape, TooLong, Whitespace};
    let (full, over) = ("\u{ac00}".repeat(64), "a".repeat(65));
    for (raw, expected) in [
        ("ada", Ok("ada")),
        ("Ada_Lovelace-1815.x", Ok("ada_lovelace-1815.x")),
        ("_ada_", Ok("_ada_")),
        ("\u{ff21}\u{ff44}\u{ff41}", Ok("ada")),
        ("Stra\u{df}e", Ok("strasse")),
        ("STRASSE", Ok("strasse")),
        ("\u{1e9e}", Ok("ss")),
        (
            "\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}",
            Ok("\u{3c3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c3}"),
        ),
        ("Jose\u{301}", Ok("jos\u{e9}")),
        ("k\u{e6}r", Ok("k\u{e6}r")),
        ("\u{390}", Ok("\u{390}")), // upper case takes it apart; it must come back composed
        ("\u{418}\u{432}\u{430}\u{43d}", Ok("\u{438}\u{432}\u{430}\u{43d}")),
        (
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}7",
            Ok("\u{5e9}\u{5dc}\u{5d5}\u{5dd}7"),
        ),
        (
            "\u{5c71}\u{7530}\u{30bf}\u{30ed}\u{3046}x",
            Ok("\u{5c71}\u{7530}\u{30bf}\u{30ed}\u{3046}x"),
        ),
        ("\u{1100}\u{1161}", Ok("\u{ac00}")),
        (&full, Ok(&*full)),
        ("", Err(Empty)),
        (&over, Err(TooLong { limit: 64 })),
        (&"\u{fb03}".repeat(22), Err(TooLong { limit: 64 })), // one ligature is three letters
        ("a b", Err(Whitespace)),
        ("a\u{3000}b", Err(Whitespace)),
        ("a@b", Err(Character)),
        ("a/b", Err(Character)),
        ("a:b", Err(Character)),
        ("a,b", Err(Character)),
        ("a'b", Err(Character)),
        ("a%b", Err(Character)),
        ("\u{1f600}", Err(Character)),
        ("a\u{200d}b", Err(Character)),
        ("a\u{ad}b", Err(Character)),
        ("a\u{feff}b", Err(Character)),
        ("\u{e000}", Err(Character)),
        ("\u{378}", Err(Character)),
        ("\u{16a0}", Err(Character)), // runes: not in modern use
        (".ada", Err(Shape)),
        ("ada.", Err(Shape)),
        ("-ada", Err(Shape)),
        ("\u{2024}ada", Err(Shape)), // one dot leader becomes a dot
        ("\u{301}a", Err(Shape)),
        ("q\u{301}\u{301}\u{301}\u{301}\u{301}", Err(Shape)),
        ("p\u{430}ypal", Err(MixedScripts)),
        ("\u{3b1}pple", Err(MixedScripts)),
        ("ada\u{5d0}", Err(MixedScripts)),
        ("\u{e01}ada", Err(MixedScripts)),
        ("\u{430}\u{440}\u{440}\u{4cf}\u{435}", Err(Imitation)),
        ("\u{3bf}", Err(Imitation)),
    ] {
        assert_eq!(
            username(raw).as_deref(),
            expected.as_ref().map(|text| *text),
            "{raw:?}"
        );
    }
}

/// A06, Spotify 2013: the name in modifier capitals became BIGBIRD in one pass and bigbird in two.
#[test]
fn a06_one_account_has_one_canonical_name() {
    let attack = "\u{1d2e}\u{1d35}\u{1d33}\u{1d2e}\u{1d35}\u{1d3f}\u{1d30}";
    let once = |text: &str| text.to_lowercase().nfkc().collect::<String>();
    assert_eq!(once(attack), "BIGBIRD", "the naive canonicaliser falls for it");
    assert_eq!(once(&once(attack)), "bigbird");
    assert_eq!(username(attack).as_deref(), Ok("bigbird"));
    assert_eq!(username("BigBird").as_deref(), Ok("bigbird"));
}

/// A07, Django CVE-2019-19844 and GitHub: two mailboxes that a case-insensitive comparison takes for one.
#[test]
fn a07_letters_that_only_casing_joins_are_no_mailbox_of_anybody_else() {
    let mike = email("mike@example.org").unwrap();
    for twin in [
        "m\u{131}ke@example.org",
        "mi\u{212a}e@example.org",
        "\u{17f}am@example.org",
        "M\u{130}KE@example.org",
        "o\u{fb03}ce@example.org",
    ] {
        let made = email(twin);
        assert!(
            made.as_ref() != Ok(&mike)
                && made != email("sam@example.org")
                && made != email("office@example.org"),
            "{twin}"
        );
    }
    assert_eq!(
        email("m\u{131}ke@example.org").as_deref(),
        Ok("m\u{131}ke@example.org")
    );
    assert_eq!(email("mi\u{212a}e@example.org"), Err(IdentifierError::Character));
    // In the domain, too, dotless i is a letter of its own; and it is the DNS that says so.
    assert_eq!(
        email("mike@m\u{131}crosoft.com").as_deref(),
        Ok("mike@xn--mcrosoft-tkb.com")
    );
    // Among usernames the i's are one name: nobody can have the other.
    for twin in [
        "m\u{131}ke",
        "M\u{130}KE",
        "mi\u{212a}e",
        "MIKE",
        "M\u{49}\u{307}KE",
    ] {
        assert_eq!(username(twin).as_deref(), Ok("mike"), "{twin}");
    }
}

/// A08, Auth.js CVE-2026-73420 (an `@` that normalisation brings), next-auth CVE-2022-35924 (a list), and the lock-out
/// bypasses by case, spaces and NUL: every variant is the same key or none.
#[test]
fn a08_validation_sees_what_normalisation_brought() {
    for (raw, error) in [
        ("admin\u{ff20}example.org", IdentifierError::At),
        (
            "admin\u{ff20}example.org@evil.example",
            IdentifierError::Character,
        ),
        ("admin@example.org\u{ff20}evil.example", IdentifierError::Domain),
        (
            "admin\u{fe6b}example.org@evil.example",
            IdentifierError::Character,
        ),
        ("admin@example.org,eve@evil.example", IdentifierError::At),
        ("admin@example.org,evil.example", IdentifierError::Domain),
        ("eve,admin@example.org", IdentifierError::Character),
        ("eve\u{ff0c}admin@example.org", IdentifierError::Character),
        ("admin@example.org;evil.example", IdentifierError::Domain),
        ("admin@example.org\u{ff0c}evil.example", IdentifierError::Domain),
        (
            "admin@example.org\nbcc: eve@evil.example",
            IdentifierError::Whitespace,
        ),
        ("admin@example.org\u{3000}", IdentifierError::Whitespace),
        ("admin @example.org", IdentifierError::Whitespace),
        ("admin@example.org\0", IdentifierError::Character),
        ("admin\0@example.org", IdentifierError::Character),
        ("admin\0@evil.example@example.org", IdentifierError::Character),
    ] {
        assert_eq!(email(raw), Err(error), "{raw:?}");
    }
    for raw in [
        "admin\0",
        "ad min",
        "admin\u{2000}",
        "admin\u{3000}",
        "ad\u{200b}min",
    ] {
        assert!(username(raw).is_err(), "{raw:?}");
    }
    for same in ["ADMIN@example.org", "admin@EXAMPLE.org", "Admin@Example.Org"] {
        assert_eq!(email(same).as_deref(), Ok("admin@example.org"));
    }
}

/// Keyboards that complete a word add a space; pages and mail programs leave marks that nobody sees (`RocketChat` 25906,
/// vaultwarden 2348 and ten more).
#[test]
fn white_space_at_the_ends_is_dropped_from_what_is_kept_and_from_the_key() {
    let margins = [
        " ",
        "\t",
        "\n",
        "\u{b}",
        "\u{c}",
        "\r\n",
        "\u{a0}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{200e}",
        "\u{200f}",
        "\u{feff}",
        " \u{feff}\u{200b} ",
    ];
    for (rule, typed, canonical) in [
        (Rule::Email, "Ada@Example.com", "ada@example.com"),
        (Rule::Username, "Ada", "ada"),
    ] {
        for margin in margins {
            for raw in [
                format!("{margin}{typed}"),
                format!("{typed}{margin}"),
                format!("{margin}{typed}{margin}"),
            ] {
                let made = Identifier::parse(rule, raw.as_bytes()).unwrap();
                assert_eq!(made.canonical(), canonical.as_bytes(), "{raw:?}");
                assert_eq!(made.raw(), typed.as_bytes(), "{raw:?}");
                assert_eq!(rule.typed(raw.as_bytes()), typed.as_bytes(), "{raw:?}");
                assert_idempotent(rule, &raw);
            }
            assert_eq!(
                Identifier::parse(rule, margin.as_bytes()),
                Err(IdentifierError::Empty),
                "{margin:?}"
            );
        }
    }
    // What a kind or an application says of itself is left alone, and so are bytes that are no text.
    for rule in [Rule::Opaque, Rule::Provider] {
        assert_eq!(rule.typed(b" a "), b" a ");
    }
    assert_eq!(Rule::Email.typed(b" \xff "), b" \xff ");
}

#[test]
fn opaque_identifiers_are_their_bytes() {
    for bytes in [&b"\xff\x00 A"[..], b" a ", b"A", b"a", &[0; 1024]] {
        let identifier = Identifier::parse(Rule::Opaque, bytes).unwrap();
        assert_eq!((identifier.canonical(), identifier.raw()), (bytes, bytes));
    }
    assert_eq!(Identifier::parse(Rule::Opaque, b""), Err(IdentifierError::Empty));
    assert_eq!(
        Identifier::parse(Rule::Opaque, &[b'a'; 1025]),
        Err(IdentifierError::TooLong { limit: 1024 })
    );
}

#[test]
fn a_provider_normalizes_to_a_standstill_or_not_at_all() {
    let upper = |raw: &[u8]| Ok::<_, IdentifierError>(raw.to_ascii_uppercase());
    let identifier = Identifier::from_provider(b"aB", 7, upper).unwrap();
    assert_eq!(
        (identifier.raw(), identifier.canonical()),
        (b"aB".as_slice(), b"AB".as_slice())
    );
    assert_eq!((identifier.rule(), identifier.version()), (Rule::Provider, 7));

    let growing = |raw: &[u8]| Ok::<_, IdentifierError>([raw, b"x"].concat());
    assert_eq!(
        Identifier::from_provider(b"a", 1, growing),
        Err(IdentifierError::Unstable)
    );
    let nothing = |_: &[u8]| Ok::<_, IdentifierError>(Vec::new());
    assert_eq!(
        Identifier::from_provider(b"a", 1, nothing),
        Err(IdentifierError::Empty)
    );
    let huge = |_: &[u8]| Ok::<_, IdentifierError>(vec![0; 1025]);
    assert_eq!(
        Identifier::from_provider(b"a", 1, huge),
        Err(IdentifierError::TooLong { limit: 1024 })
    );
    assert_eq!(
        Identifier::from_provider(&[0; 1025], 1, upper),
        Err(IdentifierError::TooLong { limit: 1024 })
    );
}

#[test]
fn what_was_typed_is_kept() {
    let identifier = Identifier::parse(Rule::Email, "Ada@B\u{fc}cher.example".as_bytes()).unwrap();
    assert_eq!(identifier.raw(), "Ada@B\u{fc}cher.example".as_bytes());
    assert_eq!(identifier.canonical(), b"ada@xn--bcher-kva.example");
    assert_eq!((identifier.rule(), identifier.version()), (Rule::Email, 1));
}

#[test]
fn errors_name_the_field_and_the_fix_and_have_ids_of_their_own() {
    let ids: std::collections::BTreeSet<_> = IdentifierError::ALL.iter().map(|error| error.id()).collect();
    assert_eq!(ids.len(), IdentifierError::ALL.len());
    for error in IdentifierError::ALL {
        let message = error.to_string();
        assert!(
            message.starts_with("identifier ") && message.contains("; "),
            "{message}"
        );
        let public = Error::from(error);
        if error == IdentifierError::Unstable {
            assert_eq!(public.kind(), ErrorKind::PluginFault);
        } else {
            assert_eq!(public.kind(), ErrorKind::PolicyViolation);
            let [violation] = public.violations() else {
                panic!("one violation")
            };
            assert_eq!(
                (violation.rule, &*violation.field, &violation.message),
                (error.id(), "identifier", &message)
            );
        }
    }
}
