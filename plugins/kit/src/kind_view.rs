//! What a kind declares, as the checks need it, whoever loaded it.

use doorward_plugin::abi;
use doorward_runtime::{Declaration, IdentifierSource, Operation};
use serde::{Deserialize, Serialize};

/// A field of a kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FieldView {
    pub(crate) name: String,
    pub(crate) secret: bool,
    pub(crate) optional: bool,
    pub(crate) max_len: usize,
    /// `FOR_…` bits.
    pub(crate) purposes: u32,
    pub(crate) step: u32,
}

/// A kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KindView {
    pub(crate) name: String,
    /// `INLINE` and the others.
    pub(crate) flags: u32,
    /// `SOURCE_…`
    pub(crate) source: u32,
    pub(crate) fields: Vec<FieldView>,
    pub(crate) record_version: u32,
    pub(crate) max_record: usize,
    pub(crate) max_state: usize,
    /// `OP_…`
    pub(crate) operations: Vec<u32>,
    /// The schema of its options; only where the plugin is read directly.
    pub(crate) schema: Option<String>,
}

impl KindView {
    /// Whether it declares the flag.
    pub(crate) const fn is(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn has(&self, operation: u32) -> bool {
        self.operations.contains(&operation)
    }

    /// The fields that arrive with this operation; new credentials are those of `FOR_UPDATE_NEW`.
    pub(crate) fn fields_at(&self, purpose: u32, step: u32) -> impl Iterator<Item = &FieldView> {
        self.fields
            .iter()
            .filter(move |field| field.purposes & purpose != 0 && field.step == step)
    }

    /// A kind that was read in this process: with what the core keeps to itself.
    pub(crate) fn of_plugin(declaration: &Declaration, raw: &abi::Kind, schema: Option<String>) -> Self {
        Self {
            flags: raw.flags,
            schema,
            ..Self::of_core(declaration)
        }
    }

    pub(crate) fn of_core(declaration: &Declaration) -> Self {
        let mut operations: Vec<u32> = declaration
            .operations
            .iter()
            .map(|operation| match operation {
                Operation::Enroll => abi::OP_ENROLL,
                Operation::Step => abi::OP_STEP,
                Operation::Update => abi::OP_UPDATE,
                Operation::Verify => abi::OP_VERIFY,
            })
            .collect();
        if declaration.normalizes {
            operations.push(abi::OP_NORMALIZE);
        }
        if declaration.describes {
            operations.push(abi::OP_DESCRIBE);
        }
        Self {
            name: declaration.name.clone(),
            // SERIAL is not among them: the core sees to it.
            flags: [
                (declaration.inline, abi::INLINE),
                (declaration.keeps_records, abi::KEEPS_RECORDS),
                (declaration.several_records, abi::SEVERAL_RECORDS),
                (declaration.unguessable, abi::UNGUESSABLE),
                (declaration.unstored_start, abi::UNSTORED_START),
            ]
            .into_iter()
            .filter_map(|(set, flag)| set.then_some(flag))
            .sum(),
            source: match declaration.source {
                IdentifierSource::Found => abi::SOURCE_FOUND,
                IdentifierSource::Given => abi::SOURCE_GIVEN,
                IdentifierSource::User => abi::SOURCE_USER,
            },
            fields: declaration
                .fields
                .iter()
                .map(|field| FieldView {
                    name: field.name.clone(),
                    secret: field.secret,
                    optional: field.optional,
                    max_len: field.max_len,
                    purposes: if field.replacement {
                        abi::FOR_UPDATE_NEW
                    } else {
                        match field.purpose {
                            Operation::Enroll => abi::FOR_ENROLL,
                            Operation::Update => abi::FOR_UPDATE,
                            _ => abi::FOR_VERIFY,
                        }
                    },
                    step: field.step,
                })
                .collect(),
            record_version: declaration.record_version,
            // Without the frame that the core puts in front.
            max_record: declaration.max_record.saturating_sub(4),
            max_state: declaration.max_state,
            operations,
            schema: None,
        }
    }
}
