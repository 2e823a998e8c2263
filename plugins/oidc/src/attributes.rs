//! What the issuer says about a person besides who it is: passed on as asserted, and good for nothing but showing.

use std::ffi::CStr;

use doorward_plugin::{Failure, Host, Reply};
use serde_json::{Map, Value};

use crate::discovery::Metadata;
use crate::id_token::Claims;
use crate::web::document;

/// Whether a claim is of the type that it should have.
type Fits = fn(&Value) -> bool;

/// Claims that become attributes (OpenID Connect Core 1.0 section 5.1), and what they must be.
const PASSED_ON: [(&CStr, Fits); 12] = [
    (c"acr", Value::is_string),
    (c"amr", Value::is_array),
    (c"auth_time", Value::is_number),
    (c"email", Value::is_string),
    (c"email_verified", Value::is_boolean),
    (c"family_name", Value::is_string),
    (c"given_name", Value::is_string),
    (c"locale", Value::is_string),
    (c"name", Value::is_string),
    (c"picture", Value::is_string),
    (c"preferred_username", Value::is_string),
    (c"zoneinfo", Value::is_string),
];
/// Longest value of an attribute as JSON, in bytes.
const MAX_VALUE: usize = 1024;

/// Writes the attributes. What has another type than it should, or is too long, is left out.
pub(crate) fn write(reply: &mut Reply<'_>, issuer: &str, claims: &Claims) {
    let texts = [(c"issuer", issuer), (c"subject", claims.subject.as_str())];
    for (name, text) in texts {
        reply.attribute(name, &Value::from(text).to_string());
    }
    for (name, fits) in PASSED_ON {
        let value = name
            .to_str()
            .ok()
            .and_then(|name| claims.all.get(name))
            .filter(|value| fits(value));
        if let Some(json) = value.map(Value::to_string).filter(|json| json.len() <= MAX_VALUE) {
            reply.attribute(name, &json);
        }
    }
}

/// Adds what the userinfo endpoint says (section 5.3). The ID token, which is signed, stays right where both speak.
///
/// # Errors
/// When it cannot be asked, or speaks of somebody else.
pub(crate) fn add_userinfo(
    host: Host<'_>,
    metadata: &Metadata,
    access_token: &str,
    claims: &mut Claims,
) -> Result<(), Failure> {
    let Some(url) = &metadata.userinfo_endpoint else {
        return Err(Failure::unavailable(
            "`userinfo` is set, and the issuer has no userinfo endpoint",
        ));
    };
    let authorization = doorward_plugin::Zeroizing::new(format!("Bearer {access_token}"));
    let said: Map<String, Value> = document(
        host,
        url,
        &[("Authorization", &authorization)],
        "what it knows of the person",
    )?;
    // Section 5.3.2: otherwise tokens could be exchanged for one another.
    if said.get("sub").and_then(Value::as_str) != Some(&claims.subject) {
        return Err(Failure::unavailable(
            "the issuer's userinfo is about somebody else",
        ));
    }
    for (name, value) in said {
        claims.all.entry(name).or_insert(value);
    }
    Ok(())
}
