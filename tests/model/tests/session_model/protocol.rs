//! `docs/sessions.md` without bytes: what a server answers to a token when it sees this row, and what it writes.
//!
//! A secret is a number, drawn where the protocol draws a salt: equal numbers stand for equal bytes. An access token
//! carries the number of the refresh token that it is derived from. Times are ages in ticks, capped where nothing can
//! tell them apart any more, so that the state space is finite without an end of time.

use crate::Bug;

/// How long a generation settles after its first acceptance, in ticks. Requests and store deadlines are shorter.
pub(crate) const GRACE: u8 = 2;
/// Beyond this age nothing changes: an operation is at most one tick old when it compares.
pub(crate) const OLD: u8 = GRACE + 1;
/// How often an exchange begins before it answers *unavailable*.
pub(crate) const ATTEMPTS: u8 = 3;

/// An access or a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token {
    /// The sign-in: 0 is the first, 1 its step-up.
    pub(crate) row: u8,
    pub(crate) generation: u8,
    pub(crate) secret: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum EndReason {
    /// By the person, the operator, the cap: whoever wanted it.
    Wanted,
    RollbackDetected,
    Superseded,
    TokenReuse,
}

/// One row of `doorward_sign_in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) generation: u8,
    pub(crate) current: u8,
    pub(crate) previous: Option<u8>,
    /// The age of `confirmed_at`.
    pub(crate) confirmed: Option<u8>,
    /// Whether it replaces the other one.
    pub(crate) replaces: bool,
    /// Whether it carries the second factor.
    pub(crate) elevated: bool,
    pub(crate) ended: Option<EndReason>,
}

impl Row {
    pub(crate) fn new(confirmed: Option<u8>, elevated: bool) -> Self {
        Self {
            generation: 0,
            current: 0,
            previous: None,
            confirmed,
            replaces: confirmed.is_none(),
            elevated,
            ended: None,
        }
    }

    pub(crate) fn token(&self, row: u8) -> Token {
        Token {
            row,
            generation: self.generation,
            secret: self.current,
        }
    }

    /// A step-up that nobody has used: later generations exist only because an earlier one was used.
    pub(crate) fn is_pending(&self) -> bool {
        self.replaces && self.generation == 0 && self.confirmed.is_none() && self.ended.is_none()
    }

    /// `now` is the age of the operation's own time: `now < confirmed_at + grace`.
    fn is_settling(&self, now: u8, bug: Option<Bug>) -> bool {
        match self.confirmed {
            _ if bug == Some(Bug::NoGrace) => false,
            None => true,
            Some(confirmed) => confirmed < GRACE + now,
        }
    }

    fn is_live(&self, bug: Option<Bug>) -> bool {
        self.ended.is_none() || bug == Some(Bug::AcceptAfterEnd)
    }

    fn is_current(&self, token: Token) -> bool {
        self.generation == token.generation && self.current == token.secret
    }

    fn is_previous(&self, token: Token) -> bool {
        self.generation == token.generation + 1 && self.previous == Some(token.secret)
    }
}

/// What the browser or the thief gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    /// A session: the access cookie, and where the generation is new to the caller the refresh cookie.
    Session { token: Token, refresh_cookie: bool },
    /// The session cookies are cleared: for `end_session` alone.
    Cleared,
    /// Signed out or invalid. Nothing is cleared.
    SignedOut,
    /// It could not be decided.
    Unavailable,
}

/// What an operation does next, decided on the row that it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Plan {
    Answer(Answer),
    /// One conditional update to the next generation.
    Advance,
    /// Extends the settling generation; confirms it if the token is its own.
    Extend {
        current: Token,
        confirm: bool,
    },
    /// Confirms a step-up and ends what it replaces, in one transaction.
    Confirm,
    /// Ends the sign-in.
    End(EndReason),
    /// Inserts the step-up.
    Insert,
    /// The planted bug: a fresh successor is written over the one that was given out.
    Redraw,
}

/// *Refresh(token)*, the rules in their order.
pub(crate) fn refresh(row: Option<Row>, token: Token, now: u8, bug: Option<Bug>) -> Plan {
    let Some(row) = row.filter(|row| row.is_live(bug)) else {
        return Plan::Answer(Answer::SignedOut);
    };
    let settling = row.is_settling(now, bug);
    let current = row.token(token.row);
    if row.is_current(token) {
        return if settling {
            Plan::Extend {
                current,
                confirm: true,
            }
        } else {
            Plan::Advance
        };
    }
    if row.is_previous(token) && settling {
        return if bug == Some(Bug::FreshSuccessor) {
            Plan::Redraw
        } else {
            Plan::Extend {
                current,
                confirm: false,
            }
        };
    }
    if token.generation < row.generation {
        return if bug == Some(Bug::ReuseIgnored) {
            Plan::Answer(Answer::SignedOut)
        } else {
            Plan::End(EndReason::TokenReuse)
        };
    }
    Plan::End(EndReason::RollbackDetected)
}

/// What *Validate(token)* finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validated {
    /// Accepted; `confirm` where this is the first acceptance of its generation.
    Accepted {
        confirm: bool,
    },
    /// The first use of a step-up: it has to be confirmed before the answer.
    ConfirmFirst,
    Refused,
}

pub(crate) fn validate(row: Option<Row>, token: Token, now: u8, bug: Option<Bug>) -> Validated {
    match row.filter(|row| row.is_live(bug)) {
        Some(row) if row.is_current(token) => match row.confirmed {
            None if row.replaces => Validated::ConfirmFirst,
            confirmed => Validated::Accepted {
                confirm: confirmed.is_none(),
            },
        },
        Some(row) if row.is_previous(token) && row.is_settling(now, bug) => {
            Validated::Accepted { confirm: false }
        }
        _ => Validated::Refused,
    }
}
