//! The test host: its table, its clock, and the services that are not about a reply.

use std::ffi::{CStr, c_char, c_void};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::kv::Kept;
use super::limit::Counters;
use super::plugin::{passed, text};
use super::{ConfigValue, deliver, http, kv, limit, pwhash, trace, writers};
use crate::abi;

/// A host for tests: cheap to copy; what it needs lives as long as the process, as a host table must.
#[derive(Clone, Copy)]
pub struct TestHost {
    pub(super) shared: &'static Shared,
}

/// What a host says that it is.
struct Version {
    struct_size: u32,
    abi_minor: u16,
    name: &'static CStr,
    /// Without extensions.
    bare: bool,
}

impl Version {
    const CURRENT: Self = Self {
        struct_size: TABLE.struct_size,
        abi_minor: TABLE.abi_minor,
        name: c"1",
        bare: false,
    };
}

/// Size of `dwp_host` in version 1.0.
const HOST_V1_0: u32 = 288;

/// A table with room behind it: what a newer host would have there, and what must not be read in an older one.
#[repr(C)]
struct Table {
    host: abi::Host,
    beyond: [usize; 32],
}

pub(super) struct Shared {
    table: Table,
    /// It has no extensions.
    bare: bool,
    unix_micros: AtomicI64,
    drawn: AtomicU64,
    log: Mutex<Vec<String>>,
    pub(super) kept: Kept,
    pub(super) limits: Counters,
    pub(super) http: Mutex<Option<http::Answering>>,
}

impl Shared {
    pub(super) fn unix_seconds(&self) -> i64 {
        self.unix_micros.load(Ordering::SeqCst).div_euclid(1_000_000)
    }

    /// Never the same, never 0.
    pub(super) fn next_number(&self) -> i64 {
        let drawn = self.drawn.fetch_add(1, Ordering::SeqCst);
        i64::try_from(drawn).unwrap_or(i64::MAX).saturating_add(1)
    }
}

/// Behind `dwp_call`.
pub(super) struct Call {
    pub(super) provider: String,
    /// The kind declares `DWP_INLINE`.
    pub(super) inline: bool,
    /// The operation is normalize.
    pub(super) pure: bool,
}

impl Call {
    /// The status for an operation that may not wait.
    pub(super) fn refuses_waiting(&self) -> Option<abi::Status> {
        match (self.pure, self.inline) {
            (true, _) => Some(abi::E_ARGUMENT),
            (_, true) => Some(abi::E_UNSUPPORTED),
            _ => None,
        }
    }
}

/// Behind `dwp_config`.
pub(super) struct Options(Vec<(String, ConfigValue)>);

impl Options {
    pub(super) fn new(options: &[(&str, ConfigValue)]) -> Self {
        Self(
            options
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        )
    }
}

impl Default for TestHost {
    fn default() -> Self {
        Self::new()
    }
}

impl TestHost {
    /// A host whose clock stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::of(&Version::CURRENT)
    }

    /// The same, without extensions: what an application that hashes no passwords may be.
    pub fn bare() -> Self {
        Self::of(&Version {
            bare: true,
            ..Version::CURRENT
        })
    }

    /// The host of version 1.0: a smaller table, beyond which there is nothing that may be used.
    pub fn oldest() -> Self {
        Self::of(&Version {
            struct_size: HOST_V1_0,
            abi_minor: 0,
            name: c"1.0",
            bare: false,
        })
    }

    /// A host of a later version: a larger table, with more that this version does not know.
    pub fn newer() -> Self {
        let size = u32::try_from(size_of::<Table>()).unwrap_or(TABLE.struct_size);
        Self::of(&Version {
            struct_size: size,
            abi_minor: TABLE.abi_minor.saturating_add(7),
            name: c"later",
            bare: false,
        })
    }

    fn of(version: &Version) -> Self {
        let mut table = Table {
            host: TABLE,
            // No address of anything.
            beyond: [usize::MAX / 3; 32],
        };
        table.host.struct_size = version.struct_size;
        table.host.abi_minor = version.abi_minor;
        table.host.version = version.name.as_ptr();
        let shared = Box::leak(Box::new(Shared {
            table,
            bare: version.bare,
            unix_micros: AtomicI64::new(1_767_225_600_000_000),
            drawn: AtomicU64::new(0),
            log: Mutex::new(Vec::new()),
            kept: Kept::default(),
            limits: Counters::default(),
            http: Mutex::new(None),
        }));
        shared.table.host.context = std::ptr::from_ref(shared).cast_mut().cast();
        debug_assert!(shared.table.beyond[0] != 0, "kept");
        Self { shared }
    }

    /// The minor version of the contract that it offers.
    pub fn abi_minor(&self) -> u16 {
        self.shared.table.host.abi_minor
    }

    /// Sets the wall clock.
    pub fn set_unix_seconds(&self, seconds: i64) {
        self.shared
            .unix_micros
            .store(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }

    /// Moves the wall clock.
    pub fn advance_seconds(&self, seconds: i64) {
        self.shared
            .unix_micros
            .fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }

    /// The wall clock.
    pub fn unix_seconds(&self) -> i64 {
        self.shared
            .unix_micros
            .load(Ordering::SeqCst)
            .div_euclid(1_000_000)
    }

    /// What plugins logged and audited so far.
    pub fn logged(&self) -> Vec<String> {
        self.shared.log.lock().map(|log| log.clone()).unwrap_or_default()
    }

    pub(super) fn shared(self) -> &'static Shared {
        self.shared
    }

    pub(super) fn table(self) -> &'static abi::Host {
        &self.shared.table.host
    }
}

