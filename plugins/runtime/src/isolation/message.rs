//! Questions and answers as fields of frames. What a helper answers is replayed into a [`Draft`] of the core, through
//! the same functions that a plugin in this process writes with: a helper is believed no more than a plugin.

use std::time::Duration;

use doorward_plugin_abi as abi;

use super::wire::{Fields, Garbage, Writer};
use crate::ask::{self, Ask, OpenRecord, Operation};
use crate::reply::Draft;
use doorward_base::id::{AuthenticatorId, UserId};
use doorward_base::secret::Secret;

/// Tags of frames other than a module's descriptors.
pub(super) mod tag {
    /// Version of this protocol.
    pub(in super::super) const PROTOCOL: u16 = 1;
    /// Hello: the plugin's name in the configuration, its file, its pin.
    pub(in super::super) const NAME: u16 = 2;
    pub(in super::super) const PATH: u16 = 3;
    pub(in super::super) const SHA256: u16 = 4;
    /// Hello: what the sandbox shall allow.
    pub(in super::super) const SANDBOX: u16 = 5;
    /// Module: why there is none.
    pub(in super::super) const REFUSED: u16 = 6;
    /// Module: the descriptors.
    pub(in super::super) const DESCRIPTORS: u16 = 7;
    /// Open: kind, provider name, options (JSON).
    pub(in super::super) const KIND: u16 = 8;
    pub(in super::super) const PROVIDER: u16 = 9;
    pub(in super::super) const OPTIONS: u16 = 10;
    /// The instance that a frame is about.
    pub(in super::super) const INSTANCE: u16 = 11;
    /// Nanoseconds to the deadline, and the application's wall clock.
    pub(in super::super) const REMAINING: u16 = 12;
    pub(in super::super) const NOW: u16 = 13;
    /// Ask: which operation, and what it is about.
    pub(in super::super) const OPERATION: u16 = 14;
    pub(in super::super) const QUESTION: u16 = 15;
    /// Ask of normalize.
    pub(in super::super) const IDENTIFIER: u16 = 16;
    /// Answer: status and reply.
    pub(in super::super) const STATUS: u16 = 17;
    pub(in super::super) const REPLY: u16 = 18;
    /// Service: which, whether it names the call, its arguments in order.
    pub(in super::super) const SERVICE: u16 = 19;
    pub(in super::super) const HAS_CALL: u16 = 20;
    pub(in super::super) const ARGUMENT: u16 = 21;
    /// Served: what it gave.
    pub(in super::super) const RESULT: u16 = 22;
    /// Log: level, and the text.
    pub(in super::super) const LEVEL: u16 = 23;
    pub(in super::super) const TEXT: u16 = 24;
    /// Hello: the class, when the plugin is one in Python, and behind a NUL the folder of its module.
    pub(in super::super) const PYTHON: u16 = 25;
    /// Hello: 1 where nothing is run without Landlock; and there, where the interpreter ended, the wish to know why.
    pub(in super::super) const NEEDS_LANDLOCK: u16 = 26;
    pub(in super::super) const WHY: u16 = 27;
}

/// Tags of a question.
mod q {
    pub(super) const OPERATION: u16 = 1;
    pub(super) const PURPOSE: u16 = 2;
    pub(super) const STEP: u16 = 3;
    pub(super) const DECOY: u16 = 4;
    pub(super) const REALM: u16 = 5;
    pub(super) const SUBJECT: u16 = 6;
    pub(super) const PROVIDER: u16 = 7;
    pub(super) const RAW: u16 = 8;
    pub(super) const CANONICAL: u16 = 9;
    pub(super) const DISPLAY: u16 = 10;
    pub(super) const CREDENTIAL: u16 = 11;
    pub(super) const NEW_CREDENTIAL: u16 = 12;
    pub(super) const RECORD: u16 = 13;
    pub(super) const STATE: u16 = 14;
    pub(super) const RESOLVED: u16 = 15;
    pub(super) const AGENT: u16 = 16;
    pub(super) const ADDRESS: u16 = 17;
}

/// Tags of a reply.
mod r {
    pub(super) const VOID: u16 = 1;
    pub(super) const VERDICT: u16 = 2;
    pub(super) const REASON: u16 = 3;
    pub(super) const IDENTIFIER: u16 = 4;
    pub(super) const RECORD: u16 = 5;
    pub(super) const RECORD_ID: u16 = 6;
    pub(super) const LABEL: u16 = 7;
    pub(super) const HANDLE: u16 = 8;
    pub(super) const USED: u16 = 9;
    pub(super) const STATE: u16 = 10;
    pub(super) const STATE_SECONDS: u16 = 11;
    pub(super) const CHALLENGE: u16 = 12;
    pub(super) const SHOW_ONCE: u16 = 13;
    pub(super) const ATTRIBUTE: u16 = 14;
    pub(super) const VIOLATION: u16 = 15;
    pub(super) const MESSAGE: u16 = 16;
    pub(super) const DELIVERY: u16 = 17;
}

