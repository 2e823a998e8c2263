//! The built-in kind `password`, registered through the very same table as a loaded one.
//!
//! One record per user: the PHC string. Unknown user, user without a password, disabled user and wrong password take
//! the same path through the same hasher. A hash made at another cost, or with another pepper, is replaced at the next
//! sign-in by compare-and-swap.

#![expect(
    unsafe_code,
    reason = "operations take the pointers of the plugin ABI, built in or not"
)]

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use doorward_plugin_abi as abi;

use super::call::Call;
use super::foreign::{borrowed, count};
use super::frame;
use super::host::attempt;
use super::host_services::HostServices;
use super::ports::status_of;
use super::statics::StaticPlugin;
use crate::password::{Against, Context, MAX_BYTES, Standing, Verdict};
use doorward_base::error::{Error, ErrorKind};
use doorward_base::secret::Secret;

/// The kind's name.
pub(crate) const PASSWORD: &str = "password";
/// Version of the record: the PHC string, nothing else.
const FORMAT: u32 = 1;

/// The module with the built-in kinds.
pub(super) const fn plugin() -> StaticPlugin {
    // SAFETY: `entry` below returns constant data; the operations are written against the header.
    unsafe { StaticPlugin::new("built in", entry) }
}

/// Constant data with pointers to constant data.
struct Constant<T>(T);

// SAFETY: nothing writes to it, and what it points at is constant as well.
unsafe impl<T> Sync for Constant<T> {}

const fn field(
    autocomplete: *const c_char,
    flags: u32,
    max_len: usize,
    purposes: u32,
) -> Constant<abi::Field> {
    Constant(abi::Field {
        struct_size: count(size_of::<abi::Field>()),
        flags: abi::SECRET | flags,
        name: c"password".as_ptr(),
        autocomplete,
        max_len: count(max_len),
        purposes,
        step: 0,
        reserved: 0,
    })
}

static CURRENT: Constant<abi::Field> = field(c"current-password".as_ptr(), 0, MAX_BYTES, abi::FOR_VERIFY);
/// Optional: a fresh proof, or a recovery token, stands in for the old password.
static REPLACED: Constant<abi::Field> = field(
    c"current-password".as_ptr(),
    abi::OPTIONAL,
    MAX_BYTES,
    abi::FOR_UPDATE,
);
/// Longer than what is taken, so that the policy can name its own limit among all other violations.
static NEW: Constant<abi::Field> = field(
    c"new-password".as_ptr(),
    0,
    abi::limit::FIELD,
    abi::FOR_ENROLL | abi::FOR_UPDATE_NEW,
);
static FIELDS: Constant<[*const abi::Field; 3]> =
    Constant([&raw const CURRENT.0, &raw const REPLACED.0, &raw const NEW.0]);

static KIND: Constant<abi::Kind> = Constant(abi::Kind {
    struct_size: count(size_of::<abi::Kind>()),
    flags: abi::KEEPS_RECORDS | abi::CAN_START,
    name: c"password".as_ptr(),
    title: c"Password".as_ptr(),
    identifier_source: abi::SOURCE_GIVEN,
    factor: abi::FACTOR_KNOWLEDGE,
    channel: c"password".as_ptr(),
    fields: (&raw const FIELDS.0).cast(),
    n_fields: 3,
    normalize_version: 0,
    record_version: FORMAT,
    max_record: count(abi::PWHASH_MAX),
    max_state: 0,
    default_deadline_ms: 0,
    max_concurrency: 0,
    reserved: 0,
    config_schema: ptr::null(),
    open: None,
    close: None,
    start: None,
    stop: None,
    normalize: None,
    enroll: Some(enroll),
    verify: Some(verify),
    update: Some(update),
    step: None,
    describe: None,
    health: None,
});
static KINDS: Constant<[*const abi::Kind; 1]> = Constant([&raw const KIND.0]);

static MODULE: Constant<abi::Module> = Constant(abi::Module {
    struct_size: count(size_of::<abi::Module>()),
    magic: abi::MAGIC,
    abi_major: abi::ABI_MAJOR,
    abi_minor: abi::ABI_MINOR,
    min_host_minor: 0,
    reserved: 0,
    flags: 0,
    n_kinds: 1,
    kinds: (&raw const KINDS.0).cast(),
    id: c"org.doorward.builtin".as_ptr(),
    version: c"1".as_ptr(),
    vendor: c"Doorward".as_ptr(),
    license: c"MIT OR Apache-2.0".as_ptr(),
    load: None,
    extension: None,
});