const TABLE: abi::Host = abi::Host {
    struct_size: crate::module::size_of_u32::<abi::Host>(),
    abi_major: abi::ABI_MAJOR,
    abi_minor: abi::ABI_MINOR,
    product: c"doorward test host".as_ptr(),
    version: c"1".as_ptr(),
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
    verdict: Some(writers::verdict),
    identifier: Some(writers::identifier),
    put_record: Some(writers::put_record),
    label: Some(writers::label),
    handle: Some(writers::handle),
    used_record: Some(writers::used_record),
    state: Some(writers::state),
    challenge: Some(writers::challenge),
    show_once: Some(writers::show_once),
    attribute: Some(writers::attribute),
    violation: Some(writers::violation),
    message: Some(writers::message),
    extension: Some(extension),
};

/// The host's own state, behind its table.
pub(super) fn shared<'a>(host: *const abi::Host) -> &'a Shared {
    // SAFETY: a plugin passes the table that it was given, whose context `TestHost::new` made and never frees.
    unsafe { &*(*host).context.cast::<Shared>() }
}

unsafe extern "C" fn log(
    host: *const abi::Host,
    _call: *const abi::Call,
    level: i32,
    line: *const c_char,
    len: usize,
) {
    trace::note("log");
    let line = passed(line.cast(), len)
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    if let Ok(mut log) = shared(host).log.lock() {
        log.push(format!("{level} {line}"));
    }
}

unsafe extern "C" fn audit(
    host: *const abi::Host,
    _call: *const abi::Call,
    event: *const c_char,
    detail: *const c_char,
    len: usize,
) -> abi::Status {
    if let Some(status) = trace::meet("audit") {
        return status;
    }
    let Some(detail) = passed(detail.cast(), len) else {
        return abi::E_ARGUMENT;
    };
    if let Ok(mut log) = shared(host).log.lock() {
        log.push(format!("{} {}", text(event), String::from_utf8_lossy(detail)));
    }
    abi::OK
}

pub(super) unsafe extern "C" fn random(host: *const abi::Host, out: *mut c_void, len: usize) -> abi::Status {
    if let Some(status) = trace::meet("random") {
        return status;
    }
    draw(host, out.cast(), len)
}

/// The hash of a counter: the same in every run, so that a test is.
pub(super) fn draw(host: *const abi::Host, out: *mut u8, len: usize) -> abi::Status {
    let mut stream = Vec::with_capacity(len + 32);
    while stream.len() < len {
        let drawn = shared(host).drawn.fetch_add(1, Ordering::SeqCst);
        stream.extend_from_slice(&Sha256::digest(drawn.to_be_bytes()));
    }
    stream.truncate(len);
    give(&stream, out)
}

unsafe extern "C" fn unix_micros(host: *const abi::Host) -> i64 {
    trace::note("unix_micros");
    shared(host).unix_micros.load(Ordering::SeqCst)
}

