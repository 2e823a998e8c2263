//! Claims: made where a kind vouches for somebody whom nobody here is, and spent by creating or linking.
//!
//! Nothing is ever linked because two addresses are equal: an identity is added to a user by that user's fresh proof
//! together with a claim, which proves the other side, and in no other way.

use super::Auth;
use super::call::Call;
use super::sign_in::unsupported;
use super::sign_up::{NewUserOptions, moved};
use crate::claim::{Claim, ClaimState, MAX_ASSERTED};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::factor::Factor;
use crate::flow::{Course, FlowState, Holder, PendingOperation};
use crate::headers::ResponseHeaders;
use crate::id::UserId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::{Fields, IdentifierSource, Verdict};
use crate::proof::Proof;
use crate::provider::{Canonical, Provider};
use crate::store::{ChangeStep, CreatedUser, EndReason, Identity, Post};
use crate::throttle::{Counters, identity_hash};
use crate::verification::{Question, Verified};

/// Why a claim is worth nothing, as events say it.
const INVALID: &str = "claim_invalid";

impl Auth {
    /// Creates a user with the provider id of a claim. It succeeds once: the identity then belongs to that user, and
    /// whoever comes again signs in with it.
    ///
    /// The claim's attributes are not taken over by themselves: they are the provider's word. Read them with
    /// [`peek_claim`](Self::peek_claim) and pass on what is wanted. `Accepted(proof)`, or `Continue(flow)` where the policy
    /// asks for more; `Refused` for a claim that is expired, of another browser, realm or key ring, or of a link.
    ///
    /// # Errors
    /// - `Conflict`: `identifier` (the claim was spent, or somebody else was first), `id` or `attribute` is taken.
    /// - `InvalidArgument`: attributes that are not an object, a provider that is not configured here.
    /// - `Unavailable`.
    #[doc = include_str!("../../doc/operations/create_user_from_claim.md")]
    pub async fn create_user_from_claim(&self, claim: &[u8], with: NewUserOptions) -> Result<Answer<Proof>> {
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        match call
            .counted_sign_up(None, async || call.register(claim, &with).await)
            .await?
        {
            Ok(answer) => Ok(answer),
            Err(wait) => Ok(call.throttled(None, wait)),
        }
    }

