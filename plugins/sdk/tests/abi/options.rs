//! `options!`: one declaration, and what comes from it.

use doorward_plugin::abi;
use doorward_plugin::options::{FromText, Shape};
use doorward_plugin::{
    Config, Declaration, Failure, IdentifierSource, Kind, Operation, Zeroizing, choices, options,
    static_module,
};
use doorward_plugin_testing::{ConfigValue, TestHost, options_table, same_options};

choices! {
    /// How the codes are made.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Algorithm {
        Sha1 = "sha1",
        Sha256 = "sha256",
    }
}

/// A domain in lower case.
#[derive(Debug, PartialEq, Eq)]
struct Domain(String);

impl FromText for Domain {
    const SHAPE: Shape = Shape::text(1..=12, "a domain in lower case");

    fn from_text(text: &str) -> Option<Self> {
        (!text.contains(char::is_uppercase)).then(|| Self(text.to_owned()))
    }
}

options! {
    /// Where it is.
    struct Server {
        /// Its port.
        port: u16 [1..=65_535] = 389,
        /// Its password.
        password: Option<Zeroizing<Vec<u8>>> [1..=8],
    }
}

options! {
    /// All sorts of options.
    struct Options {
        /// How many digits
        /// a code has.
        digits: u8 [6..=8] = 6,
        /// How far.
        offset: i64 = -3,
        /// How the codes are made.
        algorithm: Algorithm = "sha256",
        /// Whose they are.
        domain: Domain,
        /// For whom | else.
        domains: Vec<Domain> [0..=2],
        /// What is shown.
        issuer: Option<String> [1..=4] => "the provider's name",
        /// What they may.
        scopes: String [0..=8] = "",
        /// Whether it is strict.
        strict: bool = false,
        /// The key.
        key: Zeroizing<String> [2..=8],
        /// The server.
        server: Server,
    }
}

/// Says what it read.
struct Sayer;

impl Kind for Sayer {
    const DECLARATION: Declaration = Declaration {
        config_schema: Some(Options::SCHEMA),
        operations: &[Operation::Verify],
        ..Declaration::new(c"sayer", c"Sayer", IdentifierSource::User)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        let options = Options::read(config)?;
        Err(Failure::internal(format!(
            "{} {} {:?} {:?} {:?} {:?} {:?} {} {} {} {:?}",
            options.digits,
            options.offset,
            options.algorithm,
            options.domain,
            options.domains,
            options.issuer,
            options.scopes,
            options.strict,
            *options.key,
            options.server.port,
            options.server.password.as_deref(),
        )))
    }
}

static_module! {
    id: c"org.example.sayer",
    version: c"1.0.0",
    vendor: c"Example",
    license: c"MIT",
    kinds: [Sayer],
}

fn text(name: &'static str, value: &str) -> (&'static str, ConfigValue) {
    (name, ConfigValue::Text(value.to_owned()))
}

fn secret(name: &'static str, value: &str) -> (&'static str, ConfigValue) {
    (name, ConfigValue::Secret(value.as_bytes().to_vec()))
}

/// The least that must be set.
fn least() -> Vec<(&'static str, ConfigValue)> {
    vec![text("domain", "example.org"), secret("key", "k\u{e9}y")]
}

fn said(options: &[(&str, ConfigValue)]) -> (i32, String) {
    let plugin = TestHost::new().adopt(doorward_module());
    plugin.open("sayer", "sayer", options).err().unwrap()
}

#[test]
fn options_that_are_not_set_have_their_defaults() {
    let expected = "6 -3 Sha256 Domain(\"example.org\") [] None \"\" false k\u{e9}y 389 None";
    assert_eq!(said(&least()), (abi::E_INTERNAL, expected.to_owned()));
}

#[test]
fn options_that_are_set_are_read() {
    let mut options = least();
    options.extend([
        ("digits", ConfigValue::Integer(8)),
        ("offset", ConfigValue::Integer(i64::MIN)),
        text("algorithm", "sha1"),
        text("domains.0", "a"),
        text("domains.1", "b"),
        text("issuer", "\u{e9}\u{e9}\u{e9}\u{e9}"),
        text("scopes", "read all"),
        ("strict", ConfigValue::Boolean(true)),
        ("server.port", ConfigValue::Integer(65_535)),
        secret("server.password", "12345678"),
    ]);
    let expected = format!(
        "8 {} Sha1 Domain(\"example.org\") [Domain(\"a\"), Domain(\"b\")] Some(\"\u{e9}\u{e9}\u{e9}\u{e9}\") \
         \"read all\" true k\u{e9}y 65535 Some([49, 50, 51, 52, 53, 54, 55, 56])",
        i64::MIN
    );
    assert_eq!(said(&options), (abi::E_INTERNAL, expected));
}

