//! What came back, as Doorward sees it.

use doorward_plugin::abi;
use doorward_plugin_testing::{Answer, Outcome};

/// What Doorward makes of a reply: the table "FAILURE" of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Accepted,
    Continue,
    Resolve,
    /// The reason.
    Denied(u32),
    /// It could not decide: the status.
    Undecided(i32),
    /// A record or state is not understood.
    Format,
    /// It does not offer this.
    Unsupported,
    /// A broken contract, or a fault: the same to the application.
    Fault,
}

impl Seen {
    /// For people, and for comparing.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Accepted => "accept".into(),
            Self::Continue => "continue".into(),
            Self::Resolve => "resolve".into(),
            Self::Denied(reason) => format!("deny ({})", reason_id(reason)),
            Self::Undecided(status) => format!("could not decide (status {status})"),
            Self::Format => "record or state not understood".into(),
            Self::Unsupported => "not supported".into(),
            Self::Fault => "broken contract".into(),
        }
    }
}

/// The reasons by name, as vectors and events call them.
const REASONS: [(u32, &str); 7] = [
    (abi::WRONG, "wrong"),
    (abi::EXPIRED, "expired"),
    (abi::MUST_CHANGE, "must_change"),
    (abi::DISABLED, "disabled"),
    (abi::LOCKED, "locked"),
    (abi::NOT_ENROLLED, "not_enrolled"),
    (abi::INVALID_INPUT, "invalid_input"),
];

fn reason_id(reason: u32) -> String {
    REASONS
        .iter()
        .find(|(number, _)| *number == reason)
        .map_or_else(|| format!("reason {reason}"), |(_, id)| (*id).to_owned())
}

/// The reason of that name.
pub(crate) fn reason_of(id: &str) -> Option<u32> {
    REASONS
        .iter()
        .find(|(_, known)| *known == id)
        .map(|(number, _)| *number)
}

/// A reply.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) seen: Seen,
    /// The plugin said ACCEPT, whatever came of it; only where it is asked directly.
    pub(crate) said_accept: bool,
    pub(crate) identifier: Option<Vec<u8>>,
    /// The id that it replaces, and its bytes.
    pub(crate) record: Option<(Option<[u8; 16]>, Vec<u8>)>,
    pub(crate) label: Option<String>,
    pub(crate) handle: Option<Vec<u8>>,
    pub(crate) state: Option<Vec<u8>>,
    pub(crate) challenge: Vec<(String, Vec<u8>)>,
    pub(crate) show_once: Vec<(String, Vec<u8>)>,
    /// What goes into the messages that it sends, of all of them.
    pub(crate) delivered: Vec<(String, Vec<u8>)>,
    /// How many messages that are.
    pub(crate) messages: usize,
    pub(crate) attributes: Vec<(String, Vec<u8>)>,
    pub(crate) violations: Vec<(String, String)>,
    pub(crate) message: String,
    /// The host functions that were called; only where it is asked directly.
    pub(crate) host_calls: Vec<&'static str>,
}

impl Reply {
    pub(crate) fn blank(seen: Seen) -> Self {
        Self {
            seen,
            said_accept: false,
            identifier: None,
            record: None,
            label: None,
            handle: None,
            state: None,
            challenge: Vec::new(),
            show_once: Vec::new(),
            delivered: Vec::new(),
            messages: 0,
            attributes: Vec::new(),
            violations: Vec::new(),
            message: String::new(),
            host_calls: Vec::new(),
        }
    }

    pub(crate) fn accepted(&self) -> bool {
        self.seen == Seen::Accepted
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        let seen = match answer.outcome() {
            Outcome::Accepted => Seen::Accepted,
            Outcome::Continue => Seen::Continue,
            Outcome::Resolve => Seen::Resolve,
            Outcome::Denied(reason) => Seen::Denied(reason),
            Outcome::Undecided(status) => Seen::Undecided(status),
            Outcome::Fault(abi::E_FORMAT) => Seen::Format,
            Outcome::Fault(abi::E_UNSUPPORTED) => Seen::Unsupported,
            Outcome::BrokenContract | Outcome::Fault(_) => Seen::Fault,
        };
        Self {
            seen,
            said_accept: answer.verdict == abi::ACCEPT,
            identifier: answer.identifier,
            record: answer.record,
            label: answer.label,
            handle: answer.handle,
            state: answer.state.map(|(state, _)| state),
            challenge: answer.challenge,
            show_once: answer.show_once,
            messages: answer.deliveries.len(),
            delivered: answer
                .deliveries
                .into_iter()
                .flat_map(|delivery| delivery.params)
                .map(|(name, value)| (name, value.into_bytes()))
                .collect(),
            attributes: answer.attributes,
            violations: answer
                .violations
                .into_iter()
                .map(|(field, code, _)| (field, code))
                .collect(),
            // The plugin's own words, or what Doorward says of it.
            message: if answer.message.is_empty() {
                answer.error
            } else {
                answer.message
            },
            host_calls: answer.host_calls,
        }
    }
}
