//! A question that another process is to ask.

use doorward_plugin_testing::{Ask, StoredRecord};
use serde::{Deserialize, Serialize};

use crate::driver::{Reply, Seen};
use crate::exchange::Exchange;

/// A question, and what was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Carried {
    case: String,
    at: i64,
    operation: u32,
    purpose: u32,
    flags: u32,
    step: u32,
    /// Subject, raw and canonical identifier, display, state, handle.
    bytes: [Vec<u8>; 6],
    credentials: Vec<(String, Vec<u8>)>,
    records: Vec<Record>,
    pub(crate) seen: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    id: [u8; 16],
    format: u32,
    version: i64,
    bytes: Vec<u8>,
    label: String,
}

impl Exchange {
    pub(crate) fn carried(&self) -> Carried {
        let ask = &self.ask;
        let bytes = [
            &ask.subject,
            &ask.identifier_raw,
            &ask.identifier,
            &ask.display,
            &ask.state,
            &ask.resolved,
        ];
        let record = |record: &StoredRecord| Record {
            id: record.id,
            format: record.format,
            version: record.version,
            bytes: record.bytes.clone(),
            label: record.label.clone(),
        };
        Carried {
            case: self.case.clone(),
            at: self.at,
            operation: ask.operation,
            purpose: ask.purpose,
            flags: ask.flags,
            step: ask.step,
            bytes: bytes.map(Clone::clone),
            credentials: ask.credentials.clone(),
            records: ask.records.iter().map(record).collect(),
            seen: self.reply.seen.text(),
        }
    }

    /// The question again; its answer is still to come.
    pub(crate) fn resumed(carried: &Carried) -> Self {
        let mut ask = Ask::new(carried.operation, carried.purpose);
        (ask.flags, ask.step) = (carried.flags, carried.step);
        [
            ask.subject,
            ask.identifier_raw,
            ask.identifier,
            ask.display,
            ask.state,
            ask.resolved,
        ] = carried.bytes.clone();
        ask.credentials.clone_from(&carried.credentials);
        let record = |record: &Record| StoredRecord {
            id: record.id,
            format: record.format,
            version: record.version,
            bytes: record.bytes.clone(),
            label: record.label.clone(),
        };
        ask.records = carried.records.iter().map(record).collect();
        Self {
            case: carried.case.clone(),
            at: carried.at,
            ask,
            reply: Reply::blank(Seen::Unsupported),
        }
    }
}
