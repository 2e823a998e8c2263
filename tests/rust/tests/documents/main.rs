//! The documents are true where a test can tell: programs, commands, links, named tests and files, dependencies.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests judge by panicking, in helpers too"
)]

mod signposts;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const FOREIGN: [&str; 7] = [
    ".git",
    "target",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "build",
];

/// The program of the README in each language: where it stands, and which suite runs it.
const FIRST_LOGIN: [(&str, &str, &str); 4] = [
    ("c", "examples/first_login/c/first_login.c", "tests/c"),
    ("cpp", "examples/first_login/cpp/first_login.cpp", "tests/c"),
    (
        "python",
        "examples/first_login/python/first_login.py",
        "tests/python",
    ),
    (
        "rust",
        "examples/first_login/rust/src/main.rs",
        "examples/first_login/rust/tests",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Every file of the tree whose name ends in one of these, with its text.
fn files(folder: &Path, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if !FOREIGN.contains(&name.as_str()) && !path.is_symlink() {
                    left.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{}", folder.display());
    found
}

/// Whether a file's name has this extension.
fn is(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some((language, lines))) => blocks.push((language, lines.join("\n"))),
            (Some(language), None) => open = Some((language.into(), Vec::new())),
            (None, Some((language, mut lines))) => {
                lines.push(line);
                open = Some((language, lines));
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// A page without its fenced blocks.
fn prose(page: &str) -> String {
    page.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// What stands between backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The names of all tests: functions in Rust and Python, and words in the scripts that run the suites of C.
struct Tests {
    functions: BTreeSet<String>,
    scripts: String,
}

impl Tests {
    fn read() -> Self {
        let functions: BTreeSet<String> = files(&root(), &[".rs", ".py"])
            .iter()
            .flat_map(|(_, text)| {
                let names = text.split(['\n', '{', ';']).filter_map(|line| {
                    let line = line.trim_start();
                    let name = line
                        .strip_prefix("fn ")
                        .or_else(|| line.strip_prefix("pub fn "))
                        .or_else(|| line.strip_prefix("async fn "))
                        .or_else(|| line.strip_prefix("def "))?;
                    name.split(['(', '<']).next().map(str::to_owned)
                });
                names.collect::<Vec<_>>()
            })
            .collect();
        Self {
            functions,
            scripts: read("tests/c/run.sh") + &read("tests/abi/run.sh"),
        }
    }

    fn have(&self, name: &str) -> bool {
        let words = |quote: char| format!("test_ {quote}{name}{quote} ");
        self.functions.contains(name)
            || ['\'', '"']
                .iter()
                .any(|quote| self.scripts.contains(&words(*quote)))
    }
}

#[test]
fn every_program_in_the_readme_is_a_file_that_a_suite_runs() {
    let blocks = blocks(&read("README.md"));
    for (language, file, suite) in FIRST_LOGIN {
        let shown: Vec<&String> = blocks
            .iter()
            .filter_map(|(of, text)| (of == language).then_some(text))
            .collect();
        assert!(!shown.is_empty(), "the README shows nothing in {language}");
        let source = read(file);
        for block in shown {
            assert!(source.contains(block.as_str()), "not in {file}:\n{block}");
        }
        let run_by = files(&root().join(suite), &[".rs", ".sh", ".py", ".c", "Makefile"]);
        assert!(
            run_by.iter().any(|(_, text)| text.contains("first_login")),
            "no suite in {suite} runs {file}"
        );
    }
    for (language, _) in blocks {
        let known = ["", "text", "sh", "toml"];
        assert!(
            known.contains(&language.as_str()) || FIRST_LOGIN.iter().any(|(of, ..)| *of == language),
            "nobody checks blocks in `{language}`"
        );
    }
}

#[test]
fn every_command_in_the_documents_can_be_run() {
    let makefile = read("Makefile");
    let manifests: Vec<String> = files(&root(), &["Cargo.toml"])
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let cli = read("cli/src/main.rs");
    let mut seen = 0;
    for (path, page) in files(&root(), &[".md"]) {
        // Run whole, block by block, by tests/python/test_files.py.
        if path.ends_with("docs/backup.md") {
            continue;
        }
        for (language, text) in blocks(&page) {
            if language != "sh" {
                continue;
            }
            for line in text.lines() {
                let line = line.split(" #").next().unwrap().trim();
                let words: Vec<&str> = line
                    .split_whitespace()
                    .skip_while(|word| word.contains('='))
                    .collect();
                let place = format!("{}: {line}", path.display());
                let folder = path.parent().unwrap();
                match words.as_slice() {
                    [comment, ..] if comment.starts_with('#') => continue,
                    // Into what the command before it has made.
                    [] | ["cd", _] => continue,
                    // Nobody but its owner reads what the next command makes: a key file, of as many digits as one has.
                    ["umask", mask] => assert_eq!(*mask, "077", "{place}"),
                    ["openssl", "rand", "-hex", bytes, ">", _] => assert_eq!(*bytes, "32", "{place}"),
                    ["make", targets @ ..] => {
                        let makefile = match std::fs::read_to_string(folder.join("Makefile")) {
                            Ok(own) if folder != root() => own,
                            _ => makefile.clone(),
                        };
                        for target in targets.iter().filter(|word| !word.contains('=')) {
                            let rule = format!("\n{target}:");
                            assert!(makefile.contains(&rule), "{place}: no target {target}");
                        }
                    }
                    ["cargo", _, rest @ ..] => {
                        for pair in rest.windows(2).filter(|pair| pair[0] == "-p") {
                            let name = format!("name = \"{}\"", pair[1]);
                            assert!(
                                manifests.iter().any(|manifest| manifest.contains(&name)),
                                "{place}"
                            );
                        }
                        for pair in rest.windows(2).filter(|pair| pair[0] == "--path") {
                            let manifest = root().join(pair[1]).join("Cargo.toml");
                            assert!(manifest.exists(), "{place}");
                        }
                    }
                    ["doorward", rest @ ..] => {
                        let command = rest.iter().find(|word| cli.contains(&format!("\n  {word} ")));
                        assert!(command.is_some(), "{place}: not a command of `doorward`");
                    }
                    ["pip" | "python3" | "cc" | "c++", rest @ ..] => {
                        let named = rest.iter().filter(|word| word.contains('/') || is(word, "py"));
                        for file in named {
                            assert!(
                                root().join(file).exists() || folder.join(file).exists(),
                                "{place}: no {file}"
                            );
                        }
                    }
                    [program, ..] => assert!(root().join(program).exists(), "{place}: nobody checks this"),
                }
                seen += 1;
            }
        }
    }
    assert!(seen >= 4, "{seen} commands");
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    for (path, page) in files(&root(), &[".md"]) {
        for link in prose(&page).split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let place = format!("{}: {target}", path.display());
            let file = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            assert!(file.exists(), "{place}");
            if !anchor.is_empty() {
                let headings = std::fs::read_to_string(&file).unwrap();
                let found = headings
                    .lines()
                    .any(|line| line.starts_with('#') && slug(line) == anchor);
                assert!(found, "{place}: no such heading");
            }
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen} links");
}

/// The anchor that a heading gets.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

#[test]
fn every_threat_names_files_and_tests_that_exist() {
    let tests = Tests::read();
    let page = read("docs/threats.md");
    let mut ids = BTreeSet::new();
    for row in page
        .lines()
        .filter(|line| line.starts_with("| A") || line.starts_with("| D"))
    {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [id, _, stopped_in, proved_by] = cells[..] else {
            panic!("four cells: {row}")
        };
        assert!(ids.insert(id.trim().to_owned()), "{id} twice");
        let (paths, proofs) = (quoted(stopped_in), quoted(proved_by));
        assert!(!paths.is_empty() && !proofs.is_empty(), "{row}");
        for path in paths {
            assert!(root().join(&path).is_file(), "{id}: no {path}");
        }
        for test in proofs {
            assert!(tests.have(&test), "{id}: no test {test}");
        }
    }
    // Each case of the catalogue stands in a row or among what is not covered.
    for case in (1..=36).map(|n| format!("A{n:02}")) {
        let open = page.split("## Not covered").nth(1).unwrap();
        assert!(ids.contains(&case) || open.contains(&case), "{case} is nowhere");
    }
}

#[test]
fn every_dependency_has_its_row() {
    let manifest = read("Cargo.toml");
    let listed = manifest.split("\n[workspace.dependencies]\n").nth(1).unwrap();
    let listed = listed.split("\n[").next().unwrap();
    let page = read("docs/design.md");
    let page = page.split("\n## Dependencies\n").nth(1).unwrap();
    let mut seen = 0;
    for line in listed
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("path ="))
    {
        let Some((name, _)) = line.split_once(" = ") else {
            continue;
        };
        assert!(
            page.contains(&format!("| `{name}` |")),
            "docs/design.md says nothing about {name}"
        );
        seen += 1;
    }
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let name = row.split('`').nth(1).unwrap();
        assert!(
            listed.contains(&format!("{name} = ")),
            "docs/design.md keeps a row for {name}"
        );
    }
    assert!(seen > 20, "{seen}");
}

/// Where refreshing is safe is said where each language's programmers read it, beside the call that refreshes.
#[test]
fn every_language_says_where_refreshing_is_safe() {
    for (file, call) in [
        ("core/src/auth/requests.rs", "pub async fn resume_request"),
        (
            "include/doorward.h",
            "doorward_resume_request(const doorward_auth",
        ),
        ("include/doorward.hpp", "result<caller> resume_request"),
        (
            "python/doorward/_doorward.pyi",
            "def check_request(self) -> Coroutine",
        ),
        ("docs/sessions.md", ""),
    ] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let said = if call.is_empty() {
            text.as_str()
        } else {
            let at = text.find(call).unwrap_or_else(|| panic!("{file}: no {call}"));
            // What stands before the call, or around it in the stub.
            let from = text[..at].len().saturating_sub(1200);
            let from = (from..at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
            let to = (at + 1200).min(text.len());
            let to = (at..=to)
                .rev()
                .find(|to| text.is_char_boundary(*to))
                .unwrap_or(at);
            &text[from..to]
        };
        for word in ["token_reuse", "expired_refreshable", "check_request"] {
            assert!(
                said.contains(word),
                "{file} does not say `{word}` where it refreshes"
            );
        }
    }
}
