//! The link of a mailed code: whoever reads the letter signs in where the link is confirmed, never where the code was asked
//! for. Nobody guesses it, so it works whatever is closed; and an owner whose browser is not known uses the letter that a
//! stranger caused.
//!
//! Its token has the id of the code's flow. Whichever of both is used first voids the other.

use super::call::Call;
use super::progress::{Aim, Progress};
use super::tokens::TokenPurpose;
use crate::clock::Timestamp;
use crate::delivery::{ENCLOSED, Enclosed};
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

/// A link that is about to be sent.
pub(super) struct Link {
    text: Secret,
    pub(super) token: Token,
}

impl Link {
    /// The link beside a message. It goes to the address that it is of, and to nobody else: what is withheld is written all
    /// the same, so that nobody's message takes as long to write as somebody's.
    pub(super) fn beside(&self, provider: &Provider, message: &Message) -> Enclosed<'_> {
        let canonical = provider.canonical(message.address.expose());
        let is_of = canonical.is_ok_and(|canonical| canonical.bytes == self.token.at.canonical);
        let by_its_channel = provider.address_channel() == Some(message.channel.as_str());
        Enclosed {
            link: &self.text,
            is_sent: is_of && by_its_channel && self.token.user_id.is_some(),
        }
    }
}

/// The parameters of a message, without what the link beside it takes the place of.
pub(super) fn params(message: &Message, enclosed: Option<&Enclosed<'_>>) -> Fields {
    let mut params = message.params.clone();
    let replaced = enclosed.is_some_and(|enclosed| enclosed.is_sent);
    params.0.retain(|(name, _)| !replaced || name != ENCLOSED);
    params
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
        let first = state.purpose() == Purpose::SignIn && state.proved()?.is_empty();
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
                epoch: owner.map(|_| state.course.epoch()),
                expires_at,
                consumed_at: None,
            },
        }))
    }

    /// The code of a flow was right: the link beside it is void, unless it was used before. Then this is false.
    pub(super) async fn void_link(&self, flow: FlowId, secret_hash: [u8; 32]) -> Result<bool> {
        let link = TokenUse {
            id: TokenId::from_bytes(*flow.as_bytes()),
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
            aim: Aim::SignIn,
            user_id: subject.user.id,
            epoch: subject.user.session_epoch,
            factors: factor.into_iter().collect(),
            show_once: Fields::default(),
            others: Vec::new(),
        };
        self.proceed(&provider.name, progress).await
    }
}
