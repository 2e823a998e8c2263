//! Throttling: all buckets or none, under concurrency.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::fault::Fault;
use super::pool::End;
use super::rows;
use crate::clock::Timestamp;
use crate::store::{Hash, Settled, Throttle, ThrottleKey};

struct Bucket {
    failures: u32,
    allowed_at: Timestamp,
}

/// The buckets in one order, so that transactions that share some queue instead of deadlocking.
pub(super) fn ordered(mut keys: Vec<ThrottleKey>) -> Vec<ThrottleKey> {
    keys.sort_by_key(|key| key.bucket);
    keys.dedup_by_key(|key| key.bucket);
    keys
}

/// Says until when the attempt has to wait, without a lock: what an attacker gets to hear costs no write.
pub(super) async fn closed(
    c: &mut PgConnection,
    keys: &[ThrottleKey],
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let row = sqlx::query(
        "SELECT max(allowed_at) FROM doorward_throttle WHERE bucket = ANY($1) AND allowed_at > $2 \
         AND expires_at > $2",
    )
    .bind(buckets(keys))
    .bind(now.as_micros())
    .fetch_one(c)
    .await?;
    Ok(row.try_get::<Option<i64>, _>(0)?.map(Timestamp::from_micros))
}

pub(super) async fn take(
    c: &mut PgConnection,
    keys: &[ThrottleKey],
    now: Timestamp,
) -> Result<End<Throttle>, Fault> {
    // Absent rows are made first, so that there is something to lock. unnest keeps the order.
    sqlx::query(
        "INSERT INTO doorward_throttle (bucket, failures, allowed_at, expires_at) \
         SELECT bucket, 0, $2, $2 FROM unnest($1::bytea[]) AS wanted (bucket) ON CONFLICT DO NOTHING",
    )
    .bind(buckets(keys))
    .bind(now.as_micros())
    .execute(&mut *c)
    .await?;
    let found = lock(c, keys, now).await?;
    if found.len() < keys.len() {
        // Purged between the two statements.
        return Err(crate::store::StoreError::Retry("a throttle bucket is gone".into()).into());
    }
    if let Some(until) = found
        .values()
        .map(|bucket| bucket.allowed_at)
        .filter(|at| *at > now)
        .max()
    {
        return Ok(End::Undo(Throttle::NotBefore(until)));
    }
    let next = keys.iter().map(|key| {
        let failures = found
            .get(&key.bucket)
            .map_or(0, |bucket| bucket.failures)
            .saturating_add(1);
        let delay = key.limit.delay(failures);
        (
            key.bucket,
            failures,
            now.plus(delay),
            now.plus(key.limit.forget.max(delay)),
        )
    });
    write(c, next.collect()).await?;
    Ok(End::Commit(Throttle::Go))
}

/// Gives one failure back in each bucket; one without any is gone.
async fn give_back(c: &mut PgConnection, keys: &[ThrottleKey], now: Timestamp) -> Result<End<()>, Fault> {
    let found = lock(c, keys, now).await?;
    // The attempt was let through, so without it the bucket would be open.
    let next = found.iter().map(|(bucket, there)| {
        (
            *bucket,
            there.failures.saturating_sub(1),
            there.allowed_at.min(now),
            now,
        )
    });
    write(c, next.collect()).await?;
    sqlx::query("DELETE FROM doorward_throttle WHERE bucket = ANY($1) AND failures = 0")
        .bind(buckets(keys))
        .execute(c)
        .await?;
    Ok(End::Commit(()))
}

async fn clear(c: &mut PgConnection, keys: &[ThrottleKey]) -> Result<End<()>, Fault> {
    // The lock in order first: a deletion alone would take its rows as it finds them.
    sqlx::query("SELECT 1 FROM doorward_throttle WHERE bucket = ANY($1) ORDER BY bucket FOR UPDATE")
        .bind(buckets(keys))
        .execute(&mut *c)
        .await?;
    sqlx::query("DELETE FROM doorward_throttle WHERE bucket = ANY($1)")
        .bind(buckets(keys))
        .execute(c)
        .await?;
    Ok(End::Commit(()))
}

/// What [`settle`] is asked.
pub(super) struct Settlement {
    pub(super) keys: Vec<ThrottleKey>,
    pub(super) how: Settled,
    pub(super) now: Timestamp,
}

pub(super) async fn settle(c: &mut PgConnection, settlement: &Settlement) -> Result<End<()>, Fault> {
    match settlement.how {
        Settled::Cleared => clear(c, &settlement.keys).await,
        Settled::NotCounted => give_back(c, &settlement.keys, settlement.now).await,
    }
}

/// The buckets that are there, locked; forgotten ones as empty.
async fn lock(
    c: &mut PgConnection,
    keys: &[ThrottleKey],
    now: Timestamp,
) -> Result<HashMap<Hash, Bucket>, Fault> {
    let found = sqlx::query(
        "SELECT bucket, failures, allowed_at, expires_at FROM doorward_throttle WHERE bucket = ANY($1) \
         ORDER BY bucket FOR UPDATE",
    )
    .bind(buckets(keys))
    .fetch_all(c)
    .await?;
    let mut there = HashMap::with_capacity(found.len());
    for row in &found {
        let forgotten = row.try_get::<i64, _>("expires_at")? <= now.as_micros();
        let bucket = Bucket {
            failures: if forgotten {
                0
            } else {
                rows::count(row, "failures")?
            },
            allowed_at: if forgotten {
                now
            } else {
                Timestamp::from_micros(row.try_get("allowed_at")?)
            },
        };
        there.insert(rows::hash(row, "bucket")?, bucket);
    }
    Ok(there)
}

async fn write(c: &mut PgConnection, next: Vec<(Hash, u32, Timestamp, Timestamp)>) -> Result<(), Fault> {
    let buckets: Vec<&[u8]> = next.iter().map(|row| row.0.as_slice()).collect();
    let failures: Vec<i64> = next.iter().map(|row| i64::from(row.1)).collect();
    let allowed: Vec<i64> = next.iter().map(|row| row.2.as_micros()).collect();
    let expires: Vec<i64> = next.iter().map(|row| row.3.as_micros()).collect();
    sqlx::query(
        "UPDATE doorward_throttle t SET failures = n.failures, allowed_at = n.allowed_at, \
         expires_at = GREATEST(t.expires_at, n.expires_at) \
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[]) \
         AS n (bucket, failures, allowed_at, expires_at) WHERE t.bucket = n.bucket",
    )
    .bind(buckets)
    .bind(failures)
    .bind(allowed)
    .bind(expires)
    .execute(c)
    .await?;
    Ok(())
}

fn buckets(keys: &[ThrottleKey]) -> Vec<&[u8]> {
    keys.iter().map(|key| key.bucket.as_slice()).collect()
}
