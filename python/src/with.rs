//! What operations take besides: options of what is new, and which users are meant.

use doorward::session::Lifetimes;
use doorward::{IdentifierPrefix, SessionOptions, UserFilter};

use crate::argument::{Bytes, Json, Length};

/// What a new session starts with.
pub(crate) fn session_options(
    attributes: Option<Json>,
    access_ttl: Option<Length>,
    idle_ttl: Option<Length>,
    absolute_ttl: Option<Length>,
    persistent: Option<bool>,
) -> SessionOptions {
    SessionOptions {
        attributes: attributes.map(|attributes| attributes.0),
        lifetimes: Lifetimes {
            access: access_ttl.map(|length| length.0),
            idle: idle_ttl.map(|length| length.0),
            absolute: absolute_ttl.map(|length| length.0),
            persistent,
        },
    }
}

/// What may be left out.
pub(crate) fn bytes(given: Option<&Bytes>) -> Option<&[u8]> {
    given.map(Bytes::as_slice)
}

/// Which users are listed or counted.
pub(crate) fn filter(
    newest_first: bool,
    enabled: Option<bool>,
    provider: Option<String>,
    begins: Option<&Bytes>,
) -> doorward::Result<UserFilter> {
    let identifier = match (provider, begins) {
        (None, None) => None,
        (Some(provider), Some(begins)) => Some(IdentifierPrefix {
            provider,
            begins: begins.as_slice().to_vec(),
        }),
        _ => {
            return Err(doorward::Error::new(
                doorward::ErrorKind::InvalidArgument,
                "`provider` and `begins` are given together: at which provider, and how an identifier begins there",
            ));
        }
    };
    Ok(UserFilter {
        enabled,
        identifier,
        newest_first,
    })
}
