//! How many threads a worker may have, and what becomes of one whose threads go on after its answer.

use std::sync::Arc;

use doorward::plugin::{Kind, Kinds, Operation, PoolSettings, Sandbox};
use serde_json::json;

use crate::build;
use crate::context::{Heard, answer, ask, open, services};
use crate::outlaws::Host;

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
    // Nobody asks anything: it is noticed all the same, as soon as the kernel has given it enough time to burn.
    let replaced = |line: &String| line.starts_with("replaced crowd ");
    while !heard.0.lock().unwrap().iter().any(replaced) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_ne!(told(&kind, "nothing", "process"), first);
}
