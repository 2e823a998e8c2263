//! One kind as its plugin describes it: declarations that were checked, and operations that can be called.

#![expect(unsafe_code, reason = "a plugin's descriptors are foreign memory")]

use std::time::Duration;

use doorward_plugin_abi as abi;

use super::ask::{Declaration, FactorClass, Field, IdentifierSource, Operation};
use super::foreign::{growing, pointers, text};
use super::record;
use super::reply::is_name;
use super::schema::Schema;

/// Longest descriptive text.
const MAX_TEXT: usize = 256;
/// Longest JSON schema.
pub(super) const MAX_SCHEMA: usize = 64 * 1024;
/// How long an operation may take where the kind does not say.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// One kind: what it declares and what it can do.
#[derive(Debug)]
pub(super) struct KindTable {
    pub(super) declaration: Declaration,
    pub(super) serial: bool,
    pub(super) max_concurrency: usize,
    pub(super) schema: Option<Schema>,
    pub(super) operations: Operations,
}

/// The operations, as pointers into code that is never unloaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operations {
    pub(super) open: Option<abi::OpenKind>,
    pub(super) close: Option<abi::Close>,
    pub(super) start: Option<abi::Operation>,
    pub(super) stop: Option<abi::Stop>,
    pub(super) normalize: Option<abi::Operation>,
    pub(super) enroll: Option<abi::Operation>,
    pub(super) verify: Option<abi::Operation>,
    pub(super) update: Option<abi::Operation>,
    pub(super) step: Option<abi::Operation>,
    pub(super) describe: Option<abi::Operation>,
    pub(super) health: Option<abi::Operation>,
    /// From the extension `doorward.plugin.migrate/1`.
    pub(super) migrate: Option<abi::Operation>,
}

impl KindTable {
    /// # Safety
    /// `table` is NULL or a kind's descriptor that lives for ever.
    pub(super) unsafe fn read(table: *const abi::Kind) -> std::result::Result<Self, String> {
        // SAFETY: as promised by the caller.
        let kind = unsafe { growing(table) }.map_err(|why| format!("one of its kinds is {why}"))?;
        // SAFETY: the header asks for a NUL-terminated name.
        let name = unsafe { required(kind.name, "name of a kind") }?;
        if !is_kind_name(&name) {
            return Err(format!("the kind name {name:?} is not [a-z][a-z0-9_.-]{{0,63}}"));
        }
        // SAFETY: as promised by the caller.
        unsafe { Self::checked(&kind, name.clone()) }.map_err(|why| format!("its kind {name:?} {why}"))
    }

