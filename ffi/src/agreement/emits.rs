//! Which events an operation may emit: read from the core's own code, as what can be reached from the operation's method.
//!
//! Functions are found by name. Where several have one, who is called says which: `self`, `call` and `auth` are what the core
//! always calls so, and any other receiver is a type of that name, or may be every type that has such a method. So an event
//! may be told that a certain way never emits, and none is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::root;
use crate::operations::OPERATIONS;

/// What every operation may emit that enters at all: what a request is refused for, and who forwards it unlisted.
pub(super) const ALWAYS: [&str; 2] = ["proxy_unlisted", "request_refused"];

/// Operations that enter nothing: they look at nobody's data.
pub(super) const NEVER: [&str; 2] = ["http_page", "metrics"];

/// What no operation emits by itself, and who does.
const OTHERS: [(&str, &str); 4] = [
    ("plugin_audit", "a kind, in whatever asks it"),
    ("plugin_loaded", "`open`"),
    ("plugin_refused", "`open`"),
    (
        "plugin_replaced",
        "the runtime, in whatever asks an isolated kind",
    ),
];

/// A function of the core.
struct Function {
    /// The type or trait that has it; nothing for a free one.
    owner: String,
    /// The name of its file.
    file: String,
    name: String,
    body: String,
    /// Whether it is of the HTTP surface, which stands on the operations: no operation calls it.
    is_surface: bool,
}

/// The functions of the core by number, the events that each names, and whom each calls.
struct Core {
    functions: Vec<Function>,
    events: Vec<BTreeSet<String>>,
    calls: Vec<BTreeSet<usize>>,
}

/// How a function is called.
#[derive(Debug, PartialEq)]
enum Call<'t> {
    Bare,
    On(&'t str),
    Of(&'t str),
}

impl Core {
    fn read() -> Self {
        let mut functions = Vec::new();
        sources(&root().join("core/src"), false, &mut functions);
        Self::of(functions)
    }

    fn of(functions: Vec<Function>) -> Self {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, function) in functions.iter().enumerate() {
            by_name.entry(&function.name).or_default().push(number);
        }
        let called = |from: &Function| -> BTreeSet<usize> {
            // A thread of its own is not the operation.
            if from.file == "drain" {
                return BTreeSet::new();
            }
            calls(&from.body)
                .into_iter()
                .filter_map(|(name, how)| Some((by_name.get(name)?, how)))
                .flat_map(|(named, how)| {
                    let mut named = named.clone();
                    named.retain(|&at| from.is_surface || !functions[at].is_surface);
                    resolve(&functions, &named, from, &how)
                })
                .collect()
        };
        let calls = functions.iter().map(called).collect();
        let events = functions.iter().map(|function| named(&function.body)).collect();
        Self {
            functions,
            events,
            calls,
        }
    }

    /// The names of the events that can come of a method of `Auth`.
    fn emits(&self, operation: &str) -> BTreeSet<String> {
        let is_operation = |of: &Function| of.owner == "Auth" && of.name == operation;
        let mut left: Vec<usize> = self.functions.iter().position(is_operation).into_iter().collect();
        assert!(!left.is_empty(), "the core has no method {operation}");
        let (mut seen, mut events) = (BTreeSet::new(), BTreeSet::new());
        while let Some(at) = left.pop() {
            if seen.insert(at) {
                events.extend(self.events[at].iter().cloned());
                left.extend(&self.calls[at]);
            }
        }
        events
    }
}

