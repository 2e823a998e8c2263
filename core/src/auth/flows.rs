//! The flow's row: begun, taken, given its next step, put back, returned after a wrong answer.

use super::call::Call;
use super::charges::Letters;
use super::links::Link;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::event::{Event, EventName};
use crate::flow::{
    Course, FLOW_ATTEMPTS, FLOW_TTL, FlowHandle, FlowState, FlowToken, Method, MethodAction, Pending,
    PendingOperation, Purpose, Unstored,
};
use crate::headers::ResponseHeaders;
use crate::id::FlowId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Fields, Operation, UNSTORED_MAX_STATE, Verdict};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::secret::Secret;
use crate::store::{self, Hash, Post, User};

/// A flow that this call has taken: nobody else can answer it now.
pub(super) struct Taken {
    pub(super) token: FlowToken,
    pub(super) row: store::Flow,
    pub(super) state: FlowState,
    pub(super) user: Option<User>,
    pub(super) held: Held,
}

/// Where a taken flow stands.
pub(super) enum Held {
    /// Nowhere: the first answer of a step-up needs no flow before the kind asks for one.
    Nowhere,
    /// In the store.
    Row,
    /// In its own token; the mark says that it was answered rightly.
    Token { text: Secret, mark: Hash },
}

impl Taken {
    fn is_stored(&self) -> bool {
        matches!(self.held, Held::Row)
    }
}

