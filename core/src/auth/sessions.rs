//! Sessions: made from a proof, checked on every request, refreshed, listed and ended.

use super::Auth;
use super::call::Call;
use crate::attributes;
use crate::cookie::{CookieKind, Presented};
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventName;
use crate::factor::Factor;
use crate::headers::ResponseHeaders;
use crate::id::{SignInId, UserId};
use crate::outcome::{Answer, Outcome, RequestRefused, SignedOut};
use crate::plugin::Fields;
use crate::policy::{self, Missing};
use crate::proof::{Proof, ProofOrigin};
use crate::refusal::RefusalReason;
use crate::request::Authorization;
use crate::secret::Secret;
use crate::session::{
    Created, Lifetimes, NewSession, Over, Refreshed, Session, SessionEnd, Standing, StepUp, Validated,
};
use crate::store::{EndReason, Ends, PutAttributes, SignIn, User};
use crate::token::{AccessToken, RefreshToken};
use crate::verification::{Question, Verified};

/// What a new session starts with.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The session's attributes: a JSON object as text. Default: `{}`. A step-up copies those of the session before.
    pub attributes: Option<String>,
    /// Lifetimes shorter than the configured ones.
    pub lifetimes: Lifetimes,
}

/// Who a request comes from.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A key of a configured provider: no session.
    Key {
        /// The user.
        user: User,
        /// The provider that accepted the key.
        provider: String,
    },
    /// A live session.
    Session(Session),
}

/// One device of a user: a sign-in without any token material.
#[derive(Clone, Debug)]
pub struct Device {
    /// The sign-in.
    pub id: SignInId,
    /// User agent at sign-in.
    pub agent: String,
    /// Client address at sign-in.
    pub address: String,
    /// When it was made.
    pub created_at: crate::Timestamp,
    /// When it was last used; coarse.
    pub last_seen_at: crate::Timestamp,
    /// What was proved in it.
    pub factors: Vec<Factor>,
    /// The application's own data: a JSON object as text.
    pub attributes: String,
}

