//! The two views of the Python package have one list of operations: what `AsyncAuth` has in the stub file is what `Auth` has,
//! given as an awaitable.

use std::fmt::Write as _;

use super::{read, root};

const STUBS: &str = "python/doorward/_doorward.pyi";

/// Members that answer at once in both views.
const AT_ONCE: &[&str] = &["realm", "on", "trusted", "http_wants", "headers", "apply"];
/// Members that `Auth` alone has.
const WAITING_ONLY: &[&str] = &["__new__", "aio"];

/// The text of a class, from its decorator on, and where it stands.
fn class<'a>(text: &'a str, name: &str) -> (usize, &'a str) {
    let begin = text.find(&format!("\nclass {name}:\n")).unwrap() + 1;
    let rest = &text[begin..];
    let end = rest.find("\n@final\n").map_or(rest.len(), |at| at + 1);
    (begin, &rest[..end])
}

/// The members of a class: each with its decorators, name and text.
fn members(class: &str) -> Vec<(&str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut decorators = String::new();
    for line in class.lines() {
        if line.starts_with("    @") {
            writeln!(decorators, "{line}").unwrap();
        } else if let Some(def) = line.strip_prefix("    def ") {
            let name = def.split('(').next().unwrap();
            found.push((name, format!("{}{line}\n", std::mem::take(&mut decorators))));
        } else if let Some((_, text)) = found.last_mut() {
            writeln!(text, "{line}").unwrap();
        }
    }
    found
}

/// What gives `T` at once gives an awaitable of it.
fn awaited(text: &str) -> String {
    let (before, after) = text.split_once(") -> ").unwrap();
    let (given, rest) = after.split_once(':').unwrap();
    format!("{before}) -> Coroutine[object, None, {given}]:{rest}")
}

/// The class `AsyncAuth` as it follows from the class `Auth`: it keeps what it says of itself.
fn derived(text: &str) -> String {
    let (_, own) = class(text, "AsyncAuth");
    let mut derived = own.split_inclusive("\"\"\"\n").next().unwrap().to_owned() + "\n";
    for (name, member) in members(class(text, "Auth").1) {
        if WAITING_ONLY.contains(&name) {
            continue;
        }
        let member = member.replace("-> Auth:", "-> AsyncAuth:");
        let member = member.replace("def __enter__", "def __aenter__");
        let member = member.replace("def __exit__", "def __aexit__");
        derived += &if AT_ONCE.contains(&name) {
            member
        } else {
            awaited(&member)
        };
    }
    derived.trim_end().to_owned() + "\n\n"
}

/// What the file should say stands in `target/_doorward.pyi` then: copy it.
#[test]
fn the_awaiting_view_has_what_the_waiting_one_has() {
    let text = read(STUBS);
    let (begin, found) = class(&text, "AsyncAuth");
    let wanted = derived(&text);
    if found != wanted {
        let whole = format!("{}{wanted}{}", &text[..begin], &text[begin + found.len()..]);
        std::fs::write(root().join("target/_doorward.pyi"), whole).unwrap();
        panic!("AsyncAuth is not what follows from Auth: cp target/_doorward.pyi {STUBS}");
    }
}
