//! The reference pages of errors and events are written from the tables in `base/src/error.rs` and `base/src/event.rs`, and
//! held to them. What a page should say stands in `target/` when it says something else: copy it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests judge by panicking, in helpers too"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use doorward::ErrorKind;
use doorward::error::Actor;
use doorward::event::EventName;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Compares a page with what it should say, and leaves that where it can be copied from.
fn held(page: &str, wanted: &str) {
    if read(&format!("docs/{page}")) != wanted {
        std::fs::write(root().join("target").join(page), wanted).unwrap();
        panic!("docs/{page} is not what the source says: cp target/{page} docs/{page}");
    }
}

/// The documented rows between a line and the brace that closes it: the first word of each, and its comment as one line.
fn rows(source: &str, begin: &str) -> Vec<(String, String)> {
    let (_, table) = source
        .split_once(&format!("\n{begin}\n"))
        .unwrap_or_else(|| panic!("no {begin}"));
    let (table, _) = table.split_once("\n}\n").unwrap();
    let (mut found, mut comment) = (Vec::new(), Vec::new());
    for line in table.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if !line.is_empty() {
            let name = line.trim_start_matches("pub ").split([' ', ':']).next().unwrap();
            assert!(!comment.is_empty(), "{name} says nothing of itself");
            // Links are for the pages of the crate.
            let meaning = comment.join(" ").replace(['[', ']'], "").replace('|', "\\|");
            found.push((name.to_owned(), meaning));
            comment.clear();
        }
    }
    found
}

/// The exceptions of the package, by the id of their error.
fn exceptions() -> BTreeMap<String, String> {
    let source = read("python/doorward/_errors.py");
    let classes = source.split("\nclass ").skip(1).filter_map(|class| {
        let name = class.split('(').next()?;
        let code = class.split("\n    code = \"").nth(1)?.split('"').next()?;
        Some((code.to_owned(), name.to_owned()))
    });
    classes.collect()
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "" }
}

fn errors() -> String {
    let mut page = String::from(
        "# Errors\n\nWritten from `base/src/error.rs` by `tests/rust/tests/reference.rs`. An error says that a question could \
         not be decided, and who\nmust act; a login that is denied is an outcome, and no error. Numbers and ids are stable.\n\n\
         Rust has `doorward::Error` with `kind()`, C a negative status (`doorward_answer_message` has its words), C++ the same \
         in\n`doorward::status`, Python an exception under `doorward.Error` with `code`, `number`, `actor`, `retryable`, \
         `public` and\n`http_status`. `what` says what an error is about, where that has a name: of a conflict what is taken \
         (`identifier`, `id`,\n`attribute`, `version`, `referenced`, `handle`), of a proof that is required what would be one, of \
         an invalid state what is\nmissing (`request`), of what is unavailable why (`store_file_replaced`, `database_missing`, \
         `database_locked`, `disk_full`).\n\n\
         *Again*: the same call may succeed later without any change. *Shown*: its message may be shown to the person at the \
         other\nend. *HTTP*: the status that fits.\n\n\
         | id | | in C | in Python | acts | again | shown | HTTP | meaning |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    let exceptions = exceptions();
    let rows = rows(&read("base/src/error.rs"), "errors! {");
    assert_eq!(rows.len(), ErrorKind::ALL.len());
    for (kind, (name, meaning)) in ErrorKind::ALL.iter().zip(rows) {
        assert_eq!(name, format!("{kind:?}"));
        let id = kind.id();
        let acts = match kind.actor() {
            Actor::Bug => "bug",
            Actor::Caller => "caller",
            Actor::Client => "client",
            Actor::Operator => "operator",
        };
        let exception = exceptions.get(id).unwrap_or_else(|| panic!("Python has no {id}"));
        writeln!(
            page,
            "| `{id}` | {} | `DOORWARD_E_{}` | `{exception}` | {acts} | {} | {} | {} | {meaning} |",
            kind.number(),
            id.to_uppercase(),
            yes(kind.is_retryable()),
            yes(kind.is_public()),
            kind.http_status(),
        )
        .unwrap();
    }
    page
}

fn events() -> String {
    let mut page = String::from(
        "# Events\n\nWritten from `base/src/event.rs` by `tests/rust/tests/reference.rs`. An event tells the operator what \
         happened: every\nauthentication, refusal, refresh, reuse, end and change. It goes to the program's callback (`on_event`, in \
         C\n`doorward_config_on_event`) and to the log, as `doorward::event` in `tracing` and `doorward.event` in Python's \
         `logging`. None\nholds a secret, a token or an identifier.\n\n\
         ## Names\n\nThe text is stable, and the same in every language; in Rust it is also a variant of `EventName`.\n\n\
         | event | in Rust | meaning |\n|---|---|---|\n",
    );
    let source = read("base/src/event.rs");
    let names = rows(&source, "names! {");
    assert_eq!(names.len(), EventName::ALL.len());
    for (event, (name, meaning)) in EventName::ALL.iter().zip(names) {
        assert_eq!(name, format!("{event:?}"));
        writeln!(page, "| `{}` | `{name}` | {meaning} |", event.id()).unwrap();
    }
    page.push_str(
        "\n## Fields\n\nIn C what is absent is {NULL, 0} or NULL.\n\n| field | meaning |\n|---|---|\n",
    );
    for (field, meaning) in rows(&source, "pub struct Event {") {
        writeln!(page, "| `{field}` | {meaning} |").unwrap();
    }
    page.push_str("\n`user_id` and `sign_in_id` are `user` and `sign_in` in C.\n");
    page
}

#[test]
fn errors_md_says_what_the_table_says() {
    held("errors.md", &errors());
}

#[test]
fn events_md_says_what_the_table_says() {
    held("events.md", &events());
}
