//! A kernel without Landlock: a sandbox that would not hold files is refused, unless the operator takes that.

use std::io::Write;
use std::process::Command;

use crate::build;
use crate::outlaws::Host;

/// Whether this kernel has Landlock. Where it has not, the test says on the terminal itself that it was not run.
pub(crate) fn is_there(test: &str) -> bool {
    // LANDLOCK_CREATE_RULESET_VERSION: the number of the newest interface.
    let none: *const nix::libc::c_void = std::ptr::null();
    #[expect(unsafe_code, reason = "the call has no wrapper here")]
    // SAFETY: asks for a number and takes no memory.
    let version = unsafe { nix::libc::syscall(nix::libc::SYS_landlock_create_ruleset, none, 0, 1) };
    if version < 1 {
        // Not by a macro, whose lines are kept back for tests that pass.
        let line = format!("NOT RUN: {test}: this kernel has no Landlock\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    version >= 1
}

/// What loading says in a process for which there is no Landlock.
fn loaded_without(landlock: &str, sandbox: &str) -> String {
    let host = Host::new();
    let output = Command::new(env!("CARGO_BIN_EXE_lacking"))
        .args(["landlock", "load"])
        .args([host.0.as_path(), &build::c("tests/plugins/caged.c", &[])])
        .args([sandbox, landlock])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn without_landlock_a_sandbox_is_refused_unless_it_is_said_to_do_without() {
    for sandbox in ["strict", "net"] {
        let refused = loaded_without("required", sandbox);
        for said in [
            "no Landlock",
            "plugin.NAME.landlock = \"if_there\"",
            "plugin_refused",
        ] {
            assert!(refused.contains(said), "{sandbox}: {refused}");
        }
        let loaded = loaded_without("if_there", sandbox);
        assert!(loaded.ends_with("loaded"), "{loaded}");
    }
    assert_eq!(loaded_without("required", "off"), "loaded");
}

#[test]
fn a_test_that_needs_landlock_says_that_it_was_not_run() {
    let tests = [
        "sandbox::strict_leaves_computing_and_the_time",
        "sandbox::net_adds_connections_and_the_files_that_they_need",
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_lacking"))
        .args(["landlock", "run"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", tests[0], tests[1]])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    for test in tests {
        let name = test.trim_start_matches("sandbox::");
        assert!(
            told.contains(&format!("NOT RUN: {name}: this kernel has no Landlock")),
            "{told}"
        );
    }
}
