//! Why a request was refused before anybody was asked who sent it, and which setting would change that.

use std::fmt;

/// Setting that lists the origins whose pages may use cookies here.
pub const SETTING_TRUSTED_ORIGINS: &str = "origins.trusted";
/// Setting that chooses what happens to requests with neither `Origin` nor `Sec-Fetch-Site`.
pub const SETTING_ORIGIN_MODE: &str = "origins.mode";
/// Setting that names the cookies.
pub const SETTING_COOKIE_STEM: &str = "cookies.stem";
/// Setting that maps prefixes of bearer tokens to provider names.
pub const SETTING_BEARER_PREFIXES: &str = "bearer.prefixes";

/// Why a request was refused. The ids are stable; match on them in C and Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// More than one `Authorization` header.
    AuthorizationDuplicate,
    /// `Authorization: Bearer` without a token, or with one that is not a `b64token` (RFC 6750 section 2.1).
    AuthorizationMalformed,
    /// `Authorization: Bearer` with a refresh token: those travel in their cookie or in `refresh_session` only.
    AuthorizationRefreshToken,
    /// `Authorization: Bearer` with a prefix that no provider is configured for.
    AuthorizationUnknownPrefix,
    /// A session cookie came more than once: which of them the browser means cannot be known (RFC 6265bis 4.2.2).
    CookieDuplicate,
    /// `Sec-Fetch-Site: cross-site` without a configured `Origin`.
    FetchSiteCrossSite,
    /// More than one `Sec-Fetch-Site` header.
    FetchSiteDuplicate,
    /// `Sec-Fetch-Site: same-site` without a configured `Origin`: a sibling domain is another origin.
    FetchSiteSameSite,
    /// A `Sec-Fetch-Site` value that the specification does not have, without a configured `Origin`.
    FetchSiteUnknown,
    /// Neither `Origin` nor `Sec-Fetch-Site`, in strict mode.
    OriginAbsent,
    /// More than one `Origin` header.
    OriginDuplicate,
    /// An `Origin` that is not what a browser writes: scheme, host and port, and nothing else (RFC 6454 section 7).
    OriginMalformed,
    /// A well-formed `Origin` that is not in the configured list.
    OriginNotConfigured,
    /// `Origin: null`: a sandboxed frame, a `data:` page, a redirect across origins, or `Referrer-Policy: no-referrer`.
    OriginNull,
}

impl RefusalReason {
    /// Every reason there is, alphabetically.
    pub const ALL: [Self; 14] = [
        Self::AuthorizationDuplicate,
        Self::AuthorizationMalformed,
        Self::AuthorizationRefreshToken,
        Self::AuthorizationUnknownPrefix,
        Self::CookieDuplicate,
        Self::FetchSiteCrossSite,
        Self::FetchSiteDuplicate,
        Self::FetchSiteSameSite,
        Self::FetchSiteUnknown,
        Self::OriginAbsent,
        Self::OriginDuplicate,
        Self::OriginMalformed,
        Self::OriginNotConfigured,
        Self::OriginNull,
    ];

    /// The stable text id, as events and the other languages show it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::AuthorizationDuplicate => "authorization_duplicate",
            Self::AuthorizationMalformed => "authorization_malformed",
            Self::AuthorizationRefreshToken => "authorization_refresh_token",
            Self::AuthorizationUnknownPrefix => "authorization_unknown_prefix",
            Self::CookieDuplicate => "cookie_duplicate",
            Self::FetchSiteCrossSite => "fetch_site_cross_site",
            Self::FetchSiteDuplicate => "fetch_site_duplicate",
            Self::FetchSiteSameSite => "fetch_site_same_site",
            Self::FetchSiteUnknown => "fetch_site_unknown",
            Self::OriginAbsent => "origin_absent",
            Self::OriginDuplicate => "origin_duplicate",
            Self::OriginMalformed => "origin_malformed",
            Self::OriginNotConfigured => "origin_not_configured",
            Self::OriginNull => "origin_null",
        }
    }

    /// The dotted configuration key that decides about such requests.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::AuthorizationDuplicate
            | Self::AuthorizationMalformed
            | Self::AuthorizationRefreshToken
            | Self::AuthorizationUnknownPrefix => SETTING_BEARER_PREFIXES,
            Self::CookieDuplicate => SETTING_COOKIE_STEM,
            Self::OriginAbsent => SETTING_ORIGIN_MODE,
            Self::FetchSiteCrossSite
            | Self::FetchSiteDuplicate
            | Self::FetchSiteSameSite
            | Self::FetchSiteUnknown
            | Self::OriginDuplicate
            | Self::OriginMalformed
            | Self::OriginNotConfigured
            | Self::OriginNull => SETTING_TRUSTED_ORIGINS,
        }
    }

    /// What happened and what to do about it, for the log. Never contains anything from the request.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::AuthorizationDuplicate => "the request has more than one authorization header; send one",
            Self::AuthorizationMalformed => "the bearer token is missing or not made of token characters",
            Self::AuthorizationRefreshToken => {
                "a refresh token was sent as a bearer token; send the access token, which begins with dwa_"
            }
            Self::AuthorizationUnknownPrefix => {
                "no provider is configured for this bearer token; add its prefix to bearer.prefixes"
            }
            Self::CookieDuplicate => {
                "a session cookie was sent twice; another application on this host uses the name: choose another \
                 cookies.stem"
            }
            Self::FetchSiteCrossSite => {
                "the browser says that another site sent this, and no configured origin vouches for it"
            }
            Self::FetchSiteDuplicate => "the request has more than one sec-fetch-site header",
            Self::FetchSiteSameSite => {
                "the browser says that a sibling domain sent this; add its origin to origins.trusted if it is yours"
            }
            Self::FetchSiteUnknown => {
                "the sec-fetch-site header has an unknown value, and no configured origin vouches for the request"
            }
            Self::OriginAbsent => {
                "the request says neither origin nor sec-fetch-site; a program should send authorization: bearer, or \
                 set origins.mode to compat"
            }
            Self::OriginDuplicate => "the request has more than one origin header",
            Self::OriginMalformed => "the origin header is not a scheme, a host and a port",
            Self::OriginNotConfigured => {
                "the page's origin is not listed; add it to origins.trusted if it is yours"
            }
            Self::OriginNull => {
                "the page's origin is null; do not sandbox it, and give it referrer-policy same-origin instead of \
                 no-referrer"
            }
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explanation())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_its_own_id_a_setting_and_an_explanation() {
        let ids: BTreeSet<_> = RefusalReason::ALL.iter().map(|reason| reason.id()).collect();
        assert_eq!(ids.len(), RefusalReason::ALL.len());
        for reason in RefusalReason::ALL {
            assert!(reason.setting().contains('.'), "{reason:?}");
            assert!(!reason.explanation().ends_with('.'), "{reason:?}");
            assert_eq!(
                reason.explanation(),
                reason.explanation().to_lowercase(),
                "{reason:?}"
            );
        }
    }
}
