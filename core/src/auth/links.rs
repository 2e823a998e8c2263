//! The link of a mailed code: whoever reads the letter signs in where the link is confirmed, never where the code was asked
//! for. Nobody guesses it, so it works whatever is closed; and an owner whose browser is not known uses the letter that a
//! stranger caused.
//!
//! Its token has the id of the code's flow. Whichever of both is used first voids the other.

use super::call::Call;
use super::flows::Taken;
use super::progress::Progress;
use super::tokens::TokenPurpose;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventName;
use crate::flow::{FlowState, Purpose};
use crate::id::{FlowId, TokenId};
use crate::outcome::Answer;
use crate::plugin::{Fields, Message, Verdict};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::secret::Secret;
use crate::store::{Token, TokenUse};
use crate::token::SingleUseToken;
use crate::verification::{Bound, Verified};

/// The parameter of the messages that have it.
const PARAMETER: &str = "token";

/// A link that is about to be sent.
pub(super) struct Link {
    text: Secret,
    pub(super) token: Token,
}

impl Link {
    /// The parameters of a message, and the link among them.
    fn among(&self, params: &Fields) -> Fields {
        let mut params = params.clone();
        params.0.retain(|(name, _)| name != PARAMETER);
        params.0.push((PARAMETER.into(), self.text.clone()));
        params
    }
}

/// What goes into a message: the link, too, where it goes to the address that the link is of.
pub(super) fn with_link(provider: &Provider, message: &Message, link: Option<&Link>) -> Fields {
    let is_own = |link: &&Link| {
        let canonical = provider.canonical(message.address.expose());
        link.token.user_id.is_some()
            && provider.address_channel() == Some(message.channel.as_str())
            && canonical.is_ok_and(|canonical| canonical.bytes == link.token.at.canonical)
    };
    // Written for everybody, whether it is sent or not.
    let with = link.map(|link| link.among(&message.params));
    match with.filter(|_| link.is_some_and(|link| is_own(&link))) {
        Some(params) => params,
        None => message.params.clone(),
    }
}

impl Call<'_> {
    /// The link beside a code: for a first factor that is a message to the address that was named. Somebody's and nobody's
    /// is drawn and stored alike; nobody's is in no message, for there is nobody to sign in.
    pub(super) fn link(
        &self,
        provider: &Provider,
        verdict: &Verdict,
        state: &FlowState,
        (id, expires_at): (FlowId, Timestamp),
    ) -> Result<Option<Link>> {
        let named = state
            .identifier()?
            .filter(|named| named.provider == provider.name);
        let first = state.purpose == Purpose::SignIn && state.proved()?.is_empty();
        let (Some(named), true) = (named, first && provider.proves_by_message()) else {
            return Ok(None);
        };
        if verdict.messages.is_empty() || self.is_second_factor(provider) {
            return Ok(None);
        }
        let secret = SingleUseToken::draw(TokenId::from_bytes(*id.as_bytes()), &*self.context.random)?;
        let owner = state.user_id().filter(|_| !state.decoy);
        Ok(Some(Link {
            text: secret.text(),
            token: Token {
                id: secret.id(),
                purpose: TokenPurpose::SignInLink.id().into(),
                secret_hash: secret.hash(),
                at: provider.id(self.realm, &named.canonical),
                user_id: owner,
                epoch: owner.map(|_| state.epoch),
                expires_at,
                consumed_at: None,
            },
        }))
    }

    /// The code of a flow was right: the link beside it is void, unless it was used before. Then this is false.
    pub(super) async fn void_link(&self, taken: &Taken, secret_hash: [u8; 32]) -> Result<bool> {
        let link = TokenUse {
            id: TokenId::from_bytes(*taken.token.id.as_bytes()),
            secret_hash,
        };
        Ok(self.store().spend_link(link, self.now).await?)
    }

    /// A link was opened and confirmed: what a right code would be, in this browser. The code beside it is void.
    pub(super) async fn confirm_link(
        &self,
        text: &[u8],
        provider: Option<&str>,
        credentials: &Fields,
    ) -> Result<Answer<Proof>> {
        if self.request.is_some_and(crate::request::Request::is_safe) {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "a link is confirmed with a POST: scanners of mail and previews open links, too",
            ));
        }
        let good = match self.good_token(text, Some(TokenPurpose::SignInLink)).await? {
            Ok(good) => good,
            Err(refused) => return Ok(refused),
        };
        let at = &good.token.at;
        if !credentials.0.is_empty() || provider.is_some_and(|named| named != at.provider) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a link is the whole answer: nothing else is answered with it",
            ));
        }
        let refuse = |reason| Ok(self.denied(&at.provider, Some(good.user.id), reason));
        let Ok(provider) = self.provider(&at.provider) else {
            return refuse("token_unknown");
        };
        if !provider.proves_by_message() || self.is_second_factor(provider) {
            return refuse("token_unknown");
        }
        let bound = Bound {
            user: good.user.id,
            epoch: Some(good.user.session_epoch),
        };
        let verified = self.verifier().by_link(provider, &at.canonical, bound).await?;
        let (subject, factor) = match verified {
            Verified::Accepted { subject, factor, .. } => (subject, factor),
            Verified::Denied { reason, .. } => return refuse(reason),
            Verified::Continue { .. } | Verified::Unregistered { .. } => return refuse("token_unknown"),
        };
        let link = TokenUse {
            id: good.token.id,
            secret_hash: good.token.secret_hash,
        };
        if !self.store().spend_link(link, self.now).await? {
            return refuse("token_spent");
        }
        self.emit_token(EventName::TokenConsumed, &good);
        let progress = Progress {
            purpose: Purpose::SignIn,
            user_id: subject.user.id,
            epoch: subject.user.session_epoch,
            factors: factor.into_iter().collect(),
            keep: None,
            show_once: Fields::default(),
            others: Vec::new(),
        };
        self.proceed(&provider.name, progress).await
    }
}
