//! A credential's public key (a `COSE_Key`, RFC 9052 section 7, as WebAuthn section 5.8.5 narrows it) and its signatures.

use minicbor::Decoder;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::refusal::Refusal;

/// The signature algorithms that `ring` verifies, of those that authenticators know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256: what every authenticator can.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 to 8192 bits: older Windows Hello.
    Rs256,
}

impl Algorithm {
    /// All, the preferred first.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Es384, Self::Rs256];

    /// Its number in the COSE registry.
    pub const fn cose(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::Rs256 => -257,
        }
    }
}

/// A key of a supported algorithm, in the form that the algorithm wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// x.
    Ed25519([u8; 32]),
    /// An uncompressed point: 4, x, y.
    P256([u8; 65]),
    P384([u8; 97]),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

/// Parameters as they are read; `kty` and `alg` have labels 1 and 3, the others below zero.
#[derive(Default)]
struct Parameters<'a> {
    key_type: Option<i64>,
    algorithm: Option<i64>,
    /// Label -1: a curve's number, or RSA's modulus.
    curve: Option<i64>,
    modulus: Option<&'a [u8]>,
    /// Label -2: x, or RSA's exponent.
    x: Option<&'a [u8]>,
    /// Label -3.
    y: Option<&'a [u8]>,
}

impl PublicKey {
    /// Reads one `COSE_Key` to its last byte.
    ///
    /// # Errors
    /// `Malformed` for what is no key; `Algorithm` for one of an algorithm, curve or size that is not supported.
    pub fn parse(cose: &[u8]) -> Result<Self, Refusal> {
        let read = parameters(cose).ok_or(Refusal::Malformed("public key"))?;
        let algorithm = read.algorithm.ok_or(Refusal::Malformed("public key"))?;
        form(&read, algorithm).map(Self).ok_or(
            if Algorithm::ALL.iter().any(|known| known.cose() == algorithm) {
                Refusal::Malformed("public key")
            } else {
                Refusal::Algorithm
            },
        )
    }

    /// The algorithm that the key is for.
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Form::Ed25519(_) => Algorithm::EdDsa,
            Form::P256(_) => Algorithm::Es256,
            Form::P384(_) => Algorithm::Es384,
            Form::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// Whether the signature is by this key: DER for ECDSA, as section 6.5.5 says.
    pub fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Form::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Form::P256(key) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature)
            }
            Form::P384(key) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, key).verify(message, signature)
            }
            Form::Rsa { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
        }
        .is_ok()
    }
}

/// Every label at most once, and no others: "MUST NOT contain any other OPTIONAL parameters" (section 6.5.1).
fn parameters(cose: &[u8]) -> Option<Parameters<'_>> {
    let mut decoder = Decoder::new(cose);
    let mut read = Parameters::default();
    for _ in 0..decoder.map().ok()?? {
        match decoder.i64().ok()? {
            1 => once(&mut read.key_type, decoder.i64().ok()?)?,
            3 => once(&mut read.algorithm, decoder.i64().ok()?)?,
            -1 if read.key_type == Some(RSA) => once(&mut read.modulus, decoder.bytes().ok()?)?,
            -1 => once(&mut read.curve, decoder.i64().ok()?)?,
            -2 => once(&mut read.x, decoder.bytes().ok()?)?,
            -3 => once(&mut read.y, decoder.bytes().ok()?)?,
            _ => return None,
        }
    }
    (decoder.position() == cose.len()).then_some(read)
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

// Key types and curves of the COSE registry.
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const P256: i64 = 1;
const P384: i64 = 2;
const ED25519_CURVE: i64 = 6;

/// Key type, curve and sizes are those that the algorithm has to have (section 5.8.5).
fn form(read: &Parameters<'_>, algorithm: i64) -> Option<Form> {
    let known = Algorithm::ALL
        .into_iter()
        .find(|known| known.cose() == algorithm)?;
    match (known, read.key_type?, read.curve, read.modulus, read.x?, read.y) {
        (Algorithm::EdDsa, OKP, Some(ED25519_CURVE), None, x, None) => {
            Some(Form::Ed25519(x.try_into().ok()?))
        }
        (Algorithm::Es256, EC2, Some(P256), None, x, Some(y)) => point::<32, 65>(x, y).map(Form::P256),
        (Algorithm::Es384, EC2, Some(P384), None, x, Some(y)) => point::<48, 97>(x, y).map(Form::P384),
        (Algorithm::Rs256, RSA, None, Some(modulus), exponent, None) => {
            ((256..=1024).contains(&modulus.len()) && (1..=8).contains(&exponent.len())).then(|| Form::Rsa {
                modulus: modulus.to_vec(),
                exponent: exponent.to_vec(),
            })
        }
        _ => None,
    }
}

/// SEC 1 section 2.3.3, uncompressed. Whether it is on the curve shows with the first signature.
fn point<const N: usize, const P: usize>(x: &[u8], y: &[u8]) -> Option<[u8; P]> {
    if x.len() != N || y.len() != N {
        return None;
    }
    let mut point = [4; P];
    point.get_mut(1..=N)?.copy_from_slice(x);
    point.get_mut(N + 1..)?.copy_from_slice(y);
    Some(point)
}
