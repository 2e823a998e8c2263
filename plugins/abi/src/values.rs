//! The constants of the header, under the same names without `DWP_`.

use core::ffi::CStr;

/// First field after the size of every module: the bytes `DWP1`.
pub const MAGIC: u32 = 0x3150_5744;
/// Major version of the ABI; also in the name of the entry.
pub const ABI_MAJOR: u16 = 1;
/// Minor version of the ABI; grows with every addition.
pub const ABI_MINOR: u16 = 0;

/// Whether an operation could do its work. Never a verdict.
pub type Status = i32;
/// The operation did its work.
pub const OK: Status = 0;
/// NULL with a length, unknown name, out of range.
pub const E_ARGUMENT: Status = -1;
/// This plugin or host does not do that.
pub const E_UNSUPPORTED: Status = -2;
/// The configuration cannot work.
pub const E_CONFIG: Status = -3;
/// Out of memory.
pub const E_MEMORY: Status = -4;
/// A bug: caught panic, broken invariant.
pub const E_INTERNAL: Status = -5;
/// A backend is down: could not decide.
pub const E_UNAVAILABLE: Status = -6;
/// The deadline passed: could not decide.
pub const E_TIMEOUT: Status = -7;
/// The host cancelled: could not decide.
pub const E_CANCELLED: Status = -8;
/// A stored record or state is not understood.
pub const E_FORMAT: Status = -9;
/// A limit or a buffer is too small.
pub const E_TOO_LARGE: Status = -10;
/// No such name.
pub const E_NOT_FOUND: Status = -11;
/// Somebody else was first.
pub const E_CONFLICT: Status = -12;
/// The host's budget is used up: could not decide.
pub const E_OVERLOADED: Status = -13;
/// A bug left the instance in a state that nobody knows: the host opens another.
pub const E_BROKEN: Status = -14;

/// Verdict: not accepted. What every reply starts as.
pub const DENY: u32 = 0;
/// Verdict: the credentials are good.
pub const ACCEPT: u32 = 0x4143_4345;
/// Verdict: one more step.
pub const CONTINUE: u32 = 0x434f_4e54;
/// Verdict of `verify` and its steps: the credentials name a record.
pub const RESOLVE: u32 = 0x5245_534f;

/// Reason: the credential is wrong. The only one that counts as a failed attempt; 0 means the same.
pub const WRONG: u32 = 1;
/// Reason: the credential was right and is too old.
pub const EXPIRED: u32 = 2;
/// Reason: the credential was right and has to be replaced first.
pub const MUST_CHANGE: u32 = 3;
/// Reason: the account is switched off where it lives.
pub const DISABLED: u32 = 4;
/// Reason: too many attempts where the account lives.
pub const LOCKED: u32 = 5;
/// Reason: this user has nothing to verify against.
pub const NOT_ENROLLED: u32 = 6;
/// Reason: not a credential or identifier at all.
pub const INVALID_INPUT: u32 = 7;

/// Length of a record's id in bytes.
pub const RECORD_ID_LEN: usize = 16;

/// Operation: identifier to canonical form.
pub const OP_NORMALIZE: u32 = 1;
/// Operation: credentials to a new record.
pub const OP_ENROLL: u32 = 2;
/// Operation: credentials against records.
pub const OP_VERIFY: u32 = 3;
/// Operation: replace credentials.
pub const OP_UPDATE: u32 = 4;
/// Operation: resume after CONTINUE.
pub const OP_STEP: u32 = 5;
/// Operation: what a person may see about records.
pub const OP_DESCRIBE: u32 = 6;
/// Operation: can the provider do its work.
pub const OP_HEALTH: u32 = 7;
/// Operation: begin service in this process.
pub const OP_START: u32 = 8;
/// Operation: rewrite a record of an older format ([`crate::Migrate`]).
pub const OP_MIGRATE: u32 = 9;

/// Purpose: enrollment.
pub const FOR_ENROLL: u32 = 1;
/// Purpose: verification.
pub const FOR_VERIFY: u32 = 2;
/// Purpose: replacement.
pub const FOR_UPDATE: u32 = 4;
/// In a field only: it arrives in `new_credentials` of an update.
pub const FOR_UPDATE_NEW: u32 = 8;

/// Request flag: no such user; same work, same answer, nothing accepted.
pub const RF_DECOY: u32 = 1;

/// Field flag: never shown, logged or echoed.
pub const SECRET: u32 = 1;
/// Field flag: may be absent.
pub const OPTIONAL: u32 = 2;

/// Kind flag: never blocks; runs on the caller's thread.
pub const INLINE: u32 = 1;
/// Kind flag: has something stored for each user.
pub const KEEPS_RECORDS: u32 = 2;
/// Kind flag: a user may enroll more than one record.
pub const SEVERAL_RECORDS: u32 = 4;
/// Kind flag: may be the first factor of a sign-in.
pub const CAN_START: u32 = 8;
/// Kind flag: one operation at a time for each instance.
pub const SERIAL: u32 = 16;
/// Kind flag: its credentials hold 112 random bits or more.
pub const UNGUESSABLE: u32 = 32;
/// Kind flag: a sign-in's first step, for nobody yet, travels sealed in its flow token and writes no row.
pub const UNSTORED_START: u32 = 128;
/// Most bytes of a state that travels so.
pub const UNSTORED_MAX_STATE: u32 = 1024;

