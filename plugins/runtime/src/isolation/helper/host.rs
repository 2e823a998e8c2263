//! The host table of a helper: the core's own, except for what only the core can do. That is asked for over the socket,
//! while the core waits for the running operation.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use doorward_plugin_abi as abi;

use super::{CANCELLED, Line};
use crate::foreign::{borrowed, count, deliver, put, text};
use crate::frame;
use crate::host::{self, attempt, guarded};
use crate::http;
use crate::isolation::channel::{Broken, Channel};
use crate::isolation::message::tag;
use crate::isolation::services::Service;
use crate::isolation::wire::{Frame, Type, Writer};
use crate::reply::printable;

/// Most bytes that a service takes or gives: the frame's limit less its own fields.
const MAX: usize = 1000 * 1024;
/// Bytes of a log line that are sent.
const MAX_LINE: usize = 4096;
/// Lines that wait while no operation runs; more are dropped.
const MAX_LINES: usize = 64;

thread_local! {
    /// The socket belongs to the thread that runs operations. Threads of the plugin's own find none.
    static LINE: RefCell<Option<(Channel, u64)>> = const { RefCell::new(None) };
}

/// Lines of other threads, and of times when nobody listens.
static LINES: Mutex<Vec<(i32, String)>> = Mutex::new(Vec::new());

pub(super) fn begin(channel: Channel) {
    LINE.set(Some((channel, 0)));
}

/// Which question is being answered.
pub(super) fn answering(call: u64) {
    LINE.with_borrow_mut(|line| {
        if let Some((_, answering)) = line {
            *answering = call;
        }
    });
}

fn with<T>(body: impl FnOnce(&mut Channel, u64) -> Line<T>) -> Line<T> {
    LINE.with(|line| match line.try_borrow_mut() {
        Ok(mut line) => match &mut *line {
            Some((channel, call)) => body(channel, *call),
            None => Err(Broken::Closed),
        },
        Err(_) => Err(Broken::Closed),
    })
}

/// The next frame of the core's.
pub(super) fn next() -> Line<Option<Frame>> {
    with(|channel, _| {
        loop {
            match channel.receive(None)? {
                // Of a question that has been answered meanwhile.
                Some(frame) if frame.kind == Type::Cancel => {}
                frame => return Ok(frame),
            }
        }
    })
}

pub(super) fn send(writer: &Writer, kind: Type, call: u64) -> Line<()> {
    with(|channel, _| match writer.frame(kind, call) {
        Some(frame) => channel.send(&frame, None),
        None => Err(Broken::TooLarge),
    })
}

/// Sends what has been logged meanwhile, then the answer.
pub(super) fn finish(answer: &Writer, call: u64) -> Line<()> {
    let lines = std::mem::take(&mut *LINES.lock().unwrap_or_else(PoisonError::into_inner));
    for (level, line) in lines {
        log_line(level, &line);
    }
    match send(answer, Type::Answer, call) {
        Err(Broken::TooLarge) => {
            let status = Writer::new().put(tag::STATUS, &abi::E_TOO_LARGE.to_le_bytes());
            send(&status, Type::Answer, call)
        }
        sent => sent,
    }
}

/// Sends a line at once.
pub(super) fn log_line(level: i32, line: &str) {
    let writer = Writer::new()
        .number(tag::LEVEL, u64::try_from(level).unwrap_or(0))
        .put(tag::TEXT, line.as_bytes());
    let call = with(|_, call| Ok(call)).unwrap_or(0);
    // A core that has gone needs no logs.
    let _ = send(&writer, Type::Log, call);
}

/// Keeps a line for the next answer.
pub(super) fn keep_line(level: i32, line: &str) {
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.len() < MAX_LINES {
        lines.push((level, line.to_owned()));
    }
}

/// Makes every host table of this process one of these.
pub(super) fn replace_table() {
    host::replace_table(table);
}

