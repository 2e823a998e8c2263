//! The reply writers of the test host, with the limits of the header.

use std::ffi::{c_char, c_void};

use super::plugin::{passed, text};
use super::{Answer, trace};
use crate::abi;

/// Lets one writer work on a reply; what it refuses makes the reply void.
pub(super) fn write(
    rp: *mut abi::Reply,
    name: &'static str,
    work: impl FnOnce(&mut Answer) -> abi::Status,
) -> abi::Status {
    if rp.is_null() {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL; `Provider` made it for this operation, and a plugin uses it from one thread at a time.
    let answer = unsafe { &mut *rp.cast::<Answer>() };
    let status = trace::meet(name).unwrap_or_else(|| work(answer));
    answer.void |= status != abi::OK;
    status
}

/// Takes bytes of at most `most`.
fn take(
    data: *const c_void,
    len: usize,
    most: usize,
    store: impl FnOnce(&[u8]) -> abi::Status,
) -> abi::Status {
    if len > most {
        return abi::E_TOO_LARGE;
    }
    passed(data, len).map_or(abi::E_ARGUMENT, store)
}

pub(super) unsafe extern "C" fn verdict(rp: *mut abi::Reply, verdict: u32, reason: u32) -> abi::Status {
    write(rp, "verdict", |answer| {
        // Once: DENY without a reason is kept as WRONG, so a verdict that was given shows.
        if answer.verdict != abi::DENY || answer.reason != 0 {
            return abi::E_CONFLICT;
        }
        let denies = verdict == abi::DENY && reason == 0;
        (answer.verdict, answer.reason) = (verdict, if denies { abi::WRONG } else { reason });
        abi::OK
    })
}

pub(super) unsafe extern "C" fn identifier(
    rp: *mut abi::Reply,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    write(rp, "identifier", |answer| {
        let finds = answer.asked.source == abi::SOURCE_FOUND;
        if len == 0 || (answer.asked.operation != abi::OP_NORMALIZE && !finds) {
            return abi::E_ARGUMENT;
        }
        take(data, len, abi::limit::IDENTIFIER, |data| {
            answer.identifier = Some(data.to_vec());
            abi::OK
        })
    })
}

/// A record's id, if it is one of the request's.
fn known_id(answer: &Answer, id: *const u8) -> Option<[u8; 16]> {
    // SAFETY: a plugin passes 16 readable bytes, by contract; they are copied.
    let id = unsafe { id.cast::<[u8; 16]>().read() };
    answer
        .asked
        .records
        .iter()
        .any(|(other, _)| *other == id)
        .then_some(id)
}

pub(super) unsafe extern "C" fn put_record(
    rp: *mut abi::Reply,
    id: *const u8,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    write(rp, "put_record", |answer| {
        let flag = |flag: u32| answer.asked.kind_flags & flag != 0;
        if answer.record.is_some() || !flag(abi::KEEPS_RECORDS) {
            return abi::E_ARGUMENT;
        }
        let may_be_new = match answer.asked.purpose {
            abi::FOR_ENROLL => true,
            abi::FOR_UPDATE => !flag(abi::SEVERAL_RECORDS),
            _ => false,
        };
        let replaces = if id.is_null() && may_be_new {
            None
        } else if id.is_null() {
            return abi::E_ARGUMENT;
        } else if let Some(id) = known_id(answer, id) {
            Some(id)
        } else {
            return abi::E_ARGUMENT;
        };
        take(data, len, answer.asked.max_record, |data| {
            answer.record = Some((replaces, data.to_vec()));
            abi::OK
        })
    })
}

pub(super) unsafe extern "C" fn label(rp: *mut abi::Reply, data: *const c_void, len: usize) -> abi::Status {
    write(rp, "label", |answer| {
        take(data, len, abi::limit::LABEL, |data| {
            match std::str::from_utf8(data) {
                Ok(label) => {
                    answer.label = Some(label.to_owned());
                    abi::OK
                }
                Err(_) => abi::E_ARGUMENT,
            }
        })
    })
}

pub(super) unsafe extern "C" fn handle(rp: *mut abi::Reply, data: *const c_void, len: usize) -> abi::Status {
    write(rp, "handle", |answer| {
        if len == 0 {
            return abi::E_ARGUMENT;
        }
        take(data, len, abi::limit::IDENTIFIER, |data| {
            answer.handle = Some(data.to_vec());
            abi::OK
        })
    })
}

pub(super) unsafe extern "C" fn used_record(rp: *mut abi::Reply, id: *const u8) -> abi::Status {
    write(rp, "used_record", |answer| {
        answer.used = if id.is_null() { None } else { known_id(answer, id) };
        if answer.used.is_some() {
            abi::OK
        } else {
            abi::E_ARGUMENT
        }
    })
}

pub(super) unsafe extern "C" fn state(
    rp: *mut abi::Reply,
    data: *const c_void,
    len: usize,
    seconds: u32,
) -> abi::Status {
    write(rp, "state", |answer| {
        take(data, len, answer.asked.max_state, |data| {
            answer.state = Some((data.to_vec(), seconds));
            abi::OK
        })
    })
}

/// Takes a named value into a list of the reply.
fn named(
    rp: *mut abi::Reply,
    writer: &'static str,
    name: *const c_char,
    data: *const c_void,
    len: usize,
    list: impl FnOnce(&mut Answer) -> &mut Vec<(String, Vec<u8>)>,
) -> abi::Status {
    write(rp, writer, |answer| {
        if name.is_null() {
            return abi::E_ARGUMENT;
        }
        take(data, len, abi::limit::FIELD, |data| {
            list(answer).push((text(name), data.to_vec()));
            abi::OK
        })
    })
}

pub(super) unsafe extern "C" fn challenge(
    rp: *mut abi::Reply,
    name: *const c_char,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    named(rp, "challenge", name, data, len, |answer| &mut answer.challenge)
}

pub(super) unsafe extern "C" fn show_once(
    rp: *mut abi::Reply,
    name: *const c_char,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    named(rp, "show_once", name, data, len, |answer| &mut answer.show_once)
}

pub(super) unsafe extern "C" fn attribute(
    rp: *mut abi::Reply,
    name: *const c_char,
    data: *const c_void,
    len: usize,
) -> abi::Status {
    named(rp, "attribute", name, data, len, |answer| &mut answer.attributes)
}

pub(super) unsafe extern "C" fn violation(
    rp: *mut abi::Reply,
    field: *const c_char,
    code: *const c_char,
    limit: i64,
) -> abi::Status {
    write(rp, "violation", |answer| {
        answer.violations.push((text(field), text(code), limit));
        abi::OK
    })
}

pub(super) unsafe extern "C" fn message(rp: *mut abi::Reply, line: *const c_char, len: usize) -> abi::Status {
    write(rp, "message", |answer| {
        take(line.cast(), len, abi::limit::FIELD, |line| {
            answer.message = String::from_utf8_lossy(line).into_owned();
            abi::OK
        })
    })
}
