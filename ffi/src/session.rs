//! `doorward_session` and `doorward_device`.

use std::ptr;
use std::sync::OnceLock;

use doorward::session::SharedSession;
use doorward::{Device, Secret, Session, SignInId};

use crate::abi::{Bytes, Id, id_within};
use crate::boundary::{self, In};
use crate::proof::FactorView;
use crate::text::{Text, at, texts, values};
use crate::user::UserView;

/// `doorward_session` is the session that the core's handles share: an answer needs nothing of its own for it. What C reads
/// of it is made with the first look, and kept beside it.
struct Form {
    id: SignInId,
    user: UserView,
    factors: OnceLock<Vec<FactorView>>,
    access_token: Text,
    refresh_token: Text,
    attributes: Text,
    agent: Text,
    address: Text,
}

/// The form of a session; every one is made here.
fn form(session: &Session) -> Option<&Form> {
    session.form(|| Form {
        id: session.id(),
        user: UserView::of_session(session),
        factors: OnceLock::new(),
        access_token: Text::default(),
        refresh_token: Text::default(),
        attributes: Text::default(),
        agent: Text::default(),
        address: Text::default(),
    })
}

/// The user of a session.
pub(crate) fn user(session: &Session) -> *const UserView {
    form(session).map_or(ptr::null(), |form| &raw const form.user)
}

/// The view of a device.
pub(crate) struct DeviceView {
    device: Device,
    factors: Vec<FactorView>,
    agent: Text,
    address: Text,
    attributes: Text,
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> Self {
        Self {
            factors: FactorView::list(&device.factors),
            device,
            agent: Text::default(),
            address: Text::default(),
            attributes: Text::default(),
        }
    }
}

texts! {
    doorward_device_agent(DeviceView) |v| v.agent, v.device.agent.as_bytes();
    doorward_device_address(DeviceView) |v| v.address, v.device.address.as_bytes();
    doorward_device_attributes(DeviceView) |v| v.attributes, v.device.attributes.as_bytes();
}

values! {
    doorward_device_id(DeviceView) -> *const Id, ptr::null(), |v| id_within(v.device.id.as_bytes());
    doorward_device_created_at(DeviceView) -> i64, i64::MIN, |v| v.device.created_at.as_micros();
    doorward_device_last_seen_at(DeviceView) -> i64, i64::MIN, |v| v.device.last_seen_at.as_micros();
    doorward_device_factor(DeviceView, index) -> *const FactorView, ptr::null(), |v| at(&v.factors, index);
}

/// Declares accessors of a session's texts.
macro_rules! session_texts {
    ($($name:ident $part:ident |$session:ident| $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(session: In<SharedSession>) -> Bytes {
            boundary::found_or(Bytes::empty(), || {
                boundary::session(session, |$session| Some(form($session)?.$part.lend($value)))
            })
        }
    )*};
}

/// Declares accessors of a session's plain values.
macro_rules! session_values {
    ($($name:ident $(($index:ident))? -> $gives:ty, $none:expr, |$session:ident| $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(session: In<SharedSession> $(, $index: usize)?) -> $gives {
            boundary::found_or($none, || boundary::session(session, |$session| Some($value)))
        }
    )*};
}

/// A token's text: none where this call issued none.
fn token(token: Option<&Secret>) -> &[u8] {
    token.map_or(b"", Secret::expose)
}

session_texts! {
    doorward_session_access_token access_token |s| token(s.access_token());
    doorward_session_refresh_token refresh_token |s| token(s.refresh_token());
    doorward_session_attributes attributes |s| s.attributes().as_bytes();
    doorward_session_agent agent |s| s.agent().as_bytes();
    doorward_session_address address |s| s.address().as_bytes();
}

session_values! {
    doorward_session_id -> *const Id, ptr::null(), |s| id_within(form(s)?.id.as_bytes());
    doorward_session_user -> *const UserView, ptr::null(), |s| user(s);
    doorward_session_access_expires_at -> i64, i64::MIN, |s| s.access_expires_at().as_micros();
    doorward_session_idle_expires_at -> i64, i64::MIN, |s| s.idle_expires_at().as_micros();
    doorward_session_absolute_expires_at -> i64, i64::MIN, |s| s.absolute_expires_at().as_micros();
    doorward_session_authenticated_at -> i64, i64::MIN, |s| s.authenticated_at().as_micros();
    doorward_session_created_at -> i64, i64::MIN, |s| s.created_at().as_micros();
    doorward_session_last_seen_at -> i64, i64::MIN, |s| s.last_seen_at().as_micros();
    doorward_session_is_persistent -> bool, false, |s| s.persistent();
    doorward_session_version -> i64, 0, |s| s.version();
    doorward_session_factor(index) -> *const FactorView, ptr::null(),
        |s| at(form(s)?.factors.get_or_init(|| FactorView::list(s.factors())), index);
}
