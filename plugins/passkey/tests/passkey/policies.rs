//! What the tables of changes are tried with.

use doorward_passkey::policy::{BackupEligibility, Policy, UserVerification};
use doorward_passkey::public_key::Algorithm;

use crate::authenticator::{ORIGIN, RP_ID};

pub(crate) const CHALLENGE: &[u8] = b"thirty-two bytes, fresh each time";
pub(crate) const HANDLE: &[u8] = b"user handle";

// Flags of authenticator data (WebAuthn section 6.1).
pub(crate) const UP: u8 = 0x01;
pub(crate) const UV: u8 = 0x04;
pub(crate) const BE: u8 = 0x08;
pub(crate) const BS: u8 = 0x10;
pub(crate) const ED: u8 = 0x80;

/// What a row of a table changes.
pub(crate) type Change<Of> = fn(&mut Of);

pub(crate) fn strict() -> Policy {
    Policy {
        rp_id: RP_ID.into(),
        origins: vec![ORIGIN.into(), "https://login.example.org".into()],
        top_origins: Vec::new(),
        user_verification: UserVerification::Required,
        backup_eligibility: BackupEligibility::Allowed,
        algorithms: vec![Algorithm::Es256],
    }
}

pub(crate) fn framed() -> Policy {
    Policy {
        top_origins: vec!["https://shop.example".into()],
        ..strict()
    }
}

pub(crate) fn relaxed() -> Policy {
    Policy {
        user_verification: UserVerification::Discouraged,
        ..strict()
    }
}

pub(crate) fn backup(backup_eligibility: BackupEligibility) -> Policy {
    Policy {
        backup_eligibility,
        ..strict()
    }
}