fn table() -> abi::Host {
    abi::Host {
        log: Some(log),
        audit: Some(audit),
        cancelled: Some(cancelled),
        seal: Some(seal),
        unseal: Some(unseal),
        extension: Some(extension),
        ..host::TEMPLATE
    }
}

static PWHASH: abi::Pwhash = abi::Pwhash {
    struct_size: count(size_of::<abi::Pwhash>()),
    reserved: 0,
    hash: Some(hash),
    verify: Some(verify),
    needs_rehash: Some(needs_rehash),
};

static HTTP: abi::Http = abi::Http {
    struct_size: count(size_of::<abi::Http>()),
    reserved: 0,
    fetch: Some(fetch),
};

/// Asks the core for a service and waits, as the running call, where the plugin has named that.
fn ask(
    service: Service,
    call: Option<*const abi::Call>,
    arguments: &[&[u8]],
) -> Result<(abi::Status, Vec<u8>), abi::Status> {
    // The core knows its call by the question that is being answered; here it is known whether the plugin named it.
    let has_call = call.is_some_and(|call| frame::with_call(call, |call| call.is_some()));
    if call.is_some_and(|call| !call.is_null()) && !has_call {
        return Err(abi::E_ARGUMENT);
    }
    ask_core(service, has_call, arguments)
}

/// The same, for whoever knows whether the call was named. Only on the thread that runs an operation, while it runs.
pub(super) fn ask_core(
    service: Service,
    has_call: bool,
    arguments: &[&[u8]],
) -> Result<(abi::Status, Vec<u8>), abi::Status> {
    if frame::services().is_none() {
        return Err(abi::E_UNAVAILABLE);
    }
    let writer = Writer::new()
        .number(tag::SERVICE, service as u64)
        .number(tag::HAS_CALL, has_call.into());
    let writer = arguments
        .iter()
        .fold(writer, |writer, argument| writer.put(tag::ARGUMENT, argument));
    let served = with(|channel, call| {
        let frame = writer.frame(Type::Service, call).ok_or(Broken::TooLarge)?;
        channel.send(&frame, None)?;
        loop {
            match channel.receive(None)? {
                Some(frame) if frame.kind == Type::Cancel => CANCELLED.store(true, Ordering::Release),
                Some(frame) if frame.kind == Type::Served && frame.call == call => {
                    let fields = frame.fields()?;
                    let status = fields
                        .exact(tag::STATUS)?
                        .map_or(abi::E_INTERNAL, abi::Status::from_le_bytes);
                    return Ok((status, fields.bytes(tag::RESULT)?.to_vec()));
                }
                _ => return Err(Broken::Garbage("the core sent something else than was asked for")),
            }
        }
    });
    match served {
        Ok(served) => Ok(served),
        Err(Broken::TooLarge) => Err(abi::E_TOO_LARGE),
        // Without the core there is nobody to answer to. Its socket is read again at the end of the operation.
        Err(_) => Err(abi::E_UNAVAILABLE),
    }
}

