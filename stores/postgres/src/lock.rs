//! The lock that every write of several rows of one user begins with.

use sqlx::Row as _;

use super::connection::Connection;
use super::fault::Fault;
use super::rows::uuid;
use doorward_base::id::UserId;
use doorward_store::Yield;

/// The user's row, held until the transaction ends. Whatever writes several rows of one user takes it first, so
/// that such transactions queue instead of deadlocking.
pub(super) struct Locked {
    pub(super) epoch: i64,
    pub(super) enabled: bool,
}

pub(super) async fn lock(c: &mut Connection, id: UserId) -> Result<Option<Locked>, Fault> {
    // NO KEY: rows that refer to the user may still be inserted by others.
    let row = sqlx::query(
        "SELECT session_epoch, disabled_at IS NULL AS enabled FROM doorward_user WHERE id = $1 FOR NO KEY UPDATE",
    )
    .bind(uuid(id.as_bytes()))
    .fetch_optional(c)
    .await?;
    row.map(|row| {
        Ok(Locked {
            epoch: row.try_get(0)?,
            enabled: row.try_get(1)?,
        })
    })
    .transpose()
}

/// Takes the rows of these users in one order everywhere, so that two users who take from one another queue.
pub(super) async fn lock_others(
    c: &mut Connection,
    others: impl Iterator<Item = &Yield>,
    own: Option<UserId>,
) -> Result<(), Fault> {
    let mut ids: Vec<UserId> = others.map(|from| from.user_id).chain(own).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        lock(c, id).await?;
    }
    Ok(())
}
