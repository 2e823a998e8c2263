//! Agreement, health, purge and counts.

use std::time::Duration;

use sqlx::Row as _;

use super::connection::Connection;
use super::fault::Fault;
use super::live::counted;
use super::operation::End;
use super::rows::micros;
use doorward_base::clock::{Clock as _, SystemClock, Timestamp};
use doorward_store::{Agreed, Disagreement, Purged, StoreError, StoreStats};
use doorward_store::{PURGE_SLICE, TRIMMED};

/// Rows that are counted one by one.
const COUNTED: i64 = 10_000;

/// Items of the agreement stand in `doorward_meta` under this prefix.
const PREFIX: &str = "agree/";

/// What [`agree`] is asked.
pub(super) struct Agreement {
    pub(super) items: Vec<Agreed>,
    pub(super) replace: bool,
    pub(super) now: Timestamp,
}

pub(super) async fn agree(
    c: &mut Connection,
    agreement: &Agreement,
) -> Result<End<Vec<Disagreement>>, Fault> {
    // In one order, so that two processes that start at once queue instead of deadlocking.
    let mut items: Vec<&Agreed> = agreement.items.iter().collect();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<String> = items
        .iter()
        .map(|item| format!("{PREFIX}{}", item.name))
        .collect();
    let values: Vec<&[u8]> = items.iter().map(|item| item.value.as_bytes()).collect();
    sqlx::query(
        "INSERT INTO doorward_meta (name, value, changed_at) SELECT name, value, $3 \
         FROM unnest($1::text[], $2::bytea[]) AS ours (name, value) ON CONFLICT (name) DO NOTHING",
    )
    .bind(&names)
    .bind(&values)
    .bind(agreement.now.as_micros())
    .execute(&mut *c)
    .await?;
    let stored = sqlx::query(
        "SELECT m.name, m.value FROM doorward_meta m JOIN unnest($1::text[], $2::bytea[]) AS ours (name, value) \
         ON ours.name = m.name AND ours.value <> m.value ORDER BY m.name FOR UPDATE OF m",
    )
    .bind(&names)
    .bind(&values)
    .fetch_all(&mut *c)
    .await?;
    let stored = stored.iter().map(item).collect::<Result<Vec<_>, _>>()?;
    let differs = |ours: &Agreed| {
        let stored = stored.iter().find(|stored| stored.name == ours.name)?;
        Some(Disagreement {
            name: ours.name.clone(),
            ours: ours.value.clone(),
            stored: stored.value.clone(),
        })
    };
    let differing: Vec<Disagreement> = agreement.items.iter().filter_map(differs).collect();
    if agreement.replace && !differing.is_empty() {
        sqlx::query(
            "UPDATE doorward_meta m SET value = ours.value, changed_at = GREATEST(m.changed_at, $3) \
             FROM unnest($1::text[], $2::bytea[]) AS ours (name, value) \
             WHERE ours.name = m.name AND ours.value <> m.value",
        )
        .bind(&names)
        .bind(&values)
        .bind(agreement.now.as_micros())
        .execute(c)
        .await?;
    }
    Ok(End::Commit(differing))
}

pub(super) async fn agreed(c: &mut Connection, prefix: &str) -> Result<Vec<Agreed>, Fault> {
    let found =
        sqlx::query("SELECT name, value FROM doorward_meta WHERE starts_with(name, $1) ORDER BY name")
            .bind(format!("{PREFIX}{prefix}"))
            .fetch_all(c)
            .await?;
    found.iter().map(item).collect()
}

fn item(row: &sqlx::postgres::PgRow) -> Result<Agreed, Fault> {
    let name: String = row.try_get(0)?;
    let value = String::from_utf8(row.try_get(1)?)
        .map_err(|_| StoreError::Corrupt(format!("the agreed item {name} is not UTF-8")))?;
    Ok(Agreed {
        name: name.strip_prefix(PREFIX).unwrap_or(&name).to_owned(),
        value,
    })
}

