//! How every function of the table begins: panics caught, services found, names read.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};

use doorward_plugin_abi as abi;

use crate::foreign::text;
use crate::frame;
use crate::host_services::{Given, HostServices};
use crate::reply::is_name;
use crate::services::Services;

/// Most bytes that one call of a host function may pass.
pub(crate) const MAX_INPUT: usize = 16 * 1024 * 1024;
/// Longest name of an option, an event, an extension or a purpose.
pub(super) const MAX_NAME: usize = 128;

/// What serves where no context does: in `load`, and lines of nobody's.
static OF_PROCESS: OnceLock<Arc<dyn HostServices>> = OnceLock::new();

/// Makes these the process's own services, where nothing has asked for those before.
pub(crate) fn serves_process(services: &Arc<dyn HostServices>) {
    OF_PROCESS.get_or_init(|| Arc::clone(services));
}

/// The process's own services: the system's clock and random source, or in a worker the core.
pub(super) fn services_of_process() -> &'static Arc<dyn HostServices> {
    OF_PROCESS.get_or_init(|| Arc::new(Services::system()))
}

/// Runs the body of a host function; a panic becomes `otherwise`.
pub(super) fn guarded<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// The same for bodies that can stop early with a status.
pub(crate) fn attempt(body: impl FnOnce() -> Result<abi::Status, abi::Status>) -> abi::Status {
    guarded(abi::E_INTERNAL, || body().unwrap_or_else(|status| status))
}

/// The services: of the running operation, else of the table.
///
/// # Safety
/// `host` is NULL or a table of ours.
pub(super) unsafe fn services_of(host: *const abi::Host) -> Given<Arc<dyn HostServices>> {
    if let Some(services) = frame::services() {
        return Ok(services);
    }
    // SAFETY: NULL, or a table of ours, which lives for ever (caller).
    let host = unsafe { host.as_ref() }.ok_or(abi::E_ARGUMENT)?;
    // SAFETY: the context of every table of ours is such a `Weak` that lives for ever (`Host::over`).
    let services =
        unsafe { host.context.cast::<Weak<dyn HostServices>>().as_ref() }.ok_or(abi::E_ARGUMENT)?;
    services.upgrade().ok_or(abi::E_UNAVAILABLE)
}

/// A name passed as a NUL-terminated text.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn name(from: *const c_char) -> Result<String, abi::Status> {
    // SAFETY: as promised by the caller.
    match unsafe { text(from, MAX_NAME) } {
        Ok(Some(name)) if !name.is_empty() => Ok(name),
        _ => Err(abi::E_ARGUMENT),
    }
}

/// Whether the text may name a value of a reply.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn value_name(from: *const c_char) -> Result<String, abi::Status> {
    // SAFETY: as promised by the caller.
    let name = unsafe { name(from) }?;
    if is_name(&name) {
        Ok(name)
    } else {
        Err(abi::E_ARGUMENT)
    }
}
