//! Steps: what happens after a factor was proved, and how a flow goes on until the policy is satisfied.

use super::Auth;
use super::call::{Attempted, Call};
use super::sign_in::{only, operation};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::factor::Factor;
use crate::flow::{
    FLOW_ATTEMPTS, FLOW_TTL, FlowHandle, FlowState, FlowToken, Next, NextAction, Pending, PendingOperation,
    Purpose,
};
use crate::headers::ResponseHeaders;
use crate::id::{FlowId, SignInId, UserId};
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Decision, Fields, Operation, Verdict};
use crate::policy::{self, Missing, SecondFactor};
use crate::proof::{Proof, ProofOrigin};
use crate::provider::{Canonical, Provider};
use crate::store::{self, Hash, Subject, User};
use crate::throttle::identity_hash;
use crate::verification::{Question, Verified, usable_authenticators};

/// What one authentication has come to.
pub(super) struct Progress {
    pub(super) purpose: Purpose,
    pub(super) user_id: UserId,
    pub(super) epoch: i64,
    pub(super) factors: Vec<Factor>,
    /// True when a factor that can start a sign-in is among them.
    pub(super) full: bool,
    /// The identity that was named, for the device cookie.
    pub(super) identity: Option<Hash>,
    /// The live sign-in that this belongs to, for step-up and enrolment.
    pub(super) keep: Option<SignInId>,
    pub(super) show_once: Fields,
}

impl Auth {
    /// Answers a flow. `provider` says which of the flow's `next` is answered; it may be left out when there is one.
    ///
    /// A wrong answer costs one of five attempts and gives `Refused` with a new flow to try again with.
    ///
    /// # Errors
    /// - `InvalidArgument`: a provider that this flow does not offer.
    /// - `PolicyViolation`: new credentials that break the policy.
    /// - `Unavailable`, `Overloaded`, `Timeout`: it could not be decided; the flow may be answered again.
    pub async fn continue_flow(
        &self,
        flow: &[u8],
        provider: Option<&str>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let Some(taken) = call.take(flow).await? else {
            return Ok(call.denied("", None, "flow_invalid"));
        };
        match call.answer(&taken, provider, credentials).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                // Nothing was decided: the flow can be answered again with the same token.
                call.put_back(&taken).await?;
                Err(error)
            }
        }
    }
}

/// A flow that this call has taken: nobody else can answer it now.
pub(super) struct Taken {
    token: FlowToken,
    row: store::Flow,
    state: FlowState,
    user: Option<User>,
    /// False for the first answer of a step-up, which needs no flow before the kind asks for one.
    is_stored: bool,
}

