//! What a provider answered, and what Doorward would make of it.

use super::Delivery;
use crate::abi;

/// A record as the host keeps it, unencrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its id.
    pub id: [u8; 16],
    /// Version of the format that wrote it.
    pub format: u32,
    /// Grows with every change.
    pub version: i64,
    /// What the plugin stored.
    pub bytes: Vec<u8>,
    /// Its label.
    pub label: String,
}

/// What Doorward would do: the table "FAILURE" of the header, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepts, once the record is stored.
    Accepted,
    /// Refuses, and counts a broken contract.
    BrokenContract,
    /// Asks for the next step.
    Continue,
    /// Refuses for this reason.
    Denied(u32),
    /// Refuses, and counts a fault: this status.
    Fault(i32),
    /// Loads the record that the handle names.
    Resolve,
    /// Could not decide: this status.
    Undecided(i32),
}

/// The reply, as the plugin left it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What the operation returned.
    pub status: i32,
    /// The verdict, as it is.
    pub verdict: u32,
    /// The reason, as it is.
    pub reason: u32,
    /// A writer refused something: nothing is accepted.
    pub void: bool,
    /// The identifier.
    pub identifier: Option<Vec<u8>>,
    /// The record to store: the id that it replaces, if any, and its bytes.
    pub record: Option<(Option<[u8; 16]>, Vec<u8>)>,
    /// Its label.
    pub label: Option<String>,
    /// The handle.
    pub handle: Option<Vec<u8>>,
    /// The record that matched.
    pub used: Option<[u8; 16]>,
    /// The state of the next step and its lifetime in seconds.
    pub state: Option<(Vec<u8>, u32)>,
    /// The challenge.
    pub challenge: Vec<(String, Vec<u8>)>,
    /// What is shown once.
    pub show_once: Vec<(String, Vec<u8>)>,
    /// Attributes, name and JSON.
    pub attributes: Vec<(String, Vec<u8>)>,
    /// Broken rules: field, code, limit.
    pub violations: Vec<(String, String, i64)>,
    /// The messages that it queued.
    pub deliveries: Vec<Delivery>,
    /// For the operator.
    pub message: String,
    /// The host functions that were called on the operation's thread, in order.
    pub host_calls: Vec<&'static str>,
    pub(super) asked: Asked,
    /// The last answer over HTTP was larger than it takes.
    pub(super) met_larger: bool,
}

/// What the writers and the outcome depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) operation: u32,
    pub(super) purpose: u32,
    pub(super) request_flags: u32,
    pub(super) kind_flags: u32,
    pub(super) source: u32,
    pub(super) has_step: bool,
    pub(super) resolved: bool,
    pub(super) has_subject: bool,
    pub(super) format: u32,
    pub(super) max_record: usize,
    pub(super) max_state: usize,
    pub(super) records: Vec<([u8; 16], i64)>,
}

impl Asked {
    fn is_decoy(&self) -> bool {
        self.request_flags & abi::RF_DECOY != 0
    }
}

impl Answer {
    /// What Doorward would do with it.
    pub fn outcome(&self) -> Outcome {
        let claims = self.verdict != abi::DENY;
        match self.status {
            abi::OK => {}
            abi::E_UNAVAILABLE | abi::E_TIMEOUT | abi::E_CANCELLED | abi::E_OVERLOADED => {
                return Outcome::Undecided(self.status);
            }
            _ if claims => return Outcome::BrokenContract,
            abi::E_TOO_LARGE if !self.void && (self.met_larger || !self.message.is_empty()) => {
                // As the core says it.
                return Outcome::Undecided(abi::E_UNAVAILABLE);
            }
            status => return Outcome::Fault(status),
        }
        match self.verdict {
            _ if self.void => Outcome::BrokenContract,
            _ if self.asked.operation == abi::OP_DESCRIBE && self.has_more_than_attributes() => {
                Outcome::BrokenContract
            }
            abi::DENY => Outcome::Denied(if self.reason == 0 { abi::WRONG } else { self.reason }),
            abi::ACCEPT if !self.may_accept() => Outcome::BrokenContract,
            abi::ACCEPT if self.asked.is_decoy() => Outcome::Denied(abi::WRONG),
            abi::ACCEPT => Outcome::Accepted,
            abi::CONTINUE if self.state.is_some() && self.asked.has_step && self.asked.purpose != 0 => {
                Outcome::Continue
            }
            abi::RESOLVE if self.may_resolve() => Outcome::Resolve,
            _ => Outcome::BrokenContract,
        }
    }

    /// Whether something stands in it that a description has no place for.
    fn has_more_than_attributes(&self) -> bool {
        self.verdict != abi::DENY
            || self.identifier.is_some()
            || self.record.is_some()
            || self.label.is_some()
            || self.handle.is_some()
            || self.used.is_some()
            || self.state.is_some()
            || !self.challenge.is_empty()
            || !self.show_once.is_empty()
            || !self.violations.is_empty()
            || !self.deliveries.is_empty()
    }

    /// Whether the answer has what an ACCEPT of this operation must have.
    fn may_accept(&self) -> bool {
        let asked = &self.asked;
        let keeps = asked.kind_flags & abi::KEEPS_RECORDS != 0;
        let finds = asked.source == abi::SOURCE_FOUND;
        if asked.operation == abi::OP_MIGRATE {
            return self.record.is_some();
        }
        let (has_record, said_elsewhere) = match asked.purpose {
            abi::FOR_ENROLL => (self.record.is_some(), asked.has_subject),
            abi::FOR_UPDATE => (self.record.is_some(), true),
            abi::FOR_VERIFY => (asked.is_decoy() || !asked.records.is_empty(), asked.resolved),
            _ => (true, true),
        };
        let says_who = !finds || said_elsewhere || self.identifier.is_some();
        self.violations.is_empty() && (!keeps || has_record) && says_who
    }

    fn may_resolve(&self) -> bool {
        self.handle.is_some() && self.asked.purpose == abi::FOR_VERIFY && !self.asked.resolved
    }

    /// The value of the challenge of that name, as text; empty when there is none.
    pub fn challenged(&self, name: &str) -> String {
        let value = self
            .challenge
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_slice());
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    }

    /// The state of the next step; empty when there is none.
    pub fn next_state(&self) -> &[u8] {
        self.state.as_ref().map_or(&[], |(state, _)| state)
    }

    /// Stores what an accepted answer put, as the host does: by compare-and-swap against the version that was read. False:
    /// somebody else was first, or the answer is not accepted.
    #[must_use]
    pub fn store(&self, records: &mut Vec<StoredRecord>) -> bool {
        if self.outcome() != Outcome::Accepted {
            return false;
        }
        let Some((replaces, bytes)) = &self.record else {
            return true;
        };
        let Some(id) = replaces else {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(records.len() as u64 + 1).to_be_bytes());
            records.push(StoredRecord {
                id,
                format: self.asked.format,
                version: 1,
                bytes: bytes.clone(),
                label: self.label.clone().unwrap_or_default(),
            });
            return true;
        };
        let read = self
            .asked
            .records
            .iter()
            .find(|(other, _)| other == id)
            .map(|(_, version)| *version);
        let Some(stored) = records
            .iter_mut()
            .find(|record| record.id == *id && Some(record.version) == read)
        else {
            return false;
        };
        stored.version += 1;
        stored.format = self.asked.format;
        stored.bytes.clone_from(bytes);
        if let Some(label) = &self.label {
            stored.label.clone_from(label);
        }
        true
    }
}
