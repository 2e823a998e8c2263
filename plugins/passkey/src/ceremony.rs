//! A ceremony under way: what the sealed state of the flow keeps between the challenge and the response.

use doorward_plugin::Failure;

use crate::authentication::UserIs;
use crate::bytes::{Bytes, put_short};
use crate::credential::MAX_USER_HANDLE;

/// First byte of every state.
const FORMAT: u8 = 1;
/// Bytes of a challenge; section 13.4.3 wants at least 16.
pub(crate) const CHALLENGE_LEN: usize = 32;
/// Longest encoding: format, what, challenge, user handle; challenges of others' test vectors have up to 128 bytes.
pub(crate) const MAX_LEN: u32 = 2 + 1 + 255 + 1 + 64;

/// Which ceremony, its challenge, and what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// An authentication.
    Authentication {
        /// Random, for this ceremony only.
        challenge: Vec<u8>,
        /// Whether the first step knew who it is.
        user: UserIs,
    },
    /// A registration.
    Registration {
        /// Random, for this ceremony only.
        challenge: Vec<u8>,
        /// The user handle that the authenticator was given.
        user_handle: Vec<u8>,
    },
}

const FOUND: u8 = 1;
const KNOWN: u8 = 2;
const REGISTRATION: u8 = 3;

impl Ceremony {
    /// The state.
    ///
    /// # Errors
    /// When a part is longer than 255 bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        let (what, challenge, user_handle): (u8, &[u8], &[u8]) = match self {
            Self::Authentication { challenge, user } => match user {
                UserIs::Found => (FOUND, challenge, &[]),
                UserIs::Known => (KNOWN, challenge, &[]),
            },
            Self::Registration {
                challenge,
                user_handle,
            } => (REGISTRATION, challenge, user_handle),
        };
        let mut out = vec![FORMAT, what];
        put_short(&mut out, challenge)
            .and_then(|()| put_short(&mut out, user_handle))
            .ok_or_else(|| Failure::internal("a part of the state is too long"))?;
        Ok(out)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// `format` for anything else: the flow begins anew.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        decoded(bytes).ok_or_else(|| Failure::format("not the state of a passkey ceremony, format 1"))
    }
}

fn decoded(bytes: &[u8]) -> Option<Ceremony> {
    let mut rest = Bytes(bytes);
    let [FORMAT, what] = rest.array()? else {
        return None;
    };
    let challenge = rest.short()?.to_vec();
    let user_handle = rest.short()?.to_vec();
    if challenge.is_empty() || !rest.0.is_empty() {
        return None;
    }
    let authentication = |user| user_handle.is_empty().then_some(user);
    match what {
        FOUND => authentication(UserIs::Found).map(|user| Ceremony::Authentication { challenge, user }),
        KNOWN => authentication(UserIs::Known).map(|user| Ceremony::Authentication { challenge, user }),
        REGISTRATION if (1..=MAX_USER_HANDLE).contains(&user_handle.len()) => Some(Ceremony::Registration {
            challenge,
            user_handle,
        }),
        _ => None,
    }
}
