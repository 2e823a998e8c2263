//! `doorward_answer`: what one operation decided.

use std::ffi::c_char;
use std::ptr;
use std::time::Duration;

use doorward::headers::ResponseHeaders;
use doorward::store::{Purged, StoreStats};
use doorward::{Caller, Claim, Fields, Outcome, Proof, Session, TokenInfo, User, UserId};

use crate::abi::{Field, Id, RowCounts, size_of_struct};
use crate::boundary::{self, In, Length, Owned, id_within};
use crate::claim::ClaimView;
use crate::delivery::{DeliveryView, TokenInfoView};
use crate::error::status;
use crate::flow::{FlowView, MethodView};
use crate::identity::{AuthenticatorView, IdentityView};
use crate::proof::ProofView;
use crate::session::{DeviceView, SessionView};
use crate::text::{self, FieldList, Text, at, texts, values};
use crate::user::UserView;
use crate::way::Ways;

/// The handle.
pub(crate) struct Answer {
    status: i32,
    value: Value,
    flow: Option<FlowView>,
    claim: Option<ClaimView>,
    headers: ResponseHeaders,
    header_fields: FieldList,
    show_once: Fields,
    show_once_fields: FieldList,
    ways: Ways,
    reason: (&'static str, Text),
    setting: (&'static str, Text),
    retry_after: Duration,
}

/// What the thing asked for gave.
pub(crate) enum Value {
    Authenticators(Vec<AuthenticatorView>),
    Claim(ClaimView),
    Count(u64),
    Deliveries(Vec<DeliveryView>),
    Devices(Vec<DeviceView>),
    Identities(Vec<IdentityView>),
    Key {
        user: UserView,
        provider: (String, Text),
        scopes: Vec<(String, Text)>,
    },
    Methods(Vec<MethodView>),
    Nothing,
    Proof(ProofView),
    Purged(RowCounts),
    Session(SessionView),
    Stats(RowCounts),
    Text(String, Text),
    TokenInfo(TokenInfoView),
    User(UserView),
    UserId(UserId),
    Users(Vec<UserView>),
}

impl Answer {
    /// A decision without headers or anything else.
    pub(crate) fn of(status: i32, value: Value) -> Self {
        Self {
            status,
            value,
            flow: None,
            claim: None,
            headers: ResponseHeaders::new(),
            header_fields: FieldList::default(),
            show_once: Fields::default(),
            show_once_fields: FieldList::default(),
            ways: Ways::default(),
            reason: ("", Text::default()),
            setting: ("", Text::default()),
            retry_after: Duration::ZERO,
        }
    }

    /// The thing asked for happened.
    pub(crate) fn ok(value: impl Into<Value>) -> Self {
        Self::of(status::OK, value.into())
    }

    /// What was looked for, or that there is no such thing.
    pub(crate) fn found(value: Option<impl Into<Value>>) -> Self {
        value.map_or_else(|| Self::of(status::ABSENT, Value::Nothing), Self::ok)
    }

    pub(crate) fn status(&self) -> i32 {
        self.status
    }

    /// The ways into the account that it tells of.
    pub(crate) fn ways(&self) -> &Ways {
        &self.ways
    }

    fn user(&self) -> Option<&UserView> {
        match &self.value {
            Value::Key { user, .. } | Value::User(user) => Some(user),
            Value::Session(session) => Some(session.user()),
            _ => None,
        }
    }

    fn length(&self) -> usize {
        match &self.value {
            Value::Authenticators(list) => list.len(),
            Value::Deliveries(list) => list.len(),
            Value::Devices(list) => list.len(),
            Value::Identities(list) => list.len(),
            Value::Methods(list) => list.len(),
            Value::Users(list) => list.len(),
            Value::Key { scopes, .. } => scopes.len(),
            _ => 0,
        }
    }
}

impl<T: Into<Value>> From<doorward::Answer<T>> for Answer {
    fn from(decided: doorward::Answer<T>) -> Self {
        let doorward::Answer {
            outcome,
            headers,
            show_once,
            took,
            kept,
            others,
        } = decided;
        let ways = Ways {
            took: list(took),
            kept: list(kept),
            others: list(others),
        };
        let nothing = |status| Self::of(status, Value::Nothing);
        let answer = match outcome {
            Outcome::Accepted(value) => Self::ok(value),
            Outcome::Continue(flow) => Self {
                flow: Some(flow.into()),
                ..nothing(status::CONTINUE)
            },
            Outcome::Refused(flow) => Self {
                flow: flow.map(Into::into),
                ..nothing(status::REFUSED)
            },
            Outcome::RequestRefused(refused) => Self {
                reason: (refused.reason, Text::default()),
                setting: (refused.setting, Text::default()),
                ..nothing(status::REQUEST_REFUSED)
            },
            Outcome::SignedOut(reason) => Self {
                reason: (reason.id(), Text::default()),
                ..nothing(status::SIGNED_OUT)
            },
            Outcome::Throttled(after) => Self {
                retry_after: after,
                ..nothing(status::THROTTLED)
            },
            Outcome::Unregistered(claim) => Self {
                claim: Some(claim.into()),
                ..nothing(status::UNREGISTERED)
            },
        };
        Self {
            headers,
            show_once,
            ways,
            ..answer
        }
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text, Text::default())
    }
}

impl From<Proof> for Value {
    fn from(proof: Proof) -> Self {
        Self::Proof(proof.into())
    }
}

impl From<Claim> for Value {
    fn from(claim: Claim) -> Self {
        Self::Claim(claim.into())
    }
}

impl From<Session> for Value {
    fn from(session: Session) -> Self {
        Self::Session(session.into())
    }
}

impl From<User> for Value {
    fn from(user: User) -> Self {
        Self::User(user.into())
    }
}

impl From<UserId> for Value {
    fn from(id: UserId) -> Self {
        Self::UserId(id)
    }
}

impl From<TokenInfo> for Value {
    fn from(info: TokenInfo) -> Self {
        Self::TokenInfo(info.into())
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
                provider: (provider, Text::default()),
                scopes: scopes.into_iter().map(|scope| (scope, Text::default())).collect(),
            },
            Caller::Session(session) => session.into(),
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

/// Turns a list of the core's values into a list of views.
pub(crate) fn list<T, V: From<T>>(values: Vec<T>) -> Vec<V> {
    values.into_iter().map(V::from).collect()
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_status(answer: In<Answer>) -> i32 {
    answer
        .optional()
        .map_or(doorward::ErrorKind::InvalidArgument.number(), Answer::status)
}

texts! {
    doorward_answer_reason(Answer) |a| a.reason.1, a.reason.0.as_bytes();
    doorward_answer_setting(Answer) |a| a.setting.1, a.setting.0.as_bytes();
}

values! {
    doorward_answer_http_status(Answer) -> i32, 0, |a| match a.status {
        status::OK | status::CONTINUE => 200,
        status::REQUEST_REFUSED => 403,
        status::ABSENT | status::UNREGISTERED => 404,
        status::THROTTLED => 429,
        _ => 401,
    };
    doorward_answer_retry_after(Answer) -> i64, 0, |a| i64::try_from(a.retry_after.as_micros()).unwrap_or(i64::MAX);
    doorward_answer_count(Answer) -> u64, 0, |a| match a.value {
        Value::Count(count) => count,
        _ => a.length() as u64,
    };
    doorward_answer_proof(Answer) -> *const ProofView, ptr::null(), |a| match &a.value {
        Value::Proof(proof) => ptr::from_ref(proof),
        _ => ptr::null(),
    };
    doorward_answer_flow(Answer) -> *const FlowView, ptr::null(),
        |a| a.flow.as_ref().map_or(ptr::null(), ptr::from_ref);
    doorward_answer_claim(Answer) -> *const ClaimView, ptr::null(), |a| match &a.value {
        Value::Claim(claim) => ptr::from_ref(claim),
        _ => a.claim.as_ref().map_or(ptr::null(), ptr::from_ref),
    };
    doorward_answer_session(Answer) -> *const SessionView, ptr::null(), |a| match &a.value {
        Value::Session(session) => ptr::from_ref(session),
        _ => ptr::null(),
    };
    doorward_answer_user(Answer) -> *const UserView, ptr::null(), |a| a.user().map_or(ptr::null(), ptr::from_ref);
    doorward_answer_user_at(Answer, index) -> *const UserView, ptr::null(), |a| match &a.value {
        Value::Users(list) => at(list, index),
        _ => ptr::null(),
    };
    doorward_answer_device(Answer, index) -> *const DeviceView, ptr::null(), |a| match &a.value {
        Value::Devices(list) => at(list, index),
        _ => ptr::null(),
    };
    doorward_answer_identity(Answer, index) -> *const IdentityView, ptr::null(), |a| match &a.value {
        Value::Identities(list) => at(list, index),
        _ => ptr::null(),
    };
    doorward_answer_authenticator(Answer, index) -> *const AuthenticatorView, ptr::null(), |a| match &a.value {
        Value::Authenticators(list) => at(list, index),
        _ => ptr::null(),
    };
    doorward_answer_method(Answer, index) -> *const MethodView, ptr::null(), |a| match &a.value {
        Value::Methods(list) => at(list, index),
        _ => ptr::null(),
    };
    doorward_answer_delivery(Answer, index) -> *const DeliveryView, ptr::null(), |a| match &a.value {
        Value::Deliveries(list) => at(list, index),
        _ => ptr::null(),
    };
    doorward_answer_token_info(Answer) -> *const TokenInfoView, ptr::null(), |a| match &a.value {
        Value::TokenInfo(info) => ptr::from_ref(info),
        _ => ptr::null(),
    };
    doorward_answer_user_id(Answer) -> *const Id, ptr::null(), |a| match &a.value {
        Value::UserId(id) => id_within(id.as_bytes()),
        _ => ptr::null(),
    };
    doorward_answer_stats(Answer) -> *const RowCounts, ptr::null(), |a| match &a.value {
        Value::Stats(counts) => ptr::from_ref(counts),
        _ => ptr::null(),
    };
    doorward_answer_purged(Answer) -> *const RowCounts, ptr::null(), |a| match &a.value {
        Value::Purged(counts) => ptr::from_ref(counts),
        _ => ptr::null(),
    };
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_provider(answer: In<Answer>, len: Length) -> *const c_char {
    match answer.optional() {
        Some(Answer {
            value: Value::Key {
                provider: (name, text),
                ..
            },
            ..
        }) => text.lend(name.as_bytes(), len),
        _ => text::empty(len),
    }
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_scope(answer: In<Answer>, index: usize, len: Length) -> *const c_char {
    match answer.optional() {
        Some(Answer {
            value: Value::Key { scopes, .. },
            ..
        }) => match scopes.get(index) {
            Some((scope, text)) => text.lend(scope.as_bytes(), len),
            None => text::empty(len),
        },
        _ => text::empty(len),
    }
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_text(answer: In<Answer>, len: Length) -> *const c_char {
    match answer.optional() {
        Some(Answer {
            value: Value::Text(value, text),
            ..
        }) => text.lend(value.as_bytes(), len),
        _ => text::empty(len),
    }
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_headers(answer: In<Answer>, count: Length) -> *const Field {
    count.write(0);
    let Some(answer) = answer.optional() else {
        return ptr::null();
    };
    boundary::caught_or(ptr::null(), || {
        let lines = answer
            .headers
            .iter()
            .map(|(name, value)| (name, value.as_bytes()));
        answer.header_fields.lend(lines, count)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_show_once(answer: In<Answer>, count: Length) -> *const Field {
    count.write(0);
    let Some(answer) = answer.optional() else {
        return ptr::null();
    };
    boundary::caught_or(ptr::null(), || {
        let values = answer
            .show_once
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        answer.show_once_fields.lend(values, count)
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_free(answer: Owned<Answer>) {
    boundary::caught_or((), || drop(answer.take()));
}
