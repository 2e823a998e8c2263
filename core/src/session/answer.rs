//! What the operations on sessions answer: everything that happened is said by the value.

use super::rules::Verdict;
use super::{Over, Session};
use crate::id::{SignInId, UserId};
use crate::store::{EndReason, SignIn};

/// What became of a new session or a step-up.
#[derive(Clone, Debug)]
#[must_use = "there may be no session"]
pub enum Created {
    /// It exists; both tokens are in it.
    Created {
        /// The session, at generation 0.
        session: Session,
        /// The user's sign-ins that the cap ended (reason `cap`). Empty when it was known only at a second attempt.
        evicted: Vec<SignInId>,
    },
    /// The user is gone, disabled or of another epoch or realm; or the sign-in to step up is not live any more.
    Refused,
    /// The user has `max_sign_ins` live sign-ins, and the policy is to deny.
    CapReached,
}

/// What became of a refresh.
#[derive(Clone, Debug)]
#[must_use = "the new tokens are in it"]
pub enum Refreshed {
    /// The presented token is still the current one: the same session. It carries the access token only, because
    /// the refresh token stays what it is: writing it again could overtake a newer one.
    Current(Session),
    /// Exchanged by this call: the next session, with both tokens.
    Next(Session),
    /// Exchanged before, by a call whose reply may be lost or by another tab: the same successor, with both tokens.
    Repeated(Session),
    /// This token ended the sign-in: `token_reuse` or `rollback_detected`.
    Ended(Ended),
    /// The sign-in is not live; why, if the token proves to be one of it.
    SignedOut(Option<Over>),
    /// Not a token of ours.
    Invalid,
}

/// Whether a look at a token is a use of the sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It is: the sign-in does not end by idleness for its time.
    Counts,
    /// It is not.
    Not,
}

/// What an access token is.
#[derive(Clone, Debug)]
#[must_use = "the token may be anybody's"]
pub enum Validated {
    /// Accepted.
    Accepted(Session),
    /// Ours and of a live sign-in, but past its time: refresh.
    Expired,
    /// Anything else.
    Invalid,
}

/// What a refresh token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the token may be anybody's"]
pub enum Standing {
    /// A refresh would give a session.
    Refreshable,
    /// The token is of this sign-in, which is not live; why.
    SignedOut(Over),
    /// Nothing may be said.
    Unknown,
}

/// What became of a sign-out. Whatever it is, the client is to forget its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it says whether there was anything to end"]
pub enum SessionEnd {
    /// It was live and is ended now.
    Ended(Ended),
    /// It was not live any more.
    NotLive,
    /// Not a token of ours.
    Invalid,
}

/// A sign-in that was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whose it was.
    pub user_id: UserId,
    /// Which.
    pub sign_in_id: SignInId,
    /// Why.
    pub reason: EndReason,
}

impl Ended {
    pub(super) fn of(row: &SignIn, reason: EndReason) -> Self {
        Self {
            user_id: row.user_id,
            sign_in_id: row.id,
            reason,
        }
    }
}

impl Standing {
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Same | Verdict::Exchange | Verdict::Successor => Self::Refreshable,
            Verdict::SignedOut(Some(over)) => Self::SignedOut(over),
            // A replay is answered by the refresh that it will be, with its end and its event.
            Verdict::SignedOut(None) | Verdict::Replay | Verdict::Forked | Verdict::Invalid => Self::Unknown,
        }
    }
}
