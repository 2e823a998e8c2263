//! The host's password hashing.

use crate::host::filled;
use crate::{Failure, Host, abi};

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
                    self.host.table(),
                    self.host.call(),
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
                self.host.table(),
                self.host.call(),
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
        let status = unsafe { needs(self.host.table(), phc.as_ptr().cast(), phc.len(), &raw mut needed) };
        Failure::check(status, "the host could not read a hash").map(|()| needed != 0)
    }
}

impl<'a> Host<'a> {
    /// The host's Argon2id, if it offers it. Blocks: not for kinds that declare [`crate::Property::Inline`].
    pub fn pwhash(&self) -> Option<Pwhash<'a>> {
        // SAFETY: the id names this struct.
        let table = unsafe { self.extension(abi::EXT_PWHASH) }?;
        Some(Pwhash { table, host: *self })
    }
}
