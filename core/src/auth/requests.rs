//! Requests: who one comes from, by its bearer token or its cookies.

use super::Auth;
use super::call::Call;
use super::presented::Presented;
use crate::cookie::CookieKind;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::outcome::{Answer, Outcome, SignedOut};
use crate::plugin::{Fields, Verdict};
use crate::provider::Provider;
use crate::secret::Secret;
use crate::session::{Over, Session, Standing, Validated};
use crate::store::User;
use crate::token::{AccessToken, RefreshToken};
use crate::verification::{Question, Verified};

/// The attribute in which a kind says what a key is good for.
const SCOPES: &str = "scopes";

/// Why these operations look at the origin themselves.
pub(super) const PRESENTED: &str = "what the request presents says whether its origin counts";

/// Who a request comes from.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A key of a configured provider: no session.
    Key {
        /// The user.
        user: User,
        /// The provider that accepted the key.
        provider: String,
        /// What the key is good for, in the application's own words; empty: the kind says nothing about it.
        scopes: Vec<String>,
    },
    /// A live session.
    Session(Session),
}

impl Auth {
    /// Says who the request comes from, by its bearer token or its cookies. Never refreshes, so it is safe everywhere.
    ///
    /// # Errors
    /// `InvalidState` without a request; `Unavailable`.
    #[doc = include_str!("../../doc/operations/check_request.md")]
    pub async fn check_request(&self) -> Result<Answer<Caller>> {
        let call = self.enter_unchecked(PRESENTED).await?;
        call.check(false).await
    }

    /// Says who the request comes from, and refreshes an expired access token: send the answer's headers. Cookies of a
    /// sign-in that ended by time, by sign-out or by an operator are cleared.
    ///
    /// Only where the response is yours to send. What refreshes and loses the header lines (a renderer behind another
    /// server, a component that cannot set cookies) leaves the browser with a refresh token that is used up: once the
    /// new access token is used, the browser's next refresh is `token_reuse`, and the sign-in ends. There, call
    /// [`check_request`](Self::check_request), and let the browser refresh at `expired_refreshable`.
    ///
    /// # Errors
    /// `InvalidState` without a request; `Unavailable`.
    #[doc = include_str!("../../doc/operations/resume_request.md")]
    pub async fn resume_request(&self) -> Result<Answer<Caller>> {
        let call = self.enter_unchecked(PRESENTED).await?;
        call.check(true).await
    }
}

