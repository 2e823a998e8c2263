//! What the HTTP surface needs of a context besides the operations: its settings, the moment, and what a browser carries
//! from one page to the next, sealed.

use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Auth;
use crate::clock::Timestamp;
use crate::config::HttpSettings;
use crate::cookie::{CookieKind, Presented};
use crate::error::Result;
use crate::keys::Binding;
use crate::origin::OriginVerdict;
use crate::outcome::{Answer, Outcome};
use crate::proof::Proof;
use crate::request::Request;
use crate::session::Use;

/// How long a browser carries what is for its next page.
const CARRIED: Duration = crate::flow::FLOW_TTL;

impl Auth {
    /// The settings of the surface.
    pub(crate) fn http_settings(&self) -> &HttpSettings {
        &self.context.settings.http
    }

    /// How old a factor may be for a sensitive operation.
    pub(crate) fn step_up_max_age(&self) -> Duration {
        self.context.settings.policy.step_up_max_age
    }

    /// Checks that operations may run here.
    ///
    /// # Errors
    /// `InvalidState`, `ForkedContext`.
    pub(crate) async fn ready(&self) -> Result<()> {
        self.context.ready().await
    }

    /// The request that the handle is on.
    pub(crate) fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// Now, as the database sees it.
    pub(crate) fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// The same request, asked about without that being a use of its sign-in.
    pub(crate) fn unused(&self) -> Self {
        Self {
            used: Use::Not,
            ..self.clone()
        }
    }

    /// The provider by whose name an authenticator of this credentials group is called.
    pub(crate) fn provider_of_group<'a>(&'a self, group: &'a str) -> &'a str {
        let mut providers = self.context.providers.iter();
        providers
            .find(|provider| provider.group == group)
            .map_or(group, |provider| &provider.name)
    }

    /// The `Origin` of the request, where it is one of those that are trusted by name: what may be told to its pages.
    pub(crate) fn trusted_origin(&self) -> Option<String> {
        let request = self.request.as_ref()?;
        let sent = std::str::from_utf8(request.values("origin").next()?).ok()?;
        // As any unsafe request of that page would be judged.
        let asked = Request::new("POST", [("origin", sent)], None);
        let trusted = self.context.settings.origins.check(&asked) == OriginVerdict::Trusted;
        trusted.then(|| sent.to_owned())
    }

    /// The first origin that is trusted by name.
    pub(crate) fn first_origin(&self) -> Option<String> {
        self.context
            .settings
            .origins
            .iter()
            .next()
            .map(ToString::to_string)
    }

    /// Has the handle remember the lines of a response: the cookies among them it has already.
    pub(crate) fn answered(&self, lines: &[(&'static str, String)]) {
        if let Some(collected) = &self.collected {
            let mut headers = collected.lock().unwrap_or_else(PoisonError::into_inner);
            let others = lines
                .iter()
                .filter(|(name, _)| *name != "Set-Cookie" && !name.starts_with("Doorward-"));
            for (name, value) in others {
                headers.plain(name, value);
            }
        }
    }

    /// Whether the page that sent the request is trusted, as every operation asks it: before anything is read.
    ///
    /// # Errors
    /// `Unavailable`, `InvalidState`.
    pub(crate) async fn check_trusted(&self) -> Result<Answer<()>> {
        Ok(match self.enter_answering().await? {
            Ok(_) => Answer::of(Outcome::Accepted(())),
            Err(refused) => refused,
        })
    }

    /// Checks that a proof would do for a sensitive operation, which the caller then does itself.
    ///
    /// # Errors
    /// `ProofRequired`; `RequestRefused`, `Unavailable`.
    pub(crate) async fn check_sensitive(&self, proof: &Proof) -> Result<()> {
        self.enter().await?.sensitive(proof).await.map(drop)
    }

    /// Has the browser carry this to its next page, sealed: false where it is too long for a cookie.
    ///
    /// # Errors
    /// `KeyMissing`, `Internal`.
    pub(crate) fn carry(&self, kind: CookieKind, text: &[u8]) -> Result<bool> {
        if self.request.as_ref().is_some_and(Request::is_app) {
            return Ok(true); // An app has its answer in the body, and no cookies.
        }
        let until = self.now().plus(CARRIED).as_micros().to_be_bytes();
        let plain = [&until[..], text].concat();
        let binding = self.carried_binding(kind);
        let sealed = (self.context.keys).seal(&*self.context.random, binding.bytes(), &plain)?;
        let value = URL_SAFE_NO_PAD.encode(sealed);
        let Ok(cookie) = (self.context.settings.cookies).set(kind, &value, Some(CARRIED)) else {
            return Ok(false);
        };
        if let Some(collected) = &self.collected {
            let mut headers = collected.lock().unwrap_or_else(PoisonError::into_inner);
            headers.set_cookie(cookie);
        }
        Ok(true)
    }

    /// What the browser was given to carry; it has it no longer.
    pub(crate) fn carried(&self, kind: CookieKind) -> Option<Vec<u8>> {
        let request = self.request.as_ref()?;
        let cookies = self.context.settings.cookies.read(request);
        let presented = match kind {
            CookieKind::Away => cookies.away,
            _ => cookies.page,
        };
        if presented == Presented::Absent {
            return None;
        }
        if let Some(collected) = &self.collected {
            let mut headers = collected.lock().unwrap_or_else(PoisonError::into_inner);
            headers.set_cookie(self.context.settings.cookies.clear(kind));
        }
        let sealed = URL_SAFE_NO_PAD.decode(presented.once()?).ok()?;
        let binding = self.carried_binding(kind);
        let open = self.context.keys.open(binding.bytes(), &sealed).ok()?;
        let (until, text) = open.expose().split_first_chunk::<8>()?;
        (self.now() < Timestamp::from_micros(i64::from_be_bytes(*until))).then(|| text.to_vec())
    }

    fn carried_binding(&self, kind: CookieKind) -> Binding {
        let what = match kind {
            CookieKind::Away => "away",
            _ => "page",
        };
        Binding::of(what).and(self.realm.as_bytes())
    }
}
