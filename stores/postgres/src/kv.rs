//! What plugins keep besides records: under the lock of its row, which the first writer makes.

use std::sync::LazyLock;

use sqlx::Row as _;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::End;
use super::rows::{self, kv_columns};
use super::upkeep;
use doorward_base::clock::Timestamp;
use doorward_store::KvWrite;
use doorward_store::{KvAt, KvChange, KvChanged, KvEntry, KvUsage, StoreError};

pub(super) async fn get(c: &mut Connection, at: &KvAt, now: Timestamp) -> Result<Option<KvEntry>, Fault> {
    let row = sqlx::query(concat!(
        "SELECT ",
        kv_columns!(),
        " FROM doorward_kv WHERE realm = $1 AND instance = $2 AND name = $3"
    ))
    .bind(&at.realm)
    .bind(&at.provider)
    .bind(&at.key)
    .fetch_optional(c)
    .await?;
    let found = row.as_ref().map(rows::kv).transpose()?;
    Ok(found.filter(|entry| entry.is_live(now)))
}

pub(super) async fn usage(c: &mut Connection, provider: &str, now: Timestamp) -> Result<KvUsage, Fault> {
    let row = sqlx::query(
        "SELECT count(*), COALESCE(sum(octet_length(name) + octet_length(value)), 0)::bigint FROM doorward_kv \
         WHERE instance = $1 AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(provider)
    .bind(now.as_micros())
    .fetch_one(c)
    .await?;
    let count = |at: usize| Ok::<_, Fault>(row.try_get::<i64, _>(at)?.unsigned_abs());
    Ok(KvUsage {
        keys: count(0)?,
        bytes: count(1)?,
    })
}

pub(super) async fn change(c: &mut Connection, change: &KvChange) -> Result<End<KvChanged>, Fault> {
    let at = &change.at;
    let row = sqlx::query(concat!(
        "SELECT ",
        kv_columns!(),
        " FROM doorward_kv WHERE realm = $1 AND instance = $2 AND name = $3 FOR UPDATE"
    ))
    .bind(&at.realm)
    .bind(&at.provider)
    .bind(&at.key)
    .fetch_optional(&mut *c)
    .await?;
    let found = row.as_ref().map(rows::kv).transpose()?;
    let (changed, write) = change.decide(found.as_ref());
    let written = match write {
        KvWrite::Nothing => return Ok(End::Undo(changed)),
        KvWrite::Removal => remove(c, at).await?,
        KvWrite::Entry(entry) if found.is_some() => replace(c, at, &entry).await?,
        KvWrite::Entry(entry) => {
            upkeep::trim(c, upkeep::trimmed!("doorward_kv", "ctid"), change.now).await?;
            insert(c, at, &entry).await?
        }
    };
    if written == 0 {
        // Between look and write somebody else has made the row: now there is one to lock.
        return Err(StoreError::Retry("a key was written by two at once".into()).into());
    }
    Ok(End::Commit(changed))
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_kv", kv_columns!(), &["realm", "instance", "name"])
        + " ON CONFLICT DO NOTHING"
});

async fn insert(c: &mut Connection, at: &KvAt, entry: &KvEntry) -> Result<u64, Fault> {
    let inserted = sqlx::query(INSERT.as_str())
        .bind(entry.value.to_column())
        .bind(entry.version)
        .bind(rows::at(entry.expires_at))
        .bind(&at.realm)
        .bind(&at.provider)
        .bind(&at.key)
        .execute(c)
        .await?;
    Ok(inserted.rows_affected())
}

async fn replace(c: &mut Connection, at: &KvAt, entry: &KvEntry) -> Result<u64, Fault> {
    let replaced = sqlx::query(
        "UPDATE doorward_kv SET value = $4, version = $5, expires_at = $6 \
         WHERE realm = $1 AND instance = $2 AND name = $3",
    )
    .bind(&at.realm)
    .bind(&at.provider)
    .bind(&at.key)
    .bind(entry.value.to_column())
    .bind(entry.version)
    .bind(rows::at(entry.expires_at))
    .execute(c)
    .await?;
    Ok(replaced.rows_affected())
}

async fn remove(c: &mut Connection, at: &KvAt) -> Result<u64, Fault> {
    let removed = sqlx::query("DELETE FROM doorward_kv WHERE realm = $1 AND instance = $2 AND name = $3")
        .bind(&at.realm)
        .bind(&at.provider)
        .bind(&at.key)
        .execute(c)
        .await?;
    Ok(removed.rows_affected())
}