/// Locks a row and gives it back: a server that only reads refuses here.
pub(super) async fn health(c: &mut Connection) -> Result<End<()>, Fault> {
    let locked = sqlx::query("UPDATE doorward_meta SET changed_at = changed_at WHERE name = 'schema'")
        .execute(c)
        .await?;
    if locked.rows_affected() == 1 {
        return Ok(End::Undo(()));
    }
    Err(StoreError::Schema("the database has no schema: run the migration".into()).into())
}

/// Deletes the expired rows of a table with this key, or `ctid` where the key has several columns. Of an array, because
/// a join with a sub-query may be planned as one that reads the whole table.
macro_rules! expired {
    ($table:literal, $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $key,
            " = ANY (ARRAY (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))"
        )
    };
}

/// The same for a few, oldest first: see [`trim`].
macro_rules! trimmed {
    ($table:literal, $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $key,
            " = ANY (ARRAY (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"
        )
    };
}
pub(super) use trimmed;

/// Removes a few expired rows of a table: whoever inserts into it takes away more than comes.
pub(super) async fn trim(c: &mut Connection, statement: &'static str, now: Timestamp) -> Result<(), Fault> {
    sqlx::query(statement)
        .bind(now.as_micros())
        .bind(i64::from(TRIMMED))
        .execute(c)
        .await?;
    Ok(())
}

/// Of the sign-ins that were due when that was last written, removes those that are gone; the others are in use, and due
/// later. Says how many were looked at, and how many are gone.
const SIGN_INS: &str = "WITH due AS MATERIALIZED (SELECT id, \
     COALESCE(ended_at, LEAST(idle_expires_at, absolute_expires_at)) AS gone_at FROM doorward_sign_in \
     WHERE COALESCE(ended_at, due_at) <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED), \
     later AS (UPDATE doorward_sign_in SET due_at = LEAST(idle_expires_at, absolute_expires_at) \
     WHERE id = ANY (ARRAY (SELECT id FROM due WHERE gone_at > $1))), \
     gone AS (DELETE FROM doorward_sign_in WHERE id = ANY (ARRAY (SELECT id FROM due WHERE gone_at <= $1)) RETURNING 1) \
     SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM gone)";

/// What [`purge`] is asked.
pub(super) struct Purge {
    pub(super) now: Timestamp,
    pub(super) keep_ended: Duration,
    pub(super) limit: u32,
}

/// Rows that are removed at once; between two of these the time is looked at.
const CHUNK: u64 = 500;

/// For about a slice of time, some rows of each table in any case. Rows in use are left for the next time.
pub(super) async fn purge(c: &mut Connection, purge: &Purge) -> Result<End<Purged>, Fault> {
    let cutoff = purge.now.as_micros().saturating_sub(micros(purge.keep_ended));
    let until = SystemClock.monotonic().saturating_add(PURGE_SLICE);
    let mut more = false;
    let mut delete = async |statement: &'static str, before: i64| -> Result<u64, Fault> {
        let mut removed = 0;
        loop {
            let chunk = CHUNK.min(u64::from(purge.limit).saturating_sub(removed));
            let asked = sqlx::query(statement).bind(before).bind(chunk.cast_signed());
            let (looked_at, gone) = if statement == SIGN_INS {
                let row = asked.fetch_one(&mut *c).await?;
                let number = |column: usize| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
                (number(0)?, number(1)?)
            } else {
                let gone = asked.execute(&mut *c).await?.rows_affected();
                (gone, gone)
            };
            removed += gone;
            if looked_at < chunk {
                return Ok(removed);
            }
            if removed >= u64::from(purge.limit) || SystemClock.monotonic() >= until {
                more = true;
                return Ok(removed);
            }
        }
    };
    let now = purge.now.as_micros();
    let mut purged = Purged {
        sign_ins: delete(SIGN_INS, cutoff).await?,
        flows: delete(expired!("doorward_flow", "id"), now).await?,
        others: 0,
        throttles: delete(expired!("doorward_throttle", "bucket"), now).await?,
        more: false,
    };
    for statement in [
        expired!("doorward_token", "id"),
        expired!("doorward_outbox", "id"),
        expired!("doorward_spent", "mark"),
        expired!("doorward_kv", "ctid"),
    ] {
        purged.others += delete(statement, now).await?;
    }
    purged.more = more;
    Ok(End::Commit(purged))
}

