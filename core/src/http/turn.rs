//! One request at its endpoint: what it was given, and what every endpoint may ask of it.

use serde_json::Value;

use super::answer;
use super::body::Given;
use super::problem::{Failure, Problem};
use super::table::Route;
use super::target::Target;
use crate::auth::{Auth, Caller};
use crate::error::ErrorKind;
use crate::outcome::{Answer, Outcome, RequestRefused};
use crate::proof::Proof;
use crate::session::Session;

/// A request at its endpoint.
pub(super) struct Turn<'a> {
    pub(super) auth: &'a Auth,
    pub(super) route: &'static Route,
    pub(super) target: &'a Target<'a>,
    pub(super) given: Given,
    /// A form: it is led to a page.
    pub(super) is_form: bool,
}

/// What an endpoint did.
pub(super) struct Done {
    pub(super) status: u16,
    pub(super) body: Body,
    /// Whether pages that the browser keeps are of somebody who has gone.
    pub(super) clears: bool,
}

/// What the answer carries.
pub(super) enum Body {
    Nothing,
    Json(Value),
    /// JSON that a client may keep, and ask whether it changed.
    Tagged(Value),
    /// JSON that is the same for everybody.
    Document(String),
    /// A file of the surface itself, which may be kept where its address has a version.
    File {
        media: &'static str,
        text: &'static str,
        is_versioned: bool,
    },
    /// Another place.
    Place(String),
}

impl Done {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            body: Body::Json(body),
            clears: false,
        }
    }

    pub(super) fn tagged(body: Value) -> Self {
        Self {
            status: 200,
            body: Body::Tagged(body),
            clears: false,
        }
    }

    pub(super) fn nothing() -> Self {
        Self {
            status: 204,
            body: Body::Nothing,
            clears: false,
        }
    }

    pub(super) fn place(place: impl Into<String>) -> Self {
        Self {
            status: 303,
            body: Body::Place(place.into()),
            clears: false,
        }
    }
}

impl Turn<'_> {
    /// Who asks, and whether that is somebody who is signed in. A form may come hours after its page: it is refreshed for,
    /// as its response is ours to send; a script is told, and refreshes when it can keep what comes.
    pub(super) async fn session(&self) -> Result<Session, Failure> {
        let answer = if self.is_form {
            self.auth.resume_request().await?
        } else {
            self.auth.check_request().await?
        };
        match decided(answer)? {
            Caller::Session(session) => Ok(session),
            Caller::Key { .. } => Err(Problem::new(ErrorKind::ProofRequired)
                .with("what", "session")
                .saying("a key has no session: this is for people")
                .into()),
        }
    }

    /// A proof of who is signed in, for an operation that judges it.
    pub(super) async fn proof(&self) -> Result<Proof, Failure> {
        let session = self.session().await?;
        Ok(self.auth.session_proof(&session).await?)
    }
}

/// The value of an outcome; every other outcome is a problem.
pub(super) fn decided<T>(answer: Answer<T>) -> Result<T, Failure> {
    let headers = answer.headers.of_status();
    let problem = match answer.outcome {
        Outcome::Accepted(value) => return Ok(value),
        Outcome::Continue(flow) => {
            let mut problem = Problem::new(ErrorKind::StepRequired);
            problem.more = members(answer::flow(answer::Object::default(), &flow));
            problem
        }
        Outcome::Refused(flow) => {
            let mut problem = Problem::new(ErrorKind::Refused);
            if let Some(flow) = flow {
                problem.more = members(answer::flow(answer::Object::default(), &flow));
                problem.more.remove("provider");
            }
            problem
        }
        Outcome::RequestRefused(refused) => distrusted(&refused),
        Outcome::SignedOut(reason) => Problem::new(ErrorKind::SignedOut)
            .with("reason", reason.id())
            .with("refreshable", reason.may_refresh()),
        Outcome::Throttled(wait) => {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Problem::new(ErrorKind::Throttled).with("retry_after", seconds.max(1))
        }
        Outcome::Unregistered(claim) => {
            let mut problem = Problem::new(ErrorKind::Unregistered);
            problem.more = members(answer::claim(&claim));
            problem
        }
    };
    Err(Problem { headers, ..problem }.into())
}

fn distrusted(refused: &RequestRefused) -> Problem {
    Problem::new(ErrorKind::RequestRefused)
        .with("reason", refused.reason)
        .with("setting", refused.setting)
}

fn members(object: answer::Object) -> serde_json::Map<String, Value> {
    match object.done() {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    }
}
