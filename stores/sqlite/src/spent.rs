//! Marks of what was answered rightly and is good once.

use rusqlite::{Connection, OptionalExtension, params};

use super::upkeep;
use doorward_base::clock::Timestamp;
use doorward_store::Hash;

pub(super) fn is_there(db: &Connection, mark: &Hash) -> rusqlite::Result<bool> {
    let select = "SELECT 1 FROM doorward_spent WHERE mark = ?1";
    let found = (db.prepare_cached(select)?)
        .query_row([mark], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

pub(super) fn spend(
    db: &Connection,
    mark: &Hash,
    expires_at: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    // The insert first: trimming before it could take away the very mark that is asked for.
    let insert =
        "INSERT INTO doorward_spent (mark, expires_at) VALUES (?1, ?2) ON CONFLICT (mark) DO NOTHING";
    let inserted = (db.prepare_cached(insert)?).execute(params![mark, expires_at.as_micros()])?;
    if inserted == 1 {
        upkeep::trim(db, "doorward_spent", "mark", now)?;
    }
    Ok(inserted == 1)
}
