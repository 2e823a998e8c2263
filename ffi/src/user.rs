//! `doorward_user`: an account, by itself or as the user of a session.

use std::ptr;

use doorward::{Auth, Session, Timestamp, User};

use crate::abi::{Bytes, Id, id_within};
use crate::boundary::Within;
use crate::text::{Text, texts, values};

/// `DOORWARD_NO_TIME`.
const NO_TIME: i64 = i64::MIN;

/// The view.
pub(crate) struct UserView {
    owner: Owner,
    realm: Text,
    attributes: Text,
    public: Text,
}

/// Who holds the user's data.
enum Owner {
    /// The user of a session, whose form this view is a part of.
    Session(Within<User>),
    User(User),
}

impl UserView {
    pub(crate) fn of_session(session: &Session) -> Self {
        Self::new(Owner::Session(Within::of(session.user())))
    }

    fn new(owner: Owner) -> Self {
        Self {
            owner,
            realm: Text::default(),
            attributes: Text::default(),
            public: Text::default(),
        }
    }

    /// The attributes that everybody may see, as this context's settings say which.
    pub(crate) fn public_attributes(&self, auth: &Auth) -> Bytes {
        self.public.lend(auth.public_attributes(self.user()).as_bytes())
    }

    fn user(&self) -> &User {
        match &self.owner {
            Owner::Session(user) => user.get(),
            Owner::User(user) => user,
        }
    }
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self::new(Owner::User(user))
    }
}

/// A time that may be absent.
pub(crate) fn micros(at: Option<Timestamp>) -> i64 {
    at.map_or(NO_TIME, Timestamp::as_micros)
}

texts! {
    doorward_user_realm(UserView) |v| v.realm, v.user().realm.as_bytes();
    doorward_user_attributes(UserView) |v| v.attributes, v.user().attributes.as_bytes();
}

values! {
    doorward_user_id(UserView) -> *const Id, ptr::null(), |v| id_within(v.user().id.as_bytes());
    doorward_user_version(UserView) -> i64, 0, |v| v.user().version;
    doorward_user_disabled_at(UserView) -> i64, NO_TIME, |v| micros(v.user().disabled_at);
    doorward_user_created_at(UserView) -> i64, NO_TIME, |v| v.user().created_at.as_micros();
    doorward_user_updated_at(UserView) -> i64, NO_TIME, |v| v.user().updated_at.as_micros();
}
