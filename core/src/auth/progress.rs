//! Progress: what an authentication has come to, and what the policy still misses.

use super::call::Call;
use crate::cookie::CookieKind;
use crate::error::Result;
use crate::event::{Event, EventName};
use crate::factor::Factor;
use crate::flow::{Course, FlowState, Holder, MethodAction, Owner};
use crate::id::{SignInId, UserId};
use crate::outcome::{Answer, Outcome, WayInfo};
use crate::plugin::Fields;
use crate::policy::Decision;
use crate::proof::{Proof, ProofOrigin};
use crate::provider::Provider;
use crate::store::Subject;
use crate::verification::usable_authenticators;

/// What ends with a proof. A link does not: it ends with a claim.
#[derive(Clone, Copy)]
pub(super) enum Aim {
    /// An enrollment, in this live sign-in where there is one.
    Enroll(Option<SignInId>),
    SignIn,
    SignUp,
    /// A step-up of this live sign-in.
    StepUp(SignInId),
}

impl Aim {
    /// What a flow aims at.
    pub(super) fn of(course: &Course) -> Option<Self> {
        match course {
            Course::Enroll { .. } => Some(Self::Enroll(course.session())),
            Course::Link { .. } => None,
            Course::SignIn { .. } => Some(Self::SignIn),
            Course::SignUp(_) | Course::SignedUp(_) => Some(Self::SignUp),
            Course::StepUp { session, .. } => Some(Self::StepUp(SignInId::from_bytes(*session))),
        }
    }

    /// The live sign-in that it belongs to.
    fn session(self) -> Option<SignInId> {
        match self {
            Self::Enroll(session) => session,
            Self::SignIn | Self::SignUp => None,
            Self::StepUp(session) => Some(session),
        }
    }
}

/// What one authentication has come to.
pub(super) struct Progress {
    pub(super) aim: Aim,
    pub(super) user_id: UserId,
    pub(super) epoch: i64,
    pub(super) factors: Vec<Factor>,
    pub(super) show_once: Fields,
    /// What else opens the account, where this gave it its first second factor.
    pub(super) others: Vec<WayInfo>,
}

impl Call<'_> {
    /// Goes on after a factor: to the proof, or to what the policy still misses.
    pub(super) async fn proceed(&self, provider: &str, progress: Progress) -> Result<Answer<Proof>> {
        let holder = Holder::of(progress.user_id, progress.epoch);
        let course = match progress.aim {
            // Whoever enrolls was let in before.
            Aim::Enroll(_) => return Ok(self.accept(provider, progress)),
            Aim::SignIn => Course::sign_in(Owner::of(progress.user_id), progress.epoch),
            Aim::SignUp => Course::SignedUp(holder),
            Aim::StepUp(session) => Course::StepUp {
                holder,
                session: *session.as_bytes(),
            },
        };
        let decision = self.account(progress.user_id).await?.decide(&progress.factors);
        let action = match &decision {
            Decision::Accept => return Ok(self.accept(provider, progress)),
            // A live session was made by the policy of its time: it is not ended by adding to it.
            Decision::Enroll(_) if matches!(progress.aim, Aim::StepUp(_)) => {
                return Ok(self.accept(provider, progress));
            }
            Decision::Verify(_) => MethodAction::Verify,
            Decision::Enroll(_) => MethodAction::Enroll,
            Decision::Refuse(why) => return Ok(self.denied(provider, Some(progress.user_id), why.id())),
        };
        let names = decision.names();
        let mut state = FlowState::new(self.realm, course);
        state.factors = Factor::to_json(&progress.factors);
        state.next = names.into_iter().map(|name| (name, action)).collect();
        let mut answer = self.begin_flow(state).await?;
        (answer.show_once, answer.others) = (progress.show_once, progress.others);
        Ok(answer)
    }

    /// The proof at the end of an authentication.
    fn accept(&self, provider: &str, progress: Progress) -> Answer<Proof> {
        let origin = match progress.aim {
            Aim::Enroll(Some(session)) => ProofOrigin::Session(session),
            Aim::StepUp(session) => ProofOrigin::StepUp(session),
            Aim::Enroll(None) | Aim::SignIn | Aim::SignUp => ProofOrigin::Credentials,
        };
        self.emit(&Event {
            user_id: Some(progress.user_id),
            sign_in_id: progress.aim.session(),
            provider: Some(provider.into()),
            ..self.event(EventName::AuthenticationSucceeded)
        });
        let proof = self.proof(progress.user_id, progress.epoch, progress.factors, origin);
        let mut answer = Answer::of(Outcome::Accepted(proof));
        (answer.show_once, answer.others) = (progress.show_once, progress.others);
        if self.browser().is_some() {
            self.clear_cookie(&mut answer.headers, CookieKind::Flow);
        }
        answer
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
