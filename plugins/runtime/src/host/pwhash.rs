//! The extension `doorward.pwhash/1`: Argon2id within the memory budget, for kinds that keep something like a password.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::{c_char, c_void};

use doorward_plugin_abi as abi;

use super::entry::{attempt, services_of};
use crate::call::Call;
use crate::foreign::{borrowed, count, deliver, put};
use crate::frame;
use crate::host_services::{Given, HostServices};
use crate::password::MAX_BYTES;
use doorward_base::secret::Secret;

/// The table: the same in all contexts, for it finds its hasher through the host table.
pub(super) static TABLE: abi::Pwhash = abi::Pwhash {
    struct_size: count(size_of::<abi::Pwhash>()),
    reserved: 0,
    hash: Some(hash),
    verify: Some(verify),
    needs_rehash: Some(needs_rehash),
};

/// A PHC string of a password.
pub(crate) fn hashed(services: &dyn HostServices, call: Option<&Call<'_>>, password: &[u8]) -> Given<Secret> {
    if password.len() > MAX_BYTES {
        return Err(abi::E_TOO_LARGE);
    }
    services.hash(call.ok_or(abi::E_ARGUMENT)?, password)
}

/// What the password is against a PHC string: `ACCEPT` or `DENY`.
pub(crate) fn verified(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    password: &[u8],
    phc: &[u8],
) -> Given<u32> {
    if password.len() > abi::limit::FIELD || phc.len() > abi::PWHASH_MAX {
        return Err(abi::E_TOO_LARGE);
    }
    let is_right = services.verify(call.ok_or(abi::E_ARGUMENT)?, password, phc)?;
    Ok(if is_right { abi::ACCEPT } else { abi::DENY })
}

/// Whether a new hash would be another one.
pub(crate) fn outdated(services: &dyn HostServices, phc: &[u8]) -> Given<bool> {
    if phc.len() > abi::PWHASH_MAX {
        return Err(abi::E_TOO_LARGE);
    }
    services.needs_rehash(phc)
}

unsafe extern "C" fn hash(
    host: *const abi::Host,
    call: *const abi::Call,
    password: *const c_void,
    password_len: usize,
    out: *mut c_char,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("pwhash.hash")?;
        // SAFETY: the header asks for the table that the plugin got and for `password_len` bytes.
        let (services, password) =
            unsafe { (services_of(host)?, borrowed(password, password_len, MAX_BYTES)?) };
        let phc = frame::with_call(call, |call| hashed(&*services, call, password))?;
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(phc.expose(), out.cast(), capacity, written) })
    })
}

unsafe extern "C" fn verify(
    host: *const abi::Host,
    call: *const abi::Call,
    password: *const c_void,
    password_len: usize,
    phc: *const c_char,
    phc_len: usize,
    verdict: *mut u32,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the header asks for an out-pointer; it must not keep an old ACCEPT on any way out of here.
        let status = unsafe { put(abi::DENY, verdict) };
        if status != abi::OK {
            return Err(status);
        }
        frame::called("pwhash.verify")?;
        // SAFETY: the header asks for the table that the plugin got and for as many bytes at both.
        let (services, password, phc) = unsafe {
            (
                services_of(host)?,
                borrowed(password, password_len, abi::limit::FIELD)?,
                borrowed(phc.cast(), phc_len, abi::PWHASH_MAX)?,
            )
        };
        let answer = frame::with_call(call, |call| verified(&*services, call, password, phc))?;
        // SAFETY: as above.
        Ok(unsafe { put(answer, verdict) })
    })
}

unsafe extern "C" fn needs_rehash(
    host: *const abi::Host,
    phc: *const c_char,
    phc_len: usize,
    needed: *mut i32,
) -> abi::Status {
    attempt(|| {
        frame::called("pwhash.needs_rehash")?;
        // SAFETY: the header asks for the table that the plugin got and for `phc_len` bytes.
        let (services, phc) = unsafe {
            (
                services_of(host)?,
                borrowed(phc.cast(), phc_len, abi::PWHASH_MAX)?,
            )
        };
        let answer = outdated(&*services, phc)?;
        // SAFETY: the header asks for an out-pointer.
        Ok(unsafe { put(i32::from(answer), needed) })
    })
}
