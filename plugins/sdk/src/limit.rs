//! Bounds on what strangers can make a kind do.

use std::ffi::CStr;
use std::time::Duration;

use crate::{Failure, Host, abi};

/// Whether one more is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what is closed must not be done"]
pub enum Allowed {
    /// For so long it is not: answer as always, without the message.
    Closed(Duration),
    /// It is, and is charged with the answer.
    Open,
}

impl<'a> Host<'a> {
    /// Whether one more of `name` is allowed for this subject (`doorward.limit/1`): `burst` at once, then one every `pace`.
    /// Reads only: what was open is charged in the transaction that stores the answer of `Continue`, or of `Accept` of an
    /// enrollment or update. If it has closed by then, the messages of the reply are dropped and the answer stays.
    ///
    /// `name` is `[a-z][a-z0-9_]{0,31}`; the subject has 1 to 1024 bytes; `burst` is 1 to 10000; `pace` is at least a second
    /// and in whole seconds; both together at most 48 hours. The counter belongs to the realm and provider name of the
    /// request; a browser that has signed the user in before has its own. Ask in a decoy, too. Blocks: not for kinds that
    /// declare [`crate::Property::Inline`], nor in `open` and `normalize`.
    ///
    /// # Errors
    /// When the host does not offer it, a value is out of its range, or the counter cannot be read in time.
    pub fn limit(&self, name: &CStr, subject: &[u8], burst: u32, pace: Duration) -> Result<Allowed, Failure> {
        // SAFETY: the id names this struct.
        let table: Option<&'a abi::Limit> = unsafe { self.extension(abi::EXT_LIMIT) };
        let limit = table
            .and_then(|table| table.limit)
            .ok_or_else(Failure::unsupported)?;
        let mut wait = u32::MAX;
        // SAFETY: the host's function with its own table and call; the name ends with NUL, the subject is readable for its
        // length, and `wait` is writable.
        let status = unsafe {
            limit(
                self.table(),
                self.call(),
                name.as_ptr(),
                subject.as_ptr().cast(),
                subject.len(),
                burst,
                u32::try_from(pace.as_secs()).unwrap_or(u32::MAX),
                &raw mut wait,
            )
        };
        Failure::check(status, "the host could not read a limit")?;
        Ok(match wait {
            0 => Allowed::Open,
            seconds => Allowed::Closed(Duration::from_secs(seconds.into())),
        })
    }
}
