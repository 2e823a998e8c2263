//! Files of a crate that need each other in a circle can only be read together: where the page says that there are none,
//! there are none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{PAGE, code, quoted, root, sources};

type Files = BTreeMap<String, BTreeSet<String>>;

/// The module that a file is: `a::b` for `a/b.rs` and `a/b/mod.rs`, nothing for the crate's own.
fn module(inside: &Path) -> String {
    let mut parts: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
    let file = parts.pop().unwrap().trim_end_matches(".rs");
    if !matches!(file, "mod" | "lib" | "main") {
        parts.push(file);
    }
    parts.join("::")
}

/// Where names in lists are not looked at yet: files need each other there in lists only. This gets shorter.
const LISTS_UNREAD: [&str; 2] = ["stores/postgres", "stores/sqlite"];

/// Every path that begins at the crate or above the file: each name of a list in braces is one, where lists are read.
fn paths(text: &str, lists: bool) -> Vec<String> {
    let is_part = |at: char| at.is_alphanumeric() || matches!(at, '_' | ':');
    let mut found = Vec::new();
    for (start, _) in text.match_indices("crate::").chain(text.match_indices("super::")) {
        if !text[..start].chars().next_back().is_some_and(is_part) {
            let end = text[start..]
                .find(|at| !is_part(at))
                .map_or(text.len(), |end| start + end);
            match text[end..].strip_prefix('{') {
                Some(list) if lists => listed(&text[start..end], list, &mut found),
                _ => found.push(text[start..end].to_owned()),
            }
        }
    }
    found
}

/// The names of a list in braces, which may hold further ones.
fn listed(before: &str, list: &str, found: &mut Vec<String>) {
    let mut start = 0;
    let mut depth = 0;
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let one = list[start..at].trim();
                match one.split_once('{') {
                    Some((name, rest)) => listed(&format!("{before}{name}"), rest, found),
                    None => found.push(format!("{before}{}", one.split(" as ").next().unwrap())),
                }
                start = at + 1;
                if letter == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

/// The files of a crate, each with those that its code names by path. Parents and children are one idea.
fn files(folder: &Path, lists: bool) -> Files {
    let texts: BTreeMap<String, String> = sources(folder)
        .into_iter()
        .filter(|(path, _)| !path.ends_with("tests.rs"))
        .map(|(path, text)| (module(path.strip_prefix(folder).unwrap()), code(&text)))
        .collect();
    let named = |from: &str, text: &str| {
        let mut found = BTreeSet::new();
        for path in paths(text, lists) {
            let mut parts: Vec<&str> = from.split("::").filter(|part| !part.is_empty()).collect();
            for part in path.split("::").filter(|part| !part.is_empty()) {
                match part {
                    "crate" => parts.clear(),
                    "super" => drop(parts.pop()),
                    part => parts.push(part),
                }
            }
            while !parts.is_empty() && !texts.contains_key(&parts.join("::")) {
                parts.pop();
            }
            let other = parts.join("::");
            let is_family = |one: &str, of: &str| one == of || one.starts_with(&format!("{of}::"));
            if !other.is_empty() && !is_family(&other, from) && !is_family(from, &other) {
                found.insert(other);
            }
        }
        found
    };
    texts
        .iter()
        .map(|(from, text)| (from.clone(), named(from, text)))
        .collect()
}

/// Everything that can be reached from a file.
fn reached<'f>(files: &'f Files, from: &'f str) -> BTreeSet<&'f str> {
    let mut found = BTreeSet::new();
    let mut left: Vec<&str> = files[from].iter().map(String::as_str).collect();
    while let Some(next) = left.pop() {
        if found.insert(next) {
            left.extend(files[next].iter().map(String::as_str));
        }
    }
    found
}

/// The files that can be reached from themselves.
fn in_circles(files: &Files) -> Vec<&str> {
    let names = files.keys().map(String::as_str);
    names.filter(|name| reached(files, name).contains(name)).collect()
}

#[test]
fn no_files_need_each_other_in_a_circle_where_the_page_says_so() {
    let said = PAGE
        .split("- No files need each other in a circle in")
        .nth(1)
        .unwrap();
    let folders = quoted(said.split(".\n").next().unwrap());
    assert!(folders.len() > 3, "{folders:?}");
    for folder in folders {
        let is_read = !LISTS_UNREAD.contains(&folder.as_str());
        let files = files(&root().join(&folder).join("src"), is_read);
        assert!(!files.is_empty(), "{folder}");
        assert_eq!(in_circles(&files), Vec::<&str>::new(), "{folder}");
    }
}

#[test]
fn a_circle_is_found() {
    let folder = root().join("target/tmp/circles");
    std::fs::create_dir_all(folder.join("one")).unwrap();
    std::fs::write(folder.join("one.rs"), "use crate::two::A;\nmod part;\n").unwrap();
    std::fs::write(folder.join("one/part.rs"), "use super::B;\n").unwrap();
    std::fs::write(folder.join("two.rs"), "use super::{three::{C, D}};\n").unwrap();
    std::fs::write(folder.join("three.rs"), "fn three() { crate::one::part::go() }\n").unwrap();
    std::fs::write(folder.join("four.rs"), "use crate::one::B;\n").unwrap();
    // The way leads over a child: what needs a part needs its file.
    let mut files = files(&folder, true);
    assert_eq!(in_circles(&files), Vec::<&str>::new());
    files.get_mut("three").unwrap().insert("one".into());
    assert_eq!(in_circles(&files), ["one", "three", "two"]);
    // Nor does it hide in lists.
    std::fs::write(folder.join("three.rs"), "use crate::{four::{self, Go}, Other};\n").unwrap();
    std::fs::write(
        folder.join("four.rs"),
        "use super::{three as first, one::{B, part}};\n",
    )
    .unwrap();
    assert_eq!(
        in_circles(&self::files(&folder, true)),
        ["four", "one", "three", "two"]
    );
    std::fs::remove_dir_all(folder).unwrap();
}
