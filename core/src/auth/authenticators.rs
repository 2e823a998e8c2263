//! Authenticators: enrolled, named and removed with a fresh proof.

use super::Auth;
use super::call::Call;
use super::change::done;
use super::sign_up::NewUserOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventName;
use crate::factor::Factor;
use crate::flow::{Course, FlowState, Holder, PendingOperation, Purpose};
use crate::id::{AuthenticatorId, UserId};
use crate::outcome::{Answer, WayInfo};
use crate::plugin::{Decision, Fields, Verdict};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::store::{AuthenticatorAt, Bump, Change, ChangeStep, EndReason, Post, Subject, User};

/// One authenticator as its owner sees it: no record, no handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// Its id.
    pub id: AuthenticatorId,
    /// The credentials group it belongs to.
    pub group: String,
    /// The kind that wrote it.
    pub kind: String,
    /// What its owner calls it.
    pub label: String,
    /// What its kind shows of it, a JSON object of at most 8192 bytes, such as `{"left":3,"total":10}` of recovery codes;
    /// `{}`: nothing. No secret is in it. Default: `{}`.
    pub description: String,
    /// When it was added.
    pub created_at: crate::Timestamp,
    /// When it was last used; coarse.
    pub last_used_at: Option<crate::Timestamp>,
}

impl Auth {
    /// Begins to enroll: a further authenticator of the proof's user, or, without a proof, a new user whose kind
    /// asks for a step before it takes credentials.
    ///
    /// # Errors
    /// - `ProofRequired`: the proof is not fresh.
    /// - `Conflict`: the user has an authenticator of this provider and may have only one.
    /// - `PolicyViolation`, `address_unproved`: a second factor beside an address of the user that nobody has proved. Prove
    ///   it first ([`request_token`](Self::request_token), [`consume_token`](Self::consume_token)). An enrollment that
    ///   `policy.require` asks for inside a sign-in is not refused: before it there is no session to prove anything in.
    /// - `InvalidArgument`, `Unavailable`, `Overloaded`, `Timeout` as elsewhere.
    #[doc = include_str!("../../doc/operations/begin_enrollment.md")]
    pub async fn begin_enrollment(
        &self,
        provider: &str,
        identifier: Option<&[u8]>,
        proof: Option<&Proof>,
    ) -> Result<Answer<Proof>> {
        let Some(proof) = proof else {
            let identifier = identifier.unwrap_or_default();
            return self
                .create_user(provider, identifier, Fields::default(), NewUserOptions::default())
                .await;
        };
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        call.may_add(proof, provider).await?;
        let subject = call.subject(proof, provider).await?;
        let declared = provider.kind.declaration();
        if !declared.several_records && call.has_authenticator(provider, &subject) {
            return Err(Error::conflict(
                "authenticator",
                format!(
                    "the user has an authenticator of `{}`: update its credentials instead",
                    provider.name
                ),
            ));
        }
        call.enroll(provider, &subject, proof).await
    }

    /// The authenticators of a user: what there is, and what each kind shows of it. A kind that cannot describe one, or
    /// takes longer than a second, takes nothing from the list: the description is `{}` then.
    ///
    /// # Errors
    /// `NotFound` when there is no such user in this realm.
    #[doc = include_str!("../../doc/operations/list_authenticators.md")]
    pub async fn list_authenticators(&self, user: UserId) -> Result<Vec<Authenticator>> {
        let call = self.enter().await?;
        call.user(user).await?;
        let held = call.store().authenticators(user).await?;
        let mut listed = Vec::with_capacity(held.len());
        for held in held {
            let mut providers = call.context.providers.iter();
            let describing = providers.find(|provider| {
                let kind = provider.kind.declaration();
                provider.group == held.at.group && kind.name == held.kind && kind.describes
            });
            let description = match describing {
                Some(provider) => call.verifier().description(provider, &held).await,
                None => "{}".into(),
            };
            listed.push(Authenticator {
                id: held.at.id,
                group: held.at.group,
                kind: held.kind,
                label: held.label,
                description,
                created_at: held.created_at,
                last_used_at: held.last_used_at,
            });
        }
        Ok(listed)
    }

