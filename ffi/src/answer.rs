//! `doorward_answer`: what one operation decided, or why nothing could be. A value of two words; what is behind it is a
//! shared session, a decision, a failure, or nothing.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use doorward::headers::ResponseHeaders;
use doorward::session::SharedSession;
use doorward::store::{Purged, StoreStats};
use doorward::{Caller, Claim, Error, Fields, Outcome, Proof, Session, TokenInfo, User, UserId, WayInfo};

use crate::abi::{RowCounts, size_of_struct};
use crate::boundary::In;
use crate::claim::ClaimView;
use crate::delivery::{DeliveryView, TokenInfoView};
use crate::error::{Failure, status};
use crate::flow::{FlowView, MethodView};
use crate::identity::{AuthenticatorView, IdentityView};
use crate::proof::ProofView;
use crate::row::Counted;
use crate::session::DeviceView;
use crate::text::{PairList, Text};
use crate::user::UserView;
use crate::way::WayView;

/// `doorward_answer`, as C holds it. A copy is the same answer.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) kind: u32,
    pub(crate) held: *const c_void,
}

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

/// What is behind an answer.
pub(crate) enum Seen<'a> {
    /// No answer: never given, or freed.
    None,
    Nothing,
    Decision(&'a Decision),
    Session(In<SharedSession>),
    Failure(&'a Failure),
}

/// A decision with something to say.
pub(crate) struct Decision {
    pub(crate) status: i32,
    pub(crate) value: Value,
    pub(crate) text: Text,
    pub(crate) extra: Option<Box<Extra>>,
}

/// What few decisions have.
#[derive(Default)]
pub(crate) struct Extra {
    pub(crate) flow: Option<FlowView>,
    pub(crate) claim: Option<ClaimView>,
    pub(crate) headers: ResponseHeaders,
    pub(crate) header_pairs: PairList,
    pub(crate) show_once: Fields,
    pub(crate) show_once_pairs: PairList,
    pub(crate) took: Vec<WayView>,
    pub(crate) kept: Vec<WayView>,
    pub(crate) others: Vec<WayView>,
    pub(crate) reason: (&'static str, Text),
    pub(crate) setting: (&'static str, Text),
    pub(crate) retry_after: Duration,
}

/// What the thing asked for gave.
pub(crate) enum Value {
    Authenticators(Vec<AuthenticatorView>),
    Claim(ClaimView),
    Count(u64),
    Counted(u64),
    Deliveries(Vec<DeliveryView>),
    Devices(Vec<DeviceView>),
    Identities(Vec<IdentityView>),
    Key {
        user: UserView,
        provider: String,
        scopes: Vec<(String, Text)>,
    },
    Methods(Vec<MethodView>),
    Nothing,
    Proof(ProofView),
    Purged(RowCounts),
    Session(Session),
    Stats(RowCounts),
    Text(String),
    TokenInfo(TokenInfoView),
    User(UserView),
    UserId(UserId),
    Users(Vec<UserView>),
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

impl Extra {
    fn is_empty(&self) -> bool {
        self.flow.is_none()
            && self.claim.is_none()
            && self.headers.is_empty()
            && self.show_once.0.is_empty()
            && self.took.is_empty()
            && self.kept.is_empty()
            && self.others.is_empty()
            && self.reason.0.is_empty()
            && self.setting.0.is_empty()
            && self.retry_after.is_zero()
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

macro_rules! values {
    ($($of:ty => $variant:ident;)*) => {$(
        impl From<$of> for Value {
            fn from(value: $of) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

macro_rules! lists {
    ($($of:ty => $variant:ident;)*) => {$(
        impl From<Vec<$of>> for Value {
            fn from(list: Vec<$of>) -> Self {
                Self::$variant(list.into_iter().map(Into::into).collect())
            }
        }
    )*};
}

values! {
    u64 => Count;
    String => Text;
    Proof => Proof;
    Claim => Claim;
    Session => Session;
    User => User;
    UserId => UserId;
    TokenInfo => TokenInfo;
}

lists! {
    doorward::Authenticator => Authenticators;
    doorward::Delivery => Deliveries;
    doorward::Device => Devices;
    doorward::Identity => Identities;
    doorward::Method => Methods;
    User => Users;
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl From<Caller> for Value {
    fn from(caller: Caller) -> Self {
        match caller {
            Caller::Key {
                user,
                provider,
                scopes,
            } => Self::Key {
                user: user.into(),
                provider,
                scopes: scopes.into_iter().map(|scope| (scope, Text::default())).collect(),
            },
            Caller::Session(session) => Self::Session(session),
        }
    }
}

impl From<StoreStats> for Value {
    fn from(stats: StoreStats) -> Self {
        let StoreStats {
            users,
            sign_ins,
            flows,
        } = stats;
        Self::Stats(RowCounts {
            users,
            sign_ins,
            flows,
            ..no_rows()
        })
    }
}

impl From<Purged> for Value {
    fn from(purged: Purged) -> Self {
        let Purged {
            sign_ins,
            flows,
            others,
            throttles,
            more,
        } = purged;
        Self::Purged(RowCounts {
            sign_ins,
            flows,
            throttles,
            others,
            more: more.into(),
            ..no_rows()
        })
    }
}

fn no_rows() -> RowCounts {
    let struct_size = size_of_struct::<RowCounts>();
    RowCounts {
        struct_size,
        more: 0,
        users: 0,
        sign_ins: 0,
        flows: 0,
        throttles: 0,
        others: 0,
    }
}
