//! The session protocol: create, step up, validate, refresh, end. This module follows `docs/sessions.md` by its
//! numbers.
//!
//! ```text
//! create ──► generation 0 ──refresh──► generation 1 ──refresh──► …        each: one access and one refresh token
//!                 └─step up──► another sign-in, pending until first used; that use ends the one it replaces
//! ```
//!
//! The row of a sign-in is the only state, and it changes only by conditional writes whose winner the store states.
//! The rules themselves are pure functions (`rules.rs`); `create.rs`, `refresh.rs`, `end.rs` and this file drive them
//! against the store. `now` is taken once, on entry, and kept through every attempt; an attempt that lost a race
//! begins again at rule 1 with what the row says then.
//!
//! There is no switch in here that makes the protocol wrong. Tests plant their bugs around it: a store that forgets
//! an end, ignores the condition of an update or loses a reply, a grace of zero, a clock that jumps. So nothing of a
//! planted bug can ever be in a release.

mod answer;
mod create;
mod end;
mod refresh;
mod rules;
mod settings;
mod view;

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

pub use answer::{Created, Ended, Refreshed, SessionEnd, Standing, Use, Validated};
pub use create::{NewSession, StepUp};
pub use settings::{AtCap, Lifetimes, SessionSettings};
pub use view::{Session, SharedSession};

pub use crate::store::Over;

