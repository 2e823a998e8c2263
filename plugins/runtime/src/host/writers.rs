//! The host table's reply writers: from a plugin's pointers to a checked [`Draft`](crate::reply::Draft).

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::{c_char, c_void};

use doorward_plugin_abi as abi;

use super::entry::{guarded, value_name};
use crate::foreign::borrowed;
use crate::frame::{called, with_reply};
use crate::reply::Draft;

/// Longer than any limit of a reply: enough to find the right refusal, too short to read far on a lie.
const MAX: usize = 256 * 1024;

/// Lets a writer of the table work on the reply.
pub(crate) fn writing(
    writer: &'static str,
    rp: *mut abi::Reply,
    work: impl FnOnce(&mut Draft) -> abi::Status,
) -> abi::Status {
    with_reply(rp, |draft| match called(writer) {
        Ok(()) => work(draft),
        Err(status) => draft.refuse(status, "the host could not take what it wrote"),
    })
}

/// Copies the bytes into the reply; a NULL with a length voids it.
///
/// # Safety
/// `data` is NULL or points at `len` bytes.
unsafe fn write(
    writer: &'static str,
    rp: *mut abi::Reply,
    data: *const c_void,
    len: usize,
    into: impl FnOnce(&mut Draft, &[u8]) -> abi::Status,
) -> abi::Status {
    guarded(abi::E_INTERNAL, || {
        writing(writer, rp, |draft| {
            // SAFETY: as promised by the caller.
            match unsafe { borrowed(data, len, MAX) } {
                Ok(data) => into(draft, data),
                Err(status) => draft.refuse(status, "it passed NULL with a length, or an impossible length"),
            }
        })
    })
}

/// The same for a value with a name.
///
/// # Safety
/// As [`write`], and `name` is NULL or ends with a NUL.
unsafe fn write_named(
    writer: &'static str,
    rp: *mut abi::Reply,
    name: *const c_char,
    data: *const c_void,
    len: usize,
    into: impl FnOnce(&mut Draft, &str, &[u8]) -> abi::Status,
) -> abi::Status {
    // SAFETY: as promised by the caller.
    let name = unsafe { value_name(name) };
    // SAFETY: as promised by the caller.
    unsafe {
        write(writer, rp, data, len, |draft, data| match name {
            Ok(name) => into(draft, &name, data),
            Err(status) => draft.refuse(status, "it wrote a value without a proper name"),
        })
    }
}

/// A record id of the plugin's.
///
/// # Safety
/// `id` is NULL or points at 16 bytes.
unsafe fn record_id(id: *const u8) -> Option<[u8; abi::RECORD_ID_LEN]> {
    // SAFETY: NULL or 16 bytes (caller); bytes need no alignment.
    unsafe { id.cast::<[u8; abi::RECORD_ID_LEN]>().as_ref() }.copied()
}

pub(super) unsafe extern "C" fn verdict(rp: *mut abi::Reply, verdict: u32, reason: u32) -> abi::Status {
    guarded(abi::E_INTERNAL, || {
        writing("verdict", rp, |draft| draft.verdict(verdict, reason))
    })
}

pub(super) unsafe extern "C" fn identifier(
    rp: *mut abi::Reply,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    // SAFETY: the header asks for `len` bytes at `data`.
    unsafe { write("identifier", rp, data, len, Draft::identifier) }
}

pub(super) unsafe extern "C" fn put_record(
    rp: *mut abi::Reply,
    id: *const u8,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    // SAFETY: the header asks for NULL or a record's id, and for `len` bytes at `data`.
    unsafe {
        let id = record_id(id);
        write("put_record", rp, data, len, |draft, data| {
            draft.put_record(id, data)
        })
    }
}

pub(super) unsafe extern "C" fn label(rp: *mut abi::Reply, text: *const c_void, len: usize) -> abi::Status {
    // SAFETY: the header asks for `len` bytes at `text`.
    unsafe { write("label", rp, text, len, Draft::label) }
}

pub(super) unsafe extern "C" fn handle(rp: *mut abi::Reply, data: *const c_void, len: usize) -> abi::Status {
    // SAFETY: the header asks for `len` bytes at `data`.
    unsafe { write("handle", rp, data, len, Draft::handle) }
}

pub(super) unsafe extern "C" fn used_record(rp: *mut abi::Reply, id: *const u8) -> abi::Status {
    // SAFETY: the header asks for a record's id.
    let id = unsafe { record_id(id) };
    guarded(abi::E_INTERNAL, || {
        writing("used_record", rp, |draft| match id {
            Some(id) => draft.used_record(id),
            None => draft.refuse(abi::E_ARGUMENT, "it named no record as used"),
        })
    })
}

pub(super) unsafe extern "C" fn state(
    rp: *mut abi::Reply,
    data: *const c_void,
    len: usize,
    seconds: u32,
) -> abi::Status {
    // SAFETY: the header asks for `len` bytes at `data`.
    unsafe { write("state", rp, data, len, |draft, data| draft.state(data, seconds)) }
}

pub(super) unsafe extern "C" fn challenge(
    rp: *mut abi::Reply,
    name: *const c_char,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    // SAFETY: the header asks for a NUL-terminated name and `len` bytes at `data`.
    unsafe { write_named("challenge", rp, name, data, len, Draft::challenge) }
}

pub(super) unsafe extern "C" fn show_once(
    rp: *mut abi::Reply,
    name: *const c_char,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    // SAFETY: the header asks for a NUL-terminated name and `len` bytes at `data`.
    unsafe { write_named("show_once", rp, name, data, len, Draft::show_once) }
}

pub(super) unsafe extern "C" fn attribute(
    rp: *mut abi::Reply,
    name: *const c_char,
    json: *const c_void,
    len: usize,
) -> abi::Status {
    // SAFETY: the header asks for a NUL-terminated name and `len` bytes at `json`.
    unsafe { write_named("attribute", rp, name, json, len, Draft::attribute) }
}

pub(super) unsafe extern "C" fn violation(
    rp: *mut abi::Reply,
    field: *const c_char,
    code: *const c_char,
    limit: i64,
) -> abi::Status {
    guarded(abi::E_INTERNAL, || {
        // SAFETY: the header asks for two NUL-terminated texts.
        let names = unsafe { (value_name(field), value_name(code)) };
        writing("violation", rp, |draft| match names {
            (Ok(field), Ok(code)) => draft.violation(&field, &code, limit),
            _ => draft.refuse(abi::E_ARGUMENT, "it wrote a violation without proper names"),
        })
    })
}

pub(super) unsafe extern "C" fn message(rp: *mut abi::Reply, text: *const c_char, len: usize) -> abi::Status {
    // SAFETY: the header asks for `len` bytes at `text`.
    unsafe { write("message", rp, text.cast(), len, Draft::message) }
}