    /// # Safety
    /// `kind` is a copy of a kind's descriptor that lives for ever.
    unsafe fn checked(kind: &abi::Kind, name: String) -> std::result::Result<Self, String> {
        const FLAGS: u32 = abi::INLINE
            | abi::KEEPS_RECORDS
            | abi::SEVERAL_RECORDS
            | abi::CAN_START
            | abi::SERIAL
            | abi::TWO_IN_ONE
            | abi::UNGUESSABLE
            | abi::UNSTORED_START;
        if kind.flags & !FLAGS != 0 || kind.reserved != 0 {
            return Err(
                "has flags that this version does not know, or reserved fields that are not zero".into(),
            );
        }
        let flag = |flag: u32| kind.flags & flag != 0;
        let source = match kind.identifier_source {
            abi::SOURCE_GIVEN => IdentifierSource::Given,
            abi::SOURCE_FOUND => IdentifierSource::Found,
            abi::SOURCE_USER => IdentifierSource::User,
            other => {
                return Err(format!(
                    "declares the identifier source {other}, which does not exist"
                ));
            }
        };
        let class = match kind.factor {
            abi::FACTOR_NONE => None,
            abi::FACTOR_KNOWLEDGE => Some(FactorClass::Knowledge),
            abi::FACTOR_POSSESSION => Some(FactorClass::Possession),
            abi::FACTOR_INHERENCE => Some(FactorClass::Inherence),
            other => return Err(format!("declares the factor {other}, which does not exist")),
        };
        // SAFETY: the header asks for NUL-terminated texts and for `n_fields` pointers to fields.
        let (title, channel, schema, fields) = unsafe {
            (
                required(kind.title, "title")?,
                text(kind.channel, MAX_TEXT).map_err(|why| format!("has a channel that is {why}"))?,
                text(kind.config_schema, MAX_SCHEMA)
                    .map_err(|why| format!("has a config_schema that is {why}"))?,
                fields(kind)?,
            )
        };
        let schema = schema
            .map(|text| {
                Schema::parse(&text).map_err(|why| format!("has a config_schema that cannot be used: {why}"))
            })
            .transpose()?;
        let operations = Operations {
            open: kind.open,
            close: kind.close,
            start: kind.start,
            stop: kind.stop,
            normalize: kind.normalize,
            enroll: kind.enroll,
            verify: kind.verify,
            update: kind.update,
            step: kind.step,
            describe: kind.describe,
            health: kind.health,
            migrate: None,
        };
        let max_record = bounded(kind.max_record, abi::limit::RECORD, "max_record")?;
        let declaration = Declaration {
            name,
            title,
            source,
            keeps_records: flag(abi::KEEPS_RECORDS),
            several_records: flag(abi::SEVERAL_RECORDS),
            can_start: flag(abi::CAN_START),
            unguessable: flag(abi::UNGUESSABLE),
            unstored_start: flag(abi::UNSTORED_START),
            class,
            channel: channel.unwrap_or_default(),
            fields,
            normalizes: kind.normalize.is_some(),
            describes: kind.describe.is_some(),
            operations: operations.declared(),
            deadline: match kind.default_deadline_ms {
                0 => DEFAULT_DEADLINE,
                ms => Duration::from_millis(ms.into()),
            },
            inline: flag(abi::INLINE),
            two_in_one: flag(abi::TWO_IN_ONE),
            normalize_version: kind.normalize_version,
            record_version: kind.record_version,
            max_record: max_record + if max_record == 0 { 0 } else { record::FRAME },
            max_state: bounded(kind.max_state, abi::limit::STATE, "max_state")?,
        };
        consistent(&declaration, &operations)?;
        Ok(Self {
            declaration,
            serial: flag(abi::SERIAL),
            max_concurrency: kind.max_concurrency as usize,
            schema,
            operations,
        })
    }
}

impl Operations {
    fn declared(&self) -> Vec<Operation> {
        [
            (self.enroll, Operation::Enroll),
            (self.step, Operation::Step),
            (self.update, Operation::Update),
            (self.verify, Operation::Verify),
        ]
        .into_iter()
        .filter_map(|(pointer, operation)| pointer.map(|_| operation))
        .collect()
    }

    /// The pointer of an operation that takes credentials.
    pub(super) fn of(&self, operation: Operation) -> Option<abi::Operation> {
        match operation {
            Operation::Enroll => self.enroll,
            Operation::Step => self.step,
            Operation::Update => self.update,
            Operation::Verify => self.verify,
        }
    }
}

/// What a kind declares must fit what it can do.
fn consistent(kind: &Declaration, operations: &Operations) -> std::result::Result<(), String> {
    let has = |operation| kind.has(operation);
    let rules = [
        (has(Operation::Verify), "has no verify"),
        (
            !kind.keeps_records || has(Operation::Enroll),
            "keeps records and has no enroll",
        ),
        (
            !kind.keeps_records || kind.max_record > 0,
            "keeps records and declares max_record 0",
        ),
        (
            kind.keeps_records || !kind.several_records,
            "has several records and keeps none",
        ),
        (
            has(Operation::Step) == (kind.max_state > 0),
            "has step without max_state, or max_state without step",
        ),
        (
            !kind.can_start || kind.source != IdentifierSource::User,
            "can start a sign-in without an identifier source",
        ),
        (
            !kind.unstored_start
                || (kind.unguessable
                    && kind.can_start
                    && kind.source == IdentifierSource::Found
                    && has(Operation::Step)),
            "has UNSTORED_START without being UNGUESSABLE, found, able to start and answered in steps",
        ),
        (
            operations.close.is_none() || operations.open.is_some(),
            "has close without open",
        ),
        (
            operations.stop.is_none() || operations.start.is_some(),
            "has stop without start",
        ),
        (
            kind.channel.len() <= 64,
            "has a channel that is longer than 64 bytes",
        ),
    ];
    if let Some((_, why)) = rules.iter().find(|(holds, _)| !holds) {
        return Err((*why).to_owned());
    }
    for field in &kind.fields {
        if !has(field.operation) || !has(field.purpose) {
            return Err(format!(
                "has the field {:?} for an operation that it lacks",
                field.name
            ));
        }
        let same = kind.fields.iter().filter(|other| {
            other.name == field.name
                && other.purpose == field.purpose
                && other.step == field.step
                && other.replacement == field.replacement
        });
        if same.count() > 1 {
            return Err(format!("has the field {:?} twice in one step", field.name));
        }
    }
    Ok(())
}

