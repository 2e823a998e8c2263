//! The extensions: optional services of the host, and optional answers of the plugin, each a struct behind an id.

use core::ffi::{c_char, c_void};

use crate::kind::Operation;
use crate::request::{Call, Pair, Reply};
use crate::{Host, Status};

/// Sends one request.
type Fetch = unsafe extern "C" fn(
    host: *const Host,
    call: *const Call,
    method: *const c_char,
    url: *const c_char,
    url_len: usize,
    headers: *const Pair,
    n_headers: u32,
    body: *const c_void,
    body_len: usize,
    status: *mut u32,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> Status;

/// The extension `doorward.pwhash/1`.
#[repr(C)]
pub struct Pwhash {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Password to PHC string.
    pub hash: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            password: *const c_void,
            password_len: usize,
            out: *mut c_char,
            capacity: usize,
            written: *mut usize,
        ) -> Status,
    >,
    /// Password against PHC string: `ACCEPT` or `DENY`.
    pub verify: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            password: *const c_void,
            password_len: usize,
            phc: *const c_char,
            phc_len: usize,
            verdict: *mut u32,
        ) -> Status,
    >,
    /// Would the host hash differently today.
    pub needs_rehash: Option<
        unsafe extern "C" fn(
            host: *const Host,
            phc: *const c_char,
            phc_len: usize,
            needed: *mut i32,
        ) -> Status,
    >,
}

/// The extension `doorward.kv/1`.
#[repr(C)]
pub struct Kv {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The value of a key, and its version.
    pub get: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            key: *const c_void,
            key_len: usize,
            out: *mut c_void,
            capacity: usize,
            written: *mut usize,
            version: *mut i64,
        ) -> Status,
    >,
    /// Writes a value, if what is there is what `expect` says.
    pub put: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            key: *const c_void,
            key_len: usize,
            value: *const c_void,
            value_len: usize,
            seconds: u32,
            expect: i64,
            version: *mut i64,
        ) -> Status,
    >,
    /// Forgets a value, if what is there is what `expect` says.
    pub remove: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            key: *const c_void,
            key_len: usize,
            expect: i64,
        ) -> Status,
    >,
    /// Adds to a counter, atomically.
    pub add: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            key: *const c_void,
            key_len: usize,
            delta: i64,
            seconds: u32,
            sum: *mut i64,
        ) -> Status,
    >,
}

/// The extension `doorward.deliver/1`.
#[repr(C)]
pub struct Deliver {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Queues a message with the reply.
    pub message: Option<
        unsafe extern "C" fn(
            rp: *mut Reply,
            channel: *const c_char,
            address: *const c_void,
            address_len: usize,
            template_name: *const c_char,
            params: *const Pair,
            n_params: u32,
            seconds: u32,
        ) -> Status,
    >,
}

/// The extension `doorward.limit/1`.
#[repr(C)]
pub struct Limit {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// How long a subject's counter is closed, in seconds; 0: it is open, and charged with the answer.
    pub limit: Option<
        unsafe extern "C" fn(
            host: *const Host,
            call: *const Call,
            name: *const c_char,
            subject: *const c_void,
            subject_len: usize,
            burst: u32,
            pace: u32,
            wait: *mut u32,
        ) -> Status,
    >,
}

/// The extension `doorward.http/1`.
#[repr(C)]
pub struct Http {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// Sends one request and waits for the answer.
    pub fetch: Option<Fetch>,
}

/// The plugin's extension `doorward.plugin.migrate/1`.
#[repr(C)]
pub struct Migrate {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The operation that rewrites records of the kind of that name, or NULL.
    pub operation: Option<unsafe extern "C" fn(kind: *const c_char) -> Option<Operation>>,
}

/// One secret option of one kind. Never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SecretOption {
    /// The kind's name, NUL.
    pub kind: *const c_char,
    /// The option's dotted name, NUL.
    pub option: *const c_char,
}

/// The plugin's extension `doorward.plugin.secrets/1`.
#[repr(C)]
pub struct Secrets {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// How many.
    pub n_options: u32,
    /// The options.
    pub options: *const SecretOption,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Pwhash>() == 32);
    assert!(size_of::<Kv>() == 40);
    assert!(size_of::<Deliver>() == 16);
    assert!(size_of::<Limit>() == 16);
    assert!(size_of::<Http>() == 16);
    assert!(size_of::<Migrate>() == 16);
    assert!(size_of::<SecretOption>() == 16);
    assert!(size_of::<Secrets>() == 16);
};

// SAFETY: extension structs of a plugin are constant for the life of the process and point at constant data; the header
// says so ("A constant struct for that id").
unsafe impl Sync for SecretOption {}
// SAFETY: as above.
unsafe impl Sync for Secrets {}
