//! All that a flow knows between two steps, sealed for its row.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Course, MethodAction, Purpose};
use crate::error::{Error, ErrorKind, Result};
use crate::factor::Factor;
use crate::id::{FlowId, UserId};
use crate::keys::{Binding, KeyRing};
use crate::plugin::{Fields, Operation};
use crate::rng::Random;
use crate::secret::Secret;

/// All that a flow knows, sealed in the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FlowState {
    pub(crate) realm: String,
    pub(crate) course: Course,
    /// Nothing in this flow can ever be accepted.
    pub(crate) decoy: bool,
    /// The identifier of the first step: provider, raw, canonical; base64url.
    pub(crate) identity: Option<(String, String, String)>,
    /// Factors proved so far, as [`Factor::to_json`] writes them.
    pub(crate) factors: String,
    pub(crate) pending: Option<Pending>,
    /// What may be answered when no step is pending: provider and action.
    pub(crate) next: Vec<(String, MethodAction)>,
}

/// An identifier that a flow was begun with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) provider: String,
    pub(crate) raw: Vec<u8>,
    pub(crate) canonical: Vec<u8>,
}

impl FlowState {
    pub(crate) fn new(realm: &str, course: Course) -> Self {
        Self {
            realm: realm.into(),
            course,
            decoy: false,
            identity: None,
            factors: "[]".into(),
            pending: None,
            next: Vec::new(),
        }
    }

    pub(crate) const fn purpose(&self) -> Purpose {
        self.course.purpose()
    }

    pub(crate) fn user_id(&self) -> Option<UserId> {
        self.course.owner().user()
    }

    pub(crate) fn proved(&self) -> Result<Vec<Factor>> {
        Factor::from_json(&self.factors)
    }

    /// The identifier of the first step, where one was named.
    pub(crate) fn identifier(&self) -> Result<Option<Named>> {
        let Some((provider, raw, canonical)) = &self.identity else {
            return Ok(None);
        };
        Ok(Some(Named {
            provider: provider.clone(),
            raw: decode(raw)?,
            canonical: decode(canonical)?,
        }))
    }

    pub(crate) fn with_identifier(mut self, provider: &str, raw: &[u8], canonical: &[u8]) -> Self {
        self.identity = Some((provider.into(), encode(raw), encode(canonical)));
        self
    }

    /// Seals the state for its row.
    pub(crate) fn seal(&self, keys: &KeyRing, random: &dyn Random, id: FlowId) -> Result<Vec<u8>> {
        let text = Zeroizing::new(
            serde_json::to_vec(self)
                .map_err(|e| Error::new(ErrorKind::Internal, "a flow cannot be written").caused_by(e))?,
        );
        keys.seal(random, binding(id).bytes(), &text)
    }

    /// Opens what [`seal`](Self::seal) made for this flow.
    pub(crate) fn open(keys: &KeyRing, id: FlowId, sealed: &[u8]) -> Result<Self> {
        let text = keys.open(binding(id).bytes(), sealed)?;
        serde_json::from_slice(text.expose())
            .map_err(|_| Error::new(ErrorKind::Corrupt, "a flow was written by another release"))
    }
}

/// The kind's own step that is open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) provider: String,
    pub(crate) operation: PendingOperation,
    /// 1 after the kind's first CONTINUE, 2 after its second.
    pub(crate) step: u32,
    /// The kind's state, base64url.
    pub(crate) state: String,
    /// Shown again when the step is tried again: name and base64url value.
    pub(crate) challenge: Vec<(String, String)>,
}

/// Which operation the kind's step resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PendingOperation {
    Enroll,
    Update,
    Verify,
}

impl From<PendingOperation> for Operation {
    fn from(pending: PendingOperation) -> Self {
        match pending {
            PendingOperation::Enroll => Self::Enroll,
            PendingOperation::Update => Self::Update,
            PendingOperation::Verify => Self::Verify,
        }
    }
}

impl Pending {
    pub(crate) fn new(
        provider: &str,
        operation: PendingOperation,
        step: u32,
        state: &Secret,
        challenge: &Fields,
    ) -> Self {
        let challenge = challenge
            .0
            .iter()
            .map(|(name, value)| (name.clone(), encode(value.expose())))
            .collect();
        Self {
            provider: provider.into(),
            operation,
            step,
            state: encode(state.expose()),
            challenge,
        }
    }

    pub(crate) fn state(&self) -> Result<Secret> {
        decode(&self.state).map(Secret::new)
    }

    pub(crate) fn challenge(&self) -> Result<Fields> {
        self.challenge
            .iter()
            .map(|(name, value)| Ok((name.clone(), Secret::new(decode(value)?))))
            .collect::<Result<Vec<_>>>()
            .map(Fields)
    }
}

fn binding(id: FlowId) -> Binding {
    Binding::of("flow").and(id.as_bytes())
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Error::new(ErrorKind::Corrupt, "a flow's state cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::flow::Owner;
    use crate::rng::SystemRandom;

    #[test]
    fn state_opens_only_in_its_own_row() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let [a, b] = [1, 2].map(|n| FlowId::generate(Timestamp::from_micros(n), &SystemRandom).unwrap());
        let state = FlowState::new("", Course::sign_in(Owner::NOBODY, 0))
            .with_identifier("email", b"A@b.c", b"a@b.c");
        let sealed = state.seal(&keys, &SystemRandom, a).unwrap();
        let open = FlowState::open(&keys, a, &sealed).unwrap();
        assert_eq!(
            open.identifier().unwrap().unwrap(),
            Named {
                provider: "email".into(),
                raw: b"A@b.c".to_vec(),
                canonical: b"a@b.c".to_vec(),
            }
        );
        assert!(FlowState::open(&keys, b, &sealed).is_err());
    }
}
