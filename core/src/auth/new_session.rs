//! New sessions: the one of a proof, and those that trusted code makes without one.

use super::Auth;
use super::call::Call;
use super::sessions::required;
use crate::attributes;
use crate::error::Result;
use crate::event::EventName;
use crate::factor::Factor;
use crate::id::UserId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::Denial;
use crate::policy::Decision;
use crate::proof::{Proof, ProofOrigin};
use crate::session::{Created, Lifetimes, NewSession, Session, StepUp};
use crate::store::EndReason;

/// What a new session starts with.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The session's attributes: a JSON object as text. Default: `{}`. A step-up copies those of the session before.
    pub attributes: Option<String>,
    /// Lifetimes shorter than the configured ones.
    pub lifetimes: Lifetimes,
}

impl SessionOptions {
    /// Session attributes have the same limits as a user's.
    fn check(&self) -> Result<()> {
        match &self.attributes {
            Some(attributes) => attributes::parse_object(attributes).map(drop),
            None => Ok(()),
        }
    }
}

impl Auth {
    /// Makes the one session of a proof.
    ///
    /// On a request that has a live sign-in: the same user's is stepped up and ends when the new one is first used;
    /// another user's ends now. `Refused` when the user was changed or disabled since, or is at the cap.
    ///
    /// # Errors
    /// - `ProofRequired`: the proof is spent, too old, of another process, or good for sensitive operations only.
    /// - `InvalidArgument`: attributes that are no object, lifetimes beyond the configured ones.
    /// - `Unavailable`: the proof may be used again.
    #[doc = include_str!("../../doc/operations/create_session.md")]
    pub async fn create_session(&self, proof: &Proof, with: SessionOptions) -> Result<Answer<Session>> {
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        proof.check(call.issuer(), call.realm, call.now)?;
        with.check()?;
        call.check_satisfies(proof).await?;
        if !proof.spend() {
            return Err(required(
                "the proof has made its session already: authenticate again",
            ));
        }
        let made = call
            .make_session(proof, with)
            .await
            .inspect_err(|_| proof.give_back())?;
        if matches!(made.created, Created::CapReached) {
            // None was made: the person may end another one and come back.
            proof.give_back();
        }
        let mut answer = call.created(made)?;
        if matches!(answer.outcome, Outcome::Accepted(_)) {
            call.remember_device(&mut answer.headers, proof.user_id(), proof.epoch())?;
        }
        Ok(answer)
    }

    /// Makes a session without credentials: for trusted code, always evented. It satisfies no policy, and is refused
    /// for a user with a second factor unless factors are asserted.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument`; `Unavailable`.
    #[doc = include_str!("../../doc/operations/create_session_for_user.md")]
    pub async fn create_session_for_user(
        &self,
        user: UserId,
        factors: &[Factor],
        with: SessionOptions,
    ) -> Result<Answer<Session>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        with.check()?;
        let user = call.user(user).await?;
        if user.disabled_at.is_some() {
            return Ok(call.denied("", Some(user.id), Denial::Disabled.id()));
        }
        let account = call.account(user.id).await?;
        let has_second = account.methods().iter().any(|method| method.second);
        if has_second && account.decide(factors) != Decision::Accept {
            return Ok(call.denied("", Some(user.id), "second_factor_not_asserted"));
        }
        // A factor of the future would stay fresh for ever.
        let asserted = factors.iter().map(|factor| Factor {
            at: factor.at.min(call.now),
            ..factor.clone()
        });
        let mut new = call.new_session(user.id, user.session_epoch, asserted.collect(), with);
        // Nothing of the session before is taken over: its factors were proved, these are asserted.
        let before = call.live_session().await?;
        new.ends = before.as_ref().map(Session::id);
        let created = call.sessions().create(new, call.realm).await?;
        call.created(Made {
            user: user.id,
            event: EventName::SessionCreatedForUser,
            replaced: before,
            created,
        })
    }
}

impl Call<'_> {
    /// Whoever got another factor since the proof was made must prove it: the policy is asked again at the last door.
    async fn check_satisfies(&self, proof: &Proof) -> Result<()> {
        match proof.origin() {
            ProofOrigin::Session(_) => Err(required("a session's proof makes no session: authenticate")),
            ProofOrigin::StepUp(_) => Ok(()),
            ProofOrigin::Credentials => match self.account(proof.user_id()).await?.decide(proof.factors()) {
                Decision::Accept => Ok(()),
                Decision::Verify(_) | Decision::Enroll(_) | Decision::Refuse(_) => Err(required(
                    "the proof lacks a second factor that the user has by now: authenticate again",
                )),
            },
        }
    }

    async fn make_session(&self, proof: &Proof, options: SessionOptions) -> Result<Made> {
        let live = self.live_session().await?;
        let (user, epoch, factors) = (proof.user_id(), proof.epoch(), proof.factors().to_vec());
        let full = matches!(proof.origin(), ProofOrigin::Credentials);
        let step_up = |full| StepUp {
            epoch,
            factors: factors.clone(),
            full,
            agent: self.agent.clone(),
            address: self.address.clone(),
        };
        let (event, created, replaced) = match (proof.origin(), live) {
            (ProofOrigin::StepUp(id), Some(old)) if old.id() == id => {
                let created = self.sessions().step_up(&old, step_up(full)).await?;
                (EventName::SessionSteppedUp, created, None)
            }
            (ProofOrigin::Credentials, Some(old)) if old.user().id == user => {
                let created = self.sessions().step_up(&old, step_up(full)).await?;
                (EventName::SessionSteppedUp, created, None)
            }
            (ProofOrigin::Credentials, other) => {
                let mut new = self.new_session(user, epoch, factors.clone(), options);
                new.ends = other.as_ref().map(Session::id);
                let created = self.sessions().create(new, self.realm).await?;
                (EventName::SessionCreated, created, other)
            }
            (ProofOrigin::StepUp(_) | ProofOrigin::Session(_), _) => {
                return Err(required(
                    "this proof steps a live session up: send it on that session's request",
                ));
            }
        };
        Ok(Made {
            user,
            event,
            replaced,
            created,
        })
    }

    fn new_session(
        &self,
        user_id: UserId,
        epoch: i64,
        factors: Vec<Factor>,
        options: SessionOptions,
    ) -> NewSession {
        NewSession {
            user_id,
            epoch,
            factors,
            attributes: options.attributes.unwrap_or_else(|| "{}".into()),
            lifetimes: options.lifetimes,
            agent: self.agent.clone(),
            address: self.address.clone(),
            ends: None,
        }
    }

    /// Tells what happened, and hands the new session out.
    fn created(&self, made: Made) -> Result<Answer<Session>> {
        let (session, evicted) = match made.created {
            Created::Created { session, evicted } => (session, evicted),
            Created::Refused => return Ok(self.denied("", Some(made.user), "user_changed")),
            Created::CapReached => return Ok(self.denied("", Some(made.user), EndReason::Cap.id())),
        };
        self.emit_sign_in(made.event, made.user, session.id(), None);
        let ended = |user, id, reason: EndReason| {
            self.emit_sign_in(EventName::SessionEnded, user, id, Some(reason.id()));
        };
        if let Some(replaced) = made.replaced {
            ended(replaced.user().id, replaced.id(), EndReason::Replaced);
        }
        for id in evicted {
            ended(made.user, id, EndReason::Cap);
        }
        self.session_answer(session)
    }
}

/// A session that was asked for, and what to tell about it.
struct Made {
    user: UserId,
    event: EventName,
    /// Another sign-in on the same browser, which ended with it.
    replaced: Option<Session>,
    created: Created,
}
