//! Programs around the library that reap its children, ignore them, fork, and lock themselves up.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::build;
use crate::outlaws::Host;

/// Runs `isolated_embedder` in this way: as many processes were served as should be, and no helper is left.
fn is_served(how: &str, processes: usize) {
    let host = Host::new();
    // Whoever gives up root has to be able to read both.
    let object = build::c("tests/plugins/outlaw.c", &[]);
    for path in [&host.0, &object] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_isolated_embedder"))
        .arg(how)
        .args([&host.0, &object, &build::folder()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{how}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(said.matches("good").count(), processes, "{how}: {said}");
    assert!(host.is_gone(), "{how} left: {:?}", host.processes());
}

#[test]
fn one_that_reaps_every_child() {
    is_served("reaper", 1);
}

#[test]
fn one_that_ignores_the_death_of_children() {
    is_served("ignorer", 1);
}

#[test]
fn one_that_has_closed_its_first_descriptors() {
    is_served("naked", 1);
}

#[test]
fn one_that_opens_and_then_forks_servers() {
    is_served("prefork", 3);
}

#[test]
fn one_whose_servers_are_in_a_chroot_and_have_given_up_root() {
    if !nix::unistd::geteuid().is_root() {
        println!(
            "not tried: a chroot needs root, and this is user {}",
            nix::unistd::geteuid()
        );
        return;
    }
    is_served("chroot", 1);
}
