//! Requests: who one comes from, by its bearer token or its cookies.

use super::Auth;
use super::call::Call;
use crate::cookie::Presented;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::outcome::{Answer, Outcome, RequestRefused, SignedOut};
use crate::plugin::{Fields, Verdict};
use crate::provider::Provider;
use crate::refusal::RefusalReason;
use crate::request::Authorization;
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
    pub async fn check_request(&self) -> Result<Answer<Caller>> {
        let call = self.enter_unchecked(PRESENTED).await?;
        call.check(false).await
    }

    /// The same, and refreshes an expired access token: send the answer's headers.
    ///
    /// # Errors
    /// `InvalidState` without a request; `Unavailable`.
    pub async fn resume_request(&self) -> Result<Answer<Caller>> {
        let call = self.enter_unchecked(PRESENTED).await?;
        call.check(true).await
    }
}

impl Call<'_> {
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
            Verified::Unregistered { .. } => Ok(self.denied(&provider.name, None, "key_of_nobody")),
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

fn refusal(reason: RefusalReason) -> RequestRefused {
    RequestRefused {
        reason: reason.id(),
        setting: reason.setting(),
    }
}
