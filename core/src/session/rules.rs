//! The rules of the session protocol as pure functions of row, token and time: `docs/sessions.md`, rule
//! by rule.

use std::cmp::Ordering;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::secret;
use crate::store::{Hash, Over, SignIn, User};
use crate::token::{AccessToken, RefreshToken};

/// What a refresh token is, in the face of the row it names. The numbers are those of `docs/sessions.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// 1: the row is not live; the reason, for who proves the family.
    SignedOut(Option<Over>),
    /// 2, settling: the same session once more.
    Same,
    /// 2: to be exchanged.
    Exchange,
    /// 3: the successor was made and its reply may be lost: the same successor once more.
    Successor,
    /// 4: used after its successor.
    Replay,
    /// 5: issued by us and unknown to the row: the database went back in time.
    Forked,
    /// 6: not ours.
    Invalid,
}

/// When something is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) grace: Duration,
    /// The clock stepped less than a grace ago: how long ago a stored moment was is not known.
    pub(super) stepped: bool,
}

/// Judges a refresh token.
pub(super) fn judge(row: &SignIn, user: &User, token: &RefreshToken, at: Moment) -> Verdict {
    let family = is_of_family(row, token);
    if let Some(over) = row.why_not_live(user, at.now) {
        return Verdict::SignedOut(family.then_some(over));
    }
    if !family {
        return Verdict::Invalid;
    }
    let settling = is_settling(row, at);
    match token.generation().cmp(&row.generation) {
        Ordering::Equal if is(token.hash(), row.refresh_hash) => match (settling, row.generation) {
            (true, _) => Verdict::Same,
            // There is no generation after the last: an absolute end.
            (false, u32::MAX) => Verdict::SignedOut(Some(Over::Expired)),
            (false, _) => Verdict::Exchange,
        },
        Ordering::Less if (settling || at.stepped) && is_previous(row, token) => Verdict::Successor,
        Ordering::Less => Verdict::Replay,
        Ordering::Equal | Ordering::Greater => Verdict::Forked,
    }
}

/// What an access token is, in the face of the row it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessVerdict {
    /// Accepted; its use confirms the generation.
    Current,
    /// Accepted until the current generation has settled.
    Previous,
    /// Ours, of a live row, not accepted any more: the refresh token may still do.
    Expired,
    /// Anything else.
    Invalid,
}

/// Judges an access token.
pub(super) fn judge_access(row: &SignIn, user: &User, token: &AccessToken, at: Moment) -> AccessVerdict {
    if !row.is_live(user, at.now) {
        return AccessVerdict::Invalid;
    }
    match which_access(row, token) {
        Some(Which::Current) if at.now < row.access_expires_at => AccessVerdict::Current,
        Some(Which::Previous)
            if (is_settling(row, at) || at.stepped)
                && row.previous_access_expires_at.is_some_and(|end| at.now < end) =>
        {
            AccessVerdict::Previous
        }
        Some(_) => AccessVerdict::Expired,
        None => AccessVerdict::Invalid,
    }
}

/// Whether the refresh token, of whatever generation, was issued for this row.
pub(super) fn is_of_family(row: &SignIn, token: &RefreshToken) -> bool {
    secret::equal(&token.family_hash(), &row.family_hash)
}

/// Whether the access token is the current or the previous one of this row, even if expired.
pub(super) fn is_access_of(row: &SignIn, token: &AccessToken) -> bool {
    which_access(row, token).is_some()
}

enum Which {
    Current,
    Previous,
}

fn which_access(row: &SignIn, token: &AccessToken) -> Option<Which> {
    if token.generation() == row.generation {
        is(token.hash(), row.access_hash).then_some(Which::Current)
    } else if Some(token.generation()) == row.generation.checked_sub(1) {
        is(token.hash(), row.previous_access_hash).then_some(Which::Previous)
    } else {
        None
    }
}

/// The current generation is settling until `grace` after the first use of one of its tokens.
fn is_settling(row: &SignIn, at: Moment) -> bool {
    row.confirmed_at
        .is_none_or(|confirmed| at.now < confirmed.plus(at.grace))
}

fn is_previous(row: &SignIn, token: &RefreshToken) -> bool {
    Some(token.generation()) == row.generation.checked_sub(1) && is(token.hash(), row.previous_refresh_hash)
}

fn is(hash: Hash, stored: Option<Hash>) -> bool {
    stored.is_some_and(|stored| secret::equal(&hash, &stored))
}

#[cfg(test)]
mod tests;
