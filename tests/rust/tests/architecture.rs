//! `docs/architecture.md` is true: each of its tables is read and compared with the code.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests judge by panicking, in helpers too"
)]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/crates.rs"]
mod crates;
#[path = "architecture/entering.rs"]
mod entering;
#[path = "architecture/sizes.rs"]
mod sizes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../docs/architecture.md");
const LIB: &str = include_str!("../../../core/src/lib.rs");
const RUNTIME: &str = include_str!("../../../plugins/runtime/src/lib.rs");
const BASE: &str = include_str!("../../../base/src/lib.rs");

/// Where the code stands that runs in the embedding program, whatever the language.
const LIBRARIES: [&str; 7] = [
    "base/src",
    "stores/port/src",
    "stores/memory/src",
    "stores/sqlite/src",
    "stores/postgres/src",
    "plugins/runtime/src",
    "core/src",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of the table under a heading; each cell as the words in backquotes that it holds.
fn table(heading: &str) -> Vec<Vec<Vec<String>>> {
    let section = PAGE.split("\n## ").find(|part| part.starts_with(heading));
    let rows: Vec<Vec<Vec<String>>> = section
        .unwrap_or_else(|| panic!("no section {heading}"))
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(quoted).collect())
        .collect();
    assert!(rows.len() > 2, "{heading}: {rows:?}");
    rows
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every Rust file under a folder, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    left.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The code of a file: without comments and without its unit tests.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

/// The core's top-level modules, each with the modules of the core and the base that its code names.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeSet<String> = declared(LIB).into_iter().collect();
    let known: BTreeSet<String> = modules.iter().cloned().chain(from_below()).collect();
    let src = root().join("core/src");
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        if module == "lib" || inside.ends_with("tests.rs") {
            continue;
        }
        let code = code(&text);
        let named = known.iter().filter(|other| {
            let path = format!("crate::{other}");
            code.match_indices(&path).any(|(at, _)| {
                let after = code[at + path.len()..].chars().next();
                !after.is_some_and(|next| next.is_alphanumeric() || next == '_')
            })
        });
        let named: Vec<String> = named.filter(|other| *other != module).cloned().collect();
        uses.entry(module.to_owned()).or_default().extend(named);
        assert!(
            !code.contains("crate::{"),
            "{}: one `use` per module",
            path.display()
        );
    }
    assert_eq!(uses.keys().cloned().collect::<BTreeSet<_>>(), modules);
    uses
}

/// What the core names as modules of its own and other crates have.
fn from_below() -> BTreeSet<String> {
    let runtime = ["governor", "password", "plugin"].map(str::to_owned);
    declared(BASE).into_iter().chain(runtime).collect()
}

