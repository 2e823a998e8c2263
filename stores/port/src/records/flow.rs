//! The state between two steps of an authentication.

use super::Hash;
use doorward_base::clock::Timestamp;
use doorward_base::id::FlowId;
use doorward_base::id::UserId;

/// The state between two steps.
#[derive(Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its id, in its token.
    pub id: FlowId,
    /// Counts what was taken, from 0.
    pub step: u32,
    /// Of the secret in its token; all zero while it is taken.
    pub secret_hash: Hash,
    /// Whose it is, where that is known and must go with the user.
    pub user_id: Option<UserId>,
    /// Of the browser's cookie, where it was begun on a request.
    pub browser_hash: Option<Hash>,
    /// How many answers may still be tried.
    pub attempts_left: u32,
    /// The sealed state.
    pub state: Vec<u8>,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow")
            .field("id", &self.id)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
