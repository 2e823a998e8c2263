//! Throttle rows. The writer is alone, so read, decide and write is one step.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::work::Verdict;
use super::{outbox, tokens, upkeep};
use doorward_base::clock::Timestamp;
use doorward_store::{Hash, Post, Posted, ThrottleRow, ThrottleStep, Throttled};
use doorward_store::{Paid, throttled};

pub(super) fn find(db: &Connection, buckets: &[Hash]) -> rusqlite::Result<Vec<ThrottleRow>> {
    let select = "SELECT failures, allowed_at, expires_at FROM doorward_throttle WHERE bucket = ?1";
    let mut select = db.prepare_cached(select)?;
    buckets
        .iter()
        .map(|bucket| {
            let row = select.query_row([bucket], |row| {
                Ok(ThrottleRow {
                    failures: row.get(0)?,
                    allowed_at: Timestamp::from_micros(row.get(1)?),
                    expires_at: Timestamp::from_micros(row.get(2)?),
                })
            });
            Ok(row.optional()?.unwrap_or_default())
        })
        .collect()
}

pub(super) fn apply(
    db: &Connection,
    steps: &[ThrottleStep],
    now: Timestamp,
) -> rusqlite::Result<Verdict<Throttled>> {
    let buckets: Vec<Hash> = steps.iter().map(ThrottleStep::bucket).collect();
    let stored = find(db, &buckets)?;
    let row = |bucket: &Hash| {
        let at = buckets.iter().position(|one| one == bucket);
        at.and_then(|at| stored.get(at)).copied().unwrap_or_default()
    };
    let writes = match throttled(steps, row, now) {
        Ok(writes) => writes,
        Err(undone) => return Ok(Verdict::Undo(undone)),
    };
    put(db, &writes, row, now)?;
    Ok(Verdict::Keep(Throttled::Done))
}

/// Charges a write in its transaction, and queues its messages or their decoys. Whatever is not kept is undone by the
/// caller; `Closed` has written nothing.
pub(super) fn pay(db: &Connection, post: &Post, now: Timestamp) -> rusqlite::Result<Posted> {
    Ok(match charge(db, post, now)? {
        Err(wait) => Posted::Closed(wait),
        Ok(paid) => {
            if let Some(link) = &post.link {
                tokens::insert(db, link, post.beside, now)?;
            }
            outbox::queue(db, paid.deliveries, post.beside)?;
            paid.posted
        }
    })
}

/// The same, but that the messages are still to be queued; or how long it is closed.
pub(super) fn charge<'p>(
    db: &Connection,
    post: &'p Post,
    now: Timestamp,
) -> rusqlite::Result<Result<Paid<'p>, Duration>> {
    let buckets = post.buckets();
    let stored = find(db, &buckets)?;
    let row = |bucket: &Hash| {
        let at = buckets.iter().position(|one| one == bucket);
        at.and_then(|at| stored.get(at)).copied().unwrap_or_default()
    };
    let paid = post.pay(row, now);
    if let Ok(paid) = &paid {
        put(db, &paid.rows, row, now)?;
    }
    Ok(paid)
}

fn put(
    db: &Connection,
    rows: &[(Hash, ThrottleRow)],
    before: impl Fn(&Hash) -> ThrottleRow,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let write =
        "INSERT INTO doorward_throttle (bucket, failures, allowed_at, expires_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (bucket) DO UPDATE SET failures = excluded.failures,
                 allowed_at = excluded.allowed_at, expires_at = excluded.expires_at";
    for (bucket, next) in rows {
        // A row that is over is made anew: whether somebody was counted long ago does not show in the work.
        if before(bucket).expires_at <= now {
            upkeep::trim(db, "doorward_throttle", "bucket", now)?;
        }
        (db.prepare_cached(write)?).execute(params![
            bucket,
            next.failures,
            next.allowed_at.as_micros(),
            next.expires_at.as_micros(),
        ])?;
    }
    Ok(())
}
