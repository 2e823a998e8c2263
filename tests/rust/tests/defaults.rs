//! Each default stands once, in the schema of settings and in each plugin's declaration of options: whatever else states
//! one, in a comment or a page, states the same. (`core/src/config.rs` compares the code's own.)

#![expect(clippy::panic, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use doorward::config::KEYS;

/// Where a comment at a field says what its default is, and the section of settings that the fields are of.
const SECTIONS: [(&str, &str); 9] = [
    ("plugins/runtime/src/settings.rs", "plugin.*"),
    ("core/src/config/settings.rs", "token"),
    ("core/src/kept/quota.rs", "plugin_limits"),
    ("plugins/runtime/src/password/policy.rs", "password"),
    ("plugins/runtime/src/told.rs", "plugin_limits"),
    ("core/src/policy.rs", "policy"),
    ("core/src/session/settings.rs", "session"),
    ("stores/sqlite/src/settings.rs", "store"),
    ("core/src/throttle/settings.rs", "throttle"),
];
/// Fields that have another name than their setting.
const FIELDS: [(&str, &str); 6] = [
    ("busy_timeout", "store.deadline"),
    ("bytes", "plugin_limits.mib"),
    ("first_proof", "first_proof"),
    ("keeps", "recovery.keeps"),
    ("needs_landlock", "plugin.*.landlock"),
    ("store_deadline", "store.deadline"),
];
/// Pages that people read: what they say of a setting's default is said as `name`, value.
const PAGES: [&str; 13] = [
    "README.md",
    "docs/backup.md",
    "docs/claims.md",
    "docs/design.md",
    "docs/factors.md",
    "docs/plugins.md",
    "docs/postgresql.md",
    "docs/recovery.md",
    "docs/sessions.md",
    "docs/threats.md",
    "include/doorward.h",
    "python/README.md",
    "python/doorward/_doorward.pyi",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A value as everybody writes it: lengths of time in milliseconds, numbers without commas, text without quotes.
fn canonical(value: &str) -> String {
    let plain: String = value
        .chars()
        .filter(|letter| !"`\"',".contains(*letter))
        .collect();
    let plain = plain.trim().to_lowercase();
    let digits = plain.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = plain.split_at(digits);
    let Ok(number) = number.parse::<u64>() else {
        return plain;
    };
    let millis = match unit.trim() {
        "" | "mib" => return number.to_string(),
        "ms" => 1,
        "s" | "second" | "seconds" => 1_000,
        "m" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return plain,
    };
    format!("{} ms", number * millis)
}

fn default_of(setting: &str) -> Option<String> {
    let key = KEYS.iter().find(|key| key.name == setting)?;
    Some(canonical(key.default))
}

/// What a text says after the word: `Default 30 s; at least …`, `default: evict.`; nothing where it is a sentence.
fn stated(text: &str) -> Option<String> {
    let (_, after) = text
        .split_once("efault ")
        .or_else(|| text.split_once("efault: "))?;
    let value = after.split([';', '.', '(']).next()?.split(", ").next()?.trim();
    let words = value.split(' ').count();
    (!value.starts_with('[') && words <= 2).then(|| canonical(value))
}

#[test]
fn what_comments_say_is_the_default_is() {
    let mut compared = 0;
    for (file, section) in SECTIONS {
        let text = read(file);
        let mut comment = String::new();
        for line in text.lines().map(str::trim) {
            if let Some(more) = line.strip_prefix("///") {
                comment.push_str(more);
                continue;
            }
            let field = line.strip_prefix("pub ").and_then(|rest| rest.split_once(": "));
            if let (Some((field, _)), Some(stated)) = (field, stated(&comment)) {
                let own = FIELDS.iter().find(|(name, _)| *name == field);
                let setting =
                    own.map_or_else(|| format!("{section}.{field}"), |(_, name)| (*name).to_owned());
                let default =
                    default_of(&setting).unwrap_or_else(|| panic!("{file}: `{setting}` is no setting"));
                let default = if matches!(&*default, "" | "[]") {
                    "none".into()
                } else {
                    default
                };
                // True of a setting of two words: the first of them.
                let stated = match (field, &*stated) {
                    ("needs_landlock", "true") => "required".into(),
                    _ => stated,
                };
                assert_eq!(stated, default, "{file}: the default of `{setting}`");
                compared += 1;
            }
            comment.clear();
        }
    }
    assert!(compared >= 20, "{compared}");
}

/// No comment that states a default stands where nobody compares it.
#[test]
fn no_other_field_states_a_default_in_figures() {
    let libraries = ["base", "core", "plugins/runtime", "stores"];
    let mut left: Vec<_> = libraries.into_iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if SECTIONS.iter().any(|(file, _)| *file == name) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let says = |line: &&str| {
                let figure =
                    stated(line).is_some_and(|value| value.starts_with(|first: char| first.is_ascii_digit()));
                line.trim_start().starts_with("///") && figure
            };
            let found: Vec<&str> = text.lines().filter(says).collect();
            assert!(
                found.is_empty(),
                "{name} states a default that nothing compares: {found:?}"
            );
        }
    }
}

