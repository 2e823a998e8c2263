//! The property that stops most attacks on the rules: canonical once is canonical.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use unicode_normalization::is_nfkc;

use super::super::*;

/// Every code point of the planes that have assigned characters, private use beyond the first plane apart.
fn code_points() -> impl Iterator<Item = char> {
    (0..0x4_0000).chain(0xe_0000..0xe_1000).filter_map(char::from_u32)
}

pub(super) fn assert_idempotent(rule: Rule, raw: &str) {
    if let Ok(identifier) = Identifier::parse(rule, raw.as_bytes()) {
        let again = Identifier::parse(rule, identifier.canonical());
        let again = again.as_ref().map(Identifier::canonical);
        assert_eq!(again, Ok(identifier.canonical()), "{rule} {raw:?}");
        let text = std::str::from_utf8(identifier.canonical()).unwrap();
        assert!(is_nfkc(text), "{rule} {raw:?}");
    }
}

#[test]
fn canonical_once_is_canonical_for_every_code_point() {
    for character in code_points() {
        assert_idempotent(Rule::Username, &format!("{character}"));
        assert_idempotent(Rule::Username, &format!("i{character}\u{307}"));
        assert_idempotent(Rule::Email, &format!("a{character}@b.c"));
        assert_idempotent(Rule::Email, &format!("a@b{character}.c"));
    }
}

/// The fold joins exactly what Python's does: NFKC and full case folding to a standstill, and the i's.
#[test]
fn usernames_fold_as_an_independent_table_says() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python_tables/username_fold.py");
    let output = Command::new("python3")
        .arg(script)
        .output()
        .expect("python3 runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let table = String::from_utf8(output.stdout).unwrap();
    let (mut ours_to_theirs, mut theirs_to_ours) = (BTreeMap::new(), BTreeMap::new());
    let mut rows = 0;
    for line in table.lines() {
        let (point, theirs) = line.split_once(' ').unwrap();
        let character = char::from_u32(u32::from_str_radix(point, 16).unwrap()).unwrap();
        let ours = fold::fold(&character.to_string()).unwrap();
        // A class may be named differently (Cherokee folds to capitals there); it must be the same class.
        assert_eq!(
            ours_to_theirs.entry(ours.clone()).or_insert(theirs),
            &theirs,
            "U+{point}"
        );
        assert_eq!(
            theirs_to_ours.entry(theirs).or_insert(ours.clone()),
            &ours,
            "U+{point}"
        );
        rows += 1;
    }
    assert!(rows > 140_000, "only {rows} rows");
}

proptest! {
    #[test]
    fn canonical_once_is_canonical_for_text(raw in "\\PC{1,24}", domain in "[a-zA-Z\u{fc}\u{df}\u{130}\u{3c2}.-]{1,12}") {
        assert_idempotent(Rule::Username, &raw);
        assert_idempotent(Rule::Email, &raw);
        assert_idempotent(Rule::Email, &format!("{raw}@{domain}"));
    }

    #[test]
    fn canonical_once_is_canonical_for_hard_text(raw in "[aAiIsSkK.\u{131}\u{130}\u{307}\u{301}\u{323}\u{17f}\u{212a}\u{df}\u{1e9e}\u{3a3}\u{3c2}\u{345}\u{fb03}\u{1d2e}\u{ff21}\u{1f80}\u{ac00}\u{11a8}-]{1,8}") {
        assert_idempotent(Rule::Username, &raw);
        assert_idempotent(Rule::Email, &format!("{raw}@example.com"));
        assert_idempotent(Rule::Email, &format!("a@{raw}.com"));
    }

    #[test]
    fn no_bytes_make_a_rule_fail(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
        for rule in Rule::ALL {
            if let Ok(identifier) = Identifier::parse(rule, &raw) {
                prop_assert!((1..=MAX_IDENTIFIER_BYTES).contains(&identifier.canonical().len()));
            }
        }
    }
}
