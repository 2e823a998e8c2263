//! The authorization request: the address that the browser is sent to (OpenID Connect Core 1.0 section 3.1.2.1).

use doorward_plugin::{Failure, Host};

use crate::discovery::Metadata;
use crate::options::Options;
use crate::pending::Pending;

/// The address.
pub(crate) fn request(
    host: Host<'_>,
    options: &Options,
    metadata: &Metadata,
    pending: &Pending,
    state: &str,
) -> Result<String, Failure> {
    let mut url = metadata.authorization_endpoint.clone();
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &options.client_id)
        .append_pair("redirect_uri", &options.redirect_uri)
        .append_pair("scope", &options.scopes)
        .append_pair("state", state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &pending.code_challenge(host)?)
        .append_pair("code_challenge_method", "S256");
    if let Some(prompt) = options.prompt {
        query.append_pair("prompt", prompt.as_str());
    }
    if let Some(max_age) = options.max_age {
        query.append_pair("max_age", &max_age.to_string());
    }
    if !options.acr_values.is_empty() {
        query.append_pair("acr_values", &options.acr_values.join(" "));
    }
    drop(query);
    Ok(url.into())
}
