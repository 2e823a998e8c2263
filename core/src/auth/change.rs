//! A change of a user's identities or authenticators: under a fresh proof, in one transaction, ending other sessions.

use super::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::id::{AuthenticatorId, UserId};
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Ask, Fields, PutRecord};
use crate::policy::{Account, Decision, on_both_sides};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::store::{
    Authenticator, AuthenticatorStatus, Bump, Change, ChangeStep, Changed, EndReason, Identity, Naming, Post,
    Subject, ThrottleKey, User,
};

impl Call<'_> {
    /// Checks that a proof is a *fresh full* one, for a sensitive operation: its factors that are younger than
    /// `policy.step_up_max_age` would make a session by themselves. Whoever holds a second factor proves both again.
    ///
    /// Gives the proof's user.
    pub(super) async fn sensitive(&self, proof: &Proof) -> Result<Account<'_>> {
        self.recent(proof).await?;
        let max_age = self.context.settings.policy.step_up_max_age;
        let fresh = proof.fresh(self.now, max_age);
        let account = self.account(proof.user_id()).await?;
        let decision = account.decide(&fresh);
        // What must be enrolled first is nothing that could be proved.
        let asked = match &decision {
            Decision::Verify(_) => decision.names(),
            _ => Vec::new(),
        };
        match decision {
            Decision::Accept => Ok(account),
            Decision::Verify(_) | Decision::Enroll(_) | Decision::Refuse(_) => Err(Error::step_up(
                max_age,
                &asked,
                format!(
                    "the factors of the proof that are younger than {} s (`policy.step_up_max_age`) would make no \
                     session: authenticate again, with each factor that is asked for",
                    max_age.as_secs()
                ),
            )),
        }
    }

    /// Checks a proof for an operation that adds something at this name. At a second factor's name every address of the user
    /// must be proved before.
    ///
    /// # Errors
    /// Those of [`sensitive`](Self::sensitive); `PolicyViolation`, `address_unproved`.
    pub(super) async fn may_add(&self, proof: &Proof, provider: &Provider) -> Result<()> {
        let account = self.sensitive(proof).await?;
        if self.is_second_factor(provider) {
            account.check_second()?;
        }
        Ok(())
    }

    /// Checks that a proof is of here, young, and has a fresh factor; and, where it comes from a session, that this has
    /// not ended since: whoever signed out has taken its proofs back.
    pub(super) async fn recent(&self, proof: &Proof) -> Result<()> {
        proof.check(self.issuer(), self.realm, self.now)?;
        proof.check_fresh(self.now, self.context.settings.policy.step_up_max_age)?;
        match proof.sign_in_id() {
            Some(id) if !self.is_live(proof.user_id(), id).await? => Err(Error::new(
                ErrorKind::ProofRequired,
                "the session of this proof has ended: authenticate again",
            )),
            _ => Ok(()),
        }
    }

    /// The proof's user as the policy sees it, unchanged since the proof was made.
    pub(super) async fn account_of(&self, proof: &Proof) -> Result<Account<'_>> {
        let user = self.store().user(proof.user_id()).await?;
        match user {
            Some(user) if user.accepts(proof.epoch()) => self.account(user.id).await,
            _ => Err(stale()),
        }
    }

    /// The proof's user with its authenticators of the provider's group.
    pub(super) async fn subject(&self, proof: &Proof, provider: &Provider) -> Result<Subject> {
        let subject = self
            .store()
            .subject_of(proof.user_id(), provider.group.clone())
            .await?;
        match subject {
            Some(subject) if subject.user.accepts(proof.epoch()) => Ok(subject),
            _ => Err(stale()),
        }
    }

    /// The question to enroll a user at an identity with these credentials.
    pub(super) fn enrolling(
        &self,
        provider: &Provider,
        user: &User,
        at: &Identity,
        credentials: Fields,
    ) -> Ask {
        Ask {
            subject: Some(user.id),
            known: self.verifier().own_browser(user),
            raw: at.raw.clone(),
            canonical: at.at.canonical.clone(),
            credentials,
            ..self.verifier().blank(provider)
        }
    }

    /// The step that stores what a kind gave: a replacement by compare-and-swap, or a new authenticator.
    pub(super) fn put(&self, provider: &Provider, subject: &Subject, put: &PutRecord) -> Result<ChangeStep> {
        let declared = provider.kind.declaration();
        let held = |id: AuthenticatorId| subject.authenticators.iter().find(|held| held.at.id == id);
        let replaced = match put.replaces {
            Some(id) => held(id),
            // Where there is one record for each user, a second enrollment replaces it.
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
            status: AuthenticatorStatus::Active,
            ..current.clone()
        };
        new.record = self.verifier().seal(&new, &put.bytes)?;
        let naming = Naming {
            label: put.label.clone(),
            handle: put.handle.clone(),
        };
        Ok(ChangeStep::ReplaceAuthenticator { new, expect, naming })
    }

    /// Changes a user under its proof, ends its other sessions, and gives a proof of the new epoch.
    pub(super) async fn change(
        &self,
        proof: &Proof,
        provider: &Provider,
        steps: Vec<ChangeStep>,
        reason: EndReason,
        event: EventName,
    ) -> Result<Answer<Proof>> {
        let asked = Asked {
            steps,
            ..Asked::default()
        };
        self.change_and_tell(proof, provider, asked, reason, event).await
    }

    /// Changes a user under its proof, as [`change`](Self::change) does, where the change is charged or the kind wrote messages.
    pub(super) async fn change_and_tell(
        &self,
        proof: &Proof,
        provider: &Provider,
        asked: Asked,
        reason: EndReason,
        event: EventName,
    ) -> Result<Answer<Proof>> {
        let Asked {
            mut steps,
            charges,
            letters,
        } = asked;
        let removes = steps.iter().any(|step| {
            matches!(
                step,
                ChangeStep::RemoveIdentity(_) | ChangeStep::RemoveAuthenticator(_)
            )
        });
        let keep = proof.sign_in_id();
        let account = self.account_of(proof).await?;
        // Credentials stay in reach of the address over which they were set while it alone could have made this proof.
        let cover = account.cover(proof.factors());
        for step in &mut steps {
            if let ChangeStep::ReplaceAuthenticator { new, .. } = step {
                new.set_over = new.set_over.filter(|over| cover.contains(over));
            }
        }
        if removes {
            account.after(&steps).check_ways_in(&account)?;
        }
        if account.adds_second(&steps) {
            account.check_second()?;
        }
        let others = self.others(&account, &steps);
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
            token: None,
            charges,
            deliveries: Vec::new(),
            letters,
            now: self.now,
        };
        let (epoch, ended) = match self.commit(&provider.name, change).await? {
            Changed::Closed(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
            changed => done(changed)?,
        };
        self.emit_provider(event, proof.user_id(), provider);
        self.emit_ended(proof.user_id(), reason.id(), ended);
        let mut answer = Answer::of(Outcome::Accepted(self.proof(
            proof.user_id(),
            epoch,
            proof.factors().to_vec(),
            proof.origin(),
        )));
        answer.others = others;
        // The epoch has moved, and with it every device cookie: this browser's goes along.
        self.remember_device(&mut answer.headers, proof.user_id(), epoch)?;
        Ok(answer)
    }

    pub(super) fn emit_provider(&self, name: EventName, user_id: UserId, provider: &Provider) {
        let provider = Some(provider.name.clone());
        self.emit(&Event {
            user_id: Some(user_id),
            provider,
            ..self.event(name)
        });
    }

    pub(super) fn emit_ended(&self, user_id: UserId, reason: &str, count: u64) {
        if count > 0 {
            let reason = Some(reason.to_owned());
            self.emit(&Event {
                user_id: Some(user_id),
                reason,
                count,
                ..self.event(EventName::SessionEnded)
            });
        }
    }
}

