//! `doorward-plugin-host`: the process in which isolated plugins run. The core starts it, nobody else: without its socket
//! on descriptor 3 it does nothing.
//!
//! ```text
//! doorward-plugin-host --spawner    starts, ends and buries workers
//! doorward-plugin-host --worker     loads one plugin and answers for it
//! ```
//!
//! What both do stands in `core/src/plugin/isolation/helper`, beside the other side of the protocol.

#![expect(unsafe_code, reason = "a descriptor that was inherited is a number at first")]

mod calls;
mod process;
mod sandbox;

use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use doorward::plugin::isolation::helper;

/// The program: see the head of this file.
#[must_use]
pub fn run() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    if !matches!(mode.as_str(), helper::SPAWNER | helper::WORKER) || !process::is_started_by_the_core() {
        eprintln!("doorward-plugin-host is started by Doorward for isolated plugins; it is not run by hand");
        return ExitCode::from(2);
    }
    // SAFETY: the descriptor was just seen to be a socket, and nothing else in this process has it.
    let socket = unsafe { OwnedFd::from_raw_fd(helper::HELPER_SOCKET) };
    let begun = if mode == helper::SPAWNER {
        process::become_spawner().map(|()| helper::spawner(&socket))
    } else {
        let socket = UnixStream::from(socket);
        process::become_worker(&socket).map(|()| helper::worker(socket, &mut sandbox::confine))
    };
    // Whoever started this sees the end of the socket; there is nobody else to tell.
    if begun.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
