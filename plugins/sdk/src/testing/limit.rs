//! `doorward.limit/1` of the test host: in memory, by the test host's clock. What was open is counted with an answer that
//! Doorward would store.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::sync::Mutex;

use super::answer::{Answer, Outcome};
use super::host::{Call, Shared, shared};
use super::plugin::{passed, text};
use super::{TestHost, trace};
use crate::abi;

/// Provider name, name and subject.
type At = (String, String, Vec<u8>);

/// When each counter has forgotten all of its charges, in seconds since 1970.
pub(super) type Counters = Mutex<BTreeMap<At, i64>>;

thread_local! {
    /// What the operation of this thread was told is open, with the pace of each.
    static ASKED: RefCell<Vec<(At, i64)>> = const { RefCell::new(Vec::new()) };
}

pub(super) static TABLE: abi::Limit = abi::Limit {
    struct_size: crate::module::size_of_u32::<abi::Limit>(),
    reserved: 0,
    limit: Some(limit),
};

impl TestHost {
    /// Opens every counter: nothing has been charged.
    pub fn reopen(&self) {
        if let Ok(mut limits) = self.shared().limits.lock() {
            limits.clear();
        }
    }
}

/// An operation begins.
pub(super) fn begin() {
    ASKED.take();
}

/// It has ended: charges what it was told is open, if its answer is one that is stored.
pub(super) fn finish(host: &Shared, answer: &Answer) {
    let stores = match answer.outcome() {
        Outcome::Continue => true,
        Outcome::Accepted => matches!(answer.asked.purpose, abi::FOR_ENROLL | abi::FOR_UPDATE),
        _ => false,
    };
    let asked = ASKED.take();
    let Ok(mut counters) = host.limits.lock() else {
        return;
    };
    let now = host.unix_seconds();
    for (at, pace) in asked.into_iter().filter(|_| stores) {
        let until = counters.entry(at).or_default();
        *until = (*until).max(now).saturating_add(pace);
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 32 && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(plain)
}

unsafe extern "C" fn limit(
    host: *const abi::Host,
    call: *const abi::Call,
    name: *const c_char,
    subject: *const c_void,
    subject_len: usize,
    burst: u32,
    pace: u32,
    wait: *mut u32,
) -> abi::Status {
    if let Some(status) = trace::meet("limit.limit") {
        return status;
    }
    let (Some(subject), false, false) = (passed(subject, subject_len), call.is_null(), wait.is_null()) else {
        return abi::E_ARGUMENT;
    };
    // SAFETY: not NULL, and the plugin's to be written.
    unsafe { wait.write(u32::MAX) };
    // SAFETY: not NULL; `Provider::run` made it, and it lives until the operation returns.
    let call = unsafe { &*call.cast::<Call>() };
    if let Some(refusal) = call.refuses_waiting() {
        return refusal;
    }
    if subject.len() > abi::limit::IDENTIFIER {
        return abi::E_TOO_LARGE;
    }
    let name = text(name);
    let lasts = burst.checked_mul(pace).filter(|seconds| *seconds > 0);
    let possible = lasts.is_some_and(|seconds| seconds <= abi::LIMIT_MAX_SECONDS);
    if !is_name(&name) || subject.is_empty() || burst > abi::LIMIT_MAX_BURST || !possible {
        return abi::E_ARGUMENT;
    }
    let host = shared(host);
    let Ok(counters) = host.limits.lock() else {
        return abi::E_INTERNAL;
    };
    let at = (call.provider.clone(), name, subject.to_vec());
    let room = i64::from(burst - 1) * i64::from(pace);
    let until = counters.get(&at).copied().unwrap_or_default();
    let closed = if trace::conditions().closed {
        60
    } else {
        until
            .saturating_sub(host.unix_seconds().saturating_add(room))
            .max(0)
    };
    let status = if closed == 0 {
        ASKED.with_borrow_mut(|asked| {
            let entry = (at, i64::from(pace));
            if asked.contains(&entry) {
                abi::OK
            } else if asked.len() >= abi::LIMIT_MAX {
                abi::E_TOO_LARGE
            } else {
                asked.push(entry);
                abi::OK
            }
        })
    } else {
        abi::OK
    };
    if status == abi::OK {
        // SAFETY: as above.
        unsafe { wait.write(u32::try_from(closed).unwrap_or(u32::MAX)) };
    }
    status
}
