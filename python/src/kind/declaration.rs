//! What a class says about itself, as the data of the ABI: read once, leaked, constant from then on.

use std::ffi::{CStr, CString, c_char};

use doorward_plugin::abi;
use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

/// A class offers its kind and no extension.
struct NothingElse;

impl doorward_plugin::Offers for NothingElse {
    const MIGRATIONS: &'static [(&'static CStr, Option<abi::Operation>)] = &[];
    const SECRETS: &'static [abi::SecretOption] = &[];
}

/// A class that has been read.
pub(super) struct Described {
    name: &'static CStr,
    title: &'static CStr,
    channel: &'static CStr,
    schema: *const c_char,
    fields: &'static [&'static abi::Field],
    flags: u32,
    source: u32,
    factor: u32,
    record_version: u32,
    normalize_version: u32,
    max_record: u32,
    max_state: u32,
    deadline_ms: u32,
    has: [bool; 7],
}

/// The operations, in the order of [`Described::has`].
const OPERATIONS: [&str; 7] = [
    "normalize",
    "enroll",
    "verify",
    "update",
    "step",
    "describe",
    "health",
];

/// Reads the class.
pub(super) fn read(class: &Bound<'_, PyType>) -> PyResult<Described> {
    let name: String = of(class, "name")?;
    let title: String = optional(class, "title")?.unwrap_or_else(|| name.clone());
    let flag = |attribute, bit| {
        Ok::<_, PyErr>(if optional(class, attribute)?.unwrap_or(false) {
            bit
        } else {
            0
        })
    };
    let max_record: u32 = optional(class, "max_record")?.unwrap_or(0);
    let keeps = if max_record > 0 { abi::KEEPS_RECORDS } else { 0 };
    let has = OPERATIONS.map(|operation| class.hasattr(operation).unwrap_or(false));
    Ok(Described {
        name: leak(&name)?,
        title: leak(&title)?,
        channel: leak(&optional::<String>(class, "channel")?.unwrap_or(name))?,
        schema: schema(class)?,
        fields: fields(class)?,
        flags: keeps
            | flag("several_records", abi::SEVERAL_RECORDS)?
            | flag("can_start", abi::CAN_START)?
            | flag("serial", abi::SERIAL)?
            | flag("unguessable", abi::UNGUESSABLE)?
            | flag("unstored_start", abi::UNSTORED_START)?,
        source: one_of(
            class,
            "source",
            &[
                ("given", abi::SOURCE_GIVEN),
                ("found", abi::SOURCE_FOUND),
                ("user", abi::SOURCE_USER),
            ],
        )?,
        factor: one_of(
            class,
            "factor",
            &[
                ("knowledge", abi::FACTOR_KNOWLEDGE),
                ("possession", abi::FACTOR_POSSESSION),
                ("inherence", abi::FACTOR_INHERENCE),
                ("none", abi::FACTOR_NONE),
            ],
        )?,
        record_version: optional(class, "record_version")?.unwrap_or(1),
        normalize_version: optional(class, "normalize_version")?.unwrap_or(1),
        max_record,
        max_state: optional(class, "max_state")?.unwrap_or(0),
        deadline_ms: optional(class, "deadline_ms")?.unwrap_or(0),
        has,
    })
}

impl Described {
    /// The plugin with this one kind; `table` has the trampolines.
    pub(super) fn module(self, table: &abi::Kind) -> &'static abi::Module {
        let [normalize, enroll, verify, update, step, describe, health] = self.has;
        let kind: &'static abi::Kind = Box::leak(Box::new(abi::Kind {
            name: self.name.as_ptr(),
            title: self.title.as_ptr(),
            channel: self.channel.as_ptr(),
            config_schema: self.schema,
            fields: self.fields.as_ptr().cast(),
            n_fields: u32::try_from(self.fields.len()).unwrap_or(u32::MAX),
            flags: self.flags,
            identifier_source: self.source,
            factor: self.factor,
            record_version: self.record_version,
            normalize_version: self.normalize_version,
            max_record: self.max_record,
            max_state: self.max_state,
            default_deadline_ms: self.deadline_ms,
            normalize: table.normalize.filter(|_| normalize),
            enroll: table.enroll.filter(|_| enroll),
            verify: table.verify.filter(|_| verify),
            update: table.update.filter(|_| update),
            step: table.step.filter(|_| step),
            describe: table.describe.filter(|_| describe),
            health: table.health.filter(|_| health),
            ..*table
        }));
        let kinds: &'static [&'static abi::Kind] = Box::leak(Box::new([kind]));
        let info = doorward_plugin::ModuleInfo {
            id: self.name,
            version: c"0",
            vendor: c"a class of this program",
            license: c"",
        };
        Box::leak(Box::new(doorward_plugin::module::<NothingElse>(info, kinds)))
    }
}

