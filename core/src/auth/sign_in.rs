//! Signing in: a first factor is verified, or nobody's is, with the same answer after the same work.

use super::Auth;
use super::call::{Attempted, Call};
use super::progress::Progress;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::flow::{FlowState, PendingOperation, Purpose};
use crate::id::UserId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Fields, IdentifierSource};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::throttle::identity_hash;
use crate::verification::{Bound, Question, Verified};

/// Longest identifier that is looked at, in bytes; anything longer belongs to nobody.
pub(super) const MAX_IDENTIFIER: usize = 1024;

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
    pub async fn authenticate(
        &self,
        provider: &str,
        identifier: Option<&[u8]>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
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
        // What no rule takes belongs to nobody, and is answered like anybody who does not exist.
        let found = provider.source() == IdentifierSource::Found;
        let raw = provider.typed(raw);
        let canonical = match provider.canonical(raw) {
            _ if found => None,
            _ if raw.len() > MAX_IDENTIFIER => None,
            Ok(canonical) => Some(canonical.bytes),
            Err(error) if malformed(&error) => None,
            Err(error) => return Err(error),
        };
        let named = canonical
            .as_deref()
            .unwrap_or(&raw[..raw.len().min(MAX_IDENTIFIER)]);
        let identity = (!found).then(|| identity_hash(self.realm, &provider.name, named));
        self.has_room(provider)?;
        let counters = match self.attempt("sign_in", identity, identity).await? {
            Ok(counters) => counters,
            Err(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
        };
        let subject = if found {
            None
        } else {
            // Nobody has an empty identifier: what no rule takes is looked up all the same.
            let at = provider.id(self.realm, canonical.as_deref().unwrap_or_default());
            match self.store().subject(at, provider.group.clone()).await {
                Ok(subject) => subject,
                Err(error) => {
                    self.settle(counters, Attempted::Undecided).await?;
                    return Err(error.into());
                }
            }
        };
        let raw = raw[..raw.len().min(MAX_IDENTIFIER)].to_vec();
        let question = Question {
            raw: raw.clone(),
            canonical: named.to_vec(),
            credentials,
            // Where the person says who they are, a handle of somebody else's is wrong. A kind that verifies elsewhere
            // is asked about everybody whom its rule takes.
            decoy: !found && subject.is_none() && !(provider.vouches() && canonical.is_some()),
            bound: subject.as_ref().map(|subject| Bound {
                user: subject.user.id,
                epoch: None,
            }),
            ..Question::default()
        };
        let verified = match self.verifier().verify(provider, subject.clone(), question).await {
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
                let progress = Progress {
                    purpose: Purpose::SignIn,
                    user_id: subject.user.id,
                    epoch: subject.user.session_epoch,
                    factors: factor.into_iter().collect(),
                    identity,
                    keep: None,
                    show_once: verdict.show_once,
                };
                self.proceed(&provider.name, progress).await
            }
            Verified::Unregistered {
                raw,
                canonical,
                factor,
                verdict,
            } => {
                self.settle(counters, Attempted::Right).await?;
                self.unregistered(provider, raw, canonical, factor, &verdict, None)
            }
            Verified::Continue { verdict, decoy } => {
                self.settle(counters, Attempted::Undecided).await?;
                let user = subject.filter(|_| !decoy).map(|subject| subject.user);
                let state = FlowState {
                    decoy,
                    user_id: user.as_ref().map(|user| *user.id.as_bytes()),
                    epoch: user.as_ref().map_or(0, |user| user.session_epoch),
                    ..FlowState::new(self.realm, Purpose::SignIn)
                }
                .with_identifier(&provider.name, &raw, named);
                self.begin_step(provider, state, PendingOperation::Verify, &verdict)
                    .await
            }
            Verified::Denied { reason, wrong } => {
                self.settle(counters, Attempted::denied(wrong)).await?;
                let user_id = subject.map(|subject| subject.user.id);
                Ok(self.denied(&provider.name, user_id, reason))
            }
        }
    }

    /// The uniform refusal; the reason goes to the event stream only.
    pub(super) fn denied<T>(&self, provider: &str, user_id: Option<UserId>, reason: &str) -> Answer<T> {
        self.emit(&Event {
            user_id,
            provider: Some(provider.into()),
            reason: Some(reason.into()),
            ..self.event(EventName::AuthenticationFailed)
        });
        Answer::of(Outcome::Refused(None))
    }
}

/// An error about an operation that a kind does not have.
pub(super) fn unsupported(provider: &Provider, what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the kind of provider `{}` cannot {what}", provider.name),
    )
}

/// True when an identifier is one that its rule does not take.
pub(super) fn malformed(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PolicyViolation | ErrorKind::InvalidArgument
    )
}
