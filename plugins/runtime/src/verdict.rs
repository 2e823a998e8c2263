//! The fail-closed matrix: from what a kind returned and wrote to what the core believes.
//!
//! It is the table of `include/doorward_plugin.h`. Whatever is not a clear yes is a no; a broken contract is an
//! error (`PluginFault`), so that an operator sees a defect instead of people who forget their passwords.

use doorward_plugin_abi as abi;

use super::ask::{Ask, Decision, Declaration, Denial, IdentifierSource, Operation, PutRecord, Verdict};
use super::record;
use super::reply::{Draft, DraftRecord};
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::id::AuthenticatorId;
use doorward_base::secret::Secret;

/// Judges the answer to an operation that takes credentials.
pub(super) fn judge(status: abi::Status, draft: Draft, ask: &Ask, kind: &Declaration) -> Result<Verdict> {
    let (verdict, reason) = draft.verdict.unwrap_or((abi::DENY, abi::WRONG));
    if status != abi::OK {
        return Err(undecided(status, &draft, kind));
    }
    if let (None, Some(why)) = (draft.verdict, draft.void) {
        return Err(fault(kind, why));
    }
    if verdict == abi::DENY {
        return Ok(refusal(denial(reason), draft, ask));
    }
    if let Some(why) = draft.void {
        return Err(fault(kind, why));
    }
    match verdict {
        abi::ACCEPT => {
            // What this version does not know of an acceptance counts for nothing.
            let two_in_one = kind.two_in_one && reason & abi::ACCEPT_TWO_IN_ONE != 0;
            let verdict = accepted(draft, ask, kind)?;
            Ok(Verdict {
                two_in_one: two_in_one && verdict.decision == Decision::Accept,
                ..verdict
            })
        }
        abi::CONTINUE => continued(draft, kind),
        abi::RESOLVE => resolved(draft, ask, kind),
        _ => Err(fault(kind, "it gave a verdict that does not exist")),
    }
}

/// Judges the rewriting of one record: the record as it is stored from now on.
pub(super) fn rewritten(status: abi::Status, draft: Draft, ask: &Ask, kind: &Declaration) -> Result<Secret> {
    let (verdict, _) = draft.verdict.unwrap_or((abi::DENY, abi::WRONG));
    if status != abi::OK {
        return Err(undecided(status, &draft, kind));
    }
    if let Some(why) = draft.void {
        return Err(fault(kind, why));
    }
    let asked = ask.records.first().map(|record| *record.id.as_bytes());
    match (verdict, draft.record) {
        (abi::ACCEPT, Some(record)) if record.replaces.is_some() && record.replaces == asked => {
            Ok(record::framed(kind.record_version, record.bytes.expose()))
        }
        (abi::DENY, _) => Err(not_understood(kind)),
        _ => Err(fault(kind, "it rewrote a record of an older format to nothing")),
    }
}

/// Most bytes of a description as JSON.
const MAX_DESCRIPTION: usize = 8 * 1024;

/// Judges a description: names and values, and nothing else.
pub(super) fn described(
    status: abi::Status,
    draft: Draft,
    kind: &Declaration,
) -> Result<Vec<(String, serde_json::Value)>> {
    if status != abi::OK {
        return Err(undecided(status, &draft, kind));
    }
    if let Some(why) = draft.void {
        return Err(fault(kind, why));
    }
    let claims = draft.verdict.is_some_and(|(verdict, _)| verdict != abi::DENY);
    if claims || draft.wrote_more_than_attributes() {
        return Err(fault(
            kind,
            "it described a record and wrote something else besides",
        ));
    }
    let size: usize = draft
        .attributes
        .iter()
        .map(|(name, value)| name.len() + value.to_string().len())
        .sum();
    if size > MAX_DESCRIPTION {
        return Err(fault(kind, "it described a record at more length than is shown"));
    }
    Ok(draft.attributes)
}

/// Judges a canonical form; `None`: the kind takes no such identifier.
pub(super) fn normalized(status: abi::Status, draft: Draft, kind: &Declaration) -> Result<Option<Vec<u8>>> {
    let verdict = draft.verdict.map_or(abi::DENY, |(verdict, _)| verdict);
    if status != abi::OK {
        return Err(undecided(status, &draft, kind));
    }
    match (verdict, draft.void, draft.identifier) {
        (abi::DENY, ..) => Ok(None),
        (abi::ACCEPT, None, Some(canonical)) => Ok(Some(canonical)),
        (_, Some(why), _) => Err(fault(kind, why)),
        _ => Err(fault(kind, "it normalized an identifier to nothing")),
    }
}

/// The error of a status that is not `OK`.
pub(super) fn undecided(status: abi::Status, draft: &Draft, kind: &Declaration) -> Error {
    let error = |what: ErrorKind, text: &str| Error::new(what, format!("kind {:?} {text}", kind.name));
    let claims = draft.verdict.is_some_and(|(verdict, _)| verdict != abi::DENY);
    match status {
        abi::E_UNAVAILABLE => match &draft.larger {
            None => error(ErrorKind::Unavailable, "cannot reach its backend"),
            Some(why) => too_large(why, kind),
        },
        abi::E_TIMEOUT => error(ErrorKind::Timeout, "got no answer from its backend in time"),
        abi::E_CANCELLED => error(ErrorKind::Cancelled, "gave up because the caller did"),
        abi::E_OVERLOADED => error(ErrorKind::Overloaded, "found no room for its work"),
        abi::E_BROKEN => fault(
            kind,
            "it panicked, which is a bug in the plugin; this request is lost, and the kind is opened again",
        ),
        _ if claims => fault(kind, "it gave a verdict together with an error status"),
        abi::E_FORMAT => not_understood(kind),
        abi::E_UNSUPPORTED => error(ErrorKind::Unsupported, "does not offer this"),
        // What another side sent is no bug of the plugin's: the host has seen it, or the plugin says what it was.
        abi::E_TOO_LARGE if draft.void.is_none() => match draft.larger.as_ref().or(draft.message.as_ref()) {
            Some(why) => too_large(why, kind),
            None => fault(
                kind,
                "it returned DWP_E_TOO_LARGE and did not say with host->message what is larger than which limit",
            ),
        },
        _ => fault(kind, draft.void.unwrap_or("it returned an error status")),
    }
}

