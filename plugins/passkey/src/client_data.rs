//! What the browser says it was asked (WebAuthn section 5.8.1), and the checks that both ceremonies make of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use crate::policy::Policy;
use crate::refusal::Refusal;

/// `CollectedClientData`. Members of later versions are passed over, as the specification wants.
#[derive(Debug, Deserialize)]
pub struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

impl ClientData {
    /// Reads `clientDataJSON`.
    ///
    /// # Errors
    /// `Malformed`: not UTF-8, not JSON, a member missing, twice, or of another type.
    pub fn parse(json: &[u8]) -> Result<Self, Refusal> {
        // "UTF-8 decode" drops a byte order mark.
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        serde_json::from_slice(json).map_err(|_| Refusal::Malformed("client data"))
    }

    /// `type`: so that a registration is no authentication.
    ///
    /// # Errors
    /// `Type`.
    pub fn verify_type(&self, kind: &str) -> Result<(), Refusal> {
        if self.kind == kind {
            Ok(())
        } else {
            Err(Refusal::Type)
        }
    }

    /// `challenge`: so that nothing can be replayed. It is no secret from the one who sends it.
    ///
    /// # Errors
    /// `Challenge`.
    pub fn verify_challenge(&self, challenge: &[u8]) -> Result<(), Refusal> {
        if !challenge.is_empty() && self.challenge == URL_SAFE_NO_PAD.encode(challenge) {
            Ok(())
        } else {
            Err(Refusal::Challenge)
        }
    }

    /// `origin`: one of the configured, byte for byte; no suffixes, no patterns.
    ///
    /// # Errors
    /// `Origin`.
    pub fn verify_origin(&self, policy: &Policy) -> Result<(), Refusal> {
        if policy.origins.contains(&self.origin) {
            Ok(())
        } else {
            Err(Refusal::Origin)
        }
    }

    /// `crossOrigin` and `topOrigin`: frames of other sites, only where configured.
    ///
    /// # Errors
    /// `CrossOrigin`, `TopOrigin`.
    pub fn verify_frames(&self, policy: &Policy) -> Result<(), Refusal> {
        let cross_origin = self.cross_origin.unwrap_or(false);
        if cross_origin && policy.top_origins.is_empty() {
            return Err(Refusal::CrossOrigin);
        }
        match &self.top_origin {
            None => Ok(()),
            Some(top) if cross_origin && policy.top_origins.contains(top) => Ok(()),
            Some(_) => Err(Refusal::TopOrigin),
        }
    }
}

/// SHA-256, as it goes into every signature.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}
