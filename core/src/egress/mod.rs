//! HTTP requests that kinds make through the host: each within what its provider name's `egress` allows.
//!
//! A kind that talks to the outside (an issuer of ID tokens) gets no socket of its own: it asks here, and the operator's
//! list decides. Certificates are always verified, redirects are never followed (the answer says where one leads, and
//! the kind decides whether that is still within the list), proxies from the environment are not used, and an answer
//! has a largest size and a deadline.

mod client;
mod origins;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use doorward_runtime::fetch::*;
pub use origins::{Origin, Origins};

use crate::error::Result;
use client::Client;

/// What one provider name may reach.
#[derive(Clone, Debug, Default)]
pub struct EgressSettings {
    /// `provider.NAME.egress`: where requests may go; none: nowhere.
    pub origins: Origins,
    /// `provider.NAME.egress_ca`: a PEM file with the only roots that are trusted; `None`: the system's.
    pub ca: Option<PathBuf>,
}

/// The clients of all provider names that may reach something.
#[derive(Debug, Default)]
pub struct Egress(BTreeMap<String, Client>);

impl Egress {
    /// Reads the trusted roots. Cold: no sockets, no threads.
    ///
    /// # Errors
    /// `Configuration` naming `provider.NAME.egress_ca`: the file cannot be read or holds no certificate, or the system
    /// has no roots.
    pub fn new<'a>(names: impl IntoIterator<Item = (&'a str, &'a EgressSettings)>) -> Result<Self> {
        let mut clients = BTreeMap::new();
        for (name, settings) in names {
            if !settings.origins.is_empty() {
                clients.insert(name.to_owned(), Client::new(name, settings)?);
            }
        }
        Ok(Self(clients))
    }
}

impl Fetch for Egress {
    fn fetch(
        &self,
        provider: &str,
        request: Outgoing<'_>,
        wait: Duration,
    ) -> std::result::Result<Incoming, NoAnswer> {
        match self.0.get(provider) {
            Some(client) => client.fetch(request, wait),
            None => Err(NoAnswer::NotListed(origins::refusal(provider, request.url))),
        }
    }
}
