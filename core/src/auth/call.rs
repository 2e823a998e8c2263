//! One call: what every operation knows before it begins — the moment, the realm, the request and its cookies.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::context::Context;
use crate::clock::Timestamp;
use crate::cookie::{CookieKind, RequestCookies, SetCookie};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::headers::ResponseHeaders;
use crate::id::{SignInId, UserId};
use crate::keys::Binding;
use crate::metrics::Timer;
use crate::outcome::{Answer, Outcome};
use crate::policy::{Account, Fault, Names};
use crate::proof::{Issuer, NewProof, Proof, ProofOrigin};
use crate::provider::Provider;
use crate::request::{Request, Single};
use crate::rng;
use crate::session::{Sessions, Use};
use crate::store::{Hash, Store};
use crate::verification::{Devices, Verifier};

/// How long a device cookie is good for.
const DEVICE_TTL: Duration = Duration::from_hours(400 * 24);
/// How long the cookie that binds flows to a browser is good for.
const BROWSER_TTL: Duration = crate::flow::FLOW_TTL;

/// One operation under way.
pub(super) struct Call<'a> {
    pub(super) context: &'a Context,
    /// Counts the operation, and how long it takes.
    pub(super) _timer: Timer,
    pub(super) realm: &'a str,
    pub(super) now: Timestamp,
    pub(super) request: Option<&'a Request>,
    /// Whether asking who the request comes from is a use of its sign-in.
    pub(super) used: Use,
    pub(super) collected: Option<&'a Mutex<ResponseHeaders>>,
    pub(super) agent: String,
    pub(super) address: String,
    pub(super) network: String,
    pub(super) network48: String,
}

