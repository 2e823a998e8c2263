//! Each setting that a message names is one.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use doorward::config::KEYS;

/// Where messages to operators and programmers are written.
const SOURCES: [&str; 5] = ["core/src", "ffi/src", "python/src", "cli/src", "plugins/host/src"];
/// Ends of names of files, which have dots as well.
const FILES: [&str; 14] = [
    "c", "cpp", "db", "h", "key", "map", "md", "new", "py", "so", "sql", "toml", "txt", "local",
];
/// First parts of names that belong to somebody else: modules, hosts, statements' tables.
const OTHERS: &[&str] = &[
    "asyncio", "auth", "datetime", "doorward", "example", "excluded", "host", "org", "os", "schema_1",
    "self", "sys", "temp", "timezone", "typing",
];

#[test]
fn each_setting_that_a_message_names_is_one() {
    let mut looked_at = 0;
    for source in SOURCES.iter().flat_map(|folder| sources(&root().join(folder))) {
        for message in messages(&std::fs::read_to_string(&source).unwrap()) {
            for name in names(&message) {
                looked_at += 1;
                assert!(
                    is_setting(&name),
                    "{}: `{name}` is no setting, in {message:?}",
                    source.display()
                );
            }
        }
    }
    // As many as there are, within reason: else nothing was read.
    assert!(looked_at > 40, "{looked_at}");
}

#[test]
fn a_setting_that_is_none_is_found() {
    for (message, named) in [
        ("raise sqlite.queue", vec!["sqlite.queue"]),
        (
            "the write queue is full: raise `store.queue`",
            vec!["store.queue"],
        ),
        (
            "held for longer than sqlite.busy_timeout",
            vec!["sqlite.busy_timeout"],
        ),
        ("`provider.{name}.kind` is {value}", vec!["provider.*.kind"]),
        ("`session.store_deadline` + 5 s", vec!["session.store_deadline"]),
        ("set plugin.NAME.landlock", vec!["plugin.*.landlock"]),
        ("doorward.db is at example.org, version 1.2.3", vec![]),
    ] {
        assert_eq!(names(message), named, "{message}");
    }
    for (name, is) in [
        ("store.queue", true),
        ("provider.*.kind", true),
        ("provider.*", true),
        ("throttle.begin_all", true),
        ("sqlite.queue", false),
        ("sqlite.path", false),
        ("sqlite.busy_timeout", false),
        ("session.store_deadline", false),
        ("store.que", false),
        ("store.queue.more", false),
    ] {
        assert_eq!(is_setting(name), is, "{name}");
    }
    let text = "fn f() {\n    // raise sqlite.path\n    say(\"raise \\\n     sqlite.queue\");\n}\n";
    assert_eq!(messages(text), ["raise sqlite.queue"]);
}

/// True for a key of the schema, and for the part before others: `throttle.begin_all` has a burst and an interval.
fn is_setting(name: &str) -> bool {
    KEYS.iter().any(|key| {
        let mut parts = key.name.split('.');
        name.split('.').all(|part| match parts.next() {
            Some("**") => true,
            Some("*") => !part.is_empty(),
            Some(other) => part == other || part == "*",
            None => key.name.ends_with("**"),
        })
    })
}

/// The dotted names in a message; what a placeholder or capitals stand for is `*`.
fn names(message: &str) -> Vec<String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._{}*".contains(letter);
    let mut found = Vec::new();
    for (at, word) in message.split(|letter| !is_name(letter)).scan(0, |at, word| {
        let here = *at;
        *at += word.len() + 1;
        Some((here, word))
    }) {
        // A call, a path, an address: no setting.
        let neighbour = |at: Option<usize>| at.and_then(|at| message.as_bytes().get(at)).copied();
        if neighbour(at.checked_sub(1)).is_some_and(|before| b"/@:-".contains(&before))
            || neighbour(Some(at + word.len())).is_some_and(|after| b"(/@".contains(&after))
        {
            continue;
        }
        let parts: Vec<&str> = word.trim_matches('.').split('.').collect();
        let part = |part: &str| {
            let stands_for_another = part.starts_with('{') && part.ends_with('}')
                || !part.is_empty() && part.chars().all(|letter| letter.is_ascii_uppercase());
            if stands_for_another {
                "*".to_owned()
            } else {
                part.to_owned()
            }
        };
        let first = parts[0];
        let is_dotted = parts.len() > 1
            && first.len() > 1
            && first
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter == '8')
            && parts.iter().all(|part| !part.is_empty());
        if is_dotted && !OTHERS.contains(&first) && !FILES.contains(&parts[parts.len() - 1]) {
            found.push(parts.into_iter().map(part).collect::<Vec<_>>().join("."));
        }
    }
    found
}

/// The literals of a source that are messages: of several words, and no statement. Without comments and tests.
fn messages(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code = source.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        // A quote as a character is no beginning.
        if letter == '\'' && letters.peek() == Some(&'"') {
            letters.next();
            continue;
        }
        if letter != '"' {
            continue;
        }
        let mut literal = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => break,
                '\\' => {
                    if letters.next() == Some('\n') {
                        while letters.peek().is_some_and(|next| next.is_whitespace()) {
                            letters.next();
                        }
                    }
                }
                other => literal.push(other),
            }
        }
        let is_statement = [
            "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "FROM ", "SET ", " AND ",
        ]
        .iter()
        .any(|word| literal.contains(word));
        // The columns of a table: letter, dot, name, comma.
        if literal.contains(' ') && !is_statement && !literal.contains(", s.") {
            found.push(literal);
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found
}
