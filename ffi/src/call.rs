//! How a call is made: realm, request, time limit, queue; and the one way in which every operation runs.

use std::future::Future;
use std::time::Duration;

use doorward::{Auth, Request, Result};

use crate::abi::{Bytes, Call, Field, RawRequest};
use crate::answer::Answer;
use crate::boundary::{self, In, Out, Versioned, invalid};
use crate::callback;
use crate::context::Context;
use crate::error::{Failure, status};
use crate::queue::timed_out;
use crate::wait;

/// Most header lines of a request, and most bytes of one name or value: more than servers let through.
const MAX_HEADERS: usize = 1024;
const MAX_HEADER: usize = 64 * 1024;
/// An address, or `unix:` and the path of a socket.
const MAX_PEER: usize = 128;
/// Most bytes of a realm as the boundary looks at it; the core says what a realm takes.
const MAX_REALM: usize = 1024;

/// The operands that every operation ends with.
pub(crate) struct Made {
    pub(crate) ctx: In<Context>,
    pub(crate) call: Versioned<Call>,
    pub(crate) answer: Out<Answer>,
    pub(crate) err: Out<Failure>,
}

impl Made {
    /// Runs an operation: `prepare` reads the operands and gives the future that answers.
    pub(crate) fn run<F, Fut>(self, prepare: F) -> i32
    where
        F: FnOnce(Auth) -> Result<Fut>,
        Fut: Future<Output = Result<Answer>> + Send + 'static,
    {
        let Self {
            ctx,
            call,
            answer,
            err,
        } = self;
        answer.clear();
        err.clear();
        let outcome = boundary::caught(|| {
            let ctx = ctx.required("ctx")?;
            callback::refuse_inside()?;
            let call = call.read()?;
            let future = prepare(auth(ctx, call.as_ref())?)?;
            ctx.run(|| decide(ctx, future, call.as_ref()))
        });
        match outcome {
            Ok(None) => status::PENDING,
            Ok(Some(decided)) => {
                let status = decided.status();
                answer.put(decided);
                status
            }
            Err(error) => {
                let number = error.kind().number();
                if !err.is_unwanted() {
                    err.put(Failure::new(error));
                }
                number
            }
        }
    }
}

/// Waits for the answer, or leaves it to the queue (`None`).
fn decide<F>(ctx: &Context, future: F, call: Option<&Call>) -> Result<Option<Answer>>
where
    F: Future<Output = Result<Answer>> + Send + 'static,
{
    let Some(call) = call else {
        return wait::until(future, None)
            .unwrap_or_else(|| Err(timed_out()))
            .map(Some);
    };
    let timeout = match call.timeout {
        0 => None,
        micros => Some(Duration::from_micros(u64::try_from(micros).map_err(|_| {
            invalid(format!("`timeout` is {micros} and takes 0 or more"))
        })?)),
    };
    let Some(queue) = call.queue.optional() else {
        return wait::until(future, timeout)
            .unwrap_or_else(|| Err(timed_out()))
            .map(Some);
    };
    queue.submit(ctx, future, call, timeout)
}

/// The core's handle for this realm and on this request.
fn auth(ctx: &Context, call: Option<&Call>) -> Result<Auth> {
    let mut auth = ctx.called()?;
    let Some(call) = call else { return Ok(auth) };
    if let Some(realm) = call.realm.optional_text("realm", MAX_REALM)? {
        auth = auth.realm(realm)?;
    }
    if let Some(request) = call.request.read()? {
        auth = auth.on(view(&request)?);
    }
    Ok(auth)
}

/// The core's view of a request.
pub(crate) fn view(raw: &RawRequest) -> Result<Request> {
    let method = raw.method.bytes("method", MAX_HEADER)?;
    let headers = raw
        .headers
        .list(raw.n_headers, MAX_HEADERS, "headers")?
        .iter()
        .map(|field| {
            let value = |bytes: Bytes, name| bytes.optional(name, MAX_HEADER).map(Option::unwrap_or_default);
            Ok((
                value(field.name, "header name")?,
                value(field.value, "header value")?,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    let peer = match raw.peer.optional_text("peer", MAX_PEER)? {
        None => None,
        Some(text) => Request::peer_of(text)?,
    };
    Ok(Request::new(method, headers, peer))
}

/// Named values of the caller as credentials: copied, and wiped after use.
pub(crate) fn credentials(fields: In<Field>, n: usize) -> Result<doorward::Fields> {
    const MOST: usize = 64;
    const LONGEST: usize = 64 * 1024;
    let fields = fields.list(n, MOST, "credentials")?;
    fields
        .iter()
        .map(|field| {
            let name = field.name.text("credential name", 256)?.to_owned();
            Ok((
                name,
                doorward::Secret::from(field.value.bytes("credential value", LONGEST)?),
            ))
        })
        .collect::<Result<_>>()
        .map(doorward::Fields)
}
