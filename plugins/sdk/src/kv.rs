//! What a kind keeps besides records.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::host::filled;
use crate::{Failure, Host, abi};

/// Key and value with expiry and compare-and-swap (`doorward.kv/1`): for what belongs to no user's record. A key belongs to
/// the realm and provider name of the request. Every method blocks: not for kinds that declare
/// [`crate::Property::Inline`], nor in `open` and `normalize`.
#[derive(Clone, Copy)]
pub struct Kv<'a> {
    table: &'a abi::Kv,
    host: Host<'a>,
}

/// What must be there for a value to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing. For [`Kv::put`].
    Absent,
    /// Whatever is there.
    Any,
    /// The value that was read with this version.
    Version(i64),
}

impl Expect {
    const fn number(self) -> i64 {
        match self {
            Self::Absent => abi::KV_ABSENT,
            Self::Any => abi::KV_ANY,
            Self::Version(version) => version,
        }
    }
}

/// A value and its version.
#[derive(Clone, Debug)]
pub struct KvValue {
    /// What was put. A counter is 8 bytes, little-endian.
    pub bytes: Zeroizing<Vec<u8>>,
    /// For [`Expect::Version`]; differs with every change.
    pub version: i64,
}

impl<'a> Host<'a> {
    /// The host's keys and values, if it offers them.
    pub fn kv(&self) -> Option<Kv<'a>> {
        // SAFETY: the id names this struct.
        let table = unsafe { self.extension(abi::EXT_KV) }?;
        Some(Kv { table, host: *self })
    }
}

/// Whole seconds, at least one where there is a lifetime at all: zero means for ever.
fn seconds(lifetime: Option<Duration>) -> u32 {
    lifetime.map_or(0, |lifetime| {
        u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX).max(1)
    })
}

impl Kv<'_> {
    /// The value of a key of 1 to 1024 bytes; `None`: there is none, or it has expired.
    ///
    /// # Errors
    /// When the store cannot be reached in time, or this kind may not block.
    pub fn get(&self, key: &[u8]) -> Result<Option<KvValue>, Failure> {
        let get = self.table.get.ok_or_else(Failure::unsupported)?;
        let mut version = 0;
        let mut absent = false;
        let bytes = filled(256, |out, written| {
            // SAFETY: the host's function with its own table and call; the key is readable and `out` writable for their
            // lengths, `version` is writable.
            let status = unsafe {
                get(
                    self.host.table(),
                    self.host.call(),
                    key.as_ptr().cast(),
                    key.len(),
                    out.as_mut_ptr().cast(),
                    out.len(),
                    written,
                    &raw mut version,
                )
            };
            absent = status == abi::E_NOT_FOUND;
            status
        });
        if absent {
            return Ok(None);
        }
        bytes.map(|bytes| {
            Some(KvValue {
                bytes: Zeroizing::new(bytes),
                version,
            })
        })
    }

    /// Writes a value of at most 65536 bytes, for so long (`None`: for ever; whole seconds, at least one). Its new version;
    /// `None`: what is there is not what was expected, and nothing was written.
    ///
    /// # Errors
    /// As [`Kv::get`].
    pub fn put(
        &self,
        key: &[u8],
        value: &[u8],
        lifetime: Option<Duration>,
        expect: Expect,
    ) -> Result<Option<i64>, Failure> {
        let put = self.table.put.ok_or_else(Failure::unsupported)?;
        let mut version = 0;
        // SAFETY: as in `get`; the value is readable for its length.
        let status = unsafe {
            put(
                self.host.table(),
                self.host.call(),
                key.as_ptr().cast(),
                key.len(),
                value.as_ptr().cast(),
                value.len(),
                seconds(lifetime),
                expect.number(),
                &raw mut version,
            )
        };
        if status == abi::E_CONFLICT {
            return Ok(None);
        }
        Failure::check(status, "the host could not keep a value").map(|()| Some(version))
    }

    /// Forgets a value. True: this call did. Of many that remove one key at once one gets true, which makes a value good for
    /// one use.
    ///
    /// # Errors
    /// As [`Kv::get`]; [`Expect::Absent`] is refused.
    pub fn remove(&self, key: &[u8], expect: Expect) -> Result<bool, Failure> {
        let remove = self.table.remove.ok_or_else(Failure::unsupported)?;
        // SAFETY: as in `get`.
        let status = unsafe {
            remove(
                self.host.table(),
                self.host.call(),
                key.as_ptr().cast(),
                key.len(),
                expect.number(),
            )
        };
        match status {
            abi::E_NOT_FOUND | abi::E_CONFLICT => Ok(false),
            status => Failure::check(status, "the host could not forget a value").map(|()| true),
        }
    }

    /// Adds to a counter, atomically; its sum. One that is not there is 0 and lives so long from then on (`None`: for ever),
    /// however often it is added to.
    ///
    /// # Errors
    /// As [`Kv::get`]; [`Failure::format`] when the value was put and is no counter.
    pub fn add(&self, key: &[u8], delta: i64, lifetime: Option<Duration>) -> Result<i64, Failure> {
        let add = self.table.add.ok_or_else(Failure::unsupported)?;
        let mut sum = 0;
        // SAFETY: as in `get`; `sum` is writable.
        let status = unsafe {
            add(
                self.host.table(),
                self.host.call(),
                key.as_ptr().cast(),
                key.len(),
                delta,
                seconds(lifetime),
                &raw mut sum,
            )
        };
        Failure::check(status, "the host could not add to a counter").map(|()| sum)
    }
}
