//! What the surface says of itself, and what it keeps for the next page.

use serde_json::json;

use super::answer;
use super::document;
use super::problem::{Failure, Problem};
use super::turn::{Body, Done, Turn};
use crate::cookie::CookieKind;
use crate::error::ErrorKind;

pub(super) async fn config(turn: &Turn<'_>) -> Result<Done, Failure> {
    let methods = turn.auth.list_methods(None).await?;
    let settings = turn.auth.http_settings();
    let body = json!({
        "methods": answer::methods(&methods),
        "features": {
            "sign_up": settings.sign_up,
            "user_delete": settings.user_delete,
            "user_export": settings.user_export,
        },
    });
    Ok(Done::tagged(body))
}

/// What the last form led to, for a page that a script renders. It changes what the browser holds, so it is a POST.
pub(super) fn page(turn: &Turn<'_>) -> Done {
    let carried = turn.auth.carried(CookieKind::Page);
    let body = carried.and_then(|text| serde_json::from_slice(&text).ok());
    body.map_or_else(Done::nothing, |body| Done::json(200, body))
}

pub(super) fn document(turn: &Turn<'_>) -> Done {
    let settings = turn.auth.http_settings();
    Done {
        status: 200,
        body: Body::Document(document::openapi(&settings.prefix)),
        clears: false,
    }
}

/// The JavaScript client and its declarations, as `client/` builds them.
pub(super) const SCRIPT: &str = include_str!("../../../client/dist/client.js");
pub(super) const TYPES: &str = include_str!("../../../client/dist/client.d.ts");

pub(super) fn file(turn: &Turn<'_>, media: &'static str, text: &'static str) -> Done {
    Done {
        status: 200,
        body: Body::File {
            media,
            text,
            is_versioned: turn.target.parameter("v").is_some(),
        },
        clears: false,
    }
}

pub(super) fn change_password(turn: &Turn<'_>) -> Done {
    Done::place(&turn.auth.http_settings().pages.account)
}

pub(super) fn passkey_endpoints(turn: &Turn<'_>) -> Result<Done, Failure> {
    let account = &turn.auth.http_settings().pages.account;
    // Password managers want whole addresses; the host is the program's to say.
    let page = match turn.auth.first_origin() {
        Some(origin) if account.starts_with('/') => format!("{origin}{account}"),
        _ if account.starts_with("https://") => account.clone(),
        _ => {
            return Err(Problem::new(ErrorKind::NotFound)
                .saying("`origins.trusted` has no origin for the page")
                .into());
        }
    };
    Ok(Done::json(200, json!({ "enroll": page, "manage": page })))
}
