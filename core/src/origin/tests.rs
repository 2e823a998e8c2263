//! The table of verdicts, and the errors of configuration.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;

const FIXTURE: &str = "../tests/fixtures/origin_table.tsv";
const SCRIPT: &str = "../tests/python_tables/origin_table.py";

fn path(relative: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

#[test]
fn every_row_of_the_independent_table_is_answered_as_it_says() {
    let table = std::fs::read_to_string(path(FIXTURE)).unwrap();
    let mut rows = 0;
    let mut verdicts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut sets: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        if let [name, origins] = fields[..] {
            let origins = values(origins)
                .into_iter()
                .map(|value| String::from_utf8(value).unwrap());
            sets.insert(name, origins.collect());
            continue;
        }
        let [
            trusted,
            mode,
            method,
            upgrade,
            cookie,
            referer,
            origins,
            sites,
            expected,
        ] = fields[..]
        else {
            panic!("a row has nine fields: {line}");
        };
        let mut headers: Vec<(&str, Vec<u8>)> = Vec::new();
        for (name, field) in [
            ("Upgrade", upgrade),
            ("Cookie", cookie),
            ("Referer", referer),
            ("Origin", origins),
            ("Sec-Fetch-Site", sites),
        ] {
            headers.extend(values(field).into_iter().map(|value| (name, value)));
        }
        let mode = if mode == "compat" {
            OriginMode::Compat
        } else {
            OriginMode::Strict
        };
        let trusted = TrustedOrigins::parse(&sets[trusted], PlainHttp::Loopback, mode).unwrap();
        let verdict = match trusted.check(&Request::new(method, headers, None)) {
            OriginVerdict::Trusted => "trusted",
            OriginVerdict::Refused { reason, setting } => {
                assert_eq!(setting, reason.setting());
                reason.id()
            }
        };
        assert_eq!(verdict, expected, "row {rows}: {line}");
        *verdicts.entry(expected).or_default() += 1;
        rows += 1;
    }
    assert!(rows >= 2000, "only {rows} rows");
    // A table that never refuses for some reason would prove nothing about it.
    for reason in RefusalReason::ALL {
        let about_origins = reason.id().starts_with("origin_") || reason.id().starts_with("fetch_site_");
        assert_eq!(
            verdicts.contains_key(reason.id()),
            about_origins,
            "{reason:?} in {verdicts:?}"
        );
    }
}

#[test]
fn the_committed_table_is_what_the_script_writes() {
    let output = Command::new("python3")
        .arg(path(SCRIPT))
        .output()
        .expect("python3 runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let committed = std::fs::read(path(FIXTURE)).unwrap();
    assert!(
        output.stdout == committed,
        "run tests/python_tables/origin_table.py > tests/fixtures/origin_table.tsv"
    );
}

/// `[a][b]` is two lines, an empty field none.
fn values(field: &str) -> Vec<Vec<u8>> {
    field
        .split_terminator(']')
        .map(|value| {
            let mut bytes = Vec::new();
            let mut rest = value.strip_prefix('[').unwrap().bytes();
            while let Some(byte) = rest.next() {
                if byte == b'%' {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                } else {
                    bytes.push(byte);
                }
            }
            bytes
        })
        .collect()
}

#[test]
fn configured_origins_are_tuples() {
    for (value, shown) in [
        ("https://example.com", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("HTTPS://EXAMPLE.com:8443", "https://example.com:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost", "http://localhost"),
        ("http://app.localhost:3000", "http://app.localhost:3000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
    ] {
        let trusted = TrustedOrigins::parse([value], PlainHttp::Loopback, OriginMode::Strict).unwrap();
        let origins: Vec<_> = trusted.iter().map(ToString::to_string).collect();
        assert_eq!(origins, [shown]);
    }
}

#[test]
fn wrong_origins_are_refused_with_the_value_and_the_fix() {
    for (value, fix) in [
        ("example.com", "https://example.com"),
        ("//example.com", "https://example.com"),
        ("https:example.com", "with its scheme"),
        ("https:/example.com", "with its scheme"),
        ("https:///example.com", "scheme, host and port only"),
        ("https://", "https://example.com"),
        ("", "with its scheme"),
        ("null", "cannot be trusted"),
        ("*", "list each"),
        ("https://*.example.com", "list each"),
        ("https://example.com/app", "as https://example.com"),
        ("https://example.com//", "as https://example.com"),
        ("https://example.com?x", "as https://example.com"),
        ("https://example.com/?x", "as https://example.com"),
        ("https://example.com#x", "as https://example.com"),
        ("https://user@example.com", "as https://example.com"),
        ("https://example.com\\evil", "scheme, host and port only"),
        (" https://example.com", "whitespace"),
        ("https://example.com\n", "whitespace"),
        ("https://exa mple.com", "whitespace"),
        ("https://example.com:99999", "https://example.com"),
        ("ftp://example.com", "https://example.com"),
        ("app://example.com", "https://example.com"),
        ("file:///etc", "https://example.com"),
        ("http://example.com", "use https"),
        ("http://localhost.example.com", "use https"),
        ("http://notlocalhost", "use https"),
        ("http://10.0.0.1", "use https"),
    ] {
        let message = TrustedOrigins::parse([value], PlainHttp::Loopback, OriginMode::Strict)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(fix) && message.contains(&format!("{value:?}")),
            "{message}"
        );
    }
    assert!(TrustedOrigins::parse(["http://10.0.0.1"], PlainHttp::Anywhere, OriginMode::Strict).is_ok());
}

proptest! {
    /// Whatever the header, it is trusted only if it is one of the few ways to write the configured tuple.
    #[test]
    fn nothing_but_the_tuple_itself_is_trusted(
        noise in "[a-zA-Z0-9./:@#?%\\\\ \\[\\]*\u{3002}\u{ff0e}\u{ad}-]{0,6}",
        at in 0_usize..23,
        drop in 0_usize..3,
    ) {
        let configured = "https://shop.example:443";
        let trusted = TrustedOrigins::parse(["https://shop.example"], PlainHttp::Loopback, OriginMode::Strict).unwrap();
        let header = format!("{}{noise}{}", &configured[..at], &configured[(at + drop).min(configured.len())..]);
        let verdict = trusted.check(&Request::new("POST", [("Origin", header.as_bytes())], None));
        let plain = header.trim_matches([' ', '\t']).to_ascii_lowercase();
        let is_the_tuple = plain == configured || plain == "https://shop.example";
        prop_assert_eq!(verdict == OriginVerdict::Trusted, is_the_tuple, "{:?}", header);
    }
}
