//! What the authenticator did and signed (WebAuthn section 6.1), and the checks that both ceremonies make of it.

use minicbor::Decoder;

use crate::bytes::Bytes;
use crate::client_data::sha256;
use crate::policy::{Policy, UserVerification};
use crate::refusal::Refusal;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED_CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// The new credential that a registration brings (section 6.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttestedCredential<'a> {
    /// The model of the authenticator; zeros where it does not say.
    pub aaguid: [u8; 16],
    /// The credential's id.
    pub id: &'a [u8],
    /// The public key, one `COSE_Key`.
    pub public_key: &'a [u8],
}

/// Parsed authenticator data. Extensions are none of ours, so they are checked for form only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticatorData<'a> {
    rp_id_hash: [u8; 32],
    flags: u8,
    /// Grows with every use; 0 where the authenticator does not count.
    pub sign_count: u32,
    /// In registrations.
    pub credential: Option<AttestedCredential<'a>>,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads authenticator data to its last byte.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        read(bytes).ok_or(Refusal::Malformed("authenticator data"))
    }

    /// Whether the credential can be backed up.
    pub const fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    /// Whether it is backed up now.
    pub const fn is_backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }

    /// Whether the authenticator verified the person.
    pub const fn is_user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    /// The relying party whose credential this is: the authenticator's own word against phishing.
    ///
    /// # Errors
    /// `RpIdHash`.
    pub fn verify_rp_id_hash(&self, policy: &Policy) -> Result<(), Refusal> {
        if self.rp_id_hash == sha256(policy.rp_id.as_bytes()) {
            Ok(())
        } else {
            Err(Refusal::RpIdHash)
        }
    }

    /// Somebody touched it. Always: conditional creation, which has no touch, is not offered.
    ///
    /// # Errors
    /// `UserPresence`.
    pub fn verify_user_presence(&self) -> Result<(), Refusal> {
        if self.flags & USER_PRESENT != 0 {
            Ok(())
        } else {
            Err(Refusal::UserPresence)
        }
    }

    /// The authenticator knows the person, where the policy requires it.
    ///
    /// # Errors
    /// `UserVerification`.
    pub fn verify_user_verification(&self, policy: &Policy) -> Result<(), Refusal> {
        if self.is_user_verified() || policy.user_verification != UserVerification::Required {
            Ok(())
        } else {
            Err(Refusal::UserVerification)
        }
    }

    /// What cannot be backed up is not backed up.
    ///
    /// # Errors
    /// `BackupState`.
    pub fn verify_backup_state(&self) -> Result<(), Refusal> {
        if self.is_backed_up() && !self.is_backup_eligible() {
            Err(Refusal::BackupState)
        } else {
            Ok(())
        }
    }
}

fn read(bytes: &[u8]) -> Option<AuthenticatorData<'_>> {
    let mut rest = Bytes(bytes);
    let rp_id_hash = rest.array()?;
    let flags = rest.byte()?;
    let sign_count = u32::from_be_bytes(rest.array()?);
    let credential = if flags & ATTESTED_CREDENTIAL != 0 {
        let aaguid = rest.array()?;
        let id = rest.long()?;
        let len = map_len(rest.0)?;
        Some(AttestedCredential {
            aaguid,
            id,
            public_key: rest.take(len)?,
        })
    } else {
        None
    };
    if flags & EXTENSIONS != 0 {
        let len = map_len(rest.0)?;
        rest.take(len)?;
    }
    rest.0.is_empty().then_some(AuthenticatorData {
        rp_id_hash,
        flags,
        sign_count,
        credential,
    })
}

/// Length of the CBOR map that stands first.
fn map_len(bytes: &[u8]) -> Option<usize> {
    let mut decoder = Decoder::new(bytes);
    decoder.map().ok()??;
    let mut decoder = Decoder::new(bytes);
    decoder.skip().ok()?;
    Some(decoder.position())
}
