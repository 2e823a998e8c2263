//! What a helper asks the host for, answered in the core by the very functions that a plugin in this process calls.

#![expect(unsafe_code, reason = "the host's functions take pointers")]

use std::ffi::CString;
use std::ptr;

use doorward_plugin_abi as abi;
use zeroize::Zeroizing;

use super::message::tag;
use super::wire::{Fields, Garbage};
use crate::fetch::MAX_BODY;
use crate::foreign::count;
use crate::frame;
use crate::host::Host;
use crate::{http, kv, limit, pwhash};

/// A service that only the core has. The numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Audit = 1,
    Seal = 2,
    Unseal = 3,
    Hash = 4,
    VerifyHash = 5,
    NeedsRehash = 6,
    Fetch = 7,
    KvGet = 8,
    KvPut = 9,
    KvRemove = 10,
    KvAdd = 11,
    Limit = 12,
}

impl Service {
    const ALL: [Self; 12] = [
        Self::Audit,
        Self::Seal,
        Self::Unseal,
        Self::Hash,
        Self::VerifyHash,
        Self::NeedsRehash,
        Self::Fetch,
        Self::KvGet,
        Self::KvPut,
        Self::KvRemove,
        Self::KvAdd,
        Self::Limit,
    ];
}

/// What sealing and the like add to their input, at most.
const ROOM: usize = 4096;

/// The running call, as its plugin would name it to the host.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    pub(super) host: Host,
    /// Of the frame that this thread is in.
    pub(super) number: usize,
}

/// What a service gave.
pub(super) struct Served {
    pub(super) status: abi::Status,
    pub(super) result: Zeroizing<Vec<u8>>,
}

impl Served {
    fn status(status: abi::Status) -> Self {
        Self {
            status,
            result: Zeroizing::default(),
        }
    }
}

/// Does what was asked for, with the rights of the running call.
pub(super) fn serve(fields: Fields<'_>, caller: Caller) -> Result<Served, Garbage> {
    let number = fields.number(tag::SERVICE)?;
    let service = Service::ALL
        .into_iter()
        .find(|service| *service as u64 == number)
        .ok_or(Garbage("it asked for a service that does not exist"))?;
    let call: *const abi::Call = match fields.number(tag::HAS_CALL)? {
        0 => ptr::null(),
        _ => frame::handle(caller.number),
    };
    let arguments: Vec<&[u8]> = fields.all(tag::ARGUMENT).collect();
    // What is not there is empty, which the functions refuse where they need more.
    let [first, second] = [0, 1].map(|at| arguments.get(at).copied().unwrap_or_default());
    let host = caller.host.as_ptr();
    // SAFETY: the host's table lives for ever.
    let table = unsafe { &*host };
    Ok(match service {
        Service::Audit => {
            let (Ok(event), Some(audit)) = (CString::new(first), table.audit) else {
                return Ok(Served::status(abi::E_ARGUMENT));
            };
            // SAFETY: the host's own function, with a text that ends with a NUL and bytes of their length.
            Served::status(unsafe { audit(host, call, event.as_ptr(), second.as_ptr().cast(), second.len()) })
        }
        Service::Seal | Service::Unseal => {
            let function = if service == Service::Seal {
                table.seal
            } else {
                table.unseal
            };
            let (Ok(purpose), Some(function)) = (CString::new(first), function) else {
                return Ok(Served::status(abi::E_ARGUMENT));
            };
            filled(second.len() + ROOM, |out, capacity, written| {
                // SAFETY: the host's own function; every pointer is of memory of that length.
                unsafe {
                    function(
                        host,
                        call,
                        purpose.as_ptr(),
                        second.as_ptr().cast(),
                        second.len(),
                        out.cast(),
                        capacity,
                        written,
                    )
                }
            })
        }
        Service::Fetch => return fetched(&arguments, host, call),
        Service::KvGet | Service::KvPut | Service::KvRemove | Service::KvAdd => {
            return kept(service, &arguments, host, call);
        }
        Service::Limit => return limited(&arguments, host, call),
        Service::Hash | Service::VerifyHash | Service::NeedsRehash => {
            hashing(service, host, call, first, second)
        }
    })
}

