//! What the host asks.

use crate::{Host, Purpose, abi};

/// One request. Everything in it is borrowed until the operation returns.
pub struct Request<'a> {
    raw: &'a abi::Request,
    host: Host<'a>,
}

impl<'a> Request<'a> {
    /// # Safety
    /// `raw` must be a request as the header describes it, valid for `'a`.
    pub(crate) unsafe fn new(raw: &'a abi::Request, host: Host<'a>) -> Self {
        Self { raw, host }
    }

    /// The host's services for this request.
    pub fn host(&self) -> Host<'a> {
        self.host
    }

    /// What a `step` resumes; what the other operations are for.
    pub fn purpose(&self) -> Option<Purpose> {
        match self.raw.purpose {
            abi::FOR_ENROLL => Some(Purpose::Enroll),
            abi::FOR_VERIFY => Some(Purpose::Verify),
            abi::FOR_UPDATE => Some(Purpose::Update),
            _ => None,
        }
    }

    /// No such user: do the same work and answer the same. Nothing will be accepted.
    pub fn is_decoy(&self) -> bool {
        self.raw.flags & abi::RF_DECOY != 0
    }

    /// In `step`: 1 after the first `Continue`, 2 after the second.
    pub fn step(&self) -> u32 {
        self.raw.step
    }

    /// The user's namespace, usually empty.
    pub fn realm(&self) -> &'a [u8] {
        self.bytes(|raw| raw.realm)
    }

    /// The name that the kind serves here.
    pub fn provider(&self) -> &'a [u8] {
        self.bytes(|raw| raw.provider)
    }

    /// User id, 16 bytes; nobody's in a decoy; empty where there is no user yet.
    pub fn subject(&self) -> &'a [u8] {
        self.bytes(|raw| raw.subject)
    }

    /// The identifier as the person typed it, or, of a user who is known, as it was registered.
    pub fn identifier_raw(&self) -> &'a [u8] {
        self.bytes(|raw| raw.identifier_raw)
    }

    /// Its canonical form; empty in `normalize`.
    pub fn identifier(&self) -> &'a [u8] {
        self.bytes(|raw| raw.identifier)
    }

    /// A name that the person knows the account by, for showing; may be empty.
    pub fn display(&self) -> &'a [u8] {
        self.bytes(|raw| raw.display)
    }

    /// What the last `Continue` stored.
    pub fn state(&self) -> &'a [u8] {
        self.bytes(|raw| raw.state)
    }

    /// In the second call after `Resolve`: the handle that the first one wrote; else empty.
    pub fn resolved(&self) -> &'a [u8] {
        self.bytes(|raw| raw.resolved)
    }

    /// The client's User-Agent: from outside, trust nothing.
    pub fn agent(&self) -> &'a [u8] {
        self.bytes(|raw| raw.agent)
    }

    /// The client's address as text.
    pub fn address(&self) -> &'a [u8] {
        self.bytes(|raw| raw.address)
    }

    /// The credential of that name; empty when it did not come.
    pub fn credential(&self, name: &str) -> &'a [u8] {
        // SAFETY: the header promises that many values there, valid for the request.
        unsafe { named(self.raw.credentials, self.raw.n_credentials, name) }
    }

    /// In `update`: its replacement.
    pub fn new_credential(&self, name: &str) -> &'a [u8] {
        // SAFETY: as in `credential`.
        unsafe { named(self.raw.new_credentials, self.raw.n_new_credentials, name) }
    }

    /// Every credential that came, by name.
    pub fn credentials(&self) -> Vec<(&'a str, &'a [u8])> {
        // SAFETY: as in `credential`.
        unsafe { all(self.raw.credentials, self.raw.n_credentials) }
    }

    /// In `update`: every replacement that came, by name.
    pub fn new_credentials(&self) -> Vec<(&'a str, &'a [u8])> {
        // SAFETY: as in `credential`.
        unsafe { all(self.raw.new_credentials, self.raw.n_new_credentials) }
    }

    /// All records of this user in this credentials group.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'a>> {
        // SAFETY: the header promises `n_records` pointers at `records`, each to a record valid for the request.
        let records = unsafe { counted(self.raw.records.cast::<&'a abi::Record>(), self.raw.n_records) };
        records.iter().map(|raw| Record { raw })
    }

    fn bytes(&self, pick: impl FnOnce(&abi::Request) -> abi::Bytes) -> &'a [u8] {
        // SAFETY: every `Bytes` of a request is valid for the request.
        unsafe { slice(pick(self.raw)) }
    }
}

/// What a kind keeps to verify a user.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    raw: &'a abi::Record,
}

impl<'a> Record<'a> {
    /// Its id: names it to the host.
    pub fn id(&self) -> &'a [u8; abi::RECORD_ID_LEN] {
        &self.raw.id
    }

    /// `DECLARATION.record_version` of the plugin that wrote it.
    pub fn format(&self) -> u32 {
        self.raw.format
    }

    /// What was stored.
    pub fn bytes(&self) -> &'a [u8] {
        // SAFETY: the record, and with it its bytes, is valid for the request that it was borrowed from.
        unsafe { slice(self.raw.bytes) }
    }

    /// What the person calls it.
    pub fn label(&self) -> &'a [u8] {
        // SAFETY: as in `bytes`.
        unsafe { slice(self.raw.label) }
    }
}

/// Names and values as the host reads them; valid as long as what they were made from.
pub(crate) fn values<'a>(named: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<abi::Pair> {
    named
        .map(|(name, value)| abi::Pair {
            name: abi::Bytes::of(name.as_bytes()),
            value: abi::Bytes::of(value),
        })
        .collect()
}

/// # Safety
/// Unless empty or NULL, `bytes` must be valid for `'a`.
pub(crate) unsafe fn slice<'a>(bytes: abi::Bytes) -> &'a [u8] {
    if bytes.ptr.is_null() || isize::try_from(bytes.len).is_err() {
        return &[];
    }
    // SAFETY: not NULL, not longer than an object can be; the caller promises the rest.
    unsafe { std::slice::from_raw_parts(bytes.ptr, bytes.len) }
}

/// # Safety
/// Unless NULL, `first` must point to `count` values valid for `'a`.
pub(crate) unsafe fn counted<'a, T>(first: *const T, count: u32) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: not NULL; the caller promises the rest.
    unsafe { std::slice::from_raw_parts(first, count as usize) }
}

/// # Safety
/// Unless NULL, `first` must point to `count` values valid for `'a`.
unsafe fn named<'a>(first: *const abi::Pair, count: u32, name: &str) -> &'a [u8] {
    // SAFETY: the caller promises it.
    let values: &'a [abi::Pair] = unsafe { counted(first, count) };
    for field in values {
        // SAFETY: names and values live as long as the array that holds them.
        let (field, value) = unsafe { (slice(field.name), slice(field.value)) };
        if field == name.as_bytes() {
            return value;
        }
    }
    &[]
}

/// # Safety
/// Unless NULL, `first` must point to `count` values valid for `'a`.
unsafe fn all<'a>(first: *const abi::Pair, count: u32) -> Vec<(&'a str, &'a [u8])> {
    // SAFETY: the caller promises it.
    let values: &'a [abi::Pair] = unsafe { counted(first, count) };
    let mut all = Vec::with_capacity(values.len());
    for field in values {
        // SAFETY: names and values live as long as the array that holds them.
        let (name, value) = unsafe { (slice(field.name), slice(field.value)) };
        // Declared names are ASCII.
        all.push((std::str::from_utf8(name).unwrap_or_default(), value));
    }
    all
}
