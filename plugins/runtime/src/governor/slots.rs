//! Slots of the budget: one byte of a private memory file each, taken by a POSIX record lock.
//!
//! Why these locks (`fcntl(2)`, `F_SETLK`): they belong to the process and are not inherited by `fork`, so parent and
//! child exclude each other on the one descriptor that both have; and the kernel drops them when the process ends,
//! however it ends. Two properties must be worked around. Inside one process they never conflict: a table of what
//! this process holds stands in front. And closing *any* descriptor of the file drops all of the process's locks on
//! it: the file is private, and nothing here ever opens it a second time.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::fstat;

use doorward_base::error::{Error, ErrorKind, Result};

pub(super) struct Slots {
    /// Always there, but while it is dropped.
    file: Option<OwnedFd>,
    /// Device and inode of it.
    is: Option<(u64, u64)>,
    held: Vec<bool>,
}

impl Slots {
    /// `count` free slots in a new file.
    pub(super) fn new(count: usize) -> Result<Self> {
        let file = memfd_create(c"doorward-hashing", MFdFlags::MFD_CLOEXEC).map_err(|e| {
            Error::new(
                ErrorKind::Unavailable,
                "cannot create the memory file of the hashing budget",
            )
            .caused_by(e)
        })?;
        Ok(Self::sharing(file, count))
    }

    pub(super) fn sharing(file: OwnedFd, count: usize) -> Self {
        Self {
            is: identity(&file),
            file: Some(file),
            held: vec![false; count],
        }
    }

    /// Whether the descriptor still is that file: a program that closes what it has not opened (`closefrom(3)` after the
    /// context was opened) closes this, and whatever takes the number would be locked.
    pub(super) fn are_there(&self) -> bool {
        self.is.is_some() && self.file.as_ref().and_then(identity) == self.is
    }

    pub(super) fn count(&self) -> usize {
        self.held.len()
    }

    /// How many this process holds.
    pub(super) fn held(&self) -> usize {
        self.held.iter().filter(|held| **held).count()
    }

    /// Takes `count` slots, or none. Never waits.
    pub(super) fn take(&mut self, count: usize) -> Option<Vec<usize>> {
        let mut taken = Vec::with_capacity(count);
        for slot in 0..self.held.len() {
            if taken.len() == count {
                break;
            }
            if !self.held.get(slot).copied().unwrap_or(true) && self.lock(slot, libc::F_WRLCK) {
                self.mark(slot, true);
                taken.push(slot);
            }
        }
        if taken.len() == count {
            return Some(taken);
        }
        self.give_back(&taken);
        None
    }

    pub(super) fn give_back(&mut self, slots: &[usize]) {
        for &slot in slots {
            self.mark(slot, false);
            self.lock(slot, libc::F_UNLCK);
        }
    }

    /// Says to the other processes whether this one waits for a slot: a shared lock on the byte after the last.
    pub(super) fn wait_openly(&self, waits: bool) {
        self.lock(self.held.len(), if waits { libc::F_RDLCK } else { libc::F_UNLCK });
    }

    /// True when another process waits for a slot. The kernel reports only the locks of others.
    pub(super) fn is_wanted_elsewhere(&self) -> bool {
        let mut probe = range(self.held.len(), libc::F_WRLCK);
        (self.file.as_ref()).is_some_and(|file| fcntl(file.as_fd(), FcntlArg::F_GETLK(&mut probe)).is_ok())
            && i32::from(probe.l_type) != libc::F_UNLCK
    }

    /// In a forked child: what is marked here is held by the parent.
    pub(super) fn forget(&mut self) {
        self.held.fill(false);
    }

    fn mark(&mut self, slot: usize, held: bool) {
        if let Some(mark) = self.held.get_mut(slot) {
            *mark = held;
        }
    }

    /// True when the lock was set. A slot that cannot be locked, for whatever reason, is not free.
    fn lock(&self, byte: usize, kind: i32) -> bool {
        let Some(file) = &self.file else { return false };
        loop {
            match fcntl(file.as_fd(), FcntlArg::F_SETLK(&range(byte, kind))) {
                Ok(_) => return true,
                Err(Errno::EINTR) => {}
                Err(_) => return false,
            }
        }
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> String {
        use std::os::fd::AsRawFd;
        let number = self.file.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        format!("/proc/{}/fd/{number}", std::process::id())
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // What has taken the number is not ours to close.
        if !self.are_there() {
            std::mem::forget(self.file.take());
        }
    }
}

fn identity(file: &OwnedFd) -> Option<(u64, u64)> {
    fstat(file).ok().map(|is| (is.st_dev, is.st_ino))
}

/// One byte. Both constants fit: lock types are 0 to 2, `SEEK_SET` is 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "lock types are 0 to 2, SEEK_SET is 0"
)]
fn range(byte: usize, kind: i32) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: libc::off_t::try_from(byte).unwrap_or(libc::off_t::MAX),
        l_len: 1,
        l_pid: 0,
    }
}
