//! What comes by message: forgotten credentials, and addresses to be confirmed. Nobody learns from an answer who exists.

use serde_json::json;

use super::answer::{self, Object};
use super::problem::Failure;
use super::step::{told, with_told};
use super::turn::{Done, Turn, decided};
use crate::auth::{Caller, TokenPurpose};
use crate::outcome::Outcome;

fn accepted(status: u16) -> Done {
    Done::json(status, json!({ "outcome": "accepted" }))
}

pub(super) async fn recover(turn: &Turn<'_>) -> Result<Done, Failure> {
    let given = &turn.given;
    let (provider, identifier) = (
        given.demanded("provider"),
        given.demanded("identifier").as_bytes(),
    );
    let asked = turn
        .auth
        .request_token(TokenPurpose::Recovery, provider, identifier, None);
    decided(asked.await?)?;
    Ok(accepted(202))
}

pub(super) async fn recover_finish(turn: &Turn<'_>) -> Result<Done, Failure> {
    let given = &turn.given;
    let token = given.demanded("token").as_bytes();
    let changed = turn
        .auth
        .update_credentials_with_token(token, given.demanded("provider"), given.fields());
    Turn::changed(changed.await?)
}

pub(super) async fn verify(turn: &Turn<'_>) -> Result<Done, Failure> {
    let given = &turn.given;
    let (provider, identifier) = (
        given.demanded("provider"),
        given.demanded("identifier").as_bytes(),
    );
    // Whoever is signed in asks as that user; a message is asked for by others, too.
    let proof = match turn.auth.check_request().await?.outcome {
        Outcome::Accepted(Caller::Session(session)) => Some(turn.auth.session_proof(&session).await?),
        _ => None,
    };
    let asked = turn
        .auth
        .request_token(TokenPurpose::Verify, provider, identifier, proof.as_ref());
    decided(asked.await?)?;
    Ok(accepted(202))
}

pub(super) async fn verify_finish(turn: &Turn<'_>) -> Result<Done, Failure> {
    let token = turn.given.demanded("token").as_bytes();
    let answer = turn.auth.consume_token(token, None).await?;
    let told = told(&answer);
    let info = decided(answer)?;
    let body = Object::default()
        .with("outcome", "accepted")
        .with("purpose", "change")
        .with("provider", info.provider)
        .with("identifier", answer::text(&info.identifier));
    Ok(Done::json(200, with_told(body, told)))
}

pub(super) async fn identifier_confirm(turn: &Turn<'_>) -> Result<Done, Failure> {
    let given = &turn.given;
    let (old, new) = (given.demanded("old_identifier"), given.demanded("new_identifier"));
    let token = given.demanded("token").as_bytes();
    let changed = turn
        .auth
        .update_identifier_with_token(token, old.as_bytes(), new.as_bytes());
    decided(changed.await?)?;
    Ok(accepted(200))
}

pub(super) async fn peek(turn: &Turn<'_>) -> Result<Done, Failure> {
    let info = decided(
        turn.auth
            .peek_token(turn.given.demanded("token").as_bytes())
            .await?,
    )?;
    let body = Object::default()
        .with("purpose", info.purpose.id())
        .with("provider", info.provider)
        .with("identifier", answer::text(&info.identifier))
        .with("expires_at", info.expires_at.rfc3339());
    Ok(Done::json(200, body.done()))
}
