//! Making sign-ins: from a proof, or in place of another one (step-up). See
//! `docs/sessions.md`, *Create* and *Step up*.

use std::ops::ControlFlow::Break;

use super::{Attempt, Created, Lifetimes, Over, Session, Sessions, access_end};
use crate::clock::{Clock as _, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::factor::Factor;
use crate::id::{SignInId, UserId};
use crate::session::AtCap;
use crate::store::{CreatedSignIn, EndReason, NewSignIn, SignIn};
use crate::token::{AccessToken, RefreshToken};

/// The longest user agent that is kept, in bytes: enough for a list of devices.
const MAX_AGENT: usize = 512;
/// The longest address that is kept, in bytes: an IPv6 address with a zone.
const MAX_ADDRESS: usize = 64;

/// A session to make from a proof.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose it is.
    pub user_id: UserId,
    /// The user's epoch that the proof was made under.
    pub epoch: i64,
    /// What was proved.
    pub factors: Vec<Factor>,
    /// The application's own data: a JSON object as text.
    pub attributes: String,
    /// Lifetimes shorter than configured.
    pub lifetimes: Lifetimes,
    /// User agent, cut to 512 bytes.
    pub agent: String,
    /// Client address, cut to 64 bytes.
    pub address: String,
    /// Another user's sign-in on the same browser, which ends as `replaced`.
    pub ends: Option<SignInId>,
}

/// What a user proved on top of a live sign-in. Attributes and lifetimes are copied from that one.
#[derive(Clone, Debug)]
pub struct StepUp {
    /// The user's epoch that the proof was made under.
    pub epoch: i64,
    /// What was proved now.
    pub factors: Vec<Factor>,
    /// True when the proof contains a full sign-in: then the absolute end starts anew.
    pub full: bool,
    /// User agent, cut to 512 bytes.
    pub agent: String,
    /// Client address, cut to 64 bytes.
    pub address: String,
}

impl Sessions {
    /// Makes a sign-in with its first session.
    ///
    /// # Errors
    /// - `InvalidArgument` for a lifetime beyond the configured one or attributes that are no JSON object.
    /// - `Unavailable` after three attempts; a sign-in that exists nevertheless has tokens that nobody has.
    pub async fn create(&self, new: NewSession, realm: &str) -> Result<Created> {
        let now = self.clock.now();
        let ttl = self.settings.lifetimes(new.lifetimes)?;
        check_attributes(&new.attributes)?;
        let made = self.draw(now)?;
        let row = SignIn {
            user_id: new.user_id,
            epoch: new.epoch,
            confirmed_at: Some(now),
            idle_expires_at: now.plus(ttl.idle),
            absolute_expires_at: now.plus(ttl.absolute),
            access_ttl: ttl.access,
            idle_ttl: ttl.idle,
            persistent: ttl.persistent,
            authenticated_at: newest(&new.factors).unwrap_or(now),
            factors: Factor::to_json(&Factor::united(&new.factors, &[])),
            attributes: new.attributes,
            agent: cut(new.agent, MAX_AGENT),
            address: cut(new.address, MAX_ADDRESS),
            replaces: None,
            ..made.row(new.user_id, now)
        };
        self.insert(row, new.ends, &made, realm).await
    }

    /// Makes a sign-in that takes the place of `old` when one of its tokens is first used. Until then the old one
    /// stays what it is; no token of it ever yields one of the new.
    ///
    /// # Errors
    /// `Unavailable` after three attempts; `Corrupt` when the old factors cannot be read.
    pub async fn step_up(&self, old: &Session, proof: StepUp) -> Result<Created> {
        let now = self.clock.now();
        let made = self.draw(now)?;
        let was = old.row();
        // As long as the old one was meant to live, from now on; never longer than configured, never shorter than it.
        let span = was
            .absolute_expires_at
            .since(was.created_at)
            .min(self.settings.absolute_ttl);
        let absolute_expires_at = if proof.full {
            was.absolute_expires_at.max(now.plus(span))
        } else {
            was.absolute_expires_at
        };
        let authenticated_at =
            newest(&proof.factors).map_or(was.authenticated_at, |at| at.max(was.authenticated_at));
        let row = SignIn {
            user_id: was.user_id,
            epoch: proof.epoch,
            confirmed_at: None,
            idle_expires_at: now.plus(was.idle_ttl),
            absolute_expires_at,
            access_ttl: was.access_ttl,
            idle_ttl: was.idle_ttl,
            persistent: was.persistent,
            authenticated_at,
            factors: Factor::to_json(&Factor::united(old.factors(), &proof.factors)),
            attributes: was.attributes.clone(),
            agent: cut(proof.agent, MAX_AGENT),
            address: cut(proof.address, MAX_ADDRESS),
            replaces: Some(was.id),
            ..made.row(was.user_id, now)
        };
        self.insert(row, None, &made, &old.user().realm).await
    }

