//! A session as the application sees it: one generation of a sign-in, read-only and cheap to clone.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::clock::Timestamp;
use crate::error::Result;
use crate::factor::Factor;
use crate::id::SignInId;
use crate::secret::Secret;
use crate::store::{SignIn, User};
use crate::token::{AccessToken, RefreshToken};

/// One generation of a sign-in, and the user it belongs to, as of the call that gave it.
#[derive(Clone)]
pub struct Session(Arc<SharedSession>);

/// What the clones of a [`Session`] share, for interfaces that hold one by a single pointer.
pub struct SharedSession {
    row: SignIn,
    user: User,
    factors: Vec<Factor>,
    generation: u32,
    access_expires_at: Timestamp,
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    /// Made once by whoever shows the session in another form, and kept as long as it is.
    form: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl fmt::Debug for SharedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSession").finish_non_exhaustive()
    }
}

impl From<Session> for Arc<SharedSession> {
    fn from(session: Session) -> Self {
        session.0
    }
}

impl From<Arc<SharedSession>> for Session {
    fn from(shared: Arc<SharedSession>) -> Self {
        Self(shared)
    }
}

impl Session {
    /// What its clones share.
    pub fn shared(&self) -> &Arc<SharedSession> {
        &self.0
    }

    /// The form in which an interface to another language shows this session: made with the first call, and shared by
    /// all clones from then on. `None` where somebody else has made one of another type.
    pub fn form<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.form.get_or_init(|| Box::new(make())).downcast_ref()
    }

    /// The sign-in's id: what a list of devices names. Not a secret.
    pub fn id(&self) -> SignInId {
        self.0.row.id
    }

    /// The user.
    pub fn user(&self) -> &User {
        &self.0.user
    }

    /// The access token's text, if this call issued it.
    pub fn access_token(&self) -> Option<&Secret> {
        self.0.access_token.as_ref()
    }

    /// The refresh token's text, if this call issued it. `None` after a refresh: the presented one stays current.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.0.refresh_token.as_ref()
    }

    /// When this session's access token stops being accepted.
    pub fn access_expires_at(&self) -> Timestamp {
        self.0.access_expires_at
    }

    /// When the sign-in ends for want of use. Each use moves it, at most once per twentieth of the idle lifetime.
    pub fn idle_expires_at(&self) -> Timestamp {
        self.0.row.idle_expires_at
    }

    /// When the sign-in ends in any case.
    pub fn absolute_expires_at(&self) -> Timestamp {
        self.0.row.absolute_expires_at
    }

    /// Whether its cookies outlive the browser.
    pub fn persistent(&self) -> bool {
        self.0.row.persistent
    }

    /// When the person last authenticated in it.
    pub fn authenticated_at(&self) -> Timestamp {
        self.0.row.authenticated_at
    }

    /// What was proved in it, each provider once with its newest time.
    pub fn factors(&self) -> &[Factor] {
        &self.0.factors
    }

    /// The application's own data: a JSON object as text.
    pub fn attributes(&self) -> &str {
        &self.0.row.attributes
    }

    /// Counts changes of the attributes, from 1.
    pub fn version(&self) -> i64 {
        self.0.row.version
    }

    /// User agent at sign-in.
    pub fn agent(&self) -> &str {
        &self.0.row.agent
    }

    /// Client address at sign-in.
    pub fn address(&self) -> &str {
        &self.0.row.address
    }

    /// When the sign-in was made.
    pub fn created_at(&self) -> Timestamp {
        self.0.row.created_at
    }

    /// When it was last used, as exact as a twentieth of the idle lifetime.
    pub fn last_seen_at(&self) -> Timestamp {
        self.0.row.last_seen_at
    }

    /// The generation of the token that gave it.
    pub(crate) fn generation(&self) -> u32 {
        self.0.generation
    }

    pub(super) fn row(&self) -> &SignIn {
        &self.0.row
    }

    /// The current generation with tokens made by this call.
    pub(super) fn issued(
        row: SignIn,
        user: User,
        access: &AccessToken,
        refresh: Option<&RefreshToken>,
    ) -> Result<Self> {
        let (access_token, refresh_token) = (Some(access.text()), refresh.map(RefreshToken::text));
        let (generation, expires) = (row.generation, row.access_expires_at);
        Self::of(row, user, generation, expires, access_token, refresh_token)
    }

    /// The generation, current or previous, of an access token that was accepted.
    pub(super) fn validated(row: SignIn, user: User, generation: u32) -> Result<Self> {
        let expires = match row.previous_access_expires_at {
            Some(previous) if generation != row.generation => previous,
            _ => row.access_expires_at,
        };
        Self::of(row, user, generation, expires, None, None)
    }

    fn of(
        row: SignIn,
        user: User,
        generation: u32,
        access_expires_at: Timestamp,
        access_token: Option<Secret>,
        refresh_token: Option<Secret>,
    ) -> Result<Self> {
        let factors = Factor::from_json(&row.factors)?;
        Ok(Self(Arc::new(SharedSession {
            row,
            user,
            factors,
            generation,
            access_expires_at,
            access_token,
            refresh_token,
            form: OnceLock::new(),
        })))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id())
            .field("user", &self.0.user.id)
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}
