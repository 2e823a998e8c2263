//! Ends of sign-ins: which, and why.

use doorward_base::id::{SignInId, UserId};

/// Why a sign-in ended. Stored as the text of [`EndReason::id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// `max_sign_ins` was reached and this was the least recently seen.
    Cap,
    /// The user's credentials changed elsewhere.
    CredentialsChanged,
    /// Ended from the list of devices or by the application.
    Ended,
    /// A factor was added or removed elsewhere.
    FactorChanged,
    /// Another user signed in on the same browser.
    Replaced,
    /// The database went back in time.
    RollbackDetected,
    /// The person signed out on this device.
    SignedOut,
    /// A step-up took its place.
    Superseded,
    /// An old refresh token was used after its successor: somebody has a copy.
    TokenReuse,
    /// The user was disabled.
    UserDisabled,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Cap,
        Self::CredentialsChanged,
        Self::Ended,
        Self::FactorChanged,
        Self::Replaced,
        Self::RollbackDetected,
        Self::SignedOut,
        Self::Superseded,
        Self::TokenReuse,
        Self::UserDisabled,
    ];

    /// The stable text, as stored and as shown.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::CredentialsChanged => "credentials_changed",
            Self::Ended => "ended",
            Self::FactorChanged => "factor_changed",
            Self::Replaced => "replaced",
            Self::RollbackDetected => "rollback_detected",
            Self::SignedOut => "signed_out",
            Self::Superseded => "superseded",
            Self::TokenReuse => "token_reuse",
            Self::UserDisabled => "user_disabled",
        }
    }

    /// The reason with this text.
    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.id() == id)
    }
}

/// Which sign-ins to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// One, of this owner.
    One(UserId, SignInId),
    /// All but one, and but the unconfirmed ones that replace it.
    Others(UserId, SignInId),
    /// All of a user.
    All(UserId),
}

impl Ends {
    /// Whose they are.
    pub const fn user(&self) -> UserId {
        match self {
            Self::One(user, _) | Self::Others(user, _) | Self::All(user) => *user,
        }
    }
}