    /// Binds the provider id of a claim to the proof's user: the claim proves one side, the proof the other. Other
    /// sessions end.
    ///
    /// `Refused` for a claim that is expired, of another browser, realm or key ring, or begun by another user.
    ///
    /// # Errors
    /// `ProofRequired`; `Conflict` (`identifier`: somebody has it); `PolicyViolation` (`address_on_both_sides`,
    /// `address_unproved`); `Unavailable`.
    #[doc = include_str!("../../doc/operations/link_claim.md")]
    pub async fn link_claim(&self, proof: &Proof, claim: &[u8]) -> Result<Answer<Proof>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        call.sensitive(proof).await?;
        let Some(claim) = call.open_claim(claim) else {
            return Ok(call.denied("", Some(proof.user_id()), INVALID));
        };
        if claim.user_id.is_some_and(|begun_by| begun_by != proof.user_id()) {
            return Ok(call.denied(&claim.provider, Some(proof.user_id()), "claim_of_other_user"));
        }
        let provider = call.provider(&claim.provider)?;
        let steps = vec![ChangeStep::AddIdentity(call.claimed(
            provider,
            &claim,
            proof.user_id(),
        ))];
        let reason = EndReason::FactorChanged;
        // Whoever links it has just proved it: the renewed proof says so.
        let factors = Factor::united(proof.factors(), &claim.factors);
        let mut answer = call
            .change(proof, provider, steps, reason, EventName::IdentityLinked)
            .await?;
        answer.outcome = answer.outcome.map(|renewed| renewed.with_factors(factors));
        Ok(answer)
    }

    /// Begins to prove a provider id that the proof's user wants to have, with a kind that verifies elsewhere: an issuer,
    /// a directory, a mailbox. `Continue(flow)`, or at once `Unregistered(claim)`: a claim that only this user can take,
    /// with [`link_claim`](Self::link_claim).
    ///
    /// # Errors
    /// - `ProofRequired`: the proof is not fresh, or the user was changed since.
    /// - `Conflict` (`identifier`): it was proved, and somebody has it, perhaps this user.
    /// - `Unsupported`: the kind keeps records: use `link_identity` or `begin_enrollment`.
    /// - `PolicyViolation`, `address_unproved`: a link at a second name beside an address of the user that nobody has
    ///   proved. Prove it first.
    /// - `InvalidArgument`, `PolicyViolation` for the identifier; `Unavailable`, `Overloaded`, `Timeout`.
    #[doc = include_str!("../../doc/operations/begin_link.md")]
    pub async fn begin_link(
        &self,
        proof: &Proof,
        provider: &str,
        identifier: Option<&[u8]>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let provider = call.provider(provider)?;
        if !provider.vouches() {
            return Err(unsupported(
                provider,
                "be linked by a claim: link the identifier, or enroll an authenticator",
            ));
        }
        let named = match (provider.source(), identifier) {
            (IdentifierSource::Given, Some(raw)) => Some((provider.typed(raw), provider.canonical(raw)?)),
            (IdentifierSource::Given, None) => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("provider `{}` needs an identifier", provider.name),
                ));
            }
            (IdentifierSource::Found | IdentifierSource::User, _) => None,
        };
        call.may_add(proof, provider).await?;
        call.subject(proof, provider).await?;
        call.prove_link(proof, provider, named, credentials).await
    }

    /// What a claim says, for the page that asks whether to sign up: `Accepted(claim)`, or `Refused` as for
    /// [`create_user_from_claim`](Self::create_user_from_claim). Spends nothing.
    ///
    /// # Errors
    /// `Unavailable`.
    #[doc = include_str!("../../doc/operations/peek_claim.md")]
    pub async fn peek_claim(&self, claim: &[u8]) -> Result<Answer<Claim>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        Ok(match call.open_claim(claim) {
            None => call.denied("", None, INVALID),
            Some(open) => Answer::of(Outcome::Accepted(open.with_token(claim))),
        })
    }
}

