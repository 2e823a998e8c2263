//! Each operation of the core has an example that runs: its success, and a case that fails.

use crate::operations::OPERATIONS;

use super::{core_sources, read};

/// What a failing case looks at: an error's kind, an outcome, or that there is nothing.
const FAILS: [&str; 6] = [
    "ErrorKind::",
    "Outcome::Refused(",
    "Outcome::SignedOut(",
    "is_none()",
    "!auth.",
    ", 0, ",
];

/// What is wrong with an example, if something is.
fn wrong(name: &str, example: &str) -> Option<&'static str> {
    let block = example.split("\n```\n").nth(1);
    let Some(block) = block.filter(|_| example.contains("# Examples\n\n```\n")) else {
        return Some("has no block under `# Examples` that is run");
    };
    let shown: Vec<&str> = block.lines().filter(|line| !line.starts_with("# ")).collect();
    let is_there = |what: &str| shown.iter().any(|line| line.contains(what));
    if !is_there(&format!(".{name}(")) {
        Some("does not show its operation")
    } else if !FAILS.iter().any(|what| is_there(what)) {
        Some("shows no case that fails")
    } else {
        None
    }
}

#[test]
fn every_operation_has_an_example_with_its_failing_case() {
    let sources = core_sources();
    for row in OPERATIONS {
        let example = read(&format!("core/doc/operations/{}.md", row.name));
        assert_eq!(wrong(row.name, &example), None, "{}", row.name);
        let (line, method) = (
            format!("doc/operations/{}.md\")]\n", row.name),
            format!("{}(", row.name),
        );
        let shows = |text: &String| {
            let after = text.split(&line).nth(1);
            let first = after.and_then(|after| after.split(" fn ").nth(1));
            first.is_some_and(|first| first.starts_with(&method))
        };
        assert!(
            sources.iter().any(shows),
            "{} does not show its example",
            row.name
        );
    }
    let files = std::fs::read_dir(super::root().join("core/doc/operations")).unwrap();
    assert_eq!(files.count(), OPERATIONS.len(), "an example of no operation");
}

#[test]
fn what_is_no_example_is_found() {
    let example = |shown: &str| format!("\n# Examples\n\n```\n# use doorward::*;\n{shown}\n```\n");
    let good = "auth.stats().await?;\nassert_eq!(kind, ErrorKind::InvalidState);";
    assert_eq!(wrong("stats", &example(good)), None);
    assert_eq!(
        wrong("health", &example(good)),
        Some("does not show its operation")
    );
    assert_eq!(
        wrong("stats", &example("auth.stats().await?;")),
        Some("shows no case that fails")
    );
    assert_eq!(
        wrong("stats", &example("# auth.stats().await?; ErrorKind::NotFound")),
        Some("does not show its operation")
    );
    let ignored = example(good).replace("\n```\n# use", "\n```ignore\n# use");
    assert_eq!(
        wrong("stats", &ignored),
        Some("has no block under `# Examples` that is run")
    );
}
