//! What a kind declares about itself, as constants.

use std::ffi::CStr;

use crate::abi;

/// Where a kind's identifier comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum IdentifierSource {
    /// Only verification reveals it: `verify` writes [`crate::Reply::identifier`].
    Found = abi::SOURCE_FOUND,
    /// The person types it.
    Given = abi::SOURCE_GIVEN,
    /// There is none, the user is known already: second factors.
    User = abi::SOURCE_USER,
}

/// The class of a factor. Two factors of one sign-in must differ in it and in channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum FactorClass {
    /// Something the person is.
    Inherence = abi::FACTOR_INHERENCE,
    /// Something the person knows.
    Knowledge = abi::FACTOR_KNOWLEDGE,
    /// It proves no factor.
    None = abi::FACTOR_NONE,
    /// Something the person has.
    Possession = abi::FACTOR_POSSESSION,
}

/// What a kind is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Property {
    /// May be the first factor of a sign-in.
    CanStart = abi::CAN_START,
    /// Never blocks, takes well under a millisecond: runs on the caller's thread, where no deadline interrupts it.
    Inline = abi::INLINE,
    /// Has something stored for each user; without it, verifies elsewhere.
    KeepsRecords = abi::KEEPS_RECORDS,
    /// One operation at a time for each instance.
    Serial = abi::SERIAL,
    /// A user may enroll more than one record.
    SeveralRecords = abi::SEVERAL_RECORDS,
    /// Its acceptance may be [`Verdict::AcceptTwoInOne`](crate::Verdict::AcceptTwoInOne).
    TwoInOne = abi::TWO_IN_ONE,
    /// Its credentials hold 112 random bits or more (a key, a signature, an issuer's code; not a password, not a code of
    /// six digits): they are verified first and never throttled.
    Unguessable = abi::UNGUESSABLE,
    /// For [`Unguessable`](Self::Unguessable) kinds that find the identifier and can start: a sign-in's first step, for
    /// nobody yet, writes no row. Its state travels sealed in the flow token, at most `UNSTORED_MAX_STATE` (1024) bytes;
    /// a larger one is stored as ever. The same state may be answered until it is accepted, once.
    UnstoredStart = abi::UNSTORED_START,
}

/// What a kind can do. One that is not declared is NULL in the table and never called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Operation {
    /// [`crate::Kind::describe`].
    Describe = abi::OP_DESCRIBE,
    /// [`crate::Kind::enroll`].
    Enroll = abi::OP_ENROLL,
    /// [`crate::Kind::health`].
    Health = abi::OP_HEALTH,
    /// [`crate::Kind::migrate`].
    Migrate = abi::OP_MIGRATE,
    /// [`crate::Kind::normalize`].
    Normalize = abi::OP_NORMALIZE,
    /// [`crate::Kind::step`].
    Step = abi::OP_STEP,
    /// [`crate::Kind::update`].
    Update = abi::OP_UPDATE,
    /// [`crate::Kind::verify`].
    Verify = abi::OP_VERIFY,
}

/// What a request, or a field, is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Enrollment.
    Enroll = abi::FOR_ENROLL,
    /// Replacement: what the person has now.
    Update = abi::FOR_UPDATE,
    /// Replacement: what replaces it. In fields only.
    UpdateNew = abi::FOR_UPDATE_NEW,
    /// Verification.
    Verify = abi::FOR_VERIFY,
}

/// One credential that a kind asks for.
#[repr(transparent)]
pub struct Field(pub(crate) abi::Field);

impl Field {
    /// A field of at most `max_len` bytes (at most 65536); longer input never reaches the kind. The name is
    /// `[a-z][a-z0-9_]{0,31}`.
    pub const fn new(name: &'static CStr, max_len: u32) -> Self {
        Self(abi::Field {
            struct_size: crate::size::size_of_u32::<abi::Field>(),
            flags: 0,
            name: name.as_ptr(),
            autocomplete: std::ptr::null(),
            max_len,
            purposes: 0,
            step: 0,
            reserved: 0,
        })
    }

    /// Never shown, logged or echoed.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.0.flags |= abi::SECRET;
        self
    }

    /// May be absent.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.0.flags |= abi::OPTIONAL;
        self
    }

    /// The HTML autocomplete token, such as `one-time-code`.
    #[must_use]
    pub const fn autocomplete(mut self, token: &'static CStr) -> Self {
        self.0.autocomplete = token.as_ptr();
        self
    }

    /// What it is asked for.
    #[must_use]
    pub const fn asked_for(mut self, purposes: &[Purpose]) -> Self {
        let mut i = 0;
        while i < purposes.len() {
            self.0.purposes |= purposes[i] as u32;
            i += 1;
        }
        self
    }

    /// With which step: 0, the default, is the operation itself, 1 the first step.
    #[must_use]
    pub const fn at_step(mut self, step: u32) -> Self {
        self.0.step = step;
        self
    }
}

/// The declarations of a kind: begin with [`Declaration::new`] and override.
pub struct Declaration {
    /// What configuration calls it, `[a-z][a-z0-9_.-]{0,63}`.
    pub name: &'static CStr,
    /// What people call it.
    pub title: &'static CStr,
    /// Where its identifier comes from.
    pub source: IdentifierSource,
    /// The class of the factor it proves. Default: none.
    pub factor: FactorClass,
    /// How the proof travels, for policies, such as `totp`. Default: empty.
    pub channel: &'static CStr,
    /// The credentials it asks for, at most 32. Default: none.
    pub fields: &'static [&'static Field],
    /// What it is like. Default: nothing.
    pub properties: &'static [Property],
    /// What it can do. Default: nothing.
    pub operations: &'static [Operation],
    /// Raise it when `normalize` answers differently. Default: 1.
    pub normalize_version: u32,
    /// Raise it when the format of records changes; older ones must stay readable. Default: 1.
    pub record_version: u32,
    /// Most bytes of a record, at most 65536. Default: 0.
    pub max_record: u32,
    /// Most bytes of a state, at most 16384. Default: 0.
    pub max_state: u32,
    /// Milliseconds that one operation may take on the pool; 0, the default: the host's.
    pub default_deadline_ms: u32,
    /// Operations at once on the pool; 0, the default: the host's.
    pub max_concurrency: u32,
    /// JSON Schema 2020-12 of the options; a secret has `"writeOnly": true`. Default: no options.
    pub config_schema: Option<&'static CStr>,
}

impl Declaration {
    /// A kind that is nothing yet and can do nothing.
    pub const fn new(name: &'static CStr, title: &'static CStr, source: IdentifierSource) -> Self {
        Self {
            name,
            title,
            source,
            factor: FactorClass::None,
            channel: c"",
            fields: &[],
            properties: &[],
            operations: &[],
            normalize_version: 1,
            record_version: 1,
            max_record: 0,
            max_state: 0,
            default_deadline_ms: 0,
            max_concurrency: 0,
            config_schema: None,
        }
    }

    pub(crate) const fn flags(&self) -> u32 {
        let mut flags = 0;
        let mut i = 0;
        while i < self.properties.len() {
            flags |= self.properties[i] as u32;
            i += 1;
        }
        flags
    }

    pub(crate) const fn can(&self, operation: Operation) -> bool {
        let mut i = 0;
        while i < self.operations.len() {
            if self.operations[i] as u32 == operation as u32 {
                return true;
            }
            i += 1;
        }
        false
    }
}
