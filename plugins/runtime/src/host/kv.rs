//! The extension `doorward.kv/1`: what a kind keeps for its provider name besides records.
//!
//! Realm and provider name come from the call, never from the plugin, so there is no name by which it could reach what
//! another one keeps. Who really keeps it is a port, [`KeyValue`], for this module knows no store.

#![expect(unsafe_code, reason = "the functions take a plugin's pointers")]

use std::ffi::c_void;
use std::time::Duration;

use doorward_plugin_abi as abi;

use super::entry::{attempt, services_of};
use crate::call::Call;
use crate::foreign::{borrowed, count, deliver, put as give};
use crate::frame;
use crate::host_services::{Given, HostServices};
use crate::ports::{Kept, KeyAt, KeyValue};
use doorward_base::secret::Secret;

/// The table: the same in all contexts, for it finds who keeps through the host table.
pub(super) static TABLE: abi::Kv = abi::Kv {
    struct_size: count(size_of::<abi::Kv>()),
    reserved: 0,
    get: Some(get),
    put: Some(put),
    remove: Some(remove),
    add: Some(add),
};

/// Asks whoever keeps, for the running operation.
///
/// # Safety
/// `host` is NULL or a table of ours; `key` is NULL or points at `key_len` bytes.
unsafe fn asked<T>(
    host: *const abi::Host,
    call: *const abi::Call,
    key: *const c_void,
    key_len: usize,
    ask: impl FnOnce(&dyn HostServices, Option<&Call<'_>>, &[u8]) -> Given<T>,
) -> Given<T> {
    // SAFETY: as promised by the caller.
    let (services, key) = unsafe { (services_of(host)?, borrowed(key, key_len, abi::KV_MAX_KEY)?) };
    frame::with_call(call, |call| ask(&*services, call, key))
}

/// Asks whoever keeps, for this call.
fn kept<T>(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    key: &[u8],
    ask: impl FnOnce(&dyn KeyValue, &KeyAt<'_>, Duration) -> Kept<T>,
) -> Given<T> {
    if key.is_empty() {
        return Err(abi::E_ARGUMENT);
    }
    if key.len() > abi::KV_MAX_KEY {
        return Err(abi::E_TOO_LARGE);
    }
    let keeper = services.values().ok_or(abi::E_UNSUPPORTED)?;
    let call = call.ok_or(abi::E_ARGUMENT)?;
    let wait = call.may_wait()?;
    let at = KeyAt {
        realm: call.realm,
        provider: call.provider,
        key,
    };
    ask(keeper, &at, wait).map_err(abi::Status::from)
}

/// What stands under a key, and its version.
pub(crate) fn read(services: &dyn HostServices, call: Option<&Call<'_>>, key: &[u8]) -> Given<(Secret, i64)> {
    kept(services, call, key, <dyn KeyValue>::get)
}

/// Writes a value: its new version.
pub(crate) fn written(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    key: &[u8],
    (value, seconds, expect): (&[u8], u32, i64),
) -> Given<i64> {
    if expect < abi::KV_ANY {
        return Err(abi::E_ARGUMENT);
    }
    if value.len() > abi::KV_MAX_VALUE {
        return Err(abi::E_TOO_LARGE);
    }
    kept(services, call, key, |keeper, at, wait| {
        keeper.put(at, value, seconds, expect, wait)
    })
}

/// Forgets a value.
pub(crate) fn removed(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    key: &[u8],
    expect: i64,
) -> Given<()> {
    if expect < abi::KV_ANY || expect == abi::KV_ABSENT {
        return Err(abi::E_ARGUMENT);
    }
    kept(services, call, key, |keeper, at, wait| {
        keeper.remove(at, expect, wait)
    })
}

/// Adds to a counter: its sum.
pub(crate) fn added(
    services: &dyn HostServices,
    call: Option<&Call<'_>>,
    key: &[u8],
    (delta, seconds): (i64, u32),
) -> Given<i64> {
    kept(services, call, key, |keeper, at, wait| {
        keeper.add(at, delta, seconds, wait)
    })
}

/// Gives a number, where the plugin wants it.
///
/// # Safety
/// `out` is NULL or points at an `i64`.
unsafe fn told(number: i64, out: *mut i64) -> abi::Status {
    if out.is_null() {
        return abi::OK;
    }
    // SAFETY: as promised by the caller.
    unsafe { give(number, out) }
}

unsafe extern "C" fn get(
    host: *const abi::Host,
    call: *const abi::Call,
    key: *const c_void,
    key_len: usize,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
    version: *mut i64,
) -> abi::Status {
    attempt(|| {
        frame::called("kv.get")?;
        // SAFETY: the header asks for the table that the plugin got, for `key_len` bytes, for room for `capacity` bytes,
        // for a `size_t`, and for NULL or an `int64_t`.
        unsafe {
            let (value, current) = asked(host, call, key, key_len, read)?;
            match deliver(value.expose(), out, capacity, written) {
                abi::OK => Ok(told(current, version)),
                status => Err(status),
            }
        }
    })
}

unsafe extern "C" fn put(
    host: *const abi::Host,
    call: *const abi::Call,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    seconds: u32,
    expect: i64,
    version: *mut i64,
) -> abi::Status {
    attempt(|| {
        frame::called("kv.put")?;
        // SAFETY: the header asks for the table that the plugin got, for as many bytes at both, and for NULL or an
        // `int64_t`.
        unsafe {
            let value = borrowed(value, value_len, abi::KV_MAX_VALUE)?;
            let new = asked(host, call, key, key_len, |services, call, key| {
                written(services, call, key, (value, seconds, expect))
            })?;
            Ok(told(new, version))
        }
    })
}

unsafe extern "C" fn remove(
    host: *const abi::Host,
    call: *const abi::Call,
    key: *const c_void,
    key_len: usize,
    expect: i64,
) -> abi::Status {
    attempt(|| {
        frame::called("kv.remove")?;
        // SAFETY: the header asks for the table that the plugin got and for `key_len` bytes.
        unsafe {
            asked(host, call, key, key_len, |services, call, key| {
                removed(services, call, key, expect)
            })
        }
        .map(|()| abi::OK)
    })
}

unsafe extern "C" fn add(
    host: *const abi::Host,
    call: *const abi::Call,
    key: *const c_void,
    key_len: usize,
    delta: i64,
    seconds: u32,
    sum: *mut i64,
) -> abi::Status {
    attempt(|| {
        frame::called("kv.add")?;
        // SAFETY: the header asks for the table that the plugin got, for `key_len` bytes, and for NULL or an `int64_t`.
        unsafe {
            let now = asked(host, call, key, key_len, |services, call, key| {
                added(services, call, key, (delta, seconds))
            })?;
            Ok(told(now, sum))
        }
    })
}
