//! A process by descriptor: it cannot be mistaken for another that got its number later.

#![expect(unsafe_code, reason = "the system's calls on pidfds have no wrappers here")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::libc;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// A child of this process, at least when it was made.
#[derive(Debug)]
pub(super) struct Pidfd(OwnedFd);

impl Pidfd {
    /// `None`: the child has gone already, or the kernel is older than 5.3.
    pub(super) fn of(process: Pid) -> Option<Self> {
        // SAFETY: takes two integers and gives a descriptor, closed on exec, or -1.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) };
        let descriptor = i32::try_from(descriptor).ok().filter(|number| *number >= 0)?;
        // SAFETY: the descriptor made above, which is nobody else's.
        Some(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// SIGKILL; a process that is stopped dies of it, too.
    pub(super) fn kill(&self) {
        // SAFETY: takes a descriptor of ours, two integers and no pointer to anything.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                libc::SIGKILL,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
    }

    /// Takes its exit status, unless somebody else did: no zombie stays. Does not wait.
    pub(super) fn bury(&self) {
        // Somebody who reaps every child may have been first: that is as good.
        let how = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
        let _ = waitid(Id::PIDFd(self.0.as_fd()), how);
    }
}

impl AsFd for Pidfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