unsafe extern "C" fn entry() -> *const abi::Module {
    &raw const MODULE.0
}

unsafe extern "C" fn enroll(
    _: *mut abi::Instance,
    rq: *const abi::Request,
    rp: *mut abi::Reply,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the host passes a request that lives until this returns, and its reply.
        let asked = unsafe { Asked::of(rq, rp) }?;
        let password = asked.new_password()?;
        if asked.breaks_policy(&password)? {
            return Ok(asked.verdict(abi::DENY, abi::INVALID_INPUT));
        }
        asked.put(None, &asked.hash(password)?);
        Ok(asked.verdict(abi::ACCEPT, 0))
    })
}

unsafe extern "C" fn verify(
    _: *mut abi::Instance,
    rq: *const abi::Request,
    rp: *mut abi::Reply,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the host passes a request that lives until this returns, and its reply.
        let asked = unsafe { Asked::of(rq, rp) }?;
        let password = asked.password().ok_or(abi::E_ARGUMENT)?;
        let record = asked.record();
        match (asked.compare(&password, record)?, record) {
            (Verdict::Matched(Standing::BelowFloor), Some(_)) => {
                Ok(asked.verdict(abi::DENY, abi::MUST_CHANGE))
            }
            (Verdict::Matched(standing), Some(record)) => {
                // No room for a better hash now is no reason to refuse: the next sign-in tries again.
                if standing == Standing::Stale
                    && let Ok(better) = asked.hash(password)
                {
                    asked.put(Some(record), &better);
                }
                Ok(asked.verdict(abi::ACCEPT, 0))
            }
            (_, None) => Ok(asked.verdict(abi::DENY, abi::NOT_ENROLLED)),
            (Verdict::Wrong, Some(_)) => Ok(asked.verdict(abi::DENY, abi::WRONG)),
        }
    })
}

unsafe extern "C" fn update(
    _: *mut abi::Instance,
    rq: *const abi::Request,
    rp: *mut abi::Reply,
) -> abi::Status {
    attempt(|| {
        // SAFETY: the host passes a request that lives until this returns, and its reply.
        let asked = unsafe { Asked::of(rq, rp) }?;
        let record = asked.record();
        if let Some(old) = asked.password()
            && asked.compare(&old, record)? == Verdict::Wrong
        {
            return Ok(asked.verdict(abi::DENY, abi::WRONG));
        }
        let password = asked.new_password()?;
        if asked.breaks_policy(&password)? {
            return Ok(asked.verdict(abi::DENY, abi::INVALID_INPUT));
        }
        asked.put(record, &asked.hash(password)?);
        Ok(asked.verdict(abi::ACCEPT, 0))
    })
}

/// A request to this kind, and where its answer goes.
struct Asked<'a> {
    rq: &'a abi::Request,
    rp: *mut abi::Reply,
    host: &'a abi::Host,
    services: Arc<dyn HostServices>,
}

impl<'a> Asked<'a> {
    /// # Safety
    /// `rq` and what it points at live during `'a`; `rp` is the reply to it.
    unsafe fn of(rq: *const abi::Request, rp: *mut abi::Reply) -> Result<Self, abi::Status> {
        // SAFETY: as promised by the caller.
        let rq = unsafe { rq.as_ref() }.ok_or(abi::E_ARGUMENT)?;
        // SAFETY: the host's table lives for ever (header).
        let host = unsafe { rq.host.as_ref() }.ok_or(abi::E_ARGUMENT)?;
        let services = frame::services().ok_or(abi::E_UNAVAILABLE)?;
        Ok(Self {
            rq,
            rp,
            host,
            services,
        })
    }

