//! Flows: what is kept between two steps of one authentication, sealed, in the store.
//!
//! A flow's token is `dwf_` + base64url(id 16 ‖ step 4 ‖ secret 32). Taking a flow consumes its step and an attempt in
//! one conditional write, before any plugin is asked; whoever takes it holds the only right to go on. First steps that are
//! nobody's yet may travel in their token instead: see `flow/unstored.rs`.

mod course;
mod owner;
mod state;
mod unstored;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{FlowId, UserId};
use crate::plugin::{FactorClass, Field, Fields};
use crate::rng::{self, Random};
use crate::secret::Secret;
use crate::store;

pub(crate) use course::{Course, Draft, Holder};
pub(crate) use owner::Owner;
pub(crate) use state::{FlowState, Named, Pending, PendingOperation};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        Secret::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes)))
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
}
