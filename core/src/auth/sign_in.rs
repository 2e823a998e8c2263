//! Signing in: a first factor is verified, or nobody's is, with the same answer after the same work.

use super::Auth;
use super::call::Call;
use super::named::Named;
use super::progress::{Aim, Progress};
use crate::clock::Clock as _;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::flow::{Course, FlowState, Owner, PendingOperation};
use crate::id::UserId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Fields, IdentifierSource, Operation};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::store::{Subject, SubjectLook};
use crate::throttle::Counters;
use crate::verification::{Bound, Question, Verified};

impl Auth {
    /// Verifies credentials. `identifier` is what the person gave; `None` where the kind finds it or needs none.
    ///
    /// On a request with a live session a second factor may be named; the proof is then for that session's user.
    ///
    /// A kind that verifies elsewhere may accept somebody whom nobody here is: `Unregistered(claim)`.
    ///
    /// # Errors
    /// - `InvalidArgument`: an unknown provider name, or no identifier where one is needed.
    /// - `Unavailable`, `Overloaded`, `Timeout`: it could not be decided, and nothing counts against anybody.
    #[doc = include_str!("../../doc/operations/authenticate.md")]
    pub async fn authenticate(
        &self,
        provider: &str,
        identifier: Option<&[u8]>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        match (provider.source(), identifier) {
            (IdentifierSource::User, _) => call.step_up(provider, credentials).await,
            (IdentifierSource::Given, Some(identifier)) => {
                call.sign_in(provider, identifier, credentials).await
            }
            (IdentifierSource::Given, None) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("provider `{}` needs an identifier", provider.name),
            )),
            // A second factor of whoever is signed in; where nobody is, a first one.
            (IdentifierSource::Found, _) if call.is_second_factor(provider) => {
                match call.live_session().await? {
                    Some(session) => call.step_up_of(&session, provider, credentials).await,
                    None => call.sign_in(provider, b"", credentials).await,
                }
            }
            (IdentifierSource::Found, _) => call.sign_in(provider, b"", credentials).await,
        }
    }
}

