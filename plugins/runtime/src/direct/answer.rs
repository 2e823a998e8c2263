//! What a provider answered, and what Doorward makes of it.

use doorward_plugin_abi as abi;

use crate::ask::Message;
use crate::ports::Limit;
use crate::reply::Draft;

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

/// A message that a reply queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How it travels.
    pub channel: String,
    /// Where to.
    pub address: String,
    /// Which words.
    pub template: String,
    /// What goes into them, in order.
    pub params: Vec<(String, String)>,
    /// How long sending it makes sense; 0: the host's default.
    pub seconds: u64,
}

impl Delivery {
    /// The parameter of that name; empty when there is none.
    pub fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }

    fn of(message: &Message) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            channel: message.channel.clone(),
            address: text(message.address.expose()),
            template: message.template.clone(),
            params: (message.params.0.iter())
                .map(|(name, value)| (name.clone(), text(value.expose())))
                .collect(),
            seconds: message.lifetime.map_or(0, |lifetime| lifetime.as_secs()),
        }
    }
}

/// What Doorward does: the table "FAILURE" of the header, row by row.
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

/// The reply, as the plugin left it, and what became of it.
#[derive(Clone, Debug)]
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
    pub state: Option<(Vec<u8>, u64)>,
    /// The challenge.
    pub challenge: Vec<(String, Vec<u8>)>,
    /// What is shown once.
    pub show_once: Vec<(String, Vec<u8>)>,
    /// Attributes, name and JSON.
    pub attributes: Vec<(String, Vec<u8>)>,
    /// Broken rules: field, code, limit.
    pub violations: Vec<(String, String, u64)>,
    /// The messages that it queued.
    pub deliveries: Vec<Delivery>,
    /// For the operator.
    pub message: String,
    /// What Doorward says of it, where it is an error; empty otherwise.
    pub error: String,
    /// The counters that are charged with it: none where nothing of it is stored.
    pub charged: Vec<Limit>,
    /// The host functions that were called on the operation's thread, in order: what the host of a test noted.
    pub host_calls: Vec<&'static str>,
    pub(super) outcome: Outcome,
    /// The records of the question, and the format of a new one.
    pub(super) read: Vec<([u8; 16], i64)>,
    pub(super) format: u32,
}

impl Answer {
    /// An operation that returned this and wrote nothing, or that there is not.
    pub(super) fn without_reply(status: abi::Status, outcome: Outcome) -> Self {
        Self {
            status,
            verdict: abi::DENY,
            reason: 0,
            void: false,
            identifier: None,
            record: None,
            label: None,
            handle: None,
            used: None,
            state: None,
            challenge: Vec::new(),
            show_once: Vec::new(),
            attributes: Vec::new(),
            violations: Vec::new(),
            deliveries: Vec::new(),
            message: String::new(),
            error: String::new(),
            charged: Vec::new(),
            host_calls: Vec::new(),
            outcome,
            read: Vec::new(),
            format: 0,
        }
    }

    /// What was written, before it is judged.
    pub(super) fn written(status: abi::Status, draft: &Draft) -> Self {
        let values = |fields: &crate::ask::Fields| -> Vec<(String, Vec<u8>)> {
            let fields = fields.0.iter();
            fields
                .map(|(name, value)| (name.clone(), value.expose().to_vec()))
                .collect()
        };
        let (verdict, reason) = draft.verdict.unwrap_or((abi::DENY, 0));
        Self {
            verdict,
            reason,
            void: draft.void.is_some(),
            identifier: draft.identifier.clone(),
            record: (draft.record.as_ref()).map(|record| (record.replaces, record.bytes.expose().to_vec())),
            label: draft.label.clone(),
            handle: draft.handle.clone(),
            used: draft.used,
            state: (draft.state.as_ref()).map(|(state, ttl)| (state.expose().to_vec(), ttl.as_secs())),
            challenge: values(&draft.challenge),
            show_once: values(&draft.show_once),
            attributes: (draft.attributes.iter())
                .map(|(name, value)| (name.clone(), value.to_string().into_bytes()))
                .collect(),
            violations: (draft.violations.iter())
                .map(|broken| (broken.field.clone(), broken.rule.to_owned(), broken.limit))
                .collect(),
            deliveries: draft.messages.iter().map(Delivery::of).collect(),
            message: draft.message.clone().unwrap_or_default(),
            ..Self::without_reply(status, Outcome::BrokenContract)
        }
    }

    /// What Doorward does with it.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
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
        if self.outcome != Outcome::Accepted {
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
                format: self.format,
                version: 1,
                bytes: bytes.clone(),
                label: self.label.clone().unwrap_or_default(),
            });
            return true;
        };
        let read = (self.read.iter())
            .find(|(other, _)| other == id)
            .map(|(_, version)| *version);
        let Some(stored) = records
            .iter_mut()
            .find(|record| record.id == *id && Some(record.version) == read)
        else {
            return false;
        };
        stored.version += 1;
        stored.format = self.format;
        stored.bytes.clone_from(bytes);
        if let Some(label) = &self.label {
            stored.label.clone_from(label);
        }
        true
    }
}
