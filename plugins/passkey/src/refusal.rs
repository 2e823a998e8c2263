//! What a ceremony is refused for: one word for each thing that the specification says to verify.

use std::ffi::CStr;
use std::fmt;

/// The first thing that did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Refusal {
    /// The key is not of an algorithm that was offered.
    Algorithm,
    /// A statement of a format that this provider does not verify.
    AttestationFormat,
    /// A statement of a known format that does not verify.
    AttestationStatement,
    /// Whether the credential may be backed up is not what it was at registration, or not what the policy wants.
    BackupEligibility,
    /// Backed up, though the credential cannot be.
    BackupState,
    /// Not the challenge of this ceremony.
    Challenge,
    /// An identifier longer than 1023 bytes, or empty.
    CredentialIdLength,
    /// The response names one credential and the authenticator another.
    CredentialIdMismatch,
    /// The credential belongs to the user already.
    CredentialKnown,
    /// Made in a frame of another site.
    CrossOrigin,
    /// Not what the parser of this name understands.
    Malformed(&'static str),
    /// The credential is none of those that were asked for.
    NotAllowed,
    /// Not one of the configured origins.
    Origin,
    /// Another relying party's.
    RpIdHash,
    /// The counter did not grow: there may be two authenticators with this key.
    SignCount,
    /// The signature is not by the credential's key.
    Signature,
    /// Framed by a page that is not configured.
    TopOrigin,
    /// A registration where an authentication belongs, or the reverse.
    Type,
    /// The credential belongs to another user handle, or none was returned where one has to be.
    UserHandle,
    /// Nobody touched the authenticator.
    UserPresence,
    /// The authenticator did not verify the person, and the policy requires it.
    UserVerification,
}

impl Refusal {
    /// Its name in violations and for the operator.
    pub const fn code(self) -> &'static CStr {
        match self {
            Self::Algorithm => c"algorithm",
            Self::AttestationFormat => c"attestation_format",
            Self::AttestationStatement => c"attestation_statement",
            Self::BackupEligibility => c"backup_eligibility",
            Self::BackupState => c"backup_state",
            Self::Challenge => c"challenge",
            Self::CredentialIdLength => c"credential_id_length",
            Self::CredentialIdMismatch => c"credential_id_mismatch",
            Self::CredentialKnown => c"reused",
            Self::CrossOrigin => c"cross_origin",
            Self::Malformed(_) => c"bad_format",
            Self::NotAllowed => c"not_allowed",
            Self::Origin => c"origin",
            Self::RpIdHash => c"rp_id_hash",
            Self::SignCount => c"sign_count",
            Self::Signature => c"signature",
            Self::TopOrigin => c"top_origin",
            Self::Type => c"type",
            Self::UserHandle => c"user_handle",
            Self::UserPresence => c"user_presence",
            Self::UserVerification => c"user_verification",
        }
    }

    /// Whether an honest person may meet it with an authenticator that the policy does not take, and so has to be told.
    pub const fn is_policy(self) -> bool {
        matches!(
            self,
            Self::Algorithm
                | Self::AttestationFormat
                | Self::AttestationStatement
                | Self::BackupEligibility
                | Self::CredentialIdLength
                | Self::CredentialKnown
                | Self::UserVerification
        )
    }
}

/// For the operator.
impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(formatter, "the {what} cannot be read"),
            other => write!(formatter, "refused for: {}", other.code().to_string_lossy()),
        }
    }
}