impl Call<'_> {
    /// Verifies a first factor.
    pub(super) async fn sign_in(
        &self,
        provider: &Provider,
        raw: &[u8],
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        if !provider.kind.declaration().can_start {
            return Err(unsupported(provider, "start a sign-in"));
        }
        let found = provider.source() == IdentifierSource::Found;
        let named = if found {
            None
        } else {
            Some(self.named_by(provider, raw)?)
        };
        self.has_room(provider)?;
        let look_up = async || match &named {
            None => Ok(SubjectLook::default()),
            Some(named) => {
                self.store()
                    .subject(named.at.clone(), provider.group.clone())
                    .await
            }
        };
        let look = look_up().await?;
        let read = look.read();
        let (subject, kept) = (look.found, look.beside);
        let row = self.in_a_row(provider, subject.as_ref());
        let double = self.double(named.as_ref(), subject.as_ref());
        let counters = self.counters(provider, named.as_ref(), subject.as_ref());
        let counters = counters.shut(self.is_shut(row.as_ref()));
        let attempt = match self.attempt(Some(provider), counters).await? {
            Ok(attempt) => attempt,
            Err(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
        };
        let attempt = attempt.at(row);
        // Whoever waited for a slot may find other credentials.
        let subject = if attempt.has_waited() {
            look_up().await?.found
        } else {
            subject
        };
        let (raw, canonical) = match &named {
            None => (Vec::new(), Vec::new()),
            Some(named) => (named.raw.clone(), named.bytes().to_vec()),
        };
        let asked = subject
            .as_ref()
            .map(|subject| (subject.user.id, subject.user.session_epoch));
        let takes = named.as_ref().is_some_and(|named| named.canonical.is_some());
        let question = Question {
            raw: raw.clone(),
            canonical: canonical.clone(),
            credentials,
            // Where the person says who they are, a handle of somebody else's is wrong. A kind that verifies elsewhere
            // is asked about everybody whom its rule takes.
            decoy: !found && subject.is_none() && !(provider.vouches() && takes),
            bound: asked.map(|(user, _)| Bound { user, epoch: None }),
            ..Question::default()
        };
        let verified = self.verifier().verify(provider, subject, question).await;
        // Freed where the verifier has freed who was found: a look in vain leaves no warmer memory to what follows.
        drop(kept);
        let verified = Self::settled(attempt, verified).await?;
        let beside = read.unwrap_or(double);
        self.first_step(provider, verified, asked, beside, (raw, canonical))
            .await
    }

    /// What comes of a first step. `asked`: who was found; `beside`: whose rows were read where it was nobody; and the
    /// identifier, raw and canonical.
    async fn first_step(
        &self,
        provider: &Provider,
        verified: Verified,
        asked: Option<(UserId, i64)>,
        beside: UserId,
        (raw, canonical): (Vec<u8>, Vec<u8>),
    ) -> Result<Answer<Proof>> {
        match verified {
            Verified::Accepted {
                subject,
                factor,
                verdict,
            } => {
                self.note_reach(provider, &subject, &verdict).await?;
                let progress = Progress {
                    aim: Aim::SignIn,
                    user_id: subject.user.id,
                    epoch: subject.user.session_epoch,
                    factors: factor.into_iter().collect(),
                    show_once: verdict.show_once,
                    others: Vec::new(),
                };
                self.proceed(&provider.name, progress).await
            }
            Verified::Unregistered {
                raw,
                canonical,
                factor,
                verdict,
            } => self.unregistered(provider, raw, canonical, factor, &verdict, None),
            Verified::Continue { verdict, decoy } => {
                let user = asked.filter(|_| !decoy);
                let owner = user.map_or(Owner::beside(beside), |(user, _)| Owner::of(user));
                let epoch = user.map_or(0, |(_, epoch)| epoch);
                let state = FlowState {
                    decoy,
                    ..FlowState::new(self.realm, Course::sign_in(owner, epoch))
                }
                .with_identifier(&provider.name, &raw, &canonical);
                self.begin_step(provider, state, PendingOperation::Verify, &verdict)
                    .await
            }
            Verified::Denied { reason, .. } => Ok(self.wrong(provider, asked.map(|(user, _)| user), reason)),
        }
    }

    /// Whose rows are read where the look came upon nobody's.
    fn double(&self, named: Option<&Named>, subject: Option<&Subject>) -> UserId {
        let looked_for = named.and_then(|named| named.canonical.as_deref());
        let found = subject.map(|subject| subject.user.id);
        self.context.double.of(found, looked_for.unwrap_or_default())
    }

    /// What counts a first step by this identifier, of this subject.
    fn counters(&self, provider: &Provider, named: Option<&Named>, subject: Option<&Subject>) -> Counters {
        let owner = subject.map(|subject| (subject.user.id, subject.user.session_epoch));
        match named {
            Some(named) if can_be_guessed(provider) => {
                let settings = &self.context.settings.throttle;
                settings.first_step(self.origin(owner), &named.identity)
            }
            _ => Counters::default(),
        }
    }

    /// The uniform refusal; the reason goes to the event stream only.
    pub(super) fn denied<T>(&self, provider: &str, user_id: Option<UserId>, reason: &str) -> Answer<T> {
        self.denied_after(provider, user_id, reason, 1)
    }

    /// The uniform refusal of a credential that a kind found wrong. One that cannot be guessed is counted nowhere but here:
    /// the event says how many its network has presented.
    pub(super) fn wrong<T>(&self, provider: &Provider, user_id: Option<UserId>, reason: &str) -> Answer<T> {
        let context = self.context;
        let count = if provider.kind.declaration().unguessable {
            context.here.wrong(&self.network, context.clock.monotonic())
        } else {
            1
        };
        self.denied_after(&provider.name, user_id, reason, count)
    }

    fn denied_after<T>(
        &self,
        provider: &str,
        user_id: Option<UserId>,
        reason: &str,
        count: u64,
    ) -> Answer<T> {
        self.emit(&Event {
            user_id,
            provider: Some(provider.into()),
            reason: Some(reason.into()),
            count,
            ..self.event(EventName::AuthenticationFailed)
        });
        Answer::of(Outcome::Refused(None))
    }
}

/// True when the first step of a sign-in with an identifier is an attempt that counts. What has 112 bits is right whatever
/// is closed; and where the step takes no credentials, there is nothing to guess: a code is asked for wherever others have
/// guessed, and what is stored and sent is charged.
fn can_be_guessed(provider: &Provider) -> bool {
    let kind = provider.kind.declaration();
    !kind.unguessable && kind.fields_at(Operation::Verify, 0).next().is_some()
}

/// An error about an operation that a kind does not have.
pub(super) fn unsupported(provider: &Provider, what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the kind of provider `{}` cannot {what}", provider.name),
    )
}