impl Auth {
    /// Makes the one session of a proof.
    ///
    /// On a request that has a live sign-in: the same user's is stepped up and ends when the new one is first used;
    /// another user's ends now. `Refused` when the user was changed or disabled since, or is at the cap.
    ///
    /// # Errors
    /// - `ProofRequired`: the proof is spent, too old, of another process, or good for sensitive operations only.
    /// - `InvalidArgument`: attributes that are no object, lifetimes beyond the configured ones.
    /// - `Unavailable`: the proof may be used again.
    pub async fn create_session(&self, proof: &Proof, options: SessionOptions) -> Result<Answer<Session>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        proof.check(call.issuer(), call.realm, call.now)?;
        let ProofOrigin::Credentials { full, identity } = *proof.origin() else {
            return Err(required("a session's proof makes no session: authenticate"));
        };
        if !proof.spend() {
            return Err(required(
                "the proof has made its session already: authenticate again",
            ));
        }
        let made = call
            .make_session(proof, full, options)
            .await
            .inspect_err(|_| proof.give_back())?;
        let mut answer = call.created(made, EventName::SessionCreated)?;
        if let (Outcome::Accepted(_), Some(identity)) = (&answer.outcome, identity) {
            call.remember_device(&mut answer.headers, &identity)?;
        }
        Ok(answer)
    }

    /// Makes a session without credentials: for trusted code, always evented. It satisfies no policy, and is refused
    /// for a user with a second factor unless factors are asserted.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument`; `Unavailable`.
    pub async fn create_session_for_user(
        &self,
        user: UserId,
        asserted: &[Factor],
        options: SessionOptions,
    ) -> Result<Answer<Session>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let user = call.user(user).await?;
        let second = call.second_factors(user.id).await?;
        let has_second = second.iter().any(|factor| factor.enrolled);
        let require = call.context.settings.policy.require;
        if has_second && policy::missing(require, asserted, &second) != Missing::Nothing
            || user.disabled_at.is_some()
        {
            return Ok(call.denied("", Some(user.id), "second_factor_not_asserted"));
        }
        let new = call.new_session(user.id, user.session_epoch, asserted.to_vec(), options);
        let made = call.sessions().create(new, call.realm).await?;
        call.created(made, EventName::SessionCreatedForUser)
    }

    /// Says whose session an access token is. An unavailable database is an error, never a sign-out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn validate_session(&self, access_token: &[u8]) -> Result<Answer<Session>> {
        let call = self.enter().await?;
        let validated = match AccessToken::parse(access_token) {
            Some(token) => call.sessions().validate(&token, call.realm).await?,
            None => Validated::Invalid,
        };
        Ok(Answer::of(match validated {
            Validated::Accepted(session) => Outcome::Accepted(session),
            Validated::Expired => Outcome::SignedOut(SignedOut::Expired),
            Validated::Invalid => Outcome::SignedOut(SignedOut::Invalid),
        }))
    }

    /// Exchanges a refresh token for the next session, or gives the current one while it is settling. Retries, racing
    /// tabs and lost replies all get the very same tokens.
    ///
    /// # Errors
    /// `Unavailable`: nobody is signed out by it; try again with the same token.
    pub async fn refresh_session(&self, refresh_token: &[u8]) -> Result<Answer<Session>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        call.refresh(refresh_token).await
    }

    /// Says who the request comes from, by its bearer token or its cookies. Never refreshes, so it is safe everywhere.
    ///
    /// # Errors
    /// `InvalidState` without a request; `Unavailable`.
    pub async fn check_request(&self) -> Result<Answer<Caller>> {
        let call = self.enter().await?;
        call.check(false).await
    }

    /// The same, and refreshes an expired access token: send the answer's headers.
    ///
    /// # Errors
    /// `InvalidState` without a request; `Unavailable`.
    pub async fn resume_request(&self) -> Result<Answer<Caller>> {
        let call = self.enter().await?;
        call.check(true).await
    }

    /// Signs out, by either token, even expired, or (`None`) by the request's cookies. Doing it twice is fine. The
    /// answer's headers clear the cookies.
    ///
    /// # Errors
    /// `Unavailable`: the session may still be live.
    pub async fn end_session(&self, token: Option<&[u8]>) -> Result<Answer<()>> {
        let call = self.enter().await?;
        if let Some(refused) = call.refused() {
            return Ok(refused);
        }
        let cookies = call.cookies();
        let held = match token {
            Some(token) => vec![token],
            None => [cookies.refresh.once(), cookies.access.once()]
                .into_iter()
                .flatten()
                .collect(),
        };
        for token in held {
            call.end_by(token).await?;
        }
        let mut headers = ResponseHeaders::default();
        let names = &call.context.settings.cookies;
        headers.set_cookie(names.clear(CookieKind::Refresh));
        headers.set_cookie(names.clear(CookieKind::Access));
        Ok(Answer {
            headers,
            ..Answer::of(Outcome::Accepted(()))
        })
    }

    /// Ends one sign-in of a user, wherever it is. An id without its owner is never enough. The count: 0 or 1.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_sign_in(&self, user: UserId, id: SignInId) -> Result<u64> {
        self.end_those(user, Ends::One(user, id)).await
    }

    /// Ends every sign-in of the proof's user but the one that the proof was taken from. The count.
    ///
    /// # Errors
    /// `ProofRequired` for a proof that was not taken from a session; `Unavailable`.
    pub async fn end_other_sessions(&self, proof: &Proof) -> Result<u64> {
        let call = self.enter().await?;
        proof.check(call.issuer(), call.realm, call.now)?;
        let Some(keep) = proof.sign_in_id() else {
            return Err(required("only a session's own proof says which session stays"));
        };
        drop(call);
        self.end_those(proof.user_id(), Ends::Others(proof.user_id(), keep))
            .await
    }

    /// Ends every sign-in of a user. The count.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_all_sessions(&self, user: UserId) -> Result<u64> {
        self.end_those(user, Ends::All(user)).await
    }

    async fn end_those(&self, user: UserId, which: Ends) -> Result<u64> {
        let call = self.enter().await?;
        call.user(user).await?;
        let ended = call.store().end(which, EndReason::Ended, call.now).await?;
        call.emit_ended(user, EndReason::Ended, ended);
        Ok(ended)
    }

    /// The devices on which a user is signed in, newest first.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn list_sessions(&self, user: UserId) -> Result<Vec<Device>> {
        let call = self.enter().await?;
        call.user(user).await?;
        let rows = call.store().sign_ins(user, call.now).await?;
        rows.into_iter().map(Device::of).collect()
    }

    /// Whether a sign-in of this user is live: for connections that outlast a request.
    ///
    /// # Errors
    /// `Unavailable`: which is no reason to close a connection.
    pub async fn session_alive(&self, user: UserId, id: SignInId) -> Result<bool> {
        let call = self.enter().await?;
        Ok(call.store().sign_in(id).await?.is_some_and(|(row, owner)| {
            owner.id == user
                && owner.realm == call.realm
                && row.ended_at.is_none()
                && owner.disabled_at.is_none()
                && row.epoch == owner.session_epoch
                && call.now < row.idle_expires_at
                && call.now < row.absolute_expires_at
        }))
    }

    /// Applies a merge patch (RFC 7396) to a live session's attributes. The new attributes.
    ///
    /// # Errors
    /// `NotFound` when the session is not live any more; `Conflict` (`version`); `InvalidArgument`.
    pub async fn update_session_attributes(&self, session: &Session, patch: &str) -> Result<String> {
        let call = self.enter().await?;
        let absent = || Error::new(ErrorKind::NotFound, "the session is not live any more");
        for _ in 0..3 {
            let (row, _) = call.store().sign_in(session.id()).await?.ok_or_else(absent)?;
            let merged = attributes::merged(&row.attributes, patch)?;
            match call
                .store()
                .put_session_attributes(row.id, row.version, merged.clone())
                .await?
            {
                PutAttributes::Won(_) => {
                    call.emit_sign_in(EventName::SessionUpdated, row.user_id, row.id, None);
                    return Ok(merged);
                }
                PutAttributes::Absent => return Err(absent()),
                PutAttributes::Lost | PutAttributes::Taken => {}
            }
        }
        Err(Error::conflict(
            "version",
            "the session's attributes are being changed by others: try again",
        ))
    }

    /// A proof from a session that this context validated, for sensitive operations: fresh as far as its factors are.
    ///
    /// # Errors
    /// `ForkedContext`, `InvalidState`.
    pub async fn session_proof(&self, session: &Session) -> Result<Proof> {
        let call = self.enter().await?;
        let user = session.user();
        let origin = ProofOrigin::Session(session.id());
        Ok(call.proof(user.id, user.session_epoch, session.factors().to_vec(), origin))
    }
}

