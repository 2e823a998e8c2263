//! Ways in: sign-in, sign-up, their steps, and the way to an issuer and back.

use serde_json::{Value, json};

use super::answer::{self, Object};
use super::form;
use super::problem::{Failure, Problem};
use super::step::{Along, elsewhere};
use super::table::{Form, Leads};
use super::target::{Target, parameters};
use super::turn::{Body, Done, Turn};
use crate::auth::{Auth, NewUserOptions};
use crate::cookie::CookieKind;
use crate::error::ErrorKind;
use crate::outcome::Outcome;
use crate::plugin::Fields;
use crate::secret::Secret;

pub(super) async fn sign_in(turn: &Turn<'_>) -> Result<Done, Failure> {
    let given = &turn.given;
    let identifier = given.text("identifier").map(str::as_bytes);
    let answer = turn
        .auth
        .authenticate(given.demanded("provider"), identifier, given.fields())
        .await?;
    turn.step(answer, 200).await
}

pub(super) async fn sign_up(turn: &Turn<'_>) -> Result<Done, Failure> {
    let given = &turn.given;
    let with = NewUserOptions {
        attributes: own_attributes(turn)?.map(|attributes| attributes.to_string()),
        id: None,
    };
    let answer = match (given.text("claim"), given.text("provider")) {
        (Some(claim), None) => turn.auth.create_user_from_claim(claim.as_bytes(), with).await?,
        (None, Some(provider)) => {
            let identifier = given.text("identifier").unwrap_or_default().as_bytes();
            turn.auth
                .create_user(provider, identifier, given.fields(), with)
                .await?
        }
        (Some(_), Some(_)) => {
            return Err(Problem::field("claim", "`claim` stands alone, in place of `provider`").into());
        }
        (None, None) => return Err(Problem::field("provider", "`provider` or `claim` is missing").into()),
    };
    turn.step(answer, 201).await
}

/// The attributes that somebody gives to their own user: those of `attributes.self` and no other, so that nobody signs up
/// as what the program means by another attribute.
pub(super) fn own_attributes(turn: &Turn<'_>) -> Result<Option<Value>, Problem> {
    let Some(attributes) = turn.given.object("attributes") else {
        return Ok(None);
    };
    let own = &turn.auth.http_settings().own_attributes;
    match attributes.keys().find(|name| !own.contains(name)) {
        None => Ok(Some(Value::Object(attributes.clone()))),
        Some(_) => Err(Problem::field(
            "attributes",
            "`attributes` takes only names that `attributes.self` lists",
        )),
    }
}

pub(super) async fn go_on(turn: &Turn<'_>) -> Result<Done, Failure> {
    let given = &turn.given;
    let flow = given.demanded("flow").as_bytes();
    let answer = turn
        .auth
        .continue_flow(flow, given.text("provider"), given.fields())
        .await?;
    turn.step(answer, 200).await
}

pub(super) async fn step_up(turn: &Turn<'_>) -> Result<Done, Failure> {
    // Without a session there is nobody to step up: this is no second way to sign in.
    let session = turn.session().await?;
    let given = &turn.given;
    let provider = given.demanded("provider");
    // Where the provider asks who it is, it is who is signed in.
    let named = turn.auth.list_identities(session.user().id).await?;
    let named = named.iter().find(|identity| identity.provider == provider);
    let identifier = named.map(|identity| identity.identifier.as_slice());
    let answer = turn
        .auth
        .authenticate(provider, identifier, given.fields())
        .await?;
    turn.step(answer, 200).await
}

pub(super) async fn start(turn: &Turn<'_>) -> Result<Done, Failure> {
    let provider = turn.target.parts.first().copied().unwrap_or_default();
    let answer = turn.auth.authenticate(provider, None, Fields::default()).await?;
    let done = turn.step(answer, 200).await?;
    let Body::Json(body) = &done.body else {
        return Ok(done);
    };
    if turn.is_form {
        return Ok(done); // The form is led away by what the body says.
    }
    match elsewhere(body) {
        Some(url) => Ok(Done::json(200, json!({ "redirect": url, "flow": body["flow"] }))),
        None => Err(Problem::new(ErrorKind::Unsupported)
            .saying(format!("`{provider}` verifies here: use `sign-in`"))
            .into()),
    }
}

/// An issuer's form: it comes from another site, so it has no cookies of ours and an origin that is not trusted, and nothing
/// in it counts. The browser is led to the GET, which it sends with its cookies (RFC 9110 section 15.4.4).
pub(super) fn callback_form(auth: &Auth, target: &Target<'_>, body: &[u8]) -> Result<Done, Failure> {
    if body.len() > super::MAX_CALLBACK {
        return Err(Problem::of_http("too_large").into());
    }
    let plain = |&byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%+=&*!'(),;:@/$?".contains(&byte);
    if !body.iter().all(plain) {
        return Err(Problem::new(ErrorKind::InvalidArgument)
            .saying("the form is not encoded as forms are")
            .into());
    }
    let provider = target.parts.first().copied().unwrap_or_default();
    let prefix = &auth.http_settings().prefix;
    Ok(Done::place(format!(
        "{prefix}/callback/{provider}?{}",
        answer::text(body)
    )))
}

/// Where an issuer leads back. The way on is a form's: to a page.
pub(super) async fn callback(turn: &Turn<'_>) -> Result<Done, Failure> {
    let provider = turn.target.parts.first().copied().unwrap_or_default();
    let along = turn.auth.carried(CookieKind::Away);
    let along = along.and_then(|text| serde_json::from_slice::<Along>(&text).ok());
    let pages = |back| Form {
        done: Leads::Home,
        back,
    };
    let Some(along) = along.filter(|along| along.provider == provider) else {
        // Another browser, or a second time: nothing is told of what the parameters are.
        return form::problem(turn, pages(Leads::SignIn), &Problem::new(ErrorKind::Refused));
    };
    let form = pages(if along.purpose == "link" {
        Leads::Account
    } else {
        Leads::SignIn
    });
    let mut fields = Vec::new();
    for (name, value) in parameters(turn.target.query) {
        if along.fields.contains(&name) && !fields.iter().any(|(known, _)| *known == name) {
            fields.push((name, Secret::from(value)));
        }
    }
    let done = come_back(turn, &along, Fields(fields)).await;
    form::lead(turn, form, done, along.to.as_deref())
}

async fn come_back(turn: &Turn<'_>, along: &Along, fields: Fields) -> Result<Done, Failure> {
    let auth = turn.auth;
    let answer = auth.continue_flow(along.flow.as_bytes(), None, fields).await?;
    match &answer.outcome {
        // Who went there to link it is signed in here, and the claim is this user's alone.
        Outcome::Unregistered(claim) if along.purpose == "link" => {
            let proof = turn.proof().await?;
            Turn::changed(auth.link_claim(&proof, claim.token().expose()).await?)
        }
        Outcome::Continue(flow) => {
            turn.takes_along(flow, along.to.as_deref())?;
            let body = answer::flow(Object::default().with("outcome", "continue"), flow);
            Ok(Done::json(200, body.done()))
        }
        _ => turn.step(answer, 200).await,
    }
}
