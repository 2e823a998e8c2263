//! The host table: what a plugin may ask of us.
//!
//! Every function checks what it gets, copies before use, and catches panics: application code (a clock, a log
//! subscriber) runs behind some of them, and nothing may unwind into a plugin.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_plugin_abi as abi;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::foreign::{borrowed, count, deliver, put, text};
use super::host_services::{Given, HostServices};
use super::options::{Missing, Options};
use super::reply::{is_name, printable};
use super::services::Services;
use super::{deliver as messages, frame, host_reply, http, kv, limit, pwhash};
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::forever;
use doorward_base::secret;

/// Most bytes that one call of a host function may pass.
pub(super) const MAX_INPUT: usize = 16 * 1024 * 1024;
/// Bytes of a log line that are kept.
const MAX_LINE: usize = 4096;
/// Bytes of an audit entry's detail.
pub(super) const MAX_DETAIL: usize = 4096;
/// Longest name of an option, an event, an extension or a purpose.
pub(super) const MAX_NAME: usize = 128;
/// For people.
const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// A host table. It is never freed: plugins may keep it as long as the process lives.
#[derive(Clone, Copy)]
pub(super) struct Host(*const abi::Host);

// SAFETY: the table is constant and lives for ever; what its context points at is a `Weak` that is only read.
unsafe impl Send for Host {}
// SAFETY: nothing of it changes.
unsafe impl Sync for Host {}

/// What stands in memory behind a [`Host`].
struct Table(abi::Host);

// SAFETY: as for `Host`.
unsafe impl Sync for Table {}

/// What serves where no context does: in `load`, and lines of nobody's.
static OF_PROCESS: OnceLock<(Host, Arc<dyn HostServices>)> = OnceLock::new();

/// Makes these the process's own services, where nothing has asked for those before.
pub(super) fn serves_process(services: &Arc<dyn HostServices>) {
    OF_PROCESS.get_or_init(|| (Host::over(services), Arc::clone(services)));
}

impl Host {
    /// A table over these services. When they are gone, its functions answer "unavailable".
    pub(super) fn over(services: &Arc<dyn HostServices>) -> Self {
        Self(&raw const forever::lend(Table(Self::table(services))).0)
    }

    /// What such a table says.
    pub(super) fn table(services: &Arc<dyn HostServices>) -> abi::Host {
        let context: &'static Weak<dyn HostServices> = forever::lend(Arc::downgrade(services));
        abi::Host {
            context: std::ptr::from_ref(context).cast_mut().cast(),
            ..TEMPLATE
        }
    }

    /// A table that says less or more than this version's.
    ///
    /// # Safety
    /// It is one of [`Host::table`] but for its size and version, has as many bytes as it says, and lives for ever.
    pub(super) const unsafe fn at(table: *const abi::Host) -> Self {
        Self(table)
    }

    /// The table that plugins get in `load`, which happens once in a process: the system's clock and random source, or
    /// in a worker the core.
    pub(super) fn of_process() -> (Self, &'static Arc<dyn HostServices>) {
        let (host, services) = OF_PROCESS.get_or_init(|| {
            let services: Arc<dyn HostServices> = Arc::new(Services::system());
            (Self::over(&services), services)
        });
        (*host, services)
    }

    pub(super) const fn as_ptr(self) -> *const abi::Host {
        self.0
    }
}

