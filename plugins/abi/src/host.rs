//! The host's services, which the plugin calls.

use core::ffi::{c_char, c_void};

use crate::Status;
use crate::request::{Bytes, Call, Config, Reply};

/// Writes bytes under a reply.
type Put = unsafe extern "C" fn(rp: *mut Reply, data: *const c_void, len: usize) -> Status;
/// Writes a named value under a reply.
type PutNamed =
    unsafe extern "C" fn(rp: *mut Reply, name: *const c_char, data: *const c_void, len: usize) -> Status;
/// Seals or unseals.
type Seal = unsafe extern "C" fn(
    host: *const Host,
    call: *const Call,
    purpose: *const c_char,
    data: *const c_void,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> Status;

/// The host's services. No entry of a host is NULL; the types admit it so that a plugin can check.
#[repr(C)]
pub struct Host {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// `ABI_MAJOR`.
    pub abi_major: u16,
    /// `ABI_MINOR` of the host.
    pub abi_minor: u16,
    /// `doorward`, NUL.
    pub product: *const c_char,
    /// For people, NUL.
    pub version: *const c_char,
    /// The host's own.
    pub context: *mut c_void,
    /// A line for the operator.
    pub log: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            level: i32,
            text: *const c_char,
            len: usize,
        ),
    >,
    /// An entry in the event stream.
    pub audit: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            event: *const c_char,
            detail: *const c_char,
            len: usize,
        ) -> Status,
    >,
    /// Cryptographic randomness.
    pub random: Option<unsafe extern "C" fn(host: *const Host, out: *mut c_void, len: usize) -> Status>,
    /// Wall clock in microseconds, UTC.
    pub unix_micros: Option<unsafe extern "C" fn(host: *const Host) -> i64>,
    /// Never goes back.
    pub monotonic_ns: Option<unsafe extern "C" fn(host: *const Host) -> u64>,
    /// Nanoseconds to the deadline.
    pub remaining_ns: Option<unsafe extern "C" fn(host: *const Host, call: *const Call) -> i64>,
    /// Not 0: give up.
    pub cancelled: Option<unsafe extern "C" fn(host: *const Host, call: *const Call) -> i32>,
    /// Overwrites memory.
    pub wipe: Option<unsafe extern "C" fn(memory: *mut c_void, len: usize)>,
    /// 1 equal, 0 not, in constant time.
    pub ct_equal: Option<unsafe extern "C" fn(a: *const c_void, b: *const c_void, len: usize) -> i32>,
    /// SHA-256.
    pub sha256: Option<unsafe extern "C" fn(data: *const c_void, len: usize, out: *mut u8) -> Status>,
    /// HMAC with SHA-256.
    pub hmac_sha256: Option<
        unsafe extern "C" fn(
            key: *const c_void,
            key_len: usize,
            data: *const c_void,
            len: usize,
            out: *mut u8,
        ) -> Status,
    >,
    /// Unpadded base64url.
    pub base64url_encode: Option<
        unsafe extern "C" fn(
            data: *const c_void,
            len: usize,
            out: *mut c_char,
            capacity: usize,
            written: *mut usize,
        ) -> Status,
    >,
    /// Strict inverse.
    pub base64url_decode: Option<
        unsafe extern "C" fn(
            text: *const c_char,
            len: usize,
            out: *mut c_void,
            capacity: usize,
            written: *mut usize,
        ) -> Status,
    >,
    /// Authenticated encryption under the host's key.
    pub seal: Option<Seal>,
    /// Its inverse.
    pub unseal: Option<Seal>,
    /// A text option.
    pub config_text:
        Option<unsafe extern "C" fn(config: *const Config, name: *const c_char, out: *mut Bytes) -> Status>,
    /// An integer option.
    pub config_integer:
        Option<unsafe extern "C" fn(config: *const Config, name: *const c_char, out: *mut i64) -> Status>,
    /// A boolean option, 0 or 1.
    pub config_boolean:
        Option<unsafe extern "C" fn(config: *const Config, name: *const c_char, out: *mut i32) -> Status>,
    /// A secret option, resolved.
    pub config_secret:
        Option<unsafe extern "C" fn(config: *const Config, name: *const c_char, out: *mut Bytes) -> Status>,
    /// The verdict and, for DENY, the reason.
    pub verdict: Option<unsafe extern "C" fn(rp: *mut Reply, verdict: u32, reason: u32) -> Status>,
    /// The canonical or found identifier.
    pub identifier: Option<Put>,
    /// What to store.
    pub put_record: Option<
        unsafe extern "C" fn(rp: *mut Reply, id: *const u8, data: *const c_void, len: usize) -> Status,
    >,
    /// The label of the record that is put.
    pub label: Option<Put>,
    /// The handle of a new record, or the one to resolve.
    pub handle: Option<Put>,
    /// The record that the credentials matched.
    pub used_record: Option<unsafe extern "C" fn(rp: *mut Reply, id: *const u8) -> Status>,
    /// What `step` will get back.
    pub state:
        Option<unsafe extern "C" fn(rp: *mut Reply, data: *const c_void, len: usize, seconds: u32) -> Status>,
    /// A named value for the next step.
    pub challenge: Option<PutNamed>,
    /// A named value shown once.
    pub show_once: Option<PutNamed>,
    /// An asserted or described attribute, JSON.
    pub attribute: Option<PutNamed>,
    /// One rule that the input breaks.
    pub violation: Option<
        unsafe extern "C" fn(rp: *mut Reply, field: *const c_char, code: *const c_char, limit: i64) -> Status,
    >,
    /// Why it failed, for the operator.
    pub message: Option<unsafe extern "C" fn(rp: *mut Reply, text: *const c_char, len: usize) -> Status>,
    /// A constant struct for that id, or NULL.
    pub extension: Option<unsafe extern "C" fn(host: *const Host, id: *const c_char) -> *const c_void>,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Host>() == 288);
    assert!(core::mem::offset_of!(Host, log) == 32);
    assert!(core::mem::offset_of!(Host, verdict) == 184);
};

// SAFETY: a host table is constant for the life of the process and every entry may be called from any thread; the
// header says so of both ("THREADS", "No entry of a host is NULL"), and the host upholds it.
unsafe impl Sync for Host {}
