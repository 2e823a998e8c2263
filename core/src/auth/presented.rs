//! What a request presents: the one reader that check, resume, step-up and sign-out ask alike.
//!
//! | the request carries | what counts | its origin |
//! |---|---|---|
//! | a bearer token, no session cookie | the bearer token | does not count: no page sends this header unasked |
//! | a bearer token and a session cookie | the bearer token | is checked |
//! | a session cookie, once by name | the cookies | is checked |
//! | a session cookie twice | nothing: `cookie_duplicate` | is checked |
//! | `Doorward-Client: app`, neither `Cookie` nor `Origin` | the bearer token, if there is one | does not count: as above |
//! | an `Authorization: Bearer` that cannot be taken | nothing: `authorization_…` | is not reached |

use super::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::origin::OriginVerdict;
use crate::outcome::RequestRefused;
use crate::refusal::RefusalReason;
use crate::request::Authorization;

/// What a request presents.
pub(super) enum Presented<'a> {
    /// An access token in `Authorization`, not yet examined.
    Bearer(&'a [u8]),
    /// The session cookies: neither, either or both, each once.
    Cookies {
        access: Option<&'a [u8]>,
        refresh: Option<&'a [u8]>,
    },
    /// A key of a configured provider: it has no session.
    Key { provider: String, credential: &'a str },
}

impl<'a> Call<'a> {
    /// What the request presents; `Err`: it is refused, and why.
    ///
    /// # Errors
    /// `InvalidState` without a request.
    pub(super) fn presented(&self) -> Result<std::result::Result<Presented<'a>, RequestRefused>> {
        let Some(request) = self.request else {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "there is no request: call this on a handle that is on one, or give the token where the operation takes one",
            ));
        };
        let authorization = self.context.settings.bearer.authorization(request);
        if let Authorization::Refused(reason) = authorization {
            return Ok(Err(reason.into()));
        }
        if let Some(refused) = self.distrusted() {
            return Ok(Err(refused));
        }
        Ok(match authorization {
            Authorization::Session(token) => Ok(Presented::Bearer(token.as_bytes())),
            Authorization::Provider { provider, credential } => Ok(Presented::Key {
                provider: provider.to_string(),
                credential,
            }),
            Authorization::Absent | Authorization::Refused(_) => {
                let cookies = self.cookies();
                if cookies.session_is_ambiguous() {
                    Err(RefusalReason::CookieDuplicate.into())
                } else {
                    Ok(Presented::Cookies {
                        access: cookies.access.once(),
                        refresh: cookies.refresh.once(),
                    })
                }
            }
        })
    }

    /// Whether the request carries a bearer token that can be taken.
    pub(super) fn bears(&self) -> bool {
        self.request.is_some_and(|request| {
            matches!(
                self.context.settings.bearer.authorization(request),
                Authorization::Session(_) | Authorization::Provider { .. }
            )
        })
    }

    /// Why the request is not trusted, if it is not. A bearer token that comes without a session cookie needs no
    /// origin: a foreign page cannot send it (RFC 6750 section 5.2; the Fetch standard's CORS preflight).
    pub(super) fn distrusted(&self) -> Option<RequestRefused> {
        let request = self.request?;
        if request.is_app() || self.bears() && !self.cookies().has_session() {
            return None;
        }
        match self.context.settings.origins.check(request) {
            OriginVerdict::Trusted => None,
            OriginVerdict::Refused { reason, .. } => Some(reason.into()),
        }
    }
}

impl From<RefusalReason> for RequestRefused {
    fn from(reason: RefusalReason) -> Self {
        Self {
            reason: reason.id(),
            setting: reason.setting(),
        }
    }
}