    /// Gives one of the proof's user's authenticators another label, at most 100 bytes. No session ends.
    ///
    /// # Errors
    /// `ProofRequired`, `NotFound`, `InvalidArgument`, `RequestRefused`.
    #[doc = include_str!("../../doc/operations/rename_authenticator.md")]
    pub async fn rename_authenticator(
        &self,
        proof: &Proof,
        provider: &str,
        authenticator: AuthenticatorId,
        label: &str,
    ) -> Result<()> {
        let call = self.enter().await?;
        let provider = call.provider(provider)?;
        call.recent(proof).await?;
        if label.len() > 100 || label.chars().any(char::is_control) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the label takes at most 100 bytes without control characters",
            ));
        }
        let at = AuthenticatorAt {
            user_id: proof.user_id(),
            group: provider.group.clone(),
            id: authenticator,
        };
        let change = Change {
            user_id: proof.user_id(),
            epoch: proof.epoch(),
            steps: vec![ChangeStep::RenameAuthenticator(at, label.into())],
            ways_in: Vec::new(),
            bump: None,
            token: None,
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: Post::default(),
            now: call.now,
        };
        done(call.commit(&provider.name, change).await?)?;
        call.emit_provider(EventName::AuthenticatorRenamed, proof.user_id(), provider);
        Ok(())
    }

    /// Removes one of the proof's user's authenticators. Other sessions end.
    ///
    /// # Errors
    /// `ProofRequired`, `NotFound`, `LastWayIn`.
    #[doc = include_str!("../../doc/operations/remove_authenticator.md")]
    pub async fn remove_authenticator(
        &self,
        proof: &Proof,
        provider: &str,
        authenticator: AuthenticatorId,
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        call.sensitive(proof).await?;
        let at = AuthenticatorAt {
            user_id: proof.user_id(),
            group: provider.group.clone(),
            id: authenticator,
        };
        let steps = vec![ChangeStep::RemoveAuthenticator(at)];
        call.change(
            proof,
            provider,
            steps,
            EndReason::FactorChanged,
            EventName::AuthenticatorRemoved,
        )
        .await
    }
}

impl Call<'_> {
    async fn enroll(&self, provider: &Provider, subject: &Subject, proof: &Proof) -> Result<Answer<Proof>> {
        let mut ask = self.verifier().blank(provider);
        ask.subject = Some(subject.user.id);
        ask.known = self.verifier().own_browser(&subject.user);
        ask.display = self.display(subject.user.id).await?;
        ask.records = self.verifier().open_records(provider, subject)?;
        let verdict = provider.ask(ask).await?;
        match verdict.decision {
            Decision::Continue => {
                let course = Course::Enroll {
                    holder: Holder::of(subject.user.id, subject.user.session_epoch),
                    session: proof.sign_in_id().map(|id| *id.as_bytes()),
                };
                let mut state = FlowState::new(self.realm, course);
                state.factors = Factor::to_json(proof.factors());
                self.begin_step(provider, state, PendingOperation::Enroll, &verdict)
                    .await
            }
            Decision::Accept => {
                let steps = verdict
                    .records
                    .iter()
                    .map(|put| self.put(provider, subject, put))
                    .collect::<Result<Vec<_>>>()?;
                let event = EventName::AuthenticatorAdded;
                // Whoever enrolls a factor holds it: the renewed proof says so, as at the end of a flow.
                let factors = Factor::united(proof.factors(), provider.factor(self.now).as_slice());
                let mut answer = self
                    .change(proof, provider, steps, EndReason::FactorChanged, event)
                    .await?;
                answer.outcome = answer.outcome.map(|renewed| renewed.with_factors(factors));
                answer.show_once = verdict.show_once;
                Ok(answer)
            }
            Decision::Deny | Decision::Resolve => self.not_enrolled(provider, verdict),
        }
    }

    /// Adds what a kind enrolled in a flow; gives the new epoch, and what else opens the account where this is its
    /// first second factor. What the policy asks for inside a sign-in is added beside unproved addresses, too: before it
    /// there is no session to prove them in.
    pub(super) async fn add_authenticators(
        &self,
        provider: &Provider,
        user: &User,
        state: &FlowState,
        verdict: &Verdict,
    ) -> Result<(i64, Vec<WayInfo>)> {
        let account = self.account(user.id).await?;
        if state.purpose() == Purpose::Enroll && self.is_second_factor(provider) {
            account.check_second()?;
        }
        let subject = Subject {
            user: user.clone(),
            identity: None,
            authenticators: account
                .authenticators
                .iter()
                .filter(|held| held.at.group == provider.group)
                .cloned()
                .collect(),
        };
        let steps = verdict
            .records
            .iter()
            .map(|put| self.put(provider, &subject, put))
            .collect::<Result<Vec<_>>>()?;
        let others = self.others(&account, &steps);
        let change = Change {
            user_id: user.id,
            epoch: user.session_epoch,
            steps,
            ways_in: Vec::new(),
            bump: Some(Bump {
                reason: EndReason::FactorChanged,
                keep: state.course.session(),
            }),
            token: None,
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: self.limited_messages(provider, verdict, user.id)?,
            now: self.now,
        };
        let (epoch, ended) = done(self.commit(&provider.name, change).await?)?;
        self.emit_provider(EventName::AuthenticatorAdded, user.id, provider);
        self.emit_ended(user.id, EndReason::FactorChanged.id(), ended);
        Ok((epoch, others))
    }
}
