//! How operations begin: which are let in unchecked, and which are refused without a request.

use std::collections::BTreeSet;

use super::{code, root, sources, table};

/// Each `pub async fn` of the operations, with its body.
fn operations() -> Vec<(String, String)> {
    let folder = root().join("core/src/auth");
    let files = sources(&folder)
        .into_iter()
        .map(|(_, text)| text)
        .chain([std::fs::read_to_string(root().join("core/src/auth.rs")).unwrap()]);
    let mut found = Vec::new();
    for text in files {
        for body in code(&text).split("pub async fn ").skip(1) {
            let name = body.split('(').next().unwrap().to_owned();
            let body = body.split("\n    }\n").next().unwrap().to_owned();
            found.push((name, body));
        }
    }
    assert!(found.len() > 45, "{}", found.len());
    found
}

#[test]
fn every_operation_has_its_origin_checked_but_those_of_the_list() {
    let listed: BTreeSet<String> = table("Who is let in unchecked")
        .into_iter()
        .map(|row| row[0][0].clone())
        .collect();
    // What makes and ends a context is on no request.
    let life = ["start", "stop", "before_fork", "migrate", "agree"];
    let mut unchecked = BTreeSet::new();
    for (name, body) in operations() {
        if life.contains(&name.as_str()) {
            continue;
        }
        let checked = [".enter()", ".enter_answering()", ".enter_by_person()"]
            .iter()
            .any(|way| body.contains(way));
        if body.contains(".enter_unchecked(") {
            assert!(!checked, "{name} enters twice");
            unchecked.insert(name);
        } else {
            // Some only choose among others, which enter themselves.
            assert!(
                checked || body.contains("self\n") || body.contains("self."),
                "{name} does not enter"
            );
        }
    }
    assert_eq!(unchecked, listed);
}

/// The operations that a person's form causes and that nothing checked before: `P` in the interface's own table.
const BY_A_PERSON: [&str; 10] = [
    "authenticate",
    "begin_enrollment",
    "consume_token",
    "continue_flow",
    "create_session",
    "create_user",
    "create_user_from_claim",
    "request_token",
    "update_credentials_with_token",
    "update_identifier_with_token",
];

#[test]
fn what_a_persons_form_causes_is_refused_without_a_request() {
    let listed: BTreeSet<String> = table("Who is refused without a request")
        .into_iter()
        .map(|row| row[0][0].clone())
        .collect();
    let entering: BTreeSet<String> = operations()
        .into_iter()
        .filter(|(_, body)| body.contains(".enter_by_person()"))
        .map(|(name, _)| name)
        .collect();
    let marked = BY_A_PERSON.map(str::to_owned);
    assert_eq!(entering, BTreeSet::from(marked));
    assert_eq!(listed, entering);
    // The two headers name all of them where they say what a view without a request is refused.
    for (header, said) in [
        ("include/doorward.h", "/* A view for what no request causes"),
        (
            "python/doorward/_doorward.pyi",
            "\"\"\"A view of the context for what no request causes",
        ),
        (
            "core/src/auth.rs",
            "/// A handle of the context for what no request causes",
        ),
    ] {
        let text = std::fs::read_to_string(root().join(header)).unwrap();
        let said = text.split(said).nth(1).unwrap_or_else(|| panic!("{header}"));
        let said = said.split("trusted(").next().unwrap();
        for name in BY_A_PERSON {
            assert!(
                said.contains(&format!("_{name}")) || said.contains(&format!("`{name}`")),
                "{header}: {name}"
            );
        }
    }
}
