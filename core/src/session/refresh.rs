//! Refresh: the exchange of a refresh token, by the six rules of `docs/sessions.md`.

use std::ops::ControlFlow::{Break, Continue};

use super::rules::{self, Verdict};
use super::{Attempt, Ended, Over, Refreshed, Session, Sessions, access_end};
use crate::clock::{Clock as _, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::rng;
use crate::store::{Advance, EndReason, Extend, SignIn, User};
use crate::token::RefreshToken;

impl Sessions {
    /// Exchanges a refresh token for the next session, or gives the current one while it is settling.
    ///
    /// # Errors
    /// `Unavailable` after three attempts: nobody is signed out by it, the same token may be tried again. `Corrupt`
    /// for a damaged row.
    pub async fn refresh(&self, token: &RefreshToken, realm: &str) -> Result<Refreshed> {
        let mut attempts = self.attempts();
        let mut tried_end = None;
        loop {
            match self
                .refresh_once(token, realm, attempts.now, &mut tried_end)
                .await
            {
                Ok(Break(done)) => return Ok(done),
                again => attempts.begin_again(again)?,
            }
        }
    }

    async fn refresh_once(
        &self,
        token: &RefreshToken,
        realm: &str,
        now: Timestamp,
        tried_end: &mut Option<EndReason>,
    ) -> Attempt<Refreshed> {
        let Some((mut row, mut user)) = self.read(token.id(), realm).await? else {
            return Ok(Break(Refreshed::Invalid));
        };
        let mut now = now;
        let mut verdict = rules::judge(&row, &user, token, self.moment(now));
        if matches!(verdict, Verdict::Forked | Verdict::Replay) {
            // A replay is believed only by a clock that was measured after it showed: the machine's may have been set.
            if verdict == Verdict::Replay {
                self.measure().await?;
                now = self.clock.now();
            }
            // That history forked is believed only when a second look at the primary shows it too.
            let Some(again) = self.read(token.id(), realm).await? else {
                return Ok(Break(Refreshed::Invalid));
            };
            (row, user) = again;
            verdict = rules::judge(&row, &user, token, self.moment(now));
        }
        match verdict {
            Verdict::SignedOut(Some(Over::Ended(reason))) if *tried_end == Some(reason) => {
                // Our own end, whose answer was lost.
                Ok(Break(Refreshed::Ended(Ended::of(&row, reason))))
            }
            Verdict::SignedOut(over) => Ok(Break(Refreshed::SignedOut(over))),
            Verdict::Same => self.same(token, row, user, now).await,
            Verdict::Exchange => self.exchange(token, row, user, now).await,
            Verdict::Successor => self.successor(token, row, user, now).await,
            Verdict::Replay => self.end_found(&row, EndReason::TokenReuse, now, tried_end).await,
            Verdict::Forked => {
                self.end_found(&row, EndReason::RollbackDetected, now, tried_end)
                    .await
            }
            Verdict::Invalid => Ok(Break(Refreshed::Invalid)),
        }
    }

    /// Rule 2, settling: the same session; this use confirms it.
    async fn same(
        &self,
        token: &RefreshToken,
        mut row: SignIn,
        user: User,
        now: Timestamp,
    ) -> Attempt<Refreshed> {
        let access = token.access()?;
        if !self.extend(&mut row, token, Some(now), now).await? {
            return Ok(Continue(()));
        }
        Ok(Break(Refreshed::Current(Session::issued(
            row, user, &access, None,
        )?)))
    }

    /// Rule 3: the successor that was made already. This use does not confirm it: its reply may be lost again.
    async fn successor(
        &self,
        token: &RefreshToken,
        mut row: SignIn,
        user: User,
        now: Timestamp,
    ) -> Attempt<Refreshed> {
        let Some(salt) = row.salt else {
            return Err(corrupt(&row));
        };
        let next = token.successor(&salt)?;
        if row.refresh_hash != Some(next.hash()) {
            return Err(corrupt(&row));
        }
        if !self.extend(&mut row, &next, None, now).await? {
            return Ok(Continue(()));
        }
        let access = next.access()?;
        Ok(Break(Refreshed::Repeated(Session::issued(
            row,
            user,
            &access,
            Some(&next),
        )?)))
    }

    /// Rule 2, settled: the one conditional update that moves the row on. Who wins it made the successor; who does
    /// not begins again and finds it by rule 3.
    async fn exchange(
        &self,
        token: &RefreshToken,
        mut row: SignIn,
        user: User,
        now: Timestamp,
    ) -> Attempt<Refreshed> {
        let salt = rng::bytes(&*self.random)?;
        let next = token.successor(&salt)?;
        let access = next.access()?;
        let advance = Advance {
            id: row.id,
            from: row.generation,
            from_refresh_hash: token.hash(),
            salt,
            refresh_hash: next.hash(),
            access_hash: access.hash(),
            access_expires_at: access_end(&row, now),
            idle_expires_at: now.plus(row.idle_ttl),
            now,
        };
        if !self.store.advance(advance).await? {
            return Ok(Continue(()));
        }
        row.generation = next.generation();
        row.access_expires_at = access_end(&row, now);
        row.idle_expires_at = row.idle_expires_at.max(now.plus(row.idle_ttl));
        row.last_seen_at = row.last_seen_at.max(now);
        row.confirmed_at = None;
        row.replaces = None;
        Ok(Break(Refreshed::Next(Session::issued(
            row,
            user,
            &access,
            Some(&next),
        )?)))
    }

    /// Extends the current generation's access token, as part of an exchange. False: the row moved on or ended.
    async fn extend(
        &self,
        row: &mut SignIn,
        current: &RefreshToken,
        confirm: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool> {
        let confirm = confirm.filter(|_| row.confirmed_at.is_none());
        row.access_expires_at = row.access_expires_at.max(access_end(row, now));
        let extend = Extend {
            id: row.id,
            generation: row.generation,
            refresh_hash: current.hash(),
            access_expires_at: row.access_expires_at,
            confirm,
        };
        if !self.store.extend(extend).await? {
            return Ok(false);
        }
        row.confirmed_at = row.confirmed_at.or(confirm);
        self.seen(row, now);
        Ok(true)
    }

    /// Rules 4 and 5: the sign-in ends.
    async fn end_found(
        &self,
        row: &SignIn,
        reason: EndReason,
        now: Timestamp,
        tried_end: &mut Option<EndReason>,
    ) -> Attempt<Refreshed> {
        *tried_end = Some(reason);
        let ended = self.end(row, reason, now).await?;
        // Somebody ended it before us: the next look says why.
        Ok(if ended {
            Break(Refreshed::Ended(Ended::of(row, reason)))
        } else {
            Continue(())
        })
    }
}

fn corrupt(row: &SignIn) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("the salt of sign-in {} does not lead to its hashes", row.id),
    )
}
