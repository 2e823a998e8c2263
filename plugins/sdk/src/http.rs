//! HTTP through the host (`doorward.http/1`).

use std::ffi::CStr;

use crate::request::values;
use crate::{Failure, Host, abi};

/// HTTP under the host's TLS and rules: it reaches only what the configuration lists as `egress` of the provider name,
/// checks certificates, and follows no redirect.
#[derive(Clone, Copy)]
pub struct Http<'a> {
    table: &'a abi::Http,
    host: Host<'a>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// 100 to 599. A redirect is an answer like any other.
    pub status: u16,
    /// At most as long as was asked for.
    pub body: Vec<u8>,
}

impl<'a> Host<'a> {
    /// HTTP through the host, if it offers it. Blocks: not for kinds that declare [`crate::Property::Inline`].
    pub fn http(&self) -> Option<Http<'a>> {
        // SAFETY: the id names this struct.
        let table = unsafe { self.extension(abi::EXT_HTTP) }?;
        Some(Http { table, host: *self })
    }
}

impl Http<'_> {
    /// Fetches an address; the body of the answer has at most `most` bytes.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn get(&self, url: &str, headers: &[(&str, &str)], most: usize) -> Result<HttpAnswer, Failure> {
        self.send(c"GET", url, headers, b"", most)
    }

    /// Sends one request and waits for the answer, at most until the deadline of the call. Blocks: not for kinds that
    /// declare [`crate::Property::Inline`].
    ///
    /// # Errors
    /// When it could not be decided: no connection, no valid certificate, no time left, an answer that is longer than
    /// `most` (*unavailable*, with its size), or an origin that the configuration does not list. Return it as it is; the host has logged why.
    pub fn send(
        &self,
        method: &CStr,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        most: usize,
    ) -> Result<HttpAnswer, Failure> {
        let fetch = self.table.fetch.ok_or_else(Failure::unsupported)?;
        let headers = values(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let n_headers = u32::try_from(headers.len()).map_err(|_| Failure::argument("too many headers"))?;
        let mut out = vec![0; most.min(abi::HTTP_MAX)];
        let (mut status, mut written) = (0, 0);
        // SAFETY: the host's function with its own table and call; all pointers are of this call and as long as said.
        let said = unsafe {
            fetch(
                self.host.table(),
                self.host.call(),
                method.as_ptr(),
                url.as_ptr().cast(),
                url.len(),
                headers.as_ptr(),
                n_headers,
                body.as_ptr().cast(),
                body.len(),
                &raw mut status,
                out.as_mut_ptr().cast(),
                out.len(),
                &raw mut written,
            )
        };
        if said == abi::E_TOO_LARGE {
            // The other side's doing, and nothing that this plugin broke.
            return Err(Failure::unavailable(too_large(url, written, out.len())));
        }
        Failure::check(said, "an HTTP request has no answer")?;
        out.truncate(written);
        Ok(HttpAnswer {
            status: u16::try_from(status)
                .map_err(|_| Failure::internal("the host's status is not one of HTTP"))?,
            body: out,
        })
    }
}

/// What the operator reads; `written` is 0 where the host has not read it to its end.
fn too_large(url: &str, written: usize, most: usize) -> String {
    let origin = url.split(['/', '?', '#']).take(3).collect::<Vec<_>>().join("/");
    if written > most {
        format!("the answer of {origin} has {written} bytes; at most {most} are taken")
    } else {
        format!(
            "the answer of {origin} has more than {} bytes; at most {most} are taken",
            abi::HTTP_MAX
        )
    }
}