/// Tags of what stands in a list.
mod item {
    pub(super) const NAME: u16 = 1;
    pub(super) const VALUE: u16 = 2;
    pub(super) const ID: u16 = 3;
    pub(super) const VERSION: u16 = 4;
    pub(super) const LABEL: u16 = 5;
    pub(super) const LIMIT: u16 = 6;
    pub(super) const TEMPLATE: u16 = 7;
    pub(super) const PARAMETER: u16 = 8;
    pub(super) const SECONDS: u16 = 9;
}

fn named(name: &str, value: &[u8]) -> Writer {
    Writer::new()
        .put(item::NAME, name.as_bytes())
        .put(item::VALUE, value)
}

/// Values with names, all of one tag.
fn pairs(fields: Fields<'_>, tag: u16) -> Result<Vec<(String, Secret)>, Garbage> {
    fields
        .all(tag)
        .map(|value| {
            let value = Fields::of(value)?;
            let (name, value) = (value.text(item::NAME)?, value.bytes(item::VALUE)?);
            Ok((name.to_owned(), Secret::new(value)))
        })
        .collect()
}

/// The question as fields.
pub(super) fn question(ask: &Ask) -> Writer {
    // Taken apart by name, so that whoever adds to a question is stopped here.
    let Ask {
        operation,
        purpose,
        step,
        decoy,
        realm,
        subject,
        // The core's own: it counts there.
        known: _,
        provider,
        raw,
        canonical,
        display,
        credentials,
        new_credentials,
        records,
        state,
        resolved,
        agent,
        address,
    } = ask;
    let mut writer = Writer::new()
        .number(q::OPERATION, code(*operation))
        .number(q::PURPOSE, code(*purpose))
        .number(q::STEP, (*step).into())
        .number(q::DECOY, (*decoy).into())
        .put(q::REALM, realm.as_bytes())
        .maybe(q::SUBJECT, subject.as_ref().map(|id| id.as_bytes().as_slice()))
        .put(q::PROVIDER, provider.as_bytes())
        .put(q::RAW, raw)
        .put(q::CANONICAL, canonical)
        .put(q::DISPLAY, display.as_bytes())
        .maybe(q::STATE, state.as_ref().map(Secret::expose))
        .maybe(q::RESOLVED, resolved.as_deref())
        .put(q::AGENT, agent.as_bytes())
        .put(q::ADDRESS, address.as_bytes());
    for (tag, fields) in [(q::CREDENTIAL, credentials), (q::NEW_CREDENTIAL, new_credentials)] {
        for (name, value) in &fields.0 {
            writer = writer.nest(tag, &named(name, value.expose()));
        }
    }
    for record in records {
        let inner = Writer::new()
            .put(item::ID, record.id.as_bytes())
            .put(item::VERSION, &record.version.to_le_bytes())
            .put(item::VALUE, record.bytes.expose())
            .put(item::LABEL, record.label.as_bytes());
        writer = writer.nest(q::RECORD, &inner);
    }
    writer
}

/// A question that [`question`] wrote.
pub(super) fn asked(fields: Fields<'_>) -> Result<Ask, Garbage> {
    let credentials = |tag| pairs(fields, tag).map(ask::Fields);
    let record = |value| {
        let value = Fields::of(value)?;
        let id = value.exact(item::ID)?.ok_or(Garbage("a record has no id"))?;
        Ok(OpenRecord {
            id: AuthenticatorId::from_bytes(id),
            version: value.exact(item::VERSION)?.map_or(0, i64::from_le_bytes),
            bytes: Secret::new(value.bytes(item::VALUE)?),
            label: value.text(item::LABEL)?.to_owned(),
        })
    };
    Ok(Ask {
        operation: operation(fields.number(q::OPERATION)?)?,
        purpose: operation(fields.number(q::PURPOSE)?)?,
        step: fields.small(q::STEP)?,
        decoy: fields.number(q::DECOY)? != 0,
        realm: fields.text(q::REALM)?.to_owned(),
        subject: fields.exact(q::SUBJECT)?.map(UserId::from_bytes),
        known: None,
        provider: fields.text(q::PROVIDER)?.to_owned(),
        raw: fields.bytes(q::RAW)?.to_vec(),
        canonical: fields.bytes(q::CANONICAL)?.to_vec(),
        display: fields.text(q::DISPLAY)?.to_owned(),
        credentials: credentials(q::CREDENTIAL)?,
        new_credentials: credentials(q::NEW_CREDENTIAL)?,
        records: fields
            .all(q::RECORD)
            .map(record)
            .collect::<Result<_, Garbage>>()?,
        state: fields.find(q::STATE)?.map(Secret::new),
        resolved: fields.find(q::RESOLVED)?.map(<[u8]>::to_vec),
        agent: fields.text(q::AGENT)?.to_owned(),
        address: fields.text(q::ADDRESS)?.to_owned(),
    })
}