impl Call<'_> {
    /// Goes on after a factor: to the proof, or to what the policy still misses.
    pub(super) async fn proceed(&self, provider: &str, progress: Progress) -> Result<Answer<Proof>> {
        let settings = &self.context.settings.policy;
        let second = self.second_factors(progress.user_id).await?;
        let missing = match progress.purpose {
            Purpose::SignIn | Purpose::SignUp => {
                policy::missing(settings.require, &progress.factors, &second)
            }
            Purpose::Enrol | Purpose::StepUp | Purpose::Update => Missing::Nothing,
        };
        let (names, action) = match missing {
            Missing::Nothing => return self.accept(provider, progress),
            Missing::Verify(names) => (names, NextAction::Verify),
            Missing::Enrol(names) => (names, NextAction::Enrol),
        };
        if names.is_empty() {
            return Ok(self.denied(provider, Some(progress.user_id), "no_second_factor_possible"));
        }
        let mut state = FlowState::new(self.realm, progress.purpose);
        state.user_id = Some(*progress.user_id.as_bytes());
        state.epoch = progress.epoch;
        state.factors = Factor::to_json(&progress.factors);
        state.full = progress.full;
        state.device = progress.identity;
        state.next = names.into_iter().map(|name| (name, action)).collect();
        let mut answer = self.begin_flow(state).await?;
        answer.show_once = progress.show_once;
        Ok(answer)
    }

    /// The proof at the end of an authentication.
    fn accept(&self, provider: &str, progress: Progress) -> Result<Answer<Proof>> {
        self.emit(&Event {
            user_id: Some(progress.user_id),
            sign_in_id: progress.keep,
            provider: Some(provider.into()),
            ..self.event(EventName::AuthenticationSucceeded)
        });
        let origin = match (progress.purpose, progress.keep) {
            (Purpose::Enrol | Purpose::Update, Some(sign_in)) => ProofOrigin::Session(sign_in),
            _ => ProofOrigin::Credentials {
                full: progress.full,
                identity: progress.identity,
            },
        };
        let proof = self.proof(progress.user_id, progress.epoch, progress.factors, origin);
        let mut answer = Answer::of(Outcome::Accepted(proof));
        answer.show_once = progress.show_once;
        if self.browser().is_some() {
            self.clear_cookie(&mut answer.headers, crate::cookie::CookieKind::Flow);
        }
        Ok(answer)
    }

    /// The proof that replaces one whose user was changed with it: no event, nothing was authenticated.
    pub(super) fn renewed(&self, progress: Progress) -> Answer<Proof> {
        let origin = match progress.keep {
            Some(sign_in) => ProofOrigin::Session(sign_in),
            None => ProofOrigin::Credentials {
                full: progress.full,
                identity: progress.identity,
            },
        };
        Answer::of(Outcome::Accepted(self.proof(
            progress.user_id,
            progress.epoch,
            progress.factors,
            origin,
        )))
    }

    /// What the policy's second factors mean for this user.
    pub(super) async fn second_factors(&self, user: UserId) -> Result<Vec<SecondFactor>> {
        let names = &self.context.settings.policy.second_factor;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.store().authenticators(user).await?;
        names
            .iter()
            .map(|name| {
                let provider = self.provider(name)?;
                let declared = provider.kind.declaration();
                let usable = |held: &&store::Authenticator| {
                    held.at.group == provider.group
                        && held.kind == declared.name
                        && held.status != store::AuthenticatorStatus::Suspended
                };
                let enrolled = held.iter().any(|held| usable(&held));
                Ok(SecondFactor {
                    provider: name.clone(),
                    class: declared.class,
                    enrolled,
                })
            })
            .collect()
    }

    /// A live session proves another factor.
    pub(super) async fn step_up(&self, provider: &Provider, credentials: Fields) -> Result<Answer<Proof>> {
        let Some(session) = self.live_session().await? else {
            return Ok(self.denied(&provider.name, None, "no_session"));
        };
        let mut state = FlowState::new(self.realm, Purpose::StepUp);
        state.user_id = Some(*session.user().id.as_bytes());
        state.epoch = session.user().session_epoch;
        state.keep = Some(*session.id().as_bytes());
        state.next = vec![(provider.name.clone(), NextAction::Verify)];
        let id = FlowId::generate(self.now, &*self.context.random)?;
        // The same path as a flow's second factor, without a stored flow before the kind asks for one.
        let taken = Taken {
            token: FlowToken::draw(id, 0, &*self.context.random)?,
            row: self.row(id, 0, FLOW_ATTEMPTS, None),
            user: Some(session.user().clone()),
            state,
            is_stored: false,
        };
        self.answer(&taken, Some(&provider.name), credentials).await
    }

    /// Takes a flow: the one conditional write that makes this caller its only answerer.
    async fn take(&self, token: &[u8]) -> Result<Option<Taken>> {
        let Some(token) = FlowToken::parse(token) else {
            return Ok(None);
        };
        let Some(row) = self
            .store()
            .take_flow(token.id, token.step, token.hash(), self.now)
            .await?
        else {
            return Ok(None);
        };
        let state = FlowState::open(&self.context.keys, token.id, &row.state)?;
        // Bound to the browser that began it: the flow is spent, but whoever stole its token learns nothing.
        let bound = row.browser_hash.is_none() || row.browser_hash == self.browser();
        if !bound || state.realm != self.realm {
            self.store().drop_flow(token.id).await?;
            return Ok(None);
        }
        let user = match state.user_id() {
            Some(id) => {
                let user = self.store().user(id).await?;
                match user.filter(|user| user.disabled_at.is_none() && user.session_epoch == state.epoch) {
                    Some(user) => Some(user),
                    None => {
                        self.store().drop_flow(token.id).await?;
                        return Ok(None);
                    }
                }
            }
            None => None,
        };
        Ok(Some(Taken {
            token,
            row,
            state,
            user,
            is_stored: true,
        }))
    }

    /// Undoes a take that decided nothing: the same token is good again.
    async fn put_back(&self, taken: &Taken) -> Result<()> {
        if !taken.is_stored {
            return Ok(());
        }
        let row = store::Flow {
            step: taken.token.step,
            secret_hash: taken.token.hash(),
            attempts_left: taken.row.attempts_left + 1,
            ..taken.row.clone()
        };
        self.store().drop_flow(row.id).await?;
        self.store().put_flow(row).await?;
        Ok(())
    }

    /// Asks the kind that the answer is for, and goes on from its verdict.
    async fn answer(&self, taken: &Taken, named: Option<&str>, credentials: Fields) -> Result<Answer<Proof>> {
        match &taken.state.pending {
            Some(pending) => {
                if let Some(named) = named
                    && named != pending.provider
                {
                    return Err(Error::new(
                        ErrorKind::InvalidArgument,
                        format!(
                            "the flow waits for an answer with provider `{}`",
                            pending.provider
                        ),
                    ));
                }
                let provider = self.provider(&pending.provider)?;
                match pending.operation {
                    PendingOperation::Verify => {
                        self.answer_verify(taken, provider, Some(pending), credentials)
                            .await
                    }
                    PendingOperation::Enroll | PendingOperation::Update => {
                        self.answer_enrol(taken, provider, Some(pending), credentials)
                            .await
                    }
                }
            }
            None => {
                let (name, action) = only(&taken.state.next, named)?;
                let provider = self.provider(name)?;
                match action {
                    NextAction::Enrol => self.answer_enrol(taken, provider, None, credentials).await,
                    NextAction::Step | NextAction::Verify => {
                        self.answer_verify(taken, provider, None, credentials).await
                    }
                }
            }
        }
    }

    async fn answer_verify(
        &self,
        taken: &Taken,
        provider: &Provider,
        pending: Option<&Pending>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let state = &taken.state;
        let named = state.identifier()?;
        let (raw, canonical) = named
            .map(|(_, raw, canonical)| (raw, canonical))
            .unwrap_or_default();
        // Guesses are counted by user and provider: a new flow does not buy new guesses.
        let counted = match state.user_id() {
            Some(user) => identity_hash(self.realm, &provider.name, user.as_bytes()),
            None => identity_hash(self.realm, &provider.name, &canonical),
        };
        let counters = match self.attempt("step", Some(counted)).await? {
            Ok(counters) => counters,
            Err(wait) => {
                self.put_back(taken).await?;
                return Ok(self.throttled(Some(&provider.name), wait));
            }
        };
        let subject = match &taken.user {
            Some(user) => self.store().subject_of(user.id, provider.group.clone()).await?,
            None => None,
        };
        let question = Question {
            raw,
            canonical,
            credentials,
            resumes: pending
                .map(|pending| Ok::<_, Error>((operation(pending), pending.step, pending.state()?)))
                .transpose()?,
            decoy: state.decoy,
            ..Question::default()
        };
        let deadline = provider.kind.declaration().deadline;
        let verified = match self
            .verifier()
            .verify(provider, subject, question, deadline)
            .await
        {
            Ok(verified) => verified,
            Err(error) => {
                self.settle(counters, Attempted::Undecided).await?;
                return Err(error);
            }
        };
        match verified {
            Verified::Accepted {
                subject,
                factor,
                verdict,
            } => {
                self.settle(counters, Attempted::Right).await?;
                self.store().drop_flow(taken.token.id).await?;
                self.factor_proved(state, provider, &subject, factor, verdict)
                    .await
            }
            Verified::Continue { verdict, decoy } => {
                self.settle(counters, Attempted::Undecided).await?;
                let mut state = state.clone();
                state.decoy |= decoy;
                self.next_step(
                    taken,
                    state,
                    provider,
                    PendingOperation::Verify,
                    pending,
                    &verdict,
                )
                .await
            }
            Verified::Denied { reason, wrong } => {
                self.settle(
                    counters,
                    if wrong {
                        Attempted::Wrong
                    } else {
                        Attempted::Undecided
                    },
                )
                .await?;
                self.step_denied(taken, provider, reason).await
            }
        }
    }

    /// A factor was proved in a flow: unite it with those before it and go on.
    async fn factor_proved(
        &self,
        state: &FlowState,
        provider: &Provider,
        subject: &Subject,
        factor: Option<Factor>,
        verdict: Verdict,
    ) -> Result<Answer<Proof>> {
        let factors = Factor::united(&state.proved()?, factor.as_slice());
        let starts = provider.kind.declaration().can_start;
        let identity = state
            .identifier()?
            .map(|(name, _, canonical)| identity_hash(self.realm, &name, &canonical))
            .or(state.device);
        let progress = Progress {
            purpose: state.purpose,
            user_id: subject.user.id,
            epoch: subject.user.session_epoch,
            factors,
            full: state.full || starts,
            identity,
            keep: state.keep(),
            show_once: verdict.show_once,
        };
        self.proceed(&provider.name, progress).await
    }

    async fn answer_enrol(
        &self,
        taken: &Taken,
        provider: &Provider,
        pending: Option<&Pending>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let state = &taken.state;
        let mut ask = self.verifier().blank(provider);
        if let Some((_, raw, canonical)) = state.identifier()? {
            ask.display = String::from_utf8_lossy(&raw).into_owned();
            (ask.raw, ask.canonical) = (raw, canonical);
        }
        if let Some(user) = &taken.user {
            ask.subject = Some(user.id);
            if let Some(subject) = self.store().subject_of(user.id, provider.group.clone()).await? {
                ask.records = self.verifier().open_records(provider, &subject)?;
            }
        }
        ask.credentials = credentials;
        let purpose = pending.map_or(PendingOperation::Enroll, |pending| pending.operation);
        if let Some(pending) = pending {
            (ask.operation, ask.purpose, ask.step) = (Operation::Step, operation(pending), pending.step);
            ask.state = Some(pending.state()?);
        }
        let verdict = provider
            .kind
            .ask(ask, provider.kind.declaration().deadline)
            .await?;
        match verdict.decision {
            Decision::Continue => {
                self.next_step(taken, state.clone(), provider, purpose, pending, &verdict)
                    .await
            }
            Decision::Accept => {
                let answer = self.enrolled(taken, provider, verdict).await?;
                self.store().drop_flow(taken.token.id).await?;
                Ok(answer)
            }
            Decision::Deny if !verdict.violations.is_empty() => Err(Error::policy(verdict.violations)),
            Decision::Deny | Decision::Resolve => {
                self.step_denied(taken, provider, verdict.denial.id()).await
            }
        }
    }

    /// New records were made in a flow: a new user, or an authenticator of one.
    async fn enrolled(&self, taken: &Taken, provider: &Provider, verdict: Verdict) -> Result<Answer<Proof>> {
        let state = &taken.state;
        let Some(user) = &taken.user else {
            let (Some(draft), Some((_, raw, bytes))) = (state.draft.clone(), state.identifier()?) else {
                return Err(Error::new(ErrorKind::Internal, "a sign-up flow without a draft"));
            };
            let canonical = Canonical {
                bytes,
                rule: provider.rule.name(),
                rule_version: provider.rule_version(),
            };
            return self
                .insert_user(provider, &raw, canonical, verdict, draft, None)
                .await;
        };
        let epoch = self
            .add_authenticators(provider, user, state.keep(), &verdict)
            .await?;
        let factor = provider.factor(self.now);
        let progress = Progress {
            purpose: state.purpose,
            user_id: user.id,
            epoch,
            factors: Factor::united(&state.proved()?, factor.as_slice()),
            full: state.full,
            identity: state.device,
            keep: state.keep(),
            show_once: verdict.show_once,
        };
        self.proceed(&provider.name, progress).await
    }

    // The flow's row.

    fn row(&self, id: FlowId, step: u32, attempts_left: u32, browser_hash: Option<Hash>) -> store::Flow {
        store::Flow {
            id,
            step,
            secret_hash: [0; 32],
            user_id: None,
            browser_hash,
            attempts_left,
            state: Vec::new(),
            expires_at: self.now.plus(FLOW_TTL),
        }
    }

    /// Stores a new flow and hands it out.
    pub(super) async fn begin_flow(&self, state: FlowState) -> Result<Answer<Proof>> {
        let mut headers = ResponseHeaders::default();
        let id = FlowId::generate(self.now, &*self.context.random)?;
        let token = FlowToken::draw(id, 0, &*self.context.random)?;
        let row = store::Flow {
            secret_hash: token.hash(),
            user_id: state.user_id(),
            state: state.seal(&self.context.keys, &*self.context.random, id)?,
            ..self.row(id, 0, FLOW_ATTEMPTS, self.bind_browser(&mut headers)?)
        };
        let handle = self.handle(&token, &state, &row)?;
        self.store().put_flow(row).await?;
        self.continued(&state);
        Ok(Answer {
            headers,
            ..Answer::of(Outcome::Continue(handle))
        })
    }

    /// Gives the taken flow its next step, with all attempts anew: the last answer was right.
    async fn next_step(
        &self,
        taken: &Taken,
        mut state: FlowState,
        provider: &Provider,
        operation: PendingOperation,
        before: Option<&Pending>,
        verdict: &Verdict,
    ) -> Result<Answer<Proof>> {
        let kind_state = verdict.state.clone().unwrap_or_default();
        let step = before.map_or(1, |before| before.step.saturating_add(1));
        state.pending = Some(Pending::new(
            &provider.name,
            operation,
            step,
            &kind_state,
            &verdict.challenge,
        ));
        let mut headers = ResponseHeaders::default();
        let Some(handle) = self
            .return_flow(taken, &state, FLOW_ATTEMPTS, &mut headers)
            .await?
        else {
            return Ok(self.denied(&provider.name, state.user_id(), "flow_invalid"));
        };
        self.continued(&state);
        Ok(Answer {
            headers,
            ..Answer::of(Outcome::Continue(handle))
        })
    }

    /// A wrong answer: one attempt is gone, and the old state may be tried again with a new token.
    async fn step_denied(&self, taken: &Taken, provider: &Provider, reason: &str) -> Result<Answer<Proof>> {
        let mut answer = self.denied(&provider.name, taken.state.user_id(), reason);
        if !taken.is_stored {
            return Ok(answer);
        }
        if taken.row.attempts_left == 0 {
            self.store().drop_flow(taken.token.id).await?;
            return Ok(answer);
        }
        let left = taken.row.attempts_left;
        let handle = self
            .return_flow(taken, &taken.state, left, &mut answer.headers)
            .await?;
        answer.outcome = Outcome::Refused(handle);
        Ok(answer)
    }

    /// Writes a taken flow with a new secret; `None`: somebody else moved it.
    async fn return_flow(
        &self,
        taken: &Taken,
        state: &FlowState,
        attempts_left: u32,
        headers: &mut ResponseHeaders,
    ) -> Result<Option<FlowHandle>> {
        let stored = self.store();
        let token = FlowToken::draw(taken.token.id, taken.row.step, &*self.context.random)?;
        let row = store::Flow {
            secret_hash: token.hash(),
            attempts_left,
            state: state.seal(&self.context.keys, &*self.context.random, token.id)?,
            user_id: state.user_id(),
            ..taken.row.clone()
        };
        let handle = self.handle(&token, state, &row)?;
        // A flow that was never stored (a step-up's first answer) is stored now.
        if !taken.is_stored {
            let browser_hash = self.bind_browser(headers)?;
            stored.put_flow(store::Flow { browser_hash, ..row }).await?;
            return Ok(Some(handle));
        }
        Ok(stored.return_flow(row).await?.then_some(handle))
    }

    /// What the holder of a flow sees.
    fn handle(&self, token: &FlowToken, state: &FlowState, row: &store::Flow) -> Result<FlowHandle> {
        let next: Vec<Next> = match &state.pending {
            Some(pending) => {
                let provider = self.provider(&pending.provider)?;
                vec![provider.next(
                    NextAction::Step,
                    operation(pending),
                    pending.step,
                    pending.challenge()?,
                )]
            }
            None => state
                .next
                .iter()
                .map(|(name, action)| {
                    let purpose = match action {
                        NextAction::Enrol => Operation::Enroll,
                        NextAction::Step | NextAction::Verify => Operation::Verify,
                    };
                    Ok(self.provider(name)?.next(*action, purpose, 0, Fields::default()))
                })
                .collect::<Result<_>>()?,
        };
        Ok(FlowHandle {
            token: token.text(),
            next,
            expires_at: row.expires_at,
        })
    }

    fn continued(&self, state: &FlowState) {
        let user_id = state.user_id();
        self.emit(&Event {
            user_id,
            ..self.event(EventName::AuthenticationContinued)
        });
    }

    /// True when the user has a usable authenticator of the provider's group.
    pub(super) fn has_authenticator(&self, provider: &Provider, subject: &Subject) -> bool {
        usable_authenticators(provider, subject, self.now)
            .next()
            .is_some()
    }
}
