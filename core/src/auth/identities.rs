//! Identities: the provider ids of a user, bound and taken with a fresh proof.

use super::Auth;
use super::call::Call;
use super::change::{Asked, done};
use super::sign_in::unsupported;
use crate::error::Result;
use crate::event::EventName;
use crate::factor::Factor;
use crate::id::UserId;
use crate::identifier::ProviderId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Decision, Fields, IdentifierSource};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::store::{ChangeStep, Changed, EndReason, Identity as StoredIdentity, Post};

/// One identity as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider name.
    pub provider: String,
    /// The identifier as it was given.
    pub identifier: Vec<u8>,
    /// When its owner proved it; `None`: unverified, so it grants nothing by itself.
    pub verified_at: Option<crate::Timestamp>,
    /// When it was bound.
    pub created_at: crate::Timestamp,
}

impl Auth {
    /// Binds another provider id to the proof's user. `credentials` are enrolled where the provider's group has none.
    ///
    /// An address (`provider.NAME.channel`) is asked first whose it is: a message with a token of the purpose `verify` goes
    /// there, and [`consume_token`](Self::consume_token) on a session or with a proof of this user binds it. Until then
    /// nothing has changed but the credentials. Whether somebody has the address is not told: then its owner gets a
    /// message instead, `address_in_use`. On a [`trusted`](Self::trusted) handle, on no request, it is bound at once and
    /// unproved. An identifier that is no address is bound at once: what is taken is told, ten times and then once in five
    /// minutes for each user (`throttle.change`).
    ///
    /// # Errors
    /// `ProofRequired`, `Conflict` (`identifier` is taken), `InvalidArgument`; `PolicyViolation`: what the credentials
    /// or the identifier break, `address_on_both_sides`, or, at a second name, `address_unproved`: the user has an address
    /// that nobody has proved. Prove it first.
    #[doc = include_str!("../../doc/operations/link_identity.md")]
    pub async fn link_identity(
        &self,
        proof: &Proof,
        provider: &str,
        identifier: &[u8],
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        check_given(provider)?;
        call.may_add(proof, provider).await?;
        let charges = match call.change_charges(proof.user_id()).await? {
            Ok(charges) => charges,
            Err(wait) => return Ok(call.throttled(Some(&provider.name), wait)),
        };
        let subject = call.subject(proof, provider).await?;
        let identity = call.identity(provider, identifier, proof.user_id())?;
        let asks = match self.asks(&call, provider) {
            Some(channel) if !call.is_own(proof, &identity.at).await? => Some(channel),
            _ => None,
        };
        let mut steps = Vec::new();
        if asks.is_none() {
            steps.push(ChangeStep::AddIdentity(identity.clone()));
        }
        let told = steps.len();
        let mut letters = Post::default();
        if !call.has_authenticator(provider, &subject) {
            let ask = call.enrolling(provider, &subject.user, &identity, credentials);
            let verdict = provider.ask(ask).await?;
            if verdict.decision != Decision::Accept {
                return call.not_enrolled(provider, verdict);
            }
            for put in &verdict.records {
                steps.push(call.put(provider, &subject, put)?);
            }
            letters = call.limited_messages(provider, &verdict, subject.user.id)?;
        }
        let enrolled = steps.len() > told;
        let mut asked = Asked {
            steps,
            charges,
            letters,
        };
        let (reason, event) = match asks {
            None => (EndReason::FactorChanged, EventName::IdentityLinked),
            Some(_) => (EndReason::FactorChanged, EventName::AuthenticatorAdded),
        };
        let mut answer = if asks.is_some() && !enrolled {
            Answer::of(Outcome::Accepted(call.again(proof)))
        } else {
            let asked = std::mem::take(&mut asked);
            call.change_and_tell(proof, provider, asked, reason, event)
                .await?
        };
        if enrolled {
            // Whoever enrolls a factor holds it, as at the end of an enrollment.
            let factors = Factor::united(proof.factors(), provider.factor(call.now).as_slice());
            answer.outcome = answer.outcome.map(|renewed| renewed.with_factors(factors));
        }
        if let (Some(channel), Outcome::Accepted(renewed)) = (asks, &answer.outcome) {
            let charges = asked.charges;
            let sent = call
                .request_link(provider, channel, renewed, &identity, charges)
                .await?;
            if let Outcome::Throttled(wait) = sent.outcome {
                return Ok(call.throttled(Some(&provider.name), wait));
            }
        }
        Ok(answer)
    }

    /// Takes a provider id from the proof's user. Other sessions end.
    ///
    /// # Errors
    /// `ProofRequired`, `NotFound`, `LastWayIn`.
    #[doc = include_str!("../../doc/operations/unlink_identity.md")]
    pub async fn unlink_identity(
        &self,
        proof: &Proof,
        provider: &str,
        identifier: &[u8],
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        call.sensitive(proof).await?;
        let at = provider.id(call.realm, &provider.canonical(identifier)?.bytes);
        let steps = vec![ChangeStep::RemoveIdentity(at)];
        call.change(
            proof,
            provider,
            steps,
            EndReason::FactorChanged,
            EventName::IdentityUnlinked,
        )
        .await
    }

