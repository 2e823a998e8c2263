//! Sessions: who the client is, the refresh, the sign-out, and the list of devices.

use serde_json::{Value, json};

use super::answer;
use super::place;
use super::problem::{Failure, Problem};
use super::turn::{Done, Turn, decided};
use crate::auth::Caller;
use crate::error::ErrorKind;
use crate::id::SignInId;
use crate::outcome::Outcome;

/// Who the client is. It is asked often and by itself (an open tab, a renderer), so it is no use of the session.
pub(super) async fn ask(turn: &Turn<'_>) -> Result<Done, Failure> {
    let auth = turn.auth;
    let answer = auth.unused().check_request().await?;
    let snapshot = match answer.outcome {
        Outcome::Accepted(Caller::Session(session)) => answer::signed_in(auth, &session),
        Outcome::Accepted(Caller::Key {
            user,
            provider,
            scopes,
        }) => answer::snapshot(auth, "key")
            .with("user", answer::user(auth, &user))
            .with("provider", provider)
            .with("scopes", scopes)
            .done(),
        Outcome::SignedOut(reason) if reason.may_refresh() => answer::snapshot(auth, "refreshable").done(),
        Outcome::SignedOut(reason) => answer::snapshot(auth, "signed_out")
            .with("reason", reason.id())
            .done(),
        // A key that is wrong or comes too often, a cookie that comes twice.
        _ => {
            return Err(decided(answer)
                .err()
                .unwrap_or_else(|| Problem::new(ErrorKind::Internal).into()));
        }
    };
    Ok(Done::json(200, snapshot))
}

pub(super) async fn refresh(turn: &Turn<'_>) -> Result<Done, Failure> {
    let session = if let Some(token) = turn.given.text("refresh_token") {
        decided(turn.auth.refresh_session(token.as_bytes()).await?)?
    } else {
        match decided(turn.auth.resume_request().await?)? {
            Caller::Session(session) => session,
            Caller::Key { .. } => {
                return Err(Problem::field("refresh_token", "a key has no session to refresh").into());
            }
        }
    };
    Ok(Done::json(200, answer::signed_in(turn.auth, &session)))
}

/// The way of a renderer that may not refresh: the browser comes here by itself, and goes back with its cookies renewed.
pub(super) async fn resume(turn: &Turn<'_>) -> Result<Done, Failure> {
    let settings = turn.auth.http_settings();
    let to = turn.target.parameter("to");
    let to = to.filter(|to| place::is_open(to, &settings.return_to));
    let answer = turn.auth.resume_request().await?;
    Ok(Done::place(match answer.outcome {
        Outcome::Accepted(_) => to.as_deref().unwrap_or(&settings.pages.home),
        _ => &settings.pages.sign_in,
    }))
}

pub(super) async fn sign_out(turn: &Turn<'_>) -> Result<Done, Failure> {
    let auth = turn.auth;
    let which = turn.given.text("where").unwrap_or("here");
    let (status, ended) = match which {
        "others" => {
            let proof = turn.proof().await?;
            ("signed_in", auth.end_other_sessions(&proof).await?)
        }
        "everywhere" => {
            let session = turn.session().await?;
            let ended = auth.end_all_sessions(session.user().id).await?;
            decided(auth.end_session(None).await?)?;
            ("signed_out", ended)
        }
        _ => ("signed_out", decided(auth.end_session(None).await?)?),
    };
    let body = answer::snapshot(auth, status).with("ended", ended);
    Ok(Done {
        clears: status == "signed_out",
        ..Done::json(200, body.done())
    })
}

pub(super) async fn list(turn: &Turn<'_>) -> Result<Done, Failure> {
    let session = turn.session().await?;
    let devices = turn.auth.list_sessions(session.user().id).await?;
    let devices: Vec<Value> = devices
        .iter()
        .map(|device| answer::device(device, Some(session.id())))
        .collect();
    Ok(Done::json(200, json!({ "sessions": devices })))
}

/// Ends one sign-in of who asks. One that is over, or somebody else's, is not found: an id tells nothing.
pub(super) async fn end(turn: &Turn<'_>) -> Result<Done, Failure> {
    let session = turn.session().await?;
    let id = turn.target.parts.first().copied().unwrap_or_default();
    let absent = || Problem::new(ErrorKind::NotFound).saying("you have no such session");
    let id = SignInId::parse(id).map_err(|_| absent())?;
    if id == session.id() {
        decided(turn.auth.end_session(None).await?)?;
        return Ok(Done {
            clears: true,
            ..Done::nothing()
        });
    }
    match turn.auth.end_sign_in(session.user().id, id).await? {
        0 => Err(absent().into()),
        _ => Ok(Done::nothing()),
    }
}