impl Call<'_> {
    /// The answer for somebody who was verified and is nobody here. `of`: the user that began a link.
    pub(super) fn unregistered(
        &self,
        provider: &Provider,
        raw: Vec<u8>,
        canonical: Canonical,
        factor: Option<Factor>,
        verdict: &Verdict,
        of: Option<UserId>,
    ) -> Result<Answer<Proof>> {
        let asserted = verdict.attributes.iter().cloned().collect();
        let attributes = serde_json::Value::Object(asserted).to_string();
        if attributes.len() > MAX_ASSERTED {
            return Err(Error::new(
                ErrorKind::PluginFault,
                format!(
                    "the kind of `{}` asserts more than {MAX_ASSERTED} bytes of attributes",
                    provider.name
                ),
            ));
        }
        let mut headers = ResponseHeaders::default();
        let state = ClaimState {
            provider: provider.name.clone(),
            raw,
            canonical: canonical.bytes,
            attributes,
            factors: factor.into_iter().collect(),
            browser: self.bind_browser(&mut headers)?,
            user_id: of,
            verified_at: self.now,
        };
        let claim = state.seal(&self.context.keys, &*self.context.random, self.realm)?;
        self.emit(&Event {
            user_id: of,
            provider: Some(provider.name.clone()),
            ..self.event(EventName::ClaimMade)
        });
        Ok(Answer {
            headers,
            ..Answer::of(Outcome::Unregistered(claim))
        })
    }

    /// Opens a claim of this realm that is young enough and was earned by this browser.
    fn open_claim(&self, token: &[u8]) -> Option<ClaimState> {
        let claim = ClaimState::open(&self.context.keys, self.realm, token)?;
        let bound = claim.browser.is_none() || claim.browser == self.browser();
        (bound && self.now < claim.expires_at()).then_some(claim)
    }

    /// The identity that a claim has proved.
    fn claimed(&self, provider: &Provider, claim: &ClaimState, user_id: UserId) -> Identity {
        let canonical = provider.canonical_as(claim.canonical.clone());
        let asserted: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&claim.attributes).unwrap_or_default();
        let reach = provider.asserted(self.realm, &asserted);
        Identity {
            at: provider.id(self.realm, &canonical.bytes),
            raw: claim.raw.clone(),
            rule: canonical.rule.into(),
            rule_version: canonical.rule_version,
            user_id,
            verified_at: Some(claim.verified_at),
            created_at: self.now,
            last_used_at: None,
            reach,
            vouched: true,
        }
    }

    async fn register(&self, token: &[u8], options: &NewUserOptions) -> Result<Answer<Proof>> {
        let draft = self.draft(options)?;
        let Some(claim) = self.open_claim(token) else {
            return Ok(self.denied("", None, INVALID));
        };
        if claim.user_id.is_some() {
            return Ok(self.denied(&claim.provider, None, "claim_of_link"));
        }
        let provider = self.provider(&claim.provider)?;
        let id = UserId::from_bytes(draft.id);
        let identity = self.claimed(provider, &claim, id);
        let at = identity.at.clone();
        let charges = match self.sign_up_charges().await? {
            Ok(charges) => charges,
            Err(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
        };
        let post = Post {
            charges,
            ..Post::default()
        };
        match self.store_user(draft, identity, Vec::new(), post).await? {
            CreatedUser::Created => {
                self.signed_up(provider, id, claim.factors, Fields::default())
                    .await
            }
            CreatedUser::SameId(_) => {
                // A claim is no credential: a repeat after a lost answer signs in instead.
                let spent = self.store().user_by_identity(at).await?.is_some();
                Err(self.taken(provider, if spent { "identifier" } else { "id" }))
            }
            CreatedUser::Taken(what) => Err(self.taken(provider, what)),
            CreatedUser::Closed(wait) => Ok(self.throttled(Some(&provider.name), wait)),
            CreatedUser::Lost => Err(moved()),
        }
    }

    /// Asks the kind of a link about somebody whom nobody is yet. Guesses count as at a sign-in: a link is no way
    /// around its counters.
    async fn prove_link(
        &self,
        proof: &Proof,
        provider: &Provider,
        named: Option<(&[u8], Canonical)>,
        credentials: Fields,
    ) -> Result<Answer<Proof>> {
        let (raw, canonical) = named.map_or_else(Default::default, |(raw, canonical)| {
            (raw.to_vec(), canonical.bytes)
        });
        let counters = if canonical.is_empty() || provider.kind.declaration().unguessable {
            Counters::default()
        } else {
            let identity = identity_hash(self.realm, &provider.name, &canonical);
            let from = self.origin(Some((proof.user_id(), proof.epoch())));
            self.context.settings.throttle.first_step(from, &identity)
        };
        let attempt = match self.attempt(Some(provider), counters).await? {
            Ok(attempt) => attempt,
            Err(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
        };
        let question = Question {
            raw: raw.clone(),
            canonical: canonical.clone(),
            credentials,
            ..Question::default()
        };
        let verified = self.verifier().verify(provider, None, question).await;
        let verified = Self::settled(attempt, verified).await?;
        match verified {
            Verified::Accepted { .. } => Err(self.taken(provider, "identifier")),
            Verified::Unregistered {
                raw,
                canonical,
                factor,
                verdict,
            } => self.unregistered(provider, raw, canonical, factor, &verdict, Some(proof.user_id())),
            Verified::Continue { verdict, decoy } => {
                let course = Course::Link {
                    holder: Holder::of(proof.user_id(), proof.epoch()),
                    session: proof.sign_in_id().map(|id| *id.as_bytes()),
                };
                let mut state = FlowState {
                    decoy,
                    ..FlowState::new(self.realm, course)
                };
                if !canonical.is_empty() {
                    state = state.with_identifier(&provider.name, &raw, &canonical);
                }
                self.begin_step(provider, state, PendingOperation::Verify, &verdict)
                    .await
            }
            Verified::Denied { reason, .. } => Ok(self.wrong(provider, Some(proof.user_id()), reason)),
        }
    }
}
