//! One operation in the middle of another: after the outer one has read the row, before its first conditional write.
//! Whatever happens in there, the outer one answers as if it had come afterwards.

use crate::operations::Pick;
use crate::reference::{Answer, Presented, Reference};
use crate::subject::{Given, Subject, Which};

/// What happens in the middle. Not a rollback: what the database forgets there it forgets without an order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meddle {
    ChangeCredentials,
    Disable,
    EndAll,
    Refresh(Pick),
    SignOut(Pick),
    Validate(Pick),
}

/// The same with the very tokens.
#[derive(Clone, Debug)]
pub(crate) enum Prepared {
    ChangeCredentials(i64),
    Disable,
    EndAll,
    Refresh(Presented, String),
    SignOut(Presented, String),
    Validate(Presented, String),
}

impl Prepared {
    pub(crate) fn real(&self, subject: &Subject) -> Result<Given, String> {
        match self {
            Self::ChangeCredentials(epoch) => subject.change_credentials(*epoch, None).map_err(text),
            Self::Disable => subject.set_enabled(false).map_err(text),
            Self::EndAll => subject.end(Which::All).map_err(text),
            Self::Refresh(_, presented) => subject.refresh(presented).map_err(text),
            Self::SignOut(_, presented) => subject.sign_out(presented, false).map_err(text),
            Self::Validate(_, presented) => subject.validate(presented).map(|(given, _)| given).map_err(text),
        }
    }

    pub(crate) fn expected(&self, reference: &mut Reference) -> Answer {
        match self {
            Self::ChangeCredentials(_) => reference.change_credentials(None),
            Self::Disable => reference.disable(),
            Self::EndAll => reference.end_all(),
            Self::Refresh(token, _) => reference.refresh(token),
            Self::SignOut(token, _) => reference.sign_out(token, false),
            Self::Validate(token, _) => reference.validate(token),
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
