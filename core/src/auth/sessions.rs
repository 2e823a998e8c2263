//! Sessions: checked, refreshed, listed, changed and ended.

use super::Auth;
use super::call::Call;
use super::change::{done, stale};
use super::presented::Presented;
use super::requests::{PRESENTED, signed_out_by};
use crate::attributes;
use crate::cookie::CookieKind;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventName;
use crate::factor::Factor;
use crate::headers::ResponseHeaders;
use crate::id::{SignInId, UserId};
use crate::outcome::{Answer, Outcome, SignedOut};
use crate::proof::{Proof, ProofOrigin};
use crate::secret::Secret;
use crate::session::{Refreshed, Session, SessionEnd, Validated};
use crate::store::{Bump, Change, Changed, EndReason, Ends, Post, PutAttributes, SignIn, User};
use crate::token::{AccessToken, RefreshToken};

/// How often the end of all sign-ins is tried again when others move the epoch at the same moment.
const TRIES: u32 = 3;

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
    /// Says whose session an access token is. An unavailable database is an error, never a sign-out.
    ///
    /// # Errors
    /// `Unavailable`.
    #[doc = include_str!("../../doc/operations/validate_session.md")]
    pub async fn validate_session(&self, access_token: &[u8]) -> Result<Answer<Session>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        let validated = match AccessToken::parse(access_token) {
            Some(token) => call.sessions().validate(&token, call.realm).await?,
            None => Validated::Invalid,
        };
        Ok(Answer::of(match validated {
            Validated::Accepted(session) => Outcome::Accepted(session),
            Validated::Expired => Outcome::SignedOut(SignedOut::ExpiredRefreshable),
            Validated::Invalid => Outcome::SignedOut(SignedOut::Invalid),
        }))
    }

    /// Exchanges a refresh token for the next session, or gives the current one while it is settling. Retries, racing
    /// tabs and lost replies all get the very same tokens.
    ///
    /// # Errors
    /// `Unavailable`: nobody is signed out by it; try again with the same token.
    #[doc = include_str!("../../doc/operations/refresh_session.md")]
    pub async fn refresh_session(&self, refresh_token: &[u8]) -> Result<Answer<Session>> {
        let call = match self.enter_answering().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        call.refresh(refresh_token).await
    }

    /// Signs out, by either token, even expired, or (`None`) by what the request presents: its bearer token, or its
    /// cookies. The count says how many sign-ins it ended: 0 where they had ended before, so that doing it twice is
    /// fine. The answer's headers clear the cookies, unless a bearer token was meant.
    ///
    /// A session cookie that came twice ends nothing and is *request refused* (`cookie_duplicate`).
    ///
    /// # Errors
    /// `InvalidState` with neither a token nor a request; `Unavailable`: the session may still be live.
    #[doc = include_str!("../../doc/operations/end_session.md")]
    pub async fn end_session(&self, token: Option<&[u8]>) -> Result<Answer<u64>> {
        let call = self.enter_unchecked(PRESENTED).await?;
        let mut headers = ResponseHeaders::default();
        let (first, second) = if let Some(token) = token {
            if let Some(refused) = call.refused() {
                return Ok(refused);
            }
            (Some(token), None)
        } else {
            match call.presented()? {
                Err(refused) => return Ok(call.refuse(refused)),
                Ok(Presented::Bearer(token)) => (Some(token), None),
                Ok(Presented::Cookies { access, refresh }) => (refresh, access),
                // A key has no sign-in that could end.
                Ok(Presented::Key { .. }) => (None, None),
            }
        };
        let mut ended = 0;
        for token in [first, second].into_iter().flatten() {
            ended += u64::from(call.end_by(token).await?);
        }
        if !call.bears() {
            let names = &call.context.settings.cookies;
            call.put_cookie(&mut headers, &names.clear(CookieKind::Refresh));
            call.put_cookie(&mut headers, &names.clear(CookieKind::Access));
        }
        Ok(Answer {
            headers,
            ..Answer::of(Outcome::Accepted(ended))
        })
    }

    /// Ends one sign-in of a user, wherever it is. An id without its owner is never enough. The count: 0 or 1.
    ///
    /// # Errors
    /// `NotFound`, `RequestRefused`, `Unavailable`.
    #[doc = include_str!("../../doc/operations/end_sign_in.md")]
    pub async fn end_sign_in(&self, user: UserId, sign_in: SignInId) -> Result<u64> {
        self.enter()
            .await?
            .end_those(user, Ends::One(user, sign_in))
            .await
    }

    /// Ends every sign-in of the proof's user but the one that the proof was taken from. The count.
    ///
    /// # Errors
    /// `ProofRequired` for a proof that was not taken from a session, or whose user was changed since; `NotFound`,
    /// `RequestRefused`, `Unavailable`.
    #[doc = include_str!("../../doc/operations/end_other_sessions.md")]
    pub async fn end_other_sessions(&self, proof: &Proof) -> Result<u64> {
        let call = self.enter().await?;
        proof.check(call.issuer(), call.realm, call.now)?;
        let Some(keep) = proof.sign_in_id() else {
            return Err(required("only a session's own proof says which session stays"));
        };
        if call.user(proof.user_id()).await?.session_epoch != proof.epoch()
            || !call.is_live(proof.user_id(), keep).await?
        {
            return Err(stale());
        }
        call.end_those(proof.user_id(), Ends::Others(proof.user_id(), keep))
            .await
    }

    /// Ends every sign-in of a user, and all that was under way: flows, single-use tokens, proofs, and the cookies by which
    /// throttling knows the user's browsers. The count of sign-ins.
    ///
    /// # Errors
    /// `NotFound`, `RequestRefused`, `Unavailable`.
    #[doc = include_str!("../../doc/operations/end_all_sessions.md")]
    pub async fn end_all_sessions(&self, user: UserId) -> Result<u64> {
        self.enter().await?.end_all(user).await
    }

    /// The devices on which a user is signed in, newest first.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    #[doc = include_str!("../../doc/operations/list_sessions.md")]
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
    #[doc = include_str!("../../doc/operations/session_alive.md")]
    pub async fn session_alive(&self, user: UserId, sign_in: SignInId) -> Result<bool> {
        self.enter().await?.is_live(user, sign_in).await
    }

    /// Applies a merge patch (RFC 7396) to a live session's attributes. The new attributes.
    ///
    /// # Errors
    /// `NotFound` when the session is not live any more; `Conflict` (`version`); `InvalidArgument`.
    #[doc = include_str!("../../doc/operations/update_session_attributes.md")]
    pub async fn update_session_attributes(&self, session: &Session, patch: &str) -> Result<String> {
        let call = self.enter().await?;
        let absent = || Error::new(ErrorKind::NotFound, "the session is not live any more");
        for _ in 0..3 {
            let found = call.store().sign_in(session.id()).await?;
            let (row, _) = found
                .filter(|(row, owner)| call.holds(row, owner, session.user().id))
                .ok_or_else(absent)?;
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
    /// `ProofRequired` when the session has ended since, or is of another realm or database; `Unavailable`,
    /// `ForkedContext`, `InvalidState`.
    #[doc = include_str!("../../doc/operations/session_proof.md")]
    pub async fn session_proof(&self, session: &Session) -> Result<Proof> {
        let call = self.enter().await?;
        let user = session.user();
        if user.realm != call.realm || !call.is_live(user.id, session.id()).await? {
            return Err(required("the session is not live in this realm: authenticate"));
        }
        let origin = ProofOrigin::Session(session.id());
        Ok(call.proof(user.id, user.session_epoch, session.factors().to_vec(), origin))
    }
}

impl Call<'_> {
    /// A session with the cookies that carry its tokens: the refresh cookie first.
    pub(super) fn session_answer(&self, session: Session) -> Result<Answer<Session>> {
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

    pub(super) async fn refresh(&self, token: &[u8]) -> Result<Answer<Session>> {
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

    /// Whether a sign-in of this user is live, in this realm, now.
    pub(super) async fn is_live(&self, user: UserId, id: SignInId) -> Result<bool> {
        let found = self.store().sign_in(id).await?;
        Ok(found.is_some_and(|(row, owner)| self.holds(&row, &owner, user)))
    }

    fn holds(&self, row: &SignIn, owner: &User, user: UserId) -> bool {
        owner.id == user && owner.realm == self.realm && row.is_live(owner, self.now)
    }

    /// The epoch moves with it: whoever has a browser of the user's is a stranger from now on.
    async fn end_all(&self, id: UserId) -> Result<u64> {
        for _ in 0..TRIES {
            let user = self.user(id).await?;
            if user.disabled_at.is_some() {
                break;
            }
            let reason = EndReason::Ended;
            let change = Change {
                user_id: id,
                epoch: user.session_epoch,
                steps: Vec::new(),
                ways_in: Vec::new(),
                bump: Some(Bump { reason, keep: None }),
                token: None,
                charges: Vec::new(),
                deliveries: Vec::new(),
                letters: Post::default(),
                now: self.now,
            };
            match self.commit_beside_addresses(change).await? {
                // Somebody else moved the epoch at the same moment, and may have kept a sign-in.
                Changed::Stale => {}
                changed => {
                    let (_, ended) = done(changed)?;
                    self.emit_ended(id, reason.id(), ended);
                    return Ok(ended);
                }
            }
        }
        self.end_those(id, Ends::All(id)).await
    }

    async fn end_those(&self, user: UserId, which: Ends) -> Result<u64> {
        self.user(user).await?;
        let ended = self.store().end(which, EndReason::Ended, self.now).await?;
        self.emit_ended(user, EndReason::Ended.id(), ended);
        Ok(ended)
    }

    async fn end_by(&self, token: &[u8]) -> Result<bool> {
        let end = if let Some(token) = RefreshToken::parse(token) {
            self.sessions().end_by_refresh(&token, self.realm).await?
        } else if let Some(token) = AccessToken::parse(token) {
            self.sessions().end_by_access(&token, self.realm).await?
        } else {
            SessionEnd::Invalid
        };
        let SessionEnd::Ended(ended) = end else {
            return Ok(false);
        };
        let reason = Some(ended.reason.id());
        self.emit_sign_in(EventName::SessionEnded, ended.user_id, ended.sign_in_id, reason);
        Ok(true)
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

pub(super) fn required(message: &str) -> Error {
    Error::new(ErrorKind::ProofRequired, message)
}
