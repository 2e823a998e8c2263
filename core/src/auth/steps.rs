//! Steps: answers to a flow, and a further factor for a live session.

use super::Auth;
use super::call::Call;
use super::flows::{Held, Taken, operation};
use super::progress::{Aim, Progress};
use super::sign_up::found;
use crate::error::{Error, ErrorKind, Result};
use crate::factor::Factor;
use crate::flow::{
    Course, FLOW_ATTEMPTS, FlowState, FlowToken, Holder, MethodAction, Named, Pending, PendingOperation,
    Purpose,
};
use crate::id::{FlowId, UserId};
use crate::outcome::Answer;
use crate::plugin::{Decision as Said, Fields, IdentifierSource, Operation, Verdict};
use crate::policy::Decision;
use crate::proof::Proof;
use crate::provider::Provider;
use crate::session::Session;
use crate::store::Subject;
use crate::throttle::Counters;
use crate::token::SingleUseToken;
use crate::verification::{Bound, Question, Verified};

impl Auth {
    /// Answers a flow. `provider` says which of the flow's `next` is answered; it may be left out when there is one.
    ///
    /// A wrong answer costs one of five attempts and gives `Refused` with a new flow to try again with.
    ///
    /// The token of the link that came with a mailed code ([`TokenPurpose::SignInLink`](super::TokenPurpose)) may stand in
    /// place of a flow's, alone: it is the right code, in this browser, whoever asked for it and wherever. It is good once,
    /// and the code is void with it.
    ///
    /// # Errors
    /// - `InvalidState`: a link on a request that only reads (`GET`), which spends nothing: let the person press a button.
    /// - `InvalidArgument`: a provider that this flow does not offer.
    /// - `PolicyViolation`: new credentials that break the policy.
    /// - `Unavailable`, `Overloaded`, `Timeout`: it could not be decided; the flow may be answered again.
    #[doc = include_str!("../../doc/operations/continue_flow.md")]
    pub async fn continue_flow(
        &self,
        flow: &[u8],
        provider: Option<&str>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        if SingleUseToken::parse(flow).is_some() {
            return call.confirm_link(flow, provider, &credentials).await;
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

impl Call<'_> {
    /// A live session proves another factor.
    pub(super) async fn step_up(&self, provider: &Provider, credentials: Fields) -> Result<Answer<Proof>> {
        match self.live_session().await? {
            Some(session) => self.step_up_of(&session, provider, credentials).await,
            None => Ok(self.denied(&provider.name, None, "no_session")),
        }
    }

    /// A session that was looked up already proves another factor.
    pub(super) async fn step_up_of(
        &self,
        session: &Session,
        provider: &Provider,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let course = Course::StepUp {
            holder: Holder::of(session.user().id, session.user().session_epoch),
            session: *session.id().as_bytes(),
        };
        let mut state = FlowState::new(self.realm, course);
        // What the session has proved is judged together with what comes now.
        state.factors = Factor::to_json(session.factors());
        state.next = vec![(provider.name.clone(), MethodAction::Verify)];
        let id = FlowId::generate(self.now, &*self.context.random)?;
        // The same path as a flow's second factor, without a stored flow before the kind asks for one.
        let taken = Taken {
            token: FlowToken::draw(id, 0, &*self.context.random)?,
            row: self.row(id, 0, FLOW_ATTEMPTS, None),
            user: Some(session.user().clone()),
            state,
            held: Held::Nowhere,
        };
        self.answer(&taken, Some(&provider.name), credentials).await
    }

    /// Asks the kind that the answer is for, and goes on from its verdict.
    async fn answer(&self, taken: &Taken, named: Option<&str>, credentials: Fields) -> Result<Answer<Proof>> {
        let Some(pending) = &taken.state.pending else {
            let (name, action) = only(&taken.state.next, named)?;
            let provider = self.provider(name)?;
            return match action {
                MethodAction::Enroll => self.answer_enroll(taken, provider, None, credentials).await,
                MethodAction::Step | MethodAction::Verify => {
                    self.answer_verify(taken, provider, None, credentials).await
                }
            };
        };
        if named.is_some_and(|named| named != pending.provider) {
            let message = format!(
                "the flow waits for an answer with provider `{}`",
                pending.provider
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let provider = self.provider(&pending.provider)?;
        match pending.operation {
            PendingOperation::Verify => {
                self.answer_verify(taken, provider, Some(pending), credentials)
                    .await
            }
            PendingOperation::Enroll | PendingOperation::Update => {
                self.answer_enroll(taken, provider, Some(pending), credentials)
                    .await
            }
        }
    }

    /// What counts the answer to a step.
    fn counters_of_step(&self, taken: &Taken, provider: &Provider, canonical: &[u8]) -> Counters {
        // Guesses are counted by user and provider: a new flow does not buy new guesses. Where nobody is named yet,
        // there is nobody to guess for, and nobody's counter that a stranger could fill.
        let from = self.origin(taken.user.as_ref().map(|user| (user.id, user.session_epoch)));
        let settings = &self.context.settings.throttle;
        match taken.state.user_id() {
            // What cannot be guessed is right, whatever is closed.
            _ if provider.kind.declaration().unguessable => Counters::default(),
            Some(user) => settings.later_step(from, user.as_bytes(), &provider.name),
            None if provider.source() == IdentifierSource::Found => Counters::default(),
            None => settings.later_step(from, canonical, &provider.name),
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
        let Named { raw, canonical, .. } = self.identifier(state, provider).await?;
        let counters = self.counters_of_step(taken, provider, &canonical);
        let user = state.user_id().unwrap_or(UserId::NOBODY);
        let row = match self.in_a_row(provider, None) {
            Some(_) => {
                let subject = self.store().subject_of(user, provider.group.clone()).await?;
                self.in_a_row(provider, subject.as_ref())
            }
            None => None,
        };
        let counters = counters.shut(self.is_shut(row.as_ref()));
        let attempt = match self.attempt(Some(provider), counters).await? {
            Ok(attempt) => attempt.at(row),
            Err(wait) => {
                self.put_back(taken).await?;
                return Ok(self.throttled(Some(&provider.name), wait));
            }
        };
        let verified = self
            .verify_step(taken, provider, pending, (raw, canonical), credentials)
            .await;
        let verified = Self::settled(attempt, verified).await?;
        match verified {
            Verified::Accepted {
                subject,
                factor,
                verdict,
            } => {
                let Some(aim) = Aim::of(&state.course) else {
                    return Err(self.taken(provider, "identifier"));
                };
                if !self.finish(taken).await? {
                    return Ok(self.denied(&provider.name, Some(subject.user.id), "flow_spent"));
                }
                self.note_reach(provider, &subject, &verdict).await?;
                self.factor_proved(aim, state, provider, (&subject, factor), *verdict)
                    .await
            }
            Verified::Unregistered {
                raw,
                canonical,
                factor,
                verdict,
            } => {
                if !self.finish(taken).await? {
                    return Ok(self.denied(&provider.name, None, "flow_spent"));
                }
                let of = state.user_id();
                self.unregistered(provider, raw, canonical, factor, &verdict, of)
            }
            Verified::Continue { verdict, decoy } => {
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
            Verified::Denied { reason, .. } => self.step_denied(taken, provider, reason).await,
        }
    }

    async fn verify_step(
        &self,
        taken: &Taken,
        provider: &Provider,
        pending: Option<&Pending>,
        (raw, canonical): (Vec<u8>, Vec<u8>),
        credentials: Fields,
    ) -> Result<Verified> {
        let state = &taken.state;
        // Who links proves an identifier that is nobody's yet: not theirs, by whichever of theirs there are.
        let known = taken.user.as_ref().filter(|_| state.purpose() != Purpose::Link);
        let subject = match known {
            Some(user) => self.store().subject_of(user.id, provider.group.clone()).await?,
            // A wrong answer for nobody takes as long as one for somebody.
            None if state.purpose() == Purpose::SignIn => {
                self.store()
                    .subject_of(state.course.owner().rows(), provider.group.clone())
                    .await?;
                None
            }
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
            bound: state
                .user_id()
                .filter(|_| state.purpose() != Purpose::Link)
                .map(|user| Bound {
                    user,
                    epoch: Some(state.course.epoch()),
                }),
            ..Question::default()
        };
        self.verifier().verify(provider, subject, question).await
    }

    /// A factor was proved in a flow: unite it with those before it and go on.
    async fn factor_proved(
        &self,
        aim: Aim,
        state: &FlowState,
        provider: &Provider,
        (subject, factor): (&Subject, Option<Factor>),
        verdict: Verdict,
    ) -> Result<Answer<Proof>> {
        let factors = Factor::united(&state.proved()?, factor.as_slice());
        let progress = Progress {
            aim,
            user_id: subject.user.id,
            epoch: subject.user.session_epoch,
            factors,
            show_once: verdict.show_once,
            others: Vec::new(),
        };
        self.proceed(&provider.name, progress).await
    }

    /// The identifier to ask this provider's kind about: the one that was named with it, or, for a factor of a user who
    /// is known, the user's own.
    async fn identifier(&self, state: &FlowState, provider: &Provider) -> Result<Named> {
        if provider.source() != IdentifierSource::Given {
            return Ok(Named::default());
        }
        if let Some(named) = state
            .identifier()?
            .filter(|named| named.provider == provider.name)
        {
            return Ok(named);
        }
        let Some(user) = state.user_id() else {
            return Ok(Named::default());
        };
        let account = self.account(user).await?;
        // Of several at one name, one that was asked for: a code to another mailbox would bring nobody further.
        let asked = match account.decide(&state.proved()?) {
            Decision::Verify(methods) => methods
                .into_iter()
                .find(|method| method.name == provider.name)
                .and_then(|method| method.identifier),
            _ => None,
        };
        let mut at_name = account
            .identities
            .into_iter()
            .filter(|identity| identity.at.provider == provider.name);
        let own = match asked {
            Some(canonical) => at_name.find(|identity| identity.at.canonical == canonical),
            None => at_name.next(),
        };
        Ok(own.map_or_else(Named::default, |identity| Named {
            provider: identity.at.provider,
            raw: identity.raw,
            canonical: identity.at.canonical,
        }))
    }

    /// Goes on with an enrollment. The last step of a sign-up says whether the identifier is taken, so it is counted
    /// like the first.
    async fn answer_enroll(
        &self,
        taken: &Taken,
        provider: &Provider,
        pending: Option<&Pending>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        if taken.user.is_some() {
            return self.enroll_step(taken, provider, pending, credentials).await;
        }
        let work = async || self.enroll_step(taken, provider, pending, credentials).await;
        match self.counted_sign_up(Some(provider), work).await? {
            Ok(answer) => Ok(answer),
            Err(wait) => {
                self.put_back(taken).await?;
                Ok(self.throttled(Some(&provider.name), wait))
            }
        }
    }

    async fn enroll_step(
        &self,
        taken: &Taken,
        provider: &Provider,
        pending: Option<&Pending>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let state = &taken.state;
        let mut ask = self.verifier().blank(provider);
        if let Some(named) = state.identifier()? {
            ask.display = String::from_utf8_lossy(&named.raw).into_owned();
            (ask.raw, ask.canonical) = (named.raw, named.canonical);
        }
        if let Course::SignUp(draft) = &state.course
            && !draft.display.is_empty()
        {
            ask.display.clone_from(&draft.display);
        }
        if let Some(user) = &taken.user {
            ask.subject = Some(user.id);
            ask.known = self.verifier().own_browser(user);
            if ask.display.is_empty() {
                ask.display = self.display(user.id).await?;
            }
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
        let verdict = provider.ask(ask).await?;
        match verdict.decision {
            Said::Continue => {
                self.next_step(taken, state.clone(), provider, purpose, pending, &verdict)
                    .await
            }
            Said::Accept => {
                let answer = self.enrolled(taken, provider, verdict).await?;
                self.store().drop_flow(taken.token.id).await?;
                Ok(answer)
            }
            Said::Deny if !verdict.violations.is_empty() => Err(Error::policy(verdict.violations)),
            Said::Deny | Said::Resolve => self.step_denied(taken, provider, verdict.denial.id()).await,
        }
    }

    /// New records were made in a flow: a new user, or an authenticator of one.
    async fn enrolled(&self, taken: &Taken, provider: &Provider, verdict: Verdict) -> Result<Answer<Proof>> {
        let state = &taken.state;
        if let Course::SignUp(draft) = &state.course {
            let (raw, canonical) = match state.identifier()? {
                Some(named) => (named.raw, provider.canonical_as(named.canonical)),
                None => found(provider, &verdict)?,
            };
            return self
                .insert_user(provider, &raw, canonical, verdict, draft.clone(), None)
                .await;
        }
        // A link enrolls nothing, and nobody has nothing to enroll.
        let (Some(user), Some(aim)) = (&taken.user, Aim::of(&state.course)) else {
            return self.step_denied(taken, provider, "unknown_user").await;
        };
        let (epoch, others) = self.add_authenticators(provider, user, state, &verdict).await?;
        let factor = provider.factor(self.now);
        let progress = Progress {
            aim,
            user_id: user.id,
            epoch,
            factors: Factor::united(&state.proved()?, factor.as_slice()),
            show_once: verdict.show_once,
            others,
        };
        self.proceed(&provider.name, progress).await
    }
}

/// The only provider that can be meant when none is named.
pub(super) fn only<'n>(
    next: &'n [(String, MethodAction)],
    named: Option<&str>,
) -> Result<&'n (String, MethodAction)> {
    let offered = || {
        next.iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (named, next) {
        (None, [one]) => Ok(one),
        (None, _) => Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("name the provider to answer with; one of: {}", offered()),
        )),
        (Some(named), _) => next.iter().find(|(name, _)| name == named).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "provider `{named}` cannot answer this flow; one of: {}",
                    offered()
                ),
            )
        }),
    }
}