const TEMPLATE: abi::Host = abi::Host {
    struct_size: count(size_of::<abi::Host>()),
    abi_major: abi::ABI_MAJOR,
    abi_minor: abi::ABI_MINOR,
    product: c"doorward".as_ptr(),
    version: VERSION.as_ptr(),
    context: std::ptr::null_mut(),
    log: Some(log),
    audit: Some(audit),
    random: Some(random),
    unix_micros: Some(unix_micros),
    monotonic_ns: Some(monotonic_ns),
    remaining_ns: Some(remaining_ns),
    cancelled: Some(cancelled),
    wipe: Some(wipe),
    ct_equal: Some(ct_equal),
    sha256: Some(sha256),
    hmac_sha256: Some(hmac_sha256),
    base64url_encode: Some(base64url_encode),
    base64url_decode: Some(base64url_decode),
    seal: Some(seal),
    unseal: Some(unseal),
    config_text: Some(config_text),
    config_integer: Some(config_integer),
    config_boolean: Some(config_boolean),
    config_secret: Some(config_secret),
    verdict: Some(host_reply::verdict),
    identifier: Some(host_reply::identifier),
    put_record: Some(host_reply::put_record),
    label: Some(host_reply::label),
    handle: Some(host_reply::handle),
    used_record: Some(host_reply::used_record),
    state: Some(host_reply::state),
    challenge: Some(host_reply::challenge),
    show_once: Some(host_reply::show_once),
    attribute: Some(host_reply::attribute),
    violation: Some(host_reply::violation),
    message: Some(host_reply::message),
    extension: Some(extension),
};

/// Runs the body of a host function; a panic becomes `otherwise`.
pub(super) fn guarded<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// The same for bodies that can stop early with a status.
pub(super) fn attempt(body: impl FnOnce() -> Result<abi::Status, abi::Status>) -> abi::Status {
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
unsafe fn name(from: *const c_char) -> Result<String, abi::Status> {
    // SAFETY: as promised by the caller.
    match unsafe { text(from, MAX_NAME) } {
        Ok(Some(name)) if !name.is_empty() => Ok(name),
        _ => Err(abi::E_ARGUMENT),
    }
}

unsafe extern "C" fn log(
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
        let services = unsafe { services_of(host) }.unwrap_or_else(|_| Arc::clone(Host::of_process().1));
        frame::with_call(call, |call| {
            logged(&*services, call.map_or("", |call| call.provider), level, line);
        });
    });
}

/// Logs a line, while the call may log another.
pub(super) fn logged(services: &dyn HostServices, provider: &str, level: i32, line: &[u8]) {
    if frame::may_log() {
        services.log(provider, level, &printable(line, MAX_LINE));
    }
}

