//! A plugin that is a class in Python: the worker becomes an interpreter, with the same socket.

#![expect(unsafe_code, reason = "the socket is known by its number")]

use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::HELPER_SOCKET;
use crate::isolation::helper::Confinement;
use crate::loader;
use crate::settings::PluginSettings;

/// Separates the class and the folder that its module is in.
pub(in crate::isolation) const SEPARATOR: u8 = 0;

/// Bytes of what an interpreter complains of that are told, from its end.
const MAX_COMPLAINT: usize = 600;
/// The status with which `doorward.host` ends when it is run without arguments.
const NOT_BY_HAND: i32 = 2;

/// The program, and the environment that it is of: what is in there runs before the sandbox is up, as soon as the
/// interpreter does. What an environment is made from (a system's Python) is left to whoever installed it, as the C library
/// is: distributions give folders there to a group of administrators.
fn check_interpreter(program: &Path) -> Result<(), String> {
    loader::check_program(program)?;
    // Where Python looks, by the name that it is run by: a link to the system's is what makes an environment.
    let above = program
        .parent()
        .into_iter()
        .flat_map(|folder| folder.ancestors().take(2));
    match above
        .into_iter()
        .find(|folder| folder.join("pyvenv.cfg").exists())
    {
        Some(environment) => loader::check_tree(environment, "make an environment for the plugin alone")
            .map_err(|why| format!("it is of the environment {}: {why}", environment.display())),
        None => Ok(()),
    }
}

/// Runs the interpreter as far as it gets without a class, and gives what it says. Nothing of the plugin runs.
pub(super) fn why_it_ends(settings: &PluginSettings) -> String {
    let path = settings.path.display();
    if let Err(why) = check_interpreter(&settings.path) {
        return format!("the interpreter {path} is refused: {why}");
    }
    let run = Command::new(&settings.path)
        .args(["-I", "-m", "doorward.host"])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .output();
    let output = match run {
        Ok(output) => output,
        Err(failed) => return format!("the interpreter {path} cannot be run: {failed}"),
    };
    if output.status.code() == Some(NOT_BY_HAND) {
        return format!("the interpreter {path} ended while it imported the class or was confined");
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    let cut = said.len().saturating_sub(MAX_COMPLAINT);
    let from = (cut..=said.len())
        .find(|at| said.is_char_boundary(*at))
        .unwrap_or(0);
    let said = said
        .get(from..)
        .filter(|said| !said.is_empty())
        .unwrap_or("it said nothing");
    format!(
        "the interpreter {path} cannot run doorward.host ({}), for which it needs the package doorward: {said}",
        output.status
    )
}

/// Replaces this process by the interpreter that the settings name. Returns only why that cannot be done.
pub(super) fn become_interpreter(
    settings: &PluginSettings,
    class: &[u8],
    confinement: &Confinement,
    call: u64,
) -> String {
    if let Err(why) = check_interpreter(&settings.path) {
        return format!("the interpreter {} is refused: {why}", settings.path.display());
    }
    let (class, folder) = match class.iter().position(|&byte| byte == SEPARATOR) {
        Some(at) => (&class[..at], &class[at + 1..]),
        None => (class, &b""[..]),
    };
    if !folder.is_empty()
        && let Err(why) = loader::check_tree(
            Path::new(OsStr::from_bytes(folder)),
            "name the folder of the module alone",
        )
    {
        return format!(
            "the folder of {} is refused (python_path): {why}",
            String::from_utf8_lossy(class)
        );
    }
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
        .args([
            confinement.sandbox.id(),
            if confinement.needs_landlock {
                "required"
            } else {
                "if_there"
            },
            &call.to_string(),
        ])
        .env_clear()
        .current_dir("/")
        .exec();
    format!(
        "the interpreter {} cannot be run: {failed}",
        settings.path.display()
    )
}
