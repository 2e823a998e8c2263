//! How long files and functions are: half of the files under 150 lines, none over 500, no function over 80. What still
//! stands over is listed, and leaves the list with the change that cuts it.

use super::{root, sources};

const MEDIAN: usize = 150;
const FILE: usize = 500;
const FUNCTION: usize = 80;

/// Files that are over.
const LONG_FILES: [&str; 1] = ["plugins/runtime/src/host.rs"];

/// What looks like functions there is rows of a macro.
const ROWS: &str = "python/src/auth.rs";

/// Functions that are over: most are a test's table, read from top to bottom, or its one script.
const LONG_FUNCTIONS: [(&str, &str); 18] = [
    (
        "core/src/policy/decide/tests.rs",
        "every_set_is_judged_as_the_rules_say_plainly",
    ),
    ("core/src/policy/decide/tests.rs", "plainly"),
    ("core/src/policy/decide/tests.rs", "the_table_of_the_rules"),
    (
        "plugins/oidc/tests/provider/browser.rs",
        "every_check_of_what_the_browser_brings_is_made_before_the_code_goes_anywhere",
    ),
    (
        "plugins/passkey/tests/passkey/authentication.rs",
        "each_step_of_an_authentication_refuses_what_it_should",
    ),
    (
        "plugins/passkey/tests/passkey/registration.rs",
        "each_step_of_a_registration_refuses_what_it_should",
    ),
    ("plugins/runtime/src/kind_table.rs", "checked"),
    (
        "plugins/runtime/src/password/policy/tests.rs",
        "settings_that_the_standards_forbid_are_refused",
    ),
    ("plugins/sdk/tests/abi/extensions.rs", "verify"),
    (
        "stores/contract/src/addresses.rs",
        "what_another_user_yields_is_taken_whole",
    ),
    (
        "stores/contract/src/credentials.rs",
        "a_change_happens_whole_or_not_at_all",
    ),
    ("stores/contract/src/credentials.rs", "the_last_way_in_stays"),
    ("tests/model/tests/session_model/server.rs", "apply"),
    (
        "tests/rust/tests/operations/apps.rs",
        "no_answer_to_an_app_has_a_cookie",
    ),
    (
        "tests/rust/tests/operations/events.rs",
        "every_operation_tells_what_happened_and_nothing_secret",
    ),
    ("tests/rust/tests/operations/hostile_requests.rs", "rows"),
    (
        "tests/rust/tests/operations/odd_input.rs",
        "never_panics_hangs_or_lets_anybody_in",
    ),
    ("tests/rust/tests/session_property/replay.rs", "step"),
];

/// Every Rust file of the repository, by its path, with its text.
fn files() -> Vec<(String, String)> {
    let files = sources(&root()).into_iter();
    files
        .map(|(path, text)| {
            (
                path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
                text,
            )
        })
        .collect()
}

/// The name of the function that begins in a line.
fn begun(line: &str) -> Option<&str> {
    let code = line.trim_start();
    let (before, after) = code.split_once("fn ")?;
    let words = ["pub", "const", "async", "unsafe", "default", "extern"];
    let is_head = before.split_whitespace().all(|word| {
        let word = word.split('(').next().unwrap_or(word);
        words.contains(&word) || word.starts_with('"') || word.ends_with(')')
    });
    let name = after
        .split(|at: char| !(at.is_alphanumeric() || at == '_'))
        .next()?;
    (is_head && !name.is_empty() && !code.ends_with(';')).then_some(name)
}

/// The functions of a file with how many lines each has: by the brace that closes it, in the column in which it begins.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = begun(line) else { continue };
        let column = line.len() - line.trim_start().len();
        let starts = |line: &&str| line.len() > column && line[..column].trim().is_empty();
        let first = lines[at..]
            .iter()
            .position(|line| line.ends_with(['{', ';', '}']));
        // Without a body: of a trait.
        if first.is_none_or(|first| lines[at + first].ends_with(';')) {
            continue;
        }
        let end = lines[at..].iter().position(|line| {
            starts(line) && line[column..].starts_with('}') && !line[column..].ends_with('{')
        });
        if let Some(end) = end {
            found.push((name, end + 1));
        }
    }
    found
}

#[test]
fn files_are_short_but_those_of_the_list() {
    let mut lengths: Vec<(usize, String)> = files()
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        .collect();
    lengths.sort();
    assert!(lengths.len() > 500, "{}", lengths.len());
    let (median, _) = &lengths[lengths.len() / 2];
    assert!(*median < MEDIAN, "half of the files have {median} lines and more");
    let long: Vec<&str> = lengths
        .iter()
        .filter(|(lines, _)| *lines > FILE)
        .map(|(_, path)| path.as_str())
        .collect();
    let unlisted: Vec<&&str> = long.iter().filter(|path| !LONG_FILES.contains(path)).collect();
    assert!(unlisted.is_empty(), "longer than {FILE} lines: {unlisted:?}");
}

#[test]
fn functions_are_short_but_those_of_the_list() {
    let mut seen = 0;
    let mut long = Vec::new();
    for (path, text) in files() {
        if path == ROWS {
            continue;
        }
        for (name, lines) in functions(&text) {
            seen += 1;
            if lines > FUNCTION {
                long.push((path.clone(), name.to_owned(), lines));
            }
        }
    }
    assert!(seen > 5_000, "{seen}");
    let is_listed = |path: &str, name: &str| LONG_FUNCTIONS.contains(&(path, name));
    long.retain(|(path, name, _)| !is_listed(path, name));
    assert!(long.is_empty(), "longer than {FUNCTION} lines: {long:?}");
}

#[test]
fn lines_are_counted() {
    let body = "        one();\n".repeat(79);
    let of = |body: &str| {
        format!(
            "impl A {{\n    pub(crate) async fn long(\n        a: u8,\n    ) -> u8 {{\n{body}    }}\n}}\n"
        )
    };
    assert_eq!(functions(&of("")), [("long", 4)]);
    assert_eq!(functions(&of(&body)), [("long", 83)]);
    assert_eq!(
        functions("trait A {\n    fn one(&self);\n    fn two(\n        &self,\n    ) -> u8;\n}\n"),
        []
    );
    assert_eq!(functions("fn one() {}\nfn two() -> u8 {\n    1\n}\n").len(), 2);
}
