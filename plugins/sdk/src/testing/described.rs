//! What a plugin declares, copied out of its descriptors.

use super::Plugin;
use super::plugin::text;
use crate::abi;

/// A field, as the plugin declares it.
#[derive(Clone, Debug)]
pub struct DescribedField {
    /// Its name.
    pub name: String,
    /// `SECRET`, `OPTIONAL`.
    pub flags: u32,
    /// Most bytes it may have.
    pub max_len: u32,
    /// `FOR_…` bits.
    pub purposes: u32,
    /// The step that takes it.
    pub step: u32,
}

/// A kind, as the plugin declares it.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// `INLINE` and the others.
    pub flags: u32,
    /// `SOURCE_…`
    pub source: u32,
    /// Its fields.
    pub fields: Vec<DescribedField>,
    /// Version of its records.
    pub record_version: u32,
    /// Most bytes of a record.
    pub max_record: u32,
    /// Most bytes of a state.
    pub max_state: u32,
    /// `OP_…` of the operations that it has.
    pub operations: Vec<u32>,
    /// JSON Schema of its options.
    pub schema: Option<String>,
}

impl Plugin {
    /// The kinds, copied.
    pub fn described(&self) -> Vec<Described> {
        self.kinds().into_iter().map(Described::of).collect()
    }
}

impl Described {
    fn of(kind: &'static abi::Kind) -> Self {
        let operations = [
            (abi::OP_NORMALIZE, kind.normalize),
            (abi::OP_ENROLL, kind.enroll),
            (abi::OP_VERIFY, kind.verify),
            (abi::OP_UPDATE, kind.update),
            (abi::OP_STEP, kind.step),
            (abi::OP_DESCRIBE, kind.describe),
            (abi::OP_HEALTH, kind.health),
            (abi::OP_START, kind.start),
        ];
        let fields = (0..kind.n_fields as usize).map(|index| {
            // SAFETY: the kind lists that many fields, each constant.
            let field = unsafe { &**kind.fields.add(index) };
            DescribedField {
                name: text(field.name),
                flags: field.flags,
                max_len: field.max_len,
                purposes: field.purposes,
                step: field.step,
            }
        });
        Self {
            name: text(kind.name),
            flags: kind.flags,
            source: kind.identifier_source,
            fields: fields.collect(),
            record_version: kind.record_version,
            max_record: kind.max_record,
            max_state: kind.max_state,
            operations: operations
                .into_iter()
                .filter_map(|(number, operation)| operation.map(|_| number))
                .collect(),
            schema: (!kind.config_schema.is_null()).then(|| text(kind.config_schema)),
        }
    }
}
