//! What was decided, as an answer keeps it: the value that was asked for, and what is told beside it.

use std::time::Duration;

use doorward::headers::ResponseHeaders;
use doorward::http::Response;
use doorward::store::{Purged, StoreStats};
use doorward::{Caller, Claim, Fields, Proof, Session, TokenInfo, User, UserId};

use crate::abi::{RowCounts, size_of_struct};
use crate::claim::ClaimView;
use crate::delivery::{DeliveryView, TokenInfoView};
use crate::flow::{FlowView, MethodView};
use crate::identity::{AuthenticatorView, IdentityView};
use crate::proof::ProofView;
use crate::response::ResponseView;
use crate::session::DeviceView;
use crate::text::{PairList, Text};
use crate::user::UserView;
use crate::way::WayView;

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
    Response(ResponseView),
    Session(Session),
    Stats(RowCounts),
    Text(String),
    TokenInfo(TokenInfoView),
    User(UserView),
    UserId(UserId),
    Users(Vec<UserView>),
}

impl Extra {
    pub(crate) fn is_empty(&self) -> bool {
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
    Response => Response;
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
