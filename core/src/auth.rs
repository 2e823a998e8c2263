//! The operations: the only module that calls every stage, in the order in which a request flows.
//!
//! [`Auth`] is a handle: cheap to clone, safe from many threads. [`Auth::realm`], [`Auth::on`] and [`Auth::trusted`] give
//! handles that work in another realm, on a request or on none; every operation is a method of all of them.

mod attempt;
mod authenticators;
mod call;
mod change;
mod charges;
mod claims;
mod commit;
mod context;
mod credentials;
mod current;
mod deliveries;
mod double;
mod engine;
mod enter;
mod first_key;
mod first_proof;
mod flows;
mod identities;
mod life;
mod links;
mod listed;
mod named;
mod new_session;
mod notices;
mod operator;
mod presented;
mod progress;
mod reach;
mod recovery;
mod requests;
mod sessions;
mod sign_in;
mod sign_up;
mod steps;
mod surface;
mod token_requests;
mod tokens;
mod told;
mod users;
mod yields;

pub use authenticators::Authenticator;
pub use identities::Identity;
pub use listed::{IdentifierPrefix, UserFilter};
pub use new_session::SessionOptions;
pub use requests::Caller;
pub use sessions::Device;
pub use sign_up::NewUserOptions;
pub use tokens::{TokenInfo, TokenPurpose};

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use context::Context;

use crate::clock::Clock as _;
use crate::config::Config;
use crate::error::Result;
use crate::headers::ResponseHeaders;
use crate::identifier::Realm;
use crate::request::Request;
use crate::session::Use;
use crate::store::{Purged, StoreStats};

/// How long ended sign-ins are kept, so that their holders can still be told why they ended.
const KEEP_ENDED: Duration = Duration::from_hours(7 * 24);
/// How long one purge removes what is over, slice by slice.
const PURGE_FOR: Duration = Duration::from_secs(1);

/// Users, provider ids and sessions of one database.
#[derive(Clone)]
pub struct Auth {
    context: Arc<Context>,
    realm: Arc<str>,
    request: Option<Request>,
    /// Nobody's request causes what is called on this handle.
    trusted: bool,
    /// Whether asking who the request comes from is a use of its sign-in.
    used: Use,
    /// The cookies of what was decided on the request, newest last. Shared by every clone of the handle.
    collected: Option<Arc<Mutex<ResponseHeaders>>>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

impl Auth {
    /// Makes a cold context: reads the configuration, the key ring and the plugins. No threads, no sockets, so it is
    /// safe to fork afterwards.
    ///
    /// # Errors
    /// `Configuration`, `KeyMissing`, `PluginRefused`: each names what and how to mend it.
    pub fn open(config: &Config) -> Result<Self> {
        Ok(Self {
            context: Arc::new(Context::open(config)?),
            realm: "".into(),
            request: None,
            trusted: false,
            used: Use::Counts,
            collected: None,
        })
    }

    /// Starts the context in this process: connections, threads, schema and agreement. Starting twice is fine.
    ///
    /// # Errors
    /// `Unavailable`, `SchemaMismatch`, `Disagreement`, `KeyMissing`, `StoreSharedInProcess`, `ForkedContext`.
    pub async fn start(&self) -> Result<()> {
        self.context.start().await
    }

    /// Stops connections and threads; queued writes are written. The context may be started again.
    ///
    /// # Errors
    /// `Unavailable` when queued writes could not be written.
    pub async fn stop(&self) -> Result<()> {
        self.context.stop().await
    }

    /// Stops connections and threads for a fork. Both sides start again by themselves at their next call. A call of
    /// another thread between this and the fork starts the context again, and the child is told `ForkedContext`.
    ///
    /// # Errors
    /// As [`stop`](Self::stop).
    pub async fn before_fork(&self) -> Result<()> {
        self.context.quiesce().await
    }

    /// A handle of the context in another realm. Realms are not declared.
    ///
    /// # Errors
    /// `InvalidArgument` for a name of more than 64 bytes or with control characters.
    pub fn realm(&self, name: &str) -> Result<Self> {
        let realm = Realm::new(name)?;
        Ok(Self {
            realm: realm.as_str().into(),
            ..self.clone()
        })
    }

    /// A handle of the context on a request: its origin is checked, throttling knows the network, agent and address are
    /// recorded, flows are bound to the browser. The handle remembers what is decided on it: send
    /// [`headers`](Self::headers) with the response, once.
    #[must_use]
    pub fn on(&self, request: Request) -> Self {
        Self {
            request: Some(request),
            collected: Some(Arc::default()),
            ..self.clone()
        }
    }

