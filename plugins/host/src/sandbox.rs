//! What a plugin may no longer do once it has been loaded, before any of its own operations runs.
//!
//! | | strict | net | off |
//! |---|---|---|---|
//! | core dumps, debuggers of the same user | no | no | no |
//! | new rights by running a program | no | no | yes |
//! | other processes, and what root may do to the machine | no | no | yes |
//! | memory | 1 GiB | 2 GiB | as the user |
//! | threads | 64 | 64 | as the user |
//! | files (an interpreter: its own besides) | time zones | what names and certificates need, to read | as the user |
//! | connections | no | yes, none comes in | as the user |

use std::path::{Path, PathBuf};

use doorward_runtime::Sandbox;
use doorward_runtime::isolation::helper::Confinement;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    Scope, path_beneath_rules,
};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

use crate::{calls, process, tasks};

#[cfg(test)]
mod tests;

/// The newest Landlock whose rules are known here; an older kernel enforces what it knows.
const LANDLOCK: ABI = ABI::V6;
/// Open descriptors at most.
const DESCRIPTORS: u64 = 64;
/// Bytes of address space at most.
const MEMORY: u64 = 1 << 30;

/// Files that any program may read.
const COMMON: &[&str] = &[
    "/dev/null",
    "/dev/urandom",
    "/etc/localtime",
    "/usr/share/zoneinfo",
];
/// Files that resolving names and verifying certificates needs.
const FOR_NET: &[&str] = &[
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ldap",
    "/etc/nsswitch.conf",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/lib",
    "/lib64",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
];

/// What a module that an interpreter imports later links against.
const FOR_INTERPRETERS: &[&str] = &["/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64"];

/// Confines this process. Gives what the kernel could not do.
///
/// # Errors
/// What could not be done and must be: then the plugin is refused.
pub(crate) fn confine(wanted: &Confinement) -> Result<Vec<String>, String> {
    let sandbox = wanted.sandbox;
    limit(Resource::RLIMIT_CORE, 0)?;
    let keep_dumps_away =
        || prctl::set_dumpable(false).map_err(|errno| format!("prctl(PR_SET_DUMPABLE): {errno}"));
    if sandbox == Sandbox::Off {
        return keep_dumps_away().map(|()| Vec::new());
    }
    // A thread that runs already would not be confined with the rest on every kernel.
    let threads = std::fs::read_dir("/proc/self/task").map_err(|error| format!("/proc: {error}"))?;
    if threads.count() > 1 {
        return Err("it began a thread while it was loaded, which sandbox = \"off\" alone allows".into());
    }
    let is_net = sandbox == Sandbox::Net;
    let unbounded = tasks::bound()?;
    keep_dumps_away()?;
    limit(Resource::RLIMIT_AS, if is_net { 2 * MEMORY } else { MEMORY })?;
    limit(Resource::RLIMIT_NOFILE, DESCRIPTORS)?;
    limit(Resource::RLIMIT_FSIZE, 0)?;
    prctl::set_no_new_privs().map_err(|errno| format!("prctl(PR_SET_NO_NEW_PRIVS): {errno}"))?;
    let old = files_and_ports(wanted)?;
    process::give_up_capabilities().map_err(|errno| format!("capset: {errno}"))?;
    calls::allow_only(is_net, !wanted.interpreter.is_empty())?;
    Ok(unbounded.into_iter().chain(old).collect())
}

fn limit(what: Resource, most: u64) -> Result<(), String> {
    setrlimit(what, most, most).map_err(|errno| format!("setrlimit({what:?}): {errno}"))
}

/// Landlock: the second lock on files, ports, signals and abstract sockets, after the list of system calls.
fn files_and_ports(wanted: &Confinement) -> Result<Option<String>, String> {
    let is_net = wanted.sandbox == Sandbox::Net;
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let ports = if is_net {
        AccessNet::BindTcp.into()
    } else {
        AccessNet::from_all(LANDLOCK)
    };
    let mut readable: Vec<&Path> = COMMON.iter().map(Path::new).collect();
    if is_net {
        readable.extend(FOR_NET.iter().map(Path::new));
    }
    if !wanted.interpreter.is_empty() {
        readable.extend(FOR_INTERPRETERS.iter().map(Path::new));
        readable.extend(wanted.interpreter.iter().map(PathBuf::as_path));
    }
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|rules| rules.handle_access(ports))
        // Signals and abstract sockets of other processes.
        .and_then(|rules| rules.scope(Scope::from_all(LANDLOCK)))
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(readable, read)))
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(|error| format!("Landlock: {error}"))?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(None),
        RulesetStatus::PartiallyEnforced => Ok(Some(
            "this kernel's Landlock is old: some rules on files, ports or signals are held by seccomp alone"
                .into(),
        )),
        RulesetStatus::NotEnforced if wanted.needs_landlock => Err(
            "this kernel has no Landlock (Linux 5.13, and `landlock` among its security modules), so the plugin \
             could read every file that its user can, keys and databases too: use such a kernel, or set \
             plugin.NAME.landlock = \"if_there\""
                .into(),
        ),
        RulesetStatus::NotEnforced => Ok(Some(
            "this kernel has no Landlock: a plugin that reads files is held by seccomp and permissions alone"
                .into(),
        )),
    }
}
