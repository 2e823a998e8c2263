//! The reply while a kind writes it: every value is copied, capped and checked against the question.

use std::time::Duration;

use doorward_plugin_abi as abi;

use super::ask::{Ask, Declaration, Fields, IdentifierSource, Message, Operation};
use super::ports::Limit;
use super::{record, violation};
use doorward_base::error::Violation;
use doorward_base::secret::Secret;

/// Most values of one list in a reply (challenge, show-once, attributes, violations).
const MAX_VALUES: usize = 32;
/// Most bytes of the values of one list together.
const MAX_LIST: usize = 128 * 1024;
/// Most bytes of one attribute.
const MAX_ATTRIBUTE: usize = 8 * 1024;
/// Most bytes of all messages of a reply together.
const MAX_MESSAGES: usize = 64 * 1024;
/// Longest lifetime of a message that a kind may ask for.
const LONGEST_MESSAGE: Duration = Duration::from_hours(7 * 24);
/// Bytes of a message for the operator that are kept.
const MAX_MESSAGE: usize = 1024;

/// What may be written: the question's side of the checks.
pub(super) struct Limits {
    operation: u32,
    purpose: Option<Operation>,
    finds: bool,
    several_records: bool,
    /// `None`: the kind keeps none.
    max_record: Option<usize>,
    max_state: usize,
    record_ids: Vec<[u8; abi::RECORD_ID_LEN]>,
}

impl Limits {
    /// For an operation that takes credentials.
    pub(super) fn of(ask: &Ask, operation: u32, declaration: &Declaration) -> Self {
        Self {
            operation,
            purpose: Some(ask.purpose),
            finds: declaration.source == IdentifierSource::Found,
            several_records: declaration.several_records,
            max_record: declaration
                .keeps_records
                .then(|| declaration.max_record.saturating_sub(record::FRAME)),
            max_state: declaration.max_state,
            record_ids: ask.records.iter().map(|record| *record.id.as_bytes()).collect(),
        }
    }

    /// For the rewriting of the one record that the question carries.
    pub(super) fn of_migration(ask: &Ask, declaration: &Declaration) -> Self {
        Self {
            purpose: None,
            finds: false,
            max_state: 0,
            ..Self::of(ask, abi::OP_MIGRATE, declaration)
        }
    }

    /// For the others: `open`, `start`, `normalize`, `describe`, `health`.
    pub(super) fn without_credentials(operation: u32) -> Self {
        Self {
            operation,
            purpose: None,
            finds: false,
            several_records: false,
            max_record: None,
            max_state: 0,
            record_ids: Vec::new(),
        }
    }
}

/// A record that the kind wants stored.
pub(super) struct DraftRecord {
    pub(super) replaces: Option<[u8; abi::RECORD_ID_LEN]>,
    pub(super) bytes: Secret,
}

/// What a kind has written so far. It starts without a verdict, which is a refusal.
pub(super) struct Draft {
    limits: Limits,
    /// Why the reply accepts nothing, whatever its verdict: the first write that was refused.
    pub(super) void: Option<&'static str>,
    pub(super) verdict: Option<(u32, u32)>,
    pub(super) identifier: Option<Vec<u8>>,
    pub(super) record: Option<DraftRecord>,
    pub(super) label: Option<String>,
    pub(super) handle: Option<Vec<u8>>,
    pub(super) used: Option<[u8; abi::RECORD_ID_LEN]>,
    pub(super) state: Option<(Secret, Duration)>,
    pub(super) challenge: Fields,
    pub(super) show_once: Fields,
    pub(super) attributes: Vec<(String, serde_json::Value)>,
    pub(super) violations: Vec<Violation>,
    pub(super) messages: Vec<Message>,
    /// Counters that the kind was told are open.
    pub(super) asked_limits: Vec<Limit>,
    /// What the last answer over HTTP had more of than is taken; the host's own words.
    pub(super) larger: Option<String>,
    pub(super) message: Option<String>,
}