#[test]
fn what_is_refused_is_named_with_what_it_must_be() {
    let number = |name: &'static str, value| (name, ConfigValue::Integer(value));
    for (option, message) in [
        (number("digits", 5), "digits must be a whole number from 6 to 8"),
        (number("digits", 9), "digits must be a whole number from 6 to 8"),
        (text("digits", "6"), "digits must be a whole number from 6 to 8"),
        (
            text("algorithm", "md5"),
            "algorithm must be one of \"sha1\", \"sha256\"",
        ),
        (text("domain", "A"), "domain must be a domain in lower case"),
        (text("domain", ""), "domain must be a domain in lower case"),
        (
            text("domain", "a23456789.123"),
            "domain must be a domain in lower case",
        ),
        (text("domains.0", "A"), "domains.0 must be a domain in lower case"),
        (
            text("issuer", "12345"),
            "issuer must be a text of 1 to 4 characters",
        ),
        (text("strict", "yes"), "strict must be true or false"),
        (text("key", "12"), "key must be a secret of 2 to 8 characters"),
        (secret("key", "1"), "key must be a secret of 2 to 8 characters"),
        (
            number("server.port", 0),
            "server.port must be a whole number from 1 to 65535",
        ),
        (
            secret("server.password", "123456789"),
            "server.password must be a secret of 1 to 8 characters",
        ),
    ] {
        let mut options = least();
        options.retain(|(name, _)| *name != option.0);
        let shown = format!("{option:?}");
        options.push(option);
        assert_eq!(said(&options), (abi::E_CONFIG, message.to_owned()), "{shown}");
    }
    let many = ["domains.0", "domains.1", "domains.2"].map(|name| text(name, "a"));
    let many: Vec<_> = least().into_iter().chain(many).collect();
    let message = "domains must be a list of at most 2 entries, each a domain in lower case";
    assert_eq!(said(&many), (abi::E_CONFIG, message.to_owned()));
    let message = "domain must be set, to a domain in lower case";
    assert_eq!(said(&[]), (abi::E_CONFIG, message.to_owned()));
}

#[test]
fn the_schema_is_of_the_declaration() {
    let expected = concat!(
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,"#,
        r#""required":["domain","key"],"properties":{"#,
        r#""digits":{"type":"integer","minimum":6,"maximum":8,"default":6},"#,
        r#""offset":{"type":"integer","default":-3},"#,
        r#""algorithm":{"type":"string","enum":["sha1","sha256"],"default":"sha256"},"#,
        r#""domain":{"type":"string","minLength":1,"maxLength":12},"#,
        r#""domains":{"type":"array","items":{"type":"string","minLength":1,"maxLength":12}},"#,
        r#""issuer":{"type":"string","minLength":1,"maxLength":4},"#,
        r#""scopes":{"type":"string","maxLength":8,"default":""},"#,
        r#""strict":{"type":"boolean","default":false},"#,
        r#""key":{"type":"string","minLength":2,"maxLength":8,"writeOnly":true},"#,
        r#""server":{"type":"object","additionalProperties":false,"properties":{"#,
        r#""port":{"type":"integer","minimum":1,"maximum":65535,"default":389},"#,
        r#""password":{"type":"string","minLength":1,"maxLength":8,"writeOnly":true}}}}}"#,
    );
    let schemas = TestHost::new().adopt(doorward_module()).schemas();
    assert_eq!(schemas[0].as_deref(), Some(expected));
}

const TABLE: &str = "\
| option | values | default | meaning |
|---|---|---|---|
| `digits` | 6 to 8 | 6 | How many digits a code has. |
| `offset` | a whole number | -3 | How far. |
| `algorithm` | `sha1`, `sha256` | `sha256` | How the codes are made. |
| `domain` | a domain in lower case | required | Whose they are. |
| `domains` | a list of at most 2 entries, each a domain in lower case | none | For whom \\| else. |
| `issuer` | 1 to 4 characters | the provider's name | What is shown. |
| `scopes` | at most 8 characters | none | What they may. |
| `strict` | `true`, `false` | `false` | Whether it is strict. |
| `key` | a secret of 2 to 8 characters | required | The key. |
| `server.port` | 1 to 65535 | 389 | Its port. |
| `server.password` | a secret of 1 to 8 characters | none | Its password. |
";

#[test]
fn the_table_of_a_readme_is_of_the_declaration() {
    assert_eq!(options_table(Options::DECLARED), TABLE);
    let readme = format!("# Sayer\n\n## Options\n\nThese:\n\n{TABLE}\n## Then\n\n| a |\n");
    same_options(&readme, Options::DECLARED);
    for wrong in [
        readme.replace("6 to 8", "6 to 9"),
        readme.replace("| `server.port` | 1 to 65535 | 389 | Its port. |\n", ""),
        readme.replace("## Options", "## Choices"),
    ] {
        let refused = std::panic::catch_unwind(|| same_options(&wrong, Options::DECLARED)).unwrap_err();
        let message = refused.downcast::<String>().unwrap();
        assert!(message.ends_with(TABLE), "{message}");
    }
}
