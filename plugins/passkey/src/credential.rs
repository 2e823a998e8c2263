//! A registered credential: the credential record of WebAuthn section 4, as it is stored.

use doorward_plugin::Failure;

use crate::bytes::{Bytes, put_long, put_short};
use crate::response::Transports;

/// Most bytes of a credential id (section 7.1, "no credential ID is longer").
pub const MAX_CREDENTIAL_ID: usize = 1023;

/// First byte of every record.
const FORMAT: u8 = 1;
/// Longest user handle (section 5.4.3).
pub(crate) const MAX_USER_HANDLE: usize = 64;
/// Longest `COSE_Key`: an RSA key of 8192 bits with its labels.
const MAX_PUBLIC_KEY: usize = 1024 + 64;
/// Longest encoding: format, flags, transports, counter, model, handle, id, key.
#[expect(clippy::cast_possible_truncation, reason = "2204")]
pub(crate) const MAX_LEN: u32 =
    (3 + 4 + 16 + 1 + MAX_USER_HANDLE + 2 + MAX_CREDENTIAL_ID + 2 + MAX_PUBLIC_KEY) as u32;

const BACKUP_ELIGIBLE: u8 = 1;
const BACKED_UP: u8 = 2;
const USER_VERIFIED: u8 = 4;

/// What is kept of a credential. Nothing in it is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id, 1 to 1023 bytes: the record's handle.
    pub id: Vec<u8>,
    /// The id of the account towards authenticators, 1 to 64 random bytes; the same for all credentials of a user.
    pub user_handle: Vec<u8>,
    /// The public key, one `COSE_Key`.
    pub public_key: Vec<u8>,
    /// The last counter seen; 0 where the authenticator does not count.
    pub sign_count: u32,
    /// The model of the authenticator, as far as it says.
    pub aaguid: [u8; 16],
    /// Whether it can be copied to other devices: decided when it was made.
    pub is_backup_eligible: bool,
    /// Whether it was copied, when last seen.
    pub is_backed_up: bool,
    /// Whether the authenticator verified the person at registration.
    pub is_user_verified: bool,
    /// How the authenticator is reached, for hints to the browser.
    pub transports: Transports,
}

impl Credential {
    /// What the record keeps.
    ///
    /// # Errors
    /// When a part is longer than it can be.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        self.encoded()
            .ok_or_else(|| Failure::internal("a part of the credential is too long"))
    }

    fn encoded(&self) -> Option<Vec<u8>> {
        let mut out = vec![FORMAT, self.flags(), self.transports.bits()];
        out.extend_from_slice(&self.sign_count.to_be_bytes());
        out.extend_from_slice(&self.aaguid);
        put_short(&mut out, &self.user_handle)?;
        put_long(&mut out, &self.id)?;
        put_long(&mut out, &self.public_key)?;
        Some(out)
    }

    fn flags(&self) -> u8 {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        bit(self.is_backup_eligible, BACKUP_ELIGIBLE)
            | bit(self.is_backed_up, BACKED_UP)
            | bit(self.is_user_verified, USER_VERIFIED)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// `format` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        decoded(bytes).ok_or_else(|| Failure::format("not a passkey of format 1"))
    }

    /// A credential that no authenticator has: the generator of P-256, whose private key is 1, under an impossible handle.
    pub(crate) fn nobodys(id: &[u8]) -> Self {
        Self {
            id: id.to_vec(),
            user_handle: Vec::new(),
            public_key: NOBODYS_KEY.to_vec(),
            sign_count: u32::MAX,
            aaguid: [0; 16],
            is_backup_eligible: false,
            is_backed_up: false,
            is_user_verified: false,
            transports: Transports::default(),
        }
    }
}

fn decoded(bytes: &[u8]) -> Option<Credential> {
    let mut rest = Bytes(bytes);
    let [FORMAT, flags, transports] = rest.array()? else {
        return None;
    };
    let credential = Credential {
        sign_count: u32::from_be_bytes(rest.array()?),
        aaguid: rest.array()?,
        user_handle: rest.short()?.to_vec(),
        id: rest.long()?.to_vec(),
        public_key: rest.long()?.to_vec(),
        is_backup_eligible: flags & BACKUP_ELIGIBLE != 0,
        is_backed_up: flags & BACKED_UP != 0,
        is_user_verified: flags & USER_VERIFIED != 0,
        transports: Transports::from_bits(transports)?,
    };
    let whole = flags & !(BACKUP_ELIGIBLE | BACKED_UP | USER_VERIFIED) == 0
        && rest.0.is_empty()
        && (1..=MAX_USER_HANDLE).contains(&credential.user_handle.len())
        && (1..=MAX_CREDENTIAL_ID).contains(&credential.id.len());
    whole.then_some(credential)
}

/// P-256's generator (SEC 2 section 2.4.2) as a `COSE_Key`.
const NOBODYS_KEY: [u8; 77] = [
    0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, // kty EC2, alg ES256, crv P-256, x
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, //
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, //
    0x22, 0x58, 0x20, // y
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, //
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];
