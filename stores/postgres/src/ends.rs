//! The end of sign-ins: hashes cleared but `family_hash`, reason and time kept until purge.

use super::connection::Connection;
use super::fault::Fault;
use super::live::{counted, goes_with};
use super::lock::lock;
use super::operation::End;
use super::rows::uuid;
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
    ($from:literal, $($more:expr),*) => {
        concat!(
            "UPDATE doorward_sign_in s SET ended_at = $2, end_reason = $3, salt = NULL, refresh_hash = NULL, \
             access_hash = NULL, previous_refresh_hash = NULL, previous_access_hash = NULL",
            $from,
            " WHERE s.user_id = $1 AND s.ended_at IS NULL AND ($4::uuid IS NULL OR ",
            goes_with!("$4"),
            ") AND ($5::uuid IS NULL OR ",
            goes_with!("$5"),
            " IS NOT TRUE)",
            $($more),*
        )
    };
}

/// Ends what is asked, under the user's lock. The count of those that counted, by the user's row as it is: whoever changes
/// that, ends first.
pub(super) async fn close(
    c: &mut Connection,
    id: UserId,
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
    // First what counts, then the rest: expired, of an older epoch, pending step-ups.
    let ended = sqlx::query(end_statement!(
        " FROM doorward_user u",
        " AND u.id = s.user_id AND ",
        counted!("$2")
    ))
    .bind(uuid(id.as_bytes()))
    .bind(now.as_micros())
    .bind(reason.id())
    .bind(one)
    .bind(keep)
    .execute(&mut *c)
    .await?
    .rows_affected();
    sqlx::query(end_statement!("", ""))
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
    if lock(c, id).await?.is_none() {
        return Ok(End::Undo(0));
    }
    let ended = close(c, id, which, reason, now).await?;
    Ok(End::Commit(ended))
}
