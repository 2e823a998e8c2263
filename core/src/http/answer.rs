//! What the core's values look like as JSON.

use serde_json::{Map, Value, json};

use crate::auth::{Auth, Authenticator, Device, Identity};
use crate::claim::Claim;
use crate::factor::Factor;
use crate::flow::{FlowHandle, Method};
use crate::outcome::WayInfo;
use crate::plugin::Fields;
use crate::request::Request;
use crate::secret::Secret;
use crate::session::Session;
use crate::store::User;

use super::agent;

/// An object that is filled member by member, absent ones left out.
#[derive(Default)]
pub(super) struct Object(Map<String, Value>);

impl Object {
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    pub(super) fn may<T: Into<Value>>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A list, left out where there is nothing in it.
    pub(super) fn list(self, name: &str, values: Vec<Value>) -> Self {
        if values.is_empty() {
            return self;
        }
        self.with(name, values)
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// Stored JSON, or nothing where it is none.
pub(super) fn object(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!({}))
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn secret(secret: &Secret) -> String {
    text(secret.expose())
}

pub(super) fn user(auth: &Auth, user: &User) -> Value {
    json!({ "id": user.id.to_string(), "attributes": object(&auth.public_attributes(user)) })
}

fn factor(factor: &Factor) -> Value {
    json!({ "provider": factor.provider, "class": factor.class.id(), "at": factor.at.rfc3339() })
}

/// Who is signed in. Tokens are told to apps only: a browser has them in cookies that no script reads.
pub(super) fn signed_in(auth: &Auth, session: &Session) -> Value {
    let tokens = auth.request().is_some_and(Request::is_app);
    let newest = session.factors().iter().map(|factor| factor.at).max();
    let fresh_until = newest
        .unwrap_or(session.authenticated_at())
        .plus(auth.step_up_max_age());
    let of_app = |token: Option<&Secret>| token.filter(|_| tokens).map(secret);
    let about = Object::default()
        .with("id", session.id().to_string())
        .with("access_expires_at", session.access_expires_at().rfc3339())
        .with("idle_expires_at", session.idle_expires_at().rfc3339())
        .with("absolute_expires_at", session.absolute_expires_at().rfc3339())
        .with("authenticated_at", session.authenticated_at().rfc3339())
        .with("fresh_until", fresh_until.rfc3339())
        .with("persistent", session.persistent())
        .with(
            "factors",
            session.factors().iter().map(factor).collect::<Vec<_>>(),
        )
        .may("access_token", of_app(session.access_token()))
        .may("refresh_token", of_app(session.refresh_token()));
    snapshot(auth, "signed_in")
        .with("user", user(auth, session.user()))
        .with("session", about.done())
        .done()
}

/// The beginning of every snapshot.
pub(super) fn snapshot(auth: &Auth, status: &str) -> Object {
    Object::default()
        .with("status", status)
        .with("now", auth.now().rfc3339())
}

pub(super) fn method(method: &Method) -> Value {
    let fields = method.fields.iter().map(|field| {
        json!({
            "name": field.name,
            "secret": field.secret,
            "optional": field.optional,
            "max_len": field.max_len,
            "autocomplete": field.autocomplete,
        })
    });
    Object::default()
        .with("provider", method.provider.as_str())
        .with("action", method.action.id())
        .may("factor_class", method.class.map(crate::plugin::FactorClass::id))
        .with("fields", fields.collect::<Vec<_>>())
        .with("challenge", challenge(&method.challenge))
        .done()
}

pub(super) fn methods(list: &[Method]) -> Vec<Value> {
    list.iter().map(method).collect()
}

fn challenge(fields: &Fields) -> Value {
    use base64::Engine as _;
    let value = |value: &Secret| match std::str::from_utf8(value.expose()) {
        Ok(text) => Value::from(text),
        Err(_) => {
            json!({ "base64url": base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.expose()) })
        }
    };
    let named = fields.0.iter().map(|(name, of)| (name.clone(), value(of)));
    Value::Object(named.collect())
}

/// What is shown once: names and texts.
pub(super) fn shown(fields: &Fields) -> Option<Value> {
    let named = fields
        .0
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(secret(value))));
    (!fields.0.is_empty()).then(|| Value::Object(named.collect()))
}

/// A flow, as far as its holder goes on with it.
pub(super) fn flow(object: Object, flow: &FlowHandle) -> Object {
    object
        .with("flow", secret(flow.token()))
        .with("purpose", flow.purpose())
        .may("provider", flow.provider())
        .with("expires_at", flow.expires_at().rfc3339())
        .with("next", methods(flow.next()))
}

pub(super) fn claim(claim: &Claim) -> Object {
    Object::default()
        .with("claim", secret(claim.token()))
        .with("provider", claim.provider())
        .with("identifier", text(claim.identifier()))
        .with("attributes", object(claim.attributes()))
        .with("expires_at", claim.expires_at().rfc3339())
}

pub(super) fn ways(list: &[WayInfo]) -> Vec<Value> {
    let way = |way: &WayInfo| {
        Object::default()
            .with("provider", way.provider.as_str())
            .with("name", way.name.as_str())
            .with("is_identity", way.is_identity)
            .with("created_at", way.created_at.rfc3339())
            .may("last_used_at", way.last_used_at.map(crate::Timestamp::rfc3339))
            .may("verified_at", way.verified_at.map(crate::Timestamp::rfc3339))
            .done()
    };
    list.iter().map(way).collect()
}

pub(super) fn device(device: &Device, current: Option<crate::SignInId>) -> Value {
    json!({
        "id": device.id.to_string(),
        "current": current == Some(device.id),
        "name": agent::name(&device.agent),
        "agent": device.agent,
        "address": device.address,
        "created_at": device.created_at.rfc3339(),
        "last_seen_at": device.last_seen_at.rfc3339(),
        "factors": device.factors.iter().map(factor).collect::<Vec<_>>(),
    })
}

pub(super) fn identity(identity: &Identity) -> Value {
    Object::default()
        .with("provider", identity.provider.as_str())
        .with("identifier", text(&identity.identifier))
        .with("created_at", identity.created_at.rfc3339())
        .may("verified_at", identity.verified_at.map(crate::Timestamp::rfc3339))
        .done()
}

pub(super) fn authenticator(auth: &Auth, held: &Authenticator) -> Value {
    Object::default()
        .with("id", held.id.to_string())
        .with("provider", auth.provider_of_group(&held.group))
        .with("kind", held.kind.as_str())
        .with("label", held.label.as_str())
        .with("description", object(&held.description))
        .with("created_at", held.created_at.rfc3339())
        .may("last_used_at", held.last_used_at.map(crate::Timestamp::rfc3339))
        .done()
}
