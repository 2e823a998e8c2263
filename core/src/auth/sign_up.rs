//! Signing up: a user with its first identity and credentials, in one transaction.

use std::time::Duration;

use super::Auth;
use super::attempt::Attempted;
use super::call::Call;
use super::progress::{Aim, Progress};
use super::sign_in::unsupported;
use crate::attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::factor::Factor;
use crate::flow::{Course, Draft, FlowState, PendingOperation};
use crate::id::UserId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Decision, Fields, IdentifierSource, Verdict};
use crate::proof::Proof;
use crate::provider::{Canonical, Provider};
use crate::store::{Authenticator, CreatedUser, Identity, NewUser, Post, User};

/// How often a user is inserted who takes an address from another that is changed at the same moment.
const TRIES: usize = 3;
/// Most bytes of a name to show.
const MAX_DISPLAY: usize = 256;

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
    /// `Accepted(proof)`, or `Continue(flow)` where the kind or the policy asks for more. Where the kind makes the
    /// identifier itself (a passkey), `identifier` is a name to show, or empty. Where a kind verifies elsewhere (an issuer),
    /// authenticate and use [`create_user_from_claim`](Self::create_user_from_claim).
    ///
    /// # Errors
    /// - `InvalidArgument`: attributes that are not an object.
    /// - `PolicyViolation`: all rules that the new credentials break, or the one that the identifier breaks.
    /// - `Conflict`: `identifier`, `id`, `attribute` or `handle` is taken.
    /// - `Unavailable`, `Overloaded`, `Timeout`: it could not be decided; nothing was written unless a repeat with
    ///   the same id says so.
    #[doc = include_str!("../../doc/operations/create_user.md")]
    pub async fn create_user(
        &self,
        provider: &str,
        identifier: &[u8],
        credentials: Fields,
        with: NewUserOptions,
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        let mut draft = call.draft(&with)?;
        let named = match provider.source() {
            IdentifierSource::Given => Some((provider.typed(identifier), provider.canonical(identifier)?)),
            // The kind makes the identifier as it enrolls; what the person gave is a name to show.
            IdentifierSource::Found
                if provider.finds_by_handle() && provider.kind.declaration().can_start =>
            {
                draft.display = display_name(identifier)?;
                None
            }
            IdentifierSource::Found if provider.vouches() => {
                return Err(unsupported(
                    provider,
                    "create a user before it knows whom: authenticate, and create the user from the claim",
                ));
            }
            IdentifierSource::Found | IdentifierSource::User => {
                return Err(unsupported(provider, "create a user: it starts no sign-in"));
            }
        };
        call.has_room(provider)?;
        let work = async || call.sign_up(provider, named, credentials, draft).await;
        match call.counted_sign_up(Some(provider), work).await? {
            Ok(answer) => Ok(answer),
            Err(wait) => Ok(call.throttled(Some(&provider.name), wait)),
        }
    }
}

