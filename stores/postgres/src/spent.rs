//! Marks of what was answered rightly and is good once.

use super::connection::Connection;
use super::fault::Fault;
use super::operation::End;
use super::upkeep;
use doorward_base::clock::Timestamp;
use doorward_store::Hash;

/// What [`spend`] is asked.
pub(super) struct Spend {
    pub(super) mark: Hash,
    pub(super) expires_at: Timestamp,
    pub(super) now: Timestamp,
}

pub(super) async fn is_there(c: &mut Connection, mark: &Hash) -> Result<bool, Fault> {
    let row = sqlx::query("SELECT 1 FROM doorward_spent WHERE mark = $1")
        .bind(mark.as_slice())
        .fetch_optional(c)
        .await?;
    Ok(row.is_some())
}

/// The insert first: trimming before it could take away the very mark that is asked for. A commit whose answer was lost
/// is not tried again: then nobody gets in by it.
pub(super) async fn spend(c: &mut Connection, spend: &Spend) -> Result<End<bool>, Fault> {
    let inserted = sqlx::query(
        "INSERT INTO doorward_spent (mark, expires_at) VALUES ($1, $2) ON CONFLICT (mark) DO NOTHING",
    )
    .bind(spend.mark.as_slice())
    .bind(spend.expires_at.as_micros())
    .execute(&mut *c)
    .await?
    .rows_affected();
    if inserted == 0 {
        return Ok(End::Undo(false));
    }
    upkeep::trim(c, upkeep::trimmed!("doorward_spent", "mark"), spend.now).await?;
    Ok(End::Commit(true))
}
