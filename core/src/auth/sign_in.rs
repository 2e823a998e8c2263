//! Signing in and up: from credentials to a proof, through as many steps as kinds and policy ask for.

use super::Auth;
use super::call::{Attempted, Call};
use super::steps::Progress;
use crate::attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::flow::{Draft, FlowState, NextAction, Pending, PendingOperation, Purpose};
use crate::id::UserId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Decision, Fields, IdentifierSource, Operation, Verdict};
use crate::proof::Proof;
use crate::provider::{Canonical, Provider};
use crate::store::{CreatedUser, Identity, NewUser, User};
use crate::throttle::identity_hash;
use crate::verification::{Question, Verified};

/// Longest identifier that is looked at, in bytes; anything longer belongs to nobody.
const MAX_IDENTIFIER: usize = 1024;

/// What a new user starts with.
#[derive(Clone, Debug, Default)]
pub struct NewUserOptions {
    /// The user's attributes: a JSON object as text. Default: `{}`.
    pub attributes: Option<String>,
    /// The user's id, made by the caller so that its own row can refer to it. A repeat with the same id and
    /// identifier is answered as `authenticate` would answer.
    pub id: Option<UserId>,
}

impl Auth {
    /// Creates a user with a first provider id and its credentials.
    ///
    /// `Accepted(proof)`, or `Continue(flow)` where the kind or the policy asks for more.
    ///
    /// # Errors
    /// - `InvalidArgument`: attributes that are not an object.
    /// - `PolicyViolation`: all rules that the new credentials break, or the one that the identifier breaks.
    /// - `Conflict`: `identifier`, `id`, `attribute` or `handle` is taken.
    /// - `Unavailable`, `Overloaded`, `Timeout`: it could not be decided; nothing was written unless a repeat with
    ///   the same id says so.
    pub async fn create_user(
        &self,
        provider: &str,
        identifier: &[u8],
        credentials: Fields,
        options: NewUserOptions,
    ) -> Result<Answer<Proof>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let provider = call.provider(provider)?;
        if provider.source() != IdentifierSource::Given {
            return Err(unsupported(provider, "create a user from a given identifier"));
        }
        let canonical = provider.canonical(identifier)?;
        let draft = call.draft(&options)?;
        let counters = match call.attempt("sign_up", None).await? {
            Ok(counters) => counters,
            Err(wait) => return Ok(call.throttled(Some(&provider.name), wait)),
        };
        let result = call
            .sign_up(provider, identifier, canonical, credentials, draft)
            .await;
        let how = match &result {
            // Learning that identifiers exist is what an attacker signs up for.
            Err(error) if error.kind() == ErrorKind::Conflict => Attempted::Wrong,
            Ok(Answer {
                outcome: Outcome::Refused(_),
                ..
            }) => Attempted::Wrong,
            _ => Attempted::Undecided,
        };
        call.settle(counters, how).await?;
        result
    }

    /// Verifies credentials. `identifier` is what the person gave; `None` where the kind finds it or needs none.
    ///
    /// On a request with a live session a second factor may be named; the proof is then for that session's user.
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
            (IdentifierSource::Found, _) => call.sign_in(provider, b"", credentials).await,
        }
    }
}

