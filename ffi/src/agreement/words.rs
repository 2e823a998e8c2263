//! One word for one thing: no public name of the four languages has a word that the glossary replaces by another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{bare, read, root};

/// The words that `docs/glossary.md` does not want, each with the one to write.
fn unwanted() -> BTreeMap<String, String> {
    let page = read("docs/glossary.md");
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| word"));
    let mut unwanted = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [word, _, instead_of] = cells[..] else {
            panic!("three columns: {row}");
        };
        for other in instead_of.split(", ").filter(|other| !other.is_empty()) {
            unwanted.insert(other.to_owned(), word.to_owned());
        }
    }
    unwanted
}

/// `FlowHandle` and `flow_handle` are the words *flow* and *handle*.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for c in name.chars() {
        if c == '_' || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if c != '_' {
            let word = words.last_mut().expect("there is one from the beginning");
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

/// Everything in a text that may be a name.
fn names(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A text without what stands between these marks.
fn without(text: &str, mark: &str) -> String {
    text.split(mark).step_by(2).collect()
}

fn wrapper() -> BTreeSet<String> {
    let text = without(&bare(&read("include/doorward.hpp")), "\"");
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let mut names = names(&lines.collect::<Vec<_>>().join("\n"));
    // A word of the language.
    names.remove("namespace");
    names
}

/// What is `pub` in the core's sources: items and fields.
fn core(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            core(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("pub "))
        {
            let items = [
                "async ", "const ", "fn ", "struct ", "enum ", "trait ", "type ", "static ", "mod ",
            ];
            let mut name = line;
            while let Some(rest) = items.iter().find_map(|item| name.strip_prefix(item)) {
                name = rest;
            }
            found.extend(
                names(name)
                    .into_iter()
                    .next()
                    .filter(|first| name.starts_with(first.as_str())),
            );
        }
    }
}

#[test]
fn no_public_name_has_a_second_word_for_an_entry_of_the_glossary() {
    let unwanted = unwanted();
    assert!(unwanted.len() > 30, "the glossary was not read: {unwanted:?}");
    let mut rust = BTreeSet::new();
    core(&root().join("core/src"), &mut rust);
    core(&root().join("base/src"), &mut rust);
    let languages = [
        ("c", names(&bare(&read("include/doorward.h")))),
        ("c++", wrapper()),
        ("rust", rust),
        (
            "python",
            names(&without(&read("python/doorward/_doorward.pyi"), "\"\"\"")),
        ),
    ];
    let mut wrong = Vec::new();
    for (language, names) in &languages {
        assert!(names.len() > 200, "{language}: {} names", names.len());
        for name in names {
            for word in words(name) {
                if let Some(wanted) = unwanted.get(&word) {
                    wrong.push(format!(
                        "{language}: `{name}` says {word}, the glossary says {wanted}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