/// The modules of a crate in the order of its `lib.rs`.
fn declared(lib: &str) -> Vec<String> {
    lib.lines()
        .filter_map(|line| {
            line.trim_start_matches("pub ")
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_lists_the_modules_in_the_order_of_the_source() {
    for (heading, lib) in [
        ("Modules of the core", LIB),
        ("Modules of the base", BASE),
        ("Modules of the plugin runtime", RUNTIME),
    ] {
        let listed: Vec<String> = table(heading).into_iter().map(|row| row[0][0].clone()).collect();
        assert_eq!(listed, declared(lib), "{heading}");
    }
}

#[test]
fn the_tour_of_the_source_names_files_that_exist() {
    let tour = LIB.lines().filter(|line| line.starts_with("//!"));
    let named: BTreeSet<String> = tour
        .flat_map(quoted)
        .filter(|name| Path::new(name).extension().is_some_and(|found| found == "rs"))
        .collect();
    assert!(named.len() > 4, "{named:?}");
    for file in named {
        assert!(root().join("core/src").join(&file).is_file(), "{file}");
    }
}

#[test]
fn modules_do_not_use_what_the_page_forbids() {
    let uses = uses();
    let below = from_below();
    for row in table("Who may not use whom") {
        for module in &row[0] {
            let named = uses.get(module).unwrap_or_else(|| panic!("no module {module}"));
            for forbidden in &row[1] {
                assert!(
                    uses.contains_key(forbidden) || below.contains(forbidden),
                    "no module {forbidden}"
                );
                assert!(!named.contains(forbidden), "{module} uses {forbidden}");
            }
        }
    }
    let of_auth: Vec<&String> = uses
        .iter()
        .filter_map(|(module, used)| used.contains("auth").then_some(module))
        .collect();
    assert_eq!(of_auth, ["http"], "auth is used by others than the surface");
}

#[test]
fn only_auth_calls_every_stage() {
    let stages = ["request", "plugin", "store", "session", "token", "cookie"];
    let calling: Vec<String> = uses()
        .into_iter()
        .filter_map(|(module, used)| stages.iter().all(|stage| used.contains(*stage)).then_some(module))
        .collect();
    assert_eq!(calling, ["auth"]);
}

#[test]
fn unsafe_code_stands_where_the_page_says() {
    let said = PAGE.split("- `unsafe` stands in").nth(1).unwrap();
    let allowed = quoted(said.split(" only.").next().unwrap());
    assert!(allowed.len() > 3, "{allowed:?}");
    for (path, text) in sources(&root()) {
        let inside = path.strip_prefix(root()).unwrap();
        if inside.starts_with("tests") || allowed.iter().any(|folder| inside.starts_with(folder)) {
            continue;
        }
        for form in [
            "unsafe {",
            "unsafe fn",
            "unsafe impl",
            "unsafe extern",
            "#[unsafe(",
        ] {
            assert!(!code(&text).contains(form), "{}: {form}", inside.display());
        }
    }
}

#[test]
fn threads_begin_where_the_page_says() {
    let listed: BTreeSet<String> = table("Processes and threads")
        .into_iter()
        .map(|row| row[1][0].clone())
        .collect();
    for row in table("Processes and threads") {
        let name = row[0][0].replace("KIND", "");
        let source = std::fs::read_to_string(root().join(&row[1][0])).unwrap();
        assert!(
            source.contains(&format!("\"{name}")),
            "{} begins no {name}",
            row[1][0]
        );
    }
    let begins = [
        "thread::Builder",
        "thread::spawn",
        "runtime::{Builder",
        "runtime::Builder",
    ];
    let others = [
        "ffi/src",
        "python/src",
        "plugins/sdk/src",
        "plugins/totp/src",
        "plugins/passkey/src",
    ];
    let real: BTreeSet<String> = LIBRARIES
        .into_iter()
        .chain(others)
        .flat_map(|folder| sources(&root().join(folder)))
        .filter(|(path, text)| {
            !path.ends_with("tests.rs") && begins.iter().any(|form| code(text).contains(form))
        })
        .map(|(path, _)| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(real, listed);
}

#[test]
fn clocks_and_randomness_have_one_file_each_and_the_environment_none() {
    for (forbidden, owner) in [
        ("SystemTime::now", "clock.rs"),
        ("getrandom::", "rng.rs"),
        ("env::var", ""),
    ] {
        let libraries = LIBRARIES
            .into_iter()
            .flat_map(|folder| sources(&root().join(folder)));
        for (path, text) in libraries {
            let is_owner = !owner.is_empty() && path.ends_with(owner);
            let is_test = path.ends_with("tests.rs");
            assert!(
                is_owner || is_test || !code(&text).contains(forbidden),
                "{}: {forbidden}",
                path.display()
            );
        }
    }
}

/// Notices are a property of the change: nothing but `commit.rs` reaches the store's `change`.
#[test]
fn a_change_of_a_user_goes_through_the_one_door_that_tells_its_owner() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let doors: Vec<_> = sources(&root.join("core/src/auth"))
        .into_iter()
        .filter(|(_, text)| {
            let packed: String = code(text).split_whitespace().collect();
            packed.contains("store().change(") || packed.contains("store.change(")
        })
        .map(|(path, _)| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(doors, ["commit.rs"]);
}

/// Apps are clients that no page can be: a page of another origin sends `Doorward-Client` only where CORS allows it. One file
/// speaks CORS, and it allows `Content-Type` alone.
#[test]
fn nothing_of_ours_allows_more_to_other_origins_than_a_type() {
    let speaks = root().join("core/src/http/response.rs");
    let allowed = std::fs::read_to_string(&speaks).unwrap();
    let allowed: Vec<&str> = allowed
        .lines()
        .filter(|line| line.contains("Access-Control-Allow-Headers"))
        .collect();
    assert_eq!(
        allowed.iter().map(|line| line.trim()).collect::<Vec<_>>(),
        [r#".with("Access-Control-Allow-Headers", "Content-Type")"#]
    );
    let mut seen = 0;
    for folder in LIBRARIES
        .into_iter()
        .chain(["ffi/src", "python", "include", "demo", "examples"])
    {
        let mut left = vec![root().join(folder)];
        while let Some(folder) = left.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path);
                } else if path == speaks {
                    seen += 1;
                } else if let Ok(text) = std::fs::read_to_string(&path) {
                    seen += 1;
                    let allows = text.to_ascii_lowercase().contains("access-control-allow");
                    assert!(!allows, "{} speaks CORS", path.display());
                }
            }
        }
    }
    assert!(seen > 100, "{seen}");
}
