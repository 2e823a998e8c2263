//! The blocking HTTP client of one provider name: `ureq` over rustls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{Request, header::HeaderName, header::HeaderValue};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Error as Failure};

use super::origins::{Origins, refusal};
use super::{EgressSettings, Incoming, MAX_BODY, MAX_HEADERS, MAX_URL, NoAnswer, Outgoing};
use crate::error::{Error, ErrorKind, Result};

/// Largest status line and headers of an answer, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// What the host decides alone: where the request goes, how long it is, and what the connection does.
const RESERVED: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

#[derive(Debug)]
pub(super) struct Client {
    provider: String,
    origins: Origins,
    agent: Agent,
}

impl Client {
    pub(super) fn new(provider: &str, settings: &EgressSettings) -> Result<Self> {
        let roots = match &settings.ca {
            Some(path) => listed(provider, path)?,
            None if settings.origins.any_https() => system(provider)?,
            None => Vec::new(),
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            // Otherwise HTTPS_PROXY and its like decide who sees the requests.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // No connection is left open between two calls: a forked child has none of its parent's.
            .max_idle_connections(0)
            .max_response_header_size(MAX_HEAD)
            .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            provider: provider.to_owned(),
            origins: settings.origins.clone(),
            agent: Agent::new_with_config(config),
        })
    }

    pub(super) fn fetch(
        &self,
        request: Outgoing<'_>,
        wait: Duration,
    ) -> std::result::Result<Incoming, NoAnswer> {
        let Outgoing {
            method,
            url,
            headers,
            body,
        } = request;
        if url.len() > MAX_URL || body.len() > MAX_BODY || headers.len() > MAX_HEADERS {
            return Err(NoAnswer::Malformed(format!(
                "a request was refused: an address has at most {MAX_URL} bytes, a body {MAX_BODY}, and {MAX_HEADERS} headers may be added"
            )));
        }
        if !method.has_body() && !body.is_empty() {
            return Err(NoAnswer::Malformed(format!(
                "a request was refused: {} has no body",
                method.name()
            )));
        }
        let Some(url) = self.origins.allow(url) else {
            return Err(NoAnswer::NotListed(refusal(&self.provider, url)));
        };
        let origin = url.origin().ascii_serialization();
        if wait.is_zero() {
            return Err(NoAnswer::Timeout(format!(
                "there was no time left to ask {origin}"
            )));
        }
        let mut building = Request::builder().uri(url.as_str()).method(method.name());
        for (name, value) in headers {
            let (name, value) = header(name, value)?;
            building = building.header(name, value);
        }
        // What it says may quote the address.
        let malformed = |_| {
            NoAnswer::Malformed(format!(
                "a request to {origin} was refused: it cannot be written down"
            ))
        };
        let answered = if method.has_body() {
            self.run(building.body(body).map_err(malformed)?, wait)
        } else {
            self.run(building.body(()).map_err(malformed)?, wait)
        };
        answered
            .and_then(|mut answer| {
                Ok(Incoming {
                    status: answer.status().as_u16(),
                    body: answer
                        .body_mut()
                        .with_config()
                        .limit(MAX_BODY as u64)
                        .read_to_vec()?,
                })
            })
            .map_err(|failure| no_answer(&origin, &failure))
    }

    fn run(
        &self,
        request: Request<impl ureq::AsSendBody>,
        wait: Duration,
    ) -> std::result::Result<ureq::http::Response<ureq::Body>, Failure> {
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(wait))
            .build();
        self.agent.run(request)
    }
}

/// A header line of the kind's. The value is not told to anybody: it may be a credential.
fn header(name: &str, value: &str) -> std::result::Result<(HeaderName, HeaderValue), NoAnswer> {
    let refused = |why: &str| {
        let shown: String = name.chars().take(64).collect();
        NoAnswer::Malformed(format!("a request was refused: the header {shown:?} {why}"))
    };
    let parsed =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("has a name that cannot be one"))?;
    if RESERVED.contains(&parsed.as_str()) {
        return Err(refused("is the host's to set"));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| refused("has a value that cannot be one"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

fn no_answer(origin: &str, failure: &Failure) -> NoAnswer {
    match failure {
        Failure::Timeout(_) => NoAnswer::Timeout(format!("{origin} did not answer in time")),
        Failure::BodyExceedsLimit(limit) => {
            NoAnswer::TooLarge(format!("the answer of {origin} has more than {limit} bytes"))
        }
        Failure::LargeResponseHeader(..) => NoAnswer::TooLarge(format!(
            "the headers of the answer of {origin} have more than {MAX_HEAD} bytes"
        )),
        Failure::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            NoAnswer::Timeout(format!("{origin} did not answer in time"))
        }
        // Of what is left, these say what went wrong on the way and quote nothing of the request.
        Failure::Io(error) => NoAnswer::Unavailable(format!("{origin} cannot be reached: {error}")),
        Failure::Rustls(error) => NoAnswer::Unavailable(format!("{origin} cannot be reached: {error}")),
        Failure::HostNotFound => NoAnswer::Unavailable(format!("{origin} cannot be reached: no such host")),
        Failure::Protocol(_) => NoAnswer::Unavailable(format!("{origin} does not speak HTTP/1.1")),
        _ => NoAnswer::Unavailable(format!("{origin} cannot be reached")),
    }
}

/// The certificates of a PEM file.
fn listed(provider: &str, path: &Path) -> Result<Vec<Certificate<'static>>> {
    let bad = |why: String| {
        let message = format!("`provider.{provider}.egress_ca` {why}");
        Error::new(ErrorKind::Configuration, message)
    };
    let pem = std::fs::read(path)
        .map_err(|error| bad(format!("cannot read the file {}", path.display())).caused_by(error))?;
    let mut roots = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(root)) => roots.push(root),
            Ok(_) => {}
            Err(_) => return Err(bad(format!("names {}, which is not a PEM file", path.display()))),
        }
    }
    let mut store = rustls::RootCertStore::empty();
    for root in &roots {
        store
            .add(rustls::pki_types::CertificateDer::from(root.der()))
            .map_err(|error| {
                bad(format!(
                    "names {}, which has a certificate that cannot be read",
                    path.display()
                ))
                .caused_by(error)
            })?;
    }
    if roots.is_empty() {
        return Err(bad(format!(
            "names {}, which has no certificate in PEM",
            path.display()
        )));
    }
    Ok(roots)
}

/// The roots that the system trusts.
fn system(provider: &str) -> Result<Vec<Certificate<'static>>> {
    let roots: Vec<_> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|root| Certificate::from_der(root).to_owned())
        .collect();
    if roots.is_empty() {
        return Err(Error::new(
            ErrorKind::Configuration,
            format!(
                "`provider.{provider}.egress` lists an https origin, and this system has no trusted roots: install them, or name a PEM file in `provider.{provider}.egress_ca`"
            ),
        ));
    }
    Ok(roots)
}
