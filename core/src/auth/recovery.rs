//! Recovery: credentials and identifiers changed with a token instead of a proof.
//!
//! A token changes what it is good for and nothing else. It makes no session and proves no factor: whoever recovered
//! signs in next, with the second factor that the policy asks for.
//!
//! An account may have been prepared for whoever owns the address (Sudhodanan and Paverd, 2022): so recovery also takes
//! away the ways in that nobody proved. What goes and what stays is decided in `policy::Account::spoils`.

use super::Auth;
use super::call::Call;
use super::change::done;
use super::identities::check_given;
use super::named::malformed;
use super::sign_in::unsupported;
use super::tokens::{GoodToken, TokenPurpose};
use crate::config::FirstProof;
use crate::error::{Error, Result};
use crate::event::EventName;
use crate::id::{AuthenticatorId, UserId};
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Ask, Decision, Fields};
use crate::policy::{Account, Fault, Taking};
use crate::provider::Provider;
use crate::store::{AuthenticatorStatus, Bump, Change, ChangeStep, Changed, EndReason, Hash, Identity};
use crate::throttle::identity_hash;

impl Auth {
    /// Replaces the credentials that a provider verifies, with a token of the purpose `recovery`. All sessions of the
    /// user end, and other recovery tokens are worth nothing any more. `Accepted` names the user: it is no sign-in.
    ///
    /// The token is consumed in the transaction of the change: new credentials that are refused leave it good. Only the
    /// records of the group that the token names are replaced, and nothing of a second name. Unproved addresses, and
    /// identities, passkeys and keys at first names that no message proved go, too: they may be somebody else's
    /// (`recovery.keeps` loosens it). Where nobody had proved anything of the account, everything else goes. Second
    /// factors and other proved addresses stay. `Answer::took` and `Answer::kept` say what: show them.
    ///
    /// On a request it gives the browser a device cookie, so that throttling knows the owner at the sign-in that follows.
    ///
    /// # Errors
    /// - `PolicyViolation`: all rules that the new credentials break; the token is as good as before.
    /// - `Conflict`: somebody else changed them at the same moment.
    /// - `Unsupported`: the provider's kind has no credentials that are replaced as one: a second factor, a passkey.
    #[doc = include_str!("../../doc/operations/update_credentials_with_token.md")]
    pub async fn update_credentials_with_token(
        &self,
        token: &[u8],
        provider: &str,
        credentials: Fields,
    ) -> Result<Answer<UserId>> {
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        let any_group = call.planted(Fault::RecoveryAnyGroup);
        if !provider.is_recoverable() || call.is_second_factor(provider) && !any_group {
            return Err(unsupported(provider, "have its credentials recovered"));
        }
        match call.good_token(token, Some(TokenPurpose::Recovery)).await? {
            Ok(good) => call.recover(&good, provider, credentials).await,
            Err(refused) => Ok(refused),
        }
    }

