//! A plugin that is a class in Python: the worker becomes an interpreter, with the same socket.

#![expect(unsafe_code, reason = "the socket is known by its number")]

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::HELPER_SOCKET;
use crate::plugin::isolation::Sandbox;
use crate::plugin::loader::{self, PluginSettings};

/// Separates the class and the folder that its module is in.
pub(in crate::plugin::isolation) const SEPARATOR: u8 = 0;

/// Replaces this process by the interpreter that the settings name. Returns only why that cannot be done.
pub(super) fn become_interpreter(
    settings: &PluginSettings,
    class: &[u8],
    sandbox: Sandbox,
    call: u64,
) -> String {
    if let Err(why) = loader::check_program(&settings.path) {
        return format!("the interpreter {} is refused: {why}", settings.path.display());
    }
    let (class, folder) = match class.iter().position(|&byte| byte == SEPARATOR) {
        Some(at) => (&class[..at], &class[at + 1..]),
        None => (class, &b""[..]),
    };
    // SAFETY: the worker's own socket, which stays open as long as the process.
    let socket = unsafe { BorrowedFd::borrow_raw(HELPER_SOCKET) };
    if let Err(errno) = fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty())) {
        return format!("the socket cannot be handed on: {errno}");
    }
    let failed = Command::new(&settings.path)
        // -I: no environment, no folder of the user's, not the current one.
        .args(["-I", "-m", "doorward.host"])
        .args([
            OsStr::from_bytes(class),
            OsStr::from_bytes(folder),
            OsStr::new(&settings.name),
        ])
        .args([sandbox.id(), &call.to_string()])
        .env_clear()
        .current_dir("/")
        .exec();
    format!(
        "the interpreter {} cannot be run: {failed}",
        settings.path.display()
    )
}
