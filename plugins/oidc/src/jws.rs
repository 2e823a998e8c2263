//! Signatures: `jsonwebtoken` reads the token, `ring` verifies. Public keys only: no HMAC, and nothing is ever signed.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse, ThumbprintHash,
};
use jsonwebtoken::signature;
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// What can be verified here. RSA keys have 2048 to 8192 bits.
const ALGORITHMS: [(&str, Algorithm, Means); 9] = [
    ("ES256", Algorithm::ES256, Means::Point(&ECDSA_P256_SHA256_FIXED)),
    ("ES384", Algorithm::ES384, Means::Point(&ECDSA_P384_SHA384_FIXED)),
    ("EdDSA", Algorithm::EdDSA, Means::Point(&ED25519)),
    ("PS256", Algorithm::PS256, Means::Rsa(&RSA_PSS_2048_8192_SHA256)),
    ("PS384", Algorithm::PS384, Means::Rsa(&RSA_PSS_2048_8192_SHA384)),
    ("PS512", Algorithm::PS512, Means::Rsa(&RSA_PSS_2048_8192_SHA512)),
    ("RS256", Algorithm::RS256, Means::Rsa(&RSA_PKCS1_2048_8192_SHA256)),
    ("RS384", Algorithm::RS384, Means::Rsa(&RSA_PKCS1_2048_8192_SHA384)),
    ("RS512", Algorithm::RS512, Means::Rsa(&RSA_PKCS1_2048_8192_SHA512)),
];

#[derive(Clone, Copy)]
enum Means {
    Point(&'static dyn VerificationAlgorithm),
    Rsa(&'static RsaParameters),
}

/// The algorithm of that name (RFC 7518 section 3.1, RFC 8037), if it can be verified here.
pub(crate) fn named(name: &str) -> Option<Algorithm> {
    ALGORITHMS
        .iter()
        .find(|(known, ..)| *known == name)
        .map(|(_, algorithm, _)| *algorithm)
}

/// The hash of an algorithm's claims such as `at_hash` (OpenID Connect Core 1.0 section 3.1.3.6).
pub(crate) fn half_hash(algorithm: Algorithm, text: &str) -> Option<Vec<u8>> {
    let hash = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 => &ring::digest::SHA256,
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &ring::digest::SHA384,
        // Ed25519 hashes with SHA-512.
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => &ring::digest::SHA512,
        _ => return None,
    };
    let digest = ring::digest::digest(hash, text.as_bytes());
    let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
    Some(left.to_vec())
}

/// Whether the key may verify signatures of this algorithm: its type and curve fit, and it says nothing else of itself
/// (RFC 7517 sections 4.2 to 4.4).
pub(crate) fn suits(key: &Jwk, algorithm: Algorithm) -> bool {
    let fits = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(
            algorithm,
            Algorithm::RS256
                | Algorithm::RS384
                | Algorithm::RS512
                | Algorithm::PS256
                | Algorithm::PS384
                | Algorithm::PS512
        ),
        AlgorithmParameters::EllipticCurve(key) => {
            matches!(
                (&key.curve, algorithm),
                (EllipticCurve::P256, Algorithm::ES256) | (EllipticCurve::P384, Algorithm::ES384)
            )
        }
        AlgorithmParameters::OctetKeyPair(key) => {
            key.curve == EllipticCurve::Ed25519 && algorithm == Algorithm::EdDSA
        }
        _ => false,
    };
    let common = &key.common;
    fits && common
        .public_key_use
        .as_ref()
        .is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify))
        && common
            .key_algorithm
            .is_none_or(|said| said == KeyAlgorithm::from(algorithm))
}

/// Gives `jsonwebtoken` the verifiers of this file. Its table of them is one for a whole process, or rather for this
/// shared object; a program that links the plugin in and has its own keeps it.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: no_signer,
        verifier_factory: verifier,
        key_utils: KeyUtils {
            rsa_pub_components_from_private_key: |_| Err(unsupported()),
            rsa_pub_components_from_public_key: |_| Err(unsupported()),
            ec_pub_components_from_private_key: |_, _| Err(unsupported()),
            ed_pub_components_from_private_key: |_, _| Err(unsupported()),
            compute_digest: no_digest,
        },
    };
    ONCE.call_once(|| {
        let _ = PROVIDER.install_default();
    });
}

fn unsupported() -> Error {
    ErrorKind::UnsupportedAlgorithm.into()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the library's signature")]
fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(unsupported())
}

fn no_digest(_: &[u8], _: ThumbprintHash) -> Result<Vec<u8>, Error> {
    Err(unsupported())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the library's signature")]
fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let (_, algorithm, means) = ALGORITHMS
        .iter()
        .find(|(_, known, _)| known == algorithm)
        .ok_or_else(unsupported)?;
    // A key of another family is no key: never the bytes of one kind in the place of another.
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(Verifier {
        algorithm: *algorithm,
        means: *means,
        key: key.clone(),
    }))
}

struct Verifier {
    algorithm: Algorithm,
    means: Means,
    key: DecodingKey,
}

impl JwtVerifier for Verifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl signature::Verifier<Vec<u8>> for Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match (self.means, self.key.kind()) {
            (Means::Point(means), DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(means, point).verify(message, signature)
            }
            (Means::Rsa(means), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(means, message, signature)
            }
            _ => return Err(signature::Error::new()),
        };
        verified.map_err(|_| signature::Error::new())
    }
}
