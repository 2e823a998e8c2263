//! How long files and functions are: half of the files under 150 lines, none over 500, no function over 80. What still
//! stands over is listed, and leaves the list with the change that cuts it.

use super::{root, sources};

const MEDIAN: usize = 150;
const FILE: usize = 500;
const FUNCTION: usize = 80;

/// Files that are over.
const LONG_FILES: [&str; 0] = [];

/// Functions that are over: a table that is read from top to bottom, or one script after the other.
const LONG_FUNCTIONS: [(&str, &str); 0] = [];

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
    let mut listed = LONG_FILES.to_vec();
    listed.sort_by_key(|path| long.iter().position(|one| one == path));
    assert_eq!(long, listed);
}

#[test]
fn functions_are_short_but_those_of_the_list() {
    let mut seen = 0;
    let mut long = Vec::new();
    for (path, text) in files() {
        for (name, lines) in functions(&text) {
            seen += 1;
            if lines > FUNCTION {
                long.push((path.clone(), name.to_owned(), lines));
            }
        }
    }
    assert!(seen > 5_000, "{seen}");
    let mut listed: Vec<(String, String)> = LONG_FUNCTIONS
        .iter()
        .map(|(path, name)| ((*path).to_owned(), (*name).to_owned()))
        .collect();
    listed.sort();
    long.sort();
    let long: Vec<(String, String)> = long.into_iter().map(|(path, name, _)| (path, name)).collect();
    assert_eq!(long, listed);
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
