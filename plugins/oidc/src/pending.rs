//! A sign-in that waits for the browser to come back: the state of the flow, which the host keeps sealed and bound to
//! the browser and to the provider name.

use doorward_plugin::{Failure, Host, Zeroizing};
use serde::{Deserialize, Serialize};

/// First byte of the state.
const FORMAT: u8 = 1;
/// Most bytes of a state: an issuer of 512 bytes, escaped, and 43 characters each of the rest.
pub(crate) const MAX_STATE: u32 = 2048;
/// Random bytes behind state, nonce and verifier; 43 characters of base64url each, as RFC 7636 section 4.1 asks for.
const RANDOM_LEN: usize = 32;

/// What the answer is compared with.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Whom it was begun with: options may have changed since.
    pub(crate) issuer: String,
    /// Comes back in the ID token.
    pub(crate) nonce: String,
    /// The PKCE code verifier.
    pub(crate) verifier: String,
    /// SHA-256 of the `state` parameter, in base64url.
    pub(crate) state_hash: String,
    /// When it began, in Unix seconds.
    pub(crate) begun: i64,
}

impl Pending {
    /// A new one, and the `state` parameter to send.
    pub(crate) fn begin(host: Host<'_>, issuer: &str) -> Result<(Self, String), Failure> {
        let state = random_text(host)?;
        let pending = Self {
            issuer: issuer.to_owned(),
            nonce: random_text(host)?,
            verifier: random_text(host)?,
            state_hash: hash_text(host, &state)?,
            begun: host.unix_micros()?.div_euclid(1_000_000),
        };
        Ok((pending, state))
    }

    /// Whether the parameter is the one that was sent.
    pub(crate) fn has_state(&self, host: Host<'_>, state: &[u8]) -> Result<bool, Failure> {
        let Ok(state) = std::str::from_utf8(state) else {
            return Ok(false);
        };
        Ok(host.ct_equal(hash_text(host, state)?.as_bytes(), self.state_hash.as_bytes()))
    }

    /// The PKCE code challenge (RFC 7636 section 4.2).
    pub(crate) fn code_challenge(&self, host: Host<'_>) -> Result<String, Failure> {
        hash_text(host, &self.verifier)
    }

    pub(crate) fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_STATE as usize));
        bytes.push(FORMAT);
        serde_json::to_writer(&mut *bytes, self)
            .map_err(|_| Failure::internal("the state cannot be written"))?;
        Ok(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        match bytes {
            [FORMAT, rest @ ..] => serde_json::from_slice(rest).ok(),
            _ => None,
        }
        .ok_or_else(|| Failure::format("not a state of format 1 of this kind"))
    }
}

fn random_text(host: Host<'_>) -> Result<String, Failure> {
    let mut bytes = Zeroizing::new([0; RANDOM_LEN]);
    host.random(&mut *bytes)?;
    Ok(base64url(&*bytes))
}

fn hash_text(host: Host<'_>, text: &str) -> Result<String, Failure> {
    Ok(base64url(&host.sha256(text.as_bytes())?))
}

/// RFC 4648 section 5 without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