unsafe extern "C" fn audit(
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
pub(super) fn audited(
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
pub(super) fn named(name: &[u8]) -> Given<&str> {
    let possible = (1..=MAX_NAME).contains(&name.len()) && !name.contains(&0);
    possible
        .then(|| std::str::from_utf8(name).ok())
        .flatten()
        .ok_or(abi::E_ARGUMENT)
}

unsafe extern "C" fn random(host: *const abi::Host, out: *mut c_void, len: usize) -> abi::Status {
    attempt(|| {
        frame::called("random")?;
        if len == 0 {
            return Ok(abi::OK);
        }
        if out.is_null() || len > MAX_INPUT {
            return Err(abi::E_ARGUMENT);
        }
        // SAFETY: the header asks for the table that the plugin got.
        let services = unsafe { services_of(host) }?;
        let mut bytes = zeroize::Zeroizing::new(vec![0; len]);
        services.random(&mut bytes)?;
        // SAFETY: the header asks for room for `len` bytes at `out`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), out.cast(), len) };
        Ok(abi::OK)
    })
}

unsafe extern "C" fn unix_micros(host: *const abi::Host) -> i64 {
    guarded(0, || {
        frame::noted("unix_micros");
        // SAFETY: the header asks for the table that the plugin got.
        unsafe { services_of(host) }.map_or(0, |services| services.unix_micros())
    })
}

unsafe extern "C" fn monotonic_ns(host: *const abi::Host) -> u64 {
    let system = || SystemClock.monotonic();
    let now = guarded(None, || {
        frame::noted("monotonic_ns");
        // SAFETY: the header asks for the table that the plugin got.
        unsafe { services_of(host) }
            .ok()
            .map(|services| services.monotonic())
    });
    u64::try_from(now.unwrap_or_else(system).as_nanos()).unwrap_or(u64::MAX)
}

unsafe extern "C" fn remaining_ns(_host: *const abi::Host, call: *const abi::Call) -> i64 {
    guarded((), || frame::noted("remaining_ns"));
    frame::with_call(call, |call| {
        call.map_or(0, |call| {
            i64::try_from(call.remaining().as_nanos()).unwrap_or(i64::MAX)
        })
    })
}

unsafe extern "C" fn cancelled(_host: *const abi::Host, call: *const abi::Call) -> i32 {
    guarded(1, || {
        frame::noted("cancelled");
        if let Some(services) = frame::services().filter(|_| frame::with_call(call, |call| call.is_some())) {
            services.look();
        }
        frame::with_call(call, |call| i32::from(call.is_none_or(Call::is_cancelled)))
    })
}

unsafe extern "C" fn wipe(memory: *mut c_void, len: usize) {
    guarded((), || frame::noted("wipe"));
    if memory.is_null() || len == 0 || isize::try_from(len).is_err() {
        return;
    }
    // SAFETY: the header asks for `len` bytes of the plugin's at `memory`.
    let bytes = unsafe { std::slice::from_raw_parts_mut(memory.cast::<u8>(), len) };
    zeroize::Zeroize::zeroize(bytes);
}

unsafe extern "C" fn ct_equal(a: *const c_void, b: *const c_void, len: usize) -> i32 {
    guarded((), || frame::noted("ct_equal"));
    // SAFETY: the header asks for `len` bytes at both.
    match unsafe { (borrowed(a, len, MAX_INPUT), borrowed(b, len, MAX_INPUT)) } {
        (Ok(a), Ok(b)) => i32::from(secret::equal(a, b)),
        _ => 0,
    }
}

unsafe extern "C" fn sha256(data: *const c_void, len: usize, out: *mut u8) -> abi::Status {
    attempt(|| {
        frame::called("sha256")?;
        // SAFETY: the header asks for `len` bytes at `data`.
        let data = unsafe { borrowed(data, len, MAX_INPUT) }?;
        let hash: [u8; 32] = Sha256::digest(data).into();
        // SAFETY: the header asks for room for 32 bytes at `out`.
        Ok(unsafe { put(hash, out.cast()) })
    })
}

unsafe extern "C" fn hmac_sha256(
    key: *const c_void,
    key_len: usize,
    data: *const c_void,
    len: usize,
    out: *mut u8,
) -> abi::Status {
    attempt(|| {
        frame::called("hmac_sha256")?;
        // SAFETY: the header asks for as many bytes at `key` and `data`.
        let (key, data) = unsafe {
            (
                borrowed(key, key_len, MAX_INPUT)?,
                borrowed(data, len, MAX_INPUT)?,
            )
        };
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| abi::E_ARGUMENT)?;
        let tag: [u8; 32] = mac.chain_update(data).finalize().into_bytes().into();
        // SAFETY: the header asks for room for 32 bytes at `out`.
        Ok(unsafe { put(tag, out.cast()) })
    })
}

unsafe extern "C" fn base64url_encode(
    data: *const c_void,
    len: usize,
    out: *mut c_char,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("base64url_encode")?;
        // SAFETY: the header asks for `len` bytes at `data`.
        let data = unsafe { borrowed(data, len, MAX_INPUT) }?;
        let text = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.encode(data));
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(text.as_bytes(), out.cast(), capacity, written) })
    })
}

unsafe extern "C" fn base64url_decode(
    text: *const c_char,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("base64url_decode")?;
        // SAFETY: the header asks for `len` bytes at `text`.
        let text = unsafe { borrowed(text.cast(), len, MAX_INPUT) }?;
        let data = URL_SAFE_NO_PAD.decode(text).map_err(|_| abi::E_FORMAT)?;
        let data = zeroize::Zeroizing::new(data);
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(&data, out, capacity, written) })
    })
}

unsafe extern "C" fn seal(
    host: *const abi::Host,
    call: *const abi::Call,
    purpose: *const c_char,
    data: *const c_void,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("seal")?;
        // SAFETY: the header asks for a NUL-terminated purpose, `len` bytes of data and the table the plugin got.
        let (purpose, data, services) = unsafe {
            (
                name(purpose)?,
                borrowed(data, len, MAX_INPUT)?,
                services_of(host)?,
            )
        };
        let sealed = frame::with_call(call, |call| {
            services.seal(call.ok_or(abi::E_ARGUMENT)?, &purpose, data)
        })?;
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(sealed.expose(), out, capacity, written) })
    })
}

