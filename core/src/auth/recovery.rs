//! Recovery: credentials and identifiers changed with a token instead of a proof.
//!
//! A token changes what it is good for and nothing else. It makes no session and proves no factor: whoever recovered
//! signs in next, with the second factor that the policy asks for.

use super::Auth;
use super::call::Call;
use super::change::done;
use super::identities::check_given;
use super::sign_in::{malformed, unsupported};
use super::tokens::{GoodToken, TokenPurpose};
use crate::error::{Error, Result};
use crate::event::EventName;
use crate::id::{AuthenticatorId, UserId};
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Decision, Fields, IdentifierSource};
use crate::provider::Provider;
use crate::store::{AuthenticatorStatus, Bump, Change, ChangeStep, Changed, EndReason, Identity};

impl Auth {
    /// Replaces the credentials that a provider verifies, with a token of the purpose `recovery`. All sessions of the
    /// user end, and other recovery tokens are worth nothing any more. `Accepted` names the user: it is no sign-in.
    ///
    /// The token is consumed in the transaction of the change: new credentials that are refused leave it good.
    ///
    /// # Errors
    /// - `PolicyViolation`: all rules that the new credentials break; the token is as good as before.
    /// - `Conflict`: somebody else changed them at the same moment.
    /// - `Unsupported`: the provider's kind has no credentials that are replaced as one: a second factor, a passkey.
    pub async fn update_credentials_with_token(
        &self,
        token: &[u8],
        provider: &str,
        credentials: Fields,
    ) -> Result<Answer<UserId>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let provider = call.provider(provider)?;
        let declared = provider.kind.declaration();
        if !declared.can_start
            || !declared.keeps_records
            || declared.several_records
            || provider.source() != IdentifierSource::Given
        {
            return Err(unsupported(provider, "have its credentials recovered"));
        }
        match call.good_token(token, Some(TokenPurpose::Recovery)).await? {
            Ok(good) => call.recover(&good, provider, credentials).await,
            Err(refused) => Ok(refused),
        }
    }

    /// Replaces one identifier of a user by the address that a token of the purpose `change_identifier` was sent to,
    /// which is verified by that. `old` and `new` are as in [`update_identifier`](Self::update_identifier); `new` must
    /// be the address of the token. All sessions of the user end.
    ///
    /// # Errors
    /// - `Conflict`: `identifier` is somebody else's by now.
    /// - `NotFound`: the user has no such old identifier.
    pub async fn update_identifier_with_token(
        &self,
        token: &[u8],
        old: &[u8],
        new: &[u8],
    ) -> Result<Answer<UserId>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let good = match call
            .good_token(token, Some(TokenPurpose::ChangeIdentifier))
            .await?
        {
            Ok(good) => good,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(&good.token.at.provider)?;
        check_given(provider)?;
        let identity = match call.identity(provider, new, good.user.id) {
            Ok(identity) if identity.at == good.token.at => Identity {
                verified_at: Some(call.now),
                ..identity
            },
            Ok(_) => return Ok(call.denied(&provider.name, Some(good.user.id), "token_address")),
            Err(error) if malformed(&error) => {
                return Ok(call.denied(&provider.name, Some(good.user.id), "token_address"));
            }
            Err(error) => return Err(error),
        };
        let held = call.store().identities(good.user.id).await?;
        let steps = vec![
            ChangeStep::RemoveIdentity(provider.id(call.realm, &provider.canonical(old)?.bytes)),
            ChangeStep::AddIdentity(identity),
        ];
        let ways_in = call.context.providers.ways_in();
        let change = Change {
            ways_in,
            ..good.change(steps, call.now)
        };
        call.change_by_token(&good, provider, change, &held, EventName::IdentifierChanged)
            .await
    }
}

impl Call<'_> {
    async fn recover(
        &self,
        good: &GoodToken,
        provider: &Provider,
        credentials: Fields,
    ) -> Result<Answer<UserId>> {
        self.has_room(provider)?;
        let user = &good.user;
        let Some(subject) = self.store().subject_of(user.id, provider.group.clone()).await? else {
            return Ok(self.denied(&provider.name, Some(user.id), "token_unknown"));
        };
        // What is not there is not recovered: a token adds no way in. What was suspended stays so.
        let replaceable = subject.authenticators.iter().any(|held| {
            held.at.id == AuthenticatorId::SINGLE && held.status != AuthenticatorStatus::Suspended
        });
        let held = self.store().identities(user.id).await?;
        let named = held.iter().find(|identity| identity.at.provider == provider.name);
        let (true, Some(named)) = (replaceable, named) else {
            return Ok(self.denied(&provider.name, Some(user.id), "not_enrolled"));
        };
        // Enrolled anew: the old record may be one that nobody can open any more.
        let mut ask = self.verifier().blank(provider);
        ask.subject = Some(user.id);
        (ask.raw, ask.canonical) = (named.raw.clone(), named.at.canonical.clone());
        ask.display = String::from_utf8_lossy(&named.raw).into_owned();
        ask.credentials = credentials;
        let verdict = provider.ask(ask).await?;
        match verdict.decision {
            Decision::Accept => {}
            Decision::Continue => return Err(unsupported(provider, "recover credentials in several steps")),
            Decision::Deny | Decision::Resolve if !verdict.violations.is_empty() => {
                return Err(Error::policy(verdict.violations));
            }
            Decision::Deny | Decision::Resolve => {
                return Ok(self.denied(&provider.name, Some(user.id), verdict.denial.id()));
            }
        }
        let mut steps = verdict
            .records
            .iter()
            .map(|put| self.put(provider, &subject, put))
            .collect::<Result<Vec<_>>>()?;
        // The message was read: the address is its owner's. From now on, others that nobody proved recover nothing.
        steps.push(ChangeStep::VerifyIdentity(good.token.at.clone(), self.now));
        let change = Change {
            deliveries: self.messages(provider, &verdict, Some(user.id), false)?,
            ..good.change(steps, self.now)
        };
        self.change_by_token(good, provider, change, &held, EventName::CredentialsChanged)
            .await
    }

    /// The change that consumes the token, ends every session, and tells the user's addresses.
    async fn change_by_token(
        &self,
        good: &GoodToken,
        provider: &Provider,
        change: Change,
        held: &[Identity],
        event: EventName,
    ) -> Result<Answer<UserId>> {
        let user = good.user.id;
        let reason = EndReason::CredentialsChanged;
        let mut deliveries = change.deliveries;
        deliveries.extend(self.notices(event, provider, held, &change.steps)?);
        let change = Change {
            bump: Some(Bump { reason, keep: None }),
            deliveries,
            ..change
        };
        let changed = self.store().change(change).await?;
        let ended = match changed {
            Changed::Done { ended, .. } => ended,
            Changed::Spent => return Ok(self.denied(&provider.name, Some(user), "token_spent")),
            Changed::Stale => return Ok(self.denied(&provider.name, Some(user), "token_stale")),
            other => done(other)?.1,
        };
        self.context.drain.poke();
        self.emit_token(EventName::TokenConsumed, good);
        self.emit_provider(event, user, provider);
        self.emit_ended(user, reason.id(), ended);
        Ok(Answer::of(Outcome::Accepted(user)))
    }
}
