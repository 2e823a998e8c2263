//! The extension `doorward.deliver/1`: messages that are queued with the reply, for kinds that write to people.

#![expect(unsafe_code, reason = "the function takes a plugin's pointers")]

use std::ffi::{c_char, c_void};

use doorward_plugin_abi as abi;

use super::entry::guarded;
use super::writers::writing;
use crate::foreign::{borrowed, count, text};
use doorward_base::secret::Secret;

/// The table: the same in all contexts, for a reply writer needs no services.
pub(super) static TABLE: abi::Deliver = abi::Deliver {
    struct_size: count(size_of::<abi::Deliver>()),
    reserved: 0,
    message: Some(message),
};

/// Longer than any name of a message: enough to find the right refusal.
const MAX_NAME: usize = 128;

unsafe extern "C" fn message(
    rp: *mut abi::Reply,
    channel: *const c_char,
    address: *const c_void,
    address_len: usize,
    template_name: *const c_char,
    params: *const abi::Pair,
    n_params: u32,
    seconds: u32,
) -> abi::Status {
    guarded(abi::E_INTERNAL, || {
        writing("deliver.message", rp, |draft| {
            // SAFETY: the header asks for two NUL-terminated texts, `address_len` bytes and `n_params` parameters.
            let read = unsafe {
                (|| {
                    let name = |from| text(from, MAX_NAME).ok().flatten().ok_or(abi::E_ARGUMENT);
                    Ok((
                        name(channel)?,
                        borrowed(address, address_len, abi::limit::IDENTIFIER)?,
                        name(template_name)?,
                        values(params, n_params)?,
                    ))
                })()
            };
            match read {
                Ok((channel, address, template, params)) => {
                    draft.deliver(&channel, address, &template, params, seconds)
                }
                Err(status) => draft.refuse(
                    status,
                    "it queued a message with NULL, texts that do not end, or impossible lengths",
                ),
            }
        })
    })
}

/// Copies of the parameters: name and value.
///
/// # Safety
/// `params` is NULL or points at `n` parameters whose bytes are there.
unsafe fn values(params: *const abi::Pair, n: u32) -> Result<Vec<(String, Secret)>, abi::Status> {
    if n == 0 {
        return Ok(Vec::new());
    }
    if params.is_null() || !params.is_aligned() {
        return Err(abi::E_ARGUMENT);
    }
    if n as usize > abi::DELIVER_MAX_PARAMS {
        return Err(abi::E_TOO_LARGE);
    }
    // SAFETY: not NULL, aligned, `n` long (caller).
    let params = unsafe { std::slice::from_raw_parts(params, n as usize) };
    let copies = params.iter().map(|param| {
        // SAFETY: each holds two byte strings that are there for the call (caller).
        let (name, value) = unsafe {
            (
                borrowed(param.name.ptr.cast(), param.name.len, MAX_NAME)?,
                borrowed(param.value.ptr.cast(), param.value.len, abi::DELIVER_MAX_VALUE)?,
            )
        };
        let name = std::str::from_utf8(name).map_err(|_| abi::E_ARGUMENT)?;
        Ok((name.to_owned(), Secret::new(value)))
    });
    copies.collect()
}
