//! `doorward.pwhash/1` of the test host.

use std::ffi::{c_char, c_void};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::host::{draw, fill};
use super::plugin::passed;
use super::trace;
use crate::abi;

pub(super) static TABLE: abi::Pwhash = abi::Pwhash {
    struct_size: crate::module::size_of_u32::<abi::Pwhash>(),
    reserved: 0,
    hash: Some(hash),
    verify: Some(verify),
    needs_rehash: Some(needs_rehash),
};

/// Argon2id with the least parameters there are: tests are not to wait.
fn argon2(password: &[u8], salt: &[u8]) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    let params = Params::new(8, 1, 1, None).ok()?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password, salt, &mut hash)
        .ok()?;
    Some(hash)
}

const PHC_PREFIX: &str = "$argon2id$v=19$m=8,t=1,p=1$";

unsafe extern "C" fn hash(
    host: *const abi::Host,
    _call: *const abi::Call,
    password: *const c_void,
    password_len: usize,
    out: *mut c_char,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    if let Some(status) = trace::meet("pwhash.hash") {
        return status;
    }
    let mut salt = [0_u8; 16];
    let status = draw(host, salt.as_mut_ptr(), salt.len());
    let Some(hash) = passed(password, password_len).and_then(|password| argon2(password, &salt)) else {
        return abi::E_ARGUMENT;
    };
    if status != abi::OK {
        return status;
    }
    let phc = format!(
        "{PHC_PREFIX}{}${}",
        URL_SAFE_NO_PAD.encode(salt),
        URL_SAFE_NO_PAD.encode(hash)
    );
    fill(phc.as_bytes(), out.cast(), capacity, written)
}

unsafe extern "C" fn verify(
    _host: *const abi::Host,
    _call: *const abi::Call,
    password: *const c_void,
    password_len: usize,
    phc: *const c_char,
    phc_len: usize,
    verdict: *mut u32,
) -> abi::Status {
    if let Some(status) = trace::meet("pwhash.verify") {
        return status;
    }
    let (Some(password), Some(phc)) = (passed(password, password_len), passed(phc.cast(), phc_len)) else {
        return abi::E_ARGUMENT;
    };
    let parts = std::str::from_utf8(phc)
        .ok()
        .and_then(|phc| phc.strip_prefix(PHC_PREFIX)?.split_once('$'))
        .and_then(|(salt, hash)| {
            Some((
                URL_SAFE_NO_PAD.decode(salt).ok()?,
                URL_SAFE_NO_PAD.decode(hash).ok()?,
            ))
        });
    if parts.is_none() && !phc.is_empty() {
        return abi::E_FORMAT;
    }
    let (salt, expected) = parts.unwrap_or_else(|| (vec![0; 16], Vec::new()));
    let Some(hash) = argon2(password, &salt) else {
        return abi::E_INTERNAL;
    };
    let matches = bool::from(expected.as_slice().ct_eq(hash.as_slice()));
    // SAFETY: the plugin's to be written.
    unsafe { verdict.write(if matches { abi::ACCEPT } else { abi::DENY }) };
    abi::OK
}

unsafe extern "C" fn needs_rehash(
    _host: *const abi::Host,
    phc: *const c_char,
    phc_len: usize,
    needed: *mut i32,
) -> abi::Status {
    if let Some(status) = trace::meet("pwhash.needs_rehash") {
        return status;
    }
    let Some(phc) = passed(phc.cast(), phc_len) else {
        return abi::E_ARGUMENT;
    };
    // SAFETY: the plugin's to be written.
    unsafe { needed.write(i32::from(!phc.starts_with(PHC_PREFIX.as_bytes()))) };
    abi::OK
}
