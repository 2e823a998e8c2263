//! Proofs: opaque values that only the core makes. They live in the process that made them, at most 10 minutes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::factor::Factor;
use crate::id::{SignInId, UserId};

/// How long a proof is worth anything.
pub(crate) const PROOF_TTL: Duration = Duration::from_mins(10);

/// This user, these factors with their times, under this session epoch.
///
/// Made by [`authenticate`](crate::Auth::authenticate) and its like, good for one session; or taken from a session
/// ([`session_proof`](crate::Auth::session_proof)), good for sensitive operations only. Clones share their one use.
#[derive(Clone)]
pub struct Proof(Arc<Inner>);

struct Inner {
    /// Which context, of which process: a proof is worth nothing elsewhere.
    issuer: Issuer,
    realm: String,
    user_id: UserId,
    epoch: i64,
    factors: Vec<Factor>,
    made_at: Timestamp,
    origin: ProofOrigin,
    spent: AtomicBool,
}

/// The context and process that made a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Issuer {
    pub(crate) context: u64,
    pub(crate) process: u32,
}

/// Where a proof comes from, which says what it is good for besides sensitive operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofOrigin {
    /// A whole sign-in was verified just now: it makes one session.
    Credentials,
    /// A session that was validated: it makes none.
    Session(SignInId),
    /// A further factor was verified in a live session: it makes that session's successor, and no other.
    StepUp(SignInId),
}

/// What goes into a proof.
pub(crate) struct NewProof {
    pub(crate) issuer: Issuer,
    pub(crate) realm: String,
    pub(crate) user_id: UserId,
    pub(crate) epoch: i64,
    pub(crate) factors: Vec<Factor>,
    pub(crate) made_at: Timestamp,
    pub(crate) origin: ProofOrigin,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof")
            .field("user_id", &self.0.user_id)
            .finish_non_exhaustive()
    }
}

impl Proof {
    pub(crate) fn new(new: NewProof) -> Self {
        let NewProof {
            issuer,
            realm,
            user_id,
            epoch,
            factors,
            made_at,
            origin,
        } = new;
        let spent = AtomicBool::new(false);
        Self(Arc::new(Inner {
            issuer,
            realm,
            user_id,
            epoch,
            factors,
            made_at,
            origin,
            spent,
        }))
    }

    /// Whose it is.
    pub fn user_id(&self) -> UserId {
        self.0.user_id
    }

    /// The factors it holds, with their times.
    pub fn factors(&self) -> &[Factor] {
        &self.0.factors
    }

    /// What it is for: `sign_in` makes one session, `step_up` the successor of the session it was made in, `session` none:
    /// it came from a session, and is for sensitive operations.
    pub fn purpose(&self) -> &'static str {
        match self.0.origin {
            ProofOrigin::Credentials => "sign_in",
            ProofOrigin::Session(_) => "session",
            ProofOrigin::StepUp(_) => "step_up",
        }
    }

    pub(crate) fn epoch(&self) -> i64 {
        self.0.epoch
    }

    pub(crate) fn origin(&self) -> ProofOrigin {
        self.0.origin
    }

    /// The session it was taken from, or made in.
    pub(crate) fn sign_in_id(&self) -> Option<SignInId> {
        match self.0.origin {
            ProofOrigin::Session(id) | ProofOrigin::StepUp(id) => Some(id),
            ProofOrigin::Credentials => None,
        }
    }

    /// Checks that the proof was made here and is young enough.
    pub(crate) fn check(&self, issuer: Issuer, realm: &str, now: Timestamp) -> Result<()> {
        let required = |message: &str| Err(Error::new(ErrorKind::ProofRequired, message));
        if self.0.issuer != issuer {
            return required("the proof was made by another process or context: authenticate here");
        }
        if self.0.realm != realm {
            return required("the proof is of another realm");
        }
        if now.since(self.0.made_at) > PROOF_TTL {
            return required("the proof is older than 10 minutes: authenticate again");
        }
        Ok(())
    }

    /// The factors that are younger than `max_age`.
    pub(crate) fn fresh(&self, now: Timestamp, max_age: Duration) -> Vec<Factor> {
        let fresh = self
            .0
            .factors
            .iter()
            .filter(|factor| now.since(factor.at) < max_age);
        fresh.cloned().collect()
    }

    /// Checks that some factor is younger than `max_age`: the proof is *fresh*.
    pub(crate) fn check_fresh(&self, now: Timestamp, max_age: Duration) -> Result<()> {
        if self.0.factors.iter().any(|factor| now.since(factor.at) < max_age) {
            return Ok(());
        }
        Err(Error::step_up(
            max_age,
            &[],
            format!(
                "the proof has no factor younger than {} s (`policy.step_up_max_age`): authenticate again",
                max_age.as_secs()
            ),
        ))
    }

    /// The same proof, not yet given to anybody, with these factors.
    pub(crate) fn with_factors(self, factors: Vec<Factor>) -> Self {
        Self::new(NewProof {
            issuer: self.0.issuer,
            realm: self.0.realm.clone(),
            user_id: self.0.user_id,
            epoch: self.0.epoch,
            factors,
            made_at: self.0.made_at,
            origin: self.0.origin,
        })
    }

    /// Takes the proof's one session. False: it was taken already.
    pub(crate) fn spend(&self) -> bool {
        !self.0.spent.swap(true, Ordering::SeqCst)
    }

    /// Gives the one session back after a failure that made none.
    pub(crate) fn give_back(&self) {
        self.0.spent.store(false, Ordering::SeqCst);
    }
}