    fn bytes(from: abi::Bytes) -> &'a [u8] {
        // SAFETY: all bytes of a request live as long as it does (header).
        unsafe { borrowed(from.ptr.cast(), from.len, usize::MAX) }.unwrap_or_default()
    }

    fn find(values: *const abi::Pair, count: u32) -> Option<Secret> {
        if count == 0 || values.is_null() {
            return None;
        }
        // SAFETY: a request has as many values as it says, and they live as long as it does (header).
        let values = unsafe { std::slice::from_raw_parts(values, count as usize) };
        values
            .iter()
            .find(|value| Self::bytes(value.name) == PASSWORD.as_bytes())
            .map(|value| Secret::new(Self::bytes(value.value)))
    }

    /// The password to be verified.
    fn password(&self) -> Option<Secret> {
        Self::find(self.rq.credentials, self.rq.n_credentials)
    }

    /// The password to be set.
    fn new_password(&self) -> Result<Secret, abi::Status> {
        let found = if self.rq.operation == abi::OP_UPDATE {
            Self::find(self.rq.new_credentials, self.rq.n_new_credentials)
        } else {
            self.password()
        };
        found.ok_or(abi::E_ARGUMENT)
    }

    /// The user's one record.
    fn record(&self) -> Option<&'a abi::Record> {
        if self.rq.n_records == 0 || self.rq.records.is_null() {
            return None;
        }
        // SAFETY: a request has as many pointers to records as it says (header).
        let first = unsafe { self.rq.records.read() };
        // SAFETY: each leads to a record that lives as long as the request (header).
        unsafe { first.as_ref() }
    }

    /// Verifies against the record, or does the same work against nothing.
    fn compare(&self, password: &Secret, record: Option<&abi::Record>) -> Result<Verdict, abi::Status> {
        let hasher = self.services.hasher().ok_or(abi::E_UNSUPPORTED)?;
        let against = match record {
            Some(record) if record.format != FORMAT => return Err(abi::E_FORMAT),
            Some(record) => Against::Stored(Self::bytes(record.bytes)),
            None => Against::Nobody,
        };
        hasher
            .verify(password.clone(), against, self.remaining())
            .wait()
            .map_err(|error| status_of(&error))
    }

    fn hash(&self, password: Secret) -> Result<Secret, abi::Status> {
        let hasher = self.services.hasher().ok_or(abi::E_UNSUPPORTED)?;
        hasher
            .hash(password, self.remaining())
            .wait()
            .map_err(|error| status_of(&error))
    }

    fn remaining(&self) -> Duration {
        frame::with_call(self.rq.call, |call| call.map(Call::remaining)).unwrap_or_default()
    }

    /// Writes every rule of the policy that the password breaks; true: there is one.
    fn breaks_policy(&self, password: &Secret) -> Result<bool, abi::Status> {
        let policy = self.services.policy().ok_or(abi::E_UNSUPPORTED)?;
        let known = [
            self.rq.identifier_raw,
            self.rq.identifier,
            self.rq.display,
            self.rq.provider,
        ];
        let context = Context::of(
            known
                .iter()
                .filter_map(|text| std::str::from_utf8(Self::bytes(*text)).ok()),
        );
        let Err(error) = policy.check(password, &context) else {
            return Ok(false);
        };
        if error.kind() != ErrorKind::PolicyViolation {
            return Err(status_of(&error));
        }
        self.say(&error)?;
        Ok(true)
    }

    fn say(&self, error: &Error) -> Result<(), abi::Status> {
        let write = self.host.violation.ok_or(abi::E_UNSUPPORTED)?;
        for violation in error.violations() {
            let field = CString::new(violation.field.as_str()).map_err(|_| abi::E_INTERNAL)?;
            let code = CString::new(violation.rule).map_err(|_| abi::E_INTERNAL)?;
            let limit = i64::try_from(violation.limit).unwrap_or(i64::MAX);
            // SAFETY: the reply of this request, and texts that end with a NUL.
            unsafe { write(self.rp, field.as_ptr(), code.as_ptr(), limit) };
        }
        Ok(())
    }

    /// Writes the new record, or the one that replaces `record`. What the host refuses voids the reply.
    fn put(&self, record: Option<&abi::Record>, phc: &Secret) {
        let id = record.map_or(ptr::null(), |record| record.id.as_ptr());
        let phc = phc.expose();
        if let Some(write) = self.host.put_record {
            // SAFETY: the reply of this request, a record's id or NULL, and bytes with their length.
            unsafe { write(self.rp, id, phc.as_ptr().cast(), phc.len()) };
        }
    }

    fn verdict(&self, verdict: u32, reason: u32) -> abi::Status {
        match self.host.verdict {
            // SAFETY: the reply of this request.
            Some(write) => unsafe { write(self.rp, verdict, reason) },
            None => abi::E_UNSUPPORTED,
        }
    }
}