/// The services of `doorward.pwhash/1`: the memory for it is the core's to budget.
fn hashing(
    service: Service,
    host: *const abi::Host,
    call: *const abi::Call,
    first: &[u8],
    second: &[u8],
) -> Served {
    match service {
        Service::Hash => filled(abi::PWHASH_MAX, |out, capacity, written| {
            let Some(hash) = pwhash::TABLE.hash else {
                return abi::E_UNSUPPORTED;
            };
            // SAFETY: as above.
            unsafe {
                hash(
                    host,
                    call,
                    first.as_ptr().cast(),
                    first.len(),
                    out.cast(),
                    capacity,
                    written,
                )
            }
        }),
        Service::VerifyHash => {
            let mut verdict = abi::DENY;
            let status = match pwhash::TABLE.verify {
                None => abi::E_UNSUPPORTED,
                // SAFETY: as above.
                Some(verify) => unsafe {
                    verify(
                        host,
                        call,
                        first.as_ptr().cast(),
                        first.len(),
                        second.as_ptr().cast(),
                        second.len(),
                        &raw mut verdict,
                    )
                },
            };
            Served {
                status,
                result: Zeroizing::new(verdict.to_le_bytes().to_vec()),
            }
        }
        _ => {
            let mut needed = 0_i32;
            let status = match pwhash::TABLE.needs_rehash {
                None => abi::E_UNSUPPORTED,
                // SAFETY: as above.
                Some(ask) => unsafe { ask(host, first.as_ptr().cast(), first.len(), &raw mut needed) },
            };
            Served {
                status,
                result: Zeroizing::new(needed.to_le_bytes().to_vec()),
            }
        }
    }
}

/// What a kind keeps besides records: a key, then what the function takes. What is given begins with a version or a sum.
fn kept(
    service: Service,
    arguments: &[&[u8]],
    host: *const abi::Host,
    call: *const abi::Call,
) -> Result<Served, Garbage> {
    let broken = Garbage("it asked for a value with too few or too many arguments");
    let long = |bytes: &[u8]| bytes.try_into().map(i64::from_le_bytes).map_err(|_| broken);
    let short = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).map_err(|_| broken);
    let table = &kv::TABLE;
    let mut number = 0_i64;
    let mut value = Served::status(abi::E_UNSUPPORTED);
    let bytes = |bytes: &[u8]| (bytes.as_ptr().cast(), bytes.len());
    let key = arguments.first().copied().ok_or(broken)?;
    let (key, key_len) = bytes(key);
    match (service, &arguments[1..]) {
        (Service::KvGet, []) => {
            value = filled(abi::KV_MAX_VALUE, |out, capacity, written| {
                let out = out.cast();
                // SAFETY: the host's own function; every pointer is of memory of that length.
                table.get.map_or(abi::E_UNSUPPORTED, |get| unsafe {
                    get(host, call, key, key_len, out, capacity, written, &raw mut number)
                })
            });
        }
        (Service::KvPut, [new, seconds, expect]) => {
            let ((new, new_len), seconds, expect) = (bytes(new), short(seconds)?, long(expect)?);
            // SAFETY: as above.
            value.status = table.put.map_or(abi::E_UNSUPPORTED, |put| unsafe {
                put(
                    host,
                    call,
                    key,
                    key_len,
                    new,
                    new_len,
                    seconds,
                    expect,
                    &raw mut number,
                )
            });
        }
        (Service::KvRemove, [expect]) => {
            let expect = long(expect)?;
            // SAFETY: as above.
            value.status = table.remove.map_or(abi::E_UNSUPPORTED, |remove| unsafe {
                remove(host, call, key, key_len, expect)
            });
        }
        (Service::KvAdd, [delta, seconds]) => {
            let (delta, seconds) = (long(delta)?, short(seconds)?);
            // SAFETY: as above.
            value.status = table.add.map_or(abi::E_UNSUPPORTED, |add| unsafe {
                add(host, call, key, key_len, delta, seconds, &raw mut number)
            });
        }
        _ => return Err(broken),
    }
    let mut result = Zeroizing::new(number.to_le_bytes().to_vec());
    result.extend_from_slice(&value.result);
    Ok(Served { result, ..value })
}

