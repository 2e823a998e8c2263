//! What plugins keep besides records. The writer is alone, so read, decide and write is one step.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};

use super::{rows, upkeep};
use doorward_base::clock::Timestamp;
use doorward_store::KvWrite;
use doorward_store::{KvAt, KvChange, KvChanged, KvEntry, KvUsage};

static PUT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_kv", rows::KV, &["realm", "instance", "name"])
        + " ON CONFLICT (realm, instance, name) DO UPDATE
           SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at"
});

pub(super) fn get(db: &Connection, at: &KvAt, now: Timestamp) -> rusqlite::Result<Option<KvEntry>> {
    Ok(find(db, at)?.filter(|entry| entry.is_live(now)))
}

fn find(db: &Connection, at: &KvAt) -> rusqlite::Result<Option<KvEntry>> {
    let select = format!(
        "SELECT {} FROM doorward_kv WHERE realm = ?1 AND instance = ?2 AND name = ?3",
        rows::KV
    );
    (db.prepare_cached(&select)?)
        .query_row(params![at.realm, at.provider, at.key], rows::kv)
        .optional()
}

pub(super) fn usage(db: &Connection, provider: &str, now: Timestamp) -> rusqlite::Result<KvUsage> {
    let select = "SELECT count(*), coalesce(sum(length(name) + length(value)), 0) FROM doorward_kv
                  WHERE instance = ?1 AND (expires_at IS NULL OR expires_at > ?2)";
    (db.prepare_cached(select)?).query_row(params![provider, now.as_micros()], |row| {
        Ok(KvUsage {
            keys: rows::count(row, 0)?,
            bytes: rows::count(row, 1)?,
        })
    })
}

pub(super) fn change(db: &Connection, change: &KvChange) -> rusqlite::Result<KvChanged> {
    let at = &change.at;
    let (changed, write) = change.decide(find(db, at)?.as_ref());
    match write {
        KvWrite::Entry(entry) => {
            upkeep::trim(db, "doorward_kv", "realm, instance, name", change.now)?;
            db.prepare_cached(&PUT)?.execute(params![
                entry.value.to_column(),
                entry.version,
                rows::micros(entry.expires_at),
                at.realm,
                at.provider,
                at.key,
            ])?;
        }
        KvWrite::Nothing => {}
        KvWrite::Removal => {
            let delete = "DELETE FROM doorward_kv WHERE realm = ?1 AND instance = ?2 AND name = ?3";
            db.prepare_cached(delete)?
                .execute(params![at.realm, at.provider, at.key])?;
        }
    }
    Ok(changed)
}
