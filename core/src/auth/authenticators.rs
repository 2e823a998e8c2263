//! What belongs to a user and is changed only with a fresh proof: identities, authenticators, credentials.

use super::Auth;
use super::call::Call;
use super::sign_in::{NewUserOptions, unsupported};
use super::steps::Progress;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::flow::{FlowState, Next, NextAction, PendingOperation, Purpose};
use crate::id::{AuthenticatorId, SignInId, UserId};
use crate::outcome::Answer;
use crate::plugin::{Decision, Fields, IdentifierSource, Operation, PutRecord, Verdict};
use crate::proof::{Proof, ProofOrigin};
use crate::provider::Provider;
use crate::store::{
    Authenticator, AuthenticatorAt, Bump, Change, ChangeStep, Changed, EndReason, Identity, Subject, User,
};

/// One authenticator as its owner sees it: no record, no handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatorInfo {
    /// Its id.
    pub id: AuthenticatorId,
    /// The credentials group it belongs to.
    pub group: String,
    /// The kind that wrote it.
    pub kind: String,
    /// What its owner calls it.
    pub label: String,
    /// When it was added.
    pub created_at: crate::Timestamp,
    /// When it was last used; coarse.
    pub last_used_at: Option<crate::Timestamp>,
}

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
    /// Begins to enrol: a further authenticator of the proof's user, or, without a proof, a new user whose kind
    /// asks for a step before it takes credentials.
    ///
    /// # Errors
    /// - `ProofRequired`: the proof is not fresh.
    /// - `Conflict`: the user has an authenticator of this provider and may have only one.
    /// - `InvalidArgument`, `Unavailable`, `Overloaded`, `Timeout` as elsewhere.
    pub async fn begin_enrolment(
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
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let provider = call.provider(provider)?;
        call.check_fresh(proof)?;
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
        call.enrol(provider, &subject, proof).await
    }

    /// Replaces the credentials that a provider verifies, or adds the first ones. Other sessions end.
    ///
    /// # Errors
    /// - `ProofRequired`: the proof is not fresh, or the user was changed since.
    /// - `PolicyViolation`: all rules that the new credentials break.
    /// - `Conflict`: somebody else changed them at the same moment.
    pub async fn update_credentials(
        &self,
        proof: &Proof,
        provider: &str,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let provider = call.provider(provider)?;
        call.check_fresh(proof)?;
        let subject = call.subject(proof, provider).await?;
        call.update(provider, &subject, proof, credentials).await
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
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let provider = call.provider(provider)?;
        call.check_fresh(proof)?;
        let steps = vec![
            ChangeStep::RemoveIdentity(provider.id(call.realm, &provider.canonical(old)?.bytes)),
            ChangeStep::AddIdentity(call.identity(provider, new, proof.user_id())?),
        ];
        let reason = EndReason::CredentialsChanged;
        call.change(proof, provider, steps, reason, EventName::IdentifierChanged)
            .await
    }

    /// Binds another provider id to the proof's user. `credentials` are enrolled where the provider's group has none.
    ///
    /// # Errors
    /// `ProofRequired`, `Conflict` (`identifier` is taken), `PolicyViolation`, `InvalidArgument`.
    pub async fn link_identity(
        &self,
        proof: &Proof,
        provider: &str,
        identifier: &[u8],
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let provider = call.provider(provider)?;
        if provider.source() != IdentifierSource::Given || !provider.kind.declaration().keeps_records {
            return Err(unsupported(
                provider,
                "be linked by a given identifier: begin a link instead",
            ));
        }
        call.check_fresh(proof)?;
        let subject = call.subject(proof, provider).await?;
        let identity = call.identity(provider, identifier, proof.user_id())?;
        let mut steps = vec![ChangeStep::AddIdentity(identity.clone())];
        if !call.has_authenticator(provider, &subject) {
            let mut ask = call.verifier().blank(provider);
            (ask.subject, ask.raw, ask.canonical) = (
                Some(subject.user.id),
                identity.raw.clone(),
                identity.at.canonical.clone(),
            );
            ask.credentials = credentials;
            let verdict = provider
                .kind
                .ask(ask, provider.kind.declaration().deadline)
                .await?;
            if verdict.decision != Decision::Accept {
                return call.not_enrolled(provider, verdict);
            }
            for put in &verdict.records {
                steps.push(call.put(provider, &subject, put)?);
            }
        }
        call.change(
            proof,
            provider,
            steps,
            EndReason::FactorChanged,
            EventName::IdentityLinked,
        )
        .await
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
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let provider = call.provider(provider)?;
        call.check_fresh(proof)?;
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

    /// The authenticators of a user: what there is, never what is in it.
    ///
    /// # Errors
    /// `NotFound` when there is no such user in this realm.
    pub async fn list_authenticators(&self, user: UserId) -> Result<Vec<AuthenticatorInfo>> {
        let call = self.enter().await?;
        call.user(user).await?;
        let held = call.store().authenticators(user).await?;
        Ok(held
            .into_iter()
            .map(|held| AuthenticatorInfo {
                id: held.at.id,
                group: held.at.group,
                kind: held.kind,
                label: held.label,
                created_at: held.created_at,
                last_used_at: held.last_used_at,
            })
            .collect())
    }

    /// Gives one of the proof's user's authenticators another label, at most 100 bytes. No session ends.
    ///
    /// # Errors
    /// `ProofRequired`, `NotFound`, `InvalidArgument`.
    pub async fn rename_authenticator(
        &self,
        proof: &Proof,
        provider: &str,
        id: AuthenticatorId,
        label: &str,
    ) -> Result<()> {
        let call = self.enter().await?;
        let provider = call.provider(provider)?;
        call.check_fresh(proof)?;
        if label.len() > 100 || label.chars().any(char::is_control) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the label takes at most 100 bytes without control characters",
            ));
        }
        let at = AuthenticatorAt {
            user_id: proof.user_id(),
            group: provider.group.clone(),
            id,
        };
        let change = Change {
            user_id: proof.user_id(),
            epoch: proof.epoch(),
            steps: vec![ChangeStep::RenameAuthenticator(at, label.into())],
            ways_in: Vec::new(),
            bump: None,
            now: call.now,
        };
        done(call.store().change(change).await?)?;
        call.emit_provider(EventName::AuthenticatorRenamed, proof.user_id(), provider);
        Ok(())
    }

    /// Removes one of the proof's user's authenticators. Other sessions end.
    ///
    /// # Errors
    /// `ProofRequired`, `NotFound`, `LastWayIn`.
    pub async fn remove_authenticator(
        &self,
        proof: &Proof,
        provider: &str,
        id: AuthenticatorId,
    ) -> Result<Answer<Proof>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let provider = call.provider(provider)?;
        call.check_fresh(proof)?;
        let at = AuthenticatorAt {
            user_id: proof.user_id(),
            group: provider.group.clone(),
            id,
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

    /// What can be used to sign in (without a user), or what this user has to prove a factor with.
    ///
    /// # Errors
    /// `NotFound` when there is no such user in this realm.
    pub async fn list_methods(&self, user: Option<UserId>) -> Result<Vec<Next>> {
        let call = self.enter().await?;
        let verify =
            |provider: &Provider| provider.next(NextAction::Verify, Operation::Verify, 0, Fields::default());
        let Some(user) = user else {
            return Ok(call.context.providers.starting().map(verify).collect());
        };
        call.user(user).await?;
        let (held, identities) = (
            call.store().authenticators(user).await?,
            call.store().identities(user).await?,
        );
        Ok(call
            .context
            .providers
            .iter()
            .filter(|provider| {
                let declared = provider.kind.declaration();
                let named = declared.source == IdentifierSource::User
                    || identities
                        .iter()
                        .any(|identity| identity.at.provider == provider.name);
                let has = !declared.keeps_records
                    || held
                        .iter()
                        .any(|held| held.at.group == provider.group && held.kind == declared.name);
                named && has
            })
            .map(verify)
            .collect())
    }
}

