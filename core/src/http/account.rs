//! The account of who is signed in: ways in, credentials, attributes, the end of it.

use serde_json::{Value, json};

use super::answer;
use super::entry::own_attributes;
use super::problem::{Failure, Problem};
use super::turn::{Done, Turn, decided};
use crate::auth::Auth;
use crate::error::ErrorKind;
use crate::id::{AuthenticatorId, UserId};
use crate::session::Session;

pub(super) async fn methods(turn: &Turn<'_>) -> Result<Done, Failure> {
    let session = turn.session().await?;
    let user = session.user().id;
    let mut body = ways(turn.auth, user).await?;
    let methods = turn.auth.list_methods(Some(user)).await?;
    body["methods"] = answer::methods(&methods).into();
    Ok(Done::tagged(body))
}

/// Identities and authenticators of a user.
async fn ways(auth: &Auth, user: UserId) -> Result<Value, Failure> {
    let identities = auth.list_identities(user).await?;
    let authenticators = auth.list_authenticators(user).await?;
    Ok(json!({
        "identities": identities.iter().map(answer::identity).collect::<Vec<_>>(),
        "authenticators": authenticators
            .iter()
            .map(|held| answer::authenticator(auth, held))
            .collect::<Vec<_>>(),
    }))
}

pub(super) async fn enroll(turn: &Turn<'_>) -> Result<Done, Failure> {
    let proof = turn.proof().await?;
    let identifier = turn.given.text("identifier").map(str::as_bytes);
    let provider = turn.given.demanded("provider");
    let answer = turn
        .auth
        .begin_enrollment(provider, identifier, Some(&proof))
        .await?;
    turn.step(answer, 200).await
}

/// The authenticator that the path names.
fn named<'a>(turn: &Turn<'a>) -> Result<(&'a str, AuthenticatorId), Problem> {
    match turn.target.parts.as_slice() {
        [provider, id] => AuthenticatorId::parse(id).map(|id| (*provider, id)).ok(),
        _ => None,
    }
    .ok_or_else(|| Problem::new(ErrorKind::NotFound).saying("you have no such authenticator"))
}

pub(super) async fn rename(turn: &Turn<'_>) -> Result<Done, Failure> {
    let proof = turn.proof().await?;
    let (provider, id) = named(turn)?;
    let label = turn.given.demanded("label");
    turn.auth
        .rename_authenticator(&proof, provider, id, label)
        .await?;
    Ok(Done::nothing())
}

pub(super) async fn remove(turn: &Turn<'_>) -> Result<Done, Failure> {
    let proof = turn.proof().await?;
    let (provider, id) = named(turn)?;
    decided(turn.auth.remove_authenticator(&proof, provider, id).await?)?;
    Ok(Done::nothing())
}

pub(super) async fn link(turn: &Turn<'_>) -> Result<Done, Failure> {
    let proof = turn.proof().await?;
    let given = &turn.given;
    let provider = given.demanded("provider");
    let identifier = given.text("identifier").map(str::as_bytes);
    // A kind that verifies elsewhere begins; one that keeps records says that it does not, before anything is done.
    let begun = turn
        .auth
        .begin_link(&proof, provider, identifier, given.fields())
        .await;
    match begun {
        Ok(answer) => turn.step(answer, 200).await,
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let identifier = identifier.unwrap_or_default();
            let linked = turn
                .auth
                .link_identity(&proof, provider, identifier, given.fields());
            Turn::changed(linked.await?)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn link_claim(turn: &Turn<'_>) -> Result<Done, Failure> {
    let proof = turn.proof().await?;
    let claim = turn.given.demanded("claim").as_bytes();
    Turn::changed(turn.auth.link_claim(&proof, claim).await?)
}

pub(super) async fn unlink(turn: &Turn<'_>) -> Result<Done, Failure> {
    let proof = turn.proof().await?;
    let given = &turn.given;
    let identifier = given.demanded("identifier").as_bytes();
    let unlinked = turn
        .auth
        .unlink_identity(&proof, given.demanded("provider"), identifier);
    Turn::changed(unlinked.await?)
}

pub(super) async fn password(turn: &Turn<'_>) -> Result<Done, Failure> {
    let proof = turn.proof().await?;
    let given = &turn.given;
    let changed = turn
        .auth
        .update_credentials(&proof, given.demanded("provider"), given.fields());
    Turn::changed(changed.await?)
}

pub(super) async fn identifier(turn: &Turn<'_>) -> Result<Done, Failure> {
    let proof = turn.proof().await?;
    let given = &turn.given;
    let (old, new) = (given.demanded("old_identifier"), given.demanded("new_identifier"));
    let provider = given.demanded("provider");
    let changed = turn
        .auth
        .update_identifier(&proof, provider, old.as_bytes(), new.as_bytes());
    decided(changed.await?)?;
    Ok(Done::json(202, json!({ "outcome": "accepted" })))
}

pub(super) async fn change_user(turn: &Turn<'_>) -> Result<Done, Failure> {
    let session = turn.session().await?;
    let patch = own_attributes(turn)?.unwrap_or_else(|| json!({}));
    let user = turn
        .auth
        .update_attributes(session.user().id, &patch.to_string(), None)
        .await?;
    Ok(Done::json(200, json!({ "user": answer::user(turn.auth, &user) })))
}

/// Who is signed in, after a proof that would do for any change.
async fn fresh(turn: &Turn<'_>) -> Result<Session, Failure> {
    let session = turn.session().await?;
    let proof = turn.auth.session_proof(&session).await?;
    turn.auth.check_sensitive(&proof).await?;
    Ok(session)
}

pub(super) async fn delete_user(turn: &Turn<'_>) -> Result<Done, Failure> {
    let session = fresh(turn).await?;
    turn.auth.delete_user(session.user().id).await?;
    // Nothing is left to end: this clears the cookies.
    decided(turn.auth.end_session(None).await?)?;
    Ok(Done {
        clears: true,
        ..Done::nothing()
    })
}

pub(super) async fn export_user(turn: &Turn<'_>) -> Result<Done, Failure> {
    let session = fresh(turn).await?;
    let user = session.user();
    let mut body = ways(turn.auth, user.id).await?;
    let devices = turn.auth.list_sessions(user.id).await?;
    let devices = devices
        .iter()
        .map(|device| answer::device(device, Some(session.id())));
    body["sessions"] = devices.collect::<Vec<_>>().into();
    body["now"] = turn.auth.now().rfc3339().into();
    body["id"] = user.id.to_string().into();
    body["attributes"] = answer::object(&user.attributes);
    body["created_at"] = user.created_at.rfc3339().into();
    body["updated_at"] = user.updated_at.rfc3339().into();
    Ok(Done::json(200, body))
}
