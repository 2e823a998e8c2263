//! What a flow is for, with what only a flow for that has: what belongs to another purpose cannot be written.

use serde::{Deserialize, Serialize};

use super::{Owner, Purpose};
use crate::id::{SignInId, UserId};

/// What a flow is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Course {
    /// A user adds an authenticator, in the session where there is one.
    Enroll {
        holder: Holder,
        session: Option<[u8; 16]>,
    },
    /// A user proves a provider id that it wants to have, in the session where there is one.
    Link {
        holder: Holder,
        session: Option<[u8; 16]>,
    },
    /// A first factor, then whatever the policy asks. Nobody's stands beside somebody's rows, under no epoch.
    SignIn {
        owner: Owner,
        epoch: i64,
        /// Of the secret of the link that was sent beside the code: whichever of both is used first voids the other.
        link: Option<[u8; 32]>,
    },
    /// A user that does not exist yet enrolls its first credentials.
    SignUp(Draft),
    /// A user that was made just now proves or enrolls what the policy asks besides.
    SignedUp(Holder),
    /// A live session proves another factor.
    StepUp { holder: Holder, session: [u8; 16] },
}

/// The user of a flow, under the epoch that it was begun in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Holder {
    user: [u8; 16],
    epoch: i64,
}

impl Holder {
    pub(crate) const fn of(user: UserId, epoch: i64) -> Self {
        Self {
            user: *user.as_bytes(),
            epoch,
        }
    }
}

/// A user that does not exist yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) id: [u8; 16],
    pub(crate) id_given: bool,
    pub(crate) attributes: String,
    /// A name to show, where the kind finds the identifier.
    #[serde(default)]
    pub(crate) display: String,
}

impl Course {
    /// A sign-in of this owner, without a link beside it.
    pub(crate) const fn sign_in(owner: Owner, epoch: i64) -> Self {
        Self::SignIn {
            owner,
            epoch,
            link: None,
        }
    }

    pub(crate) const fn purpose(&self) -> Purpose {
        match self {
            Self::Enroll { .. } => Purpose::Enroll,
            Self::Link { .. } => Purpose::Link,
            Self::SignIn { .. } => Purpose::SignIn,
            Self::SignUp(_) | Self::SignedUp(_) => Purpose::SignUp,
            Self::StepUp { .. } => Purpose::StepUp,
        }
    }

    const fn holder(&self) -> Option<Holder> {
        match self {
            Self::Enroll { holder, .. }
            | Self::Link { holder, .. }
            | Self::SignedUp(holder)
            | Self::StepUp { holder, .. } => Some(*holder),
            Self::SignIn { .. } | Self::SignUp(_) => None,
        }
    }

    /// Whose it is, or beside whose rows it stands.
    pub(crate) fn owner(&self) -> Owner {
        match (self, self.holder()) {
            (_, Some(holder)) => Owner::of(UserId::from_bytes(holder.user)),
            (Self::SignIn { owner, .. }, None) => *owner,
            (_, None) => Owner::NOBODY,
        }
    }

    /// The epoch of its user, under which what it has proved is good.
    pub(crate) fn epoch(&self) -> i64 {
        match self {
            Self::SignIn { epoch, .. } => *epoch,
            _ => self.holder().map_or(0, |holder| holder.epoch),
        }
    }

    /// The sign-in that stays when this flow ends the others.
    pub(crate) fn session(&self) -> Option<SignInId> {
        let session = match self {
            Self::Enroll { session, .. } | Self::Link { session, .. } => *session,
            Self::StepUp { session, .. } => Some(*session),
            Self::SignIn { .. } | Self::SignUp(_) | Self::SignedUp(_) => None,
        };
        session.map(SignInId::from_bytes)
    }
}
