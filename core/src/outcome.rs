//! Outcomes: what an operation answers when it could be decided. Values, never truth values.

use std::time::Duration;

use crate::claim::Claim;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::FlowHandle;
use crate::headers::{Challenge, ResponseHeaders};
use crate::plugin::Fields;
use crate::store::EndReason;

/// What was decided.
#[derive(Debug)]
#[must_use = "an outcome that nobody looks at lets everybody in"]
pub enum Outcome<T> {
    /// The thing asked for happened.
    Accepted(T),
    /// Something more must be answered: the flow says what.
    Continue(FlowHandle),
    /// It did not: unknown, wrong or disabled, all the same. Where a step may be tried again, the flow to try with.
    Refused(Option<FlowHandle>),
    /// The request itself is not trusted; nothing was tried.
    RequestRefused(RequestRefused),
    /// There is no session: why, where that may be told.
    SignedOut(SignedOut),
    /// Too many failures: not before this time has passed.
    Throttled(Duration),
    /// It was verified, and no user has this provider id: the claim creates one, or is linked to one.
    Unregistered(Claim),
}

/// Why a request was refused, and the setting that would change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRefused {
    /// Stable text, such as `origin_not_trusted`.
    pub reason: &'static str,
    /// Dotted name of the setting, such as `origins`.
    pub setting: &'static str,
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignedOut {
    /// It ended; the holder of a token of it may know why.
    Ended(EndReason),
    /// It is past its time: nothing will do but a new sign-in.
    Expired,
    /// Its access token is past its time, and a refresh will do.
    ExpiredRefreshable,
    /// The token is not one of ours, or not any more.
    Invalid,
    /// The request carried none.
    NoToken,
}

impl SignedOut {
    /// The stable text: `expired`, `expired_refreshable`, `invalid`, `no_token`, or the reason of the end.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ended(reason) => reason.id(),
            Self::Expired => "expired",
            Self::ExpiredRefreshable => "expired_refreshable",
            Self::Invalid => "invalid",
            Self::NoToken => "no_token",
        }
    }

    /// Whether a refresh of the same sign-in will do.
    pub const fn may_refresh(self) -> bool {
        matches!(self, Self::ExpiredRefreshable)
    }

    /// Whether the cookies of a proved token of that sign-in may be cleared. Never where another sign-in has taken its
    /// place in the browser: a late answer to old cookies must not delete new ones.
    pub const fn may_clear(self) -> bool {
        matches!(
            self,
            Self::Expired | Self::Ended(EndReason::Ended | EndReason::SignedOut)
        )
    }
}

/// An outcome and the header lines to send with it.
#[derive(Debug)]
#[must_use = "an outcome that nobody looks at lets everybody in"]
pub struct Answer<T> {
    /// What was decided.
    pub outcome: Outcome<T>,
    /// Response headers, each to be sent as its own line; empty where there are none.
    pub headers: ResponseHeaders,
    /// Shown once to the person and kept nowhere: recovery codes, an API key. Empty for most.
    pub show_once: Fields,
    /// The ways in that were taken from the user by this: by recovery, by a first proof. Show them.
    pub took: Vec<WayInfo>,
    /// The ways in that recovery left. Show them: each of them still opens the account, or protects it.
    pub kept: Vec<WayInfo>,
    /// With the first second factor of a user: what else opens the account, passkeys, identities and keys. Show them:
    /// what somebody else added before is asked for this factor from now on, but for keys, which are never asked.
    pub others: Vec<WayInfo>,
}

/// One way in, or second factor, as its owner knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct WayInfo {
    /// The provider name; where several names share an authenticator, the first of them.
    pub provider: String,
    /// The identifier as it was given, or the label that the owner gave to an authenticator. For people.
    pub name: String,
    /// True for an identity, false for an authenticator.
    pub is_identity: bool,
    /// When it was added.
    pub created_at: crate::clock::Timestamp,
    /// When it was last used; coarse.
    pub last_used_at: Option<crate::clock::Timestamp>,
    /// Of an identity: when it was proved.
    pub verified_at: Option<crate::clock::Timestamp>,
}