    /// Replaces one identifier of the proof's user by another of the same provider. Other sessions end.
    ///
    /// A new address (`provider.NAME.channel`) is asked first whose it is, as by
    /// [`request_token`](Self::request_token) for [`ChangeIdentifier`](crate::TokenPurpose::ChangeIdentifier):
    /// [`update_identifier_with_token`](Self::update_identifier_with_token) makes the change, and until then nothing has
    /// changed. Whether somebody has the address is not told: then its owner gets a message instead, `address_in_use`. On
    /// a [`trusted`](Self::trusted) handle, on no request, it is changed at once and unproved. An identifier that is no
    /// address is changed at once: what is taken is told, ten times and then once in five minutes for each user
    /// (`throttle.change`).
    ///
    /// # Errors
    /// `ProofRequired`, `NotFound` (no such identity of this user), `Conflict` (`identifier` is taken),
    /// `InvalidArgument`.
    #[doc = include_str!("../../doc/operations/update_identifier.md")]
    pub async fn update_identifier(
        &self,
        proof: &Proof,
        provider: &str,
        old_identifier: &[u8],
        new_identifier: &[u8],
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        check_given(provider)?;
        call.sensitive(proof).await?;
        if let Some(channel) = self.asks(&call, provider)
            && let new_at = provider.id(call.realm, &provider.canonical(new_identifier)?.bytes)
            && !call.is_own(proof, &new_at).await?
        {
            let old = provider.id(call.realm, &provider.canonical(old_identifier)?.bytes);
            if !call.is_own(proof, &old).await? {
                done(Changed::Absent)?;
            }
            let answer = call
                .request_change(provider, channel, new_identifier, Some(proof))
                .await?;
            return Ok(Answer {
                headers: answer.headers,
                ..Answer::of(answer.outcome.map(|()| call.again(proof)))
            });
        }
        let charges = match call.change_charges(proof.user_id()).await? {
            Ok(charges) => charges,
            Err(wait) => return Ok(call.throttled(Some(&provider.name), wait)),
        };
        let steps = vec![
            ChangeStep::RemoveIdentity(provider.id(call.realm, &provider.canonical(old_identifier)?.bytes)),
            ChangeStep::AddIdentity(call.identity(provider, new_identifier, proof.user_id())?),
        ];
        let asked = Asked {
            steps,
            charges,
            ..Asked::default()
        };
        let reason = EndReason::CredentialsChanged;
        call.change_and_tell(proof, provider, asked, reason, EventName::IdentifierChanged)
            .await
    }

    /// The provider ids of a user.
    ///
    /// # Errors
    /// `NotFound` when there is no such user in this realm.
    #[doc = include_str!("../../doc/operations/list_identities.md")]
    pub async fn list_identities(&self, user: UserId) -> Result<Vec<Identity>> {
        let call = self.enter().await?;
        call.user(user).await?;
        let identities = call.store().identities(user).await?;
        Ok(identities
            .into_iter()
            .map(|identity| Identity {
                provider: identity.at.provider,
                identifier: identity.raw,
                verified_at: identity.verified_at,
                created_at: identity.created_at,
            })
            .collect())
    }
}

impl Auth {
    /// How an address of this name is asked whose it is, before anything is bound to it. Not where the program itself
    /// wants it, on a trusted handle and no request: it may know who exists.
    fn asks<'p>(&self, call: &Call<'_>, provider: &'p Provider) -> Option<&'p str> {
        if self.trusted && call.request.is_none() {
            return None;
        }
        provider.channel.as_deref()
    }
}

impl Call<'_> {
    /// True when the proof's user has this identity.
    async fn is_own(&self, proof: &Proof, at: &ProviderId) -> Result<bool> {
        let account = self.account_of(proof).await?;
        Ok(account.identities.iter().any(|one| one.at == *at))
    }

    /// A proof of what the given one says, for the answer of an operation that changed nothing.
    fn again(&self, proof: &Proof) -> Proof {
        let factors = proof.factors().to_vec();
        self.proof(proof.user_id(), proof.epoch(), factors, proof.origin())
    }

    /// An identity to bind, by the rules of its provider.
    pub(super) fn identity(
        &self,
        provider: &Provider,
        raw: &[u8],
        user_id: UserId,
    ) -> Result<StoredIdentity> {
        let canonical = provider.canonical(raw)?;
        Ok(StoredIdentity {
            at: provider.id(self.realm, &canonical.bytes),
            raw: provider.typed(raw).to_vec(),
            rule: canonical.rule.into(),
            rule_version: canonical.rule_version,
            user_id,
            verified_at: None,
            created_at: self.now,
            last_used_at: None,
            reach: Vec::new(),
            vouched: false,
        })
    }

    /// A name that the person knows the account by: the identifier of its first identity.
    pub(super) async fn display(&self, user: UserId) -> Result<String> {
        let identities = self.store().identities(user).await?;
        Ok(identities
            .first()
            .map(|first| String::from_utf8_lossy(&first.raw).into_owned())
            .unwrap_or_default())
    }
}

/// Refuses a provider whose identifiers only its kind can vouch for: bound as given, whoever they belong to there
/// would be signed in to somebody else's account.
pub(super) fn check_given(provider: &Provider) -> Result<()> {
    if provider.source() == IdentifierSource::Given && provider.kind.declaration().keeps_records {
        return Ok(());
    }
    Err(unsupported(
        provider,
        "be linked by a given identifier: begin a link instead, or enroll an authenticator",
    ))
}
