//! Agreement, purging and counts.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::live::COUNTED_AT_1;
use super::rows;
use doorward_base::clock::{Clock as _, SystemClock, Timestamp};
use doorward_store::{Agreed, Disagreement, Purged, StoreStats};
use doorward_store::{PURGE_SLICE, TRIMMED};

/// What stands before the names of agreed items.
const AGREE: &str = "agree/";

/// Reads a row: a file that is damaged, or is no database any more, says so.
pub(super) fn look(db: &Connection) -> rusqlite::Result<()> {
    db.query_row(
        "SELECT value FROM doorward_meta WHERE name = 'schema'",
        [],
        |_| Ok(()),
    )
}

/// Writes a row as it is, for a transaction that is undone: a file or folder that only reads says so.
pub(super) fn touch(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE doorward_meta SET changed_at = changed_at WHERE name = 'schema'",
        [],
    )?;
    Ok(())
}

pub(super) fn agree(
    db: &Connection,
    items: &[Agreed],
    replace: bool,
    now: Timestamp,
) -> rusqlite::Result<Vec<Disagreement>> {
    let add = "INSERT INTO doorward_meta (name, value, changed_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING";
    let put = "UPDATE doorward_meta SET value = ?2, changed_at = max(changed_at, ?3) WHERE name = ?1";
    let mut differing = Vec::new();
    for item in items {
        let name = format!("{AGREE}{}", item.name);
        let values = params![name, item.value, now.as_micros()];
        if db.prepare_cached(add)?.execute(values)? == 1 {
            continue;
        }
        let stored: Option<String> = (db
            .prepare_cached("SELECT value FROM doorward_meta WHERE name = ?1")?)
        .query_row([&name], |row| row.get(0))
        .optional()?;
        let Some(stored) = stored.filter(|stored| *stored != item.value) else {
            continue;
        };
        if replace {
            db.prepare_cached(put)?.execute(values)?;
        }
        differing.push(Disagreement {
            name: item.name.clone(),
            ours: item.value.clone(),
            stored,
        });
    }
    Ok(differing)
}

pub(super) fn agreed(db: &Connection, prefix: &str) -> rusqlite::Result<Vec<Agreed>> {
    let select = "SELECT substr(name, length(?1) + 1), value FROM doorward_meta WHERE name >= ?1 || ?2
                  AND substr(name, 1, length(?1 || ?2)) = ?1 || ?2 ORDER BY name";
    (db.prepare_cached(select)?)
        .query_map(params![AGREE, prefix], |row| {
            Ok(Agreed {
                name: row.get(0)?,
                value: row.get(1)?,
            })
        })?
        .collect()
}

/// Removes a few expired rows of a table, oldest first: whoever inserts into it takes away more than comes.
pub(super) fn trim(db: &Connection, table: &str, key: &str, now: Timestamp) -> rusqlite::Result<()> {
    let delete = format!(
        "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table}
         WHERE expires_at IS NOT NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT {TRIMMED})"
    );
    (db.prepare_cached(&delete)?)
        .execute([now.as_micros()])
        .map(|_| ())
}

/// Rows that are removed at once; between two of these the time is looked at.
const CHUNK: u64 = 64;

/// Whatever is expired, with a bound for each table and one of time; a few rows of each table go in any case.
pub(super) fn purge(
    db: &Connection,
    now: Timestamp,
    keep_ended: Duration,
    limit: u32,
) -> rusqlite::Result<Purged> {
    let until = SystemClock.monotonic().saturating_add(PURGE_SLICE);
    let mut more = false;
    let mut purge = |sql: &str, before: Timestamp| {
        let mut removed = 0;
        loop {
            let chunk = CHUNK.min(u64::from(limit).saturating_sub(removed));
            let gone =
                (db.prepare_cached(sql)?).execute(params![before.as_micros(), chunk.cast_signed()])? as u64;
            removed += gone;
            if gone < chunk {
                return Ok::<u64, rusqlite::Error>(removed);
            }
            if removed >= u64::from(limit) || SystemClock.monotonic() >= until {
                more = true;
                return Ok(removed);
            }
        }
    };
    // The expression is the index's own.
    let sign_ins = "DELETE FROM doorward_sign_in WHERE id IN (SELECT id FROM doorward_sign_in
        WHERE coalesce(ended_at, min(idle_expires_at, absolute_expires_at)) <= ?1
        ORDER BY coalesce(ended_at, min(idle_expires_at, absolute_expires_at)) LIMIT ?2)";
    let by_id = |table: &str| {
        format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE expires_at <= ?1 LIMIT ?2)")
    };
    let kv = "DELETE FROM doorward_kv WHERE (realm, instance, name) IN (SELECT realm, instance, name
        FROM doorward_kv WHERE expires_at IS NOT NULL AND expires_at <= ?1 LIMIT ?2)";
    let throttles = "DELETE FROM doorward_throttle WHERE bucket IN (SELECT bucket FROM doorward_throttle
        WHERE expires_at <= ?1 LIMIT ?2)";
    let spent = "DELETE FROM doorward_spent WHERE mark IN (SELECT mark FROM doorward_spent
        WHERE expires_at <= ?1 LIMIT ?2)";
    let mut purged = Purged {
        sign_ins: purge(sign_ins, now.minus(keep_ended))?,
        flows: purge(&by_id("doorward_flow"), now)?,
        others: purge(&by_id("doorward_token"), now)?
            + purge(&by_id("doorward_outbox"), now)?
            + purge(kv, now)?
            + purge(spent, now)?,
        throttles: purge(throttles, now)?,
        more: false,
    };
    purged.more = more;
    Ok(purged)
}

pub(super) fn stats(db: &Connection, now: Timestamp) -> rusqlite::Result<StoreStats> {
    let select = format!(
        "SELECT (SELECT count(*) FROM doorward_user), (SELECT count(*)
         FROM doorward_sign_in s INDEXED BY doorward_sign_in_live JOIN doorward_user u ON u.id = s.user_id
         WHERE {COUNTED_AT_1}), (SELECT count(*) FROM doorward_flow WHERE expires_at > ?1)"
    );
    (db.prepare_cached(&select)?).query_row([now.as_micros()], counted)
}

pub(super) fn realm_stats(db: &Connection, realm: &str, now: Timestamp) -> rusqlite::Result<StoreStats> {
    // From the realm's users to what is theirs.
    let select = format!(
        "SELECT (SELECT count(*) FROM doorward_user WHERE realm = ?2), (SELECT count(*)
         FROM doorward_user u CROSS JOIN doorward_sign_in s INDEXED BY doorward_sign_in_live ON s.user_id = u.id
         WHERE u.realm = ?2 AND {COUNTED_AT_1}),
         (SELECT count(*) FROM doorward_user u CROSS JOIN doorward_flow f ON f.filed_under = u.id
         WHERE u.realm = ?2 AND f.user_id = u.id AND f.expires_at > ?1)"
    );
    (db.prepare_cached(&select)?).query_row(params![now.as_micros(), realm], counted)
}

fn counted(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoreStats> {
    Ok(StoreStats {
        users: rows::count(row, 0)?,
        sign_ins: rows::count(row, 1)?,
        flows: rows::count(row, 2)?,
    })
}