/// What a plugin wrote, as fields.
pub(super) fn reply(draft: &Draft) -> Writer {
    let mut writer = Writer::new()
        .maybe(r::VOID, draft.void.map(str::as_bytes))
        .maybe(r::MESSAGE, draft.message.as_deref().map(str::as_bytes))
        .maybe(r::IDENTIFIER, draft.identifier.as_deref())
        .maybe(r::LABEL, draft.label.as_deref().map(str::as_bytes))
        .maybe(r::HANDLE, draft.handle.as_deref())
        .maybe(
            r::USED,
            draft.used.as_ref().map(<[u8; abi::RECORD_ID_LEN]>::as_slice),
        );
    if let Some((verdict, reason)) = draft.verdict {
        writer = writer
            .number(r::VERDICT, verdict.into())
            .number(r::REASON, reason.into());
    }
    if let Some(record) = &draft.record {
        let id = record.replaces.as_ref().map(<[u8; abi::RECORD_ID_LEN]>::as_slice);
        writer = writer
            .put(r::RECORD, record.bytes.expose())
            .maybe(r::RECORD_ID, id);
    }
    if let Some((state, lives)) = &draft.state {
        writer = writer
            .put(r::STATE, state.expose())
            .number(r::STATE_SECONDS, lives.as_secs());
    }
    for (tag, fields) in [(r::CHALLENGE, &draft.challenge), (r::SHOW_ONCE, &draft.show_once)] {
        for (name, value) in &fields.0 {
            writer = writer.nest(tag, &named(name, value.expose()));
        }
    }
    for (name, value) in &draft.attributes {
        writer = writer.nest(r::ATTRIBUTE, &named(name, value.to_string().as_bytes()));
    }
    for violation in &draft.violations {
        let inner = named(&violation.field, violation.rule.as_bytes()).number(item::LIMIT, violation.limit);
        writer = writer.nest(r::VIOLATION, &inner);
    }
    for message in &draft.messages {
        let seconds = message.lifetime.map_or(0, |lifetime| lifetime.as_secs());
        let mut inner = named(&message.channel, message.address.expose())
            .put(item::TEMPLATE, message.template.as_bytes())
            .number(item::SECONDS, seconds);
        for (name, value) in &message.params.0 {
            inner = inner.nest(item::PARAMETER, &named(name, value.expose()));
        }
        writer = writer.nest(r::DELIVERY, &inner);
    }
    writer
}

/// Writes into the core's own draft what the helper says that the plugin wrote. Each value is checked again, against
/// the question as the core knows it; the verdict comes last.
pub(super) fn replay(fields: Fields<'_>, draft: &mut Draft) -> Result<(), Garbage> {
    if let Some(message) = fields.find(r::MESSAGE)? {
        draft.message(message);
    }
    if let Some(identifier) = fields.find(r::IDENTIFIER)? {
        draft.identifier(identifier);
    }
    if let Some(record) = fields.find(r::RECORD)? {
        draft.put_record(fields.exact(r::RECORD_ID)?, record);
    }
    if let Some(label) = fields.find(r::LABEL)? {
        draft.label(label);
    }
    if let Some(handle) = fields.find(r::HANDLE)? {
        draft.handle(handle);
    }
    if let Some(id) = fields.exact(r::USED)? {
        draft.used_record(id);
    }
    if let Some(state) = fields.find(r::STATE)? {
        draft.state(state, fields.small(r::STATE_SECONDS)?);
    }
    for (tag, write) in [
        (
            r::CHALLENGE,
            Draft::challenge as fn(&mut Draft, &str, &[u8]) -> abi::Status,
        ),
        (r::SHOW_ONCE, Draft::show_once),
        (r::ATTRIBUTE, Draft::attribute),
    ] {
        for value in fields.all(tag) {
            let value = Fields::of(value)?;
            write(draft, value.text(item::NAME)?, value.bytes(item::VALUE)?);
        }
    }
    for value in fields.all(r::VIOLATION) {
        let value = Fields::of(value)?;
        let limit = i64::try_from(value.number(item::LIMIT)?).unwrap_or(0);
        draft.violation(value.text(item::NAME)?, value.text(item::VALUE)?, limit);
    }
    for value in fields.all(r::DELIVERY) {
        let value = Fields::of(value)?;
        draft.deliver(
            value.text(item::NAME)?,
            value.bytes(item::VALUE)?,
            value.text(item::TEMPLATE)?,
            pairs(value, item::PARAMETER)?,
            value.small(item::SECONDS)?,
        );
    }
    if fields.find(r::VOID)?.is_some() {
        draft.refuse(
            abi::E_ARGUMENT,
            "its helper saw it write what a reply may not hold",
        );
    }
    if fields.find(r::VERDICT)?.is_some() {
        draft.verdict(fields.small(r::VERDICT)?, fields.small(r::REASON)?);
    }
    Ok(())
}

fn code(operation: Operation) -> u64 {
    crate::request::number(operation).into()
}

fn operation(code: u64) -> Result<Operation, Garbage> {
    [
        Operation::Enroll,
        Operation::Step,
        Operation::Update,
        Operation::Verify,
    ]
    .into_iter()
    .find(|operation| self::code(*operation) == code)
    .ok_or(Garbage("a question has an operation that does not exist"))
}

/// Nanoseconds, as far as the number goes.
pub(super) fn nanos(of: Duration) -> u64 {
    u64::try_from(of.as_nanos()).unwrap_or(u64::MAX)
}
