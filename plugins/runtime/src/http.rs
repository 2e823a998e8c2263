//! The extension `doorward.http/1`: HTTP requests within the `egress` of the provider name.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::{c_char, c_void};

use doorward_plugin_abi as abi;

use super::foreign::{borrowed, count, deliver, put, text};
use super::frame;
use super::host::{attempt, services_of};
use crate::fetch::{MAX_BODY, MAX_HEADERS, MAX_URL, Method, NoAnswer, Outgoing};

/// Longest name of a method.
pub(super) const MAX_METHOD: usize = 16;
/// Longest name or value of a header, in bytes.
pub(super) const MAX_HEADER: usize = 16 * 1024;

/// The table: the same in all contexts, for it finds its clients through the host table.
pub(super) static TABLE: abi::Http = abi::Http {
    struct_size: count(size_of::<abi::Http>()),
    reserved: 0,
    fetch: Some(fetch),
};

/// What a plugin is told; why is for the operator, and is logged.
fn status_of(no_answer: &NoAnswer) -> abi::Status {
    match no_answer {
        NoAnswer::Malformed(_) => abi::E_ARGUMENT,
        NoAnswer::NotListed(_) => abi::E_CONFIG,
        NoAnswer::Timeout(_) => abi::E_TIMEOUT,
        NoAnswer::TooLarge(_) => abi::E_TOO_LARGE,
        NoAnswer::Unavailable(_) => abi::E_UNAVAILABLE,
    }
}

/// Notes with the reply why the plugin has not got the answer, so that whoever is told *unavailable* is told that.
fn note_larger(why: Option<String>) {
    // A call without a reply tells nobody.
    let _ = frame::own_reply(|draft| {
        draft.larger = why;
        Ok(())
    });
}

/// The header lines.
///
/// # Safety
/// `headers` is NULL or points at `count` pairs whose bytes nobody writes during `'a`.
pub(super) unsafe fn lines<'a>(
    headers: *const abi::Pair,
    count: u32,
) -> Result<Vec<(&'a str, &'a str)>, abi::Status> {
    let count = usize::try_from(count).map_err(|_| abi::E_ARGUMENT)?;
    if count > MAX_HEADERS || (count > 0 && (headers.is_null() || !headers.is_aligned())) {
        return Err(abi::E_ARGUMENT);
    }
    (0..count)
        .map(|at| {
            // SAFETY: not NULL, aligned, `count` long (caller).
            let pair = unsafe { headers.add(at).read() };
            // SAFETY: the header of the ABI asks for bytes at both (caller).
            let (name, value) = unsafe {
                (
                    borrowed(pair.name.ptr.cast(), pair.name.len, MAX_HEADER)?,
                    borrowed(pair.value.ptr.cast(), pair.value.len, MAX_HEADER)?,
                )
            };
            match (std::str::from_utf8(name), std::str::from_utf8(value)) {
                (Ok(name), Ok(value)) => Ok((name, value)),
                _ => Err(abi::E_ARGUMENT),
            }
        })
        .collect()
}

unsafe extern "C" fn fetch(
    host: *const abi::Host,
    call: *const abi::Call,
    method: *const c_char,
    url: *const c_char,
    url_len: usize,
    headers: *const abi::Pair,
    n_headers: u32,
    body: *const c_void,
    body_len: usize,
    status: *mut u32,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the header asks for two out-pointers; neither keeps an old value on any way out of here.
        let places = unsafe { [put(0, status), put(0, written)] };
        if places != [abi::OK; 2] || (out.is_null() && capacity > 0) {
            return Err(abi::E_ARGUMENT);
        }
        // SAFETY: the header asks for the table that the plugin got, a NUL-terminated method, and for as many bytes and
        // pairs at the others as it says.
        let (services, method, url, headers, body) = unsafe {
            (
                services_of(host)?,
                text(method, MAX_METHOD).map_err(|_| abi::E_ARGUMENT)?,
                borrowed(url.cast(), url_len, MAX_URL).map_err(|_| abi::E_ARGUMENT)?,
                lines(headers, n_headers)?,
                borrowed(body, body_len, MAX_BODY).map_err(|_| abi::E_ARGUMENT)?,
            )
        };
        let egress = services.egress.as_ref().ok_or(abi::E_UNSUPPORTED)?;
        let request = Outgoing {
            method: method.as_deref().and_then(Method::named).ok_or(abi::E_ARGUMENT)?,
            url: std::str::from_utf8(url).map_err(|_| abi::E_ARGUMENT)?,
            headers: &headers,
            body,
        };
        let answer = frame::with_call(call, |call| {
            let call = call.ok_or(abi::E_ARGUMENT)?;
            let wait = call.may_wait()?;
            if call.is_cancelled() {
                return Err(abi::E_CANCELLED);
            }
            egress.fetch(call.provider, request, wait).map_err(|no_answer| {
                let why = no_answer.why();
                tracing::warn!(target: "doorward::plugin", provider = call.provider, "{why}");
                if matches!(no_answer, NoAnswer::TooLarge(_)) {
                    note_larger(Some(why.to_owned()));
                }
                status_of(&no_answer)
            })
        })?;
        note_larger((answer.body.len() > capacity).then(|| {
            let origin = request
                .url
                .split(['/', '?', '#'])
                .take(3)
                .collect::<Vec<_>>()
                .join("/");
            let has = answer.body.len();
            format!("the answer of {origin} has {has} bytes, and the plugin takes {capacity}")
        }));
        // SAFETY: the header asks for room for `capacity` bytes and for the two out-pointers.
        Ok(unsafe {
            match put(u32::from(answer.status), status) {
                abi::OK => deliver(&answer.body, out, capacity, written),
                refused => refused,
            }
        })
    })
}
