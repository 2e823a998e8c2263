//! What a plugin may do in each sandbox, tried from inside by `tests/plugins/caged.c`.

use doorward::plugin::{Kinds, Operation, PoolSettings, Sandbox};
use serde_json::json;

use crate::build;
use crate::context::{answer, ask, open, services};
use crate::landlock;
use crate::outlaws::Host;

/// What works there.
fn works_in(sandbox: Sandbox) -> Vec<String> {
    let host = Host::new();
    let settings = host.settings(&build::c("tests/plugins/caged.c", &[]), sandbox, 1);
    let kinds = Kinds::load(&[settings], &[], services().0, PoolSettings::of(1)).unwrap();
    kinds.start().unwrap();
    let caged = open(&kinds, "caged", &json!({})).unwrap();
    let verdict = answer(&caged, ask(Operation::Verify, &[])).unwrap();
    let worked = verdict
        .attributes
        .into_iter()
        .filter(|(_, worked)| *worked == json!(true));
    worked.map(|(name, _)| name).collect()
}

#[test]
fn strict_leaves_computing_and_the_time() {
    if !landlock::is_there("strict_leaves_computing_and_the_time") {
        return;
    }
    assert_eq!(works_in(Sandbox::Strict), ["threads", "reads_zone"]);
}

#[test]
fn net_adds_connections_and_the_files_that_they_need() {
    if !landlock::is_there("net_adds_connections_and_the_files_that_they_need") {
        return;
    }
    assert_eq!(
        works_in(Sandbox::Net),
        ["threads", "reads_hosts", "reads_zone", "connects", "maps_code"]
    );
}

#[test]
fn off_leaves_everything() {
    let worked = works_in(Sandbox::Off);
    for needed in [
        "threads",
        "forks",
        "runs",
        "reads_passwd",
        "writes",
        "connects",
        "listens",
        "memory",
    ] {
        assert!(worked.iter().any(|name| name == needed), "{needed}: {worked:?}");
    }
}
