//! The one child of this process: a spawner, which starts workers, ends them and buries them.
//!
//! ```text
//! core ──socket pair (fd 3)──► doorward-plugin-host --spawner ──exec──► doorward-plugin-host --worker
//!   │                                                                     ▲ fd 3: the frames of `wire`
//!   └──── each worker's socket and leash, sent through the first ─────────┘
//! ```
//!
//! A worker is not our child: an embedder may reap every child, ignore SIGCHLD, or have changed its root, and neither
//! matters. The spawner stays where it was started, so a process that is locked up later (chroot, another user, no
//! `exec`) still gets workers from it, and so do all processes that are forked from this one: a request is one message
//! that carries both ends, and nothing else is shared. Pulling the leash kills the worker; so does the end of this
//! process, which pulls all its leashes, and the end of the spawner. Deaths are seen by the end of a socket or by pidfd.

#![expect(unsafe_code, reason = "a duplicated descriptor is a number at first")]

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, setsockopt, socketpair, sockopt,
};
use nix::unistd::Pid;

use super::pidfd::Pidfd;
use crate::loader;
use doorward_base::error::{Error, ErrorKind, Result};

/// The descriptor on which a helper finds its socket.
pub const HELPER_SOCKET: i32 = 3;
/// What the spawner is called with.
pub const SPAWNER: &str = "--spawner";
/// What a worker is called with.
pub const WORKER: &str = "--worker";
/// Milliseconds that a spawner may take to end when it is no longer needed.
const FAREWELL: u16 = 500;

/// Starts workers for the isolated plugins of one context.
#[derive(Debug)]
pub(super) struct Launcher {
    program: PathBuf,
    spawner: Mutex<Option<Spawner>>,
}

#[derive(Debug)]
struct Spawner {
    socket: OwnedFd,
    process: Option<Pidfd>,
    /// The process whose child it is.
    owner: u32,
}

/// A new worker's sockets.
pub(super) struct Started {
    pub(super) socket: UnixStream,
    pub(super) leash: UnixStream,
}

impl Launcher {
    /// `program` is the absolute path of `doorward-plugin-host`. The spawner starts here: before anybody forks.
    ///
    /// # Errors
    /// `Configuration`: the program is not there, or others could change it.
    pub(super) fn new(program: &Path) -> Result<Self> {
        loader::check_program(program).map_err(|why| {
            Error::new(
                ErrorKind::Configuration,
                format!(
                    "`plugin_host.path`: the helper for isolated plugins, {}, cannot be used: {why}",
                    program.display()
                ),
            )
        })?;
        let spawner = Spawner::start(program)?;
        Ok(Self {
            program: program.to_owned(),
            spawner: Mutex::new(Some(spawner)),
        })
    }

    /// Asks for a worker. Whether one comes is seen on its socket.
    ///
    /// # Errors
    /// `Unavailable`: no descriptors, or no spawner and none can be started.
    pub(super) fn start(&self) -> Result<Started> {
        let (socket, theirs) = UnixStream::pair().map_err(no_sockets)?;
        let (leash, held) = UnixStream::pair().map_err(no_sockets)?;
        // The kernel then says which process the first frame comes from.
        setsockopt(&socket, sockopt::PassCred, &true)
            .map_err(|errno| no_sockets(std::io::Error::from(errno)))?;
        let mut spawner = self.spawner.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..2 {
            let current = match spawner.take() {
                Some(current) => spawner.insert(current),
                None => spawner.insert(Spawner::start(&self.program)?),
            };
            if current.send([&theirs, &held]) {
                return Ok(Started { socket, leash });
            }
            // It has ended: another one.
            *spawner = None;
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "the plugin host ends as soon as it starts",
        ))
    }

    /// Ends a spawner that does not react; the next worker comes from a new one. Its workers end with it.
    pub(super) fn give_up(&self) {
        let mut spawner = self.spawner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = spawner.as_ref().and_then(|spawner| spawner.process.as_ref()) {
            process.kill();
        }
        *spawner = None;
    }
}

impl Spawner {
    fn start(program: &Path) -> Result<Self> {
        let cannot = |errno: Errno| {
            Error::new(
                ErrorKind::Unavailable,
                format!("{} could not be started: {errno}", program.display()),
            )
        };
        let (socket, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )
        .map_err(cannot)?;
        let nothing = OpenOptions::new().read(true).write(true).open("/dev/null");
        let nothing =
            nothing.map_err(|error| cannot(Errno::from_raw(error.raw_os_error().unwrap_or_default())))?;
        let (theirs, nothing) = (high(theirs.as_fd())?, high(nothing.as_fd())?);
        let process = spawn(program, SPAWNER, &theirs, Some(&nothing)).map_err(cannot)?;
        Ok(Self {
            socket,
            process: Pidfd::of(process),
            owner: std::process::id(),
        })
    }

    /// Sends both ends; false when nobody is there to take them.
    fn send(&self, ends: [&UnixStream; 2]) -> bool {
        let descriptors = ends.map(AsRawFd::as_raw_fd);
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        loop {
            let sent = sendmsg::<()>(
                self.socket.as_raw_fd(),
                &[IoSlice::new(&[1])],
                &[ControlMessage::ScmRights(&descriptors)],
                flags,
                None,
            );
            match sent {
                Err(Errno::EINTR) => {}
                // A queue that is full: it takes nothing any more, which shows on the worker's socket.
                sent => return sent.is_ok() || sent == Err(Errno::EAGAIN),
            }
        }
    }
}

impl Drop for Spawner {
    /// It ends by itself when the last process that could ask it for a worker has gone.
    fn drop(&mut self) {
        let Some(process) = self.process.take().filter(|_| self.owner == std::process::id()) else {
            return;
        };
        // Our end, and with it the spawner, unless forked processes have it too.
        if let Ok(null) = std::fs::File::open("/dev/null") {
            self.socket = null.into();
        }
        let mut polled = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        if matches!(poll(&mut polled, PollTimeout::from(FAREWELL)), Ok(1)) {
            process.bury();
        }
    }
}

/// A copy of the descriptor beyond the numbers that a child is given: a program may have closed its own 0, 1 and 2.
fn high(descriptor: BorrowedFd<'_>) -> Result<OwnedFd> {
    let copy = fcntl(descriptor, FcntlArg::F_DUPFD_CLOEXEC(10))
        .map_err(|errno| no_sockets(std::io::Error::from(errno)))?;
    // SAFETY: a descriptor that was made by the line above and is nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Starts the program with the socket as its descriptor 3, `nothing` as 0, 1 and 2 (else our own), no environment, no
/// signal blocked or ignored.
pub(super) fn spawn(
    program: &Path,
    mode: &str,
    socket: &OwnedFd,
    nothing: Option<&OwnedFd>,
) -> nix::Result<Pid> {
    let mut actions = PosixSpawnFileActions::init()?;
    if let Some(nothing) = nothing {
        for descriptor in 0..HELPER_SOCKET {
            actions.add_dup2(nothing.as_raw_fd(), descriptor)?;
        }
    }
    actions.add_dup2(socket.as_raw_fd(), HELPER_SOCKET)?;
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF)?;
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_sigdefault(&SigSet::all())?;
    let path = CString::new(program.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let arguments = [
        c"doorward-plugin-host".to_owned(),
        CString::new(mode).unwrap_or_default(),
    ];
    posix_spawn::<_, CString, CString>(path.as_c_str(), &actions, &attributes, &arguments, &[])
}

fn no_sockets(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "no sockets for a plugin's helper").caused_by(error)
}
