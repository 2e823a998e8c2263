//! Plugins that were built with the first released header (`tests/abi/v1`) run on today's core; and plugins built with a
//! header of a later version run on it, too, unless they say that they cannot.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use doorward::ErrorKind;
use doorward::kept::{KeptKeys, KeptQuota};
use doorward::plugin::{Ask, Decision, Kind, Kinds, OpenRecord, Operation, PoolSettings, Services};
use doorward::rng::SystemRandom;
use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::{AuthenticatorId, Secret};
use serde_json::json;

use crate::build;
use crate::context::{answer, ask, open, services, step, stored};

fn v1() -> PathBuf {
    build::root().join("tests/abi/v1")
}

/// Compiles a frozen plugin against the header in this folder and no other.
fn against(headers: &Path, source: &str, defines: &[&str]) -> PathBuf {
    let object = build::folder().join("plugin.so");
    let built = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Werror",
            "-fPIC",
            "-shared",
            "-fvisibility=hidden",
        ])
        .args(defines.iter().map(|define| format!("-D{define}")))
        .arg("-I")
        .arg(headers)
        .arg(v1().join(source))
        .arg("-o")
        .arg(&object)
        .status()
        .unwrap();
    assert!(built.success(), "{source}");
    object
}

fn loaded(object: &Path) -> doorward::Result<Kinds> {
    let (services, _) = services();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let kept = KeptKeys::new(
        store,
        services.keys.clone().unwrap(),
        services.clock.clone(),
        Arc::new(SystemRandom),
        KeptQuota::default(),
    );
    let services = Services {
        kv: Some(Arc::new(kept)),
        ..services
    };
    let kinds = Kinds::load(&[build::settings(object)], &[], services, PoolSettings::of(2))?;
    kinds.start()?;
    Ok(kinds)
}

fn with(records: Vec<OpenRecord>, asked: Ask) -> Ask {
    Ask { records, ..asked }
}

/// Enrolls in two steps, verifies in two.
fn quiz(kind: &Kind) {
    let begun = answer(kind, ask(Operation::Enroll, &[])).unwrap();
    assert_eq!(begun.decision, Decision::Continue);
    let given = step(Operation::Enroll, &begun.state.unwrap(), &[("answer", "blue")]);
    let enrolled = answer(kind, given).unwrap();
    assert_eq!(enrolled.decision, Decision::Accept);
    let records = vec![stored(&enrolled)];
    let asked = answer(kind, with(records.clone(), ask(Operation::Verify, &[]))).unwrap();
    assert_eq!(asked.challenge.named("question").unwrap().expose(), b"colour");
    let state = asked.state.unwrap();
    for (said, decision) in [("blue", Decision::Accept), ("red", Decision::Deny)] {
        let given = step(Operation::Verify, &state, &[("answer", said)]);
        assert_eq!(
            answer(kind, with(records.clone(), given)).unwrap().decision,
            decision,
            "{said}"
        );
    }
}

/// Names its record by itself.
fn badge(kind: &Kind) {
    let enrolled = answer(kind, ask(Operation::Enroll, &[("number", "12")])).unwrap();
    assert_eq!(enrolled.records[0].handle.as_deref(), Some(&b"12"[..]));
    let asked = ask(Operation::Verify, &[("number", "12")]);
    let named = answer(kind, asked.clone()).unwrap();
    assert_eq!(
        (named.decision, named.handle.as_deref()),
        (Decision::Resolve, Some(&b"12"[..]))
    );
    let resolved = Ask {
        resolved: named.handle,
        ..with(vec![stored(&enrolled)], asked)
    };
    assert_eq!(answer(kind, resolved).unwrap().decision, Decision::Accept);
    let refused = answer(kind, ask(Operation::Enroll, &[("number", "")])).unwrap();
    assert_eq!(refused.violations.len(), 1);
}

/// Puts, reads, adds.
fn keeper(kind: &Kind) {
    let told = |credentials: &[(&str, &str)]| {
        let verdict = answer(kind, ask(Operation::Verify, credentials)).unwrap();
        verdict.attributes[0].1.as_str().unwrap().to_owned()
    };
    assert!(told(&[("do", "put"), ("key", "k"), ("value", "v"), ("expect", "0")]).starts_with("0||"));
    assert!(told(&[("do", "put"), ("key", "k"), ("expect", "0")]).starts_with("-12|"));
    assert!(told(&[("do", "get"), ("key", "k")]).starts_with("0|76|"));
    assert_eq!(told(&[("do", "add"), ("key", "n"), ("delta", "3")]), "0||3");
    assert!(told(&[("do", "remove"), ("key", "k")]).starts_with("0|"));
    assert_eq!(kind.normalize(b"Ann").unwrap(), b"Ann");
}

/// Rewrites older records, and has a secret.
fn older(kind: &Kind) {
    let record = OpenRecord {
        id: AuthenticatorId::from_bytes([1; 16]),
        version: 1,
        bytes: Secret::new(*b"\0\0\0\x01v1:yes"),
        label: String::new(),
    };
    let verdict = answer(
        kind,
        with(vec![record], ask(Operation::Verify, &[("word", "yes")])),
    )
    .unwrap();
    assert_eq!((verdict.decision, verdict.migrated.len()), (Decision::Accept, 1));
}

/// Everything that the frozen plugins do.
fn all(headers: &Path, defines: &[&str]) {
    for (source, name, works) in [
        ("steps.c", "quiz", quiz as fn(&Kind)),
        ("steps.c", "badge", badge),
        ("keeper.c", "keeper", keeper),
        ("older.c", "older", older),
    ] {
        let kinds = loaded(&against(headers, source, defines)).unwrap();
        let options = if name == "older" {
            json!({ "gateway": { "key": "k" } })
        } else {
            json!({})
        };
        let kind = open(&kinds, name, &options).unwrap();
        works(&kind);
        assert_eq!(kind.faults(), 0, "{name}");
    }
}

#[test]
fn plugins_of_version_one_load_and_run() {
    all(&v1(), &[]);
}

/// Today's header with another minor version and members that this core has never heard of, at the end of every struct that
/// a plugin fills.
fn later() -> PathBuf {
    let header = std::fs::read_to_string(build::root().join("include/doorward_plugin.h")).unwrap();
    let mut later = header.clone();
    for growing in [
        "dwp_field",
        "dwp_kind",
        "dwp_module",
        "dwp_migrate",
        "dwp_secrets",
    ] {
        let end = format!("}} {growing};");
        assert_eq!(later.matches(&end).count(), 1, "{growing}");
        later = later.replace(&end, &format!("    const void *later[4];\n{end}"));
    }
    let version = "#define DWP_ABI_MINOR ";
    let line = header.lines().find(|line| line.starts_with(version)).unwrap();
    later = later.replace(line, &format!("{version}9u"));
    let folder = build::folder();
    std::fs::write(folder.join("doorward_plugin.h"), later).unwrap();
    folder
}

#[test]
fn plugins_of_a_later_version_run_on_this_core() {
    all(&later(), &[]);
}

#[test]
fn a_plugin_that_needs_a_later_core_is_refused_and_told_which() {
    let object = against(&later(), "older.c", &["MIN_HOST_MINOR=9"]);
    let error = loaded(&object).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PluginRefused);
    assert!(
        error.message().contains("it needs version 1.9 of the plugin ABI"),
        "{error}"
    );
}