/// What is to be changed, what it is charged to, and what the kind tells of it.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) steps: Vec<ChangeStep>,
    pub(super) charges: Vec<ThrottleKey>,
    pub(super) letters: Post,
}

/// What a change came to: the new epoch and the count of sign-ins ended.
pub(super) fn done(changed: Changed) -> Result<(i64, u64)> {
    match changed {
        Changed::Done { epoch, ended } => Ok((epoch, ended)),
        Changed::Absent => Err(Error::new(
            ErrorKind::NotFound,
            "the user has no such identity or authenticator",
        )),
        Changed::BothSides => Err(on_both_sides()),
        Changed::Closed(_) => Err(Error::new(
            ErrorKind::Overloaded,
            "it was changed too often: try again later",
        )),
        Changed::LastWayIn => Err(Error::new(
            ErrorKind::LastWayIn,
            "the last way in cannot be removed: add another one first",
        )),
        Changed::Lost => Err(Error::conflict(
            "version",
            "somebody else changed it at the same moment: try again",
        )),
        Changed::Spent => Err(Error::new(
            ErrorKind::ProofRequired,
            "the token was used or has expired: request another one",
        )),
        Changed::Stale => Err(stale()),
        Changed::Taken(what) => Err(Error::conflict(what, format!("the {what} is taken"))),
    }
}

pub(super) fn stale() -> Error {
    Error::new(
        ErrorKind::ProofRequired,
        "the user was changed or disabled since the proof was made: authenticate again",
    )
}
