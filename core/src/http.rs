//! The HTTP surface: one function without I/O, a request in and a response out, on the operations that every program can
//! call. It does nothing that a program could not do itself, renders nothing, sends nothing, and knows no roles.
//!
//! ```text
//! method, target, headers, peer ─► Request::with_target ─► Auth::on ─► Auth::http_handle(body) ─► Response
//! ```
//!
//! `table.rs` has every endpoint once. What goes in is read by `given.rs`, what comes out stands in `told.rs`, and the `OpenAPI`
//! document, the TypeScript types and `docs/http.md` are written from the three. `entry.rs`, `session.rs`, `account.rs`,
//! `letters.rs` and `site.rs` are what the endpoints do.
//!
//! It answers JSON to JSON. A form is answered by 303 to a page of the program ([`Pages`](crate::config::Pages)); what that
//! page has to show goes with the browser, sealed, and [`Auth::http_page`] reads it once.

mod account;
mod agent;
mod answer;
mod body;
mod dispatch;
mod document;
mod entry;
mod form;
mod given;
mod letters;
mod page;
mod place;
mod problem;
mod response;
mod session;
mod shape;
mod site;
mod step;
mod table;
mod target;
mod told;
mod turn;
#[cfg(feature = "http")]
mod types;
mod typescript;

pub use document::openapi;
pub use page::reference;
pub use response::Response;
pub use typescript::types;

use crate::auth::Auth;
use crate::cookie::CookieKind;
use crate::error::{Error, ErrorKind, Result};
use crate::request::Request;

use body::{Given, Media};
use problem::{Failure, Problem};
use response::Lines;
use table::{Endpoint, Method, Route};
use target::Target;
use turn::{Done, Turn, decided};

/// Most header lines of a request.
const MAX_LINES: usize = 64;
/// Longest form of an issuer that comes back, in bytes.
const MAX_CALLBACK: usize = 16 * 1024;

impl Auth {
    /// Whether a request is the HTTP surface's, by its method and its raw path and query: how many bytes of body to read
    /// for it at most. `None`: it is not; answer it yourself. Looks at nothing else, and at no database.
    pub fn http_wants(&self, method: &[u8], target: &[u8]) -> Option<usize> {
        let settings = self.http_settings();
        let target = Target::read(&settings.prefix, settings.well_known, target)?;
        Some(match target.route(method) {
            Some(route) if route.does == Endpoint::CallbackPost => MAX_CALLBACK,
            Some(route) if route.body.is_some() => settings.max_body,
            _ => 0,
        })
    }

    /// Answers a request of the HTTP surface: on a handle that is [`on`](Self::on) a request with its
    /// [target](Request::with_target). `body` is the whole body, as it came. `None`: the path is not the surface's.
    ///
    /// It is always a response, 503 included: send its status, each of its header lines as its own line, and its body.
    /// [`headers`](Self::headers) has the same lines from then on.
    ///
    /// # Errors
    /// What only the program can mend: `InvalidState` (no request, no target, not started), `ForkedContext`, `Reentrant`.
    #[doc = include_str!("../doc/operations/http_handle.md")]
    pub async fn http_handle(&self, body: &[u8]) -> Result<Option<Response>> {
        let missing = |what: &str| Error::new(ErrorKind::InvalidState, format!("there is no {what}: {HOW}"));
        self.ready().await?;
        let request = self.request().ok_or_else(|| missing("request"))?;
        let raw = request.target().ok_or_else(|| missing("target"))?;
        let settings = self.http_settings();
        let Some(target) = Target::read(&settings.prefix, settings.well_known, raw) else {
            return Ok(None);
        };
        let lines = Lines::of(self);
        if request.method() == b"OPTIONS" && !target.routes.is_empty() {
            let response = lines.options(&target.allow());
            self.answered(&response.headers);
            return Ok(Some(response));
        }
        let route = target.route(request.method());
        let done = match refused(&target, route, request) {
            Some(problem) => Err(problem.into()),
            None => match route {
                Some(route) => self.turn(route, &target, request, body).await,
                None => Err(Problem::new(ErrorKind::NotFound).into()),
            },
        };
        let mut response = match done {
            Ok(done) => lines.done(self, request, done),
            Err(Failure::Problem(problem)) => lines.problem(self, &problem),
            Err(Failure::Fault(error)) => return Err(error),
        };
        if request.method() == b"HEAD" {
            response.body = Vec::new().into(); // RFC 9110 section 9.3.2
        }
        self.answered(&response.headers);
        Ok(Some(response))
    }