    /// A handle of the context for what no request causes: a command line, a job, an import, a test.
    ///
    /// Where `origins.trusted` is configured, the operations that a person's form causes (`create_user`,
    /// `create_user_from_claim`, `begin_enrollment`, `authenticate`, `continue_flow`, `create_session`, `request_token`,
    /// `consume_token`, `update_credentials_with_token`, `update_identifier_with_token`) are `InvalidState` on a handle
    /// that is neither on a request nor trusted: a forgotten request is not served. A trusted handle that is put on a
    /// request has its origin checked like any other.
    #[must_use]
    pub fn trusted(&self) -> Self {
        Self {
            trusted: true,
            ..self.clone()
        }
    }

    /// The final cookies of everything that was decided on this handle's request so far, by it and its clones: one line
    /// a name, the newest decision's, and `Cache-Control: no-store` with the first. Empty without a request.
    ///
    /// So a middleware may resume first and send last, whatever was called between: a sign-in or a sign-out is not
    /// overwritten by the refresh before it. `Retry-After` and `WWW-Authenticate` go with the answer whose status is
    /// sent, and are not here.
    pub fn headers(&self) -> ResponseHeaders {
        self.collected
            .as_ref()
            .map_or_else(ResponseHeaders::default, |collected| {
                collected.lock().unwrap_or_else(PoisonError::into_inner).clone()
            })
    }

    /// Removes what has expired or ended a week ago, in slices of about 20 ms between which others write, for about a
    /// second: call it now and then, and again where the answer says that there is [more](Purged::more).
    ///
    /// # Errors
    /// `Unavailable`.
    #[doc = include_str!("../doc/operations/purge_expired.md")]
    pub async fn purge_expired(&self) -> Result<Purged> {
        let call = self.enter().await?;
        let clock = &call.context.clock;
        let until = clock.boot().saturating_add(PURGE_FOR);
        let mut purged = Purged::default();
        loop {
            purged = purged.and(call.store().purge(call.now, KEEP_ENDED, u32::MAX).await?);
            if !purged.more || clock.boot() >= until {
                return Ok(purged);
            }
        }
    }

    /// Counts of rows: on a handle of the default realm of the whole database, on another one of its realm. On PostgreSQL
    /// exact up to 10,000 of a sort, an estimate beyond: [`StoreStats`].
    ///
    /// # Errors
    /// `Unavailable`.
    #[doc = include_str!("../doc/operations/stats.md")]
    pub async fn stats(&self) -> Result<StoreStats> {
        let call = self.enter().await?;
        if call.realm.is_empty() {
            return Ok(call.store().stats(call.now).await?);
        }
        Ok(call.store().realm_stats(call.realm.into(), call.now).await?)
    }

    /// What a monitoring system reads, as Prometheus takes it (text format 0.0.4): events by name, how long operations and
    /// the store take, what waits, hashes, connections. Of this process since it started the context, of all realms. It
    /// asks no database, and names nobody.
    ///
    /// # Errors
    /// `InvalidState` on a context that is not started.
    #[doc = include_str!("../doc/operations/metrics.md")]
    pub async fn metrics(&self) -> Result<String> {
        let context = &self.context;
        // No operation that is timed: what is read does not count who reads it.
        context.ready().await?;
        Ok((context.metrics).text(context.governor.usage(), &context.store.connections()))
    }

    /// Asks the database and every provider whether they can answer. Of the database it reads a row and takes and gives
    /// back the write lock, so it waits as writers do: ask every few seconds, not with every request.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`, naming what cannot.
    #[doc = include_str!("../doc/operations/health.md")]
    pub async fn health(&self) -> Result<()> {
        let call = self.enter().await?;
        call.store().health().await?;
        call.context
            .providers
            .iter()
            .try_for_each(|provider| provider.kind.health())
    }

    /// Brings the database to this release's schema. The context need not be started.
    ///
    /// # Errors
    /// `Unavailable`, `SchemaMismatch`.
    pub async fn migrate(&self) -> Result<()> {
        self.context.migrate().await
    }

    /// Makes the database agree with this configuration about one item, such as `provider/email`, after a start that
    /// was refused with `Disagreement`.
    ///
    /// # Errors
    /// `NotFound` for an item that this configuration does not have; `Unavailable`.
    pub async fn agree(&self, item: &str) -> Result<()> {
        self.context.agree(item).await
    }
}
