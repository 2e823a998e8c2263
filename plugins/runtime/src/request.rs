//! A question as the plugin reads it: `dwp_request`, pointing into the question's own memory.

use doorward_plugin_abi as abi;
use sha2::{Digest, Sha256};

use super::ask::{Ask, Denial, Field, Operation, Verdict};
use super::ask::{Decision, Declaration, Fields};
use super::foreign::count;
use super::{record, violation};
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::id::UserId;
use doorward_base::keys::Binding;
use doorward_base::secret::Secret;

/// A request and what it points at. The pointers stay good when it moves: they lead to the heap and to the question.
pub(super) struct Request {
    pub(super) body: abi::Request,
    _credentials: Vec<abi::Pair>,
    _new_credentials: Vec<abi::Pair>,
    _records: Vec<abi::Record>,
    _record_pointers: Vec<*const abi::Record>,
}

impl Request {
    /// The question as a request of the operation `operation`.
    ///
    /// # Errors
    /// `Corrupt` when a stored record has no frame.
    pub(super) fn of(
        ask: &Ask,
        kind: &Declaration,
        provider: &str,
        host: *const abi::Host,
        call: *const abi::Call,
    ) -> Result<Self> {
        let credentials = values(kind.fields_at(ask.purpose, ask.step), &ask.credentials);
        let new_credentials = match ask.operation {
            Operation::Update => values(kind.replacement_fields(), &ask.new_credentials),
            _ => Vec::new(),
        };
        let records = ask
            .records
            .iter()
            .map(|open| {
                let (format, bytes) = record::unframed(&open.bytes)?;
                Ok(abi::Record {
                    struct_size: count(size_of::<abi::Record>()),
                    format,
                    id: *open.id.as_bytes(),
                    version: open.version,
                    bytes: abi::Bytes::of(bytes),
                    label: abi::Bytes::of(open.label.as_bytes()),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let record_pointers: Vec<*const abi::Record> = records.iter().map(std::ptr::from_ref).collect();
        let subject = ask
            .subject
            .as_ref()
            .map_or(abi::Bytes::EMPTY, |id| abi::Bytes::of(id.as_bytes()));
        let body = abi::Request {
            operation: number(ask.operation),
            purpose: purpose(ask.purpose),
            flags: if ask.decoy { abi::RF_DECOY } else { 0 },
            step: ask.step,
            n_credentials: count(credentials.len()),
            n_new_credentials: count(new_credentials.len()),
            n_records: count(records.len()),
            realm: abi::Bytes::of(ask.realm.as_bytes()),
            subject,
            identifier_raw: abi::Bytes::of(&ask.raw),
            identifier: abi::Bytes::of(&ask.canonical),
            display: abi::Bytes::of(ask.display.as_bytes()),
            credentials: credentials.as_ptr(),
            new_credentials: new_credentials.as_ptr(),
            records: record_pointers.as_ptr(),
            state: ask
                .state
                .as_ref()
                .map_or(abi::Bytes::EMPTY, |state| abi::Bytes::of(state.expose())),
            agent: abi::Bytes::of(ask.agent.as_bytes()),
            address: abi::Bytes::of(ask.address.as_bytes()),
            resolved: ask.resolved.as_deref().map_or(abi::Bytes::EMPTY, abi::Bytes::of),
            ..bare(host, call, provider)
        };
        Ok(Self {
            body,
            _credentials: credentials,
            _new_credentials: new_credentials,
            _records: records,
            _record_pointers: record_pointers,
        })
    }
}

/// A request without a question: `start`, `normalize`, `health`.
pub(super) fn bare(host: *const abi::Host, call: *const abi::Call, provider: &str) -> abi::Request {
    abi::Request {
        struct_size: count(size_of::<abi::Request>()),
        operation: 0,
        purpose: 0,
        flags: 0,
        step: 0,
        n_credentials: 0,
        n_new_credentials: 0,
        n_records: 0,
        host,
        call,
        realm: abi::Bytes::EMPTY,
        provider: abi::Bytes::of(provider.as_bytes()),
        subject: abi::Bytes::EMPTY,
        identifier_raw: abi::Bytes::EMPTY,
        identifier: abi::Bytes::EMPTY,
        display: abi::Bytes::EMPTY,
        credentials: std::ptr::null(),
        new_credentials: std::ptr::null(),
        records: std::ptr::null(),
        state: abi::Bytes::EMPTY,
        agent: abi::Bytes::EMPTY,
        address: abi::Bytes::EMPTY,
        resolved: abi::Bytes::EMPTY,
    }
}

/// The declared fields that were given, and empty ones for those that must not be absent.
fn values<'a>(declared: impl Iterator<Item = &'a Field>, given: &Fields) -> Vec<abi::Pair> {
    declared
        .filter_map(|field| {
            let value = given.named(&field.name);
            (value.is_some() || !field.optional).then(|| abi::Pair {
                name: abi::Bytes::of(field.name.as_bytes()),
                value: value.map_or(abi::Bytes::EMPTY, |value| abi::Bytes::of(value.expose())),
            })
        })
        .collect()
}

/// Which answer the credentials may still get after a look at their names and lengths.
pub(super) enum Fit {
    /// They are as declared: ask.
    Good,
    /// A credential to be verified is too long, so it is wrong. Ask as a decoy, with the rest cut off: the same work,
    /// and no acceptance.
    Wrong,
    /// New credentials are too long: say so, with all limits.
    Broken(Box<Verdict>),
}

/// Compares the credentials with the declaration and cuts what is too long.
///
/// # Errors
/// `InvalidArgument`: a field that the kind does not have here, or one that comes twice; `Unsupported`: no such
/// operation.
pub(super) fn fit(ask: &mut Ask, kind: &Declaration) -> Result<Fit> {
    if !kind.has(ask.operation) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("kind {:?} has no operation {:?}", kind.name, ask.operation),
        ));
    }
    if ask.operation != Operation::Step {
        ask.purpose = ask.operation;
        ask.step = 0;
    } else if ask.purpose == Operation::Step || ask.step == 0 {
        return Err(Error::new(
            ErrorKind::Internal,
            "a step was asked without the operation that it resumes",
        ));
    }
    let given: Vec<&Field> = kind.fields_at(ask.purpose, ask.step).collect();
    let mut long = too_long(&mut ask.credentials, &given, kind)?;
    if ask.operation == Operation::Update {
        let replacements: Vec<&Field> = kind.replacement_fields().collect();
        long.extend(too_long(&mut ask.new_credentials, &replacements, kind)?);
    }
    if long.is_empty() {
        return Ok(Fit::Good);
    }
    if ask.purpose == Operation::Verify {
        ask.decoy = true;
        ask.records.clear();
        return Ok(Fit::Wrong);
    }
    Ok(Fit::Broken(Box::new(Verdict {
        denial: Denial::InvalidInput,
        violations: long
            .into_iter()
            .map(|field| violation::of(&field.name, "too_long", field.max_len as i64))
            .collect(),
        ..Verdict::of(Decision::Deny)
    })))
}

