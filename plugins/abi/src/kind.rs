//! What a plugin declares: its module, its kinds, their fields and operations.

use core::ffi::{c_char, c_void};

use crate::request::{Bytes, Config, Instance, Reply, Request};
use crate::{Host, Status};

/// One credential that a kind asks for.
#[repr(C)]
pub struct Field {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// `SECRET`, `OPTIONAL`.
    pub flags: u32,
    /// Its name, NUL.
    pub name: *const c_char,
    /// HTML autocomplete token, NUL, or NULL.
    pub autocomplete: *const c_char,
    /// Most bytes it may have.
    pub max_len: u32,
    /// `FOR_…` bits.
    pub purposes: u32,
    /// 0: with the operation itself; 1: with the first step.
    pub step: u32,
    /// Zero.
    pub reserved: u32,
}

/// What `Kind::open` gets.
#[repr(C)]
pub struct Open {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// Zero.
    pub flags: u32,
    /// The host's services.
    pub host: *const Host,
    /// This provider's configuration.
    pub config: *const Config,
    /// The name that this instance serves.
    pub provider: Bytes,
}

/// An operation of a kind.
pub type Operation = unsafe extern "C" fn(this: *mut Instance, rq: *const Request, rp: *mut Reply) -> Status;
/// Makes an instance.
pub type OpenKind =
    unsafe extern "C" fn(args: *const Open, out: *mut *mut Instance, rp: *mut Reply) -> Status;
/// Frees an instance.
pub type Close = unsafe extern "C" fn(this: *mut Instance);
/// Ends service in this process.
pub type Stop = unsafe extern "C" fn(this: *mut Instance);
/// Once in a process, before any `open`.
pub type Load = unsafe extern "C" fn(host: *const Host) -> Status;
/// The plugin's extensions.
pub type ModuleExtension = unsafe extern "C" fn(id: *const c_char) -> *const c_void;
/// The exported entry.
pub type Entry = unsafe extern "C" fn() -> *const Module;

/// One kind of provider: declarations, then operations.
#[repr(C)]
pub struct Kind {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// `INLINE` and the other kind flags.
    pub flags: u32,
    /// What configuration calls it, NUL.
    pub name: *const c_char,
    /// For people, NUL.
    pub title: *const c_char,
    /// `SOURCE_…`
    pub identifier_source: u32,
    /// `FACTOR_…`
    pub factor: u32,
    /// How the proof travels, NUL.
    pub channel: *const c_char,
    /// The credentials it asks for.
    pub fields: *const *const Field,
    /// How many.
    pub n_fields: u32,
    /// Version of `normalize`'s answers.
    pub normalize_version: u32,
    /// Version of the record format.
    pub record_version: u32,
    /// Most bytes of a record.
    pub max_record: u32,
    /// Most bytes of a state.
    pub max_state: u32,
    /// For the pool; 0: the host's.
    pub default_deadline_ms: u32,
    /// Operations at once; 0: the host's.
    pub max_concurrency: u32,
    /// Zero.
    pub reserved: u32,
    /// JSON Schema of the options, NUL, or NULL.
    pub config_schema: *const c_char,
    /// Makes an instance.
    pub open: Option<OpenKind>,
    /// Frees it.
    pub close: Option<Close>,
    /// Begins service in this process.
    pub start: Option<Operation>,
    /// Ends it.
    pub stop: Option<Stop>,
    /// Identifier to canonical form.
    pub normalize: Option<Operation>,
    /// Credentials to a new record.
    pub enroll: Option<Operation>,
    /// Credentials against records.
    pub verify: Option<Operation>,
    /// Replaces credentials.
    pub update: Option<Operation>,
    /// Resumes after CONTINUE.
    pub step: Option<Operation>,
    /// What a person may see about records.
    pub describe: Option<Operation>,
    /// Can it do its work.
    pub health: Option<Operation>,
}

/// The plugin itself.
#[repr(C)]
pub struct Module {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// `MAGIC`.
    pub magic: u32,
    /// `ABI_MAJOR`.
    pub abi_major: u16,
    /// `ABI_MINOR` it was built with.
    pub abi_minor: u16,
    /// Lowest `ABI_MINOR` it can work with.
    pub min_host_minor: u16,
    /// Zero.
    pub reserved: u16,
    /// Zero.
    pub flags: u32,
    /// How many kinds.
    pub n_kinds: u32,
    /// The kinds.
    pub kinds: *const *const Kind,
    /// Reverse domain name, NUL.
    pub id: *const c_char,
    /// Its version, NUL.
    pub version: *const c_char,
    /// Its maker, NUL.
    pub vendor: *const c_char,
    /// SPDX expression, NUL.
    pub license: *const c_char,
    /// Once in a process, before any `open`.
    pub load: Option<Load>,
    /// The plugin's extensions.
    pub extension: Option<ModuleExtension>,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Field>() == 40);
    assert!(size_of::<Open>() == 40);
    assert!(size_of::<Kind>() == 176);
    assert!(core::mem::offset_of!(Kind, open) == 88);
    assert!(size_of::<Module>() == 80);
    assert!(core::mem::offset_of!(Module, kinds) == 24);
};

// SAFETY: descriptors are constant and live for ever, by the contract in the header ("MEMORY"); what they point to is
// constant as well. Whoever writes one upholds it.
unsafe impl Sync for Field {}
// SAFETY: as for `Field`.
unsafe impl Sync for Kind {}
// SAFETY: as for `Field`.
unsafe impl Sync for Module {}