/// An attribute that must be there.
fn of<'py, T: for<'a> FromPyObject<'a, 'py, Error = PyErr>>(
    class: &Bound<'py, PyType>,
    attribute: &str,
) -> PyResult<T> {
    optional(class, attribute)?.ok_or_else(|| {
        let class = class
            .name()
            .map_or_else(|_| "the class".to_owned(), |name| name.to_string());
        PyAttributeError::new_err(format!("{class} has no `{attribute}`, which a kind needs"))
    })
}

/// An attribute that may be absent.
fn optional<'py, T: for<'a> FromPyObject<'a, 'py, Error = PyErr>>(
    class: &Bound<'py, PyType>,
    attribute: &str,
) -> PyResult<Option<T>> {
    let Some(value) = class.getattr_opt(attribute)?.filter(|value| !value.is_none()) else {
        return Ok(None);
    };
    let wrong = |error: PyErr| PyTypeError::new_err(format!("`{attribute}` of a kind: {error}"));
    value.extract().map(Some).map_err(wrong)
}

fn one_of(class: &Bound<'_, PyType>, attribute: &str, choices: &[(&str, u32)]) -> PyResult<u32> {
    let said: String = of(class, attribute)?;
    choices
        .iter()
        .find(|(name, _)| *name == said)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            PyValueError::new_err(format!(
                "`{attribute}` of a kind is {said:?}; it can be {}",
                names.join(", ")
            ))
        })
}

/// The options' JSON Schema, from a mapping.
fn schema(class: &Bound<'_, PyType>) -> PyResult<*const c_char> {
    let Some(options) = class.getattr_opt("options")?.filter(|options| !options.is_none()) else {
        return Ok(std::ptr::null());
    };
    let options = options
        .cast_into::<PyDict>()
        .map_err(|_| PyTypeError::new_err("`options` of a kind is a mapping from names to JSON Schemas"))?;
    let py = class.py();
    let schema = PyDict::new(py);
    schema.set_item("type", "object")?;
    schema.set_item("additionalProperties", false)?;
    schema.set_item("properties", options)?;
    let text: String = py.import("json")?.call_method1("dumps", (schema,))?.extract()?;
    Ok(leak(&text)?.as_ptr())
}

fn fields(class: &Bound<'_, PyType>) -> PyResult<&'static [&'static abi::Field]> {
    let Some(listed) = class.getattr_opt("fields")? else {
        return Ok(&[]);
    };
    let mut fields: Vec<&'static abi::Field> = Vec::new();
    for field in listed.try_iter()? {
        fields.push(Box::leak(Box::new(one_field(&field?)?)));
    }
    Ok(Vec::leak(fields))
}

fn one_field(field: &Bound<'_, PyAny>) -> PyResult<abi::Field> {
    let name: String = field.getattr("name")?.extract()?;
    let mut purposes = 0;
    for purpose in field.getattr("asked_for")?.try_iter()? {
        let purpose: String = purpose?.extract()?;
        purposes |= match purpose.as_str() {
            "enroll" => abi::FOR_ENROLL,
            "verify" => abi::FOR_VERIFY,
            "update" => abi::FOR_UPDATE,
            "update_new" => abi::FOR_UPDATE_NEW,
            other => {
                return Err(PyValueError::new_err(format!(
                    "field {name:?} is asked for {other:?}; it can be enroll, verify, update, update_new"
                )));
            }
        };
    }
    let flag = |attribute: &str, bit: u32| {
        Ok::<_, PyErr>(if field.getattr(attribute)?.extract()? {
            bit
        } else {
            0
        })
    };
    let autocomplete: String = field.getattr("autocomplete")?.extract()?;
    Ok(abi::Field {
        struct_size: u32::try_from(size_of::<abi::Field>()).unwrap_or(0),
        flags: flag("secret", abi::SECRET)? | flag("optional", abi::OPTIONAL)?,
        name: leak(&name)?.as_ptr(),
        autocomplete: if autocomplete.is_empty() {
            std::ptr::null()
        } else {
            leak(&autocomplete)?.as_ptr()
        },
        max_len: field.getattr("max_len")?.extract()?,
        purposes,
        step: field.getattr("step")?.extract()?,
        reserved: 0,
    })
}

/// Descriptors live for ever: the header says so.
fn leak(text: &str) -> PyResult<&'static CStr> {
    let text =
        CString::new(text).map_err(|_| PyValueError::new_err("texts of a kind have no NUL in them"))?;
    Ok(Box::leak(text.into_boxed_c_str()))
}