unsafe extern "C" fn monotonic_ns(host: *const abi::Host) -> u64 {
    trace::note("monotonic_ns");
    u64::try_from(shared(host).unix_micros.load(Ordering::SeqCst))
        .unwrap_or(0)
        .saturating_mul(1000)
}

unsafe extern "C" fn remaining_ns(_host: *const abi::Host, _call: *const abi::Call) -> i64 {
    trace::note("remaining_ns");
    trace::conditions().remaining_ns
}

unsafe extern "C" fn cancelled(_host: *const abi::Host, _call: *const abi::Call) -> i32 {
    trace::note("cancelled");
    i32::from(trace::conditions().cancelled)
}

unsafe extern "C" fn wipe(memory: *mut c_void, len: usize) {
    trace::note("wipe");
    if !memory.is_null() {
        // SAFETY: the plugin's memory, writable for this length by contract.
        unsafe { std::slice::from_raw_parts_mut(memory.cast::<u8>(), len) }.zeroize();
    }
}

unsafe extern "C" fn ct_equal(a: *const c_void, b: *const c_void, len: usize) -> i32 {
    trace::note("ct_equal");
    match (passed(a, len), passed(b, len)) {
        (Some(a), Some(b)) => i32::from(bool::from(a.ct_eq(b))),
        _ => 0,
    }
}

unsafe extern "C" fn sha256(data: *const c_void, len: usize, out: *mut u8) -> abi::Status {
    if let Some(status) = trace::meet("sha256") {
        return status;
    }
    passed(data, len).map_or(abi::E_ARGUMENT, |data| give(&Sha256::digest(data), out))
}

unsafe extern "C" fn hmac_sha256(
    key: *const c_void,
    key_len: usize,
    data: *const c_void,
    len: usize,
    out: *mut u8,
) -> abi::Status {
    if let Some(status) = trace::meet("hmac_sha256") {
        return status;
    }
    let (Some(key), Some(data)) = (passed(key, key_len), passed(data, len)) else {
        return abi::E_ARGUMENT;
    };
    match <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key) {
        Ok(mac) => give(&mac.chain_update(data).finalize().into_bytes(), out),
        Err(_) => abi::E_ARGUMENT,
    }
}

unsafe extern "C" fn base64url_encode(
    data: *const c_void,
    len: usize,
    out: *mut c_char,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    if let Some(status) = trace::meet("base64url_encode") {
        return status;
    }
    let Some(data) = passed(data, len) else {
        return abi::E_ARGUMENT;
    };
    fill(
        URL_SAFE_NO_PAD.encode(data).as_bytes(),
        out.cast(),
        capacity,
        written,
    )
}

unsafe extern "C" fn base64url_decode(
    encoded: *const c_char,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    if let Some(status) = trace::meet("base64url_decode") {
        return status;
    }
    let Some(encoded) = passed(encoded.cast(), len) else {
        return abi::E_ARGUMENT;
    };
    match URL_SAFE_NO_PAD.decode(encoded) {
        Ok(data) => fill(&data, out.cast(), capacity, written),
        Err(_) => abi::E_FORMAT,
    }
}

/// Key of the test host: no secret.
const SEALING_KEY: [u8; 32] = [7; 32];

/// What a sealed value is bound to: the provider name of the call and the purpose.
fn bound_to(call: *const abi::Call, purpose: *const c_char) -> Option<String> {
    if call.is_null() || purpose.is_null() {
        return None;
    }
    // SAFETY: not NULL; `Provider::run` made it, and it lives until the operation returns.
    let call = unsafe { &*call.cast::<Call>() };
    Some(format!("{}\0{}", call.provider, text(purpose)))
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
    if let Some(status) = trace::meet("seal") {
        return status;
    }
    let (Some(bound), Some(data)) = (bound_to(call, purpose), passed(data, len)) else {
        return abi::E_ARGUMENT;
    };
    let drawn = shared(host).drawn.fetch_add(1, Ordering::SeqCst);
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&drawn.to_be_bytes());
    let cipher = ChaCha20Poly1305::new(&Key::from(SEALING_KEY));
    match cipher.encrypt(
        &Nonce::from(nonce),
        Payload {
            msg: data,
            aad: bound.as_bytes(),
        },
    ) {
        Ok(sealed) => fill(
            &[nonce.as_slice(), &sealed].concat(),
            out.cast(),
            capacity,
            written,
        ),
        Err(_) => abi::E_INTERNAL,
    }
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
    if let Some(status) = trace::meet("unseal") {
        return status;
    }
    let (Some(bound), Some(data)) = (bound_to(call, purpose), passed(data, len)) else {
        return abi::E_ARGUMENT;
    };
    let Some((nonce, sealed)) = data.split_first_chunk::<12>() else {
        return abi::E_FORMAT;
    };
    let cipher = ChaCha20Poly1305::new(&Key::from(SEALING_KEY));
    match cipher.decrypt(
        &Nonce::from(*nonce),
        Payload {
            msg: sealed,
            aad: bound.as_bytes(),
        },
    ) {
        Ok(data) => fill(&data, out.cast(), capacity, written),
        Err(_) => abi::E_FORMAT,
    }
}

