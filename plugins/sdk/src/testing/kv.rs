//! `doorward.kv/1` of the test host: in memory, by the test host's clock.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::Mutex;

use super::host::{Call, fill, shared};
use super::plugin::passed;
use super::{TestHost, trace};
use crate::abi;

/// Provider name and key, to what is kept.
pub(super) type Kept = Mutex<BTreeMap<(String, Vec<u8>), Entry>>;

/// One value.
pub(super) struct Entry {
    value: Value,
    version: i64,
    /// Seconds since 1970; `None`: it stays.
    expires_at: Option<i64>,
}

enum Value {
    Bytes(Vec<u8>),
    Counter(i64),
}

impl Value {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Counter(sum) => sum.to_le_bytes().to_vec(),
        }
    }
}

impl TestHost {
    /// Forgets everything that providers keep, and what was counted for them.
    pub fn forget(&self) {
        self.reopen();
        if let Ok(mut kept) = self.shared().kept.lock() {
            kept.clear();
        }
    }

    /// What the provider of that name keeps under the key, if it has not expired.
    pub fn kept(&self, provider: &str, key: &[u8]) -> Option<Vec<u8>> {
        let kept = self.shared().kept.lock().ok()?;
        kept.get(&(provider.to_owned(), key.to_vec()))
            .filter(|entry| entry.is_live(self.unix_seconds()))
            .map(|entry| entry.value.bytes())
    }
}

impl Entry {
    fn is_live(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

pub(super) static TABLE: abi::Kv = abi::Kv {
    struct_size: crate::module::size_of_u32::<abi::Kv>(),
    reserved: 0,
    get: Some(get),
    put: Some(put),
    remove: Some(remove),
    add: Some(add),
};

/// One key of one call, with its entry as it is now: what a function may read and replace.
struct Slot<'a> {
    entry: &'a mut Option<Entry>,
    now: i64,
    version: i64,
}

impl Slot<'_> {
    fn holds(&self, expect: i64) -> bool {
        match expect {
            abi::KV_ANY => true,
            abi::KV_ABSENT => self.entry.is_none(),
            version => self.entry.as_ref().is_some_and(|entry| entry.version == version),
        }
    }

    fn end(&self, seconds: u32) -> Option<i64> {
        (seconds > 0).then(|| self.now.saturating_add(seconds.into()))
    }
}

/// Checks a call as the contract says, and gives its key's slot to `work`.
fn with_slot(
    name: &'static str,
    host: *const abi::Host,
    call: *const abi::Call,
    key: *const c_void,
    key_len: usize,
    work: impl FnOnce(&mut Slot<'_>) -> abi::Status,
) -> abi::Status {
    if let Some(status) = trace::meet(name) {
        return status;
    }
    let Some(key) = passed(key, key_len) else {
        return abi::E_ARGUMENT;
    };
    if key.len() > abi::KV_MAX_KEY {
        return abi::E_TOO_LARGE;
    }
    if call.is_null() || key.is_empty() {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL; `Provider::run` made it, and it lives until the operation returns.
    let call = unsafe { &*call.cast::<Call>() };
    if let Some(refusal) = call.refuses_waiting() {
        return refusal;
    }
    let host = shared(host);
    let Ok(mut kept) = host.kept.lock() else {
        return abi::E_INTERNAL;
    };
    let now = host.unix_seconds();
    let at = (call.provider.clone(), key.to_vec());
    let mut entry = kept.remove(&at).filter(|entry| entry.is_live(now));
    let status = work(&mut Slot {
        entry: &mut entry,
        now,
        version: host.next_number(),
    });
    if let Some(entry) = entry {
        kept.insert(at, entry);
    }
    status
}

/// Writes a number where the plugin wants it.
fn tell(number: i64, out: *mut i64) -> abi::Status {
    if !out.is_null() {
        // SAFETY: not NULL, and the plugin's to be written.
        unsafe { out.write(number) };
    }
    abi::OK
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
    with_slot("kv.get", host, call, key, key_len, |slot| {
        let Some(entry) = &slot.entry else {
            return abi::E_NOT_FOUND;
        };
        match fill(&entry.value.bytes(), out.cast(), capacity, written) {
            abi::OK => tell(entry.version, version),
            status => status,
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
    with_slot("kv.put", host, call, key, key_len, |slot| {
        if value_len > abi::KV_MAX_VALUE {
            return abi::E_TOO_LARGE;
        }
        let Some(value) = passed(value, value_len).filter(|_| expect >= abi::KV_ANY) else {
            return abi::E_ARGUMENT;
        };
        if !slot.holds(expect) {
            return abi::E_CONFLICT;
        }
        *slot.entry = Some(Entry {
            value: Value::Bytes(value.to_vec()),
            version: slot.version,
            expires_at: slot.end(seconds),
        });
        tell(slot.version, version)
    })
}

unsafe extern "C" fn remove(
    host: *const abi::Host,
    call: *const abi::Call,
    key: *const c_void,
    key_len: usize,
    expect: i64,
) -> abi::Status {
    with_slot("kv.remove", host, call, key, key_len, |slot| {
        if expect < abi::KV_ANY || expect == abi::KV_ABSENT {
            return abi::E_ARGUMENT;
        }
        if slot.entry.is_none() {
            return abi::E_NOT_FOUND;
        }
        if !slot.holds(expect) {
            return abi::E_CONFLICT;
        }
        *slot.entry = None;
        abi::OK
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
    with_slot("kv.add", host, call, key, key_len, |slot| {
        let (before, expires_at) = match &slot.entry {
            None => (0, slot.end(seconds)),
            Some(Entry {
                value: Value::Counter(before),
                expires_at,
                ..
            }) => (*before, *expires_at),
            Some(_) => return abi::E_FORMAT,
        };
        let Some(now) = before.checked_add(delta) else {
            return abi::E_TOO_LARGE;
        };
        *slot.entry = Some(Entry {
            value: Value::Counter(now),
            version: slot.version,
            expires_at,
        });
        tell(now, sum)
    })
}
