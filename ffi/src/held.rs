//! An answer, owned: what each thing that an operation gives becomes.

use std::sync::Arc;

use doorward::session::SharedSession;
use doorward::store::{Purged, StoreStats};
use doorward::{Error, Outcome, Proof, SignedOut, User, WayInfo};

use crate::decision::{Decision, Extra, Value};
use crate::error::{Failure, status};
use crate::text::Text;
use crate::way::WayView;

/// An answer, owned.
pub(crate) enum Held {
    /// A decision of which the status says everything.
    Nothing(i32),
    /// None yet: it comes through the queue.
    Pending,
    Decision(Box<Decision>),
    /// Accepted, and nothing but the session, which the core's handles share.
    Session(Arc<SharedSession>),
    Failure(Box<Failure>),
}

impl Held {
    pub(crate) fn status(&self) -> i32 {
        match self {
            Self::Nothing(status) => *status,
            Self::Pending => status::PENDING,
            Self::Decision(decision) => decision.status,
            Self::Session(_) => status::OK,
            Self::Failure(failure) => failure.kind().number(),
        }
    }

    /// The smallest form that has everything.
    fn of(status: i32, value: Value, extra: Extra) -> Self {
        match value {
            Value::Nothing if extra.is_empty() => Self::Nothing(status),
            Value::Session(session) if extra.is_empty() => Self::Session(session.into()),
            value => Self::Decision(Box::new(Decision {
                status,
                value,
                text: Text::default(),
                extra: (!extra.is_empty()).then(|| Box::new(extra)),
            })),
        }
    }
}

impl From<Error> for Held {
    fn from(error: Error) -> Self {
        Self::from(Arc::new(error))
    }
}

impl From<Arc<Error>> for Held {
    fn from(error: Arc<Error>) -> Self {
        Self::Failure(Box::new(Failure::new(error)))
    }
}

impl<T: Into<Value>> From<doorward::Answer<T>> for Held {
    fn from(decided: doorward::Answer<T>) -> Self {
        let mut extra = Extra {
            headers: decided.headers,
            show_once: decided.show_once,
            took: ways(decided.took),
            kept: ways(decided.kept),
            others: ways(decided.others),
            ..Extra::default()
        };
        let mut value = Value::Nothing;
        let status = match decided.outcome {
            Outcome::Accepted(given) => {
                value = given.into();
                status::OK
            }
            Outcome::Continue(flow) => {
                extra.flow = Some(flow.into());
                status::CONTINUE
            }
            Outcome::Refused(flow) => {
                extra.flow = flow.map(Into::into);
                status::REFUSED
            }
            Outcome::RequestRefused(refused) => {
                (extra.reason.0, extra.setting.0) = (refused.reason, refused.setting);
                status::REQUEST_REFUSED
            }
            Outcome::SignedOut(reason) => {
                extra.reason.0 = reason.id();
                status::SIGNED_OUT
            }
            Outcome::Throttled(after) => {
                extra.retry_after = after;
                status::THROTTLED
            }
            Outcome::Unregistered(claim) => {
                extra.claim = Some(claim.into());
                status::UNREGISTERED
            }
        };
        Self::of(status, value, extra)
    }
}

/// What an operation gives that decides nothing but whether it could.
macro_rules! plain {
    ($($of:ty)*) => {$(
        impl From<$of> for Held {
            fn from(value: $of) -> Self {
                Self::of(status::OK, value.into(), Extra::default())
            }
        }
    )*};
}

plain! { () u64 Counted String Proof User StoreStats Purged }

impl<T> From<Vec<T>> for Held
where
    Vec<T>: Into<Value>,
{
    fn from(list: Vec<T>) -> Self {
        Self::of(status::OK, list.into(), Extra::default())
    }
}

impl<T: Into<Value>> From<Option<T>> for Held {
    fn from(found: Option<T>) -> Self {
        match found {
            Some(value) => Self::of(status::OK, value.into(), Extra::default()),
            None => Self::Nothing(status::ABSENT),
        }
    }
}

fn ways(told: Vec<WayInfo>) -> Vec<WayView> {
    told.into_iter().map(Into::into).collect()
}

/// What an operation gives that answers with an outcome.
pub(crate) type Decided<T> = doorward::Answer<T>;

/// Whether a sign-in is live; if not, that is *signed out*.
pub(crate) struct Alive(bool);

/// Whether the attempt was still this one's to settle; if not, there is no such thing.
pub(crate) struct Settled(bool);

/// How many things were counted.
pub(crate) struct Counted(u64);

impl From<u64> for Counted {
    fn from(count: u64) -> Self {
        Self(count)
    }
}

impl From<Counted> for Value {
    fn from(Counted(count): Counted) -> Self {
        Self::Counted(count)
    }
}

impl From<bool> for Alive {
    fn from(alive: bool) -> Self {
        Self(alive)
    }
}

impl From<bool> for Settled {
    fn from(settled: bool) -> Self {
        Self(settled)
    }
}

impl From<Alive> for Held {
    fn from(Alive(alive): Alive) -> Self {
        let said = if alive {
            Outcome::Accepted(())
        } else {
            Outcome::SignedOut(SignedOut::Invalid)
        };
        doorward::Answer::of(said).into()
    }
}

impl From<Settled> for Held {
    fn from(Settled(settled): Settled) -> Self {
        Self::Nothing(if settled { status::OK } else { status::ABSENT })
    }
}
