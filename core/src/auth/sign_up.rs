//! Signing up: a user with its first identity and credentials, in one transaction.

use super::Auth;
use super::call::{Attempted, Call};
use super::progress::Progress;
use super::sign_in::unsupported;
use crate::attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::flow::{Draft, FlowState, PendingOperation, Purpose};
use crate::id::UserId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Decision, Fields, IdentifierSource, Verdict};
use crate::proof::Proof;
use crate::provider::{Canonical, Provider};
use crate::store::{CreatedUser, Identity, NewUser, User};
use crate::throttle::identity_hash;

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
        call.has_room(provider)?;
        let counters = match call.attempt("sign_up", None, None).await? {
            Ok(counters) => counters,
            Err(wait) => return Ok(call.throttled(Some(&provider.name), wait)),
        };
        let result = call
            .sign_up(provider, identifier, canonical, credentials, draft)
            .await;
        call.settle(counters, sign_up_attempted(&result)).await?;
        result
    }
}

impl Call<'_> {
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
        let verdict = provider.ask(ask).await?;
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
            deliveries: Vec::new(),
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
                    _ => Err(self.taken(provider, "id")),
                }
            }
            CreatedUser::Taken(what) => Err(self.taken(provider, what)),
        }
    }

    /// A sign-up that told its caller that something is taken.
    fn taken(&self, provider: &Provider, what: &'static str) -> Error {
        self.emit(&Event {
            provider: Some(provider.name.clone()),
            reason: Some("conflict".into()),
            ..self.event(EventName::AuthenticationFailed)
        });
        Error::conflict(what, format!("the {what} belongs to another user"))
    }

    /// The values of attributes that are declared unique, as the store compares them.
    pub(super) fn unique_attributes(&self, attributes: &str) -> Result<Vec<(String, Vec<u8>)>> {
        attributes::unique_values(attributes, &self.context.settings.unique_attributes)
    }
}

/// How a sign-up counts: learning which identifiers exist is what an attacker signs up for.
pub(super) fn sign_up_attempted(result: &Result<Answer<Proof>>) -> Attempted {
    match result {
        Err(error) if error.kind() == ErrorKind::Conflict => Attempted::Wrong,
        Ok(Answer {
            outcome: Outcome::Refused(_),
            ..
        }) => Attempted::Wrong,
        _ => Attempted::Undecided,
    }
}
