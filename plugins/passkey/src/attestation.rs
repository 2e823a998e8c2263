//! The attestation object (WebAuthn section 6.5.4) and the statements that are verified: `none`, and `packed` made with
//! the credential's own key. A statement by a certificate needs trust in its maker, for which there is no option: refused.

use minicbor::Decoder;

use crate::public_key::PublicKey;
use crate::refusal::Refusal;

/// What the authenticator answered to a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttestationObject<'a> {
    /// The format of the statement.
    pub format: &'a str,
    /// The statement, CBOR.
    pub statement: &'a [u8],
    /// Authenticator data.
    pub authenticator_data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    /// Reads the three members, in whatever order, to the last byte.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn parse(cbor: &'a [u8]) -> Result<Self, Refusal> {
        object(cbor).ok_or(Refusal::Malformed("attestation object"))
    }

    /// Verifies the statement. `signed` is the authenticator data followed by the hash of the client data.
    ///
    /// # Errors
    /// `AttestationFormat` for formats that are not verified here; `AttestationStatement` for a false one.
    pub fn verify(&self, key: &PublicKey, signed: &[u8]) -> Result<(), Refusal> {
        match self.format {
            "none" => verify_none(self.statement),
            "packed" => verify_packed(self.statement, key, signed),
            _ => Err(Refusal::AttestationFormat),
        }
    }
}

/// Section 8.7: an empty map.
fn verify_none(statement: &[u8]) -> Result<(), Refusal> {
    if statement == [0xa0] {
        Ok(())
    } else {
        Err(Refusal::AttestationStatement)
    }
}

/// Section 8.2, self attestation: a signature by the new key itself, under its own algorithm.
fn verify_packed(statement: &[u8], key: &PublicKey, signed: &[u8]) -> Result<(), Refusal> {
    let packed = packed(statement).ok_or(Refusal::AttestationStatement)?;
    if packed.has_certificates {
        return Err(Refusal::AttestationFormat);
    }
    if packed.algorithm == key.algorithm().cose() && key.is_signed(signed, packed.signature) {
        Ok(())
    } else {
        Err(Refusal::AttestationStatement)
    }
}

struct Packed<'a> {
    algorithm: i64,
    signature: &'a [u8],
    has_certificates: bool,
}

fn packed(statement: &[u8]) -> Option<Packed<'_>> {
    let mut decoder = Decoder::new(statement);
    let (mut algorithm, mut signature, mut has_certificates) = (None, None, false);
    for _ in 0..decoder.map().ok()?? {
        match decoder.str().ok()? {
            "alg" if algorithm.is_none() => algorithm = Some(decoder.i64().ok()?),
            "sig" if signature.is_none() => signature = Some(decoder.bytes().ok()?),
            "x5c" if !has_certificates => {
                decoder.skip().ok()?;
                has_certificates = true;
            }
            _ => return None,
        }
    }
    Some(Packed {
        algorithm: algorithm?,
        signature: signature?,
        has_certificates,
    })
}

fn object(cbor: &[u8]) -> Option<AttestationObject<'_>> {
    let mut decoder = Decoder::new(cbor);
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..decoder.map().ok()?? {
        match decoder.str().ok()? {
            "fmt" if format.is_none() => format = Some(decoder.str().ok()?),
            "attStmt" if statement.is_none() => {
                let start = decoder.position();
                decoder.skip().ok()?;
                statement = Some(cbor.get(start..decoder.position())?);
            }
            "authData" if data.is_none() => data = Some(decoder.bytes().ok()?),
            _ => return None,
        }
    }
    let object = AttestationObject {
        format: format?,
        statement: statement?,
        authenticator_data: data?,
    };
    (decoder.position() == cbor.len()).then_some(object)
}
