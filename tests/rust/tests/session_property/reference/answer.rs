//! What the reference answers, and a sign-in as it keeps it.

use doorward::SignInId;

/// Microseconds.
pub(crate) type Micros = i64;
pub(crate) const SECOND: Micros = 1_000_000;

/// The lifetimes of the replay: every boundary is within a few steps of every other one.
pub(crate) const GRACE: Micros = 30 * SECOND;
pub(crate) const ACCESS: Micros = 200 * SECOND;
pub(crate) const IDLE: Micros = 1_000 * SECOND;
pub(crate) const ABSOLUTE: Micros = 3_000 * SECOND;
pub(crate) const MAX_SIGN_INS: u32 = 2;

/// A token as the reference sees it, genuine or forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Presented {
    /// `None`: malformed, or of another kind.
    pub(crate) id: Option<SignInId>,
    pub(crate) generation: u32,
    /// Which draw its secret comes from.
    pub(crate) draw: u64,
    /// Whether it carries the sign-in's family secret; an access token carries none.
    pub(crate) family: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted(Seen),
    CapReached,
    Count(u64),
    Created { session: Seen, evicted: Vec<SignInId> },
    Ended(&'static str),
    Expired,
    Invalid,
    NotLive,
    Refused,
    SignedOut(Option<&'static str>),
    Tokens { how: How, session: Seen },
}

/// How a refresh came to its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The presented token is current: the access cookie only.
    Current,
    /// Exchanged now.
    Next,
    /// Exchanged before: the same successor.
    Repeated,
}

/// What a session says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: SignInId,
    pub(crate) access_end: Micros,
    pub(crate) idle_end: Micros,
    pub(crate) absolute_end: Micros,
    pub(crate) elevated: bool,
}

/// What a list of devices says of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: SignInId,
    pub(crate) generation: u32,
    pub(crate) last_seen: Micros,
    pub(crate) idle_end: Micros,
    pub(crate) elevated: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    pub(super) epoch: i64,
    pub(crate) generation: u32,
    pub(crate) draw: u64,
    pub(super) previous: Option<u64>,
    pub(crate) confirmed: Option<Micros>,
    pub(crate) access_end: Micros,
    pub(crate) previous_access_end: Micros,
    pub(crate) idle_end: Micros,
    pub(crate) absolute_end: Micros,
    pub(super) created: Micros,
    pub(super) last_seen: Micros,
    pub(super) replaces: Option<SignInId>,
    pub(super) elevated: bool,
    pub(super) ended: Option<&'static str>,
}

impl SignIn {
    pub(super) fn is_pending(&self) -> bool {
        self.replaces.is_some() && self.generation == 0 && self.confirmed.is_none()
    }

    pub(super) fn is_settling(&self, now: Micros) -> bool {
        self.confirmed.is_none_or(|at| now < at + GRACE)
    }

    pub(super) fn is_current(&self, token: &Presented) -> bool {
        self.generation == token.generation && self.draw == token.draw
    }

    pub(super) fn is_previous(&self, token: &Presented) -> bool {
        self.generation.checked_sub(1) == Some(token.generation) && self.previous == Some(token.draw)
    }

    pub(super) fn is_unended(&self, now: Micros) -> bool {
        self.ended.is_none() && now < self.idle_end && now < self.absolute_end
    }

    pub(super) fn seen(&self, id: SignInId, access_end: Micros) -> Seen {
        Seen {
            id,
            access_end,
            idle_end: self.idle_end,
            absolute_end: self.absolute_end,
            elevated: self.elevated,
        }
    }
}
