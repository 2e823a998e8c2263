//! What a provider asks of the host while an operation runs, and under which conditions.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use doorward_plugin::abi;
use doorward_runtime::direct::Circumstances;

/// How the host behaves during one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The host call (0 is the first that can fail) that fails, and its status. An extension is then not there.
    pub failing: Option<(usize, i32)>,
    /// What `remaining_ns` says; below 0 as 0.
    pub remaining_ns: i64,
    /// What `cancelled` says.
    pub cancelled: bool,
    /// Every counter of `doorward.limit/1` is closed, for a minute.
    pub closed: bool,
    /// Requests of a later version: larger structs, flags that nobody knows yet.
    pub newer: bool,
}

impl Default for Conditions {
    /// A second is left, and nothing fails.
    fn default() -> Self {
        Self {
            failing: None,
            remaining_ns: 1_000_000_000,
            cancelled: false,
            closed: false,
            newer: false,
        }
    }
}

impl Conditions {
    /// What of them the caller of an operation makes.
    pub(crate) fn circumstances(self) -> Circumstances {
        Circumstances {
            left: Duration::from_nanos(u64::try_from(self.remaining_ns).unwrap_or(0)),
            is_cancelled: self.cancelled,
            newer: self.newer,
        }
    }
}

/// Host functions that cannot fail.
pub const INFALLIBLE: [&str; 7] = [
    "cancelled",
    "ct_equal",
    "log",
    "monotonic_ns",
    "remaining_ns",
    "unix_micros",
    "wipe",
];

/// The host calls of one operation, and the one that fails.
pub(crate) struct Trace {
    failing: Option<(usize, i32)>,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    names: Vec<&'static str>,
    /// How many of them could fail.
    fallible: usize,
}

impl Trace {
    pub(crate) fn under(conditions: Conditions) -> Self {
        Self {
            failing: conditions.failing,
            calls: Mutex::default(),
        }
    }

    /// A host function is called; the status with which it fails, if it is its turn.
    pub(crate) fn meet(&self, function: &'static str) -> Result<(), abi::Status> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.names.push(function);
        if INFALLIBLE.contains(&function) {
            return Ok(());
        }
        let index = calls.fallible;
        calls.fallible += 1;
        match self.failing {
            Some((failing, status)) if failing == index => Err(status),
            _ => Ok(()),
        }
    }

    /// What was called so far.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.names.clone()
    }
}
