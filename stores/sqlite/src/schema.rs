//! The schema's versions and how one becomes the next, embedded.

use rusqlite::{Connection, OptionalExtension, params};

use super::work::Verdict;
use doorward_base::clock::Timestamp;
use doorward_store::{StoreError, StoreResult, schema};

/// Step n brings version n - 1 to version n. A step that was released is never edited.
const STEPS: [&str; CURRENT as usize] = [include_str!("schema_1.sql")];

/// The version this release writes.
pub(super) const CURRENT: u32 = 1;

/// The version in the file; 0: nothing of ours yet.
pub(super) fn found(db: &Connection) -> rusqlite::Result<StoreResult<u32>> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'doorward_meta'";
    if db.query_row(table, [], |_| Ok(())).optional()?.is_none() {
        return Ok(Ok(0));
    }
    let recorded = "SELECT value FROM doorward_meta WHERE name = 'schema'";
    let recorded: Option<String> = db.query_row(recorded, [], |row| row.get(0)).optional()?;
    Ok(recorded.map_or(Ok(0), |recorded| schema::version_of(&recorded, CURRENT, &STEPS)))
}

/// Brings the schema to this release's version. The caller's transaction makes it one step for everybody else: of two
/// processes, the second finds nothing left to do.
pub(super) fn migrate(db: &Connection, now: Timestamp) -> rusqlite::Result<Verdict<StoreResult<()>>> {
    let found = match found(db)? {
        Ok(found) => found,
        Err(refused) => return Ok(Verdict::Undo(Err(refused))),
    };
    if found > CURRENT {
        return Ok(Verdict::Undo(Err(StoreError::Schema(format!(
            "the file has version {found}, this release writes {CURRENT}: use the newer release"
        )))));
    }
    if found == CURRENT {
        return Ok(Verdict::Undo(Ok(())));
    }
    for step in &STEPS[found as usize..] {
        db.execute_batch(step)?;
    }
    db.execute(
        "INSERT INTO doorward_meta (name, value, changed_at) VALUES ('schema', ?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
        params![schema::recorded(CURRENT, &STEPS), now.as_micros()],
    )?;
    Ok(Verdict::Keep(Ok(())))
}
