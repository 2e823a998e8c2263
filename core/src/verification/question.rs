//! A question: what is asked, and how it is put to the kind: about a user, about whoever it finds, or about nobody.

use super::UNKNOWN;
use super::records::usable_authenticators;
use crate::clock::Timestamp;
use crate::id::UserId;
use crate::plugin::{Denial, Fields, Operation};
use crate::provider::Provider;
use crate::secret::Secret;
use crate::store::Subject;

/// One question.
#[derive(Default)]
pub(crate) struct Question {
    pub(crate) raw: Vec<u8>,
    pub(crate) canonical: Vec<u8>,
    pub(crate) credentials: Fields,
    pub(crate) new_credentials: Fields,
    /// For a step: which operation it resumes, its number and the state of the step before.
    pub(crate) resumes: Option<(Operation, u32, Secret)>,
    /// True when the flow was begun for nobody: stays a decoy whatever the subject is now.
    pub(crate) decoy: bool,
    /// Whose answer it must be, where that is settled before the kind is asked: nobody else's handle is good here.
    pub(crate) bound: Option<Bound>,
}

/// The user that an answer must be of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) user: UserId,
    /// The epoch under which the factors before were proved; `None`: this is the first one.
    pub(crate) epoch: Option<i64>,
}

impl Question {
    /// Why this subject cannot be verified with this provider; `None`: it can.
    pub(super) fn unusable(
        &self,
        provider: &Provider,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Option<&'static str> {
        let (Some(subject), false) = (subject, self.decoy) else {
            return Some(UNKNOWN);
        };
        if subject.user.disabled_at.is_some() {
            return Some(Denial::Disabled.id());
        }
        if let Some(bound) = self.bound {
            if bound.user != subject.user.id {
                return Some("other_user");
            }
            if bound
                .epoch
                .is_some_and(|epoch| epoch != subject.user.session_epoch)
            {
                return Some("user_changed");
            }
        }
        let keeps_records = provider.kind.declaration().keeps_records;
        (keeps_records && usable_authenticators(provider, subject, now).next().is_none())
            .then_some(Denial::NotEnrolled.id())
    }

    /// How the question is put first, before a handle is known.
    pub(super) fn standing(
        &self,
        provider: &Provider,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Standing {
        let opens = provider.vouches() || provider.finds_by_handle();
        if opens && subject.is_none() && !self.decoy && self.bound.is_none() {
            return Standing::Open;
        }
        match self.unusable(provider, subject, now) {
            Some(reason) => Standing::Decoy(reason),
            None => Standing::Known,
        }
    }
}

/// How a question is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// About a user.
    Known,
    /// About whoever the kind will say: it looks elsewhere, or at a handle.
    Open,
    /// About nobody, for this reason.
    Decoy(&'static str),
}