    /// What the last form, or an issuer, led to: for the program's own pages. A JSON object with `step` (go on: what to
    /// ask for is in `next`) or `problem`, as the surface's page has them; `None`: nothing. It is there once: send
    /// [`headers`](Self::headers) with the page.
    ///
    /// # Errors
    /// `InvalidState` without a request, or on a context that is not started.
    #[doc = include_str!("../doc/operations/http_page.md")]
    pub async fn http_page(&self) -> Result<Option<String>> {
        self.ready().await?;
        if self.request().is_none() {
            return Err(Error::new(
                ErrorKind::InvalidState,
                format!("there is no request: {HOW}"),
            ));
        }
        let carried = self.carried(CookieKind::Page);
        Ok(carried.and_then(|text| String::from_utf8(text).ok()))
    }

    /// One endpoint's turn: its body read, its work done, and its answer led to a page where a form asked.
    async fn turn(
        &self,
        route: &'static Route,
        target: &Target<'_>,
        request: &Request,
        body: &[u8],
    ) -> std::result::Result<Done, Failure> {
        if route.does == Endpoint::CallbackPost {
            return entry::callback_form(self, target, body);
        }
        if route.method != Method::Get {
            decided(self.check_trusted().await?)?;
        }
        let media = media(route, request, body)?;
        let given = match route.body {
            Some(shape) if body.len() <= self.http_settings().max_body => Given::read(shape, media, body),
            Some(_) => Err(Problem::of_http("too_large")),
            None => Ok(Given::default()),
        };
        let is_form = media == Media::Form && !body.is_empty();
        let turn = |given| Turn {
            auth: self,
            route,
            target,
            given,
            is_form,
        };
        match (given, route.form) {
            (Ok(given), Some(form)) if is_form => {
                let turn = turn(given);
                let done = turn.take().await;
                form::lead(&turn, form, done, turn.given.text("to"))
            }
            (Ok(given), _) => turn(given).take().await,
            (Err(problem), Some(form)) if is_form => form::problem(&turn(Given::default()), form, &problem),
            (Err(problem), _) => Err(problem.into()),
        }
    }
}

/// How a program comes to a handle that the surface takes.
const HOW: &str = "call it on `auth.on(request)`, and give the request its target";

/// What is refused by the looks of the request alone.
fn refused(target: &Target<'_>, route: Option<&Route>, request: &Request) -> Option<Problem> {
    if target.is_too_long {
        Some(Problem::of_http("uri_too_long"))
    } else if request.header_lines() > MAX_LINES {
        Some(Problem::of_http("headers_too_large"))
    } else if target.routes.is_empty() {
        Some(Problem::new(ErrorKind::NotFound))
    } else if route.is_none() {
        let mut problem = Problem::of_http("method_not_allowed");
        problem.allow = Some(target.allow());
        Some(problem)
    } else {
        None
    }
}

/// What the body is: said by `Content-Type`, once. Pages of other origins can send forms and plain text without asking, so
/// nothing else is ever tried.
fn media(route: &Route, request: &Request, body: &[u8]) -> std::result::Result<Media, Problem> {
    let unsupported = || Problem::of_http("unsupported_media_type");
    let mut types = request.values("content-type");
    match (types.next(), types.next()) {
        _ if route.body.is_none() => Ok(Media::Json),
        (None, _) if body.is_empty() => Ok(Media::Json),
        (Some(text), None) => match Media::of(text) {
            Some(Media::Form) if route.form.is_none() => Err(unsupported()),
            Some(media) => Ok(media),
            None => Err(unsupported()),
        },
        _ => Err(unsupported()),
    }
}
