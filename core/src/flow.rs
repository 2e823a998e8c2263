//! Flows: what is kept between two steps of one authentication, sealed, in the store.
//!
//! A flow's token is `dwf_` + base64url(id 16 ‖ step 4 ‖ secret 32). Taking a flow consumes its step and an attempt in
//! one conditional write, before any plugin is asked; whoever takes it holds the only right to go on. First steps that are
//! nobody's yet may travel in their token instead: see `flow/unstored.rs`.

mod owner;
mod unstored;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::factor::Factor;
use crate::id::{FlowId, SignInId, UserId};
use crate::keys::{Binding, KeyRing};
use crate::plugin::{FactorClass, Field, Fields, Operation};
use crate::rng::{self, Random};
use crate::secret::Secret;
use crate::store;

pub(crate) use owner::Owner;
pub(crate) use unstored::Unstored;

/// How long a flow may be answered.
pub(crate) const FLOW_TTL: Duration = Duration::from_mins(10);
/// How many wrong answers one step of a flow takes.
pub(crate) const FLOW_ATTEMPTS: u32 = 5;
/// Bytes inside a token: id, step, secret.
const TOKEN_LEN: usize = 16 + 4 + 32;
const PREFIX: &str = "dwf_";

/// A flow as its owner holds it: the token, and what may be answered.
#[derive(Debug)]
pub struct FlowHandle {
    pub(crate) purpose: Purpose,
    pub(crate) user_id: Option<UserId>,
    pub(crate) provider: Option<String>,
    pub(crate) token: Secret,
    pub(crate) next: Vec<Method>,
    pub(crate) expires_at: Timestamp,
}

impl FlowHandle {
    /// The token to send back with the answer: to the same person only, in a form or a response body.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// What it is for: `enroll`, `link`, `sign_in`, `sign_up` or `step_up`.
    pub fn purpose(&self) -> &'static str {
        self.purpose.id()
    }

    /// Whose it is, where that was proved or is being claimed: for the program, never for the client.
    pub fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// The provider it was begun with, or whose step is open.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// What may be answered, one of them.
    pub fn next(&self) -> &[Method] {
        &self.next
    }

    /// When it is worth nothing any more.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// What one answer of a flow does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodAction {
    /// Begins to enroll an authenticator with this provider.
    Enroll,
    /// Goes on with the step whose challenge is shown.
    Step,
    /// Proves a factor of this provider.
    Verify,
}

impl MethodAction {
    /// The stable text.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::Step => "step",
            Self::Verify => "verify",
        }
    }
}

/// One thing that may be answered next.
#[derive(Clone, Debug)]
pub struct Method {
    /// The provider name to answer with.
    pub provider: String,
    /// What the answer does.
    pub action: MethodAction,
    /// The class of the factor it proves.
    pub class: Option<FactorClass>,
    /// The credential fields to ask for.
    pub fields: Vec<Field>,
    /// What the person must see: named values from the provider.
    pub challenge: Fields,
}

/// What a flow is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// A signed-in user adds an authenticator.
    Enroll,
    /// A signed-in user proves a provider id that it wants to have.
    Link,
    /// A first factor, then whatever the policy asks.
    SignIn,
    /// A new user, then whatever the policy asks.
    SignUp,
    /// A live session proves another factor.
    StepUp,
}

impl Purpose {
    /// The stable text.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::Link => "link",
            Self::SignIn => "sign_in",
            Self::SignUp => "sign_up",
            Self::StepUp => "step_up",
        }
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

/// A user that does not exist yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) id: [u8; 16],
    pub(crate) id_given: bool,
    pub(crate) attributes: String,
    /// A name to show, where the kind finds the identifier.
    #[serde(default)]
    pub(crate) display: String,
}

