//! A question that was asked, and what came back.

use doorward_plugin::abi;
use doorward_plugin_testing::Ask;

use crate::driver::Reply;

/// The moment of a case that names none: 2026-01-01T00:00:00Z.
pub(crate) const THEN: i64 = 1_767_225_600;

/// One question and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// The case that it is of.
    pub(crate) case: String,
    pub(crate) at: i64,
    pub(crate) ask: Ask,
    pub(crate) reply: Reply,
}

impl Exchange {
    /// For people.
    pub(crate) fn what(&self) -> String {
        format!("{} of case {:?}", operation(&self.ask), self.case)
    }
}

/// The operation's name.
pub(crate) fn operation(ask: &Ask) -> &'static str {
    match (ask.operation, ask.purpose) {
        (abi::OP_NORMALIZE, _) => "normalize",
        (abi::OP_ENROLL, _) => "enroll",
        (abi::OP_VERIFY, _) => "verify",
        (abi::OP_UPDATE, _) => "update",
        (abi::OP_STEP, abi::FOR_ENROLL) => "step of enroll",
        (abi::OP_STEP, abi::FOR_UPDATE) => "step of update",
        (abi::OP_STEP, _) => "step of verify",
        (abi::OP_DESCRIBE, _) => "describe",
        (abi::OP_HEALTH, _) => "health",
        _ => "operation",
    }
}
