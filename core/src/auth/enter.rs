//! The way into every operation: the context is usable, and the origin of the request is trusted.
//!
//! | way in | a request that is not trusted is |
//! |---|---|
//! | `enter` | the error `RequestRefused` |
//! | `enter_answering` | the outcome *request refused*, for operations that answer with an outcome |
//! | `enter_by_person` | as for `enter_answering`. Where origins are trusted by configuration, a call on no request is an error too. |
//! | `enter_unchecked` | let in: the operation judges it itself. The list of these is in `docs/architecture.md`. |

use super::Auth;
use super::call::Call;
use super::context::Context;
use crate::error::{Error, Result};
use crate::event::{Event, EventName};
use crate::metrics::Timed;
use crate::outcome::{Answer, Outcome, RequestRefused};
use crate::request::{NetworkPrefix, Request};

/// Bytes of an `Origin` that are shown: no host name is longer (RFC 1035 section 2.3.4).
const MAX_ORIGIN: usize = 256;

impl Auth {
    /// Begins an operation whose answer has no place for a refusal.
    ///
    /// # Errors
    /// `RequestRefused`; `ForkedContext`, `InvalidState`, `Unavailable`.
    pub(super) async fn enter(&self) -> Result<Call<'_>> {
        let call = self.begin().await?;
        match call.refused::<()>() {
            Some(refused) => refused.require().map(|()| call),
            None => Ok(call),
        }
    }

    /// Begins an operation that answers with an outcome: `Err` is the refusal to answer with.
    ///
    /// # Errors
    /// `ForkedContext`, `InvalidState`, `Unavailable`.
    pub(super) async fn enter_answering<T>(&self) -> Result<std::result::Result<Call<'_>, Answer<T>>> {
        let call = self.begin().await?;
        Ok(call.refused().map_or(Ok(call), Err))
    }

    /// Begins an operation that a person's form causes and that nothing has checked before: where the program has pages
    /// whose origins are trusted, forgetting the request is not a way around their check. The list of these is in
    /// `docs/architecture.md`.
    ///
    /// # Errors
    /// `InvalidState` on a handle that is neither on a request nor trusted, where `origins.trusted` is configured, and
    /// as [`enter_answering`](Self::enter_answering).
    pub(super) async fn enter_by_person<T>(&self) -> Result<std::result::Result<Call<'_>, Answer<T>>> {
        let call = self.begin().await?;
        if call.request.is_none() && !self.trusted && !call.context.settings.origins.is_empty() {
            return Err(Error::no_request());
        }
        Ok(call.refused().map_or(Ok(call), Err))
    }

    /// Begins an operation that judges the request itself. Why stands with the operation in `docs/architecture.md`.
    ///
    /// # Errors
    /// `ForkedContext`, `InvalidState`, `Unavailable`.
    pub(super) async fn enter_unchecked(&self, _why: &'static str) -> Result<Call<'_>> {
        self.begin().await
    }

    /// The context is usable here, and `now` is taken once.
    async fn begin(&self) -> Result<Call<'_>> {
        let context: &Context = &self.context;
        context.ready().await?;
        let request = self.request.as_ref();
        let client = request.and_then(|request| context.settings.proxies.client(request));
        if let Some(request) = request.filter(|request| context.settings.proxies.is_unlisted(request)) {
            let peer = request
                .peer()
                .map_or_else(|| "unix".into(), |peer| peer.to_string());
            context.tell_unlisted_proxy(&self.realm, &peer);
        }
        Ok(Call {
            context,
            _timer: context.metrics.time(Timed::Operation),
            realm: &self.realm,
            now: context.now(),
            request,
            used: self.used,
            collected: self.collected.as_deref(),
            agent: request.and_then(Request::agent).unwrap_or_default(),
            address: client.map(|address| address.to_string()).unwrap_or_default(),
            network: client
                .map(|address| NetworkPrefix::of(address).to_string())
                .unwrap_or_default(),
            network48: client
                .and_then(NetworkPrefix::wide)
                .map(|network| network.to_string())
                .unwrap_or_default(),
        })
    }
}

impl Call<'_> {
    /// The answer to give instead where the request is not trusted.
    pub(super) fn refused<T>(&self) -> Option<Answer<T>> {
        self.distrusted().map(|refused| self.refuse(refused))
    }

    pub(super) fn refuse<T>(&self, refused: RequestRefused) -> Answer<T> {
        self.emit(&Event {
            reason: Some(refused.reason.into()),
            origin: self.origin_that_came(),
            ..self.event(EventName::RequestRefused)
        });
        Answer::of(Outcome::RequestRefused(refused))
    }

    /// The `Origin` that came, for the operator: the first thing to look at when a deployment refuses its own pages.
    fn origin_that_came(&self) -> Option<String> {
        let lines: Vec<&[u8]> = self.request?.values("origin").collect();
        let shown = lines
            .join(&b", "[..])
            .escape_ascii()
            .take(MAX_ORIGIN)
            .map(char::from)
            .collect();
        (!lines.is_empty()).then_some(shown)
    }
}