/// A counter: name, subject, burst and pace. What is given is how long it is closed, in seconds.
fn limited(arguments: &[&[u8]], host: *const abi::Host, call: *const abi::Call) -> Result<Served, Garbage> {
    let broken = Garbage("it asked for a limit with too few or too many arguments");
    let short = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).map_err(|_| broken);
    let &[name, subject, burst, pace] = arguments else {
        return Err(broken);
    };
    let (burst, pace) = (short(burst)?, short(pace)?);
    let (Ok(name), Some(limit)) = (CString::new(name), limit::TABLE.limit) else {
        return Ok(Served::status(abi::E_ARGUMENT));
    };
    let mut wait = u32::MAX;
    // SAFETY: the host's own function, with a text that ends with a NUL and bytes of their length.
    let status = unsafe {
        limit(
            host,
            call,
            name.as_ptr(),
            subject.as_ptr().cast(),
            subject.len(),
            burst,
            pace,
            &raw mut wait,
        )
    };
    Ok(Served {
        status,
        result: Zeroizing::new(wait.to_le_bytes().to_vec()),
    })
}

/// An HTTP request: method, address, body, how much is taken, then names and values of headers in turn. What it gives is
/// the status of the answer, its length, and the body where that is not more than is taken.
fn fetched(arguments: &[&[u8]], host: *const abi::Host, call: *const abi::Call) -> Result<Served, Garbage> {
    let broken = Garbage("it asked for a request without an address, or without saying how much it takes");
    let [method, url, body, capacity, lines @ ..] = arguments else {
        return Err(broken);
    };
    let capacity = (*capacity)
        .try_into()
        .map(u64::from_le_bytes)
        .map_err(|_| broken)?;
    let capacity = usize::try_from(capacity).map_or(MAX_BODY, |capacity| capacity.min(MAX_BODY));
    let (pairs, rest) = lines.as_chunks::<2>();
    let (Ok(method), Some(fetch), []) = (CString::new(*method), http::TABLE.fetch, rest) else {
        return Ok(Served::status(abi::E_ARGUMENT));
    };
    let headers: Vec<abi::Pair> = pairs
        .iter()
        .map(|[name, value]| abi::Pair {
            name: abi::Bytes::of(name),
            value: abi::Bytes::of(value),
        })
        .collect();
    let (mut code, mut written) = (0_u32, 0);
    let mut out = Zeroizing::new(vec![0; capacity]);
    // SAFETY: the host's own function; every pointer is of memory of that length.
    let status = unsafe {
        fetch(
            host,
            call,
            method.as_ptr(),
            url.as_ptr().cast(),
            url.len(),
            headers.as_ptr(),
            count(headers.len()),
            body.as_ptr().cast(),
            body.len(),
            &raw mut code,
            out.as_mut_ptr().cast(),
            capacity,
            &raw mut written,
        )
    };
    out.truncate(if status == abi::OK { written } else { 0 });
    let mut result = Zeroizing::new(code.to_le_bytes().to_vec());
    result.extend_from_slice(&u64::try_from(written).unwrap_or(u64::MAX).to_le_bytes());
    result.extend_from_slice(&out);
    Ok(Served { status, result })
}

/// A function that fills a buffer, given one that is large enough.
fn filled(room: usize, fill: impl FnOnce(*mut u8, usize, *mut usize) -> abi::Status) -> Served {
    let mut out = Zeroizing::new(vec![0; room]);
    let mut written = 0;
    let status = fill(out.as_mut_ptr(), out.len(), &raw mut written);
    out.truncate(if status == abi::OK { written } else { 0 });
    Served { status, result: out }
}

/// A line for the operator, as from a plugin in this process.
pub(super) fn log(fields: Fields<'_>, caller: Caller) -> Result<(), Garbage> {
    let (level, text) = (fields.small(tag::LEVEL)?, fields.bytes(tag::TEXT)?);
    let host = caller.host.as_ptr();
    // SAFETY: the host's table lives for ever.
    if let Some(log) = unsafe { &*host }.log {
        let level = i32::try_from(level).unwrap_or(abi::LOG_DEBUG);
        // SAFETY: the host's own function, with bytes of their length.
        unsafe {
            log(
                host,
                frame::handle(caller.number),
                level,
                text.as_ptr().cast(),
                text.len(),
            );
        }
    }
    Ok(())
}
