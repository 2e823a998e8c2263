//! What an answer is worth: the core's own judgement, in the words of a test.

use doorward_base::error::{Error, ErrorKind};
use doorward_plugin_abi as abi;

use super::answer::{Answer, Outcome};
use crate::ask::{Ask, Decision, Declaration, Denial};
use crate::reply::Draft;
use crate::verdict;

/// Judges what an operation returned and wrote.
pub(super) fn judged(
    operation: u32,
    status: abi::Status,
    draft: Draft,
    ask: &Ask,
    kind: &Declaration,
) -> Answer {
    let mut answer = Answer {
        read: (ask.records.iter())
            .map(|record| (*record.id.as_bytes(), record.version))
            .collect(),
        format: kind.record_version,
        ..Answer::written(status, &draft)
    };
    // A refusal, whatever its reason.
    let refused = |denial: Denial| Ok((Outcome::Denied(denial.number()), Vec::new()));
    let judged = match operation {
        abi::OP_DESCRIBE => verdict::described(status, draft, kind)
            .map(|_| ())
            .and_then(|()| refused(Denial::Wrong)),
        abi::OP_HEALTH | abi::OP_START if status == abi::OK => refused(Denial::Wrong),
        abi::OP_HEALTH | abi::OP_START => Err(verdict::undecided(status, &draft, kind)),
        abi::OP_MIGRATE => match verdict::rewritten(status, draft, ask, kind) {
            Ok(_) => Ok((Outcome::Accepted, Vec::new())),
            // It has not understood the record, and says so in order.
            Err(error) if status == abi::OK && error.kind() == ErrorKind::Corrupt => refused(Denial::Wrong),
            Err(error) => Err(error),
        },
        abi::OP_NORMALIZE => verdict::normalized(status, draft, kind).map(|canonical| match canonical {
            Some(_) => (Outcome::Accepted, Vec::new()),
            None => (Outcome::Denied(abi::INVALID_INPUT), Vec::new()),
        }),
        _ => verdict::judge(status, draft, ask, kind).map(|verdict| {
            let outcome = match verdict.decision {
                Decision::Accept => Outcome::Accepted,
                Decision::Continue => Outcome::Continue,
                Decision::Deny => Outcome::Denied(verdict.denial.number()),
                Decision::Resolve => Outcome::Resolve,
            };
            (outcome, verdict.limits)
        }),
    };
    match judged {
        Ok((outcome, charged)) => {
            answer.outcome = outcome;
            answer.charged = charged;
        }
        Err(error) => {
            answer.outcome = outcome_of(&error, status, answer.verdict != abi::DENY);
            error.message().clone_into(&mut answer.error);
        }
    }
    answer
}

/// The row of the table "FAILURE" that an error is of.
fn outcome_of(error: &Error, status: abi::Status, claims: bool) -> Outcome {
    match error.kind() {
        ErrorKind::PluginFault if status == abi::OK || claims => Outcome::BrokenContract,
        ErrorKind::PluginFault | ErrorKind::Corrupt | ErrorKind::Unsupported => Outcome::Fault(status),
        // The other side sent too much: its host cannot be reached, for all that people are told.
        _ if status == abi::E_TOO_LARGE => Outcome::Undecided(abi::E_UNAVAILABLE),
        _ => Outcome::Undecided(status),
    }
}
