//! Events: one for every authentication, refusal, refresh, reuse, end and change; free of secrets and of identifiers.
//!
//! They go to the application's callback and to `tracing` (target `doorward::event`). Names follow the OWASP logging
//! vocabulary where it has one.

mod sink;

use std::fmt;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::{SignInId, UserId};

pub use sink::Events;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventName { $($(#[$doc])* $name,)* }

        impl EventName {
            /// Every name there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable text.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }
        }
    };
}

names! {
    /// An operator gave a user an address.
    AddressAdded = "address_added";
    /// An issuer or directory asserts an address that is the user's second factor: it counts for nothing beside it.
    AddressOnBothSides = "address_on_both_sides";
    /// A second or later step is being asked for.
    AuthenticationContinued = "authn_continue";
    /// An attempt was refused; `reason` says precisely why. Of credentials that cannot be guessed (keys, passkeys, issuers'
    /// codes) `count` says how many its network has presented to this process.
    AuthenticationFailed = "authn_login_fail";
    /// A proof was made.
    AuthenticationSucceeded = "authn_login_success";
    /// An attempt came too early.
    AuthenticationThrottled = "authn_login_throttled";
    /// An authenticator was added.
    AuthenticatorAdded = "authenticator_added";
    /// An authenticator was removed.
    AuthenticatorRemoved = "authenticator_removed";
    /// An authenticator got another label.
    AuthenticatorRenamed = "authenticator_renamed";
    /// A provider id was verified that no user has.
    ClaimMade = "claim_made";
    /// Credentials were replaced by their owner.
    CredentialsChanged = "authn_credentials_change";
    /// An operator set the credentials of a user.
    CredentialsSet = "credentials_set";
    /// A message could not be sent and was given up; `reason` is its id.
    DeliveryFailed = "delivery_failed";
    /// An operator took the second factors of a user away; `reason` is what the operator said, `count` how many.
    FactorsReset = "factors_reset";
    /// A provider id was bound to a user.
    IdentityLinked = "identity_linked";
    /// The owner of an address proved it.
    IdentifierVerified = "identifier_verified";
    /// A provider id was taken from a user.
    IdentityUnlinked = "identity_unlinked";
    /// An identifier was replaced by its owner.
    IdentifierChanged = "identifier_changed";
    /// A message to nobody was withheld: too many go to addresses of this domain that no user has. `reason` is the domain.
    MailDomainClosed = "mail_domain_closed";
    /// A plugin reported something by itself; `reason` has its text.
    PluginAudit = "plugin_audit";
    /// A plugin file was loaded; `reason` says which (JSON: name, path, device, inode, sha256, pinned, plugin, version).
    PluginLoaded = "plugin_loaded";
    /// A plugin file was not loaded; `reason` says which and why.
    PluginRefused = "plugin_refused";
    /// A process in which an isolated plugin ran was ended, for it went on computing after its answer.
    PluginReplaced = "plugin_replaced";
    /// A request says that it was forwarded, by a peer that is not listed or has no name: everybody behind it is one
    /// network. `reason` names the setting. Once a process.
    ProxyUnlisted = "proxy_unlisted";
    /// A request was refused before anything was tried; `reason` says which rule.
    RequestRefused = "request_refused";
    /// The database went back in time under a session, which was ended.
    RollbackDetected = "authn_rollback_detected";
    /// A session was made.
    SessionCreated = "session_created";
    /// Trusted code made a session without credentials.
    SessionCreatedForUser = "session_created_for_user";
    /// A session, or several, ended; `reason` says why, `count` how many.
    SessionEnded = "session_ended";
    /// A refresh token was exchanged.
    SessionRefreshed = "session_renewed";
    /// A session got another one with more factors in its place.
    SessionSteppedUp = "session_stepped_up";
    /// A session's attributes changed.
    SessionUpdated = "session_updated";
    /// A single-use token did what it was good for; `reason` says which purpose.
    TokenConsumed = "token_consumed";
    /// A single-use token was asked for; `reason` says for which purpose. Without a user: nothing was sent.
    TokenRequested = "token_requested";
    /// A refresh token was used after its successor: somebody has a copy.
    TokenReuse = "authn_token_reuse";
    /// A user was created.
    UserCreated = "user_created";
    /// A user was deleted.
    UserDeleted = "user_deleted";
    /// A user was disabled.
    UserDisabled = "user_disabled";
    /// A user was enabled.
    UserEnabled = "user_enabled";
    /// A user's attributes changed.
    UserUpdated = "user_updated";
    /// Recovery left a way in, or a second factor, of the user; `reason` says what left it.
    WayInKept = "way_in_kept";
}

/// One event. It has no identifier, no credential and no token in it.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub name: EventName,
    /// When.
    pub at: Timestamp,
    /// The realm.
    pub realm: String,
    /// The user, where one is known.
    pub user_id: Option<UserId>,
    /// The sign-in, where one is concerned.
    pub sign_in_id: Option<SignInId>,
    /// The provider name, where one is concerned.
    pub provider: Option<String>,
    /// The precise reason as a stable text: never shown to the client.
    pub reason: Option<String>,
    /// How many things were concerned, where that is not one.
    pub count: u64,
    /// The client's address, on a request.
    pub address: String,
    /// Of a request whose origin is not trusted: the `Origin` that came, in printable ASCII and at most 256 bytes. `None` where
    /// none came.
    pub origin: Option<String>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.id())?;
        if let Some(user) = self.user_id {
            write!(f, " user={user}")?;
        }
        if let Some(sign_in) = self.sign_in_id {
            write!(f, " sign_in={sign_in}")?;
        }
        if let Some(provider) = &self.provider {
            write!(f, " provider={provider}")?;
        }
        if let Some(reason) = &self.reason {
            write!(f, " reason={}", reason.escape_default())?;
        }
        if let Some(origin) = &self.origin {
            write!(f, " origin={origin}")?;
        }
        if !self.address.is_empty() {
            write!(f, " address={}", self.address)?;
        }
        Ok(())
    }
}

/// Where events go. Called on the thread where they happen; must not block and must not call back into the context.
pub type EventCallback = Arc<dyn Fn(&Event) + Send + Sync>;
