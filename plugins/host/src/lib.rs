//! `doorward-plugin-host`: the process in which isolated plugins run. The core starts it, nobody else: without its socket
//! on descriptor 3 it does nothing.
//!
//! ```text
//! doorward-plugin-host --spawner    starts, ends and buries workers
//! doorward-plugin-host --worker     loads one plugin and answers for it; for a class in Python it becomes an interpreter
//! ```
//!
//! What both do stands in `plugins/runtime/src/isolation/helper`, beside the other side of the protocol.

#![expect(unsafe_code, reason = "a descriptor that was inherited is a number at first")]

mod calls;
mod commands;
mod process;
mod sandbox;
mod tasks;

use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use doorward_runtime::StaticPlugin;
use doorward_runtime::isolation::helper;

/// Serves a plugin that is part of this program, which `doorward-plugin-host --worker` has become: an interpreter with a
/// class in Python. Returns when the core has gone. False: nobody of the core is at the other end of descriptor 3.
#[must_use]
pub fn serve(plugin: StaticPlugin, begun: &helper::Begun) -> bool {
    let socket = handed_on();
    let is_served = socket.is_some();
    if let Some(socket) = socket {
        helper::linked(socket, plugin, begun, &mut sandbox::confine);
    }
    is_served
}

/// Tells the core why there is nothing to serve. False: it is not there.
#[must_use]
pub fn refuse(call: u64, why: String) -> bool {
    let socket = handed_on();
    let is_told = socket.is_some();
    if let Some(socket) = socket {
        helper::refuse(socket, call, why);
    }
    is_told
}

/// The socket that this program was left with.
fn handed_on() -> Option<UnixStream> {
    if !process::is_started_by_the_core() {
        return None;
    }
    // SAFETY: the descriptor was just seen to be a socket, and was handed to this process for this.
    let socket = UnixStream::from(unsafe { OwnedFd::from_raw_fd(helper::HELPER_SOCKET) });
    process::keep_from_children(&socket).ok().map(|()| socket)
}

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
