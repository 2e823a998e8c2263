//! Credentials: what a user signs in with, replaced with a fresh proof; and what may be used to sign in.

use super::Auth;
use super::call::Call;
use super::change::Asked;
use super::sign_in::unsupported;
use crate::error::Result;
use crate::event::EventName;
use crate::factor::Factor;
use crate::flow::{Method, MethodAction};
use crate::id::UserId;
use crate::outcome::Answer;
use crate::plugin::{Decision, Fields, Operation};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::store::{EndReason, Subject};

impl Auth {
    /// Replaces the credentials that a provider verifies, or adds the first ones. Other sessions end.
    ///
    /// Where the user has a password, `credentials` may have the `current` one beside the new one. It must be there where
    /// the proof has not proved that very password within `policy.step_up_max_age`, and always by
    /// `policy.current_password = "always"` (ASVS 5.0 6.2.3). A wrong one is `Refused`, and counts as at a sign-in.
    ///
    /// # Errors
    /// - `ProofRequired`: the proof is not fresh, or the user was changed since; of `current`: give the current password.
    /// - `PolicyViolation`: all rules that the new credentials break.
    /// - `Conflict`: somebody else changed them at the same moment.
    #[doc = include_str!("../../doc/operations/update_credentials.md")]
    pub async fn update_credentials(
        &self,
        proof: &Proof,
        provider: &str,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        call.sensitive(proof).await?;
        let subject = call.subject(proof, provider).await?;
        let mut credentials = credentials;
        if let Some(answer) = call.current(provider, &subject, proof, &mut credentials).await? {
            return Ok(answer);
        }
        // A record that was verified may have been written anew.
        let subject = call.subject(proof, provider).await?;
        call.update(provider, &subject, proof, credentials).await
    }

    /// What can be used to sign in (without a user), or what this user has to prove a factor with.
    ///
    /// # Errors
    /// `NotFound` when there is no such user in this realm.
    #[doc = include_str!("../../doc/operations/list_methods.md")]
    pub async fn list_methods(&self, user: Option<UserId>) -> Result<Vec<Method>> {
        let call = self.enter().await?;
        let verify = |provider: &Provider| {
            provider.next(MethodAction::Verify, Operation::Verify, 0, Fields::default())
        };
        let Some(user) = user else {
            return Ok(call.context.providers.starting().map(verify).collect());
        };
        call.user(user).await?;
        let account = call.account(user).await?;
        let methods = account.methods();
        Ok(call
            .context
            .providers
            .iter()
            .filter(|provider| {
                let mut by_factor = methods.iter().filter(|method| method.name == provider.name);
                by_factor.any(|method| method.usable)
                    // One that proves no factor, such as a key, is listed where it opens the account.
                    || (provider.kind.declaration().class.is_none() && account.is_way_in(provider))
            })
            .map(verify)
            .collect())
    }
}

impl Call<'_> {
    async fn update(
        &self,
        provider: &Provider,
        subject: &Subject,
        proof: &Proof,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let mut ask = self.verifier().blank(provider);
        ask.subject = Some(subject.user.id);
        ask.known = self.verifier().own_browser(&subject.user);
        let identities = self.store().identities(subject.user.id).await?;
        if let Some(identity) = identities
            .iter()
            .find(|identity| identity.at.provider == provider.name)
        {
            (ask.raw, ask.canonical) = (identity.raw.clone(), identity.at.canonical.clone());
        }
        ask.records = self.verifier().open_records(provider, subject)?;
        let adds = ask.records.is_empty();
        let has = !adds && provider.kind.declaration().has(Operation::Update);
        if has {
            (ask.operation, ask.purpose) = (Operation::Update, Operation::Update);
            ask.new_credentials = credentials;
        } else {
            ask.credentials = credentials;
        }
        let verdict = provider.ask(ask).await?;
        match verdict.decision {
            Decision::Accept => {
                let steps = verdict
                    .records
                    .iter()
                    .map(|put| self.put(provider, subject, put))
                    .collect::<Result<Vec<_>>>()?;
                let (reason, event) = if adds {
                    (EndReason::FactorChanged, EventName::AuthenticatorAdded)
                } else {
                    (EndReason::CredentialsChanged, EventName::CredentialsChanged)
                };
                let asked = Asked {
                    steps,
                    letters: self.limited_messages(provider, &verdict, subject.user.id)?,
                    ..Asked::default()
                };
                let mut answer = self
                    .change_and_tell(proof, provider, asked, reason, event)
                    .await?;
                if adds {
                    // Whoever enrolls a factor holds it, as at the end of an enrollment.
                    let factors = Factor::united(proof.factors(), provider.factor(self.now).as_slice());
                    answer.outcome = answer.outcome.map(|renewed| renewed.with_factors(factors));
                }
                answer.show_once = verdict.show_once;
                Ok(answer)
            }
            Decision::Continue => Err(unsupported(provider, "update credentials in several steps")),
            Decision::Deny | Decision::Resolve => self.not_enrolled(provider, verdict),
        }
    }
}
