//! The host's services.

use std::ffi::CStr;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::{Failure, abi};

/// How much an operator wants to know about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum LogLevel {
    /// For developers.
    Debug = abi::LOG_DEBUG,
    /// Somebody must act.
    Error = abi::LOG_ERROR,
    /// Worth knowing.
    Info = abi::LOG_INFO,
    /// Somebody should look.
    Warn = abi::LOG_WARN,
}

/// The services of the host, for one call.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    table: &'a abi::Host,
    call: *const abi::Call,
}

impl<'a> Host<'a> {
    /// # Safety
    /// Unless NULL, `table` must be a host table as the header describes it, and `call` NULL or one of its calls, both
    /// valid for `'a`. `None`: too old or not a table of this version.
    pub(crate) unsafe fn new(table: *const abi::Host, call: *const abi::Call) -> Option<Self> {
        if table.is_null() {
            return None;
        }
        // SAFETY: not NULL; every host table begins with its size, which the caller promises to be readable.
        let struct_size = unsafe { table.cast::<u32>().read() };
        if (struct_size as usize) < size_of::<abi::Host>() {
            return None;
        }
        // SAFETY: large enough, and constant as long as the process lives.
        let table = unsafe { &*table };
        (table.abi_major == abi::ABI_MAJOR).then_some(Self { table, call })
    }

