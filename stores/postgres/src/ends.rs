//! The end of sign-ins: hashes cleared but `family_hash`, reason and time kept until purge.

use super::connection::Connection;
use super::fault::Fault;
use super::operation::End;
use super::rows::uuid;
use super::users::{self, Locked};
use doorward_base::clock::Timestamp;
use doorward_base::id::{SignInId, UserId};
use doorward_store::{EndReason, Ends};

/// Which of one user's sign-ins; each with the unconfirmed ones that replace it.
#[derive(Clone, Copy)]
pub(super) enum Which {
    All,
    One(SignInId),
    Others(SignInId),
}

/// The rows of [`Which`]: `$4` the one, `$5` the one to keep, each null where it does not matter.
macro_rules! end_statement {
    ($more:literal) => {
        concat!(
            "UPDATE doorward_sign_in SET ended_at = $2, end_reason = $3, salt = NULL, refresh_hash = NULL, \
             access_hash = NULL, previous_refresh_hash = NULL, previous_access_hash = NULL \
             WHERE user_id = $1 AND ended_at IS NULL \
             AND ($4::uuid IS NULL OR id = $4 OR (replaces = $4 AND confirmed_at IS NULL)) \
             AND ($5::uuid IS NULL OR NOT (id = $5 OR (replaces IS NOT DISTINCT FROM $5 AND confirmed_at IS NULL)))",
            $more
        )
    };
}

/// Ends what is asked, under the user's lock; `user` as it was before this transaction. The count of live ones.
pub(super) async fn close(
    c: &mut Connection,
    id: UserId,
    user: &Locked,
    which: Which,
    reason: EndReason,
    now: Timestamp,
) -> Result<u64, Fault> {
    let one = match which {
        Which::One(one) => Some(uuid(one.as_bytes())),
        Which::All | Which::Others(_) => None,
    };
    let keep = match which {
        Which::Others(keep) => Some(uuid(keep.as_bytes())),
        Which::All | Which::One(_) => None,
    };
    // First what was live and counts, then the rest: expired, of an older epoch, pending step-ups.
    let mut ended = 0;
    if user.enabled {
        ended = sqlx::query(end_statement!(
            " AND epoch = $6 AND idle_expires_at > $2 AND absolute_expires_at > $2 \
             AND (replaces IS NULL OR confirmed_at IS NOT NULL)"
        ))
        .bind(uuid(id.as_bytes()))
        .bind(now.as_micros())
        .bind(reason.id())
        .bind(one)
        .bind(keep)
        .bind(user.epoch)
        .execute(&mut *c)
        .await?
        .rows_affected();
    }
    sqlx::query(end_statement!(""))
        .bind(uuid(id.as_bytes()))
        .bind(now.as_micros())
        .bind(reason.id())
        .bind(one)
        .bind(keep)
        .execute(c)
        .await?;
    Ok(ended)
}

pub(super) async fn end(
    c: &mut Connection,
    which: Ends,
    reason: EndReason,
    now: Timestamp,
) -> Result<End<u64>, Fault> {
    let (id, which) = match which {
        Ends::All(user) => (user, Which::All),
        Ends::One(user, one) => (user, Which::One(one)),
        Ends::Others(user, keep) => (user, Which::Others(keep)),
    };
    let Some(user) = users::lock(c, id).await? else {
        return Ok(End::Undo(0));
    };
    let ended = close(c, id, &user, which, reason, now).await?;
    Ok(End::Commit(ended))
}
