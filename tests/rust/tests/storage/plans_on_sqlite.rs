//! No operation on SQLite reads a whole table: every statement in the store's source is planned on its schema, and must
//! search by an index. `stats` is the exception that its page names: it counts along an index.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

/// The conditions that the store's statements name.
#[path = "../../../../stores/sqlite/src/live.rs"]
mod live;

/// The tables whose expired rows go by one statement with a name in it, and their keys.
const EXPIRING: [(&str, &str); 6] = [
    ("doorward_flow", "id"),
    ("doorward_token", "id"),
    ("doorward_outbox", "id"),
    ("doorward_spent", "mark"),
    ("doorward_throttle", "bucket"),
    ("doorward_kv", "realm, instance, name"),
];

/// The conditions by their names in the source.
const CONDITIONS: [(&str, &str); 5] = [
    ("COUNTED_AT_1", live::COUNTED_AT_1),
    ("COUNTED_AT_2", live::COUNTED_AT_2),
    ("GOES_WITH_3", live::GOES_WITH_3),
    ("LIVE_AT_3", live::LIVE_AT_3),
    ("USABLE_AT_3", live::USABLE_AT_3),
];

/// Every statement about our tables in the store's source, with what it is made of filled in.
fn statements(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the store's source is there") {
        let path = entry.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(&path).expect("source is text");
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for text in literals(code) {
            let verb = text.split(' ').next().unwrap_or_default();
            let is_ours = text.contains("doorward_") || text.contains("{table}");
            if is_ours
                && !text.contains("temp.")
                && matches!(verb, "SELECT" | "UPDATE" | "DELETE" | "INSERT" | "WITH")
            {
                found.extend(filled(&text));
            }
        }
    }
    found
}

/// The string literals of Rust source, continued lines joined.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find('"') {
        rest = &rest[start + 1..];
        let mut end = 0;
        while let Some(at) = rest[end..].find(['"', '\\']) {
            end += at;
            if rest[end..].starts_with('"') {
                break;
            }
            end += 2;
        }
        let text = rest[..end].replace("\\\n", " ");
        found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    found
}

fn filled(text: &str) -> Vec<String> {
    let fill = |text: &str| {
        // Whatever is inserted.
        let mut text = text.replace("({names}) VALUES ({values})", "DEFAULT VALUES");
        for (name, condition) in CONDITIONS {
            text = text.replace(&format!("{{{name}}}"), condition);
        }
        let mut filled = String::new();
        let mut rest = &*text;
        // Columns, limits: nothing that a plan rests on.
        while let Some((before, after)) = rest.split_once('{') {
            filled = filled + before + "1";
            rest = after.split_once('}').map_or("", |(_, after)| after);
        }
        filled + rest
    };
    if !text.contains("{table}") {
        return vec![fill(text)];
    }
    let by_id = !text.contains("{key}");
    let fit = EXPIRING.iter().filter(|(_, key)| !by_id || *key == "id");
    fit.map(|(table, key)| fill(&text.replace("{table}", table).replace("{key}", key)))
        .collect()
}

#[test]
fn no_operation_on_sqlite_reads_a_whole_table() {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stores/sqlite/src");
    let database = Connection::open_in_memory().unwrap();
    let schema = fs::read_to_string(store.join("schema_1.sql")).unwrap();
    database.execute_batch(&schema).unwrap();
    let statements = statements(&store);
    assert!(statements.len() > 90, "{}", statements.len());
    let mut whole = Vec::new();
    for statement in &statements {
        let explained = database.prepare(&format!("EXPLAIN QUERY PLAN {statement}"));
        let mut explained = explained.unwrap_or_else(|error| panic!("{error}: {statement}"));
        let none = vec![rusqlite::types::Null; explained.parameter_count()];
        let nodes = explained
            .query_map(rusqlite::params_from_iter(none), |row| row.get::<_, String>(3))
            .unwrap();
        for node in nodes.map(Result::unwrap) {
            let counts = statement.starts_with("SELECT (SELECT count(*)") && node.contains("INDEX");
            if node.starts_with("SCAN doorward_") && !counts {
                whole.push(format!("{node}\n    {statement}"));
            }
        }
    }
    assert!(whole.is_empty(), "{}", whole.join("\n"));
}
