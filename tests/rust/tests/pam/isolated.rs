//! The same plugin as a server has it: in a process of its own, which a module that hangs costs and nothing else.

use std::time::Duration;

use doorward::ErrorKind;
use doorward::plugin::{Decision, Isolation, Kind, Kinds, PluginSettings, PoolSettings, Sandbox, Services};
use doorward_tests::wait::block_on;
use serde_json::json;

use crate::stack::{self, Stack};

fn settings(isolation: Option<Isolation>) -> PluginSettings {
    PluginSettings {
        name: "pam".into(),
        path: stack::plugin(),
        sha256: None,
        kinds: Vec::new(),
        isolation,
    }
}

fn load(isolation: Option<Isolation>) -> doorward::Result<Kinds> {
    Kinds::load(
        &[settings(isolation)],
        &[],
        Services::system(),
        PoolSettings::of(2),
    )
}

fn verify(kind: &Kind, name: &str, deadline: Duration) -> doorward::Result<Decision> {
    let ask = crate::question(name, "word");
    block_on(kind.ask(ask, deadline)).map(|verdict| verdict.decision)
}

#[test]
fn it_runs_in_a_process_of_its_own_or_not_at_all() {
    let refused = load(None).map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PluginRefused);
    assert!(refused.message().contains("isolation = \"process\""), "{refused}");
}

#[test]
fn a_module_that_hangs_costs_one_request() {
    let stack = Stack::with_program(
        "auth required pam_exec.so quiet {program}\naccount required pam_permit.so\n",
        "#!/bin/sh\n[ \"$PAM_USER\" != slow ] || exec sleep 60\n[ \"$PAM_USER\" = ann ]\n",
    );
    let kinds = load(Some(Isolation {
        host: env!("CARGO_BIN_EXE_plugin_host").into(),
        sandbox: Sandbox::Off,
        needs_landlock: false,
        workers: 2,
        python: None,
    }))
    .unwrap();
    kinds.start().unwrap();
    let options = json!({ "service": "tested", "folder": stack.folder() });
    let staff = kinds.open("pam", "staff", options.as_object().unwrap()).unwrap();
    let long = Duration::from_mins(1);
    assert_eq!(verify(&staff, "ann", long).unwrap(), Decision::Accept);
    assert_eq!(
        verify(&staff, "slow", Duration::from_millis(500))
            .unwrap_err()
            .kind(),
        ErrorKind::Timeout
    );
    assert_eq!(verify(&staff, "ann", long).unwrap(), Decision::Accept);
    assert_ne!(verify(&staff, "bob", long).ok(), Some(Decision::Accept));
    kinds.stop();
}
