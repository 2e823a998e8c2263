//! Flows that no row holds: a sign-in's first step that is nobody's yet travels sealed in its token. It can be answered
//! wrongly as often as anybody likes, for what it asks cannot be guessed, and rightly once: the first right answer leaves
//! a mark in the store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{FlowState, PREFIX, Purpose};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::FlowId;
use crate::keys::{Binding, KeyRing};
use crate::rng::Random;
use crate::secret::Secret;
use crate::store;

/// Longest token in bytes; a flow that needs more is stored.
const MAX_TOKEN: usize = 8192;

/// What a token carries instead of a row.
pub(crate) struct Unstored {
    pub(crate) id: FlowId,
    pub(crate) expires_at: Timestamp,
    /// Of the browser's cookie, where it was begun on a request.
    pub(crate) browser_hash: Option<store::Hash>,
    pub(crate) state: FlowState,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed<S> {
    expires_at: i64,
    browser_hash: Option<store::Hash>,
    state: S,
}

impl Unstored {
    /// True for a state that may travel so: a sign-in's, and nobody's yet.
    pub(crate) fn fits(state: &FlowState) -> bool {
        state.purpose() == Purpose::SignIn
            && state.user_id().is_none()
            && !state.decoy
            && state.factors == "[]"
    }

    /// The token; `None`: it would be too long.
    pub(crate) fn seal(&self, keys: &KeyRing, random: &dyn Random) -> Result<Option<Secret>> {
        let plain = serde_json::to_vec(&Sealed {
            expires_at: self.expires_at.as_micros(),
            browser_hash: self.browser_hash,
            state: &self.state,
        });
        let plain = Zeroizing::new(
            plain.map_err(|e| Error::new(ErrorKind::Internal, "a flow cannot be written").caused_by(e))?,
        );
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend(keys.seal(random, binding(self.id).bytes(), &plain)?);
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        Ok((text.len() <= MAX_TOKEN).then(|| Secret::from(text)))
    }

    /// Opens a token; `None` for anything that this key ring has not sealed as one.
    pub(crate) fn open(keys: &KeyRing, token: &[u8]) -> Option<Self> {
        let encoded = token.strip_prefix(PREFIX.as_bytes())?;
        if token.len() > MAX_TOKEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (id, sealed) = bytes.split_first_chunk::<16>()?;
        let id = FlowId::from_bytes(*id);
        let plain = keys.open(binding(id).bytes(), sealed).ok()?;
        let read: Sealed<FlowState> = serde_json::from_slice(plain.expose()).ok()?;
        Some(Self {
            id,
            expires_at: Timestamp::from_micros(read.expires_at),
            browser_hash: read.browser_hash,
            state: read.state,
        })
    }

    /// What the store keeps once it was answered rightly: SHA-256(`u` ‖ id).
    pub(crate) fn mark(&self) -> store::Hash {
        Sha256::new()
            .chain_update(b"u")
            .chain_update(self.id.as_bytes())
            .finalize()
            .into()
    }
}

fn binding(id: FlowId) -> Binding {
    Binding::of("unstored flow").and(id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Course, Owner};
    use crate::rng::SystemRandom;

    #[test]
    fn a_token_opens_as_it_was_sealed_and_no_other_does() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let [a, b] = [1, 2].map(|n| FlowId::generate(Timestamp::from_micros(n), &SystemRandom).unwrap());
        let flow = |id| Unstored {
            id,
            expires_at: Timestamp::from_micros(7),
            browser_hash: Some([3; 32]),
            state: FlowState::new("realm", Course::sign_in(Owner::NOBODY, 0)),
        };
        let text = flow(a).seal(&keys, &SystemRandom).unwrap().unwrap();
        let read = Unstored::open(&keys, text.expose()).unwrap();
        assert_eq!(
            (
                read.id,
                read.expires_at,
                read.browser_hash,
                read.state.realm.as_str()
            ),
            (a, Timestamp::from_micros(7), Some([3; 32]), "realm")
        );
        assert_ne!(flow(a).mark(), flow(b).mark());
        let others = KeyRing::ephemeral(&SystemRandom).unwrap();
        assert!(Unstored::open(&others, text.expose()).is_none(), "another ring");
        for at in 0..text.len() {
            let mut bent = text.expose().to_vec();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            assert!(Unstored::open(&keys, &bent).is_none(), "byte {at}");
        }
        let mut long = flow(a);
        long.state.realm = "r".repeat(MAX_TOKEN);
        assert!(long.seal(&keys, &SystemRandom).unwrap().is_none());
    }
}