impl Call<'_> {
    /// Who the request comes from.
    async fn check(&self, resume: bool) -> Result<Answer<Caller>> {
        let (access, refresh) = match self.presented()? {
            Err(refused) => return Ok(self.refuse(refused)),
            Ok(Presented::Bearer(token)) => return self.check_bearer(token).await,
            Ok(Presented::Key { provider, credential }) => {
                return self.check_key(&provider, credential).await;
            }
            Ok(Presented::Cookies { access, refresh }) => (access, refresh),
        };
        if let Some(token) = access.and_then(AccessToken::parse)
            && let Validated::Accepted(session) = self.validated(&token).await?
        {
            return Ok(Answer::of(Outcome::Accepted(Caller::Session(session))));
        }
        match refresh {
            Some(token) if resume => {
                let Answer {
                    outcome,
                    mut headers,
                    show_once,
                    ..
                } = self.refresh(token).await?;
                if let Outcome::SignedOut(reason) = outcome
                    && reason.may_clear()
                {
                    self.clear_cookie(&mut headers, CookieKind::Refresh);
                    self.clear_cookie(&mut headers, CookieKind::Access);
                }
                Ok(Answer {
                    headers,
                    show_once,
                    ..Answer::of(outcome.map(Caller::Session))
                })
            }
            Some(token) => {
                let standing = match RefreshToken::parse(token) {
                    Some(token) => self.sessions().standing(&token, self.realm).await?,
                    None => Standing::Unknown,
                };
                Ok(Answer::of(Outcome::SignedOut(match standing {
                    Standing::Refreshable => SignedOut::ExpiredRefreshable,
                    Standing::SignedOut(over) => signed_out_by(over),
                    Standing::Unknown => SignedOut::Invalid,
                })))
            }
            None if access.is_none() => Ok(Answer::of(Outcome::SignedOut(SignedOut::NoToken))),
            None => Ok(Answer::of(Outcome::SignedOut(SignedOut::Invalid))),
        }
    }

    async fn validated(&self, token: &AccessToken) -> Result<Validated> {
        self.sessions().validate_for(token, self.realm, self.used).await
    }

    async fn check_bearer(&self, token: &[u8]) -> Result<Answer<Caller>> {
        let validated = match AccessToken::parse(token) {
            Some(token) => self.validated(&token).await?,
            None => Validated::Invalid,
        };
        Ok(Answer::of(match validated {
            Validated::Accepted(session) => Outcome::Accepted(Caller::Session(session)),
            Validated::Expired => Outcome::SignedOut(SignedOut::ExpiredRefreshable),
            Validated::Invalid => Outcome::SignedOut(SignedOut::Invalid),
        }))
    }

    /// A key of a configured provider: its kind resolves and verifies it, and there is no session.
    async fn check_key(&self, provider: &str, credential: &str) -> Result<Answer<Caller>> {
        let provider = self.provider(provider)?;
        // A key cannot be guessed: right is right, whatever is closed, and writes nothing; nor does a wrong one.
        let credentials = Fields(vec![("key".into(), Secret::from(credential))]);
        let question = Question {
            credentials,
            ..Question::default()
        };
        let verified = self.verifier().verify(provider, None, question).await;
        match verified? {
            Verified::Accepted { subject, verdict, .. } => {
                let scopes = scopes(provider, &verdict)?;
                let provider = provider.name.clone();
                self.emit(&Event {
                    user_id: Some(subject.user.id),
                    provider: Some(provider.clone()),
                    ..self.event(EventName::AuthenticationSucceeded)
                });
                Ok(Answer::of(Outcome::Accepted(Caller::Key {
                    user: subject.user,
                    provider,
                    scopes,
                })))
            }
            Verified::Continue { .. } => Ok(self.denied(&provider.name, None, "key_needs_a_step")),
            // A key of nobody here is a wrong key: a request makes no users.
            Verified::Unregistered { .. } => Ok(self.wrong(provider, None, "key_of_nobody")),
            Verified::Denied { reason, .. } => Ok(self.wrong(provider, None, reason)),
        }
    }

    /// The live session of the request's tokens, if there is one: its access token may be expired.
    pub(super) async fn live_session(&self) -> Result<Option<Session>> {
        if self.request.is_none() {
            return Ok(None);
        }
        let (access, refresh) = match self.presented()? {
            Ok(Presented::Bearer(token)) => (Some(token), None),
            Ok(Presented::Cookies { access, refresh }) => (access, refresh),
            Ok(Presented::Key { .. }) | Err(_) => return Ok(None),
        };
        if let Some(token) = access.and_then(AccessToken::parse)
            && let Validated::Accepted(session) = self.sessions().validate(&token, self.realm).await?
        {
            return Ok(Some(session));
        }
        match refresh.and_then(RefreshToken::parse) {
            Some(token) => self.sessions().held(&token, self.realm).await,
            None => Ok(None),
        }
    }
}

/// The scopes that a kind gave with a key: the attribute `scopes`, a JSON array of strings, or nothing.
///
/// # Errors
/// `PluginFault` for anything else: what cannot be read must not become a key for everything, or for nothing.
fn scopes(provider: &Provider, verdict: &Verdict) -> Result<Vec<String>> {
    let Some((_, given)) = verdict.attributes.iter().find(|(name, _)| name == SCOPES) else {
        return Ok(Vec::new());
    };
    let texts = |values: &Vec<serde_json::Value>| {
        let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<_>>>()
    };
    given.as_array().and_then(texts).ok_or_else(|| {
        Error::new(
            ErrorKind::PluginFault,
            format!(
                "the kind of `{}` gave scopes that are no JSON array of strings",
                provider.name
            ),
        )
    })
}

pub(super) fn signed_out_by(over: Over) -> SignedOut {
    match over {
        Over::Ended(reason) => SignedOut::Ended(reason),
        Over::Expired => SignedOut::Expired,
    }
}