    pub(crate) fn table(&self) -> &'a abi::Host {
        self.table
    }

    pub(crate) fn call(&self) -> *const abi::Call {
        self.call
    }

    /// A line for the operator. Never a credential, a record or a key.
    pub fn log(&self, level: LogLevel, text: &str) {
        if let Some(log) = self.table.log {
            // SAFETY: the host's function with its own table and call; the text outlives the call.
            unsafe {
                log(
                    self.table,
                    self.call,
                    level as i32,
                    text.as_ptr().cast(),
                    text.len(),
                );
            };
        }
    }

    /// An entry in the event stream: `event` is `[a-z0-9_.]{1,64}`, `detail` JSON or empty. Never a secret.
    ///
    /// # Errors
    /// The host's refusal.
    pub fn audit(&self, event: &CStr, detail: &str) -> Result<(), Failure> {
        let audit = self.table.audit.ok_or_else(Failure::unsupported)?;
        // SAFETY: as in `log`; the event ends with NUL.
        let status = unsafe {
            audit(
                self.table,
                self.call,
                event.as_ptr(),
                detail.as_ptr().cast(),
                detail.len(),
            )
        };
        Failure::check(status, "the host refused an audit entry")
    }

    /// Fills `out` with cryptographic randomness.
    ///
    /// # Errors
    /// When the system has none: do not go on.
    pub fn random(&self, out: &mut [u8]) -> Result<(), Failure> {
        let random = self.table.random.ok_or_else(Failure::unsupported)?;
        // SAFETY: as in `log`; `out` is writable for its length.
        let status = unsafe { random(self.table, out.as_mut_ptr().cast(), out.len()) };
        Failure::check(status, "the host has no randomness")
    }

    /// Wall clock in microseconds since 1970, UTC.
    ///
    /// # Errors
    /// When the host has none.
    pub fn unix_micros(&self) -> Result<i64, Failure> {
        let now = self.table.unix_micros.ok_or_else(Failure::unsupported)?;
        // SAFETY: as in `log`.
        Ok(unsafe { now(self.table) })
    }

    /// Nanoseconds from any origin, never going back.
    ///
    /// # Errors
    /// When the host has none.
    pub fn monotonic_ns(&self) -> Result<u64, Failure> {
        let now = self.table.monotonic_ns.ok_or_else(Failure::unsupported)?;
        // SAFETY: as in `log`.
        Ok(unsafe { now(self.table) })
    }

    /// Time to the deadline of this call; zero: give up.
    pub fn remaining(&self) -> Duration {
        let nanoseconds = self.table.remaining_ns.map_or(0, |remaining| {
            // SAFETY: as in `log`.
            unsafe { remaining(self.table, self.call) }
        });
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
    }

    /// Whether nobody waits for this call any more.
    pub fn is_cancelled(&self) -> bool {
        // SAFETY: as in `log`.
        self.table
            .cancelled
            .is_some_and(|cancelled| unsafe { cancelled(self.table, self.call) != 0 })
    }

    /// Whether both are the same, in a time that depends on their lengths only.
    pub fn ct_equal(&self, a: &[u8], b: &[u8]) -> bool {
        // SAFETY: both slices are readable for the common length.
        a.len() == b.len()
            && self
                .table
                .ct_equal
                .is_some_and(|equal| unsafe { equal(a.as_ptr().cast(), b.as_ptr().cast(), a.len()) == 1 })
    }

    /// SHA-256 of `data`.
    ///
    /// # Errors
    /// When the host has none.
    pub fn sha256(&self, data: &[u8]) -> Result<[u8; 32], Failure> {
        let sha256 = self.table.sha256.ok_or_else(Failure::unsupported)?;
        let mut out = [0; 32];
        // SAFETY: `data` is readable for its length, `out` writable for 32 bytes.
        let status = unsafe { sha256(data.as_ptr().cast(), data.len(), out.as_mut_ptr()) };
        Failure::check(status, "the host could not hash").map(|()| out)
    }

    /// HMAC-SHA-256 of `data`.
    ///
    /// # Errors
    /// When the host has none.
    pub fn hmac_sha256(&self, key: &[u8], data: &[u8]) -> Result<[u8; 32], Failure> {
        let hmac = self.table.hmac_sha256.ok_or_else(Failure::unsupported)?;
        let mut out = [0; 32];
        // SAFETY: both inputs are readable for their lengths, `out` writable for 32 bytes.
        let status = unsafe {
            hmac(
                key.as_ptr().cast(),
                key.len(),
                data.as_ptr().cast(),
                data.len(),
                out.as_mut_ptr(),
            )
        };
        Failure::check(status, "the host could not compute a MAC").map(|()| out)
    }

    /// Authenticated encryption under a key of the host's, bound to this provider name and `purpose`.
    ///
    /// # Errors
    /// The host's refusal.
    pub fn seal(&self, purpose: &CStr, data: &[u8]) -> Result<Vec<u8>, Failure> {
        let seal = self.table.seal.ok_or_else(Failure::unsupported)?;
        filled(data.len() + 64, |out, written| {
            // SAFETY: as in `log`; `out` is writable for its length.
            unsafe {
                seal(
                    self.table,
                    self.call,
                    purpose.as_ptr(),
                    data.as_ptr().cast(),
                    data.len(),
                    out.as_mut_ptr().cast(),
                    out.len(),
                    written,
                )
            }
        })
    }

    /// Undoes [`Host::seal`].
    ///
    /// # Errors
    /// [`Failure::format`] when it was not sealed by this host for this purpose.
    pub fn unseal(&self, purpose: &CStr, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let unseal = self.table.unseal.ok_or_else(Failure::unsupported)?;
        filled(data.len(), |out, written| {
            // SAFETY: as in `seal`.
            unsafe {
                unseal(
                    self.table,
                    self.call,
                    purpose.as_ptr(),
                    data.as_ptr().cast(),
                    data.len(),
                    out.as_mut_ptr().cast(),
                    out.len(),
                    written,
                )
            }
        })
        .map(Zeroizing::new)
    }

    /// The struct of an extension of the host's; `None`: it does not offer it, or an older one.
    ///
    /// # Safety
    /// `T` is the struct of that id, with every field of its first version and no more.
    pub(crate) unsafe fn extension<T>(&self, id: &CStr) -> Option<&'a T> {
        let extension = self.table.extension?;
        // SAFETY: the host's function with its own table; the id ends with NUL.
        let table = unsafe { extension(self.table, id.as_ptr()) };
        if table.is_null() {
            return None;
        }
        // SAFETY: not NULL; every extension struct begins with its size.
        let struct_size = unsafe { table.cast::<u32>().read() };
        if (struct_size as usize) < size_of::<T>() {
            return None;
        }
        // SAFETY: that id names this struct (caller), it is large enough, and it is constant as long as the process lives.
        Some(unsafe { &*table.cast::<T>() })
    }
}

/// Lets the host fill a buffer, once more with the size it asks for.
pub(crate) fn filled(
    capacity: usize,
    mut fill: impl FnMut(&mut [u8], &mut usize) -> abi::Status,
) -> Result<Vec<u8>, Failure> {
    let mut out = vec![0; capacity];
    let mut written = 0;
    let mut status = fill(&mut out, &mut written);
    if status == abi::E_TOO_LARGE && written > out.len() {
        out.resize(written, 0);
        status = fill(&mut out, &mut written);
    }
    Failure::check(status, "the host refused to fill a buffer")?;
    out.truncate(written);
    Ok(out)
}
