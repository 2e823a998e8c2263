//! What the kind answers besides the verdict.

use std::ffi::{CStr, c_void};
use std::time::Duration;

use crate::{Failure, Host, Record, Verdict, abi};

/// The answer being written. What the host refuses (too large, of another request) makes the reply void: it accepts
/// nothing then, so nothing needs to be checked here.
pub struct Reply<'a> {
    raw: *mut abi::Reply,
    host: Host<'a>,
}

type Put = unsafe extern "C" fn(*mut abi::Reply, *const c_void, usize) -> abi::Status;
type PutNamed =
    unsafe extern "C" fn(*mut abi::Reply, *const std::ffi::c_char, *const c_void, usize) -> abi::Status;

impl<'a> Reply<'a> {
    /// # Safety
    /// `raw` must be a reply of `host`, valid for `'a` and used by nobody else meanwhile.
    pub(crate) unsafe fn new(raw: *mut abi::Reply, host: Host<'a>) -> Self {
        Self { raw, host }
    }

    pub(crate) fn host(&self) -> Host<'a> {
        self.host
    }

    pub(crate) fn raw(&self) -> *mut abi::Reply {
        self.raw
    }

    /// `normalize`: the canonical form. A *found* kind: who it is, in `verify` unless resolved, and in an `enroll` of
    /// somebody who has no user yet. 1 to 1024 bytes.
    pub fn identifier(&mut self, identifier: &[u8]) {
        self.put(self.host.table().identifier, identifier);
    }

    /// `enroll`: what to store for this user. At most one record a reply; stored only with `Accept`.
    pub fn new_record(&mut self, bytes: &[u8]) {
        self.put_record(std::ptr::null(), bytes);
    }

    /// Replaces one of the request's records. `Accept` then holds only if nobody else changed it since it was read.
    pub fn replace_record(&mut self, record: &Record<'_>, bytes: &[u8]) {
        self.put_record(record.id().as_ptr(), bytes);
    }

    /// `verify`: this was the last thing in one of the request's records. Its user still holds it and cannot prove it any
    /// more; the request's records come without it from now on.
    pub fn spend_record(&mut self, record: &Record<'_>) {
        self.put_record(record.id().as_ptr(), &[]);
    }

    /// The label of the record that is put, at most 255 bytes.
    pub fn label(&mut self, label: &str) {
        self.put(self.host.table().label, label.as_bytes());
    }

    /// The handle of a new record, or, with `Resolve`, the one that the credentials name. At most 1024 bytes.
    pub fn handle(&mut self, handle: &[u8]) {
        self.put(self.host.table().handle, handle);
    }

    /// The record that the credentials matched, where nothing in it changes.
    pub fn used_record(&mut self, record: &Record<'_>) {
        if let Some(used) = self.host.table().used_record {
            // SAFETY: the host's function on the host's reply; the id is 16 bytes and outlives the call.
            unsafe { used(self.raw, record.id().as_ptr()) };
        }
    }

    /// With `Continue`: what `step` gets back. Zero `lifetime` is the host's default, which is also the most. Begin it
    /// with a version of your own.
    pub fn state(&mut self, state: &[u8], lifetime: Duration) {
        let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
        if let Some(put) = self.host.table().state {
            // SAFETY: the host's function on the host's reply; the state outlives the call.
            unsafe { put(self.raw, state.as_ptr().cast(), state.len(), seconds) };
        }
    }

    /// With `Continue`: a named value for the next step.
    pub fn challenge(&mut self, name: &CStr, value: &[u8]) {
        self.put_named(self.host.table().challenge, name, value);
    }

    /// With `Accept` of an enrollment or update: a named value shown now and never again.
    pub fn show_once(&mut self, name: &CStr, value: &[u8]) {
        self.put_named(self.host.table().show_once, name, value);
    }

    /// An asserted (verify) or described (describe) attribute, as JSON.
    pub fn attribute(&mut self, name: &CStr, json: &str) {
        self.put_named(self.host.table().attribute, name, json.as_bytes());
    }

    /// With `Deny(InvalidInput)` of an enrollment or update: one rule that the input breaks. Say all of them.
    pub fn violation(&mut self, field: &CStr, code: &CStr, limit: i64) {
        if let Some(violation) = self.host.table().violation {
            // SAFETY: the host's function on the host's reply; both texts end with NUL and outlive the call.
            unsafe { violation(self.raw, field.as_ptr(), code.as_ptr(), limit) };
        }
    }

    /// Why it failed, for the operator's log: never a secret.
    pub fn message(&mut self, text: &str) {
        if let Some(message) = self.host.table().message {
            // SAFETY: the host's function on the host's reply; the text outlives the call.
            unsafe { message(self.raw, text.as_ptr().cast(), text.len()) };
        }
    }

    /// Writes what the operation returned: the verdict on the reply, and the status for the host.
    pub(crate) fn conclude(&mut self, outcome: Result<Verdict, Failure>) -> abi::Status {
        let (verdict, reason) = match outcome {
            Ok(Verdict::Accept) => (abi::ACCEPT, 0),
            Ok(Verdict::AcceptTwoInOne) => (abi::ACCEPT, abi::ACCEPT_TWO_IN_ONE),
            Ok(Verdict::Continue) => (abi::CONTINUE, 0),
            Ok(Verdict::Deny(reason)) => (abi::DENY, reason as u32),
            Ok(Verdict::Resolve) => (abi::RESOLVE, 0),
            Err(failure) => {
                self.message(failure.message());
                return failure.status();
            }
        };
        match self.host.table().verdict {
            // SAFETY: the host's function on the host's reply.
            Some(write) => unsafe { write(self.raw, verdict, reason) },
            None => abi::E_UNSUPPORTED,
        }
    }

    fn put(&mut self, entry: Option<Put>, bytes: &[u8]) {
        if let Some(put) = entry {
            // SAFETY: the host's function on the host's reply; the bytes outlive the call.
            unsafe { put(self.raw, bytes.as_ptr().cast(), bytes.len()) };
        }
    }

    fn put_named(&mut self, entry: Option<PutNamed>, name: &CStr, bytes: &[u8]) {
        if let Some(put) = entry {
            // SAFETY: as in `put`; the name ends with NUL.
            unsafe { put(self.raw, name.as_ptr(), bytes.as_ptr().cast(), bytes.len()) };
        }
    }

    fn put_record(&mut self, id: *const u8, bytes: &[u8]) {
        if let Some(put) = self.host.table().put_record {
            // SAFETY: as in `put`; the id is NULL or a record's 16 bytes.
            unsafe { put(self.raw, id, bytes.as_ptr().cast(), bytes.len()) };
        }
    }
}