unsafe extern "C" fn unseal(
    host: *const abi::Host,
    call: *const abi::Call,
    purpose: *const c_char,
    data: *const c_void,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("unseal")?;
        // SAFETY: the header asks for a NUL-terminated purpose, `len` bytes of data and the table the plugin got.
        let (purpose, data, services) = unsafe {
            (
                name(purpose)?,
                borrowed(data, len, MAX_INPUT)?,
                services_of(host)?,
            )
        };
        let plain = frame::with_call(call, |call| {
            services.unseal(call.ok_or(abi::E_ARGUMENT)?, &purpose, data)
        })?;
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(plain.expose(), out, capacity, written) })
    })
}

/// Reads one option and writes it out.
///
/// # Safety
/// `config` is what the plugin got in `open`, `name` a NUL-terminated text, `out` NULL or a `T` of the plugin's.
unsafe fn option<T: Copy>(
    function: &'static str,
    config: *const abi::Config,
    option: *const c_char,
    out: *mut T,
    read: impl FnOnce(&Options, &str) -> Result<T, Missing>,
) -> abi::Status {
    attempt(|| {
        frame::called(function)?;
        // SAFETY: as promised by the caller.
        let option = unsafe { name(option) }?;
        Ok(frame::with_options(config, |options| {
            match read(options, &option) {
                // SAFETY: as promised by the caller.
                Ok(value) => unsafe { put(value, out) },
                Err(Missing::NotSet) => abi::E_NOT_FOUND,
                Err(Missing::OtherType) => abi::E_CONFIG,
            }
        }))
    })
}

unsafe extern "C" fn config_text(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut abi::Bytes,
) -> abi::Status {
    // SAFETY: the header asks for what `option` asks for.
    unsafe {
        option("config_text", config, name, out, |options, name| {
            options.text(name).map(|text| abi::Bytes::of(text.as_bytes()))
        })
    }
}

unsafe extern "C" fn config_secret(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut abi::Bytes,
) -> abi::Status {
    // SAFETY: the header asks for what `option` asks for.
    unsafe {
        option("config_secret", config, name, out, |options, name| {
            options.secret(name).map(|text| abi::Bytes::of(text.as_bytes()))
        })
    }
}

unsafe extern "C" fn config_integer(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut i64,
) -> abi::Status {
    // SAFETY: the header asks for what `option` asks for.
    unsafe { option("config_integer", config, name, out, Options::integer) }
}

unsafe extern "C" fn config_boolean(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut i32,
) -> abi::Status {
    // SAFETY: the header asks for what `option` asks for.
    unsafe {
        option("config_boolean", config, name, out, |options, name| {
            options.boolean(name).map(i32::from)
        })
    }
}

unsafe extern "C" fn extension(host: *const abi::Host, id: *const c_char) -> *const c_void {
    // Asked in `load`, too, where no operation runs. A host that has gone has what it had.
    let is_there = guarded(false, || {
        // SAFETY: the header asks for the table that the plugin got.
        unsafe { services_of(host) }.map_or(true, |services| services.called("extension").is_ok())
    });
    if !is_there {
        return std::ptr::null();
    }
    // SAFETY: the header asks for a NUL-terminated id.
    let Ok(id) = (unsafe { name(id) }) else {
        return std::ptr::null();
    };
    match id.as_bytes() {
        id if id == abi::EXT_DELIVER.to_bytes() => std::ptr::from_ref(&messages::TABLE).cast(),
        id if id == abi::EXT_HTTP.to_bytes() => std::ptr::from_ref(&http::TABLE).cast(),
        id if id == abi::EXT_KV.to_bytes() => std::ptr::from_ref(&kv::TABLE).cast(),
        id if id == abi::EXT_LIMIT.to_bytes() => std::ptr::from_ref(&limit::TABLE).cast(),
        id if id == abi::EXT_PWHASH.to_bytes() => std::ptr::from_ref(&pwhash::TABLE).cast(),
        _ => std::ptr::null(),
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
