//! What this relying party accepts.

use doorward_plugin::choices;

use crate::public_key::Algorithm;

choices! {
    /// Whether the authenticator has to verify the person: a PIN, a fingerprint, a face. In the words of the specification
    /// (section 5.8.6).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum UserVerification {
        /// Refused without.
        Required = "required",
        /// Asked for, and taken without.
        Preferred = "preferred",
        /// Not asked for. For second factors that follow a password.
        Discouraged = "discouraged",
    }
}

choices! {
    /// Whether credentials that can be copied to other devices (backup eligibility, section 6.1.3) may be registered.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum BackupEligibility {
        /// Both kinds.
        Allowed = "allowed",
        /// Credentials bound to one device only.
        Forbidden = "forbidden",
        /// Credentials that survive the loss of the device only.
        Required = "required",
    }
}

/// The checked options that the ceremonies depend on.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The relying party's id, a domain.
    pub rp_id: String,
    /// Every origin that may use it, as browsers write it.
    pub origins: Vec<String>,
    /// Pages of other sites that may frame one of the origins. Empty: no frames of other sites.
    pub top_origins: Vec<String>,
    /// For both ceremonies.
    pub user_verification: UserVerification,
    /// For registration; an authentication must say the same as its registration.
    pub backup_eligibility: BackupEligibility,
    /// What keys may be registered, the preferred first.
    pub algorithms: Vec<Algorithm>,
}
