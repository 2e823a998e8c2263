//! Sign-out by either token, even an expired one. See `docs/sessions.md`, *Ends*.

use std::ops::ControlFlow::{Break, Continue};

use super::{Attempt, Ended, Over, SessionEnd, Sessions, rules};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::SignInId;
use crate::store::{EndReason, SignIn};
use crate::token::{AccessToken, RefreshToken};

impl Sessions {
    /// Signs out by the current or previous access token, even if expired.
    ///
    /// # Errors
    /// `Unavailable` after three attempts: the sign-in may still be live.
    pub async fn end_by_access(&self, token: &AccessToken, realm: &str) -> Result<SessionEnd> {
        self.sign_out(token.id(), realm, |row| rules::is_access_of(row, token))
            .await
    }

    /// Signs out by a refresh token of any generation. Never counts as reuse.
    ///
    /// # Errors
    /// `Unavailable` after three attempts: the sign-in may still be live.
    pub async fn end_by_refresh(&self, token: &RefreshToken, realm: &str) -> Result<SessionEnd> {
        self.sign_out(token.id(), realm, |row| rules::is_of_family(row, token))
            .await
    }

    async fn sign_out(
        &self,
        id: SignInId,
        realm: &str,
        owned: impl Fn(&SignIn) -> bool + Send + Sync,
    ) -> Result<SessionEnd> {
        let mut attempts = self.attempts();
        let mut tried = false;
        loop {
            match self
                .sign_out_once(id, realm, &owned, attempts.now, &mut tried)
                .await
            {
                Ok(Break(done)) => return Ok(done),
                again => attempts.begin_again(again)?,
            }
        }
    }

    async fn sign_out_once(
        &self,
        id: SignInId,
        realm: &str,
        owned: &(impl Fn(&SignIn) -> bool + Send + Sync),
        now: Timestamp,
        tried: &mut bool,
    ) -> Attempt<SessionEnd> {
        let Some((mut row, user)) = self.read(id, realm).await? else {
            return Ok(Break(SessionEnd::Invalid));
        };
        let over = row.why_not_live(&user, now);
        if *tried && over == Some(Over::Ended(EndReason::SignedOut)) {
            // Our own end, whose answer was lost; the hashes that proved the token went with it.
            return Ok(Break(SessionEnd::Ended(Ended::of(&row, EndReason::SignedOut))));
        }
        if !owned(&row) {
            return Ok(Break(SessionEnd::Invalid));
        }
        if row.ended_at.is_some() {
            return Ok(Break(SessionEnd::NotLive));
        }
        // Signing out is a use too: a person who signs out of a step-up does not stay signed in by what it replaces.
        if over.is_none() && row.is_pending() && !self.confirm(&mut row, now).await? {
            return Ok(Continue(()));
        }
        *tried = true;
        let ended = self.end(&row, EndReason::SignedOut, now).await?;
        Ok(match (ended, over) {
            (true, None) => Break(SessionEnd::Ended(Ended::of(&row, EndReason::SignedOut))),
            (_, Some(_)) => Break(SessionEnd::NotLive),
            (false, None) => Continue(()),
        })
    }
}
