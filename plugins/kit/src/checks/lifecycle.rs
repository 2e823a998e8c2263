//! Opening and closing, again and again.

use std::time::Duration;

use doorward_base::clock::{Clock, SystemClock};
use serde_json::{Map, Value};

use crate::finding::Findings;
use crate::process::{Size, Snapshot};
use crate::subject::Opened;

/// Rounds before the first look: caches fill.
const WARM_UP: usize = 50;
const ROUNDS: usize = 200;
/// The rounds are made so many times: a leak grows in each of them, an allocator in some.
const SERIES: usize = 4;
/// Operations of one series, and the time for all of them.
const OPERATIONS: usize = 400;
const PATIENCE: Duration = Duration::from_secs(6);
/// Resident memory that may come in a series: the allocator's, not the plugin's.
const SLACK_KIB: usize = 32;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    let before = Snapshot::take().without_what_serves();
    growth(opened, findings);
    operations(opened, findings);
    options(opened, findings);
    independence(opened, findings);
    let after = Snapshot::take().without_what_serves();
    for change in before.changes(&after) {
        findings.fail(format!("an operation changed the process: {change}"));
    }
    findings.note = format!("opened and closed {} times", WARM_UP + ROUNDS * SERIES);
}

fn growth(opened: &mut Opened<'_>, findings: &mut Findings) {
    let options = opened.subject.options.clone();
    let mut round = |count: usize| {
        for index in 0..count {
            opened.about_to(&format!("open and close, round {index}"));
            if let Err(refused) = opened.another(&options) {
                return Err(refused.message);
            }
        }
        Ok(Size::now())
    };
    let mut sizes = Vec::new();
    for count in std::iter::once(WARM_UP).chain([ROUNDS; SERIES]) {
        match round(count) {
            Ok(size) => sizes.push(size),
            Err(why) => return findings.fail(format!("it opens once and not again: {why}")),
        }
    }
    leaks(
        &sizes,
        &format!("{} rounds of open and close", ROUNDS * SERIES),
        findings,
    );
}

/// What grows with each of the series, or at all where nothing may.
fn leaks(sizes: &[Size], after_what: &str, findings: &mut Findings) {
    let [before, .., after] = sizes else { return };
    for (what, before, after) in [
        ("descriptors", before.descriptors, after.descriptors),
        ("threads", before.threads, after.threads),
    ] {
        findings.demand(after <= before, || {
            format!("{before} {what} before and {after} after {after_what}")
        });
    }
    let grows = |pair: &[Size]| pair[1].kib > pair[0].kib + SLACK_KIB;
    findings.demand(!sizes.windows(2).all(grows), || {
        let more = after.kib.saturating_sub(before.kib);
        format!("{more} KiB more memory after {after_what}, and it grows on")
    });
}

/// Operations leave nothing behind.
fn operations(opened: &mut Opened<'_>, findings: &mut Findings) {
    let exchanges = opened.repeatable();
    if exchanges.is_empty() {
        return;
    }
    let begun = SystemClock.monotonic();
    let mut sizes = Vec::new();
    for _ in 0..=SERIES {
        for index in 0..OPERATIONS / exchanges.len() {
            for exchange in &exchanges {
                opened.about_to(&format!("{}, time {index}", exchange.what()));
                opened.ask_again(exchange, &exchange.ask);
            }
            if SystemClock.monotonic().saturating_sub(begun) > PATIENCE {
                break;
            }
        }
        sizes.push(Size::now());
    }
    leaks(&sizes, &format!("{} operations", OPERATIONS * SERIES), findings);
}

/// Options at the edges of the schema are taken, or refused with a reason.
fn options(opened: &mut Opened<'_>, findings: &mut Findings) {
    let Some(schema) = opened.view().schema.clone() else {
        return;
    };
    let Ok(schema) = serde_json::from_str::<Value>(&schema) else {
        return findings.fail("config_schema is not JSON");
    };
    let given = opened.subject.options.clone();
    for (name, value) in edges(&schema) {
        let mut options = given.clone();
        options.insert(name.clone(), value.clone());
        opened.about_to(&format!("open with {name} = {value}"));
        let Err(refused) = opened.another(&options) else {
            continue;
        };
        findings.demand(refused.configuration, || {
            format!(
                "open with {name} = {value} fails, and not with CONFIG: {}",
                refused.message
            )
        });
        findings.demand(!refused.message.is_empty(), || {
            format!("open refuses {name} = {value} and does not say why: host->message")
        });
    }
}

/// For each option the values that its schema just admits.
fn edges(schema: &Value) -> Vec<(String, Value)> {
    let empty = Map::new();
    let members = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let mut edges = Vec::new();
    for (name, member) in members {
        let mut add = |value: Value| edges.push((name.clone(), value));
        if let Some(allowed) = member.get("enum").and_then(Value::as_array) {
            allowed.iter().cloned().for_each(add);
            continue;
        }
        match member.get("type").and_then(Value::as_str) {
            Some("boolean") => [false, true].into_iter().for_each(|value| add(value.into())),
            Some("integer") => {
                for edge in ["minimum", "maximum"] {
                    if let Some(value) = member.get(edge) {
                        add(value.clone());
                    }
                }
            }
            Some("string") => {
                let length = |key: &str, default| {
                    let length = member.get(key).and_then(Value::as_u64).unwrap_or(default);
                    usize::try_from(length).unwrap_or(64).min(4096)
                };
                add("a".repeat(length("minLength", 0)).into());
                add("a".repeat(length("maxLength", 64)).into());
            }
            _ => {}
        }
    }
    edges
}

/// What one instance answers does not depend on another's being there, or having been.
fn independence(opened: &mut Opened<'_>, findings: &mut Findings) {
    let alone = opened.play();
    let options = opened.subject.options.clone();
    let Ok(other) = opened.another(&options) else {
        return;
    };
    let beside = opened.play();
    opened.about_to("close another instance");
    drop(other);
    let after = opened.play();
    for (what, played) in [
        ("beside another instance", beside),
        ("after another was closed", after),
    ] {
        let differs = alone.answers.iter().zip(&played.answers);
        for ((name, one), (_, then)) in differs.filter(|((_, one), (_, other))| one != other) {
            findings.fail(format!("case {name:?}: {one} alone, {then} {what}"));
        }
    }
}