impl Call<'_> {
    async fn make_session(&self, proof: &Proof, full: bool, options: SessionOptions) -> Result<Created> {
        let live = self.live_session().await?;
        match live {
            Some(old) if old.user().id == proof.user_id() => {
                let step_up = StepUp {
                    epoch: proof.epoch(),
                    factors: proof.factors().to_vec(),
                    full,
                    agent: self.agent.clone(),
                    address: self.address.clone(),
                };
                self.sessions().step_up(&old, step_up).await
            }
            _ if !full => Err(required(
                "this proof steps a live session up: send it on that session's request",
            )),
            other => {
                let (user, epoch) = (proof.user_id(), proof.epoch());
                let mut new = self.new_session(user, epoch, proof.factors().to_vec(), options);
                new.ends = other.map(|session| session.id());
                self.sessions().create(new, self.realm).await
            }
        }
    }

    fn new_session(
        &self,
        user_id: UserId,
        epoch: i64,
        factors: Vec<Factor>,
        options: SessionOptions,
    ) -> NewSession {
        NewSession {
            user_id,
            epoch,
            factors,
            attributes: options.attributes.unwrap_or_else(|| "{}".into()),
            lifetimes: options.lifetimes,
            agent: self.agent.clone(),
            address: self.address.clone(),
            ends: None,
        }
    }

    fn created(&self, made: Created, event: EventName) -> Result<Answer<Session>> {
        let (session, evicted) = match made {
            Created::Created { session, evicted } => (session, evicted),
            Created::Refused => return Ok(self.denied("", None, "user_changed")),
            Created::CapReached => return Ok(self.denied("", None, EndReason::Cap.id())),
        };
        self.emit_sign_in(event, session.user().id, session.id(), None);
        for id in evicted {
            self.emit_sign_in(
                EventName::SessionEnded,
                session.user().id,
                id,
                Some(EndReason::Cap.id()),
            );
        }
        self.session_answer(session)
    }

    /// A session with the cookies that carry its tokens: the refresh cookie first.
    fn session_answer(&self, session: Session) -> Result<Answer<Session>> {
        let mut headers = ResponseHeaders::default();
        let cookie = |headers: &mut ResponseHeaders, kind, token: &Secret, end: crate::Timestamp| {
            let age = session.persistent().then(|| end.since(self.now));
            self.set_cookie(headers, kind, &String::from_utf8_lossy(token.expose()), age)
        };
        if let Some(token) = session.refresh_token() {
            cookie(
                &mut headers,
                CookieKind::Refresh,
                token,
                session.absolute_expires_at(),
            )?;
        }
        if let Some(token) = session.access_token() {
            cookie(
                &mut headers,
                CookieKind::Access,
                token,
                session.access_expires_at(),
            )?;
        }
        Ok(Answer {
            headers,
            ..Answer::of(Outcome::Accepted(session))
        })
    }

    async fn refresh(&self, token: &[u8]) -> Result<Answer<Session>> {
        let refreshed = match RefreshToken::parse(token) {
            Some(token) => self.sessions().refresh(&token, self.realm).await?,
            None => Refreshed::Invalid,
        };
        let signed_out = |reason| Ok(Answer::of(Outcome::SignedOut(reason)));
        match refreshed {
            Refreshed::Current(session) | Refreshed::Repeated(session) => self.session_answer(session),
            Refreshed::Next(session) => {
                self.emit_sign_in(EventName::SessionRefreshed, session.user().id, session.id(), None);
                self.session_answer(session)
            }
            Refreshed::Ended(ended) => {
                let event = match ended.reason {
                    EndReason::RollbackDetected => EventName::RollbackDetected,
                    _ => EventName::TokenReuse,
                };
                let reason = Some(ended.reason.id());
                self.emit_sign_in(event, ended.user_id, ended.sign_in_id, reason);
                self.emit_sign_in(EventName::SessionEnded, ended.user_id, ended.sign_in_id, reason);
                signed_out(SignedOut::Ended(ended.reason))
            }
            Refreshed::SignedOut(over) => signed_out(over.map_or(SignedOut::Invalid, signed_out_by)),
            Refreshed::Invalid => signed_out(SignedOut::Invalid),
        }
    }

    /// Who the request comes from.
    async fn check(&self, resume: bool) -> Result<Answer<Caller>> {
        let Some(request) = self.request else {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "there is no request: call `on(request)` first",
            ));
        };
        match self.context.settings.bearer.authorization(request) {
            Authorization::Session(token) => return self.check_bearer(token.as_bytes()).await,
            Authorization::Provider { provider, credential } => {
                return self.check_key(&provider.to_string(), credential).await;
            }
            Authorization::Refused(reason) => return Ok(self.refuse(refusal(reason))),
            Authorization::Absent => {}
        }
        // Only cookies are sent by browsers unasked, so only they need a trusted origin.
        if let Some(refused) = self.refused() {
            return Ok(refused);
        }
        let cookies = self.cookies();
        if cookies.session_is_ambiguous() {
            return Ok(self.refuse(refusal(RefusalReason::CookieDuplicate)));
        }
        if let Presented::One(token) = cookies.access
            && let Some(token) = AccessToken::parse(token)
            && let Validated::Accepted(session) = self.sessions().validate(&token, self.realm).await?
        {
            return Ok(Answer::of(Outcome::Accepted(Caller::Session(session))));
        }
        match cookies.refresh.once() {
            Some(token) if resume => {
                let Answer {
                    outcome,
                    headers,
                    show_once,
                } = self.refresh(token).await?;
                Ok(Answer {
                    outcome: outcome.map(Caller::Session),
                    headers,
                    show_once,
                })
            }
            Some(token) => {
                let standing = match RefreshToken::parse(token) {
                    Some(token) => self.sessions().standing(&token, self.realm).await?,
                    None => Standing::Unknown,
                };
                Ok(Answer::of(Outcome::SignedOut(match standing {
                    Standing::Refreshable => SignedOut::Expired,
                    Standing::SignedOut(over) => signed_out_by(over),
                    Standing::Unknown => SignedOut::Invalid,
                })))
            }
            None => {
                let reason = if cookies.access == Presented::Absent {
                    SignedOut::NoToken
                } else {
                    SignedOut::Invalid
                };
                Ok(Answer::of(Outcome::SignedOut(reason)))
            }
        }
    }

    async fn check_bearer(&self, token: &[u8]) -> Result<Answer<Caller>> {
        let validated = match AccessToken::parse(token) {
            Some(token) => self.sessions().validate(&token, self.realm).await?,
            None => Validated::Invalid,
        };
        Ok(Answer::of(match validated {
            Validated::Accepted(session) => Outcome::Accepted(Caller::Session(session)),
            Validated::Expired => Outcome::SignedOut(SignedOut::Expired),
            Validated::Invalid => Outcome::SignedOut(SignedOut::Invalid),
        }))
    }

    /// A key of a configured provider: its kind resolves and verifies it, and there is no session.
    async fn check_key(&self, provider: &str, credential: &str) -> Result<Answer<Caller>> {
        let provider = self.provider(provider)?;
        let counters = match self.attempt("key", None).await? {
            Ok(counters) => counters,
            Err(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
        };
        let credentials = Fields(vec![("key".into(), Secret::from(credential))]);
        let question = Question {
            credentials,
            ..Question::default()
        };
        let deadline = provider.kind.declaration().deadline;
        let verified = self.verifier().verify(provider, None, question, deadline).await;
        let how = match &verified {
            Ok(Verified::Denied { wrong: true, .. }) => super::call::Attempted::Wrong,
            _ => super::call::Attempted::Undecided,
        };
        self.settle(counters, how).await?;
        match verified? {
            Verified::Accepted { subject, .. } => {
                let provider = provider.name.clone();
                Ok(Answer::of(Outcome::Accepted(Caller::Key {
                    user: subject.user,
                    provider,
                })))
            }
            Verified::Continue { .. } => Ok(self.denied(&provider.name, None, "key_needs_a_step")),
            Verified::Denied { reason, .. } => Ok(self.denied(&provider.name, None, reason)),
        }
    }

    /// The live session of the request's tokens, if there is one: its access token may be expired.
    pub(super) async fn live_session(&self) -> Result<Option<Session>> {
        let Some(request) = self.request else {
            return Ok(None);
        };
        if let Authorization::Session(token) = self.context.settings.bearer.authorization(request) {
            let Some(token) = AccessToken::parse(token.as_bytes()) else {
                return Ok(None);
            };
            return Ok(match self.sessions().validate(&token, self.realm).await? {
                Validated::Accepted(session) => Some(session),
                Validated::Expired | Validated::Invalid => None,
            });
        }
        let cookies = self.cookies();
        if let Some(token) = cookies.access.once().and_then(AccessToken::parse)
            && let Validated::Accepted(session) = self.sessions().validate(&token, self.realm).await?
        {
            return Ok(Some(session));
        }
        match cookies.refresh.once().and_then(RefreshToken::parse) {
            Some(token) => self.sessions().held(&token, self.realm).await,
            None => Ok(None),
        }
    }

    async fn end_by(&self, token: &[u8]) -> Result<()> {
        let end = if let Some(token) = RefreshToken::parse(token) {
            self.sessions().end_by_refresh(&token, self.realm).await?
        } else if let Some(token) = AccessToken::parse(token) {
            self.sessions().end_by_access(&token, self.realm).await?
        } else {
            SessionEnd::Invalid
        };
        if let SessionEnd::Ended(ended) = end {
            let reason = Some(ended.reason.id());
            self.emit_sign_in(EventName::SessionEnded, ended.user_id, ended.sign_in_id, reason);
        }
        Ok(())
    }
}

impl Device {
    fn of(row: SignIn) -> Result<Self> {
        Ok(Self {
            factors: Factor::from_json(&row.factors)?,
            id: row.id,
            agent: row.agent,
            address: row.address,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            attributes: row.attributes,
        })
    }
}

fn signed_out_by(over: Over) -> SignedOut {
    match over {
        Over::Ended(reason) => SignedOut::Ended(reason),
        _ => SignedOut::Expired,
    }
}

fn refusal(reason: RefusalReason) -> RequestRefused {
    RequestRefused {
        reason: reason.id(),
        setting: reason.setting(),
    }
}

fn required(message: &str) -> Error {
    Error::new(ErrorKind::ProofRequired, message)
}