use crate::clock::{Clock, CorrectedClock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SignInId;
use crate::rng::Random;
use crate::store::{EndReason, Ends, SignIn, Store, Touch, User};
use crate::token::{AccessToken, RefreshToken};
use rules::{AccessVerdict, Moment, Verdict};

/// How often an operation begins again before it is *unavailable*.
const ATTEMPTS: u32 = 3;
/// Idle end and `last_seen_at` move at most once per this fraction of the idle lifetime.
const SEEN_FRACTION: u32 = 20;

/// One attempt at an operation: done, or to begin again at rule 1.
type Attempt<T> = Result<ControlFlow<T>>;

/// The sign-ins of one database. Safe from many threads; every method is one operation of the protocol.
///
/// Each takes the realm it is called in: a sign-in whose user is of another realm does not exist there.
pub struct Sessions {
    store: Arc<dyn Store>,
    clock: Arc<CorrectedClock>,
    random: Arc<dyn Random>,
    settings: SessionSettings,
}

impl Sessions {
    /// Sessions over these ports. `clock` is the one that all processes share.
    ///
    /// # Errors
    /// `Configuration`, as [`SessionSettings::check`].
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<CorrectedClock>,
        random: Arc<dyn Random>,
        settings: SessionSettings,
    ) -> Result<Self> {
        settings.check()?;
        Ok(Self {
            store,
            clock,
            random,
            settings,
        })
    }

    /// The settings in force.
    pub fn settings(&self) -> &SessionSettings {
        &self.settings
    }

    /// Says whose session an access token is, and confirms its generation at the first use.
    ///
    /// # Errors
    /// `Unavailable` after three attempts: never a sign-out. `Corrupt` for a damaged row.
    pub async fn validate(&self, token: &AccessToken, realm: &str) -> Result<Validated> {
        self.validate_for(token, realm, Use::Counts).await
    }

    /// The same judgement, of a use that counts or of one that does not: a page that only asks who is signed in keeps
    /// nobody's sign-in from ending by idleness.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub async fn validate_for(&self, token: &AccessToken, realm: &str, used: Use) -> Result<Validated> {
        let mut attempts = self.attempts();
        loop {
            match self.validate_once(token, realm, used, attempts.now).await {
                Ok(Break(done)) => return Ok(done),
                again => attempts.begin_again(again)?,
            }
        }
    }

    async fn validate_once(
        &self,
        token: &AccessToken,
        realm: &str,
        counts: Use,
        now: Timestamp,
    ) -> Attempt<Validated> {
        let Some((mut row, user)) = self.read(token.id(), realm).await? else {
            return Ok(Break(Validated::Invalid));
        };
        match rules::judge_access(&row, &user, token, self.moment(now)) {
            AccessVerdict::Current => {
                if row.confirmed_at.is_none() && !self.confirm(&mut row, now).await? {
                    return Ok(Continue(()));
                }
            }
            // The holder has not got the current generation yet, so this confirms nothing.
            AccessVerdict::Previous => {}
            AccessVerdict::Expired => return Ok(Break(Validated::Expired)),
            AccessVerdict::Invalid => return Ok(Break(Validated::Invalid)),
        }
        if counts == Use::Counts {
            self.seen(&row, now);
        }
        Ok(Break(Validated::Accepted(Session::validated(
            row,
            user,
            token.generation(),
        )?)))
    }

    /// The first acceptance of a generation. Waits only where it also ends what the row replaces. False: the row
    /// moved on or ended.
    async fn confirm(&self, row: &mut SignIn, now: Timestamp) -> Result<bool> {
        if row.replaces.is_some() {
            if !self.store.confirm(row.id, row.generation, now).await? {
                return Ok(false);
            }
        } else {
            self.store.touch(Touch::Confirm {
                id: row.id,
                generation: row.generation,
                at: now,
            });
        }
        row.confirmed_at = Some(now);
        Ok(true)
    }

    /// Says, without any write, what a refresh token is good for: for a request whose access token is not accepted.
    ///
    /// # Errors
    /// `Unavailable` after three attempts.
    pub async fn standing(&self, token: &RefreshToken, realm: &str) -> Result<Standing> {
        let found = self.look(token, realm).await?;
        Ok(found.map_or(Standing::Unknown, |(verdict, ..)| Standing::of(verdict)))
    }

    /// The live session of a refresh token that would be good for a refresh; without any write and without tokens.
    ///
    /// # Errors
    /// `Unavailable` after three attempts; `Corrupt` for a damaged row.
    pub async fn held(&self, token: &RefreshToken, realm: &str) -> Result<Option<Session>> {
        match self.look(token, realm).await? {
            Some((verdict, row, user)) if Standing::of(verdict) == Standing::Refreshable => {
                let generation = row.generation;
                Session::validated(row, user, generation).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Judges a refresh token and does nothing about it.
    async fn look(&self, token: &RefreshToken, realm: &str) -> Result<Option<(Verdict, SignIn, User)>> {
        let mut attempts = self.attempts();
        loop {
            match self.read(token.id(), realm).await {
                Ok(found) => {
                    let judge = |(row, user)| {
                        let verdict = rules::judge(&row, &user, token, self.moment(attempts.now));
                        (verdict, row, user)
                    };
                    return Ok(found.map(judge));
                }
                Err(error) => attempts.begin_again::<()>(Err(error))?,
            }
        }
    }

    /// Ends one sign-in. False: it had been ended already. A pending step-up is ended without being counted.
    async fn end(&self, row: &SignIn, reason: EndReason, now: Timestamp) -> Result<bool> {
        let ended = self
            .store
            .end(Ends::One(row.user_id, row.id), reason, now)
            .await?;
        Ok(ended > 0 || row.is_pending())
    }

    /// The row joined to its user, from the primary.
    async fn read(&self, id: SignInId, realm: &str) -> Result<Option<(SignIn, User)>> {
        let found = self.store.sign_in(id).await?;
        Ok(found.filter(|(_, user)| user.realm == realm))
    }

    /// Notes a use, coarsely and in nobody's way.
    fn seen(&self, row: &SignIn, now: Timestamp) {
        if now >= row.last_seen_at.plus(row.idle_ttl / SEEN_FRACTION) {
            self.store.touch(Touch::Seen {
                id: row.id,
                at: now,
                idle_expires_at: now.plus(row.idle_ttl),
            });
        }
    }

    /// The moment at which an attempt judges.
    fn moment(&self, now: Timestamp) -> Moment {
        let grace = self.settings.grace;
        Moment {
            now,
            grace,
            stepped: self.clock.stepped_within(grace),
        }
    }

    /// Measures the clock anew where the database has one: before anything is judged a replay.
    async fn measure(&self) -> Result<()> {
        if self.clock.is_corrected() {
            let before = self.clock.boot();
            let theirs = self.store.clock().await?;
            self.clock.correct(before, theirs, self.clock.boot());
        }
        Ok(())
    }

    fn attempts(&self) -> Attempts<'_> {
        Attempts {
            sessions: self,
            now: self.clock.now(),
            began_at: self.clock.boot(),
            left: ATTEMPTS,
        }
    }
}

/// When an access token issued now ends.
fn access_end(row: &SignIn, now: Timestamp) -> Timestamp {
    now.plus(row.access_ttl).min(row.absolute_expires_at)
}

/// The attempts at one operation: three at most, all with the same `now`, none begun after the store deadline.
struct Attempts<'a> {
    sessions: &'a Sessions,
    now: Timestamp,
    /// By the clock that nobody sets.
    began_at: Duration,
    left: u32,
}

impl Attempts<'_> {
    /// Takes note of an attempt that did not finish.
    fn begin_again<T>(&mut self, attempt: Attempt<T>) -> Result<()> {
        let failed = match attempt {
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::Unavailable => Some(error),
            Err(error) => return Err(error),
        };
        self.left -= 1;
        let spent = self.sessions.clock.boot().saturating_sub(self.began_at);
        if self.left > 0 && spent < self.sessions.settings.store_deadline {
            return Ok(());
        }
        let message = "the session could not be read or written in time: try again, nobody was signed out";
        let error = match failed.as_ref().and_then(Error::what) {
            Some(what) => Error::unavailable(what, message),
            None => Error::new(ErrorKind::Unavailable, message),
        };
        Err(match failed {
            Some(failed) => error.caused_by(failed),
            None => error,
        })
    }
}