/// The same, where the service fills a buffer.
///
/// # Safety
/// As [`deliver`].
unsafe fn ask_into(
    service: Service,
    call: Option<*const abi::Call>,
    arguments: &[&[u8]],
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> Result<abi::Status, abi::Status> {
    let (status, result) = ask(service, call, arguments)?;
    let result = zeroize::Zeroizing::new(result);
    if status != abi::OK {
        return Err(status);
    }
    // SAFETY: as promised by the caller.
    Ok(unsafe { deliver(&result, out, capacity, written) })
}

/// A name that the core will look at more closely.
///
/// # Safety
/// As [`text`].
unsafe fn name(from: *const c_char) -> Result<String, abi::Status> {
    // SAFETY: as promised by the caller.
    match unsafe { text(from, host::MAX_NAME) } {
        Ok(Some(name)) => Ok(name),
        _ => Err(abi::E_ARGUMENT),
    }
}

unsafe extern "C" fn log(
    _host: *const abi::Host,
    _call: *const abi::Call,
    level: i32,
    text: *const c_char,
    len: usize,
) {
    guarded((), || {
        // SAFETY: the header asks for `len` bytes at `text`.
        let Ok(line) = (unsafe { borrowed(text.cast(), len, MAX) }) else {
            return;
        };
        let line = printable(line, MAX_LINE);
        if frame::services().is_some() {
            log_line(level, &line);
        } else {
            keep_line(level, &line);
        }
    });
}

unsafe extern "C" fn audit(
    _host: *const abi::Host,
    call: *const abi::Call,
    event: *const c_char,
    detail: *const c_char,
    len: usize,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the header asks for a NUL-terminated event and `len` bytes of detail.
        let (event, detail) = unsafe { (name(event)?, borrowed(detail.cast(), len, MAX)?) };
        ask(Service::Audit, Some(call), &[event.as_bytes(), detail]).map(|(status, _)| status)
    })
}

unsafe extern "C" fn cancelled(host: *const abi::Host, call: *const abi::Call) -> i32 {
    guarded(1, || {
        if frame::with_call(call, |call| call.is_some()) {
            let looked = with(|channel, answering| {
                while channel.has_more() {
                    match channel.receive(None)? {
                        Some(frame) if frame.kind == Type::Cancel && frame.call == answering => {
                            CANCELLED.store(true, Ordering::Release);
                        }
                        _ => return Err(Broken::Garbage("the core sent something else than was asked for")),
                    }
                }
                Ok(())
            });
            if looked.is_err() {
                return 1;
            }
        }
        // SAFETY: the arguments of this very function.
        host::TEMPLATE
            .cancelled
            .map_or(1, |ask| unsafe { ask(host, call) })
    })
}

unsafe extern "C" fn seal(
    _host: *const abi::Host,
    call: *const abi::Call,
    purpose: *const c_char,
    data: *const c_void,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the header asks for a NUL-terminated purpose, `len` bytes of data, and room for the result.
        unsafe {
            let (purpose, data) = (name(purpose)?, borrowed(data, len, MAX)?);
            ask_into(
                Service::Seal,
                Some(call),
                &[purpose.as_bytes(), data],
                out,
                capacity,
                written,
            )
        }
    })
}

unsafe extern "C" fn unseal(
    _host: *const abi::Host,
    call: *const abi::Call,
    purpose: *const c_char,
    data: *const c_void,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        // SAFETY: as in `seal`.
        unsafe {
            let (purpose, data) = (name(purpose)?, borrowed(data, len, MAX)?);
            ask_into(
                Service::Unseal,
                Some(call),
                &[purpose.as_bytes(), data],
                out,
                capacity,
                written,
            )
        }
    })
}

unsafe extern "C" fn hash(
    _host: *const abi::Host,
    call: *const abi::Call,
    password: *const c_void,
    password_len: usize,
    out: *mut c_char,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the header asks for `password_len` bytes and room for the result.
        unsafe {
            let password = borrowed(password, password_len, abi::limit::FIELD)?;
            ask_into(
                Service::Hash,
                Some(call),
                &[password],
                out.cast(),
                capacity,
                written,
            )
        }
    })
}

unsafe extern "C" fn verify(
    _host: *const abi::Host,
    call: *const abi::Call,
    password: *const c_void,
    password_len: usize,
    phc: *const c_char,
    phc_len: usize,
    verdict: *mut u32,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the header asks for an out-pointer; it must not keep an old ACCEPT on any way out of here.
        let status = unsafe { put(abi::DENY, verdict) };
        if status != abi::OK {
            return Err(status);
        }
        // SAFETY: the header asks for as many bytes at both.
        let (password, phc) = unsafe {
            (
                borrowed(password, password_len, abi::limit::FIELD)?,
                borrowed(phc.cast(), phc_len, abi::PWHASH_MAX)?,
            )
        };
        let (status, result) = ask(Service::VerifyHash, Some(call), &[password, phc])?;
        if status != abi::OK {
            return Err(status);
        }
        let answer = result
            .try_into()
            .map(u32::from_le_bytes)
            .map_err(|_| abi::E_INTERNAL)?;
        // SAFETY: as above.
        Ok(unsafe { put(answer, verdict) })
    })
}

