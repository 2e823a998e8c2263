//! Throttle rows, under concurrency: locked in order of bucket, then decided.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::Row as _;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::End;
use super::{outbox, rows, tokens, upkeep};
use doorward_base::clock::Timestamp;
use doorward_store::{Hash, Post, Posted, ThrottleRow, ThrottleStep, Throttled};
use doorward_store::{Paid, throttled};

pub(super) async fn find(c: &mut Connection, buckets: &[Hash]) -> Result<Vec<ThrottleRow>, Fault> {
    let found = sqlx::query(
        "SELECT bucket, failures, allowed_at, expires_at FROM doorward_throttle WHERE bucket = ANY($1)",
    )
    .bind(slices(buckets))
    .fetch_all(c)
    .await?;
    let there = read(&found)?;
    let row = |bucket| there.get(bucket).copied().unwrap_or_default();
    Ok(buckets.iter().map(row).collect())
}

/// A transaction of throttle rows alone, which does not wait for the disk: a killed server loses the last failures,
/// which no attacker can order.
pub(super) async fn apply_alone(
    c: &mut Connection,
    steps: &[ThrottleStep],
    now: Timestamp,
) -> Result<End<Throttled>, Fault> {
    sqlx::raw_sql("SET LOCAL synchronous_commit = off")
        .execute(&mut *c)
        .await?;
    Ok(match apply(c, steps, now).await? {
        Throttled::Done => End::Commit(Throttled::Done),
        undone => End::Undo(undone),
    })
}

/// In the caller's transaction, which is undone by the caller unless this is `Done`.
pub(super) async fn apply(
    c: &mut Connection,
    steps: &[ThrottleStep],
    now: Timestamp,
) -> Result<Throttled, Fault> {
    let buckets = in_order(steps.iter().map(ThrottleStep::bucket).collect());
    let stored = if steps.iter().any(ThrottleStep::makes_rows) {
        upkeep::trim(c, upkeep::trimmed!("doorward_throttle", "bucket"), now).await?;
        made(c, &buckets).await?
    } else {
        locked(c, &buckets).await?
    };
    let writes = match throttled(
        steps,
        |bucket| stored.get(bucket).copied().unwrap_or_default(),
        now,
    ) {
        Ok(writes) => writes,
        Err(undone) => return Ok(undone),
    };
    if !writes.is_empty() {
        write(c, &writes).await?;
    }
    Ok(Throttled::Done)
}

/// Charges a write in its transaction, and queues its messages or their decoys. `Closed` has written nothing that counts,
/// and the caller undoes it.
pub(super) async fn pay(c: &mut Connection, post: &Post, now: Timestamp) -> Result<Posted, Fault> {
    Ok(match charge(c, post, now).await? {
        Err(wait) => Posted::Closed(wait),
        Ok(paid) => {
            if let Some(link) = &post.link {
                tokens::insert(c, link, now).await?;
            }
            outbox::queue(c, paid.deliveries).await?;
            paid.posted
        }
    })
}

/// The same, but that the messages are still to be queued; or how long it is closed.
pub(super) async fn charge<'p>(
    c: &mut Connection,
    post: &'p Post,
    now: Timestamp,
) -> Result<Result<Paid<'p>, Duration>, Fault> {
    let buckets = in_order(post.buckets());
    let stored = if buckets.is_empty() {
        HashMap::new()
    } else {
        upkeep::trim(c, upkeep::trimmed!("doorward_throttle", "bucket"), now).await?;
        made(c, &buckets).await?
    };
    let paid = post.pay(|bucket| stored.get(bucket).copied().unwrap_or_default(), now);
    if let Ok(Paid { rows, .. }) = &paid
        && !rows.is_empty()
    {
        write(c, rows).await?;
    }
    Ok(paid)
}

/// A write that could not pay is undone.
pub(super) fn end(posted: Posted) -> End<Posted> {
    match posted {
        Posted::Closed(_) => End::Undo(posted),
        Posted::Done | Posted::Withheld(_) => End::Commit(posted),
    }
}

/// In one order, so that transactions that share some queue instead of deadlocking.
fn in_order(mut buckets: Vec<Hash>) -> Vec<Hash> {
    buckets.sort_unstable();
    buckets.dedup();
    buckets
}

/// The rows, made where they are absent, and locked. unnest keeps the order.
async fn made(c: &mut Connection, buckets: &[Hash]) -> Result<HashMap<Hash, ThrottleRow>, Fault> {
    let found = sqlx::query(
        "INSERT INTO doorward_throttle AS t (bucket, failures, allowed_at, expires_at) \
         SELECT bucket, 0, 0, 0 FROM unnest($1::bytea[]) AS wanted (bucket) \
         ON CONFLICT (bucket) DO UPDATE SET failures = t.failures \
         RETURNING bucket, failures, allowed_at, expires_at",
    )
    .bind(slices(buckets))
    .fetch_all(c)
    .await?;
    read(&found)
}

async fn locked(c: &mut Connection, buckets: &[Hash]) -> Result<HashMap<Hash, ThrottleRow>, Fault> {
    let found = sqlx::query(
        "SELECT bucket, failures, allowed_at, expires_at FROM doorward_throttle WHERE bucket = ANY($1) \
         ORDER BY bucket FOR UPDATE",
    )
    .bind(slices(buckets))
    .fetch_all(c)
    .await?;
    read(&found)
}

fn read(found: &[sqlx::postgres::PgRow]) -> Result<HashMap<Hash, ThrottleRow>, Fault> {
    let mut there = HashMap::with_capacity(found.len());
    for row in found {
        let bucket = rows::hash(row, "bucket")?;
        let row = ThrottleRow {
            failures: rows::count(row, "failures")?,
            allowed_at: Timestamp::from_micros(row.try_get("allowed_at")?),
            expires_at: Timestamp::from_micros(row.try_get("expires_at")?),
        };
        there.insert(bucket, row);
    }
    Ok(there)
}

async fn write(c: &mut Connection, next: &[(Hash, ThrottleRow)]) -> Result<(), Fault> {
    let buckets: Vec<&[u8]> = next.iter().map(|(bucket, _)| bucket.as_slice()).collect();
    let failures: Vec<i64> = next.iter().map(|(_, row)| i64::from(row.failures)).collect();
    let allowed: Vec<i64> = next.iter().map(|(_, row)| row.allowed_at.as_micros()).collect();
    let expires: Vec<i64> = next.iter().map(|(_, row)| row.expires_at.as_micros()).collect();
    sqlx::query(
        "UPDATE doorward_throttle t SET failures = n.failures, allowed_at = n.allowed_at, \
         expires_at = n.expires_at FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[]) \
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

fn slices(buckets: &[Hash]) -> Vec<&[u8]> {
    buckets.iter().map(Hash::as_slice).collect()
}
