//! The schema: embedded migrations, applied in one transaction under an advisory lock.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Row as _;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::{Asked, End};
use super::pool::Pool;
use doorward_store::{SchemaState, StoreError, StoreResult, schema};

/// One step from a version of the schema to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The version that it leads to.
    pub version: u32,
    /// What an operator may read, or run by hand with a role that has the right to.
    pub sql: &'static str,
}

/// Every migration, in order. Released ones never change.
const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: include_str!("schema/0001_first.sql"),
}];

/// "doorward" as a number: the advisory lock that migrating processes queue for.
const LOCK: i64 = 0x646f_6f72_7761_7264;
/// A migration waits no longer than this for a lock that somebody else holds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The version that this release writes.
pub(super) fn current() -> u32 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

/// What is left to do from a version on.
pub(super) fn plan(found: u32) -> &'static [Migration] {
    let done = MIGRATIONS
        .iter()
        .take_while(|migration| migration.version <= found)
        .count();
    MIGRATIONS.get(done..).unwrap_or_default()
}

/// The version in the database; 0: there is no schema.
pub(super) async fn found(c: &mut Connection) -> Result<u32, Fault> {
    let row = sqlx::query("SELECT value FROM doorward_meta WHERE name = 'schema'")
        .persistent(false)
        .fetch_optional(c)
        .await
        .map_err(Fault::Sql);
    let row = match row {
        Err(fault) if fault.is_undefined_table() => return Ok(0),
        row => row?,
    };
    let Some(row) = row else { return Ok(0) };
    let value: Vec<u8> = row.try_get(0)?;
    let recorded = String::from_utf8_lossy(&value);
    Ok(schema::version_of(&recorded, current(), &steps(current()))?)
}

/// The statements that make a version.
fn steps(version: u32) -> Vec<&'static str> {
    let made = MIGRATIONS.iter().filter(|migration| migration.version <= version);
    made.map(|migration| migration.sql).collect()
}

pub(super) async fn state(pool: &Arc<Pool>) -> StoreResult<SchemaState> {
    let asked = Asked::now(Arc::clone(pool), None);
    let found = asked.read(&(), |c, ()| Box::pin(found(c))).await?;
    Ok(SchemaState {
        found,
        current: current(),
    })
}

/// Brings the schema to this release's version. Two processes queue for the lock; the second finds nothing to do.
pub(super) async fn migrate(c: &mut Connection) -> Result<End<()>, Fault> {
    // A large table takes its time; somebody who holds a lock on it does not take ours for ever.
    let patience = format!("{}s", PATIENCE.as_secs());
    sqlx::query(
        "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', $1, true), \
         set_config('idle_in_transaction_session_timeout', '0', true)",
    )
    .bind(patience)
    .execute(&mut *c)
    .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *c)
        .await?;
    // Asked without failing: an error would abort the transaction.
    let has_meta: bool = sqlx::query("SELECT to_regclass('doorward_meta') IS NOT NULL")
        .fetch_one(&mut *c)
        .await?
        .try_get(0)?;
    let found = if has_meta { found(c).await? } else { 0 };
    if found > current() {
        let detail = format!(
            "the database has schema version {found}, this release knows {}; use a newer release",
            current()
        );
        return Err(StoreError::Schema(detail).into());
    }
    for migration in plan(found) {
        sqlx::raw_sql(migration.sql).execute(&mut *c).await?;
        sqlx::query(
            "INSERT INTO doorward_meta (name, value, changed_at) \
             VALUES ('schema', $1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at",
        )
        .bind(schema::recorded(migration.version, &steps(migration.version)).into_bytes())
        .execute(&mut *c)
        .await?;
        tracing::info!(version = migration.version, "the database schema was migrated");
    }
    Ok(End::Commit(()))
}

/// Warns of settings with which the server may forget what it acknowledged.
pub(super) async fn warn_of_forgetting(c: &mut Connection) -> Result<(), Fault> {
    let row = sqlx::query(
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'), \
         current_setting('full_page_writes')",
    )
    .fetch_one(c)
    .await?;
    for (index, setting) in ["fsync", "synchronous_commit", "full_page_writes"]
        .into_iter()
        .enumerate()
    {
        if row.try_get::<String, _>(index)? == "off" {
            tracing::warn!(
                setting,
                "the database server may lose acknowledged commits: ended sessions can come back after a crash"
            );
        }
    }
    Ok(())
}

/// Every decision stands on the count of affected rows, and some driver or proxy has lied about it before
/// (A35 in `docs/threats.md`): a conditional update must report 1, then 0.
pub(super) async fn check_counts(c: &mut Connection) -> Result<End<()>, Fault> {
    sqlx::query(
        "INSERT INTO doorward_meta (name, value, changed_at) \
         VALUES ('self-test/' || pg_backend_pid(), '\\x00', 0)",
    )
    .execute(&mut *c)
    .await?;
    let mut counts = [0; 2];
    for count in &mut counts {
        *count = sqlx::query(
            "UPDATE doorward_meta SET value = $2 WHERE name = 'self-test/' || pg_backend_pid() AND value = $1",
        )
        .bind([0_u8].as_slice())
        .bind([1_u8].as_slice())
        .execute(&mut *c)
        .await?
        .rows_affected();
    }
    if counts == [1, 0] {
        return Ok(End::Undo(()));
    }
    let [first, second] = counts;
    Err(StoreError::Corrupt(format!(
        "the server or a proxy before it reports false counts of affected rows: {first}, then {second}, instead of 1, then 0"
    ))
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_consecutive_and_the_plan_is_what_is_left() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version as usize, index + 1);
        }
        assert_eq!(plan(0), MIGRATIONS);
        assert_eq!(plan(current()), []);
        assert_eq!(plan(current() + 1), []);
    }
}
