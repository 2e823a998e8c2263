//! What a user gives up to whoever has proved an address.

use sqlx::Row as _;

use super::change::way_in_remains;
use super::connection::Connection;
use super::fault::Fault;
use super::rows::uuid;
use doorward_base::clock::Timestamp;
use doorward_store::Yield;

/// Takes it; the other user's row is locked. False: it is not as it was judged, and the caller undoes all.
pub(super) async fn take(c: &mut Connection, from: &Yield, now: Timestamp) -> Result<bool, Fault> {
    let user = uuid(from.user_id.as_bytes());
    let is_as_judged =
        sqlx::query("SELECT EXISTS (SELECT 1 FROM doorward_user WHERE id = $1 AND session_epoch = $2)")
            .bind(user)
            .bind(from.epoch)
            .fetch_one(&mut *c)
            .await?;
    if !is_as_judged.try_get::<bool, _>(0)? {
        return Ok(false);
    }
    for at in &from.identities {
        let taken = sqlx::query(
            "DELETE FROM doorward_identity WHERE realm = $1 AND provider = $2 AND canonical = $3 AND user_id = $4 \
             AND verified_at IS NULL",
        )
        .bind(&at.realm)
        .bind(&at.provider)
        .bind(&at.canonical)
        .bind(user);
        if taken.execute(&mut *c).await?.rows_affected() != 1 {
            return Ok(false);
        }
    }
    for address in &from.addresses {
        sqlx::query("DELETE FROM doorward_user_address WHERE user_id = $1 AND address = $2")
            .bind(user)
            .bind(&address[..])
            .execute(&mut *c)
            .await?;
    }
    if from.ways_in.is_empty() {
        return Ok(true);
    }
    way_in_remains(c, from.user_id, &from.ways_in, now).await
}