/// Counts up to [`COUNTED`] rows of each; beyond, what the server itself estimates.
pub(super) async fn stats(c: &mut Connection, now: Timestamp) -> Result<StoreStats, Fault> {
    // An order that an index has, so that the limit is what is read. Of sign-ins the limit is set before the look at
    // which of them are live: those that have expired and were not purged yet are read, too.
    let row = sqlx::query(concat!(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM doorward_user ORDER BY id LIMIT $2) AS few), \
         (SELECT count(*) FROM (SELECT 1 FROM doorward_sign_in WHERE ended_at IS NULL \
         ORDER BY user_id, absolute_expires_at LIMIT $2) AS few), \
         (SELECT count(*) FROM (SELECT * FROM doorward_sign_in WHERE ended_at IS NULL \
         ORDER BY user_id, absolute_expires_at LIMIT $2) AS s JOIN doorward_user u ON u.id = s.user_id WHERE ",
        counted!("$1"),
        "), \
         (SELECT count(*) FROM (SELECT 1 FROM doorward_flow WHERE expires_at > $1 ORDER BY expires_at LIMIT $2) AS few), \
         (SELECT reltuples::bigint FROM pg_class WHERE oid = 'doorward_user_pkey'::regclass), \
         (SELECT reltuples::bigint FROM pg_class WHERE oid = 'doorward_sign_in_live'::regclass), \
         (SELECT reltuples::bigint FROM pg_class WHERE oid = 'doorward_flow_pkey'::regclass)"
    ))
    .bind(now.as_micros())
    .bind(COUNTED)
    .fetch_one(c)
    .await?;
    let number = |column: usize| -> Result<u64, Fault> {
        Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
    };
    // `read` of them were looked at, and `counted` are what was asked for.
    let told = |read: u64, counted: u64, estimate: u64| {
        if read < COUNTED.unsigned_abs() {
            counted
        } else {
            estimate.max(counted)
        }
    };
    Ok(StoreStats {
        users: told(number(0)?, number(0)?, number(4)?),
        sign_ins: told(number(1)?, number(2)?, number(5)?),
        flows: told(number(3)?, number(3)?, number(6)?),
    })
}

/// Counts what the first [`COUNTED`] users of a realm have: all of it, where there are no more.
pub(super) async fn realm_stats(
    c: &mut Connection,
    realm: &str,
    now: Timestamp,
) -> Result<StoreStats, Fault> {
    // From the users to what is theirs. `OFFSET 0`: by the index of each, not by a join that reads everybody's.
    let row = sqlx::query(concat!(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM doorward_user WHERE realm = $3 ORDER BY id LIMIT $2) AS few), \
         (SELECT count(*) FROM (SELECT id, session_epoch, disabled_at FROM doorward_user WHERE realm = $3 \
         ORDER BY id LIMIT $2) AS u CROSS JOIN LATERAL (SELECT 1 FROM doorward_sign_in s WHERE s.user_id = u.id AND ",
        counted!("$1"),
        " OFFSET 0) AS counted), \
         (SELECT count(*) FROM (SELECT id FROM doorward_user WHERE realm = $3 ORDER BY id LIMIT $2) AS few \
         CROSS JOIN LATERAL (SELECT 1 FROM doorward_flow f WHERE f.user_id = few.id AND f.expires_at > $1 OFFSET 0) AS open)"
    ))
    .bind(now.as_micros())
    .bind(COUNTED)
    .bind(realm)
    .fetch_one(c)
    .await?;
    let number = |column: usize| -> Result<u64, Fault> {
        Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
    };
    Ok(StoreStats {
        users: number(0)?,
        sign_ins: number(1)?,
        flows: number(2)?,
    })
}
