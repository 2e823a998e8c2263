//! Identities: the provider ids of a user, bound and taken with a fresh proof.

use super::Auth;
use super::call::Call;
use super::change::Asked;
use super::sign_in::unsupported;
use crate::error::Result;
use crate::event::EventName;
use crate::factor::Factor;
use crate::id::UserId;
use crate::outcome::Answer;
use crate::plugin::{Decision, Fields, IdentifierSource};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::store::{ChangeStep, EndReason, Identity};

/// One identity as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityInfo {
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
    /// # Errors
    /// `ProofRequired`, `Conflict` (`identifier` is taken), `InvalidArgument`; `PolicyViolation`: what the credentials
    /// or the identifier break, `address_on_both_sides`, or, at a second name, `address_unproved`: the user has an address
    /// that nobody has proved. Prove it first.
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
        let mut steps = vec![ChangeStep::AddIdentity(identity.clone())];
        let mut messages = Vec::new();
        if !call.has_authenticator(provider, &subject) {
            let mut ask = call.verifier().blank(provider);
            (ask.subject, ask.raw, ask.canonical) = (
                Some(subject.user.id),
                identity.raw.clone(),
                identity.at.canonical.clone(),
            );
            ask.known = call.verifier().own_browser(&subject.user);
            ask.credentials = credentials;
            let verdict = provider.ask(ask).await?;
            if verdict.decision != Decision::Accept {
                return call.not_enrolled(provider, verdict);
            }
            for put in &verdict.records {
                steps.push(call.put(provider, &subject, put)?);
            }
            messages = call.limited_messages(provider, &verdict, subject.user.id).await?;
        }
        let enrolled = steps.len() > 1;
        let asked = Asked {
            steps,
            charges,
            deliveries: messages,
        };
        let reason = EndReason::FactorChanged;
        let mut answer = call
            .change_and_tell(proof, provider, asked, reason, EventName::IdentityLinked)
            .await?;
        if enrolled {
            // Whoever enrols a factor holds it, as at the end of an enrolment.
            let factors = Factor::united(proof.factors(), provider.factor(call.now).as_slice());
            answer.outcome = answer.outcome.map(|renewed| renewed.with_factors(factors));
        }
        Ok(answer)
    }

    /// Takes a provider id from the proof's user. Other sessions end.
    ///
    /// # Errors
    /// `ProofRequired`, `NotFound`, `LastWayIn`.
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
    /// # Errors
    /// `ProofRequired`, `NotFound` (no such identity of this user), `Conflict` (`identifier` is taken),
    /// `InvalidArgument`.
    pub async fn update_identifier(
        &self,
        proof: &Proof,
        provider: &str,
        old: &[u8],
        new: &[u8],
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        check_given(provider)?;
        call.sensitive(proof).await?;
        let charges = match call.change_charges(proof.user_id()).await? {
            Ok(charges) => charges,
            Err(wait) => return Ok(call.throttled(Some(&provider.name), wait)),
        };
        let steps = vec![
            ChangeStep::RemoveIdentity(provider.id(call.realm, &provider.canonical(old)?.bytes)),
            ChangeStep::AddIdentity(call.identity(provider, new, proof.user_id())?),
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
    pub async fn list_identities(&self, user: UserId) -> Result<Vec<IdentityInfo>> {
        let call = self.enter().await?;
        call.user(user).await?;
        let identities = call.store().identities(user).await?;
        Ok(identities
            .into_iter()
            .map(|identity| IdentityInfo {
                provider: identity.at.provider,
                identifier: identity.raw,
                verified_at: identity.verified_at,
                created_at: identity.created_at,
            })
            .collect())
    }
}

impl Call<'_> {
    /// An identity to bind, by the rules of its provider.
    pub(super) fn identity(&self, provider: &Provider, raw: &[u8], user_id: UserId) -> Result<Identity> {
        let canonical = provider.canonical(raw)?;
        Ok(Identity {
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
        "be linked by a given identifier: begin a link instead, or enrol an authenticator",
    ))
}