impl Call<'_> {
    /// Stores a new flow and hands it out.
    pub(super) async fn begin_flow(&self, state: FlowState) -> Result<Answer<Proof>> {
        let id = FlowId::generate(self.now, &*self.context.random)?;
        let begun = (id, self.now.plus(FLOW_TTL));
        self.begin_flow_with(begun, state, Letters::default()).await
    }

    /// Stores a new flow with this id and end, and queues messages in the transaction, and hands it out.
    async fn begin_flow_with(
        &self,
        (id, expires_at): (FlowId, Timestamp),
        state: FlowState,
        mut letters: Letters,
    ) -> Result<Answer<Proof>> {
        // Whoever has proved something, or is signed in, is no stranger.
        let owner = state.user_id().map(|user| (user, state.course.epoch()));
        if state.course.session().is_none() && state.proved()?.is_empty() {
            match self.begin_charges(owner).await? {
                Ok(charges) => letters.post.charges = charges,
                Err(wait) => return Ok(self.throttled(None, wait)),
            }
        }
        let mut headers = ResponseHeaders::default();
        let token = FlowToken::draw(id, 0, &*self.context.random)?;
        let row = store::Flow {
            secret_hash: token.hash(),
            user_id: state.user_id(),
            state: state.seal(&self.context.keys, &*self.context.random, id)?,
            expires_at,
            ..self.row(id, 0, FLOW_ATTEMPTS, self.bind_browser(&mut headers)?)
        };
        letters.post.beside = state.course.owner().rows();
        let handle = self.handle(token.text(), &state, row.expires_at)?;
        let posted = self.store().put_flow(row, letters.post, self.now).await?;
        if let Some(wait) = self.posted(posted, &letters.domains) {
            return Ok(self.throttled(None, wait));
        }
        self.continued(&state);
        Ok(Answer {
            headers,
            ..Answer::of(Outcome::Continue(handle))
        })
    }

    /// Stores a flow whose next answer goes to the kind that just said CONTINUE.
    pub(super) async fn begin_step(
        &self,
        provider: &Provider,
        mut state: FlowState,
        operation: PendingOperation,
        verdict: &Verdict,
    ) -> Result<Answer<Proof>> {
        let kind_state = verdict.state.clone().unwrap_or_default();
        state.pending = Some(Pending::new(
            &provider.name,
            operation,
            1,
            &kind_state,
            &verdict.challenge,
        ));
        // A state that its kind wants to live shorter ends the flow.
        let lives = verdict.state_ttl.unwrap_or(FLOW_TTL).min(FLOW_TTL);
        let begun = (
            FlowId::generate(self.now, &*self.context.random)?,
            self.now.plus(lives),
        );
        let link = self.link(provider, verdict, &state, begun)?;
        if let (Course::SignIn { link: beside, .. }, Some(link)) = (&mut state.course, &link) {
            *beside = Some(link.token.secret_hash);
        }
        let letters = self.letters(provider, verdict, &state, link)?;
        let travels = provider.kind.declaration().unstored_start
            && kind_state.len() <= UNSTORED_MAX_STATE
            && verdict.messages.is_empty()
            && Unstored::fits(&state);
        if travels && let Some(answer) = self.begin_unstored(&state, begun)? {
            return Ok(answer);
        }
        self.begin_flow_with(begun, state, letters).await
    }

    /// Hands out a flow that no row holds; `None`: its token would be too long.
    fn begin_unstored(
        &self,
        state: &FlowState,
        (id, expires_at): (FlowId, Timestamp),
    ) -> Result<Option<Answer<Proof>>> {
        let mut headers = ResponseHeaders::default();
        let flow = Unstored {
            id,
            expires_at,
            browser_hash: self.bind_browser(&mut headers)?,
            state: state.clone(),
        };
        let Some(text) = flow.seal(&self.context.keys, &*self.context.random)? else {
            return Ok(None);
        };
        let handle = self.handle(text, state, flow.expires_at)?;
        self.continued(state);
        Ok(Some(Answer {
            headers,
            ..Answer::of(Outcome::Continue(handle))
        }))
    }

    /// Takes a flow that no row holds: reads its token. Nothing is written, so many may hold it at once; which of their
    /// right answers is the first, [`finish`](Self::finish) says.
    fn take_unstored(&self, token: &[u8]) -> Result<Option<Taken>> {
        let Some(flow) = Unstored::open(&self.context.keys, token) else {
            return Ok(None);
        };
        let bound = flow.browser_hash.is_none() || flow.browser_hash == self.browser();
        if !bound || flow.state.realm != self.realm || flow.expires_at <= self.now {
            return Ok(None);
        }
        Ok(Some(Taken {
            token: FlowToken::draw(flow.id, 0, &*self.context.random)?,
            row: store::Flow {
                expires_at: flow.expires_at,
                ..self.row(flow.id, 0, FLOW_ATTEMPTS, flow.browser_hash)
            },
            user: None,
            held: Held::Token {
                text: Secret::new(token.to_vec()),
                mark: flow.mark(),
            },
            state: flow.state,
        }))
    }

    /// Ends a taken flow that was answered rightly, before anything comes of it. False: it was answered rightly before.
    pub(super) async fn finish(&self, taken: &Taken) -> Result<bool> {
        match &taken.held {
            Held::Nowhere => Ok(true),
            Held::Row => match taken.state.course {
                Course::SignIn {
                    link: Some(secret_hash),
                    ..
                } => return self.void_link(taken.token.id, secret_hash).await,
                _ => self.store().drop_flow(taken.token.id).await.map(|()| true),
            },
            // The mark outlives the token by far: no other clock may think it gone while the token is good.
            Held::Token { mark, .. } => {
                let until = taken.row.expires_at.plus(FLOW_TTL);
                self.store().spend(*mark, until, self.now).await
            }
        }
        .map_err(Into::into)
    }

    /// The messages of a step, and decoys for where they may not be sent: by the same work for somebody and nobody.
    fn letters(
        &self,
        provider: &Provider,
        verdict: &Verdict,
        state: &FlowState,
        link: Option<Link>,
    ) -> Result<Letters> {
        let owner = state.user_id().map(|user| (user, state.course.epoch()));
        self.charged_letters(provider, verdict, owner, state.decoy, link)
    }

    /// Takes a flow: the one conditional write that makes this caller its only answerer.
    pub(super) async fn take(&self, token: &[u8]) -> Result<Option<Taken>> {
        let Some(token) = FlowToken::parse(token) else {
            return self.take_unstored(token);
        };
        let Some(row) = self
            .store()
            .take_flow(token.id, token.step, token.hash(), self.now)
            .await?
        else {
            return Ok(None);
        };
        let mut state = FlowState::open(&self.context.keys, token.id, &row.state)?;
        // Bound to the browser that began it: the flow is spent, but whoever stole its token learns nothing.
        let bound = row.browser_hash.is_none() || row.browser_hash == self.browser();
        if !bound || state.realm != self.realm {
            self.store().drop_flow(token.id).await?;
            return Ok(None);
        }
        let user = if let Some(id) = state.user_id() {
            let user = self.store().user(id).await?;
            match user.filter(|user| user.accepts(state.course.epoch())) {
                Some(user) => Some(user),
                // Whoever has proved nothing yet must not learn that the user was disabled or changed meanwhile.
                None if state.purpose() == Purpose::SignIn && state.proved()?.is_empty() => {
                    state.decoy = true;
                    None
                }
                None => {
                    self.store().drop_flow(token.id).await?;
                    return Ok(None);
                }
            }
        } else {
            // Where nobody is, somebody is looked up all the same.
            if state.decoy || state.purpose() == Purpose::SignIn {
                self.store().user(state.course.owner().rows()).await?;
            }
            None
        };
        // Whoever signed out has taken back what was begun in that session.
        if let (Some(user), Some(keep)) = (&user, state.course.session())
            && !self.is_live(user.id, keep).await?
        {
            self.store().drop_flow(token.id).await?;
            return Ok(None);
        }
        Ok(Some(Taken {
            token,
            row,
            state,
            user,
            held: Held::Row,
        }))
    }

    /// Undoes a take that decided nothing: the same token is good again.
    pub(super) async fn put_back(&self, taken: &Taken) -> Result<()> {
        if !taken.is_stored() {
            return Ok(());
        }
        let row = store::Flow {
            step: taken.token.step,
            secret_hash: taken.token.hash(),
            attempts_left: taken.row.attempts_left + 1,
            ..taken.row.clone()
        };
        self.store().drop_flow(row.id).await?;
        self.store().put_flow(row, Post::default(), self.now).await?;
        Ok(())
    }

    /// Gives the taken flow its next step, with all attempts anew: the last answer was right.
    pub(super) async fn next_step(
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
        // What no row holds is left for a row once.
        if matches!(taken.held, Held::Token { .. }) && !self.finish(taken).await? {
            return Ok(self.denied(&provider.name, state.user_id(), "flow_spent"));
        }
        let mut headers = ResponseHeaders::default();
        let letters = self.letters(provider, verdict, &state, None)?;
        let Some(handle) = self
            .return_flow(taken, &state, FLOW_ATTEMPTS, &mut headers, letters)
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
    pub(super) async fn step_denied(
        &self,
        taken: &Taken,
        provider: &Provider,
        reason: &str,
    ) -> Result<Answer<Proof>> {
        let mut answer = self.wrong(provider, taken.state.user_id(), reason);
        match &taken.held {
            Held::Nowhere => return Ok(answer),
            // Nothing was written: the same token is as good as before.
            Held::Token { text, .. } => {
                let handle = self.handle(text.clone(), &taken.state, taken.row.expires_at)?;
                answer.outcome = Outcome::Refused(Some(handle));
                return Ok(answer);
            }
            Held::Row => {}
        }
        if taken.row.attempts_left == 0 {
            self.store().drop_flow(taken.token.id).await?;
            return Ok(answer);
        }
        let left = taken.row.attempts_left;
        let handle = self
            .return_flow(taken, &taken.state, left, &mut answer.headers, Letters::default())
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
        mut letters: Letters,
    ) -> Result<Option<FlowHandle>> {
        letters.post.beside = state.course.owner().rows();
        let stored = self.store();
        let fresh = FlowToken::draw(taken.token.id, taken.row.step, &*self.context.random)?;
        let row = store::Flow {
            secret_hash: fresh.hash(),
            attempts_left,
            state: state.seal(&self.context.keys, &*self.context.random, fresh.id)?,
            user_id: state.user_id(),
            ..taken.row.clone()
        };
        let handle = self.handle(fresh.text(), state, row.expires_at)?;
        // A flow that was never stored (a step-up's first answer, a token's) is stored now.
        if !taken.is_stored() {
            let browser_hash = self.bind_browser(headers)?;
            let row = store::Flow { browser_hash, ..row };
            let posted = stored.put_flow(row, letters.post, self.now).await?;
            self.posted(posted, &letters.domains);
            return Ok(Some(handle));
        }
        let returned = stored.return_flow(row, letters.post, self.now).await?;
        Ok(returned.map(|posted| {
            self.posted(posted, &letters.domains);
            handle
        }))
    }

    pub(super) fn row(
        &self,
        id: FlowId,
        step: u32,
        attempts_left: u32,
        browser_hash: Option<Hash>,
    ) -> store::Flow {
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

    /// What the holder of a flow sees.
    fn handle(&self, token: Secret, state: &FlowState, expires_at: Timestamp) -> Result<FlowHandle> {
        let next: Vec<Method> = match &state.pending {
            Some(pending) => {
                let provider = self.provider(&pending.provider)?;
                vec![provider.next(
                    MethodAction::Step,
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
                        MethodAction::Enroll => Operation::Enroll,
                        MethodAction::Step | MethodAction::Verify => Operation::Verify,
                    };
                    Ok(self.provider(name)?.next(*action, purpose, 0, Fields::default()))
                })
                .collect::<Result<_>>()?,
        };
        let named = state.identity.as_ref().map(|(provider, ..)| provider);
        let open = state.pending.as_ref().map(|pending| &pending.provider);
        Ok(FlowHandle {
            purpose: state.purpose(),
            user_id: state.user_id(),
            provider: named.or(open).cloned(),
            token,
            next,
            expires_at,
        })
    }

    fn continued(&self, state: &FlowState) {
        let user_id = state.user_id();
        self.emit(&Event {
            user_id,
            ..self.event(EventName::AuthenticationContinued)
        });
    }
}

/// The kind's operation behind a pending step.
pub(super) fn operation(pending: &Pending) -> Operation {
    pending.operation.into()
}