impl Draft {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            void: None,
            verdict: None,
            identifier: None,
            record: None,
            label: None,
            handle: None,
            used: None,
            state: None,
            challenge: Fields::default(),
            show_once: Fields::default(),
            attributes: Vec::new(),
            violations: Vec::new(),
            messages: Vec::new(),
            asked_limits: Vec::new(),
            larger: None,
            message: None,
        }
    }

    /// Refuses a write and voids the reply: a plugin that lies about one value is not believed about another.
    pub(super) fn refuse(&mut self, status: abi::Status, why: &'static str) -> abi::Status {
        self.void.get_or_insert(why);
        status
    }

    /// Whether something stands in it that a description has no place for.
    pub(super) fn wrote_more_than_attributes(&self) -> bool {
        // Taken apart by name, so that whoever adds to a reply is stopped here.
        let Self {
            limits: _,
            void: _,
            verdict: _,
            attributes: _,
            // Of the host itself, or for the operator.
            asked_limits: _,
            larger: _,
            message: _,
            identifier,
            record,
            label,
            handle,
            used,
            state,
            challenge,
            show_once,
            violations,
            messages,
        } = self;
        identifier.is_some()
            || record.is_some()
            || label.is_some()
            || handle.is_some()
            || used.is_some()
            || state.is_some()
            || !challenge.0.is_empty()
            || !show_once.0.is_empty()
            || !violations.is_empty()
            || !messages.is_empty()
    }

    /// The verdict, once. A second one is a contradiction, and contradictions accept nothing.
    pub(super) fn verdict(&mut self, verdict: u32, reason: u32) -> abi::Status {
        if !matches!(verdict, abi::DENY | abi::ACCEPT | abi::CONTINUE | abi::RESOLVE) {
            return self.refuse(abi::E_ARGUMENT, "it gave a verdict that does not exist");
        }
        if self.verdict.is_some() {
            return self.refuse(abi::E_CONFLICT, "it gave two verdicts");
        }
        self.verdict = Some((verdict, reason));
        abi::OK
    }

    pub(super) fn identifier(&mut self, data: &[u8]) -> abi::Status {
        if self.limits.operation != abi::OP_NORMALIZE && !self.limits.finds {
            return self.refuse(abi::E_ARGUMENT, "it wrote an identifier where none is found");
        }
        if data.is_empty() || data.len() > abi::limit::IDENTIFIER {
            return self.refuse(
                abi::E_TOO_LARGE,
                "it wrote an identifier that is empty or too long",
            );
        }
        self.identifier = Some(data.to_vec());
        abi::OK
    }

    pub(super) fn put_record(&mut self, id: Option<[u8; abi::RECORD_ID_LEN]>, data: &[u8]) -> abi::Status {
        if self.record.is_some() {
            return self.refuse(abi::E_CONFLICT, "it put two records");
        }
        let Some(max_record) = self.limits.max_record else {
            return self.refuse(abi::E_ARGUMENT, "it put a record and keeps none");
        };
        if data.len() > max_record {
            return self.refuse(abi::E_TOO_LARGE, "it put a record larger than it declared");
        }
        let allowed = match (id, self.limits.purpose) {
            (Some(id), _) => self.limits.record_ids.contains(&id),
            (None, Some(Operation::Enroll)) => true,
            (None, Some(Operation::Update)) => !self.limits.several_records,
            (None, _) => false,
        };
        if !allowed {
            return self.refuse(abi::E_ARGUMENT, "it put a record that is not of this request");
        }
        self.record = Some(DraftRecord {
            replaces: id,
            bytes: Secret::new(data),
        });
        abi::OK
    }

    pub(super) fn label(&mut self, text: &[u8]) -> abi::Status {
        match std::str::from_utf8(text) {
            Ok(text) if text.len() <= abi::limit::LABEL && !text.chars().any(char::is_control) => {
                self.label = Some(text.to_owned());
                abi::OK
            }
            _ => self.refuse(
                abi::E_ARGUMENT,
                "it wrote a label that is too long or not plain UTF-8",
            ),
        }
    }

    pub(super) fn handle(&mut self, data: &[u8]) -> abi::Status {
        if data.is_empty() || data.len() > abi::limit::IDENTIFIER {
            return self.refuse(abi::E_TOO_LARGE, "it wrote a handle that is empty or too long");
        }
        self.handle = Some(data.to_vec());
        abi::OK
    }

    pub(super) fn used_record(&mut self, id: [u8; abi::RECORD_ID_LEN]) -> abi::Status {
        if !self.limits.record_ids.contains(&id) {
            return self.refuse(
                abi::E_ARGUMENT,
                "it named a used record that is not of this request",
            );
        }
        self.used = Some(id);
        abi::OK
    }

    pub(super) fn state(&mut self, data: &[u8], seconds: u32) -> abi::Status {
        if data.len() > self.limits.max_state {
            return self.refuse(abi::E_TOO_LARGE, "it wrote a state larger than it declared");
        }
        self.state = Some((Secret::new(data), Duration::from_secs(seconds.into())));
        abi::OK
    }

    pub(super) fn challenge(&mut self, name: &str, data: &[u8]) -> abi::Status {
        if let Some(why) = list_refusal(&self.challenge, name, data) {
            return self.refuse(abi::E_TOO_LARGE, why);
        }
        self.challenge.0.push((name.to_owned(), Secret::new(data)));
        abi::OK
    }

    pub(super) fn show_once(&mut self, name: &str, data: &[u8]) -> abi::Status {
        if let Some(why) = list_refusal(&self.show_once, name, data) {
            return self.refuse(abi::E_TOO_LARGE, why);
        }
        self.show_once.0.push((name.to_owned(), Secret::new(data)));
        abi::OK
    }

    pub(super) fn attribute(&mut self, name: &str, json: &[u8]) -> abi::Status {
        let known = self.attributes.iter().any(|(known, _)| known == name);
        if known || self.attributes.len() >= MAX_VALUES || json.len() > MAX_ATTRIBUTE || !is_name(name) {
            return self.refuse(
                abi::E_TOO_LARGE,
                "it wrote too many, too large or misnamed attributes",
            );
        }
        match serde_json::from_slice(json) {
            Ok(value) => {
                self.attributes.push((name.to_owned(), value));
                abi::OK
            }
            Err(_) => self.refuse(abi::E_ARGUMENT, "it wrote an attribute that is not JSON"),
        }
    }

    pub(super) fn violation(&mut self, field: &str, code: &str, limit: i64) -> abi::Status {
        if self.violations.len() >= MAX_VALUES || !is_name(field) || !is_name(code) {
            return self.refuse(abi::E_ARGUMENT, "it wrote too many or misnamed violations");
        }
        self.violations.push(violation::of(field, code, limit));
        abi::OK
    }

    /// Queues a message to a person.
    pub(super) fn deliver(
        &mut self,
        channel: &str,
        address: &[u8],
        template: &str,
        params: Vec<(String, Secret)>,
        seconds: u32,
    ) -> abi::Status {
        if self.limits.purpose.is_none() {
            return self.refuse(abi::E_ARGUMENT, "it queued a message where nobody is concerned");
        }
        if !is_name(channel) || !is_template(template) {
            return self.refuse(
                abi::E_ARGUMENT,
                "it queued a message with a misnamed channel or template",
            );
        }
        let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
        let is_address = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        if address.len() > abi::limit::IDENTIFIER || !std::str::from_utf8(address).is_ok_and(is_address) {
            return self.refuse(
                abi::E_ARGUMENT,
                "it queued a message to an address that is empty, too long or not plain UTF-8",
            );
        }
        let misnamed = params.iter().enumerate().any(|(at, (name, value))| {
            let twice = params[..at].iter().any(|(other, _)| other == name);
            twice || !is_name(name) || !is_text(value.expose())
        });
        if misnamed {
            return self.refuse(
                abi::E_ARGUMENT,
                "it queued a message with values under bad names, twice, or not UTF-8",
            );
        }
        let size = |address: usize, params: &[(String, Secret)]| {
            address
                + params
                    .iter()
                    .map(|(name, value)| name.len() + value.len())
                    .sum::<usize>()
        };
        let queued: usize = (self.messages.iter())
            .map(|one| size(one.address.len(), &one.params.0))
            .sum();
        if self.messages.len() >= abi::DELIVER_MAX_MESSAGES
            || params.len() > abi::DELIVER_MAX_PARAMS
            || queued + size(address.len(), &params) > MAX_MESSAGES
        {
            return self.refuse(abi::E_TOO_LARGE, "it queued too many or too large messages");
        }
        let lifetime = Duration::from_secs(seconds.into()).min(LONGEST_MESSAGE);
        self.messages.push(Message {
            channel: channel.to_owned(),
            address: Secret::new(address),
            template: template.to_owned(),
            params: Fields(params),
            lifetime: (seconds > 0).then_some(lifetime),
        });
        abi::OK
    }

    /// Whether another counter may be asked for. One that was asked for before is the same one.
    pub(super) fn has_room_for(&self, limit: &Limit) -> Result<(), abi::Status> {
        if self.asked_limits.contains(limit) || self.asked_limits.len() < abi::LIMIT_MAX {
            Ok(())
        } else {
            Err(abi::E_TOO_LARGE)
        }
    }

    /// Notes a counter that is charged with the answer.
    pub(super) fn limit(&mut self, limit: Limit) -> Result<(), abi::Status> {
        self.has_room_for(&limit)?;
        if !self.asked_limits.contains(&limit) {
            self.asked_limits.push(limit);
        }
        Ok(())
    }

    /// Kept as far as it goes: a message that is too long is no reason to refuse anybody.
    pub(super) fn message(&mut self, text: &[u8]) -> abi::Status {
        self.message = Some(printable(text, MAX_MESSAGE));
        abi::OK
    }
}

fn list_refusal(list: &Fields, name: &str, data: &[u8]) -> Option<&'static str> {
    let total: usize = list.0.iter().map(|(_, value)| value.len()).sum();
    if !is_name(name) || list.named(name).is_some() {
        Some("it wrote a value under a bad name, or twice")
    } else if list.0.len() >= MAX_VALUES || total.saturating_add(data.len()) > MAX_LIST {
        Some("it wrote too many or too large values")
    } else {
        None
    }
}

/// Field and value names: `[a-z][a-z0-9_]{0,31}`.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Names of templates: `[a-z][a-z0-9_.-]{0,63}`.
fn is_template(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte))
}

/// Foreign text for a log line: bounded, UTF-8, without control characters (log injection, CWE-117).
pub(super) fn printable(text: &[u8], max: usize) -> String {
    String::from_utf8_lossy(text.get(..max).unwrap_or(text))
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
