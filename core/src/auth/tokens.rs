//! Single-use tokens: drawn, looked at, consumed once.

use std::time::Duration;

use super::Auth;
use super::call::Call;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::event::{Event, EventName};
use crate::flow::FLOW_TTL;
use crate::id::{TokenId, UserId};
use crate::identifier::ProviderId;
use crate::outcome::{Answer, Outcome};
use crate::store::{Change, ChangeStep, Post, Token, TokenUse, User};
use crate::token::SingleUseToken;

/// What a single-use token is good for, and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenPurpose {
    /// Confirms a new address, before the user's identifier becomes it.
    ChangeIdentifier,
    /// Changes forgotten credentials. Never a session, never a factor.
    Recovery,
    /// Signs in whoever confirms the link of a mailed code, in the browser where it is confirmed: in place of the code,
    /// with [`continue_flow`](Auth::continue_flow). It comes with codes, and cannot be asked for.
    SignInLink,
    /// Proves that an address is its owner's.
    Verify,
}

impl TokenPurpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [
        Self::ChangeIdentifier,
        Self::Recovery,
        Self::SignInLink,
        Self::Verify,
    ];

    /// The stable text: in rows, events, and as the template of the message.
    pub const fn id(self) -> &'static str {
        match self {
            Self::ChangeIdentifier => "change_identifier",
            Self::Recovery => "recovery",
            Self::SignInLink => "sign_in_link",
            Self::Verify => "verify",
        }
    }

    /// The purpose with this text.
    pub fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.id() == id)
    }
}

/// What the holder of a good token may know of it.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// What it is good for.
    pub purpose: TokenPurpose,
    /// The provider name of the address.
    pub provider: String,
    /// The address that it is bound to, canonical.
    pub identifier: Vec<u8>,
    /// The user it concerns. For the program, not for the browser.
    pub user_id: UserId,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for TokenInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Identifiers are not logged.
        f.debug_struct("TokenInfo")
            .field("purpose", &self.purpose)
            .field("provider", &self.provider)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

impl Auth {
    /// What a token is good for, without consuming it: for the page that its link leads to. `Refused` for everything
    /// else, whatever the reason.
    ///
    /// # Errors
    /// `Unavailable`.
    #[doc = include_str!("../../doc/operations/peek_token.md")]
    pub async fn peek_token(&self, token: &[u8]) -> Result<Answer<TokenInfo>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let found = call.good_token(token, None).await?;
        Ok(found.map_or_else(
            |refused| refused,
            |good| Answer::of(Outcome::Accepted(good.info())),
        ))
    }
}

/// A token that is good, and its user.
pub(super) struct GoodToken {
    pub(super) token: Token,
    pub(super) user: User,
    pub(super) purpose: TokenPurpose,
}

impl GoodToken {
    pub(super) fn info(&self) -> TokenInfo {
        TokenInfo {
            purpose: self.purpose,
            provider: self.token.at.provider.clone(),
            identifier: self.token.at.canonical.clone(),
            user_id: self.user.id,
            expires_at: self.token.expires_at,
        }
    }

    /// A change that consumes it.
    pub(super) fn change(&self, steps: Vec<ChangeStep>, now: Timestamp) -> Change {
        Change {
            user_id: self.user.id,
            epoch: self.user.session_epoch,
            steps,
            ways_in: Vec::new(),
            bump: None,
            token: Some(TokenUse {
                id: self.token.id,
                secret_hash: self.token.secret_hash,
            }),
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: Post::default(),
            now,
        }
    }
}

impl Call<'_> {
    /// A token and its row. `owner`: the user, and the epoch that it is good under, if under one only.
    pub(super) fn draw_token(
        &self,
        purpose: TokenPurpose,
        at: ProviderId,
        owner: Option<(UserId, Option<i64>)>,
    ) -> Result<(SingleUseToken, Token)> {
        let random = &*self.context.random;
        let secret = SingleUseToken::draw(TokenId::generate(self.now, random)?, random)?;
        let token = Token {
            id: secret.id(),
            purpose: purpose.id().into(),
            secret_hash: secret.hash(),
            at,
            user_id: owner.map(|(user, _)| user),
            epoch: owner.and_then(|(_, epoch)| epoch),
            expires_at: self.now.plus(self.lifetime(purpose)),
            consumed_at: None,
        };
        Ok((secret, token))
    }

    fn lifetime(&self, purpose: TokenPurpose) -> Duration {
        let settings = &self.context.settings.tokens;
        match purpose {
            TokenPurpose::ChangeIdentifier => settings.change_identifier,
            TokenPurpose::Recovery => settings.recovery,
            // As long as the flow of the code beside it.
            TokenPurpose::SignInLink => FLOW_TTL,
            TokenPurpose::Verify => settings.verify,
        }
    }

    /// The token, if it is good and (where one is named) of this purpose; otherwise the one refusal for all of them.
    pub(super) async fn good_token<T>(
        &self,
        text: &[u8],
        purpose: Option<TokenPurpose>,
    ) -> Result<std::result::Result<GoodToken, Answer<T>>> {
        let Some(secret) = SingleUseToken::parse(text) else {
            return Ok(Err(self.denied("", None, "token_malformed")));
        };
        let found = self.store().token(secret.id(), secret.hash(), self.now).await?;
        let Some(token) = found.filter(|token| token.at.realm == self.realm) else {
            // Somebody is looked up all the same: a token that is unknown or spent takes as long as a disabled user's.
            self.store().user(self.context.double.of(None, text)).await?;
            return Ok(Err(self.denied("", None, "token_unknown")));
        };
        let refuse = |reason| Ok(Err(self.denied(&token.at.provider, token.user_id, reason)));
        let Some(user) = self.store().user(token.user_id.unwrap_or(UserId::NOBODY)).await? else {
            return refuse("token_unknown");
        };
        if user.disabled_at.is_some() {
            return refuse("disabled");
        }
        if token.epoch.is_some_and(|epoch| epoch != user.session_epoch) {
            return refuse("token_stale");
        }
        match TokenPurpose::of(&token.purpose) {
            Some(found) if purpose.is_none_or(|wanted| wanted == found) => Ok(Ok(GoodToken {
                token,
                user,
                purpose: found,
            })),
            _ => refuse("token_purpose"),
        }
    }

    /// An event about a token and its user.
    pub(super) fn emit_token(&self, name: EventName, good: &GoodToken) {
        self.emit(&Event {
            user_id: Some(good.user.id),
            provider: Some(good.token.at.provider.clone()),
            reason: Some(good.purpose.id().into()),
            ..self.event(name)
        });
    }
}
