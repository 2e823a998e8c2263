//! A question as a test puts it, in the form of the ABI: whatever it is, also what the core would never ask.

use doorward_base::id::{AuthenticatorId, UserId};
use doorward_base::secret::Secret;
use doorward_plugin_abi as abi;

use super::answer::StoredRecord;
use crate::ask::{Ask, Fields, OpenRecord, Operation};
use crate::foreign::count;
use crate::host::Host;
use crate::record;

/// One question. Numbers are the header's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// `OP_…`
    pub operation: u32,
    /// `FOR_…`; 0 where there is none.
    pub purpose: u32,
    /// `RF_…`
    pub flags: u32,
    /// In a step: 1 after the first CONTINUE.
    pub step: u32,
    /// The user's id; empty where there is no user yet.
    pub subject: &'a [u8],
    /// The identifier as it was typed.
    pub identifier_raw: &'a [u8],
    /// Its canonical form.
    pub identifier: &'a [u8],
    /// A name to show for the account.
    pub display: &'a [u8],
    /// The credentials.
    pub credentials: &'a [(String, Vec<u8>)],
    /// The credentials that replace them.
    pub new_credentials: &'a [(String, Vec<u8>)],
    /// The records of the user.
    pub records: &'a [StoredRecord],
    /// In a step: what the last CONTINUE stored.
    pub state: &'a [u8],
    /// The client's User-Agent.
    pub agent: &'a [u8],
    /// The client's address.
    pub address: &'a [u8],
    /// In the second verification after RESOLVE: the handle.
    pub resolved: &'a [u8],
}

impl Question<'_> {
    /// What the reply and its judgement depend on.
    pub(super) fn judged_by(&self, provider: &str) -> Ask {
        let purpose = match (self.purpose, self.operation) {
            (abi::FOR_ENROLL, _) | (0, abi::OP_ENROLL) => Operation::Enroll,
            (abi::FOR_UPDATE, _) | (0, abi::OP_UPDATE) => Operation::Update,
            _ => Operation::Verify,
        };
        let mut subject = [0; 16];
        for (byte, given) in subject.iter_mut().zip(self.subject) {
            *byte = *given;
        }
        let decoy = self.flags & abi::RF_DECOY != 0;
        Ask {
            operation: if self.operation == abi::OP_STEP {
                Operation::Step
            } else {
                purpose
            },
            purpose,
            step: self.step,
            decoy,
            realm: String::new(),
            // A decoy has an id that is nobody's.
            subject: (decoy || !self.subject.is_empty()).then(|| UserId::from_bytes(subject)),
            known: None,
            provider: provider.to_owned(),
            raw: Vec::new(),
            canonical: Vec::new(),
            display: String::new(),
            credentials: Fields::default(),
            new_credentials: Fields::default(),
            records: self
                .records
                .iter()
                .map(|stored| OpenRecord {
                    id: AuthenticatorId::from_bytes(stored.id),
                    version: stored.version,
                    bytes: record::framed(stored.format, &stored.bytes),
                    label: stored.label.clone(),
                })
                .collect(),
            state: (!self.state.is_empty()).then(|| Secret::new(self.state)),
            resolved: (!self.resolved.is_empty()).then(|| self.resolved.to_vec()),
            agent: String::new(),
            address: String::new(),
        }
    }

    /// Gives `body` the question as the ABI has it, alive as long as that runs.
    pub(super) fn with_raw<T>(
        &self,
        (host, call, provider): (Host, *const abi::Call, &str),
        newer: bool,
        body: impl FnOnce(*const abi::Request) -> T,
    ) -> T {
        let credentials = values(self.credentials);
        let new_credentials = values(self.new_credentials);
        let records: Vec<Newer<abi::Record>> = self
            .records
            .iter()
            .map(|stored| {
                Newer::of(abi::Record {
                    struct_size: Newer::<abi::Record>::size(newer),
                    format: stored.format,
                    id: stored.id,
                    version: stored.version,
                    bytes: bytes(&stored.bytes),
                    label: bytes(stored.label.as_bytes()),
                })
            })
            .collect();
        let record_pointers: Vec<*const abi::Record> = records.iter().map(Newer::as_ptr).collect();
        let raw = Newer::of(abi::Request {
            struct_size: Newer::<abi::Request>::size(newer),
            operation: self.operation,
            purpose: self.purpose,
            flags: self.flags | unknown_flags(newer),
            step: self.step,
            n_credentials: count(credentials.len()),
            n_new_credentials: count(new_credentials.len()),
            n_records: count(records.len()),
            host: host.as_ptr(),
            call,
            realm: abi::Bytes::EMPTY,
            provider: bytes(provider.as_bytes()),
            subject: bytes(self.subject),
            identifier_raw: bytes(self.identifier_raw),
            identifier: bytes(self.identifier),
            display: bytes(self.display),
            credentials: credentials.as_ptr(),
            new_credentials: new_credentials.as_ptr(),
            records: record_pointers.as_ptr(),
            state: bytes(self.state),
            agent: bytes(self.agent),
            address: bytes(self.address),
            resolved: bytes(self.resolved),
        });
        body(raw.as_ptr())
    }
}

/// Flags that no version of the contract knows, for requests of a later one.
pub(super) const fn unknown_flags(newer: bool) -> u32 {
    if newer { 0x4000_0000 } else { 0 }
}

fn bytes(bytes: &[u8]) -> abi::Bytes {
    if bytes.is_empty() {
        abi::Bytes::EMPTY
    } else {
        abi::Bytes::of(bytes)
    }
}

fn values(fields: &[(String, Vec<u8>)]) -> Vec<abi::Pair> {
    fields
        .iter()
        .map(|(name, value)| abi::Pair {
            name: bytes(name.as_bytes()),
            value: bytes(value),
        })
        .collect()
}

/// A struct of a later version: this version's fields, and more that must not be touched.
#[repr(C)]
pub(super) struct Newer<T> {
    known: T,
    beyond: [usize; 8],
}

impl<T> Newer<T> {
    pub(super) const fn of(known: T) -> Self {
        // No address of anything.
        Self {
            known,
            beyond: [usize::MAX / 3; 8],
        }
    }

    /// What its first field says.
    pub(super) const fn size(newer: bool) -> u32 {
        if newer {
            count(size_of::<Self>())
        } else {
            count(size_of::<T>())
        }
    }

    /// The whole of it, as a pointer to what is known.
    pub(super) const fn as_ptr(&self) -> *const T {
        debug_assert!(self.beyond[0] != 0);
        std::ptr::from_ref(self).cast()
    }
}