/// Which of the functions of a name is called.
fn resolve(functions: &[Function], named: &[usize], from: &Function, how: &Call<'_>) -> Vec<usize> {
    let those = |is: &dyn Fn(&Function) -> bool| -> Vec<usize> {
        named.iter().copied().filter(|&at| is(&functions[at])).collect()
    };
    let or = |first: Vec<usize>, then: &dyn Fn(&Function) -> bool| {
        if first.is_empty() { those(then) } else { first }
    };
    let is_handle = |of: &Function| ["Auth", "Call", "Context"].contains(&of.owner.as_str());
    match how {
        Call::Bare => or(those(&|of| of.owner.is_empty() && of.file == from.file), &|of| {
            of.owner.is_empty()
        }),
        Call::Of("Self") => those(&|of| of.owner == from.owner),
        Call::Of(path) if path.starts_with(char::is_uppercase) => those(&|of| of.owner == *path),
        Call::Of(path) => those(&|of| of.owner.is_empty() && of.file == *path),
        // The store's methods have names of operations, and emit nothing.
        Call::On("store" | "store()") => Vec::new(),
        Call::On("auth") => those(&|of| of.owner == "Auth"),
        Call::On("self") => or(those(&|of| of.owner == from.owner), &|of| {
            !of.owner.is_empty() && of.owner != "Auth"
        }),
        Call::On(receiver) => {
            let lower = receiver.trim_end_matches("()").replace('_', "");
            let of_that_type = those(&|of| of.owner.to_lowercase() == lower);
            let others = or(of_that_type, &|of| !of.owner.is_empty() && !is_handle(of));
            if receiver.ends_with(['?', ')']) {
                or(others, &|of| ["Call", "Context"].contains(&of.owner.as_str()))
            } else {
                others
            }
        }
    }
}

/// The stable texts of the events that a body names.
fn named(body: &str) -> BTreeSet<String> {
    let names = body.split("EventName::").skip(1);
    let names = names.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap());
    let all = doorward::event::EventName::ALL;
    names
        .filter_map(|name| all.iter().find(|one| format!("{one:?}") == name))
        .map(|event| event.id().to_owned())
        .collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What a body calls, and how: `f(`, `f::<T>(`, and `T::f` that is handed on.
fn calls(body: &str) -> Vec<(&str, Call<'_>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = body[at..].find(is_word).map(|to| at + to) {
        let end = body[begin..]
            .find(|c| !is_word(c))
            .map_or(body.len(), |to| begin + to);
        at = end;
        let (before, after) = (body[..begin].trim_end(), &body[end..]);
        let how = if let Some(before) = before.strip_suffix('.') {
            Call::On(receiver(before.trim_end()))
        } else if let Some(before) = before.strip_suffix("::") {
            Call::Of(&before[before.rfind(|c| !is_word(c)).map_or(0, |to| to + 1)..])
        } else {
            Call::Bare
        };
        let is_called = after.starts_with('(')
            || after
                .strip_prefix("::<")
                .is_some_and(|after| behind(after).starts_with('('));
        let is_handed_on = matches!(how, Call::Of(_)) && after.starts_with([',', ')']);
        if is_called || is_handed_on {
            found.push((&body[begin..end], how));
        }
    }
    found
}

/// What follows the `>` that ends these arguments.
fn behind(arguments: &str) -> &str {
    let mut depth = 1;
    for (at, c) in arguments.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &arguments[at + 1..];
        }
    }
    ""
}

/// What a method is called on: the last word, with `()` or `?` where it is what a call gave.
fn receiver(before: &str) -> &str {
    let without = before.strip_suffix("()").unwrap_or(before);
    let begin = without.rfind(|c| !is_word(c)).map_or(0, |to| to + 1);
    if begin == without.len() {
        &before[before.len() - before.chars().next_back().map_or(0, char::len_utf8)..]
    } else {
        &before[begin..]
    }
}

/// The functions of every file below.
fn sources(folder: &Path, is_surface: bool, found: &mut Vec<Function>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            sources(&path, is_surface || name == "http", found);
        } else if path.extension().is_some_and(|ext| ext == "rs") && name != "tests" {
            let is_surface = is_surface || name == "http";
            functions(&name, &std::fs::read_to_string(&path).unwrap(), is_surface, found);
        }
    }
}

