//! The host's services.

use std::ffi::{CStr, c_void};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::{Failure, Http, abi};

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

    /// The host's Argon2id, if it offers it. Blocks: not for kinds that declare [`crate::Property::Inline`].
    pub fn pwhash(&self) -> Option<Pwhash<'a>> {
        let table = self.extension(abi::EXT_PWHASH, size_of::<abi::Pwhash>())?;
        // SAFETY: that id names this struct, it is large enough, and it is constant as long as the process lives.
        let table = unsafe { &*table.cast::<abi::Pwhash>() };
        Some(Pwhash { table, host: *self })
    }

    /// HTTP through the host, if it offers it. Blocks: not for kinds that declare [`crate::Property::Inline`].
    pub fn http(&self) -> Option<Http<'a>> {
        let table = self.extension(abi::EXT_HTTP, size_of::<abi::Http>())?;
        // SAFETY: as in `pwhash`.
        Some(Http::new(unsafe { &*table.cast::<abi::Http>() }, *self))
    }

    /// The struct of that id, if the host offers it with at least this size.
    fn extension(&self, id: &CStr, size: usize) -> Option<*const c_void> {
        let extension = self.table.extension?;
        // SAFETY: the host's function with its own table; the id ends with NUL.
        let table = unsafe { extension(self.table, id.as_ptr()) };
        if table.is_null() {
            return None;
        }
        // SAFETY: not NULL; every extension struct begins with its size.
        let struct_size = unsafe { table.cast::<u32>().read() };
        (struct_size as usize >= size).then_some(table)
    }
}

/// Argon2id within the host's memory budget and with its parameters (`doorward.pwhash/1`).
#[derive(Clone, Copy)]
pub struct Pwhash<'a> {
    table: &'a abi::Pwhash,
    host: Host<'a>,
}

impl Pwhash<'_> {
    /// Hashes a password to a PHC string.
    ///
    /// # Errors
    /// When the budget is used up or the deadline passed.
    pub fn hash(&self, password: &[u8]) -> Result<String, Failure> {
        let hash = self.table.hash.ok_or_else(Failure::unsupported)?;
        let bytes = filled(abi::PWHASH_MAX, |out, written| {
            // SAFETY: the host's function with its own table and call; `out` is writable for its length.
            unsafe {
                hash(
                    self.host.table,
                    self.host.call,
                    password.as_ptr().cast(),
                    password.len(),
                    out.as_mut_ptr().cast(),
                    out.len(),
                    written,
                )
            }
        })?;
        String::from_utf8(bytes).map_err(|_| Failure::internal("the host's hash is not text"))
    }

    /// Whether the password is the one that `phc` was made from. With an empty `phc` it does the same work and says no.
    ///
    /// # Errors
    /// When the budget is used up, the deadline passed, or `phc` is not a hash.
    pub fn matches(&self, password: &[u8], phc: &str) -> Result<bool, Failure> {
        let verify = self.table.verify.ok_or_else(Failure::unsupported)?;
        let mut verdict = abi::DENY;
        // SAFETY: as in `hash`; `verdict` is writable.
        let status = unsafe {
            verify(
                self.host.table,
                self.host.call,
                password.as_ptr().cast(),
                password.len(),
                phc.as_ptr().cast(),
                phc.len(),
                &raw mut verdict,
            )
        };
        Failure::check(status, "the host could not verify a hash").map(|()| verdict == abi::ACCEPT)
    }

    /// Whether the host would hash with other parameters today.
    ///
    /// # Errors
    /// When `phc` is not a hash.
    pub fn needs_rehash(&self, phc: &str) -> Result<bool, Failure> {
        let needs = self.table.needs_rehash.ok_or_else(Failure::unsupported)?;
        let mut needed = 0;
        // SAFETY: as in `hash`; `needed` is writable.
        let status = unsafe { needs(self.host.table, phc.as_ptr().cast(), phc.len(), &raw mut needed) };
        Failure::check(status, "the host could not read a hash").map(|()| needed != 0)
    }
}

/// Lets the host fill a buffer, once more with the size it asks for.
fn filled(
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
