//! Bytes: random, wiped, compared, hashed, encoded, sealed.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::{c_char, c_void};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_plugin_abi as abi;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::entry::{MAX_INPUT, attempt, guarded, name, services_of};
use crate::foreign::{borrowed, deliver, put};
use crate::frame;
use doorward_base::secret;

pub(super) unsafe extern "C" fn random(host: *const abi::Host, out: *mut c_void, len: usize) -> abi::Status {
    attempt(|| {
        frame::called("random")?;
        if len == 0 {
            return Ok(abi::OK);
        }
        if out.is_null() || len > MAX_INPUT {
            return Err(abi::E_ARGUMENT);
        }
        // SAFETY: the header asks for the table that the plugin got.
        let services = unsafe { services_of(host) }?;
        let mut bytes = zeroize::Zeroizing::new(vec![0; len]);
        services.random(&mut bytes)?;
        // SAFETY: the header asks for room for `len` bytes at `out`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), out.cast(), len) };
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn wipe(memory: *mut c_void, len: usize) {
    guarded((), || frame::noted("wipe"));
    if memory.is_null() || len == 0 || isize::try_from(len).is_err() {
        return;
    }
    // SAFETY: the header asks for `len` bytes of the plugin's at `memory`.
    let bytes = unsafe { std::slice::from_raw_parts_mut(memory.cast::<u8>(), len) };
    zeroize::Zeroize::zeroize(bytes);
}

pub(super) unsafe extern "C" fn ct_equal(a: *const c_void, b: *const c_void, len: usize) -> i32 {
    guarded((), || frame::noted("ct_equal"));
    // SAFETY: the header asks for `len` bytes at both.
    match unsafe { (borrowed(a, len, MAX_INPUT), borrowed(b, len, MAX_INPUT)) } {
        (Ok(a), Ok(b)) => i32::from(secret::equal(a, b)),
        _ => 0,
    }
}

pub(super) unsafe extern "C" fn sha256(data: *const c_void, len: usize, out: *mut u8) -> abi::Status {
    attempt(|| {
        frame::called("sha256")?;
        // SAFETY: the header asks for `len` bytes at `data`.
        let data = unsafe { borrowed(data, len, MAX_INPUT) }?;
        let hash: [u8; 32] = Sha256::digest(data).into();
        // SAFETY: the header asks for room for 32 bytes at `out`.
        Ok(unsafe { put(hash, out.cast()) })
    })
}

pub(super) unsafe extern "C" fn hmac_sha256(
    key: *const c_void,
    key_len: usize,
    data: *const c_void,
    len: usize,
    out: *mut u8,
) -> abi::Status {
    attempt(|| {
        frame::called("hmac_sha256")?;
        // SAFETY: the header asks for as many bytes at `key` and `data`.
        let (key, data) = unsafe {
            (
                borrowed(key, key_len, MAX_INPUT)?,
                borrowed(data, len, MAX_INPUT)?,
            )
        };
        let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| abi::E_ARGUMENT)?;
        let tag: [u8; 32] = mac.chain_update(data).finalize().into_bytes().into();
        // SAFETY: the header asks for room for 32 bytes at `out`.
        Ok(unsafe { put(tag, out.cast()) })
    })
}

pub(super) unsafe extern "C" fn base64url_encode(
    data: *const c_void,
    len: usize,
    out: *mut c_char,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("base64url_encode")?;
        // SAFETY: the header asks for `len` bytes at `data`.
        let data = unsafe { borrowed(data, len, MAX_INPUT) }?;
        let text = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.encode(data));
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(text.as_bytes(), out.cast(), capacity, written) })
    })
}

pub(super) unsafe extern "C" fn base64url_decode(
    text: *const c_char,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("base64url_decode")?;
        // SAFETY: the header asks for `len` bytes at `text`.
        let text = unsafe { borrowed(text.cast(), len, MAX_INPUT) }?;
        let data = URL_SAFE_NO_PAD.decode(text).map_err(|_| abi::E_FORMAT)?;
        let data = zeroize::Zeroizing::new(data);
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(&data, out, capacity, written) })
    })
}

pub(super) unsafe extern "C" fn seal(
    host: *const abi::Host,
    call: *const abi::Call,
    purpose: *const c_char,
    data: *const c_void,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("seal")?;
        // SAFETY: the header asks for a NUL-terminated purpose, `len` bytes of data and the table the plugin got.
        let (purpose, data, services) = unsafe {
            (
                name(purpose)?,
                borrowed(data, len, MAX_INPUT)?,
                services_of(host)?,
            )
        };
        let sealed = frame::with_call(call, |call| {
            services.seal(call.ok_or(abi::E_ARGUMENT)?, &purpose, data)
        })?;
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(sealed.expose(), out, capacity, written) })
    })
}

pub(super) unsafe extern "C" fn unseal(
    host: *const abi::Host,
    call: *const abi::Call,
    purpose: *const c_char,
    data: *const c_void,
    len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    attempt(|| {
        frame::called("unseal")?;
        // SAFETY: the header asks for a NUL-terminated purpose, `len` bytes of data and the table the plugin got.
        let (purpose, data, services) = unsafe {
            (
                name(purpose)?,
                borrowed(data, len, MAX_INPUT)?,
                services_of(host)?,
            )
        };
        let plain = frame::with_call(call, |call| {
            services.unseal(call.ok_or(abi::E_ARGUMENT)?, &purpose, data)
        })?;
        // SAFETY: the header asks for room for `capacity` bytes and for a `size_t`.
        Ok(unsafe { deliver(plain.expose(), out, capacity, written) })
    })
}