impl Call<'_> {
    /// Does what may find an identifier taken, which is counted like a wrong credential; or says how long to wait, and does
    /// nothing.
    pub(super) async fn counted_sign_up(
        &self,
        provider: Option<&Provider>,
        work: impl AsyncFnOnce() -> Result<Answer<Proof>>,
    ) -> Result<std::result::Result<Answer<Proof>, Duration>> {
        let counters = self.context.settings.throttle.nobody(self.origin(None));
        let attempt = match self.attempt(provider, counters).await? {
            Ok(attempt) => attempt,
            Err(wait) => return Ok(Err(wait)),
        };
        let result = work().await;
        attempt.settle(sign_up_attempted(&result)).await?;
        result.map(Ok)
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
            display: String::new(),
        })
    }

    /// Enrolls the first credentials of a user that does not exist yet.
    pub(super) async fn sign_up(
        &self,
        provider: &Provider,
        named: Option<(&[u8], Canonical)>,
        credentials: Fields,
        draft: Draft,
    ) -> Result<Answer<Proof>> {
        let kept = credentials.clone();
        let mut ask = self.verifier().blank(provider);
        ask.display.clone_from(&draft.display);
        if let Some((raw, canonical)) = &named {
            ask.raw = raw.to_vec();
            ask.canonical.clone_from(&canonical.bytes);
            ask.display = String::from_utf8_lossy(raw).into_owned();
        }
        ask.credentials = credentials;
        let verdict = provider.ask(ask).await?;
        match verdict.decision {
            Decision::Accept => {
                // A repeat with what a kind finds makes another one: only a named one can be answered as a sign-in.
                let kept = named.is_some().then_some(kept);
                let (raw, canonical) = match named {
                    Some((raw, canonical)) => (raw.to_vec(), canonical),
                    None => found(provider, &verdict)?,
                };
                self.insert_user(provider, &raw, canonical, verdict, draft, kept)
                    .await
            }
            Decision::Continue => {
                let mut state = FlowState::new(self.realm, Course::SignUp(draft));
                if let Some((raw, canonical)) = &named {
                    state = state.with_identifier(&provider.name, raw, &canonical.bytes);
                }
                self.begin_step(provider, state, PendingOperation::Enroll, &verdict)
                    .await
            }
            Decision::Deny | Decision::Resolve => self.not_enrolled(provider, verdict),
        }
    }

    /// What a denied enrollment or update is answered: all violations, or the uniform refusal.
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
        let at = provider.id(self.realm, &canonical.bytes);
        // A kind without records has just had the identifier proved elsewhere; a password proves no address.
        let verified_at = (!provider.kind.declaration().keeps_records).then_some(self.now);
        let id = UserId::from_bytes(draft.id);
        let authenticators = verdict
            .records
            .iter()
            .map(|put| self.verifier().new_authenticator(provider, id, put))
            .collect::<Result<_>>()?;
        let identity = Identity {
            at: at.clone(),
            raw: raw.to_vec(),
            rule: canonical.rule.into(),
            rule_version: canonical.rule_version,
            user_id: id,
            verified_at,
            created_at: self.now,
            last_used_at: None,
            reach: Vec::new(),
            vouched: verified_at.is_some(),
        };
        let charges = match self.sign_up_charges().await? {
            Ok(charges) => charges,
            Err(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
        };
        let post = Post {
            charges,
            deliveries: self.messages(provider, &verdict, Some(id), false, None)?,
            postage: self.limits(provider, &verdict),
            decoys: self.messages(provider, &verdict, Some(id), true, None)?,
            ..Post::default()
        };
        match self.store_user(draft, identity, authenticators, post).await? {
            CreatedUser::Created => {
                let factors = provider.factor(self.now).into_iter().collect();
                self.signed_up(provider, id, factors, verdict.show_once).await
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
            CreatedUser::Closed(wait) => Ok(self.throttled(Some(&provider.name), wait)),
            CreatedUser::Lost => Err(moved()),
        }
    }

    /// Inserts a user with its first identity, or nothing.
    pub(super) async fn store_user(
        &self,
        draft: Draft,
        identity: Identity,
        authenticators: Vec<Authenticator>,
        post: Post,
    ) -> Result<CreatedUser> {
        let id = UserId::from_bytes(draft.id);
        let mut new = NewUser {
            unique: self.unique_attributes(&draft.attributes)?,
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
            addresses: self.names().new_addresses(&identity),
            takes: Vec::new(),
            identity: Some(identity.clone()),
            authenticators,
            post,
        };
        let free = new.post.deliveries.clone();
        for _ in 0..TRIES {
            let yielded = match identity.verified_at {
                Some(_) => self.yielded_by(id, &identity).await?,
                None => Vec::new(),
            };
            new.takes = yielded.iter().map(|one| one.taken.clone()).collect();
            new.post.deliveries = free.clone();
            let notices = yielded.iter().flat_map(|one| one.notices.iter().cloned());
            new.post.deliveries.extend(notices);
            let created = self.store().create_user(new.clone()).await?;
            if created != CreatedUser::Lost {
                self.context.drain.poke();
                if created == CreatedUser::Created {
                    self.context.double.of(Some(id), &[]);
                    self.tell_yielded(&yielded);
                }
                return Ok(created);
            }
        }
        Ok(CreatedUser::Lost)
    }

    /// Goes on with a user that was inserted just now.
    pub(super) async fn signed_up(
        &self,
        provider: &Provider,
        id: UserId,
        factors: Vec<Factor>,
        show_once: Fields,
    ) -> Result<Answer<Proof>> {
        self.emit_provider(EventName::UserCreated, id, provider);
        let progress = Progress {
            aim: Aim::SignUp,
            user_id: id,
            epoch: 0,
            factors,
            show_once,
            others: Vec::new(),
        };
        self.proceed(&provider.name, progress).await
    }

    /// A sign-up that told its caller that something is taken.
    pub(super) fn taken(&self, provider: &Provider, what: &'static str) -> Error {
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

/// The identifier that a kind made as it enrolled somebody who is nobody here yet.
///
/// # Errors
/// `PluginFault` when it made none, or one that its rule does not take.
pub(super) fn found(provider: &Provider, verdict: &Verdict) -> Result<(Vec<u8>, Canonical)> {
    let Some((raw, canonical)) = verdict.identifier.clone() else {
        return Err(Error::new(
            ErrorKind::PluginFault,
            format!(
                "the kind of `{}` enrolled a new user without saying whom",
                provider.name
            ),
        ));
    };
    Ok((raw, provider.canonical_as(canonical)))
}

/// Others were changed again and again at the same moment.
pub(super) fn moved() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "another user was changed again and again at the same moment: try again",
    )
}

/// A name for showing: what the person calls the account.
fn display_name(given: &[u8]) -> Result<String> {
    let name = String::from_utf8_lossy(given).into_owned();
    if name.len() > MAX_DISPLAY || name.chars().any(char::is_control) {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("the name to show takes at most {MAX_DISPLAY} bytes without control characters"),
        ));
    }
    Ok(name)
}

/// How a sign-up counts: learning which identifiers exist is what an attacker signs up for.
fn sign_up_attempted(result: &Result<Answer<Proof>>) -> Attempted {
    match result {
        Err(error) if error.kind() == ErrorKind::Conflict => Attempted::Wrong,
        Ok(Answer {
            outcome: Outcome::Refused(_),
            ..
        }) => Attempted::Wrong,
        _ => Attempted::Undecided,
    }
}
