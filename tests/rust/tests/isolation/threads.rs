//! How many threads a worker may have, and what becomes of one whose threads go on after its answer.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use doorward::clock::{Clock, SystemClock};
use doorward::plugin::{Kind, Kinds, Operation, PoolSettings, Sandbox};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use serde_json::json;

use crate::build;
use crate::context::{Heard, LONG, answer, ask, open, services};
use crate::outlaws::{Host, since};

fn crowd(sandbox: Sandbox) -> (Host, Kinds, Kind, Arc<Heard>) {
    let host = Host::new();
    let settings = host.settings(&build::c("tests/plugins/crowd.c", &[]), sandbox, 1);
    let (services, heard) = services();
    let kinds = Kinds::load(&[settings], &[], services, PoolSettings::of(1)).unwrap();
    kinds.start().unwrap();
    let kind = open(&kinds, "crowd", &json!({})).unwrap();
    (host, kinds, kind, heard)
}

fn told(kind: &Kind, what: &str, name: &str) -> i64 {
    let verdict = answer(kind, ask(Operation::Verify, &[("do", what)])).unwrap();
    let found = verdict.attributes.iter().find(|(known, _)| known == name);
    found.and_then(|(_, value)| value.as_i64()).unwrap()
}

#[test]
fn a_worker_has_no_more_than_64_threads() {
    for sandbox in [Sandbox::Strict, Sandbox::Net] {
        let (_host, _kinds, kind, _) = crowd(sandbox);
        // Twice: those that ended make room. The first thread is its own.
        for _ in 0..2 {
            assert_eq!(told(&kind, "many", "threads"), 63, "{}", sandbox.id());
        }
    }
}

#[test]
fn a_worker_that_goes_on_computing_after_its_answer_is_replaced_and_that_is_told() {
    let (_host, _kinds, kind, heard) = crowd(Sandbox::Strict);
    let first = told(&kind, "nothing", "process");
    assert_eq!(told(&kind, "burn", "process"), first);
    // Nobody asks anything: it is noticed all the same, once the kernel has given it enough time to burn. What counts is that
    // time: on a busy machine it is longer in coming.
    let replaced = |line: &String| line.starts_with("replaced crowd ");
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(first).unwrap())).unwrap();
    let burnt = || clock.now().map_or(Duration::ZERO, Duration::from);
    let mut told_at = None;
    while !heard.0.lock().unwrap().iter().any(replaced) {
        assert!(burnt() < Duration::from_secs(30), "it burns, and is not replaced");
        if burnt().is_zero() {
            let gone_at = *told_at.get_or_insert_with(|| SystemClock.monotonic());
            assert!(
                since(gone_at) < LONG,
                "it has gone, and nobody was told: {:?}",
                heard.0.lock().unwrap()
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_ne!(told(&kind, "nothing", "process"), first);
}

/// Without user namespaces the kernel counts the threads of a worker together with the user's others: the bound is that
/// much less exact, and the operator reads so. (Mount namespaces are nobody's here: Landlock holds the files.)
#[test]
fn without_user_namespaces_threads_are_bounded_all_the_same_and_that_is_told() {
    let host = Host::new();
    let object = build::c("tests/plugins/crowd.c", &[]);
    // Whoever is nobody has to be able to read them.
    for path in [&host.0, &object] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    for sandbox in ["strict", "net"] {
        let output = Command::new(env!("CARGO_BIN_EXE_lacking"))
            .args(["namespaces", "threads"])
            .args([&host.0, &object])
            .arg(sandbox)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        let count = told.lines().find_map(|line| line.strip_prefix("threads: "));
        let count: u32 = count.unwrap().parse().unwrap();
        // One is its own; others of the user may end or begin meanwhile.
        assert!((32..=128).contains(&count), "{sandbox}: {told}");
        assert!(
            told.contains("user namespaces are not to be had"),
            "{sandbox}: {told}"
        );
    }
}
