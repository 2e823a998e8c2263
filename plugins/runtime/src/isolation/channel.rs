//! One end of the socket between the core and a helper: whole frames, in time or not at all.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recv, recvmsg, send};
use nix::unistd::Pid;
use zeroize::{Zeroize, Zeroizing};

use super::wire::{self, Frame, Garbage};
use doorward_base::clock::{Clock, SystemClock};

/// Bytes asked for at once; most frames are smaller.
const CHUNK: usize = 16 * 1024;

/// Why no frame came, or none could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The other side has gone.
    Closed,
    /// The deadline passed.
    Late,
    /// The other side does not speak the protocol.
    Garbage(&'static str),
    /// What was to be sent is more than a frame may hold; nothing was sent.
    TooLarge,
}

impl From<Garbage> for Broken {
    fn from(Garbage(why): Garbage) -> Self {
        Self::Garbage(why)
    }
}

/// When to give up, on the system's monotonic clock; `None`: never.
pub(super) type Deadline = Option<Duration>;

pub(super) struct Channel {
    socket: UnixStream,
    /// What was read and is not a whole frame yet.
    unread: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl Channel {
    pub(super) fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            unread: Zeroizing::new(vec![0; CHUNK]),
            filled: 0,
        }
    }

    /// Sends a frame whole.
    ///
    /// # Errors
    /// [`Broken::Closed`], [`Broken::Late`].
    pub(super) fn send(&mut self, frame: &[u8], until: Deadline) -> Result<(), Broken> {
        let mut left = frame;
        while !left.is_empty() {
            // No SIGPIPE: the embedding program may not have ignored it.
            match send(
                self.socket.as_raw_fd(),
                left,
                MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT,
            ) {
                Ok(sent) => left = left.get(sent..).unwrap_or_default(),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    if !self.wait(PollFlags::POLLOUT, until)? {
                        return Err(Broken::Late);
                    }
                }
                Err(_) => return Err(Broken::Closed),
            }
        }
        Ok(())
    }

    /// The process at the other end that sent what can be read next, by the kernel's word, where the socket was told to ask
    /// (`SO_PASSCRED`). Waits for it until the time is over.
    pub(super) fn sender(&self, until: Deadline) -> Option<Pid> {
        if !self.wait(PollFlags::POLLIN, until).ok()? {
            return None;
        }
        let mut byte = [0];
        let mut room = cmsg_space!(UnixCredentials);
        let mut buffers = [IoSliceMut::new(&mut byte)];
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        let peeked = recvmsg::<()>(self.socket.as_raw_fd(), &mut buffers, Some(&mut room), flags).ok()?;
        peeked.cmsgs().ok()?.find_map(|message| match message {
            ControlMessageOwned::ScmCredentials(sender) => Some(Pid::from_raw(sender.pid())),
            _ => None,
        })
    }

    /// The next frame; `None`: the time is over and it has not come whole.
    ///
    /// # Errors
    /// [`Broken::Closed`], [`Broken::Garbage`].
    pub(super) fn receive(&mut self, until: Deadline) -> Result<Option<Frame>, Broken> {
        loop {
            if let Some(length) = wire::length(self.unread.get(..self.filled).unwrap_or_default())? {
                if length <= self.filled {
                    return self.taken(length).map(Some);
                }
                self.grow(length);
            }
            if until.is_some() && !self.wait(PollFlags::POLLIN, until)? {
                return Ok(None);
            }
            let room = self.unread.get_mut(self.filled..).unwrap_or_default();
            let flags = if until.is_some() {
                MsgFlags::MSG_DONTWAIT
            } else {
                MsgFlags::empty()
            };
            match recv(self.socket.as_raw_fd(), room, flags) {
                Ok(0) => return Err(Broken::Closed),
                Ok(read) => self.filled += read,
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(_) => return Err(Broken::Closed),
            }
        }
    }

    /// Whether the other side has said something that nobody asked for, or has gone.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        self.filled == 0 && recv(self.socket.as_raw_fd(), &mut byte, flags) == Err(Errno::EAGAIN)
    }

    /// Whether there is a byte to read.
    pub(super) fn has_more(&self) -> bool {
        let now = Some(SystemClock.monotonic());
        self.filled > 0 || self.wait(PollFlags::POLLIN, now).unwrap_or(true)
    }

    pub(super) fn socket(&self) -> &UnixStream {
        &self.socket
    }

    fn taken(&mut self, length: usize) -> Result<Frame, Broken> {
        let frame = wire::read(self.unread.get(..length).unwrap_or_default());
        self.unread.copy_within(length..self.filled, 0);
        // What was there; the rest has been zero all the time, and wiping is slow.
        let was = self.filled;
        self.filled -= length;
        self.unread
            .get_mut(self.filled..was)
            .unwrap_or_default()
            .zeroize();
        if self.filled == 0 && self.unread.len() > CHUNK {
            self.unread = Zeroizing::new(vec![0; CHUNK]);
        }
        Ok(frame?)
    }

    /// Room for a whole frame, whose length has been checked.
    fn grow(&mut self, length: usize) {
        if length > self.unread.len() {
            let mut larger = Zeroizing::new(vec![0; length]);
            if let (Some(to), Some(from)) = (larger.get_mut(..self.filled), self.unread.get(..self.filled)) {
                to.copy_from_slice(from);
            }
            self.unread = larger;
        }
    }

    /// Whether the socket is ready before the time.
    fn wait(&self, what: PollFlags, until: Deadline) -> Result<bool, Broken> {
        loop {
            let timeout = match until {
                None => PollTimeout::NONE,
                Some(until) => {
                    let left = until.saturating_sub(SystemClock.monotonic());
                    // Rounded up, for a wait of less than a millisecond would spin.
                    let millis = left.as_micros().div_ceil(1000).min(60_000);
                    u16::try_from(millis).map_or(PollTimeout::MAX, PollTimeout::from)
                }
            };
            let mut polled = [PollFd::new(self.socket.as_fd(), what)];
            match poll(&mut polled, timeout) {
                Ok(0) => {
                    if until.is_some_and(|until| until <= SystemClock.monotonic()) {
                        return Ok(false);
                    }
                }
                Ok(_) => return Ok(true),
                Err(Errno::EINTR) => {}
                Err(_) => return Err(Broken::Closed),
            }
        }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Closed => "it ended",
            Self::Late => "it did not answer in time",
            Self::Garbage(why) => why,
            Self::TooLarge => "what it was to be asked is larger than 1 MiB",
        })
    }
}
