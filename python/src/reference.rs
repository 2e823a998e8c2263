//! What stands for something of ours that Python passes back: the object that has it, its id, or its token.

use doorward::{AuthenticatorId, DeliveryId, Factor, Secret, SignInId, UserId};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::argument::Bytes;
use crate::claim::Claim;
use crate::delivery::Delivery;
use crate::flow::Flow;
use crate::identity::Authenticator;
use crate::session::{Device, Session};
use crate::user::User;
use crate::{error, proof, text};

/// A flow, or its token.
pub(crate) struct FlowToken(pub(crate) Secret);

impl FromPyObject<'_, '_> for FlowToken {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(flow) = object.cast::<Flow>() {
            return Ok(Self(flow.get().secret().clone()));
        }
        let token: Bytes = object.extract()?;
        Ok(Self(Secret::new(token.as_slice())))
    }
}

/// A claim, or its token.
pub(crate) struct ClaimToken(pub(crate) Secret);

impl FromPyObject<'_, '_> for ClaimToken {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(claim) = object.cast::<Claim>() {
            return Ok(Self(claim.get().secret().clone()));
        }
        let token: Bytes = object.extract()?;
        Ok(Self(Secret::new(token.as_slice())))
    }
}

/// A proof.
pub(crate) struct Proof(pub(crate) doorward::Proof);

impl FromPyObject<'_, '_> for Proof {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(proof) = object.cast::<proof::Proof>() {
            return Ok(Self(proof.get().proof().clone()));
        }
        let class = object.get_type().name()?.to_string();
        Err(PyTypeError::new_err(if object.hasattr("require")? {
            format!("expected a Proof, not the outcome {class}: call .require() on it, or match it")
        } else {
            format!(
                "expected a Proof, not {class}: what .require() of an outcome gives, or session_proof of a session"
            )
        }))
    }
}

/// A session.
pub(crate) struct SessionArgument(pub(crate) doorward::Session);

impl FromPyObject<'_, '_> for SessionArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(object.cast::<Session>()?.get().session().clone()))
    }
}

/// The 16 bytes of a `uuid.UUID`, or of its textual form.
fn id_text(object: Borrowed<'_, '_, PyAny>) -> PyResult<String> {
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(text.to_string_lossy().into_owned());
    }
    let uuid = text::uuid_class(object.py())?;
    if object.is_instance(uuid)? {
        return Ok(object.str()?.to_string_lossy().into_owned());
    }
    Err(PyTypeError::new_err(
        "expected a UUID, its text, or the object that has it",
    ))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $id:ident, $($class:ident => $of:expr),*;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) $id);

        impl FromPyObject<'_, '_> for $name {
            type Error = PyErr;

            fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
                $(if let Ok(held) = object.cast::<$class>() {
                    let of: fn(&$class) -> $id = $of;
                    return Ok(Self(of(held.get())));
                })*
                let text = id_text(object)?;
                $id::parse(&text).map(Self).map_err(|e| error::raise(object.py(), &e))
            }
        }
    )*};
}

ids! {
    /// A user, or a user's id.
    UserRef: UserId, User => |user| user.user().id, Session => |session| session.session().user().id;
    /// A device or a session, or a sign-in's id.
    SignInRef: SignInId, Device => |device| device.device().id, Session => |session| session.session().id();
    /// A message to send, or its id.
    DeliveryRef: DeliveryId, Delivery => |delivery| delivery.delivery().id;
    /// An authenticator, or its id.
    AuthenticatorRef: AuthenticatorId, Authenticator => |held| held.info().id;
}

/// Factors that trusted code asserts.
#[derive(Default)]
pub(crate) struct Factors(pub(crate) Vec<Factor>);

impl FromPyObject<'_, '_> for Factors {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let mut factors = Vec::new();
        for item in object.try_iter()? {
            factors.push(item?.cast::<proof::Factor>()?.get().factor().clone());
        }
        Ok(Self(factors))
    }
}
