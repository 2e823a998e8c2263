//! One name for one thing: the rows, the header, the C++ wrapper, the core and both Python stubs have the same operations,
//! with the same operands in the same order. The page `docs/operations.md` is written from the rows, and held to them.

mod emits;
mod examples;
mod stubs;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::operations::OPERATIONS;
use crate::row::{By, Row};

/// Most arguments that a C function has.
const MOST: usize = 6;

/// Names that differ, each with why: language, operation, its operands there. What is not here is the same everywhere.
const DIFFERENT: &[(&str, &str, &str, &str)] = &[
    // Python has keywords where the others have a struct of what may be left out.
    (
        "python",
        "create_user",
        "provider identifier credentials attributes id",
        KEYWORDS,
    ),
    (
        "python",
        "create_user_from_claim",
        "claim attributes id",
        KEYWORDS,
    ),
    (
        "python",
        "create_session",
        "proof attributes access_ttl idle_ttl absolute_ttl persistent",
        KEYWORDS,
    ),
    (
        "python",
        "create_session_for_user",
        "user factors attributes access_ttl idle_ttl absolute_ttl persistent",
        KEYWORDS,
    ),
    (
        "python",
        "list_users",
        "after limit newest_first enabled provider begins",
        KEYWORDS,
    ),
    ("python", "count_users", "enabled provider begins", KEYWORDS),
];

const KEYWORDS: &str = "keywords in place of a struct";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Each operation with the names of its operands.
type Operations = BTreeMap<String, Vec<String>>;

/// The text between the bracket at the start and the one that closes it.
fn bracketed(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return &text[1..at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    panic!("no end: {text}");
}

/// The parts between the commas that are in no bracket.
fn parts(text: &str) -> Vec<String> {
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '(' | '[' | '<' | '{' => depth += 1,
            ')' | ']' | '>' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
        .iter()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// The last word.
fn last(text: &str) -> String {
    let name = text.rsplit(|c: char| !c.is_alphanumeric() && c != '_');
    name.into_iter()
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .to_owned()
}

/// Without comments of C.
fn bare(text: &str) -> String {
    let mut rest = text;
    let mut bare = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, rest)| rest);
    }
    bare + rest
}

/// Functions of the header that take a view and give an answer, with all of their arguments.
fn header() -> Operations {
    let text = bare(&read("include/doorward.h"));
    let begin = "DOORWARD_MUST_USE doorward_answer doorward_";
    let found = text.split(begin).skip(1).filter_map(|text| {
        let (name, _) = text.split_once('(')?;
        let arguments = parts(bracketed(&text[name.len()..]));
        let is_operation = arguments.first()? == "const doorward_auth *auth";
        is_operation.then(|| (name.to_owned(), arguments.iter().map(|one| last(one)).collect()))
    });
    found.collect()
}

/// The arguments without the handle and the counts.
fn operands(arguments: &[String]) -> Vec<String> {
    let counted: BTreeSet<String> = arguments.iter().map(|name| format!("n_{name}")).collect();
    let named = arguments.iter().skip(1).filter(|name| !counted.contains(*name));
    named.cloned().collect()
}

fn wrapper() -> Operations {
    let text = bare(&read("include/doorward.hpp"));
    let class = text.split("class auth {").nth(1).unwrap();
    let members = class.split("    result<").skip(1).filter_map(|text| {
        let begin = text.find('(')?;
        let name = last(&text[..begin]);
        let operands = parts(bracketed(&text[begin..]));
        let names = operands
            .iter()
            .map(|one| last(one.split(" = ").next().unwrap_or(one)));
        Some((name, names.collect()))
    });
    members.collect()
}

/// The files in which the core's operations stand: `auth.rs` and all below its folder, and the surface's `http.rs`.
fn core_sources() -> Vec<String> {
    let mut found = vec![read("core/src/auth.rs"), read("core/src/http.rs")];
    let mut left = vec![root().join("core/src/auth")];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let inside = std::fs::read_dir(&path).unwrap();
            left.extend(inside.map(|entry| entry.unwrap().path()));
        } else {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
    found
}

fn core() -> Operations {
    let mut found = Operations::new();
    for text in core_sources() {
        for method in text.split("\n    pub async fn ").skip(1) {
            let begin = method.find('(').unwrap();
            let operands = parts(bracketed(&method[begin..]));
            let names = operands.iter().filter(|one| *one != "&self");
            let names = names.map(|one| one.split(':').next().unwrap().to_owned());
            found.insert(method[..begin].to_owned(), names.collect());
        }
    }
    found
}

