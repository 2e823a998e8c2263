//! Recovery: credentials and identifiers changed with a token instead of a proof.
//!
//! A token changes what it is good for and nothing else. It makes no session and proves no factor: whoever recovered
//! signs in next, with the second factor that the policy asks for.
//!
//! An account may have been prepared for whoever owns the address (Sudhodanan and Paverd, 2022): so recovery also takes
//! away the ways in that somebody added before the address was proved.

use super::Auth;
use super::call::Call;
use super::change::done;
use super::identities::check_given;
use super::sign_in::{malformed, unsupported};
use super::tokens::{GoodToken, TokenPurpose};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::event::{Event, EventName};
use crate::id::{AuthenticatorId, UserId};
use crate::identifier::ProviderId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Decision, Fields, IdentifierSource};
use crate::provider::Provider;
use crate::store::{
    AuthenticatorAt, AuthenticatorStatus, Bump, Change, ChangeStep, Changed, EndReason, Identity,
};
use crate::throttle::identity_hash;

impl Auth {
    /// Replaces the credentials that a provider verifies, with a token of the purpose `recovery`. All sessions of the
    /// user end, and other recovery tokens are worth nothing any more. `Accepted` names the user: it is no sign-in.
    ///
    /// The token is consumed in the transaction of the change: new credentials that are refused leave it good. Other
    /// identities, passkeys and keys that were added before the token's address was verified go, too: they may be
    /// somebody else's. Second factors stay.
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
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
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
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
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
        let steps = vec![
            ChangeStep::RemoveIdentity(provider.id(call.realm, &provider.canonical(old)?.bytes)),
            ChangeStep::AddIdentity(identity),
        ];
        let ways_in = call.context.providers.ways_in();
        let change = Change {
            ways_in,
            ..good.change(steps, call.now)
        };
        call.change_by_token(&good, provider, change, EventName::IdentifierChanged)
            .await
    }
}

/// A way in that goes with a recovery.
enum Planted {
    Authenticator(AuthenticatorAt),
    Identity(ProviderId),
}

impl Planted {
    const fn event(&self) -> EventName {
        match self {
            Self::Authenticator(_) => EventName::AuthenticatorRemoved,
            Self::Identity(_) => EventName::IdentityUnlinked,
        }
    }

    /// The provider name, for the event.
    fn provider(&self, call: &Call<'_>) -> Option<String> {
        match self {
            Self::Identity(at) => Some(at.provider.clone()),
            Self::Authenticator(at) => {
                let mut all = call.context.providers.iter();
                all.find(|provider| provider.group == at.group)
                    .map(|provider| provider.name.clone())
            }
        }
    }

    fn step(self) -> ChangeStep {
        match self {
            Self::Authenticator(at) => ChangeStep::RemoveAuthenticator(at),
            Self::Identity(at) => ChangeStep::RemoveIdentity(at),
        }
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
        let planted = self.planted(good, provider, &held).await?;
        let taken: Vec<_> = planted
            .iter()
            .map(|one| (one.event(), one.provider(self)))
            .collect();
        steps.extend(planted.into_iter().map(Planted::step));
        // The message was read: the address is its owner's. From now on, others that nobody proved recover nothing.
        steps.push(ChangeStep::VerifyIdentity(good.token.at.clone(), self.now));
        let change = Change {
            deliveries: self.messages(provider, &verdict, Some(user.id), false)?,
            ..good.change(steps, self.now)
        };
        let answer = self
            .change_by_token(good, provider, change, EventName::CredentialsChanged)
            .await?;
        if matches!(answer.outcome, Outcome::Accepted(_)) {
            let replaced = held.iter().filter(|identity| {
                let named = self.provider(&identity.at.provider);
                named.is_ok_and(|named| named.group == provider.group)
            });
            self.forgive(
                replaced
                    .map(|identity| identity_hash(self.realm, &identity.at.provider, &identity.at.canonical)),
            )
            .await?;
            for (event, provider) in taken {
                self.emit(&Event {
                    user_id: Some(user.id),
                    provider,
                    reason: Some("recovered".into()),
                    ..self.event(event)
                });
            }
        }
        Ok(answer)
    }

    /// The ways in that were there before the token's address was proved, besides the credentials that are replaced
    /// now: whoever added them may not be whoever recovers. Second factors stay, or recovery would be a way around them.
    async fn planted(
        &self,
        good: &GoodToken,
        provider: &Provider,
        held: &[Identity],
    ) -> Result<Vec<Planted>> {
        let proved_at = held
            .iter()
            .find(|identity| identity.at == good.token.at)
            .and_then(|identity| identity.verified_at);
        let before = |added: Timestamp| proved_at.is_none_or(|proved| added < proved);
        let named = |name: &str| self.context.providers.iter().find(|other| other.name == name);
        // A name whose password is replaced, and at which no token can be asked for, leads nowhere.
        let harmless = |identity: &Identity| {
            identity.at == good.token.at
                || named(&identity.at.provider).is_some_and(|other| {
                    other.group == provider.group
                        && other.kind.declaration().keeps_records
                        && other.channel.is_none()
                })
        };
        let identities = held
            .iter()
            .filter(|identity| before(identity.created_at) && !harmless(identity))
            .map(|identity| Planted::Identity(identity.at.clone()));
        let by_handle = |group: &str| {
            let mut of_group = self.context.providers.iter().filter(|other| other.group == group);
            of_group.any(|other| other.finds_by_handle() && !self.is_second_factor(other))
        };
        let authenticators = self.store().authenticators(good.user.id).await?;
        let authenticators = authenticators
            .into_iter()
            .filter(|one| before(one.created_at) && by_handle(&one.at.group))
            .map(|one| Planted::Authenticator(one.at));
        Ok(identities.chain(authenticators).collect())
    }

    /// The change that consumes the token, ends every session, and tells the user's addresses.
    async fn change_by_token(
        &self,
        good: &GoodToken,
        provider: &Provider,
        change: Change,
        event: EventName,
    ) -> Result<Answer<UserId>> {
        let user = good.user.id;
        let reason = EndReason::CredentialsChanged;
        let change = Change {
            bump: Some(Bump { reason, keep: None }),
            ..change
        };
        let changed = self.commit(&provider.name, change).await?;
        let (epoch, ended) = match changed {
            Changed::Done { epoch, ended } => (epoch, ended),
            Changed::Spent => return Ok(self.denied(&provider.name, Some(user), "token_spent")),
            Changed::Stale => return Ok(self.denied(&provider.name, Some(user), "token_stale")),
            other => done(other)?,
        };
        self.emit_token(EventName::TokenConsumed, good);
        self.emit_provider(event, user, provider);
        self.emit_ended(user, reason.id(), ended);
        let mut answer = Answer::of(Outcome::Accepted(user));
        // Else whoever recovers while somebody guesses has new credentials and no way to give them.
        self.remember_device(&mut answer.headers, user, epoch)?;
        Ok(answer)
    }
}