impl Call<'_> {
    /// The proof's user with its authenticators of the provider's group.
    async fn subject(&self, proof: &Proof, provider: &Provider) -> Result<Subject> {
        let subject = self
            .store()
            .subject_of(proof.user_id(), provider.group.clone())
            .await?;
        match subject {
            Some(subject)
                if subject.user.session_epoch == proof.epoch() && subject.user.disabled_at.is_none() =>
            {
                Ok(subject)
            }
            _ => Err(stale()),
        }
    }

    /// An identity to bind, by the rules of its provider.
    fn identity(&self, provider: &Provider, raw: &[u8], user_id: UserId) -> Result<Identity> {
        let canonical = provider.canonical(raw)?;
        Ok(Identity {
            at: provider.id(self.realm, &canonical.bytes),
            raw: raw.to_vec(),
            rule: canonical.rule.into(),
            rule_version: canonical.rule_version,
            user_id,
            verified_at: None,
            created_at: self.now,
            last_used_at: None,
        })
    }

    async fn enrol(&self, provider: &Provider, subject: &Subject, proof: &Proof) -> Result<Answer<Proof>> {
        let mut ask = self.verifier().blank(provider);
        ask.subject = Some(subject.user.id);
        ask.display = self.display(subject.user.id).await?;
        ask.records = self.verifier().open_records(provider, subject)?;
        let verdict = provider
            .kind
            .ask(ask, provider.kind.declaration().deadline)
            .await?;
        match verdict.decision {
            Decision::Continue => {
                let mut state = FlowState::new(self.realm, Purpose::Enrol);
                state.user_id = Some(*subject.user.id.as_bytes());
                state.epoch = subject.user.session_epoch;
                state.factors = crate::factor::Factor::to_json(proof.factors());
                state.keep = proof.sign_in_id().map(|id| *id.as_bytes());
                if let ProofOrigin::Credentials { full, identity } = proof.origin() {
                    (state.full, state.device) = (*full, *identity);
                }
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
                let mut answer = self
                    .change(proof, provider, steps, EndReason::FactorChanged, event)
                    .await?;
                answer.show_once = verdict.show_once;
                Ok(answer)
            }
            Decision::Deny | Decision::Resolve => self.not_enrolled(provider, verdict),
        }
    }

    async fn update(
        &self,
        provider: &Provider,
        subject: &Subject,
        proof: &Proof,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let mut ask = self.verifier().blank(provider);
        ask.subject = Some(subject.user.id);
        let identities = self.store().identities(subject.user.id).await?;
        if let Some(identity) = identities
            .iter()
            .find(|identity| identity.at.provider == provider.name)
        {
            (ask.raw, ask.canonical) = (identity.raw.clone(), identity.at.canonical.clone());
        }
        ask.records = self.verifier().open_records(provider, subject)?;
        let has = !ask.records.is_empty() && provider.kind.declaration().has(Operation::Update);
        if has {
            (ask.operation, ask.purpose) = (Operation::Update, Operation::Update);
            ask.new_credentials = credentials;
        } else {
            ask.credentials = credentials;
        }
        let verdict = provider
            .kind
            .ask(ask, provider.kind.declaration().deadline)
            .await?;
        match verdict.decision {
            Decision::Accept => {
                let steps = verdict
                    .records
                    .iter()
                    .map(|put| self.put(provider, subject, put))
                    .collect::<Result<Vec<_>>>()?;
                let (reason, event) = (EndReason::CredentialsChanged, EventName::CredentialsChanged);
                self.change(proof, provider, steps, reason, event).await
            }
            Decision::Continue => Err(unsupported(provider, "update credentials in several steps")),
            Decision::Deny | Decision::Resolve => self.not_enrolled(provider, verdict),
        }
    }

    /// The step that stores what a kind gave: a replacement by compare-and-swap, or a new authenticator.
    fn put(&self, provider: &Provider, subject: &Subject, put: &PutRecord) -> Result<ChangeStep> {
        let declared = provider.kind.declaration();
        let held = |id: AuthenticatorId| subject.authenticators.iter().find(|held| held.at.id == id);
        let replaced = match put.replaces {
            Some(id) => held(id),
            // Where there is one record for each user, a second enrolment replaces it.
            None if !declared.several_records => held(AuthenticatorId::SINGLE),
            None => None,
        };
        let Some(current) = replaced else {
            return Ok(ChangeStep::AddAuthenticator(self.verifier().new_authenticator(
                provider,
                subject.user.id,
                put,
            )?));
        };
        let expect = current.record_version;
        let mut new = Authenticator {
            kind: declared.name.clone(),
            record_version: expect + 1,
            status: crate::store::AuthenticatorStatus::Active,
            handle: put.handle.clone().or_else(|| current.handle.clone()),
            ..current.clone()
        };
        if let Some(label) = &put.label {
            new.label.clone_from(label);
        }
        new.record = self.verifier().seal(&new, &put.bytes)?;
        Ok(ChangeStep::ReplaceAuthenticator { new, expect })
    }

    /// Adds what a kind enrolled in a flow; gives the new epoch.
    pub(super) async fn add_authenticators(
        &self,
        provider: &Provider,
        user: &User,
        keep: Option<SignInId>,
        verdict: &Verdict,
    ) -> Result<i64> {
        let subject = Subject {
            user: user.clone(),
            identity: None,
            authenticators: self
                .store()
                .authenticators(user.id)
                .await?
                .into_iter()
                .filter(|held| held.at.group == provider.group)
                .collect(),
        };
        let steps = verdict
            .records
            .iter()
            .map(|put| self.put(provider, &subject, put))
            .collect::<Result<Vec<_>>>()?;
        let change = Change {
            user_id: user.id,
            epoch: user.session_epoch,
            steps,
            ways_in: Vec::new(),
            bump: Some(Bump {
                reason: EndReason::FactorChanged,
                keep,
            }),
            now: self.now,
        };
        let (epoch, ended) = done(self.store().change(change).await?)?;
        self.emit_provider(EventName::AuthenticatorAdded, user.id, provider);
        self.emit_ended(user.id, EndReason::FactorChanged, ended);
        Ok(epoch)
    }

    /// Changes a user under its proof, ends its other sessions, and gives a proof of the new epoch.
    async fn change(
        &self,
        proof: &Proof,
        provider: &Provider,
        steps: Vec<ChangeStep>,
        reason: EndReason,
        event: EventName,
    ) -> Result<Answer<Proof>> {
        let removes = steps.iter().any(|step| {
            matches!(
                step,
                ChangeStep::RemoveIdentity(_) | ChangeStep::RemoveAuthenticator(_)
            )
        });
        let keep = proof.sign_in_id();
        let change = Change {
            user_id: proof.user_id(),
            epoch: proof.epoch(),
            steps,
            ways_in: if removes {
                self.context.providers.ways_in()
            } else {
                Vec::new()
            },
            bump: Some(Bump { reason, keep }),
            now: self.now,
        };
        let (epoch, ended) = done(self.store().change(change).await?)?;
        self.emit_provider(event, proof.user_id(), provider);
        self.emit_ended(proof.user_id(), reason, ended);
        let (full, identity) = match proof.origin() {
            ProofOrigin::Credentials { full, identity } => (*full, *identity),
            ProofOrigin::Session(_) => (false, None),
        };
        let progress = Progress {
            purpose: Purpose::Update,
            user_id: proof.user_id(),
            epoch,
            factors: proof.factors().to_vec(),
            full,
            identity,
            keep,
            show_once: Fields::default(),
        };
        Ok(self.renewed(progress))
    }

    /// A name that the person knows the account by: the identifier of its first identity.
    async fn display(&self, user: UserId) -> Result<String> {
        let identities = self.store().identities(user).await?;
        Ok(identities
            .first()
            .map(|first| String::from_utf8_lossy(&first.raw).into_owned())
            .unwrap_or_default())
    }

    fn emit_provider(&self, name: EventName, user_id: UserId, provider: &Provider) {
        let provider = Some(provider.name.clone());
        self.emit(&Event {
            user_id: Some(user_id),
            provider,
            ..self.event(name)
        });
    }

    pub(super) fn emit_ended(&self, user_id: UserId, reason: EndReason, count: u64) {
        if count > 0 {
            let reason = Some(reason.id().to_owned());
            self.emit(&Event {
                user_id: Some(user_id),
                reason,
                count,
                ..self.event(EventName::SessionEnded)
            });
        }
    }
}

/// What a change came to: the new epoch and the count of sign-ins ended.
fn done(changed: Changed) -> Result<(i64, u64)> {
    match changed {
        Changed::Done { epoch, ended } => Ok((epoch, ended)),
        Changed::Absent => Err(Error::new(
            ErrorKind::NotFound,
            "the user has no such identity or authenticator",
        )),
        Changed::LastWayIn => Err(Error::new(
            ErrorKind::LastWayIn,
            "the last way in cannot be removed: add another one first",
        )),
        Changed::Lost => Err(Error::conflict(
            "version",
            "somebody else changed it at the same moment: try again",
        )),
        Changed::Stale => Err(stale()),
        Changed::Taken(what) => Err(Error::conflict(what, format!("the {what} is taken"))),
    }
}

fn stale() -> Error {
    Error::new(
        ErrorKind::ProofRequired,
        "the user was changed or disabled since the proof was made: authenticate again",
    )
}