/// The option of that name, as the reader wants it.
fn option<T>(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut T,
    read: impl FnOnce(&ConfigValue) -> Option<T>,
) -> abi::Status {
    if config.is_null() || out.is_null() {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL; `Plugin::open` made it, and it lives until `open` returns.
    let Options(options) = unsafe { &*config.cast::<Options>() };
    let name = text(name);
    let Some((_, value)) = options.iter().find(|(other, _)| *other == name) else {
        return abi::E_NOT_FOUND;
    };
    match read(value) {
        Some(value) => {
            // SAFETY: not NULL, and the plugin's to be written.
            unsafe { out.write(value) };
            abi::OK
        }
        None => abi::E_CONFIG,
    }
}

unsafe extern "C" fn config_text(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut abi::Bytes,
) -> abi::Status {
    if let Some(status) = trace::meet("config_text") {
        return status;
    }
    option(config, name, out, |value| match value {
        ConfigValue::Text(value) => Some(abi::Bytes::of(value.as_bytes())),
        _ => None,
    })
}

unsafe extern "C" fn config_integer(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut i64,
) -> abi::Status {
    if let Some(status) = trace::meet("config_integer") {
        return status;
    }
    option(config, name, out, |value| match value {
        ConfigValue::Integer(value) => Some(*value),
        _ => None,
    })
}

unsafe extern "C" fn config_boolean(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut i32,
) -> abi::Status {
    if let Some(status) = trace::meet("config_boolean") {
        return status;
    }
    option(config, name, out, |value| match value {
        ConfigValue::Boolean(value) => Some(i32::from(*value)),
        _ => None,
    })
}

unsafe extern "C" fn config_secret(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut abi::Bytes,
) -> abi::Status {
    if let Some(status) = trace::meet("config_secret") {
        return status;
    }
    option(config, name, out, |value| match value {
        ConfigValue::Secret(value) => Some(abi::Bytes::of(value)),
        _ => None,
    })
}

unsafe extern "C" fn extension(host: *const abi::Host, id: *const c_char) -> *const c_void {
    if trace::meet("extension").is_some() || shared(host).bare {
        return std::ptr::null();
    }
    let offered: [(&CStr, *const c_void); 5] = [
        (abi::EXT_DELIVER, (&raw const deliver::TABLE).cast()),
        (abi::EXT_HTTP, (&raw const http::TABLE).cast()),
        (abi::EXT_KV, (&raw const kv::TABLE).cast()),
        (abi::EXT_LIMIT, (&raw const limit::TABLE).cast()),
        (abi::EXT_PWHASH, (&raw const pwhash::TABLE).cast()),
    ];
    let id = text(id);
    let named = offered
        .into_iter()
        .find(|(known, _)| known.to_bytes() == id.as_bytes());
    named.map_or(std::ptr::null(), |(_, table)| table)
}

/// Writes all of `data` to a place that has room for it, by contract.
pub(super) fn give(data: &[u8], out: *mut u8) -> abi::Status {
    if out.is_null() {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL; the plugin says that it is writable for this length, and it is not ours.
    unsafe { out.copy_from_nonoverlapping(data.as_ptr(), data.len()) };
    abi::OK
}

/// Writes `data` if it fits, and in any case how long it is.
pub(super) fn fill(data: &[u8], out: *mut u8, capacity: usize, written: *mut usize) -> abi::Status {
    if written.is_null() {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL, and the plugin's to be written.
    unsafe { written.write(data.len()) };
    if data.len() > capacity {
        abi::E_TOO_LARGE
    } else {
        give(data, out)
    }
}
