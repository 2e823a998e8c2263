//! No empty rooms: what stands in a schema is read by somebody, and what the plugin ABI has the core calls.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Columns that are there to be written.
const WRITTEN: [(&str, &str); 1] = [("signed_in_at", "the update of a new sign-in is the user's lock")];
/// Columns whose field has another name.
const FIELDS: [(&str, &str); 2] = [("grp", "group"), ("proved_at", "proved")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Rust sources below a folder that stay after `keep`, without comments and tests.
fn sources(folder: &str, keep: fn(&str) -> bool) -> String {
    let mut text = String::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == "rs") && name != "tests.rs" && keep(&name)
            {
                let source = std::fs::read_to_string(path).unwrap();
                let source = source.split("#[cfg(test)]").next().unwrap();
                let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
                code.for_each(|line| {
                    text.push_str(line);
                    text.push('\n');
                });
            }
        }
    }
    text
}

/// The columns of a schema, each once.
fn columns(schema: &str) -> BTreeSet<String> {
    let mut columns = BTreeSet::new();
    let mut is_inside = false;
    for line in schema.lines() {
        if line.starts_with("CREATE TABLE") {
            is_inside = true;
        } else if is_inside && line.starts_with("  ") {
            let word = line.trim_start().split(' ').next().unwrap_or_default();
            let is_name =
                !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            columns.extend(is_name.then(|| word.to_owned()));
            is_inside = !line.ends_with(");");
        } else {
            is_inside = false;
        }
    }
    columns
}

/// The words of SQL that read something: without lists of columns to be inserted, and without what `SET` assigns to.
fn read_by_sql(source: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for statement in source.split('"').skip(1).step_by(2) {
        let mut is_set = false;
        let mut rest = statement;
        if let Some((before, after)) = statement.split_once("INSERT INTO ") {
            let (_, behind) = after.split_once(')').unwrap_or_default();
            rest = behind;
            words.extend(idents(before));
        }
        let tokens: Vec<&str> = rest.split_whitespace().collect();
        for (at, token) in tokens.iter().enumerate() {
            match *token {
                "SET" => is_set = true,
                "WHERE" | "FROM" | "SELECT" => is_set = false,
                _ => {}
            }
            let is_assigned = is_set && tokens.get(at + 1) == Some(&"=");
            // `s.column`: a list of columns for a mapper reads nothing by itself.
            if !is_assigned && !token.trim_end_matches(',').contains(" AS ") {
                words.extend(idents(token));
            }
        }
    }
    words
}

fn idents(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether code asks a record for the field.
fn is_asked(code: &str, field: &str) -> bool {
    let dotted = format!(".{field}");
    code.match_indices(&dotted).any(|(at, _)| {
        let after = &code[at + dotted.len()..];
        let ends = !after.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        let assigned = after.trim_start();
        let is_assigned = assigned.starts_with('=') && !assigned.starts_with("==");
        ends && !is_assigned
    })
}

/// The columns that nobody reads, but for the mapper.
fn unread(schema: &str, sql: &str, code: &str) -> Vec<String> {
    let by_sql = read_by_sql(sql);
    let is_read = |column: &String| {
        let field = FIELDS.iter().find(|(known, _)| known == column);
        let field = field.map_or(column.as_str(), |(_, field)| field);
        by_sql.contains(column) || is_asked(code, field)
    };
    let is_excused = |column: &String| WRITTEN.iter().any(|(known, _)| known == column);
    let mut unread: Vec<String> = columns(schema).into_iter().collect();
    unread.retain(|column| !is_read(column) && !is_excused(column));
    unread
}

/// Each engine: its schema, and its statements but for the lists of columns that mappers read.
const ENGINES: [(&str, &str); 2] = [
    ("stores/sqlite/src/schema_1.sql", "stores/sqlite/src"),
    ("stores/postgres/src/schema/0001_first.sql", "stores/postgres/src"),
];

#[test]
fn each_column_is_read_outside_of_its_mapper() {
    let code = sources("core/src", |_| true) + &sources("stores/port/src", |_| true);
    for (schema, statements) in ENGINES {
        let schema = read(schema);
        assert!(columns(&schema).len() > 50, "{:?}", columns(&schema));
        let sql = sources(statements, |name| name != "rows.rs");
        assert_eq!(unread(&schema, &sql, &code), [""; 0], "{statements}");
        // One that is written, and one that is not even that.
        let more =
            format!("{schema}\nCREATE TABLE more (\n  planted_one TEXT,\n  planted_two TEXT\n) STRICT;\n");
        let sql = format!(
            "{sql}\n\"INSERT INTO more (planted_one) VALUES (?1)\" \"UPDATE more SET planted_one = ?2 WHERE id = ?1\""
        );
        assert_eq!(unread(&more, &sql, &code), ["planted_one", "planted_two"]);
    }
}

#[test]
fn each_operation_of_the_plugin_abi_is_called() {
    let kind = read("plugins/abi/src/kind.rs");
    let (_, kind) = kind.split_once("pub struct Kind {").unwrap();
    let (kind, _) = kind.split_once("\n}").unwrap();
    let operations: Vec<&str> = kind
        .lines()
        .filter(|line| line.contains(": Option<"))
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next())
        .collect();
    assert!(operations.len() >= 11, "{operations:?}");
    let runtime = sources("plugins/runtime/src", |name| {
        name != "descriptor.rs" && name != "builtin.rs"
    });
    let core = sources("core/src", |_| true);
    for operation in operations {
        assert!(
            is_asked(&runtime.replace("kind.", "kind "), operation),
            "{operation} is not called by the runtime"
        );
        // What is no verdict on credentials has a method of its own, which the core calls.
        if ["describe", "health", "normalize"].contains(&operation) {
            assert!(
                core.contains(&format!("kind.{operation}(")),
                "{operation} is not called by the core"
            );
        }
    }
}
