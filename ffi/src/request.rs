//! `doorward_request`: what the core looks at of it, copied.

use doorward::{Request, Result};

use crate::abi::{Bytes, RawRequest};

/// Most header lines of a request, and most bytes of one name or value: more than servers let through.
const MAX_HEADERS: usize = 1024;
const MAX_HEADER: usize = 64 * 1024;
/// An address, or `unix:` and the path of a socket.
const MAX_PEER: usize = 128;

/// The core's view of a request.
pub(crate) fn read(raw: &RawRequest) -> Result<Request> {
    let method = raw.method.bytes("method", MAX_HEADER)?;
    let target = raw.target.optional("target", MAX_HEADER)?;
    let headers = raw
        .headers
        .list(raw.n_headers, MAX_HEADERS, "headers")?
        .iter()
        .map(|line| {
            let value = |bytes: Bytes, name| bytes.optional(name, MAX_HEADER).map(Option::unwrap_or_default);
            Ok((
                value(line.name, "header name")?,
                value(line.value, "header value")?,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    let peer = match raw.peer.optional_text("peer", MAX_PEER)? {
        None => None,
        Some(text) => Request::peer_of(text)?,
    };
    let request = Request::new(method, headers, peer);
    Ok(match target {
        Some(target) => request.with_target(target),
        None => request,
    })
}