unsafe extern "C" fn needs_rehash(
    _host: *const abi::Host,
    phc: *const c_char,
    phc_len: usize,
    needed: *mut i32,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the header asks for `phc_len` bytes.
        let phc = unsafe { borrowed(phc.cast(), phc_len, abi::PWHASH_MAX) }?;
        let (status, result) = ask(Service::NeedsRehash, None, &[phc])?;
        if status != abi::OK {
            return Err(status);
        }
        let answer = result
            .try_into()
            .map(i32::from_le_bytes)
            .map_err(|_| abi::E_INTERNAL)?;
        // SAFETY: the header asks for an out-pointer.
        Ok(unsafe { put(answer, needed) })
    })
}

unsafe extern "C" fn fetch(
    _host: *const abi::Host,
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
        // SAFETY: the header asks for a NUL-terminated method, and for as many bytes and pairs at the others as it says.
        let (method, url, lines, body) = unsafe {
            (
                name(method)?,
                borrowed(url.cast(), url_len, MAX).map_err(|_| abi::E_ARGUMENT)?,
                http::lines(headers, n_headers)?,
                borrowed(body, body_len, MAX).map_err(|_| abi::E_ARGUMENT)?,
            )
        };
        // The core would wait for a kind that says that it never does.
        frame::with_call(call, |call| call.ok_or(abi::E_ARGUMENT)?.may_wait())?;
        let room = u64::try_from(capacity).unwrap_or(u64::MAX).to_le_bytes();
        let mut arguments = vec![method.as_bytes(), url, body, &room];
        for (name, value) in lines {
            arguments.extend([name.as_bytes(), value.as_bytes()]);
        }
        let asked = ask(Service::Fetch, Some(call), &arguments);
        // Too much for one frame: the request is the plugin's, and no answer was too large.
        let (answered, result) = asked.map_err(|status| match status {
            abi::E_TOO_LARGE => abi::E_ARGUMENT,
            status => status,
        })?;
        let result = zeroize::Zeroizing::new(result);
        let Some((code, rest)) = result.split_first_chunk() else {
            return Err(if answered == abi::OK {
                abi::E_INTERNAL
            } else {
                answered
            });
        };
        let (length, body) = rest.split_first_chunk().ok_or(abi::E_INTERNAL)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| abi::E_INTERNAL)?;
        // SAFETY: the header asks for room for `capacity` bytes and for the two out-pointers.
        Ok(unsafe {
            match (answered, put(u32::from_le_bytes(*code), status)) {
                (abi::OK, abi::OK) => deliver(body, out, capacity, written),
                (abi::OK, refused) => refused,
                (answered, _) => {
                    put(length, written);
                    answered
                }
            }
        })
    })
}

unsafe extern "C" fn extension(host: *const abi::Host, id: *const c_char) -> *const c_void {
    // SAFETY: the header asks for a NUL-terminated id.
    let Ok(named) = (unsafe { name(id) }) else {
        return std::ptr::null();
    };
    match named.as_bytes() {
        known if known == abi::EXT_HTTP.to_bytes() => std::ptr::from_ref(&HTTP).cast(),
        known if known == abi::EXT_PWHASH.to_bytes() => std::ptr::from_ref(&PWHASH).cast(),
        // What needs nothing of the core, and what gets there through the services (`values`).
        // SAFETY: the arguments of this very function.
        _ => unsafe { host::extension(host, id) },
    }
}