/// All that a flow knows, sealed in the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FlowState {
    pub(crate) realm: String,
    pub(crate) purpose: Purpose,
    pub(crate) owner: Owner,
    pub(crate) epoch: i64,
    /// Nothing in this flow can ever be accepted.
    pub(crate) decoy: bool,
    /// The identifier of the first step: provider, raw, canonical; base64url.
    pub(crate) identity: Option<(String, String, String)>,
    /// Factors proved so far, as [`Factor::to_json`] writes them.
    pub(crate) factors: String,
    pub(crate) pending: Option<Pending>,
    /// What may be answered when no step is pending: provider and action.
    pub(crate) next: Vec<(String, MethodAction)>,
    pub(crate) draft: Option<Draft>,
    /// The sign-in that stays when this flow ends the others.
    pub(crate) keep: Option<[u8; 16]>,
    /// Of the secret of the link that was sent beside the code: whichever of both is used first voids the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<[u8; 32]>,
}

/// An identifier that a flow was begun with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) provider: String,
    pub(crate) raw: Vec<u8>,
    pub(crate) canonical: Vec<u8>,
}

impl FlowState {
    pub(crate) fn new(realm: &str, purpose: Purpose) -> Self {
        Self {
            realm: realm.into(),
            purpose,
            owner: Owner::NOBODY,
            epoch: 0,
            decoy: false,
            identity: None,
            factors: "[]".into(),
            pending: None,
            next: Vec::new(),
            draft: None,
            keep: None,
            link: None,
        }
    }

    pub(crate) fn user_id(&self) -> Option<UserId> {
        self.owner.user()
    }

    pub(crate) fn keep(&self) -> Option<SignInId> {
        self.keep.map(SignInId::from_bytes)
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

/// A flow's token, taken apart.
pub(crate) struct FlowToken {
    pub(crate) id: FlowId,
    pub(crate) step: u32,
    secret: Zeroizing<[u8; 32]>,
}

impl FlowToken {
    /// Draws a new secret for this step.
    pub(crate) fn draw(id: FlowId, step: u32, random: &dyn Random) -> Result<Self> {
        Ok(Self {
            id,
            step,
            secret: Zeroizing::new(rng::bytes(random)?),
        })
    }

    /// Reads a token; `None` for anything that is not one.
    pub(crate) fn parse(token: &[u8]) -> Option<Self> {
        let encoded = token.strip_prefix(PREFIX.as_bytes())?;
        if encoded.len() != TOKEN_LEN.div_ceil(3) * 4 - (3 - TOKEN_LEN % 3) % 3 {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (step, secret) = rest.split_first_chunk::<4>()?;
        Some(Self {
            id: FlowId::from_bytes(*id),
            step: u32::from_be_bytes(*step),
            secret: Zeroizing::new(secret.try_into().ok()?),
        })
    }

    /// The text of the token.
    pub(crate) fn text(&self) -> Secret {
        let mut bytes = Zeroizing::new(Vec::with_capacity(TOKEN_LEN));
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.step.to_be_bytes());
        bytes.extend_from_slice(self.secret.as_slice());
        Secret::from(format!("{PREFIX}{}", encode(&bytes)))
    }

    /// What the row keeps: SHA-256(`w` ‖ id ‖ step ‖ secret).
    pub(crate) fn hash(&self) -> store::Hash {
        Sha256::new()
            .chain_update(b"w")
            .chain_update(self.id.as_bytes())
            .chain_update(self.step.to_be_bytes())
            .chain_update(self.secret.as_slice())
            .finalize()
            .into()
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
    use crate::rng::SystemRandom;

    #[test]
    fn tokens_round_trip_and_nothing_else_parses() {
        let id = FlowId::generate(Timestamp::from_micros(5), &SystemRandom).unwrap();
        let token = FlowToken::draw(id, 7, &SystemRandom).unwrap();
        let text = token.text();
        let read = FlowToken::parse(text.expose()).unwrap();
        assert_eq!((read.id, read.step, read.hash()), (id, 7, token.hash()));
        let mut longer = text.expose().to_vec();
        longer.push(b'A');
        let shorter = &text.expose()[..text.len() - 1];
        for bad in [&b""[..], b"dwf_", b"dwa_AAAA", &longer, shorter] {
            assert!(FlowToken::parse(bad).is_none());
        }
    }

    #[test]
    fn state_opens_only_in_its_own_row() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let [a, b] = [1, 2].map(|n| FlowId::generate(Timestamp::from_micros(n), &SystemRandom).unwrap());
        let state = FlowState::new("", Purpose::SignIn).with_identifier("email", b"A@b.c", b"a@b.c");
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