impl Call<'_> {
    /// Verifies a first factor.
    async fn sign_in(&self, provider: &Provider, raw: &[u8], credentials: Fields) -> Result<Answer<Proof>> {
        if !provider.kind.declaration().can_start {
            return Err(unsupported(provider, "start a sign-in"));
        }
        // What no rule takes belongs to nobody, and is answered like anybody who does not exist.
        let found = provider.source() == IdentifierSource::Found;
        let canonical = match provider.canonical(raw) {
            _ if found => None,
            _ if raw.len() > MAX_IDENTIFIER => None,
            Ok(canonical) => Some(canonical.bytes),
            Err(error) if error.kind() == ErrorKind::PolicyViolation => None,
            Err(error) => return Err(error),
        };
        let named = canonical
            .as_deref()
            .unwrap_or(&raw[..raw.len().min(MAX_IDENTIFIER)]);
        let identity = (!found).then(|| identity_hash(self.realm, &provider.name, named));
        let counters = match self.attempt("sign_in", identity).await? {
            Ok(counters) => counters,
            Err(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
        };
        let subject = match &canonical {
            Some(canonical) => {
                self.store()
                    .subject(provider.id(self.realm, canonical), provider.group.clone())
                    .await?
            }
            None => None,
        };
        let raw = raw[..raw.len().min(MAX_IDENTIFIER)].to_vec();
        let question = Question {
            raw: raw.clone(),
            canonical: named.to_vec(),
            credentials,
            ..Question::default()
        };
        let deadline = provider.kind.declaration().deadline;
        let verified = match self
            .verifier()
            .verify(provider, subject.clone(), question, deadline)
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
                let progress = Progress {
                    purpose: Purpose::SignIn,
                    user_id: subject.user.id,
                    epoch: subject.user.session_epoch,
                    factors: factor.into_iter().collect(),
                    full: true,
                    identity,
                    keep: None,
                    show_once: verdict.show_once,
                };
                self.proceed(&provider.name, progress).await
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
                self.settle(
                    counters,
                    if wrong {
                        Attempted::Wrong
                    } else {
                        Attempted::Undecided
                    },
                )
                .await?;
                let user_id = subject.map(|subject| subject.user.id);
                Ok(self.denied(&provider.name, user_id, reason))
            }
        }
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
        self.begin_flow(state).await
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

    /// Checks what a new user starts with, before anybody is asked anything.
    pub(super) fn draft(&self, options: &NewUserOptions) -> Result<Draft> {
        let attributes = attributes::parse_object(options.attributes.as_deref().unwrap_or("{}"))?;
        let id = match options.id {
            Some(id) => id,
            None => UserId::generate(self.now, &*self.context.random)?,
        };
        Ok(Draft {
            id: *id.as_bytes(),
            id_given: options.id.is_some(),
            attributes: attributes.to_string(),
        })
    }

    /// Enrols the first credentials of a user that does not exist yet.
    pub(super) async fn sign_up(
        &self,
        provider: &Provider,
        raw: &[u8],
        canonical: Canonical,
        credentials: Fields,
        draft: Draft,
    ) -> Result<Answer<Proof>> {
        let kept = credentials.clone();
        let mut ask = self.verifier().blank(provider);
        ask.raw = raw.to_vec();
        ask.canonical.clone_from(&canonical.bytes);
        ask.display = String::from_utf8_lossy(raw).into_owned();
        ask.credentials = credentials;
        ask.subject = Some(UserId::from_bytes(draft.id));
        let verdict = provider
            .kind
            .ask(ask, provider.kind.declaration().deadline)
            .await?;
        match verdict.decision {
            Decision::Accept => {
                self.insert_user(provider, raw, canonical, verdict, draft, Some(kept))
                    .await
            }
            Decision::Continue => {
                let mut state = FlowState::new(self.realm, Purpose::SignUp).with_identifier(
                    &provider.name,
                    raw,
                    &canonical.bytes,
                );
                state.draft = Some(draft);
                self.begin_step(provider, state, PendingOperation::Enroll, &verdict)
                    .await
            }
            Decision::Deny | Decision::Resolve => self.not_enrolled(provider, verdict),
        }
    }

    /// What a denied enrolment or update is answered: all violations, or the uniform refusal.
    pub(super) fn not_enrolled(&self, provider: &Provider, verdict: Verdict) -> Result<Answer<Proof>> {
        if verdict.violations.is_empty() {
            return Ok(self.denied(&provider.name, None, verdict.denial.id()));
        }
        Err(Error::policy(verdict.violations))
    }

    /// Inserts the user with what its kind enrolled. `credentials` answers a repeat with the same id.
    pub(super) async fn insert_user(
        &self,
        provider: &Provider,
        raw: &[u8],
        canonical: Canonical,
        verdict: Verdict,
        draft: Draft,
        credentials: Option<Fields>,
    ) -> Result<Answer<Proof>> {
        let id = UserId::from_bytes(draft.id);
        let at = provider.id(self.realm, &canonical.bytes);
        let unique = self.unique_attributes(&draft.attributes)?;
        // A kind without records has just had the identifier proved elsewhere; a password proves no address.
        let verified_at = (!provider.kind.declaration().keeps_records).then_some(self.now);
        let new = NewUser {
            user: User {
                id,
                realm: self.realm.into(),
                attributes: draft.attributes,
                version: 1,
                session_epoch: 0,
                disabled_at: None,
                created_at: self.now,
                updated_at: self.now,
            },
            unique,
            identity: Some(Identity {
                at: at.clone(),
                raw: raw.to_vec(),
                rule: canonical.rule.into(),
                rule_version: canonical.rule_version,
                user_id: id,
                verified_at,
                created_at: self.now,
                last_used_at: None,
            }),
            authenticators: verdict
                .records
                .iter()
                .map(|put| self.verifier().new_authenticator(provider, id, put))
                .collect::<Result<_>>()?,
        };
        match self.store().create_user(new).await? {
            CreatedUser::Created => {
                self.emit(&Event {
                    user_id: Some(id),
                    provider: Some(provider.name.clone()),
                    ..self.event(EventName::UserCreated)
                });
                let progress = Progress {
                    purpose: Purpose::SignUp,
                    user_id: id,
                    epoch: 0,
                    factors: provider.factor(self.now).into_iter().collect(),
                    full: true,
                    identity: Some(identity_hash(self.realm, &provider.name, &canonical.bytes)),
                    keep: None,
                    show_once: verdict.show_once,
                };
                self.proceed(&provider.name, progress).await
            }
            CreatedUser::SameId(_) => {
                let owner = self.store().user_by_identity(at).await?;
                match (owner, credentials) {
                    // A repeat after a lost answer: it is answered as `authenticate` would answer.
                    (Some(owner), Some(credentials)) if owner.id == id => {
                        Box::pin(self.sign_in(provider, raw, credentials)).await
                    }
                    _ => Err(Error::conflict("id", "a user with this id exists already")),
                }
            }
            CreatedUser::Taken(what) => Err(Error::conflict(
                what,
                format!("the {what} belongs to another user"),
            )),
        }
    }

    /// The values of attributes that are declared unique, as the store compares them.
    pub(super) fn unique_attributes(&self, attributes: &str) -> Result<Vec<(String, Vec<u8>)>> {
        attributes::unique_values(attributes, &self.context.settings.unique_attributes)
    }
}

/// An error about an operation that a kind does not have.
pub(super) fn unsupported(provider: &Provider, what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the kind of provider `{}` cannot {what}", provider.name),
    )
}

/// The only provider that can be meant when none is named.
pub(super) fn only<'n>(
    next: &'n [(String, NextAction)],
    named: Option<&str>,
) -> Result<&'n (String, NextAction)> {
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

/// The kind's operation behind a pending step.
pub(super) fn operation(pending: &Pending) -> Operation {
    pending.operation.into()
}
