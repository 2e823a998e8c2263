//! Asking the issuer over the host's HTTP, and reading its JSON.

use std::ffi::CStr;

use doorward_plugin::{Failure, Host, HttpAnswer, abi};
use serde::de::DeserializeOwned;
use url::{Host as UrlHost, Url};

/// Largest document that is read, in bytes: discovery, keys, tokens.
pub(crate) const MAX_DOCUMENT: usize = 256 * 1024;

/// Whether tokens and codes may travel there: behind TLS, or on this machine.
pub(crate) fn is_acceptable(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(UrlHost::Ipv4(address)) => address.is_loopback(),
        Some(UrlHost::Ipv6(address)) => address.is_loopback(),
        Some(UrlHost::Domain(name)) => name == "localhost",
        None => false,
    };
    let bare = url.username().is_empty() && url.password().is_none();
    bare && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

/// One request; the body of the answer has at most [`MAX_DOCUMENT`] bytes.
pub(crate) fn send(
    host: Host<'_>,
    method: &CStr,
    url: &Url,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<HttpAnswer, Failure> {
    let none = || Failure::unavailable("this host makes no HTTP requests (doorward.http/1)");
    let http = host.http().ok_or_else(none)?;
    http.send(method, url.as_str(), headers, body, MAX_DOCUMENT)
        .map_err(|failure| match failure.status() {
            // The operator's to mend, not a fault of this plugin.
            abi::E_CONFIG => Failure::unavailable(format!(
                "`egress` of this provider does not list {}",
                url.origin().ascii_serialization()
            )),
            abi::E_UNSUPPORTED => none(),
            _ => failure,
        })
}

/// GET, and JSON with status 200; anything else is "could not decide".
pub(crate) fn document<T: DeserializeOwned>(
    host: Host<'_>,
    url: &Url,
    headers: &[(&str, &str)],
    what: &str,
) -> Result<T, Failure> {
    let mut lines = vec![("Accept", "application/json")];
    lines.extend_from_slice(headers);
    json(&send(host, c"GET", url, &lines, b"")?, what)
}

/// The JSON of an answer with status 200.
pub(crate) fn json<T: DeserializeOwned>(answer: &HttpAnswer, what: &str) -> Result<T, Failure> {
    if answer.status != 200 {
        return Err(Failure::unavailable(format!(
            "the issuer answered the request for {what} with status {}",
            answer.status
        )));
    }
    // What the parser says may quote a token.
    serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::unavailable(format!("what the issuer sent as {what} cannot be read")))
}
