//! The session protocol: create, step up, validate, refresh, end. Design section 4, which this module follows by number.
//!
//! ```text
//! create ──► generation 0 ──refresh──► generation 1 ──refresh──► …        each: one access and one refresh token
//!                 └─step up──► another sign-in, pending until first used; that use ends the one it replaces
//! ```
//!
//! The row of a sign-in is the only state, and it changes only by conditional writes whose winner the store states.
//! The rules themselves are pure functions (`rules.rs`); here they meet the store. `now` is taken once, on entry, and
//! kept through every attempt; an attempt that lost a race begins again at rule 1 with what the row says then.
//!
//! There is no switch in here that makes the protocol wrong. Tests plant their bugs around it: a store that forgets
//! an end, ignores the condition of an update or loses a reply, a grace of zero, a clock that jumps. So nothing of a
//! planted bug can ever be in a release.

mod answer;
mod create;
mod rules;
mod settings;
mod view;

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

pub use answer::{Created, Ended, Refreshed, SessionEnd, Standing, Validated};
pub use create::{NewSession, StepUp};
pub use rules::Over;
pub use settings::{AtCap, Lifetimes, SessionSettings};
pub use view::Session;

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::id::SignInId;
use crate::rng::{self, Random};
use crate::store::{Advance, EndReason, Ends, Extend, SignIn, Store, Touch, User};
use crate::token::{AccessToken, RefreshToken};
use rules::{AccessVerdict, Verdict};

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
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: SessionSettings,
}

impl Sessions {
    /// Sessions over these ports. `clock` is the one that all processes share: a
    /// [`CorrectedClock`](crate::clock::CorrectedClock) where the database has a clock of its own.
    ///
    /// # Errors
    /// `Configuration`, as [`SessionSettings::check`].
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
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
        let grace = self.settings.grace;
        let Some((mut row, mut user)) = self.read(token.id(), realm).await? else {
            return Ok(Break(Refreshed::Invalid));
        };
        let mut verdict = rules::judge(&row, &user, token, now, grace);
        if verdict == Verdict::Forked {
            // That history forked is believed only when a second look at the primary shows it too.
            let Some(again) = self.read(token.id(), realm).await? else {
                return Ok(Break(Refreshed::Invalid));
            };
            (row, user) = again;
            verdict = rules::judge(&row, &user, token, now, grace);
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

    /// Says whose session an access token is, and confirms its generation at the first use.
    ///
    /// # Errors
    /// `Unavailable` after three attempts: never a sign-out. `Corrupt` for a damaged row.
    pub async fn validate(&self, token: &AccessToken, realm: &str) -> Result<Validated> {
        let mut attempts = self.attempts();
        loop {
            match self.validate_once(token, realm, attempts.now).await {
                Ok(Break(done)) => return Ok(done),
                again => attempts.begin_again(again)?,
            }
        }
    }

    async fn validate_once(&self, token: &AccessToken, realm: &str, now: Timestamp) -> Attempt<Validated> {
        let Some((mut row, user)) = self.read(token.id(), realm).await? else {
            return Ok(Break(Validated::Invalid));
        };
        match rules::judge_access(&row, &user, token, now, self.settings.grace) {
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
        self.seen(&row, now);
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
        let mut attempts = self.attempts();
        loop {
            match self.read(token.id(), realm).await {
                Ok(None) => return Ok(Standing::Unknown),
                Ok(Some((row, user))) => {
                    let verdict = rules::judge(&row, &user, token, attempts.now, self.settings.grace);
                    return Ok(Standing::of(verdict));
                }
                Err(error) => attempts.begin_again::<()>(Err(error))?,
            }
        }
    }

    /// The live session of a refresh token that would be good for a refresh; without any write and without tokens.
    ///
    /// # Errors
    /// `Unavailable` after three attempts.
    pub async fn held(&self, token: &RefreshToken, realm: &str) -> Result<Option<Session>> {
        let mut attempts = self.attempts();
        loop {
            match self.read(token.id(), realm).await {
                Ok(None) => return Ok(None),
                Ok(Some((row, user))) => {
                    let verdict = rules::judge(&row, &user, token, attempts.now, self.settings.grace);
                    if Standing::of(verdict) != Standing::Refreshable {
                        return Ok(None);
                    }
                    let generation = row.generation;
                    return Session::validated(row, user, generation).map(Some);
                }
                Err(error) => attempts.begin_again::<()>(Err(error))?,
            }
        }
    }

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
        let over = rules::over(&row, &user, now);
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

    fn attempts(&self) -> Attempts<'_> {
        Attempts {
            sessions: self,
            now: self.clock.now(),
            left: ATTEMPTS,
        }
    }
}

/// When an access token issued now ends.
fn access_end(row: &SignIn, now: Timestamp) -> Timestamp {
    now.plus(row.access_ttl).min(row.absolute_expires_at)
}

fn corrupt(row: &SignIn) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("the salt of sign-in {} does not lead to its hashes", row.id),
    )
}

/// The attempts at one operation: three at most, all with the same `now`, none begun after the store deadline.
struct Attempts<'a> {
    sessions: &'a Sessions,
    now: Timestamp,
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
        let spent = self.sessions.clock.now().since(self.now);
        if self.left > 0 && spent < self.sessions.settings.store_deadline {
            return Ok(());
        }
        let error = Error::new(
            ErrorKind::Unavailable,
            "the session could not be read or written in time: try again, nobody was signed out",
        );
        Err(match failed {
            Some(failed) => error.caused_by(failed),
            None => error,
        })
    }
}
