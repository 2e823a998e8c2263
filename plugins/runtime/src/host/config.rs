//! A provider's options, read by name while its kind is opened.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::c_char;

use doorward_plugin_abi as abi;

use super::entry::{attempt, name};
use crate::foreign::put;
use crate::frame;
use crate::options::{Missing, Options};

/// Reads one option and writes it out.
///
/// # Safety
/// `config` is what the plugin got in `open`, `name` a NUL-terminated text, `out` NULL or a `T` of the plugin's.
unsafe fn option<T: Copy>(
    function: &'static str,
    config: *const abi::Config,
    option: *const c_char,
    out: *mut T,
    read: impl FnOnce(&Options, &str) -> Result<T, Missing>,
) -> abi::Status {
    attempt(|| {
        frame::called(function)?;
        // SAFETY: as promised by the caller.
        let option = unsafe { name(option) }?;
        Ok(frame::with_options(config, |options| {
            match read(options, &option) {
                // SAFETY: as promised by the caller.
                Ok(value) => unsafe { put(value, out) },
                Err(Missing::NotSet) => abi::E_NOT_FOUND,
                Err(Missing::OtherType) => abi::E_CONFIG,
            }
        }))
    })
}

pub(super) unsafe extern "C" fn text(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut abi::Bytes,
) -> abi::Status {
    // SAFETY: the header asks for what `option` asks for.
    unsafe {
        option("config_text", config, name, out, |options, name| {
            options.text(name).map(|text| abi::Bytes::of(text.as_bytes()))
        })
    }
}

pub(super) unsafe extern "C" fn secret(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut abi::Bytes,
) -> abi::Status {
    // SAFETY: the header asks for what `option` asks for.
    unsafe {
        option("config_secret", config, name, out, |options, name| {
            options.secret(name).map(|text| abi::Bytes::of(text.as_bytes()))
        })
    }
}

pub(super) unsafe extern "C" fn integer(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut i64,
) -> abi::Status {
    // SAFETY: the header asks for what `option` asks for.
    unsafe { option("config_integer", config, name, out, Options::integer) }
}

pub(super) unsafe extern "C" fn boolean(
    config: *const abi::Config,
    name: *const c_char,
    out: *mut i32,
) -> abi::Status {
    // SAFETY: the header asks for what `option` asks for.
    unsafe {
        option("config_boolean", config, name, out, |options, name| {
            options.boolean(name).map(i32::from)
        })
    }
}