fn too_long<'a>(given: &mut Fields, declared: &[&'a Field], kind: &Declaration) -> Result<Vec<&'a Field>> {
    let mut seen: Vec<&str> = Vec::with_capacity(given.0.len());
    let mut long = Vec::new();
    for (name, value) in &mut given.0 {
        let Some(field) = declared.iter().find(|field| field.name == *name) else {
            let names: Vec<&str> = declared.iter().map(|field| field.name.as_str()).collect();
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "kind {:?} takes no credential {name:?} here; it takes: {}",
                    kind.name,
                    names.join(", ")
                ),
            ));
        };
        if seen.contains(&field.name.as_str()) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("the credential {name:?} is given twice"),
            ));
        }
        seen.push(&field.name);
        if value.len() > field.max_len {
            *value = Secret::new(value.expose().get(..field.max_len).unwrap_or_default());
            long.push(*field);
        }
    }
    Ok(long)
}

/// An id that is no user's, the same for the same question: a kind may derive something from it (which character it
/// asks for, say), and that must not change from one attempt to the next.
pub(super) fn nobody(ask: &Ask) -> UserId {
    let of = Binding::of("nobody")
        .and(ask.realm.as_bytes())
        .and(ask.provider.as_bytes())
        .and(&ask.canonical);
    let mut id = [0; 16];
    for (byte, hashed) in id.iter_mut().zip(Sha256::digest(of.bytes())) {
        *byte = hashed;
    }
    UserId::from_bytes(id)
}

pub(super) const fn number(operation: Operation) -> u32 {
    match operation {
        Operation::Enroll => abi::OP_ENROLL,
        Operation::Step => abi::OP_STEP,
        Operation::Update => abi::OP_UPDATE,
        Operation::Verify => abi::OP_VERIFY,
    }
}

const fn purpose(purpose: Operation) -> u32 {
    match purpose {
        Operation::Enroll => abi::FOR_ENROLL,
        Operation::Update => abi::FOR_UPDATE,
        Operation::Verify => abi::FOR_VERIFY,
        Operation::Step => 0,
    }
}