/// `name`, value and `name` (value), where value is a figure; and rows of tables with a column of defaults.
#[test]
fn what_pages_say_is_the_default_is() {
    let mut compared = 0;
    for page in PAGES {
        for line in read(page).lines() {
            let mut parts = line.split('`');
            parts.next();
            while let (Some(name), Some(after)) = (parts.next(), parts.next()) {
                let value = after.strip_prefix(", ").or_else(|| after.strip_prefix(" ("));
                let value = value
                    .and_then(|value| value.split([';', ')', '|', '.', ':']).next())
                    .map(str::trim);
                let figure = value.filter(|value| value.starts_with(|first: char| first.is_ascii_digit()));
                let (Some(default), Some(figure)) = (default_of(name), figure) else {
                    continue;
                };
                // `store.connections` (2 at least): a limit, and no default.
                if figure.split(' ').count() <= 2 {
                    assert_eq!(
                        canonical(figure),
                        default,
                        "{page}: the default of `{name}`: {line}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared >= 3, "{compared}");
    // The page of all settings is what `doorward settings` prints.
    assert_eq!(read("docs/configuration.md"), doorward::config::reference());
}

#[test]
fn what_pages_say_of_the_length_of_a_user_agent_is_so() {
    let said = format!("agent is cut to {} bytes", doorward::request::MAX_AGENT_BYTES);
    for page in ["docs/sessions.md", "docs/design.md"] {
        let words: Vec<String> = read(page).split_whitespace().map(str::to_owned).collect();
        assert!(words.join(" ").contains(&said), "{page} does not say: {said}");
    }
}

/// The plugins in Rust declare their options once (`options!`), and each compares its page with that; C has no such thing.
#[test]
fn the_page_of_pam_has_the_options_of_its_schema() {
    let page = read("plugins/pam/README.md");
    let (_, table) = page.split_once("\n## Options\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let on_page: Vec<(String, String)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            (cells[0].trim_end_matches('`').to_owned(), canonical(cells[2]))
        })
        .collect();
    let source = read("plugins/pam/pam.c").replace('\\', "");
    let mut declared = 0;
    for (before, option) in source
        .split("\":{\"type\":\"string\"")
        .zip(source.split("\":{\"type\":\"string\"").skip(1))
    {
        let name = before.rsplit('"').next().unwrap();
        let (_, default) = on_page
            .iter()
            .find(|(shown, _)| shown == name)
            .unwrap_or_else(|| panic!("no row for `{name}`"));
        let (option, _) = option.split_once('}').unwrap();
        if let Some((_, schema)) = option.split_once("\"default\":\"") {
            assert_eq!(schema.split('"').next(), Some(default.as_str()), "{name}");
        }
        declared += 1;
    }
    assert_eq!((declared, on_page.len()), (2, 2));
}

#[test]
fn values_are_compared_as_what_they_mean() {
    for (one, other) in [
        ("8 hours", "\"8h\""),
        ("60 m", "1h"),
        ("100,000", "100000"),
        ("64 MiB", "64"),
        ("`evict`", "\"evict\""),
        ("500ms", "500 ms"),
    ] {
        assert_eq!(canonical(one), canonical(other));
    }
    assert_ne!(canonical("8 hours"), canonical("8 days"));
    assert_ne!(canonical("30"), canonical("30s"));
    assert_eq!(
        stated(" How long. Default 30 s; at least 5 s.").as_deref(),
        Some("30000 ms")
    );
    assert_eq!(
        stated(" From 1 to 2, default 1 hour.").as_deref(),
        Some("3600000 ms")
    );
    assert_eq!(stated(" The cost. Default [`Cost::DEFAULT`]."), None);
    assert_eq!(stated(" By default it waits for a while."), None);
}