impl std::fmt::Debug for WayInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Identifiers are not logged.
        f.debug_struct("WayInfo")
            .field("provider", &self.provider)
            .field("is_identity", &self.is_identity)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

impl<T> Answer<T> {
    /// An outcome with the headers that its status demands: `WWW-Authenticate` with 401 (RFC 9110 section 15.5.2).
    pub fn of(outcome: Outcome<T>) -> Self {
        let mut headers = ResponseHeaders::default();
        match &outcome {
            Outcome::Refused(_) | Outcome::SignedOut(SignedOut::NoToken) => {
                headers.challenge(Challenge::nothing());
            }
            Outcome::SignedOut(reason) => headers.challenge(Challenge::invalid_token(reason.id())),
            _ => {}
        }
        Self {
            outcome,
            headers,
            show_once: Fields::default(),
            took: Vec::new(),
            kept: Vec::new(),
            others: Vec::new(),
        }
    }

    /// The value, or an error for every other outcome.
    ///
    /// # Errors
    /// `Refused`, `StepRequired`, `Throttled`, `SignedOut`, `RequestRefused` or `Unregistered`, after the outcome. It keeps
    /// what goes with its status: `Retry-After`, `WWW-Authenticate`.
    pub fn require(self) -> Result<T> {
        let of_status = self.headers.of_status();
        let (kind, message) = match self.outcome {
            Outcome::Accepted(value) => return Ok(value),
            Outcome::Continue(_) => (
                ErrorKind::StepRequired,
                "another step must be answered first".into(),
            ),
            Outcome::Refused(_) => (ErrorKind::Refused, "the credentials were refused".into()),
            Outcome::RequestRefused(refused) => (
                ErrorKind::RequestRefused,
                format!(
                    "the request is not trusted: {}; see the setting `{}`",
                    refused.reason, refused.setting
                ),
            ),
            Outcome::SignedOut(reason) => (
                ErrorKind::SignedOut,
                format!("there is no session: {}", reason.id()),
            ),
            Outcome::Throttled(after) => (
                ErrorKind::Throttled,
                format!("too many failures: try again in {} s", after.as_secs() + 1),
            ),
            Outcome::Unregistered(_) => (
                ErrorKind::Unregistered,
                "it was verified, but no user has this provider id: create one from the claim, or link it"
                    .into(),
            ),
        };
        Err(Error::new(kind, message).with_headers(of_status))
    }

    /// The HTTP status that fits: 200, 401, 403, 404 (unregistered) or 429.
    pub fn http_status(&self) -> u16 {
        self.outcome.http_status()
    }
}

impl<T> Outcome<T> {
    /// The stable text of the variant.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Continue(_) => "continue",
            Self::Refused(_) => "refused",
            Self::RequestRefused(_) => "request_refused",
            Self::SignedOut(_) => "signed_out",
            Self::Throttled(_) => "throttled",
            Self::Unregistered(_) => "unregistered",
        }
    }

    /// The HTTP status that fits: 200, 401, 403, 404 (unregistered) or 429.
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Accepted(_) | Self::Continue(_) => 200,
            Self::Refused(_) | Self::SignedOut(_) => 401,
            Self::RequestRefused(_) => 403,
            Self::Unregistered(_) => 404,
            Self::Throttled(_) => 429,
        }
    }

    /// The same outcome about another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Accepted(value) => Outcome::Accepted(change(value)),
            Self::Continue(flow) => Outcome::Continue(flow),
            Self::Refused(flow) => Outcome::Refused(flow),
            Self::RequestRefused(refused) => Outcome::RequestRefused(refused),
            Self::SignedOut(reason) => Outcome::SignedOut(reason),
            Self::Throttled(after) => Outcome::Throttled(after),
            Self::Unregistered(claim) => Outcome::Unregistered(claim),
        }
    }
}
