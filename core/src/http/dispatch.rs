//! Which function does what an endpoint is for.

use super::problem::{Failure, Problem};
use super::table::Endpoint;
use super::turn::{Done, Turn};
use super::{account, entry, letters, session, site};
use crate::error::ErrorKind;

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
            Endpoint::ClientScript => Ok(site::file(self, "text/javascript", site::SCRIPT)),
            Endpoint::ClientTypes => Ok(site::file(self, "text/plain", site::TYPES)),
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
}
