//! Claims: a provider id that was verified and that no user has yet.
//!
//! What a first sign-in through a directory or an issuer gives, and what `create_user_from_claim` and `link_claim` take.
//! Its text is `dwc_` + base64url of a box of the key ring, so it may cross requests and processes. It is worth
//! something for ten minutes, in the browser that earned it, and is spent by the unique key of the identity.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::factor::Factor;
use crate::id::UserId;
use crate::keys::{Binding, KeyRing};
use crate::rng::Random;
use crate::secret::Secret;
use crate::store::Hash;

/// How long a claim is worth anything.
pub(crate) const CLAIM_TTL: Duration = Duration::from_mins(10);
/// Longest token that is read, in bytes. What a claim may assert is limited so that no token is longer.
const MAX_TOKEN: usize = 64 * 1024;
/// Most bytes of the asserted attributes of one claim, as JSON.
pub(crate) const MAX_ASSERTED: usize = 16 * 1024;
const PREFIX: &str = "dwc_";

/// A provider id that was verified just now, and that no user has.
///
/// Nothing in it is of this database: the identifier is what the provider calls the person, and the attributes are what
/// it says about it. An address among them is the provider's word: it proves nothing and is compared with nothing here.
pub struct Claim {
    pub(crate) token: Secret,
    pub(crate) provider: String,
    pub(crate) identifier: Vec<u8>,
    pub(crate) attributes: String,
    pub(crate) expires_at: Timestamp,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("provider", &self.provider)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Claim {
    /// The text to send to the same person only, and to give back to `create_user_from_claim` or `link_claim`.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// The provider name that verified it.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The identifier as the person gave it or the provider found it, for showing.
    pub fn identifier(&self) -> &[u8] {
        &self.identifier
    }

    /// What the provider asserts about the person: a JSON object as text, at most 16 KiB. Its word, not a proof.
    pub fn attributes(&self) -> &str {
        &self.attributes
    }

    /// When it is worth nothing any more.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// What a claim knows: sealed in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimState {
    pub(crate) provider: String,
    pub(crate) raw: Vec<u8>,
    pub(crate) canonical: Vec<u8>,
    /// A JSON object.
    pub(crate) attributes: String,
    pub(crate) factors: Vec<Factor>,
    /// The browser that earned it; `None`: it was not earned on a request.
    pub(crate) browser: Option<Hash>,
    /// The user that began a link; only that user may take it. `None`: whoever holds it.
    pub(crate) user_id: Option<UserId>,
    pub(crate) verified_at: Timestamp,
}

/// The sealed form: byte strings as base64url.
#[derive(Serialize, Deserialize)]
struct Sealed {
    provider: String,
    raw: String,
    canonical: String,
    attributes: String,
    factors: String,
    browser: Option<[u8; 32]>,
    user_id: Option<[u8; 16]>,
    verified_at: i64,
}

impl ClaimState {
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.verified_at.plus(CLAIM_TTL)
    }

    /// The claim of an opened token.
    pub(crate) fn with_token(self, token: &[u8]) -> Claim {
        let expires_at = self.expires_at();
        Claim {
            token: Secret::new(token),
            provider: self.provider,
            identifier: self.raw,
            attributes: self.attributes,
            expires_at,
        }
    }

    /// The claim that its owner gets.
    ///
    /// # Errors
    /// As [`KeyRing::seal`].
    pub(crate) fn seal(&self, keys: &KeyRing, random: &dyn Random, realm: &str) -> Result<Claim> {
        let sealed = Sealed {
            provider: self.provider.clone(),
            raw: URL_SAFE_NO_PAD.encode(&self.raw),
            canonical: URL_SAFE_NO_PAD.encode(&self.canonical),
            attributes: self.attributes.clone(),
            factors: Factor::to_json(&self.factors),
            browser: self.browser,
            user_id: self.user_id.map(|id| *id.as_bytes()),
            verified_at: self.verified_at.as_micros(),
        };
        let plain = serde_json::to_vec(&sealed)
            .map(Zeroizing::new)
            .map_err(|e| Error::new(ErrorKind::Internal, "a claim cannot be written").caused_by(e))?;
        let sealed = keys.seal(random, binding(realm).bytes(), &plain)?;
        let token = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)));
        Ok(self.clone().with_token(token.as_bytes()))
    }

    /// Opens a token; `None` for anything that is not one of this key ring and realm: it came from outside.
    pub(crate) fn open(keys: &KeyRing, realm: &str, token: &[u8]) -> Option<Self> {
        let encoded = token.strip_prefix(PREFIX.as_bytes())?;
        if token.len() > MAX_TOKEN {
            return None;
        }
        let plain = keys
            .open(binding(realm).bytes(), &URL_SAFE_NO_PAD.decode(encoded).ok()?)
            .ok()?;
        let sealed: Sealed = serde_json::from_slice(plain.expose()).ok()?;
        Some(Self {
            provider: sealed.provider,
            raw: URL_SAFE_NO_PAD.decode(sealed.raw).ok()?,
            canonical: URL_SAFE_NO_PAD.decode(sealed.canonical).ok()?,
            attributes: sealed.attributes,
            factors: Factor::from_json(&sealed.factors).ok()?,
            browser: sealed.browser,
            user_id: sealed.user_id.map(UserId::from_bytes),
            verified_at: Timestamp::from_micros(sealed.verified_at),
        })
    }
}

fn binding(realm: &str) -> Binding {
    Binding::of("claim").and(realm.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    fn state() -> ClaimState {
        ClaimState {
            provider: "github".into(),
            raw: b"https://issuer.example 7".to_vec(),
            canonical: vec![0, 255],
            attributes: r#"{"name":"Ada"}"#.into(),
            factors: Vec::new(),
            browser: Some([7; 32]),
            user_id: None,
            verified_at: Timestamp::from_micros(5),
        }
    }

    #[test]
    fn a_claim_opens_with_its_ring_in_its_realm_and_not_when_a_byte_is_changed() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let claim = state().seal(&keys, &SystemRandom, "shop").unwrap();
        let token = claim.token().expose();
        assert_eq!(ClaimState::open(&keys, "shop", token), Some(state()));
        assert_eq!(ClaimState::open(&keys, "", token), None, "another realm");
        let other = KeyRing::ephemeral(&SystemRandom).unwrap();
        assert_eq!(ClaimState::open(&other, "shop", token), None, "another ring");
        for at in 0..token.len() {
            let mut changed = token.to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(ClaimState::open(&keys, "shop", &changed), None, "byte {at}");
            assert_eq!(ClaimState::open(&keys, "shop", &token[..at]), None, "length {at}");
        }
    }

    #[test]
    fn the_longest_claim_can_still_be_read() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let identifier = vec![255; crate::identifier::MAX_IDENTIFIER_BYTES];
        let longest = ClaimState {
            raw: identifier.clone(),
            canonical: identifier,
            attributes: format!("\"{}\"", "\\\"".repeat(MAX_ASSERTED / 2 - 1)),
            ..state()
        };
        assert_eq!(longest.attributes.len(), MAX_ASSERTED);
        let claim = longest.seal(&keys, &SystemRandom, "").unwrap();
        assert!(ClaimState::open(&keys, "", claim.token().expose()).is_some());
    }

    #[test]
    fn debug_shows_neither_token_nor_identifier() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let shown = format!("{:?}", state().seal(&keys, &SystemRandom, "").unwrap());
        assert!(!shown.contains("issuer") && !shown.contains("dwc_"), "{shown}");
    }
}
