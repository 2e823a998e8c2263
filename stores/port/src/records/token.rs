//! Single-use tokens: what a person is sent to prove that an address is theirs.

use super::Hash;
use doorward_base::clock::Timestamp;
use doorward_base::id::{FlowId, TokenId, UserId};
use doorward_base::identifier::ProviderId;

/// A token's row. A decoy's has no user, and nothing consumes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, in its text.
    pub id: TokenId,
    /// What it is good for, and for nothing else.
    pub purpose: String,
    /// Of the secret in its text.
    pub secret_hash: Hash,
    /// The address that it is bound to.
    pub at: ProviderId,
    /// Whose it is; `None`: a decoy.
    pub user_id: Option<UserId>,
    /// The user's epoch when it was made, where it is good under that only.
    pub epoch: Option<i64>,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
    /// When it was consumed, if it was.
    pub consumed_at: Option<Timestamp>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .field("consumed_at", &self.consumed_at)
            .finish_non_exhaustive()
    }
}

/// Names a token that a [`Change`](super::Change) consumes, or that a link is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenUse {
    /// The token.
    pub id: TokenId,
    /// Of its secret.
    pub secret_hash: Hash,
}

impl TokenUse {
    /// The flow whose code stands beside a link: the same id.
    pub fn flow(&self) -> FlowId {
        FlowId::from_bytes(*self.id.as_bytes())
    }
}

impl std::fmt::Debug for TokenUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenUse")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
