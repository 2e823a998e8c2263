//! `doorward_session` and `doorward_device`.

use std::ffi::c_char;
use std::ptr;
use std::sync::OnceLock;

use doorward::{Device, Secret, Session, SignInId};

use crate::abi::Id;
use crate::boundary::{self, In, Length, id_within};
use crate::proof::FactorView;
use crate::text::{Text, at, texts, values};
use crate::user::UserView;

/// The view of a session.
pub(crate) struct SessionView {
    session: Session,
    id: SignInId,
    user: UserView,
    factors: OnceLock<Vec<FactorView>>,
    access_token: Text,
    refresh_token: Text,
    attributes: Text,
    agent: Text,
    address: Text,
}

impl SessionView {
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn user(&self) -> &UserView {
        &self.user
    }

    fn factors(&self) -> &[FactorView] {
        self.factors
            .get_or_init(|| FactorView::list(self.session.factors()))
    }
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        Self {
            id: session.id(),
            user: UserView::of_session(&session),
            session,
            factors: OnceLock::new(),
            access_token: Text::default(),
            refresh_token: Text::default(),
            attributes: Text::default(),
            agent: Text::default(),
            address: Text::default(),
        }
    }
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
    doorward_session_attributes(SessionView) |v| v.attributes, v.session.attributes().as_bytes();
    doorward_session_agent(SessionView) |v| v.agent, v.session.agent().as_bytes();
    doorward_session_address(SessionView) |v| v.address, v.session.address().as_bytes();
    doorward_device_agent(DeviceView) |v| v.agent, v.device.agent.as_bytes();
    doorward_device_address(DeviceView) |v| v.address, v.device.address.as_bytes();
    doorward_device_attributes(DeviceView) |v| v.attributes, v.device.attributes.as_bytes();
}

values! {
    doorward_session_id(SessionView) -> *const Id, ptr::null(), |v| id_within(v.id.as_bytes());
    doorward_session_user(SessionView) -> *const UserView, ptr::null(), |v| ptr::from_ref(&v.user);
    doorward_session_access_expires_at(SessionView) -> i64, i64::MIN, |v| v.session.access_expires_at().as_micros();
    doorward_session_idle_expires_at(SessionView) -> i64, i64::MIN, |v| v.session.idle_expires_at().as_micros();
    doorward_session_absolute_expires_at(SessionView) -> i64, i64::MIN,
        |v| v.session.absolute_expires_at().as_micros();
    doorward_session_authenticated_at(SessionView) -> i64, i64::MIN, |v| v.session.authenticated_at().as_micros();
    doorward_session_created_at(SessionView) -> i64, i64::MIN, |v| v.session.created_at().as_micros();
    doorward_session_last_seen_at(SessionView) -> i64, i64::MIN, |v| v.session.last_seen_at().as_micros();
    doorward_session_is_persistent(SessionView) -> i32, 0, |v| v.session.persistent().into();
    doorward_session_version(SessionView) -> i64, 0, |v| v.session.version();
    doorward_session_factor_count(SessionView) -> usize, 0, |v| v.session.factors().len();
    doorward_session_factor(SessionView, index) -> *const FactorView, ptr::null(), |v| at(v.factors(), index);
    doorward_device_id(DeviceView) -> *const Id, ptr::null(), |v| id_within(v.device.id.as_bytes());
    doorward_device_created_at(DeviceView) -> i64, i64::MIN, |v| v.device.created_at.as_micros();
    doorward_device_last_seen_at(DeviceView) -> i64, i64::MIN, |v| v.device.last_seen_at.as_micros();
    doorward_device_factor_count(DeviceView) -> usize, 0, |v| v.factors.len();
    doorward_device_factor(DeviceView, index) -> *const FactorView, ptr::null(), |v| at(&v.factors, index);
}

/// A token, or NULL where this call issued none.
fn token(text: &Text, token: Option<&Secret>, len: Length) -> *const c_char {
    len.write(0);
    boundary::caught_or(ptr::null(), || {
        token.map_or(ptr::null(), |token| text.lend(token.expose(), len))
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_session_access_token(session: In<SessionView>, len: Length) -> *const c_char {
    match session.optional() {
        Some(view) => token(&view.access_token, view.session.access_token(), len),
        None => token(&Text::default(), None, len),
    }
}

#[unsafe(no_mangle)]
extern "C" fn doorward_session_refresh_token(session: In<SessionView>, len: Length) -> *const c_char {
    match session.optional() {
        Some(view) => token(&view.refresh_token, view.session.refresh_token(), len),
        None => token(&Text::default(), None, len),
    }
}