fn view(class: &str) -> Operations {
    let text = read("python/doorward/_doorward.pyi");
    let class = text.split(&format!("\nclass {class}:")).nth(1).unwrap();
    let class = class.split("\nclass ").next().unwrap();
    let methods = class.split(" def ").skip(1).map(|method| {
        let begin = method.find('(').unwrap();
        let operands = parts(bracketed(&method[begin..]));
        let names = operands
            .iter()
            .filter(|one| !["self", "*", "/"].contains(&one.as_str()));
        let names = names.map(|one| one.split([':', '=']).next().unwrap().trim().to_owned());
        (method[..begin].to_owned(), names.collect())
    });
    methods.collect()
}

fn names(row: &Row) -> Vec<String> {
    row.operands.iter().map(|(name, _)| (*name).to_owned()).collect()
}

#[test]
fn every_language_has_every_row_with_its_operands_in_its_order() {
    let languages = [
        (
            "c",
            header()
                .into_iter()
                .map(|(name, all)| (name, operands(&all)))
                .collect(),
        ),
        ("c++", wrapper()),
        ("rust", core()),
        ("python", view("Auth")),
        ("python", view("AsyncAuth")),
    ];
    let mut unused: BTreeSet<_> = DIFFERENT
        .iter()
        .map(|(language, name, ..)| (*language, *name))
        .collect();
    let mut wrong = String::new();
    for (language, theirs) in &languages {
        let theirs: &Operations = theirs;
        for row in OPERATIONS {
            let expected = DIFFERENT
                .iter()
                .find(|(of, name, ..)| of == language && *name == row.name)
                .map(|(_, _, operands, _)| operands.split(' ').map(str::to_owned).collect());
            unused.remove(&(language, row.name));
            let expected = expected.unwrap_or_else(|| names(row));
            match theirs.get(row.name) {
                Some(found) if *found == expected => {}
                found => writeln!(wrong, "{language} {}: {found:?}, not {expected:?}", row.name).unwrap(),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(unused.is_empty(), "a difference that is none: {unused:?}");
}

#[test]
fn the_header_has_no_operation_that_is_no_row_and_none_of_many_arguments() {
    let rows: BTreeSet<&str> = OPERATIONS.iter().map(|row| row.name).collect();
    let header = header();
    let (mut all, mut most) = (0, 0);
    for (name, arguments) in &header {
        assert!(rows.contains(name.as_str()), "{name} is no row");
        assert!(
            arguments.len() <= MOST,
            "{name} has {} arguments",
            arguments.len()
        );
        (all, most) = (all + arguments.len(), most.max(arguments.len()));
    }
    assert_eq!(header.len(), rows.len());
    assert_eq!(most, MOST);
    assert!(
        all < 4 * rows.len(),
        "{all} arguments in {} functions",
        rows.len()
    );
}

/// What makes, tells of and ends a context is no operation: each language has its own form of it.
const LIFE: [&str; 6] = ["agree", "before_fork", "migrate", "start", "stop", "warnings"];

#[test]
fn every_operation_of_the_core_has_a_row() {
    let rows: BTreeSet<&str> = OPERATIONS.iter().map(|row| row.name).collect();
    let core = core();
    let rowless: Vec<&str> = core
        .keys()
        .map(String::as_str)
        .filter(|name| !rows.contains(name))
        .collect();
    assert_eq!(rowless, LIFE);
}

/// The methods of the core that begin in this way, from the source.
fn entered(way: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in core_sources() {
        for method in text.split("\n    pub async fn ").skip(1) {
            let body = method.split("\n    }\n").next().unwrap();
            if body.contains(way) {
                found.insert(method[..method.find('(').unwrap()].to_owned());
            }
        }
    }
    found
}

#[test]
fn who_causes_a_call_is_what_the_core_asks_for() {
    let persons: BTreeSet<String> = OPERATIONS
        .iter()
        .filter(|row| row.by == By::person)
        .map(|row| row.name.to_owned())
        .collect();
    assert_eq!(persons, entered(".enter_by_person()"));
    let page = read("docs/architecture.md");
    let refused = page.split("## Who is refused without a request").nth(1).unwrap();
    let refused = refused.split("\n## ").next().unwrap();
    let listed: BTreeSet<String> = refused
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned))
        .collect();
    assert_eq!(persons, listed);
    let of_requests: Vec<&str> = OPERATIONS
        .iter()
        .filter(|row| row.by == By::request)
        .map(|row| row.name)
        .collect();
    assert_eq!(
        of_requests,
        ["check_request", "resume_request", "http_handle", "http_page"]
    );
}

/// What can come of an operation besides a success and errors.
fn outcomes(row: &Row) -> &'static str {
    match row.gives {
        "Decided<Proof>" if row.by == By::person || row.name == "begin_link" => {
            "continue, refused, unregistered, throttled, request refused"
        }
        "Decided<Session>" | "Decided<Caller>" => "refused, signed out, throttled, request refused",
        "Decided<Proof>" | "Decided<UserId>" | "Decided<TokenInfo>" | "Decided<Claim>" | "Decided<()>" => {
            "refused, throttled, request refused"
        }
        "Alive" => "signed out",
        "Settled" => "absent",
        gives if gives.starts_with("Option<") => "absent",
        _ => "",
    }
}