fn too_large(why: &str, kind: &Declaration) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("kind {:?} cannot take what its backend sent: {why}", kind.name),
    )
}

fn not_understood(kind: &Declaration) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "kind {:?} does not understand what it stored earlier (record or flow state)",
            kind.name
        ),
    )
}

pub(super) fn fault(kind: &Declaration, why: &str) -> Error {
    Error::new(
        ErrorKind::PluginFault,
        format!("kind {:?} broke its contract: {why}", kind.name),
    )
}

fn accepted(draft: Draft, ask: &Ask, kind: &Declaration) -> Result<Verdict> {
    let stores = matches!(ask.purpose, Operation::Enroll | Operation::Update);
    if !draft.violations.is_empty() {
        return Err(fault(kind, "it accepted what it says breaks its rules"));
    }
    if kind.keeps_records && stores && draft.record.is_none() {
        return Err(fault(
            kind,
            "it accepted new credentials without putting a record",
        ));
    }
    if kind.keeps_records && !stores && !ask.decoy && ask.records.is_empty() {
        return Err(fault(kind, "it accepted without a record to verify against"));
    }
    // Somebody with a user is known already; a handle that was resolved has said who it is.
    let said_elsewhere = match ask.purpose {
        Operation::Enroll => ask.subject.is_some(),
        Operation::Update => true,
        Operation::Verify | Operation::Step => ask.resolved.is_some(),
    };
    if kind.source == IdentifierSource::Found && !said_elsewhere && draft.identifier.is_none() {
        return Err(fault(kind, "it accepted without saying whom"));
    }
    if ask.decoy {
        return Ok(refusal(Denial::Wrong, draft, ask));
    }
    let used = draft
        .used
        .or_else(|| draft.record.as_ref().and_then(|record| record.replaces));
    Ok(Verdict {
        decision: Decision::Accept,
        identifier: draft.identifier.map(|found| (found.clone(), found)),
        records: draft
            .record
            .map(|record| put(&record, draft.handle, draft.label, kind, stores))
            .into_iter()
            .collect(),
        used: used.map(AuthenticatorId::from_bytes),
        show_once: draft.show_once,
        attributes: draft.attributes,
        // With the record or not at all: a verification that is over has nothing to be stored with.
        messages: if stores { draft.messages } else { Vec::new() },
        limits: if stores { draft.asked_limits } else { Vec::new() },
        ..Verdict::of(Decision::Accept)
    })
}

fn put(
    record: &DraftRecord,
    handle: Option<Vec<u8>>,
    label: Option<String>,
    kind: &Declaration,
    stores: bool,
) -> PutRecord {
    // A verification that leaves nothing in a record has used it up.
    let is_spent = !stores && record.bytes.expose().is_empty();
    PutRecord {
        replaces: record.replaces.map(AuthenticatorId::from_bytes),
        bytes: if is_spent {
            record::spent()
        } else {
            record::framed(kind.record_version, record.bytes.expose())
        },
        handle,
        label,
    }
}

fn continued(draft: Draft, kind: &Declaration) -> Result<Verdict> {
    let Some((state, ttl)) = draft.state else {
        return Err(fault(kind, "it asked for another step without a state"));
    };
    if !kind.has(Operation::Step) {
        return Err(fault(kind, "it asked for another step and has none"));
    }
    Ok(Verdict {
        state: Some(state),
        state_ttl: Some(ttl).filter(|ttl| !ttl.is_zero()),
        challenge: draft.challenge,
        messages: draft.messages,
        limits: draft.asked_limits,
        ..Verdict::of(Decision::Continue)
    })
}

fn resolved(draft: Draft, ask: &Ask, kind: &Declaration) -> Result<Verdict> {
    if ask.purpose != Operation::Verify || ask.resolved.is_some() {
        return Err(fault(kind, "it asked for a record where it may not, or twice"));
    }
    let Some(handle) = draft.handle else {
        return Err(fault(kind, "it asked for a record without a handle"));
    };
    Ok(Verdict {
        handle: Some(handle),
        ..Verdict::of(Decision::Resolve)
    })
}

/// A refusal keeps nothing of what was written but the broken rules of new credentials.
pub(super) fn refusal(denial: Denial, draft: Draft, ask: &Ask) -> Verdict {
    let violations = match ask.purpose {
        Operation::Enroll | Operation::Update if draft.void.is_none() => draft.violations,
        _ => Vec::new(),
    };
    Verdict {
        denial,
        violations,
        ..Verdict::of(Decision::Deny)
    }
}

/// Reasons that this version does not know count as a failed attempt: the strictest reading.
const fn denial(reason: u32) -> Denial {
    match reason {
        abi::EXPIRED => Denial::Expired,
        abi::MUST_CHANGE => Denial::MustChange,
        abi::DISABLED => Denial::Disabled,
        abi::LOCKED => Denial::Locked,
        abi::NOT_ENROLLED => Denial::NotEnrolled,
        abi::INVALID_INPUT => Denial::InvalidInput,
        _ => Denial::Wrong,
    }
}
