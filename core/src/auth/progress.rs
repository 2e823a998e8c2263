//! Progress: what an authentication has come to, and what the policy still misses.

use super::call::Call;
use crate::cookie::CookieKind;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::factor::Factor;
use crate::flow::{FlowState, MethodAction, Owner, Purpose};
use crate::id::{SignInId, UserId};
use crate::outcome::{Answer, Outcome, WayInfo};
use crate::plugin::Fields;
use crate::policy::Decision;
use crate::proof::{Proof, ProofOrigin};
use crate::provider::Provider;
use crate::store::Subject;
use crate::verification::usable_authenticators;

/// What one authentication has come to.
pub(super) struct Progress {
    pub(super) purpose: Purpose,
    pub(super) user_id: UserId,
    pub(super) epoch: i64,
    pub(super) factors: Vec<Factor>,
    /// The live sign-in that this belongs to, for step-up and enrollment.
    pub(super) keep: Option<SignInId>,
    pub(super) show_once: Fields,
    /// What else opens the account, where this gave it its first second factor.
    pub(super) others: Vec<WayInfo>,
}

impl Call<'_> {
    /// Goes on after a factor: to the proof, or to what the policy still misses.
    pub(super) async fn proceed(&self, provider: &str, progress: Progress) -> Result<Answer<Proof>> {
        let decision = match progress.purpose {
            Purpose::SignIn | Purpose::SignUp | Purpose::StepUp => {
                self.account(progress.user_id).await?.decide(&progress.factors)
            }
            Purpose::Enroll | Purpose::Link => Decision::Accept,
        };
        let action = match &decision {
            Decision::Accept => return self.accept(provider, progress),
            // A live session was made by the policy of its time: it is not ended by adding to it.
            Decision::Enroll(_) if progress.purpose == Purpose::StepUp => {
                return self.accept(provider, progress);
            }
            Decision::Verify(_) => MethodAction::Verify,
            Decision::Enroll(_) => MethodAction::Enroll,
            Decision::Refuse(why) => return Ok(self.denied(provider, Some(progress.user_id), why.id())),
        };
        let names = decision.names();
        let mut state = FlowState::new(self.realm, progress.purpose);
        state.owner = Owner::of(progress.user_id);
        state.epoch = progress.epoch;
        state.factors = Factor::to_json(&progress.factors);
        state.keep = progress.keep.map(|id| *id.as_bytes());
        state.next = names.into_iter().map(|name| (name, action)).collect();
        let mut answer = self.begin_flow(state).await?;
        (answer.show_once, answer.others) = (progress.show_once, progress.others);
        Ok(answer)
    }

    /// The proof at the end of an authentication.
    fn accept(&self, provider: &str, progress: Progress) -> Result<Answer<Proof>> {
        let origin = match (progress.purpose, progress.keep) {
            (Purpose::Enroll, Some(sign_in)) => ProofOrigin::Session(sign_in),
            (Purpose::StepUp, Some(sign_in)) => ProofOrigin::StepUp(sign_in),
            (Purpose::StepUp, None) => {
                return Err(Error::new(ErrorKind::Internal, "a step-up without its session"));
            }
            // A link ends with a claim, never with a proof.
            (Purpose::Link, _) => {
                return Err(Error::new(ErrorKind::Internal, "a link came to a proof"));
            }
            (Purpose::SignIn | Purpose::SignUp, _) | (Purpose::Enroll, None) => ProofOrigin::Credentials,
        };
        self.emit(&Event {
            user_id: Some(progress.user_id),
            sign_in_id: progress.keep,
            provider: Some(provider.into()),
            ..self.event(EventName::AuthenticationSucceeded)
        });
        let proof = self.proof(progress.user_id, progress.epoch, progress.factors, origin);
        let mut answer = Answer::of(Outcome::Accepted(proof));
        (answer.show_once, answer.others) = (progress.show_once, progress.others);
        if self.browser().is_some() {
            self.clear_cookie(&mut answer.headers, CookieKind::Flow);
        }
        Ok(answer)
    }

    /// True when the policy names this provider.
    pub(super) fn is_second_factor(&self, provider: &Provider) -> bool {
        self.context
            .settings
            .policy
            .second_factor
            .contains(&provider.name)
    }

    /// True when the user has a usable authenticator of the provider's group.
    pub(super) fn has_authenticator(&self, provider: &Provider, subject: &Subject) -> bool {
        usable_authenticators(provider, subject, self.now)
            .next()
            .is_some()
    }
}
