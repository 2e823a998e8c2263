//! The spawner: starts workers on request, kills those whose leash is pulled, buries the dead.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;

use crate::isolation::launcher::{self, WORKER};
use crate::isolation::pidfd::Pidfd;

/// Workers at once, of all processes that ask.
const MOST: usize = 4096;

/// One worker.
struct Child {
    process: Pid,
    pidfd: Pidfd,
    leash: OwnedFd,
}

/// Serves until nobody is left who could ask.
pub fn spawner(socket: &OwnedFd) {
    let mut children: Vec<Child> = Vec::new();
    loop {
        let mut polled = vec![PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        for child in &children {
            polled.push(PollFd::new(child.leash.as_fd(), PollFlags::POLLIN));
            polled.push(PollFd::new(child.pidfd.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => break,
        }
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        let (asked, ready) = ready.split_first().unwrap_or((&false, &[]));
        let (pairs, _) = ready.as_chunks::<2>();
        for (child, [is_pulled, _]) in children.iter().zip(pairs) {
            if *is_pulled {
                end(child);
            }
        }
        // The dead are looked at before they are buried, so that a number is known to be a worker's still.
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Some(dead) = waitid(Id::All, look).ok().and_then(|status| status.pid()) {
            match children.iter().position(|child| child.process == dead) {
                Some(at) => bury(&children.swap_remove(at)),
                // Whoever was left behind by a worker is our child now.
                None => {
                    let _ = waitpid(dead, None);
                }
            }
        }
        if *asked {
            match receive(socket) {
                Err(()) => break,
                Ok(Some([theirs, leash])) if children.len() < MOST => children.extend(start(&theirs, leash)),
                Ok(_) => {}
            }
        }
    }
    for child in &children {
        end(child);
        bury(child);
    }
}

/// A new worker. Its socket is closed here in any case, so whoever asked sees when there is none.
fn start(socket: &OwnedFd, leash: OwnedFd) -> Option<Child> {
    let process = launcher::spawn(Path::new("/proc/self/exe"), WORKER, socket, None).ok()?;
    if let Some(pidfd) = Pidfd::of(process) {
        return Some(Child {
            process,
            pidfd,
            leash,
        });
    }
    // It has gone already, or could not be watched.
    let _ = kill(process, Signal::SIGKILL);
    let _ = waitpid(process, None);
    None
}

/// Kills the worker and what it has started, as far as that stayed in its group.
fn end(child: &Child) {
    let _ = kill(Pid::from_raw(-child.process.as_raw()), Signal::SIGKILL);
    child.pidfd.kill();
}

fn bury(child: &Child) {
    // The group first: its number is the worker's until that is buried.
    let _ = kill(Pid::from_raw(-child.process.as_raw()), Signal::SIGKILL);
    let _ = waitpid(child.process, None);
}

/// One request: a worker's socket and its leash. `Err`: nobody is left.
fn receive(socket: &OwnedFd) -> Result<Option<[OwnedFd; 2]>, ()> {
    let mut byte = [0];
    let mut room = cmsg_space!([i32; 2]);
    let mut buffers = [std::io::IoSliceMut::new(&mut byte)];
    let received = match recvmsg::<()>(
        socket.as_raw_fd(),
        &mut buffers,
        Some(&mut room),
        MsgFlags::MSG_CMSG_CLOEXEC,
    ) {
        Ok(received) => received,
        Err(Errno::EINTR | Errno::EAGAIN) => return Ok(None),
        Err(_) => return Err(()),
    };
    let is_end = received.bytes == 0;
    let mut descriptors = Vec::new();
    for message in received.cmsgs().map_err(drop)? {
        if let ControlMessageOwned::ScmRights(numbers) = message {
            descriptors.extend(numbers.into_iter().map(owned));
        }
    }
    if is_end {
        return Err(());
    }
    Ok(<[OwnedFd; 2]>::try_from(descriptors).ok())
}

#[expect(unsafe_code, reason = "descriptors arrive as numbers")]
fn owned(number: i32) -> OwnedFd {
    // SAFETY: the kernel has just made it for this process, and nobody else has it.
    unsafe { OwnedFd::from_raw_fd(number) }
}