impl<'a> Call<'a> {
    pub(super) fn store(&self) -> &'a dyn Store {
        &*self.context.store
    }

    pub(super) fn sessions(&self) -> &'a Sessions {
        &self.context.sessions
    }

    pub(super) fn provider(&self, name: &str) -> Result<&'a Provider> {
        self.context.providers.named(name)
    }

    pub(super) fn verifier(&self) -> Verifier<'_> {
        Verifier {
            store: self.store(),
            keys: &self.context.keys,
            random: &*self.context.random,
            now: self.now,
            realm: self.realm,
            agent: &self.agent,
            address: &self.address,
            devices: self,
        }
    }

    /// What judges accounts here.
    pub(super) fn names(&self) -> Names<'a> {
        Names {
            providers: &self.context.providers,
            policy: &self.context.settings.policy,
        }
    }

    /// True where this rule is broken for a test.
    pub(super) fn planted(&self, fault: Fault) -> bool {
        self.context.settings.policy.planted.is(fault)
    }

    /// A user as the policy sees it.
    pub(super) async fn account(&self, user: UserId) -> Result<Account<'a>> {
        Ok(Account {
            names: self.names(),
            keys: &self.context.keys,
            now: self.now,
            identities: self.store().identities(user).await?,
            authenticators: self.store().authenticators(user).await?,
            addresses: self.store().addresses(user).await?,
        })
    }

    pub(super) fn issuer(&self) -> Issuer {
        self.context.issuer()
    }

    /// A proof made at this call.
    pub(super) fn proof(
        &self,
        user_id: UserId,
        epoch: i64,
        factors: Vec<crate::factor::Factor>,
        origin: ProofOrigin,
    ) -> Proof {
        let (issuer, realm, made_at) = (self.issuer(), self.realm.into(), self.now);
        Proof::new(NewProof {
            issuer,
            realm,
            user_id,
            epoch,
            factors,
            made_at,
            origin,
        })
    }

    // Events.

    pub(super) fn event(&self, name: EventName) -> Event {
        Event {
            name,
            at: self.now,
            realm: self.realm.into(),
            user_id: None,
            sign_in_id: None,
            provider: None,
            reason: None,
            count: 1,
            address: self.address.clone(),
            origin: None,
        }
    }

    pub(super) fn emit(&self, event: &Event) {
        self.context.events.emit(event);
    }

    /// An event about one user.
    pub(super) fn emit_user(&self, name: EventName, user_id: UserId) {
        self.emit(&Event {
            user_id: Some(user_id),
            ..self.event(name)
        });
    }

    /// An event about one sign-in of one user.
    pub(super) fn emit_sign_in(&self, name: EventName, user_id: UserId, id: SignInId, reason: Option<&str>) {
        self.emit(&Event {
            user_id: Some(user_id),
            sign_in_id: Some(id),
            reason: reason.map(str::to_owned),
            ..self.event(name)
        });
    }

    // The request.

    pub(super) fn cookies(&self) -> RequestCookies<'a> {
        self.request
            .map(|request| self.context.settings.cookies.read(request))
            .unwrap_or_default()
    }

    /// Whether the client of the request is an app: no cookie is read or written, and no origin asked for.
    pub(super) fn is_app(&self) -> bool {
        self.request.is_some_and(Request::is_app)
    }

    /// What binds flows to the client: the browser's cookie, or what the app keeps in its place.
    fn flow_value(&self) -> Option<&'a [u8]> {
        self.kept("doorward-flow", |cookies| cookies.flow.once())
    }

    fn kept(
        &self,
        header: &'static str,
        cookie: fn(&RequestCookies<'a>) -> Option<&'a [u8]>,
    ) -> Option<&'a [u8]> {
        let request = self.request?;
        if !request.is_app() {
            return cookie(&self.cookies());
        }
        match request.single(header) {
            Single::One(value) => Some(value),
            Single::Absent | Single::Several => None,
        }
    }

    /// The hash of the browser's flow cookie, where the request has one.
    pub(super) fn browser(&self) -> Option<Hash> {
        self.flow_value().map(hash_of_browser)
    }

    /// The hash to bind a new flow to, and the cookie line that makes it so; nothing without a request.
    pub(super) fn bind_browser(&self, headers: &mut ResponseHeaders) -> Result<Option<Hash>> {
        if self.request.is_none() {
            return Ok(None);
        }
        let secret = match self.flow_value() {
            // One browser keeps one secret, so that two tabs do not unbind each other's flows.
            Some(held) if held.len() == 43 && URL_SAFE_NO_PAD.decode(held).is_ok() => {
                String::from_utf8_lossy(held).into_owned()
            }
            _ => URL_SAFE_NO_PAD.encode(rng::bytes::<32>(&*self.context.random)?),
        };
        self.set_cookie(headers, CookieKind::Flow, &secret, Some(BROWSER_TTL))?;
        Ok(Some(hash_of_browser(secret.as_bytes())))
    }

    pub(super) fn set_cookie(
        &self,
        headers: &mut ResponseHeaders,
        kind: CookieKind,
        value: &str,
        max_age: Option<Duration>,
    ) -> Result<()> {
        if self.is_app() {
            // Its tokens are in the session of the answer, for the body of the response.
            match kind {
                CookieKind::Device => {
                    self.note(headers, |headers| headers.app_value("Doorward-Device", value));
                }
                CookieKind::Flow => self.note(headers, |headers| headers.app_value("Doorward-Flow", value)),
                CookieKind::Access | CookieKind::Away | CookieKind::Page | CookieKind::Refresh => {}
            }
            return Ok(());
        }
        let cookie = self
            .context
            .settings
            .cookies
            .set(kind, value, max_age)
            .map_err(|e| Error::new(ErrorKind::Internal, format!("a cookie cannot be written: {e}")))?;
        self.put_cookie(headers, &cookie);
        Ok(())
    }

    /// Adds a cookie to an answer, and to what the handle on the request remembers.
    pub(super) fn put_cookie(&self, headers: &mut ResponseHeaders, cookie: &SetCookie) {
        if !self.is_app() {
            self.note(headers, |headers| headers.set_cookie(cookie.clone()));
        }
    }

    fn note(&self, headers: &mut ResponseHeaders, add: impl Fn(&mut ResponseHeaders)) {
        if let Some(collected) = self.collected {
            add(&mut collected.lock().unwrap_or_else(PoisonError::into_inner));
        }
        add(headers);
    }

    pub(super) fn clear_cookie(&self, headers: &mut ResponseHeaders, kind: CookieKind) {
        if self.request.is_some() {
            self.put_cookie(headers, &self.context.settings.cookies.clear(kind));
        }
    }

    // The device cookie: this browser was signed in before. It is no factor.

    /// Makes this browser one of the user's own, for this epoch. Nothing without a request.
    pub(super) fn remember_device(
        &self,
        headers: &mut ResponseHeaders,
        user: UserId,
        epoch: i64,
    ) -> Result<()> {
        if self.request.is_none() {
            return Ok(());
        }
        let made = self.now.as_micros().to_be_bytes();
        let binding = self.device_binding(user, epoch);
        // Without a key that seals there is no such cookie: the session stands all the same.
        let Ok(sealed) = (self.context.keys).seal(&*self.context.random, binding.bytes(), &made) else {
            return Ok(());
        };
        let value = URL_SAFE_NO_PAD.encode(sealed);
        self.set_cookie(headers, CookieKind::Device, &value, Some(DEVICE_TTL))
    }

    /// What a device cookie is good for, and for nothing else.
    fn device_binding(&self, user: UserId, epoch: i64) -> Binding {
        Binding::of("device")
            .and(self.realm.as_bytes())
            .and(user.as_bytes())
            .and(&epoch.to_be_bytes())
    }

    // Load.

    /// Sheds what the password hasher has no room for, before anybody is looked up: an overload tells nothing.
    ///
    /// # Errors
    /// `Overloaded`.
    pub(super) fn has_room(&self, provider: &Provider) -> Result<()> {
        if provider.hashes_passwords() && !self.context.governor.has_room() {
            return Err(Error::new(
                ErrorKind::Overloaded,
                "too many passwords wait to be hashed: try again (`hashing.queue`)",
            ));
        }
        Ok(())
    }

    pub(super) fn throttled<T>(&self, provider: Option<&str>, wait: Duration) -> Answer<T> {
        let event = self.event(EventName::AuthenticationThrottled);
        self.emit(&Event {
            provider: provider.map(str::to_owned),
            ..event
        });
        let mut answer = Answer::of(Outcome::Throttled(wait));
        answer.headers.retry_after(wait);
        answer
    }
}

impl Devices for Call<'_> {
    /// True when the request's device cookie is this user's, and nothing has moved the epoch since.
    fn knows(&self, user: UserId, epoch: i64) -> bool {
        let known = || {
            let sealed = URL_SAFE_NO_PAD
                .decode(self.kept("doorward-device", |cookies| cookies.device.once())?)
                .ok()?;
            let open = self
                .context
                .keys
                .open(self.device_binding(user, epoch).bytes(), &sealed)
                .ok()?;
            let made = Timestamp::from_micros(i64::from_be_bytes(open.expose().try_into().ok()?));
            Some(self.now.since(made) < DEVICE_TTL)
        };
        known() == Some(true)
    }
}

fn hash_of_browser(secret: &[u8]) -> Hash {
    Sha256::new()
        .chain_update(b"b")
        .chain_update(secret)
        .finalize()
        .into()
}
