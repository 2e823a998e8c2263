//! One request at its endpoint: what it was given, and what every endpoint may ask of it.

use serde_json::Value;

use super::body::Given;
use super::problem::{Failure, Problem};
use super::table::{Endpoint, Route};
use super::target::Target;
use super::{account, answer, entry, letters, session, site};
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
    /// Does what the endpoint is for.
    pub(super) async fn take(&self) -> Result<Done, Failure> {
        match self.act().await {
            // How young a proof has to be is a setting, which the client cannot know.
            Err(Failure::Problem(mut refused)) if refused.code == "proof_required" => {
                if !refused.more.contains_key("what") {
                    let max_age = self.auth.step_up_max_age().as_secs();
                    refused.more.insert("max_age".into(), max_age.into());
                }
                Err(Failure::Problem(refused))
            }
            done => done,
        }
    }

    async fn act(&self) -> Result<Done, Failure> {
        if !self.is_open() {
            return Err(Problem::new(ErrorKind::NotFound)
                .saying(format!("`{}` is not open here", self.route.setting))
                .into());
        }
        match self.route.does {
            Endpoint::Config => site::config(self).await,
            Endpoint::Session => session::ask(self).await,
            Endpoint::Refresh => session::refresh(self).await,
            Endpoint::Resume => session::resume(self).await,
            Endpoint::SignIn => entry::sign_in(self).await,
            Endpoint::SignUp => entry::sign_up(self).await,
            Endpoint::Continue => entry::go_on(self).await,
            Endpoint::StepUp => entry::step_up(self).await,
            Endpoint::Start => entry::start(self).await,
            Endpoint::Callback => entry::callback(self).await,
            Endpoint::CallbackPost => Err(Problem::new(ErrorKind::Internal).into()),
            Endpoint::Page => Ok(site::page(self)),
            Endpoint::SignOut => session::sign_out(self).await,
            Endpoint::Sessions => session::list(self).await,
            Endpoint::EndSession | Endpoint::EndSessionForm => session::end(self).await,
            Endpoint::Methods => account::methods(self).await,
            Endpoint::Enroll => account::enroll(self).await,
            Endpoint::Rename => account::rename(self).await,
            Endpoint::Remove | Endpoint::RemoveForm => account::remove(self).await,
            Endpoint::Link => account::link(self).await,
            Endpoint::LinkClaim => account::link_claim(self).await,
            Endpoint::Unlink => account::unlink(self).await,
            Endpoint::Password => account::password(self).await,
            Endpoint::Identifier => account::identifier(self).await,
            Endpoint::IdentifierConfirm => letters::identifier_confirm(self).await,
            Endpoint::Recover => letters::recover(self).await,
            Endpoint::RecoverFinish => letters::recover_finish(self).await,
            Endpoint::Verify => letters::verify(self).await,
            Endpoint::VerifyFinish => letters::verify_finish(self).await,
            Endpoint::PeekToken => letters::peek(self).await,
            Endpoint::ChangeUser | Endpoint::ChangeUserForm => account::change_user(self).await,
            Endpoint::DeleteUser => account::delete_user(self).await,
            Endpoint::ExportUser => account::export_user(self).await,
            Endpoint::Document => Ok(site::document(self)),
            Endpoint::ChangePassword => Ok(site::change_password(self)),
            Endpoint::PasskeyEndpoints => site::passkey_endpoints(self),
        }
    }

    /// Whether the setting that opens the endpoint does.
    fn is_open(&self) -> bool {
        let settings = self.auth.http_settings();
        match self.route.setting {
            "http.sign_up" => settings.sign_up,
            "http.user_delete" => settings.user_delete,
            "http.user_export" => settings.user_export,
            "http.well_known" => settings.well_known,
            _ => true,
        }
    }

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