/// The fields, one for each purpose that the plugin's field names.
///
/// # Safety
/// `kind` is a copy of a kind's descriptor that lives for ever.
unsafe fn fields(kind: &abi::Kind) -> std::result::Result<Vec<Field>, String> {
    if kind.n_fields > abi::limit::FIELDS {
        return Err(format!(
            "has {} fields; {} are possible",
            kind.n_fields,
            abi::limit::FIELDS
        ));
    }
    // SAFETY: the header asks for `n_fields` pointers.
    let listed = unsafe { pointers(kind.fields, kind.n_fields) }
        .map_err(|why| format!("has fields that are {why}"))?;
    let mut fields = Vec::new();
    for pointer in listed {
        // SAFETY: the header asks for pointers to fields.
        let field = unsafe { growing(pointer) }.map_err(|why| format!("has a field that is {why}"))?;
        // SAFETY: the header asks for NUL-terminated texts.
        let (name, autocomplete) = unsafe {
            (
                required(field.name, "name of a field")?,
                text(field.autocomplete, MAX_TEXT)
                    .map_err(|why| format!("has an autocomplete that is {why}"))?,
            )
        };
        let purposes = [
            (abi::FOR_ENROLL, Operation::Enroll, false),
            (abi::FOR_VERIFY, Operation::Verify, false),
            (abi::FOR_UPDATE, Operation::Update, false),
            (abi::FOR_UPDATE_NEW, Operation::Update, true),
        ];
        let known = purposes.iter().fold(0, |bits, (bit, ..)| bits | bit);
        let max_len = bounded(field.max_len, abi::limit::FIELD, "max_len")?;
        if !is_name(&name) || max_len == 0 || field.reserved != 0 {
            return Err(format!(
                "has the field {name:?} with a bad name, no max_len or reserved bits"
            ));
        }
        if field.purposes == 0
            || field.purposes & !known != 0
            || field.flags & !(abi::SECRET | abi::OPTIONAL) != 0
        {
            return Err(format!(
                "has the field {name:?} with purposes or flags that do not exist"
            ));
        }
        for (_, purpose, replacement) in purposes.into_iter().filter(|(bit, ..)| field.purposes & bit != 0) {
            if replacement && field.step != 0 {
                return Err(format!("has the replacement field {name:?} in a later step"));
            }
            fields.push(Field {
                name: name.clone(),
                secret: field.flags & abi::SECRET != 0,
                optional: field.flags & abi::OPTIONAL != 0,
                max_len,
                autocomplete: autocomplete.clone().unwrap_or_default(),
                operation: if field.step == 0 { purpose } else { Operation::Step },
                purpose,
                step: field.step,
                replacement,
            });
        }
    }
    Ok(fields)
}

/// # Safety
/// As [`text`].
pub(super) unsafe fn required(
    from: *const std::ffi::c_char,
    what: &str,
) -> std::result::Result<String, String> {
    // SAFETY: as promised by the caller.
    match unsafe { text(from, MAX_TEXT) } {
        Ok(Some(found)) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("its {what} is missing")),
        Err(why) => Err(format!("its {what} is {why}")),
    }
}

fn bounded(value: u32, limit: usize, what: &str) -> std::result::Result<usize, String> {
    match usize::try_from(value) {
        Ok(value) if value <= limit => Ok(value),
        _ => Err(format!("declares {what} {value}; at most {limit} is possible")),
    }
}

/// Kind names: `[a-z][a-z0-9_.-]{0,63}`.
fn is_kind_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'-'))
}
