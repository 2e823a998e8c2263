//! The host table: what a plugin may ask of us.
//!
//! Every function checks what it gets, copies before use, and catches panics: application code (a clock, a log
//! subscriber) runs behind some of them, and nothing may unwind into a plugin.

#![expect(
    unsafe_code,
    reason = "a table is known by its address, and an extension by a plugin's text"
)]

mod bytes;
mod clock;
mod config;
mod deliver;
mod entry;
pub(super) mod http;
pub(super) mod kv;
pub(super) mod limit;
mod lines;
pub(super) mod pwhash;
mod writers;

use std::ffi::{CStr, c_char, c_void};
use std::sync::{Arc, OnceLock, Weak};

use doorward_plugin_abi as abi;

use super::foreign::count;
use super::host_services::HostServices;
use doorward_base::forever;
use entry::{guarded, name, services_of};

pub(super) use entry::{MAX_INPUT, attempt, serves_process};
pub(super) use lines::{MAX_DETAIL, audited, logged, named};

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
    pub(super) fn of_process() -> Self {
        static OF_PROCESS: OnceLock<Host> = OnceLock::new();
        *OF_PROCESS.get_or_init(|| Self::over(entry::services_of_process()))
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
    log: Some(lines::log),
    audit: Some(lines::audit),
    random: Some(bytes::random),
    unix_micros: Some(clock::unix_micros),
    monotonic_ns: Some(clock::monotonic_ns),
    remaining_ns: Some(clock::remaining_ns),
    cancelled: Some(clock::cancelled),
    wipe: Some(bytes::wipe),
    ct_equal: Some(bytes::ct_equal),
    sha256: Some(bytes::sha256),
    hmac_sha256: Some(bytes::hmac_sha256),
    base64url_encode: Some(bytes::base64url_encode),
    base64url_decode: Some(bytes::base64url_decode),
    seal: Some(bytes::seal),
    unseal: Some(bytes::unseal),
    config_text: Some(config::text),
    config_integer: Some(config::integer),
    config_boolean: Some(config::boolean),
    config_secret: Some(config::secret),
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
        id if id == abi::EXT_DELIVER.to_bytes() => std::ptr::from_ref(&deliver::TABLE).cast(),
        id if id == abi::EXT_HTTP.to_bytes() => std::ptr::from_ref(&http::TABLE).cast(),
        id if id == abi::EXT_KV.to_bytes() => std::ptr::from_ref(&kv::TABLE).cast(),
        id if id == abi::EXT_LIMIT.to_bytes() => std::ptr::from_ref(&limit::TABLE).cast(),
        id if id == abi::EXT_PWHASH.to_bytes() => std::ptr::from_ref(&pwhash::TABLE).cast(),
        _ => std::ptr::null(),
    }
}
