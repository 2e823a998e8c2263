//! What C reads of an answer.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use doorward::session::SharedSession;

use crate::abi::{Bytes, Id, Pairs, RowCounts, Violation, id_within};
use crate::answer::{Answer, Seen};
use crate::boundary::{self, Place};
use crate::claim::ClaimView;
use crate::decision::{Decision, Extra, Value};
use crate::delivery::{DeliveryView, TokenInfoView};
use crate::error::{self, status};
use crate::flow::{FlowView, MethodView};
use crate::identity::{AuthenticatorView, IdentityView};
use crate::proof::ProofView;
use crate::session::{self, DeviceView};
use crate::text::at;
use crate::user::UserView;
use crate::way::WayView;

impl Answer {
    /// The decision, where there is one with something to say.
    fn decision<'a>(self) -> Option<&'a Decision> {
        match self.look() {
            Seen::Decision(decision) => Some(decision),
            _ => None,
        }
    }

    fn extra<'a>(self) -> Option<&'a Extra> {
        self.decision()?.extra.as_deref()
    }

    fn value<'a>(self) -> Option<&'a Value> {
        self.decision().map(|decision| &decision.value)
    }
}

/// Declares accessors of plain values of an answer: `None` becomes what stands before it.
macro_rules! answers {
    ($($name:ident $(($index:ident))? -> $gives:ty, $none:expr, |$answer:ident| $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name($answer: Answer $(, $index: usize)?) -> $gives {
            boundary::found_or($none, || $value)
        }
    )*};
}

/// Declares accessors of one kind of value.
macro_rules! kinds {
    ($($name:ident $(($index:ident))? -> $gives:ty: $pattern:pat => $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(answer: Answer $(, $index: usize)?) -> *const $gives {
            boundary::caught_or(ptr::null(), || match answer.value() {
                Some($pattern) => $value,
                _ => ptr::null(),
            })
        }
    )*};
}

kinds! {
    doorward_answer_proof -> ProofView: Value::Proof(proof) => ptr::from_ref(proof);
    doorward_answer_user_at(index) -> UserView: Value::Users(list) => at(list, index);
    doorward_answer_device(index) -> DeviceView: Value::Devices(list) => at(list, index);
    doorward_answer_identity(index) -> IdentityView: Value::Identities(list) => at(list, index);
    doorward_answer_authenticator(index) -> AuthenticatorView: Value::Authenticators(list) => at(list, index);
    doorward_answer_method(index) -> MethodView: Value::Methods(list) => at(list, index);
    doorward_answer_delivery(index) -> DeliveryView: Value::Deliveries(list) => at(list, index);
    doorward_answer_token_info -> TokenInfoView: Value::TokenInfo(info) => ptr::from_ref(info);
    doorward_answer_user_id -> Id: Value::UserId(id) => id_within(id.as_bytes());
    doorward_answer_stats -> RowCounts: Value::Stats(counts) => ptr::from_ref(counts);
    doorward_answer_purged -> RowCounts: Value::Purged(counts) => ptr::from_ref(counts);
}

