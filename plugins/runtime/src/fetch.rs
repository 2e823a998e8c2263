//! The port through which kinds make HTTP requests: what they ask for, what comes back, and why nothing did.

use std::time::Duration;

/// Largest body of a request or an answer, in bytes. Discovery documents and key sets have a few KiB.
pub const MAX_BODY: usize = 1024 * 1024;
/// Longest address, in bytes.
pub const MAX_URL: usize = 8 * 1024;
/// Most header lines that a kind may add.
pub const MAX_HEADERS: usize = 32;

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

    /// Whether a request of this method has a body.
    pub const fn has_body(self) -> bool {
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
    fn fetch(&self, provider: &str, request: Outgoing<'_>, wait: Duration) -> Result<Incoming, NoAnswer>;
}
