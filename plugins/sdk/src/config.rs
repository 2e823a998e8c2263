//! The options of one configured provider, as `open` sees them.

use std::ffi::CStr;

use crate::{Failure, Host, abi, request};

/// Typed options by dotted name. An option that is not set is `None`; the defaults are the kind's.
pub struct Config<'a> {
    host: Host<'a>,
    raw: *const abi::Config,
    provider: &'a str,
}

impl<'a> Config<'a> {
    pub(crate) fn new(host: Host<'a>, raw: *const abi::Config, provider: &'a str) -> Self {
        Self { host, raw, provider }
    }

    /// The host's services.
    pub fn host(&self) -> Host<'a> {
        self.host
    }

    /// The name that this instance serves.
    pub fn provider(&self) -> &'a str {
        self.provider
    }

    /// A text option.
    ///
    /// # Errors
    /// [`Failure::config`] when it is of another type.
    pub fn text(&self, name: &CStr) -> Result<Option<&str>, Failure> {
        let mut out = abi::Bytes::EMPTY;
        let status = match self.host.table().config_text {
            // SAFETY: the host's function, with the host's configuration and places that live through the call.
            Some(get) => unsafe { get(self.raw, name.as_ptr(), &raw mut out) },
            None => abi::E_UNSUPPORTED,
        };
        if !found(status, name)? {
            return Ok(None);
        }
        // SAFETY: the host filled `out` with bytes that are valid until `open` returns, and so does `self`.
        let bytes = unsafe { request::slice(out) };
        std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|_| Failure::config(format!("{name:?} is not UTF-8")))
    }

    /// An integer option.
    ///
    /// # Errors
    /// [`Failure::config`] when it is of another type.
    pub fn integer(&self, name: &CStr) -> Result<Option<i64>, Failure> {
        let mut out = 0;
        let status = match self.host.table().config_integer {
            // SAFETY: as in `text`.
            Some(get) => unsafe { get(self.raw, name.as_ptr(), &raw mut out) },
            None => abi::E_UNSUPPORTED,
        };
        Ok(found(status, name)?.then_some(out))
    }

    /// A boolean option.
    ///
    /// # Errors
    /// [`Failure::config`] when it is of another type.
    pub fn boolean(&self, name: &CStr) -> Result<Option<bool>, Failure> {
        let mut out = 0;
        let status = match self.host.table().config_boolean {
            // SAFETY: as in `text`.
            Some(get) => unsafe { get(self.raw, name.as_ptr(), &raw mut out) },
            None => abi::E_UNSUPPORTED,
        };
        Ok(found(status, name)?.then_some(out != 0))
    }

    /// A secret option, resolved from its file. Copy it into [`crate::Zeroizing`] if it must live longer than `open`.
    ///
    /// # Errors
    /// [`Failure::config`] when it is of another type.
    pub fn secret(&self, name: &CStr) -> Result<Option<&[u8]>, Failure> {
        let mut out = abi::Bytes::EMPTY;
        let status = match self.host.table().config_secret {
            // SAFETY: as in `text`.
            Some(get) => unsafe { get(self.raw, name.as_ptr(), &raw mut out) },
            None => abi::E_UNSUPPORTED,
        };
        // SAFETY: as in `text`.
        Ok(found(status, name)?.then(|| unsafe { request::slice(out) }))
    }
}

fn found(status: abi::Status, name: &CStr) -> Result<bool, Failure> {
    match status {
        abi::OK => Ok(true),
        abi::E_NOT_FOUND => Ok(false),
        _ => Err(Failure::config(format!("option {name:?} has another type"))),
    }
}