    /// Replaces one identifier of a user by the address that a token of the purpose `change_identifier` was sent to,
    /// which is verified by that. `old_identifier` and `new_identifier` are as in [`update_identifier`](Self::update_identifier); `new_identifier` must
    /// be the address of the token. All sessions of the user end.
    ///
    /// # Errors
    /// - `Conflict`: `identifier` is somebody else's by now.
    /// - `NotFound`: the user has no such old identifier.
    #[doc = include_str!("../../doc/operations/update_identifier_with_token.md")]
    pub async fn update_identifier_with_token(
        &self,
        token: &[u8],
        old_identifier: &[u8],
        new_identifier: &[u8],
    ) -> Result<Answer<UserId>> {
        let call = match self.enter_by_person().await? {
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
        let identity = match call.identity(provider, new_identifier, good.user.id) {
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
            ChangeStep::RemoveIdentity(provider.id(call.realm, &provider.canonical(old_identifier)?.bytes)),
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

/// From now on the mailbox alone gives these credentials, until its owner changes them with more than that.
fn set_over(steps: &mut [ChangeStep], mailbox: Hash) {
    for step in steps {
        if let ChangeStep::ReplaceAuthenticator { new, .. } | ChangeStep::AddAuthenticator(new) = step {
            new.set_over = Some(mailbox);
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
        let refuse = |reason| Ok(self.denied(&provider.name, Some(user.id), reason));
        let Some(subject) = self.store().subject_of(user.id, provider.group.clone()).await? else {
            return refuse("token_unknown");
        };
        let account = self.account(user.id).await?;
        let Some(over) = account.over(&good.token.at) else {
            return refuse("token_unknown");
        };
        if !self.recovers(provider, &good.token.at.provider) {
            return refuse("token_group");
        }
        let taking = match self.taking(&account, &over, provider) {
            Ok(taking) => taking,
            Err(reason) => return refuse(reason),
        };
        let single = subject
            .authenticators
            .iter()
            .find(|held| held.at.id == AuthenticatorId::SINGLE);
        // What is not there is not recovered: a token adds no way in, but to an account that was handed over and has none.
        // What was suspended stays so.
        let replaceable = match single {
            Some(held) => held.status != AuthenticatorStatus::Suspended,
            None => account.authenticators.is_empty() && account.ways_in().is_empty(),
        };
        let named = account
            .identities
            .iter()
            .find(|identity| identity.at.provider == provider.name);
        let (true, Some(named)) = (replaceable, named) else {
            return refuse("not_enrolled");
        };
        // Enrolled anew: the old record may be one that nobody can open any more.
        let ask = Ask {
            display: String::from_utf8_lossy(&named.raw).into_owned(),
            ..self.enrolling(provider, user, named, credentials)
        };
        let verdict = provider.ask(ask).await?;
        match verdict.decision {
            Decision::Accept => {}
            Decision::Continue => return Err(unsupported(provider, "recover credentials in several steps")),
            Decision::Deny | Decision::Resolve if !verdict.violations.is_empty() => {
                return Err(Error::policy(verdict.violations));
            }
            Decision::Deny | Decision::Resolve => return refuse(verdict.denial.id()),
        }
        let mut steps = verdict
            .records
            .iter()
            .map(|put| self.put(provider, &subject, put))
            .collect::<Result<Vec<_>>>()?;
        set_over(&mut steps, over);
        let spoils = account.spoils(&good.token.at, taking);
        steps.extend(spoils.steps());
        // The message was read: the address is its owner's. From now on, others that nobody proved recover nothing.
        steps.push(ChangeStep::VerifyIdentity(good.token.at.clone(), self.now));
        let change = Change {
            letters: self.limited_messages(provider, &verdict, user.id)?,
            ..good.change(steps, self.now)
        };
        let mut answer = self
            .change_by_token(good, provider, change, EventName::CredentialsChanged)
            .await?;
        if matches!(answer.outcome, Outcome::Accepted(_)) {
            self.forgive_group(provider, &account).await?;
            self.tell_spoils(&mut answer, user.id, &spoils, "recovered");
        }
        Ok(answer)
    }

    /// Forgets what was counted against the identifiers whose credentials are new.
    async fn forgive_group(&self, provider: &Provider, account: &Account<'_>) -> Result<()> {
        let replaced = account.identities.iter().filter(|identity| {
            let named = self.provider(&identity.at.provider);
            named.is_ok_and(|named| named.group == provider.group)
        });
        let hashes =
            replaced.map(|identity| identity_hash(self.realm, &identity.at.provider, &identity.at.canonical));
        self.forgive(hashes).await
    }

    /// True when a token of the name `asked` may replace the credentials of this provider: of its own group, or, where
    /// its name has none that are recovered, of any group of a first name.
    fn recovers(&self, provider: &Provider, asked: &str) -> bool {
        let Ok(asked) = self.provider(asked) else {
            return false;
        };
        if self.planted(Fault::RecoveryAnyGroup) {
            return true;
        }
        (!self.is_second_factor(asked) || self.planted(Fault::SecondsRecover))
            && (!asked.is_recoverable() || asked.group == provider.group)
    }

    /// What recovery over an address takes; or why it recovers nothing.
    fn taking<'s>(
        &'s self,
        account: &Account<'_>,
        over: &Hash,
        provider: &'s Provider,
    ) -> std::result::Result<Taking<'s>, &'static str> {
        let settings = &self.context.settings.recovery;
        let unproved = self.planted(Fault::UnprovedRecovers);
        if account.is_proved(over) || unproved {
            let (group, keeps) = (provider.group.as_str(), settings.keeps.as_slice());
            return Ok(Taking::Recovery { group, keeps });
        }
        if account.is_established() || settings.first_proof == FirstProof::Refuse {
            return Err("address_unproved");
        }
        let group = Some(provider.group.as_str());
        Ok(Taking::NewOwner { group })
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
