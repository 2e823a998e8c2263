//! How many threads a confined plugin may have. Other processes it cannot start.
//!
//! The kernel counts what `RLIMIT_NPROC` bounds by user, and does not bind root. So the worker gets a user of its own to be
//! counted by: as root a number that nobody else has, else a user namespace. Its files are those of its user still.

#![expect(unsafe_code, reason = "one of the system's calls has no wrapper here")]

use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, geteuid, getppid, getuid, setfsuid, setresuid};

/// Threads at most.
pub(crate) const MOST: u64 = 64;

/// User numbers from here on belong to nobody: systemd's page of user numbers lists them as unused.
const NOBODYS: u32 = 0x7000_0000;

/// Bounds the threads of this process, which has one. Gives what could not be done.
pub(crate) fn bound() -> Result<Option<String>, String> {
    let why = |what: &'static str| move |errno: Errno| format!("{what}: {errno}");
    let spawner = getppid();
    let note = if geteuid().is_root() {
        as_nobody().map_err(why("setresuid"))?
    } else {
        as_a_namespace()?
    };
    // Whoever changes user is no longer ended with its parent.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(why("prctl(PR_SET_PDEATHSIG)"))?;
    if getppid() != spawner {
        return Err("whoever started it has gone".into());
    }
    Ok(note)
}

/// Root's worker: real and effective user are a number of its own, for files it is root.
fn as_nobody() -> nix::Result<Option<String>> {
    let number = Uid::from_raw(NOBODYS + std::process::id());
    match setresuid(number, number, Uid::from_raw(0)) {
        Ok(()) => {}
        // A user namespace in which the number is nobody's at all.
        Err(Errno::EINVAL) => {
            return Ok(Some(
                "threads of this plugin are not bounded: root has only some users here".into(),
            ));
        }
        Err(errno) => return Err(errno),
    }
    setfsuid(Uid::from_raw(0));
    setrlimit(Resource::RLIMIT_NPROC, MOST, MOST)?;
    Ok(None)
}

/// Any other user's worker: in a user namespace of its own, or counted together with what the user runs now.
fn as_a_namespace() -> Result<Option<String>, String> {
    let why = |errno: Errno| format!("RLIMIT_NPROC: {errno}");
    let (user, group) = (getuid(), nix::unistd::getgid());
    // SAFETY: takes a number; this process has one thread.
    let is_alone = unsafe { libc::unshare(libc::CLONE_NEWUSER) } == 0;
    if is_alone {
        // It is who it was; where that cannot be said it only looks like nobody to itself.
        drop(std::fs::write("/proc/self/setgroups", "deny"));
        drop(std::fs::write("/proc/self/uid_map", format!("{user} {user} 1")));
        drop(std::fs::write("/proc/self/gid_map", format!("{group} {group} 1")));
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_NPROC).map_err(why)?;
    let most = MOST.min(hard);
    setrlimit(Resource::RLIMIT_NPROC, most, hard).map_err(why)?;
    // Before Linux 5.14 a namespace counts nothing of its own.
    let begins = std::thread::Builder::new()
        .spawn(|| {})
        .map(|thread| drop(thread.join()));
    if begins.is_ok() && is_alone {
        setrlimit(Resource::RLIMIT_NPROC, most, most).map_err(why)?;
        return Ok(None);
    }
    let most = MOST.saturating_add(tasks_of(user)).min(hard);
    setrlimit(Resource::RLIMIT_NPROC, most, most).map_err(why)?;
    Ok(Some(
        "threads of this plugin are counted together with the user's others: user namespaces are not to be had".into(),
    ))
}

/// Threads of all processes of the user.
fn tasks_of(user: Uid) -> u64 {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = processes.filter(|entry| entry.metadata().is_ok_and(|data| data.uid() == user.as_raw()));
    own.filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok())
        .filter_map(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("Threads:"))?;
            line.trim().parse::<u64>().ok()
        })
        .sum()
}
