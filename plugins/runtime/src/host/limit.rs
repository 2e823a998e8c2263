//! The extension `doorward.limit/1`: bounds on what strangers can make a kind do.
//!
//! A kind asks and counts nothing. What was open is noted on the reply and charged by whoever stores the answer, so that
//! an answer that is not stored costs nobody anything. Who really counts is a port, [`Limiter`](crate::Limiter), for this module knows no
//! store.

#![expect(unsafe_code, reason = "the function takes a plugin's pointers")]

use std::ffi::{c_char, c_void};
use std::time::Duration;

use doorward_plugin_abi as abi;

use super::entry::{MAX_NAME, attempt, services_of};
use crate::call::Call;
use crate::foreign::{borrowed, count, put, text};
use crate::frame;
use crate::host_services::{Given, HostServices};
use crate::ports::{Limit, status_of};
use crate::reply::is_name;

/// The table: the same in all contexts, for it finds who counts through the host table.
pub(super) static TABLE: abi::Limit = abi::Limit {
    struct_size: count(size_of::<abi::Limit>()),
    reserved: 0,
    limit: Some(limit),
};

/// For how many seconds a counter is closed. One that is open is noted on the reply, which charges it.
pub(crate) fn limited(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    (name, subject): (&str, &[u8]),
    burst: u32,
    pace: u32,
) -> Given<u32> {
    let lasts = burst.checked_mul(pace).filter(|seconds| *seconds > 0);
    let possible = lasts.is_some_and(|seconds| seconds <= abi::LIMIT_MAX_SECONDS)
        && burst <= abi::LIMIT_MAX_BURST
        && is_name(name)
        && !subject.is_empty();
    if !possible {
        return Err(abi::E_ARGUMENT);
    }
    if subject.len() > abi::limit::IDENTIFIER {
        return Err(abi::E_TOO_LARGE);
    }
    let counters = services.counters().ok_or(abi::E_UNSUPPORTED)?;
    let call = call.ok_or(abi::E_ARGUMENT)?;
    let patience = call.may_wait()?;
    let asked = Limit {
        name: name.to_owned(),
        subject: subject.to_vec(),
        known: call.known,
        burst,
        pace: Duration::from_secs(pace.into()),
    };
    frame::own_reply(|draft| draft.has_room_for(&asked))?;
    let closed = counters
        .closed_for(call.realm, call.provider, &asked, patience)
        .map_err(|error| status_of(&error))?;
    if closed.is_zero() {
        frame::own_reply(|draft| draft.limit(asked))?;
    }
    Ok(seconds(closed))
}

unsafe extern "C" fn limit(
    host: *const abi::Host,
    call: *const abi::Call,
    name: *const c_char,
    subject: *const c_void,
    subject_len: usize,
    burst: u32,
    pace: u32,
    wait: *mut u32,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the header asks for an out-pointer; it must not say "open" on any way out of here but one.
        let status = unsafe { put(u32::MAX, wait) };
        if status != abi::OK {
            return Err(status);
        }
        frame::called("limit.limit")?;
        // SAFETY: the header asks for the table that the plugin got, a NUL-terminated name, and `subject_len` bytes.
        let (services, name, subject) = unsafe {
            (
                services_of(host)?,
                text(name, MAX_NAME).ok().flatten().ok_or(abi::E_ARGUMENT)?,
                borrowed(subject, subject_len, abi::limit::IDENTIFIER)?,
            )
        };
        let closed = frame::with_call(call, |call| {
            limited(&*services, call, (&name, subject), burst, pace)
        })?;
        // SAFETY: as above.
        Ok(unsafe { put(closed, wait) })
    })
}

/// Whole seconds, none too few.
fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}