/// Kind flag: its `ACCEPT` may say [`ACCEPT_TWO_IN_ONE`].
pub const TWO_IN_ONE: u32 = 64;

/// Beside `ACCEPT`, in the place of a reason, of verify and its steps: what was verified was two factors in one.
pub const ACCEPT_TWO_IN_ONE: u32 = 1;

/// Module flag: only in a process of its own.
pub const MODULE_ISOLATED: u32 = 1;

/// Identifier source: the person types it.
pub const SOURCE_GIVEN: u32 = 1;
/// Identifier source: only verification reveals it.
pub const SOURCE_FOUND: u32 = 2;
/// Identifier source: the user is known already.
pub const SOURCE_USER: u32 = 3;

/// Factor class: none.
pub const FACTOR_NONE: u32 = 0;
/// Factor class: something known.
pub const FACTOR_KNOWLEDGE: u32 = 1;
/// Factor class: something held.
pub const FACTOR_POSSESSION: u32 = 2;
/// Factor class: something one is.
pub const FACTOR_INHERENCE: u32 = 3;

/// Log level: error.
pub const LOG_ERROR: i32 = 1;
/// Log level: warning.
pub const LOG_WARN: i32 = 2;
/// Log level: information.
pub const LOG_INFO: i32 = 3;
/// Log level: debugging.
pub const LOG_DEBUG: i32 = 4;

/// Host extension: Argon2id within the host's budget ([`crate::Pwhash`]).
pub const EXT_PWHASH: &CStr = c"doorward.pwhash/1";
/// No hash made by [`EXT_PWHASH`] is longer, in bytes.
pub const PWHASH_MAX: usize = 256;
/// Host extension: key and value with expiry and compare-and-swap ([`crate::Kv`]).
pub const EXT_KV: &CStr = c"doorward.kv/1";
/// Most bytes of a key of [`EXT_KV`].
pub const KV_MAX_KEY: usize = 1024;
/// Most bytes of a value of [`EXT_KV`].
pub const KV_MAX_VALUE: usize = 65536;
/// `expect` of [`EXT_KV`]: whatever is there.
pub const KV_ANY: i64 = -1;
/// `expect` of [`EXT_KV`]: nothing is there.
pub const KV_ABSENT: i64 = 0;
/// Host extension: messages to persons ([`crate::Deliver`]).
pub const EXT_DELIVER: &CStr = c"doorward.deliver/1";
/// Most messages of one reply.
pub const DELIVER_MAX_MESSAGES: usize = 4;
/// Most parameters of one message.
pub const DELIVER_MAX_PARAMS: usize = 16;
/// Most bytes of one parameter of a message.
pub const DELIVER_MAX_VALUE: usize = 4096;
/// Host extension: bounds on what strangers can make a kind do ([`crate::Limit`]).
pub const EXT_LIMIT: &CStr = c"doorward.limit/1";
/// Most counters of one reply.
pub const LIMIT_MAX: usize = 4;
/// Largest burst of [`EXT_LIMIT`].
pub const LIMIT_MAX_BURST: u32 = 10_000;
/// Most seconds of burst times pace of [`EXT_LIMIT`].
pub const LIMIT_MAX_SECONDS: u32 = 172_800;
/// Host extension: HTTP requests ([`crate::Http`]).
pub const EXT_HTTP: &CStr = c"doorward.http/1";
/// Most bytes of a body of [`EXT_HTTP`], either way.
pub const HTTP_MAX: usize = 1_048_576;
/// Most headers of one request of [`EXT_HTTP`].
pub const HTTP_MAX_HEADERS: usize = 32;
/// Most bytes of an URL of [`EXT_HTTP`].
pub const HTTP_MAX_URL: usize = 8192;
/// Plugin extension: rewrites records of an older format ([`crate::Migrate`]).
pub const EXT_MIGRATE: &CStr = c"doorward.plugin.migrate/1";
/// Plugin extension: which options are secrets ([`crate::Secrets`]).
pub const EXT_SECRETS: &CStr = c"doorward.plugin.secrets/1";

/// The header's ceilings for what a kind declares and a reply carries, in bytes or entries.
pub mod limit {
    /// `Field::max_len`.
    pub const FIELD: usize = 65536;
    /// `Kind::max_record`.
    pub const RECORD: usize = 65536;
    /// `Kind::max_state`.
    pub const STATE: usize = 16384;
    /// Identifiers and handles.
    pub const IDENTIFIER: usize = 1024;
    /// Labels.
    pub const LABEL: usize = 255;
    /// `Kind::n_fields`.
    pub const FIELDS: u32 = 32;
    /// `Module::n_kinds`.
    pub const KINDS: u32 = 64;
    /// `Secrets::n_options`.
    pub const SECRETS: u32 = 256;
}
