//! What goes from the host to the plugin.

use core::ffi::c_void;

use crate::Host;
use crate::values::RECORD_ID_LEN;

/// Borrowed bytes. The pointer of an empty value may be NULL. Never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    /// First byte.
    pub ptr: *const u8,
    /// How many.
    pub len: usize,
}

impl Bytes {
    /// No bytes.
    pub const EMPTY: Bytes = Bytes {
        ptr: core::ptr::null(),
        len: 0,
    };

    /// Borrows a slice; valid as long as the slice is.
    pub const fn of(slice: &[u8]) -> Bytes {
        Bytes {
            ptr: slice.as_ptr(),
            len: slice.len(),
        }
    }
}

/// Makes an opaque type: only pointers to it cross, and only its owner looks behind them.
macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[repr(C)]
        pub struct $name {
            _opaque: [u8; 0],
            _neither_send_nor_sync: core::marker::PhantomData<*mut c_void>,
        }
    )*};
}

opaque! {
    /// One configured provider, the plugin's.
    Instance;
    /// The answer being written, the host's.
    Reply;
    /// One request's deadline, cancellation and audit, the host's.
    Call;
    /// One provider's configuration, the host's.
    Config;
}

/// One named credential or challenge value. Never grows.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Pair {
    /// The declared name.
    pub name: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// What a plugin keeps to verify a user.
#[repr(C)]
pub struct Record {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// `Kind::record_version` of the plugin that wrote it.
    pub format: u32,
    /// Names it in `put_record`.
    pub id: [u8; RECORD_ID_LEN],
    /// Grows with every change; compared when it is stored.
    pub version: i64,
    /// What the plugin stored.
    pub bytes: Bytes,
    /// What the person calls it, UTF-8.
    pub label: Bytes,
}

/// Everything an operation may need.
#[repr(C)]
pub struct Request {
    /// Size its author compiled with.
    pub struct_size: u32,
    /// `OP_…`
    pub operation: u32,
    /// `FOR_ENROLL`, `FOR_VERIFY`, `FOR_UPDATE` or 0.
    pub purpose: u32,
    /// `RF_…`
    pub flags: u32,
    /// In `step`: 1 after the first CONTINUE.
    pub step: u32,
    /// Length of `credentials`.
    pub n_credentials: u32,
    /// Length of `new_credentials`.
    pub n_new_credentials: u32,
    /// Length of `records`.
    pub n_records: u32,
    /// The host's services.
    pub host: *const Host,
    /// This request's deadline and audit.
    pub call: *const Call,
    /// The user's namespace.
    pub realm: Bytes,
    /// The name that the kind serves here.
    pub provider: Bytes,
    /// User id; nobody's in a decoy; empty where there is no user yet.
    pub subject: Bytes,
    /// The identifier as it was typed.
    pub identifier_raw: Bytes,
    /// Its canonical form.
    pub identifier: Bytes,
    /// A name that the person knows the account by; for showing.
    pub display: Bytes,
    /// The credentials.
    pub credentials: *const Pair,
    /// Their replacement.
    pub new_credentials: *const Pair,
    /// All records of this user in this credentials group.
    pub records: *const *const Record,
    /// What the last CONTINUE stored.
    pub state: Bytes,
    /// The client's User-Agent.
    pub agent: Bytes,
    /// The client's address as text.
    pub address: Bytes,
    /// The second call after RESOLVE: the handle that the first one wrote.
    pub resolved: Bytes,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Bytes>() == 16);
    assert!(size_of::<Pair>() == 32);
    assert!(size_of::<Record>() == 64);
    assert!(size_of::<Request>() == 232);
    assert!(core::mem::offset_of!(Request, host) == 32);
    assert!(core::mem::offset_of!(Request, state) == 168);
};