/// What a successful call has.
fn gives(row: &Row) -> String {
    match row.gives {
        "()" | "Decided<()>" | "Alive" | "Settled" => "nothing".into(),
        "u64" | "Counted" | "Decided<u64>" => "how many".into(),
        "String" => "text".into(),
        "Decided<Caller>" => "session, or user of a key".into(),
        "Decided<UserId>" => "user id".into(),
        "Vec<Method>" => "methods".into(),
        "Vec<Identity>" => "identities".into(),
        "Vec<Authenticator>" => "authenticators".into(),
        "Vec<Delivery>" => "deliveries".into(),
        other => {
            let list = other.starts_with("Vec<");
            let inner = other.trim_start_matches("Decided<").trim_start_matches("Vec<");
            let inner = inner.trim_start_matches("Option<").trim_end_matches('>');
            let mut words = String::new();
            for c in inner.chars() {
                if c.is_uppercase() && !words.is_empty() {
                    words.push(' ');
                }
                words.extend(c.to_lowercase());
            }
            if list { words + "s" } else { words }
        }
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Operations\n\nWritten from `ffi/src/operations.rs` by the test that holds all languages to it. An operation has the \
         same name\nand the same operands in the same order everywhere: `auth.NAME(…)` in Rust, C++ and Python, \
         `doorward_NAME(auth, …)` in C,\nwhere credentials and factors are a pointer and a count. What may be absent has a `?`. \
         Errors and the fine print stand with each\nfunction in `include/doorward.h`, what an event says in `events.md`.\n\n**P**: a person's form causes it. \
         Where `origins.trusted` is configured, it is refused on a handle that is neither on a request\nnor trusted. **R**: it is \
         about the request that the handle is on.\n\n`emits`, the column, is read from the core's code: what its way can come to. Each operation \
         but `metrics` and `http_page` may emit `request_refused` and\n`proxy_unlisted` besides, and whatever asks a kind `plugin_audit` and \
         `plugin_replaced`. `open` emits `plugin_loaded` and\n`plugin_refused`.\n\n| operation | | gives | or | emits | |\n\
         |---|---|---|---|---|---|\n",
    );
    let events = emits::events();
    for row in OPERATIONS {
        let operands: Vec<String> = row
            .operands
            .iter()
            .map(|(name, kind)| {
                let absent = kind.starts_with("Option")
                    || ["NewUser", "NewSession", "UserFilter", "Version", "Limit", "Lease"].contains(kind);
                format!("{name}{}", if absent { "?" } else { "" })
            })
            .collect();
        let by = match row.by {
            By::person => "**P**",
            By::request => "**R**",
            By::program => "",
        };
        writeln!(
            page,
            "| `{}({})` | {by} | {} | {} | {} | {} |",
            row.name,
            operands.join(", "),
            gives(row),
            outcomes(row),
            events[row.name].join(", "),
            row.about.trim()
        )
        .unwrap();
    }
    let section =
        "\n## Names that differ\n\n| language | operation | operands there | why |\n|---|---|---|---|\n";
    page.push_str(section);
    for (language, name, operands, why) in DIFFERENT.iter().filter(|(language, ..)| *language != "rust") {
        let operands = operands.replace(' ', ", ");
        writeln!(page, "| {language} | `{name}` | {operands} | {why} |").unwrap();
    }
    page.push_str(
        "\nIn C and C++ a property that is true or false begins with `is_`, because it is a function there. `class` and `template` \
         are words\nof C++: they are `factor_class` and, in C++, `template_name`.\n",
    );
    page
}

/// What the page should say stands in `target/operations.md` then: copy it.
#[test]
fn operations_md_says_what_the_rows_say() {
    let (wanted, found) = (page(), std::fs::read_to_string(root().join("docs/operations.md")));
    if found.ok().as_ref() != Some(&wanted) {
        std::fs::write(root().join("target/operations.md"), &wanted).unwrap();
        panic!("docs/operations.md is not what the rows say: cp target/operations.md docs/operations.md");
    }
}
