//! What a plugin tells the operator: log lines and events.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::c_char;
use std::sync::Arc;

use doorward_plugin_abi as abi;

use super::entry::{MAX_INPUT, MAX_NAME, attempt, guarded, name, services_of, services_of_process};
use crate::call::Call;
use crate::foreign::borrowed;
use crate::frame;
use crate::host_services::{Given, HostServices};
use crate::reply::printable;

/// Bytes of a log line that are kept.
const MAX_LINE: usize = 4096;
/// Bytes of an audit entry's detail.
pub(crate) const MAX_DETAIL: usize = 4096;

pub(super) unsafe extern "C" fn log(
    host: *const abi::Host,
    call: *const abi::Call,
    level: i32,
    text: *const c_char,
    len: usize,
) {
    guarded((), || {
        frame::noted("log");
        // SAFETY: the header asks for `len` bytes at `text`.
        let Ok(line) = (unsafe { borrowed(text.cast(), len, MAX_INPUT) }) else {
            return;
        };
        // SAFETY: the header asks for the table that the plugin got; a line of a context that has gone is the process's.
        let services = unsafe { services_of(host) }.unwrap_or_else(|_| Arc::clone(services_of_process()));
        frame::with_call(call, |call| {
            logged(&*services, call.map_or("", |call| call.provider), level, line);
        });
    });
}

/// Logs a line, while the call may log another.
pub(crate) fn logged(services: &dyn HostServices, provider: &str, level: i32, line: &[u8]) {
    if frame::may_log() {
        services.log(provider, level, &printable(line, MAX_LINE));
    }
}

pub(super) unsafe extern "C" fn audit(
    host: *const abi::Host,
    call: *const abi::Call,
    event: *const c_char,
    detail: *const c_char,
    len: usize,
) -> abi::Status {
    attempt(|| {
        frame::called("audit")?;
        // SAFETY: the header asks for a NUL-terminated event, `len` bytes of detail, and the table that the plugin got.
        let (event, detail, services) = unsafe {
            (
                name(event)?,
                borrowed(detail.cast(), len, MAX_DETAIL)?,
                services_of(host)?,
            )
        };
        frame::with_call(call, |call| audited(&*services, call, &event, detail)).map(|()| abi::OK)
    })
}

/// Audits, if that is an event with a detail as the header describes them.
pub(crate) fn audited(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    event: &str,
    detail: &[u8],
) -> Given<()> {
    let is_event = (1..=64).contains(&event.len())
        && event
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.');
    let is_json = detail.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(detail).is_ok();
    match std::str::from_utf8(detail) {
        Ok(detail) if is_event && is_json => services.audit(call, event, detail),
        _ => Err(abi::E_ARGUMENT),
    }
}

/// A name that was passed as bytes: as one that a plugin passes.
pub(crate) fn named(name: &[u8]) -> Given<&str> {
    let possible = (1..=MAX_NAME).contains(&name.len()) && !name.contains(&0);
    possible
        .then(|| std::str::from_utf8(name).ok())
        .flatten()
        .ok_or(abi::E_ARGUMENT)
}
