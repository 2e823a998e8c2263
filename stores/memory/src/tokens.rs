//! Single-use tokens.

use super::{Tables, trim};
use doorward_base::clock::Timestamp;
use doorward_base::id::{TokenId, UserId};
use doorward_base::secret;
use doorward_store::{Hash, Post, Posted, Token, TokenUse};

impl Tables {
    pub(super) fn put_token(&mut self, token: Token, post: &Post, now: Timestamp) -> Posted {
        // First: what is closed does not tell who is gone.
        if let Err(wait) = self.priced(post, now) {
            return Posted::Closed(wait);
        }
        // A token of a user who is gone goes with the user: as if it had been put a moment earlier.
        if !self.stands(token.user_id, post) {
            return Posted::Done;
        }
        let posted = self.pay(post, now);
        if !matches!(posted, Posted::Closed(_)) {
            self.insert_token(token, now);
        }
        posted
    }

    pub(super) fn insert_token(&mut self, token: Token, now: Timestamp) {
        trim(&mut self.tokens, &mut self.token_ends, now, |token| {
            token.expires_at
        });
        self.token_ends.insert((token.expires_at, token.id));
        self.tokens.entry(token.id).or_insert(token);
    }

    pub(super) fn spend_link(&mut self, link: TokenUse, now: Timestamp) -> bool {
        if self.token(link.id, &link.secret_hash, now).is_none() {
            return false;
        }
        self.consume(Some(link), now);
        self.flows.remove(&link.flow());
        true
    }

    pub(super) fn token(&self, id: TokenId, hash: &Hash, now: Timestamp) -> Option<&Token> {
        let token = self.tokens.get(&id)?;
        let is_good = token.consumed_at.is_none() && token.expires_at > now;
        (is_good && secret::equal(&token.secret_hash, hash)).then_some(token)
    }

    /// True when there is no token to consume, or it is this user's and good.
    pub(super) fn is_good(&self, token: Option<TokenUse>, user: UserId, now: Timestamp) -> bool {
        token.is_none_or(|used| {
            self.token(used.id, &used.secret_hash, now)
                .is_some_and(|token| token.user_id == Some(user))
        })
    }

    pub(super) fn consume(&mut self, token: Option<TokenUse>, now: Timestamp) {
        if let Some(token) = token.and_then(|used| self.tokens.get_mut(&used.id)) {
            token.consumed_at = Some(now);
        }
    }

    /// Removes tokens that are worth nothing any more; how many.
    pub(super) fn purge_tokens(&mut self, now: Timestamp, limit: usize) -> u64 {
        let expired = self.tokens.values().filter(|token| token.expires_at <= now);
        let gone: Vec<TokenId> = expired.map(|token| token.id).take(limit).collect();
        for id in &gone {
            self.tokens.remove(id);
        }
        gone.len() as u64
    }
}
