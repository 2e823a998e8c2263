//! What a helper is as a process: whose child, whose user, which descriptors.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use doorward_runtime::isolation::helper::HELPER_SOCKET;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Gid, Uid, geteuid, getppid, setgroups, setresgid, setresuid, setsid};

/// True when descriptor 3 is a socket.
pub(crate) fn is_started_by_the_core() -> bool {
    // SAFETY: only asked what it is; a number without a descriptor is an error.
    let socket = unsafe { BorrowedFd::borrow_raw(HELPER_SOCKET) };
    getsockopt(&socket, sockopt::SockType).is_ok()
}

/// Its own session, so that a terminal's signals do not reach it; and the parent of whatever its workers leave behind.
pub(crate) fn become_spawner() -> nix::Result<()> {
    // For ps: run by a descriptor, the program would be called `exe`.
    prctl::set_name(c"dw-spawner")?;
    close_others()?;
    setsid()?;
    prctl::set_child_subreaper(true)
}

/// A group of its own, the user of whoever asked for it, and an end together with the spawner's.
pub(crate) fn become_worker(socket: &UnixStream) -> nix::Result<()> {
    let spawner = getppid();
    prctl::set_name(c"dw-worker")?;
    close_others()?;
    setsid()?;
    keep_from_children(socket)?;
    // The socket was made by the process that asked, with the rights that it had then: a server that started as root and
    // gave that up does not get it back through us.
    let asker = getsockopt(socket, sockopt::PeerCredentials)?;
    if geteuid().is_root() && asker.uid() != 0 {
        let (user, group) = (Uid::from_raw(asker.uid()), Gid::from_raw(asker.gid()));
        setgroups(&[])?;
        setresgid(group, group, group)?;
        setresuid(user, user, user)?;
    }
    // After the change of user, which takes it back.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != spawner {
        return Err(Errno::ESRCH);
    }
    Ok(())
}

/// Gives up whatever root may do beyond what its files allow, for good: a list of calls is not the place where that ends.
pub(crate) fn give_up_capabilities() -> nix::Result<()> {
    // _LINUX_CAPABILITY_VERSION_3, this thread; effective, permitted and inheritable, in two halves.
    let (header, nothing) = ([0x2008_0522_u32, 0], [0_u32; 6]);
    // SAFETY: a header and a set of the sizes that the version has; both live until the call returns.
    let given_up = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), nothing.as_ptr()) };
    Errno::result(given_up).map(drop)
}

/// Programs that a plugin runs do not get the socket.
pub(crate) fn keep_from_children(socket: &UnixStream) -> nix::Result<()> {
    fcntl(socket.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map(drop)
}

/// Closes whatever an embedding program let through.
fn close_others() -> nix::Result<()> {
    let first = u32::try_from(HELPER_SOCKET + 1).unwrap_or(u32::MAX);
    // SAFETY: nothing in this process has opened any of them yet.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    // A kernel older than 5.9 has no such call; what the core opens is closed on exec anyway.
    match Errno::result(closed) {
        Ok(_) | Err(Errno::ENOSYS) => Ok(()),
        Err(errno) => Err(errno),
    }
}