/// The functions of a file, as rustfmt lays them out: at the margin, or one step within an `impl` or a trait.
fn functions(file: &str, text: &str, is_surface: bool, found: &mut Vec<Function>) {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let mut owner = String::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if line == "}" {
            owner.clear();
        } else if line.starts_with("impl") || line.contains("trait ") && !line.starts_with(' ') {
            let of = line.rsplit(" for ").next().unwrap();
            let of = of.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let mut words = of.split(|c: char| !is_word(c) && c != '\'');
            owner = words
                .find(|word| word.starts_with(char::is_uppercase) && word.len() > 1)
                .unwrap_or_default()
                .to_owned();
        }
        let margin = if owner.is_empty() { "" } else { "    " };
        let is_here = line
            .strip_prefix(margin)
            .is_some_and(|rest| !rest.starts_with(' '));
        if let Some(signature) = line.split_once("fn ").map(|(_, rest)| rest).filter(|_| is_here) {
            let name: String = signature.chars().take_while(|&c| is_word(c)).collect();
            let is_whole = |line: &str| line.ends_with(';') || line.ends_with('}');
            let mut to = at;
            while !(lines[to] == format!("{margin}}}") || to == at && is_whole(line)) {
                to += 1;
            }
            let body = lines[at..=to].join("\n").replacen(&format!("fn {name}"), "", 1);
            found.push(Function {
                owner: owner.clone(),
                file: file.to_owned(),
                name,
                body,
                is_surface,
            });
            at = to;
        }
        at += 1;
    }
}

/// The events of each operation, without those of [`ALWAYS`].
pub(super) fn events() -> BTreeMap<&'static str, Vec<String>> {
    let core = Core::read();
    let of = |name: &'static str| {
        let mut events: Vec<String> = core.emits(name).into_iter().collect();
        if !NEVER.contains(&name) {
            for always in ALWAYS {
                let at = events.iter().position(|event| event == always);
                events.remove(at.unwrap_or_else(|| panic!("{name} never emits {always}")));
            }
        }
        (name, events)
    };
    OPERATIONS.iter().map(|row| of(row.name)).collect()
}

#[test]
fn every_event_has_an_operation_or_somebody_else_who_emits_it() {
    let mut emitted: BTreeSet<String> = events().into_values().flatten().collect();
    emitted.extend(ALWAYS.map(str::to_owned));
    let others: BTreeSet<&str> = OTHERS.iter().map(|(event, _)| *event).collect();
    let left: BTreeSet<&str> = doorward::event::EventName::ALL
        .iter()
        .map(|event| event.id())
        .filter(|event| !emitted.contains(*event))
        .collect();
    assert_eq!(left, others);
    assert!(OTHERS.iter().all(|(_, who)| !who.is_empty()));
}

#[test]
fn an_event_is_found_however_far_it_is() {
    let mut functions_ = Vec::new();
    let auth = "impl Auth {\n    pub async fn deep(&self) -> u64 {\n        self.enter()\n            .await?\n            \
                .end_those::<Vec<()>>(user)\n    }\n    pub fn stored(&self) {\n        call.store().deep();\n    }\n    \
                pub fn handed(&self) {\n        list.map(Self::told)\n    }\n    fn told(&self) {\n        outbox.settle()\n    }\n}\n";
    let call = "impl Call<'_> {\n    fn end_those<T>(&self) {\n        // tell(EventName::UserCreated)\n        tell(self);\n    }\n}\n\n\
                fn tell(call: &Call<'_>) {\n    call.emit(EventName::SessionEnded);\n}\n";
    let types = "impl Attempt {\n    fn settle(&self) {\n        EventName::UserUpdated;\n    }\n}\n\nimpl<'a> Outbox<'a> {\n    fn settle(&self) {\n        \
                 EventName::DeliveryFailed;\n    }\n}\n";
    let http = "impl Turn {\n    fn end_those(&self) {\n        EventName::UserDeleted;\n    }\n}\n";
    for (file, text) in [("auth", auth), ("call", call), ("types", types), ("http", http)] {
        functions(file, text, file == "http", &mut functions_);
    }
    let core = Core::of(functions_);
    let emits = |name| core.emits(name).into_iter().collect::<Vec<_>>();
    assert_eq!(emits("deep"), ["session_ended"]);
    assert_eq!(emits("stored"), [""; 0]);
    assert_eq!(emits("handed"), ["delivery_failed"]);
}
