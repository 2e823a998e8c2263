//! The extension `doorward.http/1`: HTTP requests within the `egress` of the provider name.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::{c_char, c_void};

use doorward_plugin_abi as abi;

use super::entry::{attempt, services_of};
use crate::call::Call;
use crate::fetch::{MAX_BODY, MAX_HEADERS, MAX_URL, Method, Outgoing};
use crate::foreign::{borrowed, count, deliver, put, text};
use crate::frame;
use crate::host_services::{Fetched, Given, HostServices};

/// Longest name of a method.
const MAX_METHOD: usize = 16;
/// Longest name or value of a header, in bytes.
const MAX_HEADER: usize = 16 * 1024;

/// The table: the same in all contexts, for it finds its clients through the host table.
pub(super) static TABLE: abi::Http = abi::Http {
    struct_size: count(size_of::<abi::Http>()),
    reserved: 0,
    fetch: Some(fetch),
};

/// Makes a request for the call, of whose answer the plugin takes so much.
pub(crate) fn fetched(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    (method, url): (&[u8], &[u8]),
    headers: &[(&str, &str)],
    body: &[u8],
    most: usize,
) -> Given<Fetched> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| abi::E_ARGUMENT);
    let request = Outgoing {
        method: Method::named(text(method)?).ok_or(abi::E_ARGUMENT)?,
        url: text(url)?,
        headers,
        body,
    };
    let fits = url.len() <= MAX_URL
        && body.len() <= MAX_BODY
        && headers.len() <= MAX_HEADERS
        && (headers.iter()).all(|(name, value)| name.len().max(value.len()) <= MAX_HEADER);
    if !fits {
        return Err(abi::E_ARGUMENT);
    }
    let call = call.ok_or(abi::E_ARGUMENT)?;
    let wait = call.may_wait()?;
    if call.is_cancelled() {
        return Err(abi::E_CANCELLED);
    }
    services.fetch(call, request, wait, most)
}

/// The header lines.
///
/// # Safety
/// `headers` is NULL or points at `count` pairs whose bytes nobody writes during `'a`.
unsafe fn lines<'a>(headers: *const abi::Pair, count: u32) -> Given<Vec<(&'a str, &'a str)>> {
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
        frame::called("http.fetch")?;
        // SAFETY: the header asks for the table that the plugin got, a NUL-terminated method, and for as many bytes and
        // pairs at the others as it says.
        let (services, method, url, headers, body) = unsafe {
            (
                services_of(host)?,
                text(method, MAX_METHOD).ok().flatten().ok_or(abi::E_ARGUMENT)?,
                borrowed(url.cast(), url_len, MAX_URL).map_err(|_| abi::E_ARGUMENT)?,
                lines(headers, n_headers)?,
                borrowed(body, body_len, MAX_BODY).map_err(|_| abi::E_ARGUMENT)?,
            )
        };
        let answer = frame::with_call(call, |call| {
            let what = (method.as_bytes(), url);
            fetched(&*services, call, what, &headers, body, capacity)
        })?;
        // SAFETY: the header asks for room for `capacity` bytes and for the two out-pointers.
        Ok(unsafe {
            match put(answer.status, status) {
                abi::OK if answer.length > capacity => {
                    put(answer.length, written);
                    abi::E_TOO_LARGE
                }
                abi::OK => deliver(&answer.body, out, capacity, written),
                refused => refused,
            }
        })
    })
}