answers! {
    doorward_answer_flow -> *const FlowView, ptr::null(), |answer| answer.extra()?.flow.as_ref().map(ptr::from_ref);
    doorward_answer_took(index) -> *const WayView, ptr::null(), |answer| Some(at(&answer.extra()?.took, index));
    doorward_answer_kept(index) -> *const WayView, ptr::null(), |answer| Some(at(&answer.extra()?.kept, index));
    doorward_answer_others(index) -> *const WayView, ptr::null(), |answer| Some(at(&answer.extra()?.others, index));
    doorward_answer_claim -> *const ClaimView, ptr::null(), |answer| match answer.value()? {
        Value::Claim(claim) => Some(ptr::from_ref(claim)),
        _ => answer.extra()?.claim.as_ref().map(ptr::from_ref),
    };
    doorward_answer_session -> *const SharedSession, ptr::null(), |answer| match answer.look() {
        Seen::Session(session) => Some(session.raw()),
        Seen::Decision(Decision { value: Value::Session(session), .. }) => Some(Arc::as_ptr(session.shared())),
        _ => None,
    };
    doorward_answer_user -> *const UserView, ptr::null(), |answer| match answer.look() {
        Seen::Session(session) => boundary::session(session, |session| Some(session::user(session))),
        Seen::Decision(Decision { value: Value::Session(session), .. }) => Some(session::user(session)),
        Seen::Decision(Decision { value: Value::Key { user, .. } | Value::User(user), .. }) => Some(ptr::from_ref(user)),
        _ => None,
    };
    doorward_answer_http_status -> i32, 500, |answer| Some(match answer.look() {
        Seen::None => return None,
        Seen::Failure(failure) => i32::from(failure.kind().http_status()),
        Seen::Decision(Decision { value: Value::Response(response), .. }) => response.status(),
        _ => match answer.status {
            status::OK | status::CONTINUE => 200,
            status::REQUEST_REFUSED => 403,
            status::ABSENT | status::UNREGISTERED => 404,
            status::THROTTLED => 429,
            _ => 401,
        },
    });
    doorward_answer_retry_after -> i64, 0, |answer| i64::try_from(answer.extra()?.retry_after.as_micros()).ok();
    doorward_answer_ended -> u64, 0, |answer| match answer.value()? {
        Value::Count(count) => Some(*count),
        _ => None,
    };
    doorward_answer_count -> usize, 0, |answer| match answer.value()? {
        Value::Authenticators(list) => Some(list.len()),
        Value::Counted(count) => usize::try_from(*count).ok(),
        Value::Deliveries(list) => Some(list.len()),
        Value::Devices(list) => Some(list.len()),
        Value::Identities(list) => Some(list.len()),
        Value::Methods(list) => Some(list.len()),
        Value::Users(list) => Some(list.len()),
        _ => None,
    };
    doorward_answer_scope_count -> usize, 0, |answer| match answer.value()? {
        Value::Key { scopes, .. } => Some(scopes.len()),
        _ => None,
    };
    doorward_answer_scope(index) -> Bytes, Bytes::empty(), |answer| match answer.value()? {
        Value::Key { scopes, .. } => scopes.get(index).map(|(scope, text)| text.lend(scope.as_bytes())),
        _ => None,
    };
    doorward_answer_provider -> Bytes, Bytes::empty(), |answer| match answer.decision()? {
        Decision { value: Value::Key { provider, .. }, text, .. } => Some(text.lend(provider.as_bytes())),
        _ => None,
    };
    doorward_answer_body -> Bytes, Bytes::empty(), |answer| match answer.value()? {
        Value::Response(response) => Some(response.body()),
        _ => None,
    };
    doorward_answer_text -> Bytes, Bytes::empty(), |answer| match answer.decision()? {
        Decision { value: Value::Text(value), text, .. } => Some(text.lend(value.as_bytes())),
        _ => None,
    };
    doorward_answer_reason -> Bytes, Bytes::empty(), |answer| {
        let (reason, text) = &answer.extra()?.reason;
        Some(text.lend(reason.as_bytes()))
    };
    doorward_answer_setting -> Bytes, Bytes::empty(), |answer| {
        let (setting, text) = &answer.extra()?.setting;
        Some(text.lend(setting.as_bytes()))
    };
    doorward_answer_what -> Bytes, Bytes::empty(), |answer| match answer.look() {
        Seen::Failure(failure) => Some(failure.what()),
        _ => None,
    };
    doorward_answer_violation(index) -> *const Violation, ptr::null(), |answer| match answer.look() {
        Seen::Failure(failure) => Some(failure.violation(index)),
        _ => None,
    };
    doorward_answer_headers -> Pairs, Pairs::empty(), |answer| if let Seen::Failure(failure) = answer.look() {
        Some(failure.headers())
    } else if let Some(Value::Response(response)) = answer.value() {
        Some(response.headers())
    } else {
        let extra = answer.extra()?;
        let lines = extra.headers.iter().map(|(name, value)| (name, value.as_bytes()));
        Some(extra.header_pairs.lend(lines))
    };
    doorward_answer_show_once -> Pairs, Pairs::empty(), |answer| {
        let extra = answer.extra()?;
        let values = extra.show_once.0.iter().map(|(name, value)| (name.as_str(), value.expose()));
        Some(extra.show_once_pairs.lend(values))
    };
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_message(answer: Answer) -> *const c_char {
    boundary::caught_or(boundary::c_static(c""), || match answer.look() {
        Seen::Failure(failure) => failure.message().ptr,
        Seen::None if answer.status != status::PENDING => boundary::c_static(c"no answer"),
        _ if answer.status == status::OK => boundary::c_static(c""),
        _ => error::id(answer.status),
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_answer_free(answer: Place<Answer>) {
    boundary::caught_or((), || {
        if let Some(held) = answer.read() {
            answer.write(Answer::none());
            held.take();
        }
    });
}
