//! Why an operation could not decide.

use std::borrow::Cow;

use crate::abi;

/// The operation could not do its work. Never a verdict: a wrong credential is [`crate::Verdict::Deny`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    status: abi::Status,
    message: Cow<'static, str>,
}

impl Failure {
    fn new(status: abi::Status, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The caller gave something that cannot be used.
    pub fn argument(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(abi::E_ARGUMENT, message)
    }

    /// A bug that left the instance in a state that nobody knows: the host opens another. A panic becomes this one.
    pub fn broken(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(abi::E_BROKEN, message)
    }

    /// The host cancelled the call.
    pub fn cancelled() -> Self {
        Self::new(abi::E_CANCELLED, "cancelled")
    }

    /// The configuration cannot work: name the option, its limit and the fix.
    pub fn config(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(abi::E_CONFIG, message)
    }

    /// A stored record or state is not understood. In `step` the flow begins anew.
    pub fn format(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(abi::E_FORMAT, message)
    }

    /// A bug: a broken invariant.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(abi::E_INTERNAL, message)
    }

    /// The deadline passed.
    pub fn timeout() -> Self {
        Self::new(abi::E_TIMEOUT, "deadline passed")
    }

    /// A backend is down. Nobody is let in, and no failed attempt is counted against anybody.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(abi::E_UNAVAILABLE, message)
    }

    /// This kind does not do that.
    pub fn unsupported() -> Self {
        Self::new(abi::E_UNSUPPORTED, "not supported by this kind")
    }

    /// The number that the host sees.
    pub fn status(&self) -> i32 {
        self.status
    }

    /// What the operator reads. Never a secret.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Turns what a host function returned into a result.
    pub(crate) fn check(status: abi::Status, doing: &'static str) -> Result<(), Self> {
        if status == abi::OK {
            Ok(())
        } else {
            Err(Self::new(status, doing))
        }
    }
}
