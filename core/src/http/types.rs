//! The surface in the types of the crate `http`, which servers in Rust share: the feature `http`.

use std::borrow::Cow;
use std::net::IpAddr;

use ::http::{Request as HttpRequest, Response as HttpResponse};
use bytes::Bytes;

use crate::auth::Auth;
use crate::error::{Error, ErrorKind, Result};
use crate::request::Request;

impl Auth {
    /// Answers a request of the surface, as [`http_handle`](Self::http_handle) does: `peer` is the address of who holds the
    /// connection, a proxy perhaps. `None`: the path is not the surface's.
    ///
    /// # Errors
    /// As [`http_handle`](Self::http_handle).
    pub async fn handle(
        &self,
        request: HttpRequest<Bytes>,
        peer: Option<IpAddr>,
    ) -> Result<Option<HttpResponse<Bytes>>> {
        let (parts, body) = request.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let request = Request::new(parts.method.as_str(), headers, peer).with_target(target);
        let Some(answer) = self.on(request).http_handle(&body).await? else {
            return Ok(None);
        };
        let mut response = HttpResponse::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(*name, value);
        }
        let body = match answer.body {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        response.body(body).map(Some).map_err(|error| {
            Error::new(ErrorKind::Internal, "a response of the surface is none of HTTP").caused_by(error)
        })
    }
}
