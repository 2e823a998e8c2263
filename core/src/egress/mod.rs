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

pub use origins::{Origin, Origins};

use crate::error::Result;
use client::Client;

/// Largest body of a request or an answer, in bytes. Discovery documents and key sets have a few KiB.
pub const MAX_BODY: usize = 1024 * 1024;
/// Longest address, in bytes.
pub const MAX_URL: usize = 8 * 1024;
/// Most header lines that a kind may add.
pub const MAX_HEADERS: usize = 32;

/// What one provider name may reach.
#[derive(Clone, Debug, Default)]
pub struct EgressSettings {
    /// `provider.NAME.egress`: where requests may go; none: nowhere.
    pub origins: Origins,
    /// `provider.NAME.egress_ca`: a PEM file with the only roots that are trusted; `None`: the system's.
    pub ca: Option<PathBuf>,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Without a body.
    Delete,
    /// Without a body.
    Get,
    /// Without a body, and nor has the answer one.
    Head,
    /// With a body, which may be empty.
    Post,
    /// With a body, which may be empty.
    Put,
}

impl Method {
    const ALL: [Self; 5] = [Self::Delete, Self::Get, Self::Head, Self::Post, Self::Put];

    /// Its name in HTTP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }

    /// The method of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put)
    }
}

/// A request as a kind makes it. Its address, headers and body may hold secrets: nothing of it is logged but the origin.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// How.
    pub method: Method,
    /// Absolute, at most [`MAX_URL`] bytes.
    pub url: &'a str,
    /// Names and values; not those that the host sets itself.
    pub headers: &'a [(&'a str, &'a str)],
    /// At most [`MAX_BODY`] bytes; empty where the method has none.
    pub body: &'a [u8],
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Incoming {
    /// The status code; a redirect is an answer like any other.
    pub status: u16,
    /// At most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

/// Why nothing came back. Each says why, for the operator: never with more of the address than its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It is not a request: its method, address, headers or size.
    Malformed(String),
    /// The configuration does not let this provider name reach that origin.
    NotListed(String),
    /// The deadline passed.
    Timeout(String),
    /// The answer is larger than allowed.
    TooLarge(String),
    /// The other side cannot be reached, is not who it should be, or does not speak HTTP.
    Unavailable(String),
}

impl NoAnswer {
    /// Why, for the operator.
    pub fn why(&self) -> &str {
        match self {
            Self::Malformed(why)
            | Self::NotListed(why)
            | Self::Timeout(why)
            | Self::TooLarge(why)
            | Self::Unavailable(why) => why,
        }
    }
}

/// The port: who makes requests for kinds.
pub trait Fetch: Send + Sync + 'static {
    /// Makes one request for a provider name; blocks at most `wait`.
    ///
    /// # Errors
    /// Why there is no answer.
    fn fetch(
        &self,
        provider: &str,
        request: Outgoing<'_>,
        wait: Duration,
    ) -> std::result::Result<Incoming, NoAnswer>;
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