    fn draw(&self, now: Timestamp) -> Result<Made> {
        let id = SignInId::generate(now, &*self.random)?;
        let refresh = RefreshToken::first(id, &*self.random)?;
        let access = refresh.access()?;
        Ok(Made { refresh, access })
    }

    async fn insert(
        &self,
        mut row: SignIn,
        ends: Option<SignInId>,
        made: &Made,
        realm: &str,
    ) -> Result<Created> {
        row.access_expires_at = access_end(&row, row.created_at);
        let new = NewSignIn {
            row,
            max_sign_ins: self.settings.max_sign_ins,
            evict: self.settings.at_cap == AtCap::Evict,
            ends,
        };
        let mut attempts = self.attempts();
        loop {
            // The same row each time: an insert whose answer was lost is found again by its id and hashes.
            match self.insert_once(&new, made, realm).await {
                Ok(Break(done)) => return Ok(done),
                again => attempts.begin_again(again)?,
            }
        }
    }

    async fn insert_once(&self, new: &NewSignIn, made: &Made, realm: &str) -> Attempt<Created> {
        let row = &new.row;
        // The lock decides; this look only keeps the hopeless from taking it, and gives the session its user.
        let user = self
            .store
            .user(row.user_id)
            .await?
            .filter(|user| user.realm == realm);
        let Some(user) = user else {
            return Ok(Break(Created::Refused));
        };
        if !user.accepts(row.epoch) {
            return Ok(Break(Created::Refused));
        }
        let evicted = match self.store.create_sign_in(new.clone()).await? {
            CreatedSignIn::Created(evicted) => evicted,
            CreatedSignIn::Refused => return Ok(Break(Created::Refused)),
            CreatedSignIn::CapReached => return Ok(Break(Created::CapReached)),
        };
        if let Some(old) = row.replaces
            && let Some(reason) = self.over(old, realm, row.created_at).await?
        {
            // Whoever ended the old one before our insert could not end this one with it: we do.
            let _: bool = self.end(row, reason, row.created_at).await?;
            return Ok(Break(Created::Refused));
        }
        let session = Session::issued(row.clone(), user, &made.access, Some(&made.refresh))?;
        Ok(Break(Created::Created { session, evicted }))
    }

    /// Why a sign-in is not live; `None`: it is.
    async fn over(&self, id: SignInId, realm: &str, now: Timestamp) -> Result<Option<EndReason>> {
        let over = match self.read(id, realm).await? {
            Some((row, user)) => row.why_not_live(&user, now),
            None => Some(Over::Expired),
        };
        Ok(over.map(|over| match over {
            Over::Ended(reason) => reason,
            Over::Expired => EndReason::Ended,
        }))
    }
}

/// The tokens of generation 0.
struct Made {
    refresh: RefreshToken,
    access: AccessToken,
}

impl Made {
    /// What every new row has: hashes, times, generation 0.
    fn row(&self, user_id: UserId, now: Timestamp) -> SignIn {
        SignIn {
            id: self.refresh.id(),
            user_id,
            epoch: 0,
            generation: 0,
            family_hash: self.refresh.family_hash(),
            salt: None,
            refresh_hash: Some(self.refresh.hash()),
            access_hash: Some(self.access.hash()),
            access_expires_at: now,
            previous_refresh_hash: None,
            previous_access_hash: None,
            previous_access_expires_at: None,
            confirmed_at: None,
            idle_expires_at: now,
            absolute_expires_at: now,
            access_ttl: std::time::Duration::ZERO,
            idle_ttl: std::time::Duration::ZERO,
            persistent: false,
            authenticated_at: now,
            factors: String::new(),
            attributes: String::new(),
            version: 1,
            agent: String::new(),
            address: String::new(),
            replaces: None,
            created_at: now,
            last_seen_at: now,
            ended_at: None,
            end_reason: None,
        }
    }
}

fn newest(factors: &[Factor]) -> Option<Timestamp> {
    factors.iter().map(|factor| factor.at).max()
}

fn check_attributes(text: &str) -> Result<()> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(
            ErrorKind::InvalidArgument,
            "`attributes` must be a JSON object",
        )),
    }
}

/// At most `max` bytes of a text, cut between characters.
fn cut(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}
