//! Buckets of failures.

use rusqlite::{Connection, OptionalExtension, params};

use crate::clock::Timestamp;
use crate::store::{Settled, Throttle, ThrottleKey};

/// Whether any of the buckets is closed. Also asked before the write lock is taken: a flood of attempts at a closed
/// bucket must not slow the others' writes down.
pub(super) fn closed(
    db: &Connection,
    keys: &[ThrottleKey],
    now: Timestamp,
) -> rusqlite::Result<Option<Timestamp>> {
    let select =
        "SELECT allowed_at FROM doorward_throttle WHERE bucket = ?1 AND allowed_at > ?2 AND expires_at > ?2";
    let mut latest = None;
    for key in keys {
        let closed: Option<i64> = (db.prepare_cached(select)?)
            .query_row(params![key.bucket, now.as_micros()], |row| row.get(0))
            .optional()?;
        latest = latest.max(closed);
    }
    Ok(latest.map(Timestamp::from_micros))
}

pub(super) fn take(db: &Connection, keys: &[ThrottleKey], now: Timestamp) -> rusqlite::Result<Throttle> {
    if let Some(until) = closed(db, keys, now)? {
        return Ok(Throttle::NotBefore(until));
    }
    let select = "SELECT failures FROM doorward_throttle WHERE bucket = ?1 AND expires_at > ?2";
    let count =
        "INSERT INTO doorward_throttle (bucket, failures, allowed_at, expires_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (bucket) DO UPDATE SET failures = excluded.failures,
                 allowed_at = max(allowed_at, excluded.allowed_at),
                 expires_at = max(expires_at, excluded.expires_at)";
    for key in keys {
        let known: Option<u32> = (db.prepare_cached(select)?)
            .query_row(params![key.bucket, now.as_micros()], |row| row.get(0))
            .optional()?;
        let failures = known.unwrap_or(0).saturating_add(1);
        let delay = key.limit.delay(failures);
        let allowed_at = now.plus(delay);
        let expires_at = now.plus(key.limit.forget.max(delay));
        (db.prepare_cached(count)?).execute(params![
            key.bucket,
            failures,
            allowed_at.as_micros(),
            expires_at.as_micros(),
        ])?;
    }
    Ok(Throttle::Go)
}

pub(super) fn settle(
    db: &Connection,
    keys: &[ThrottleKey],
    how: Settled,
    now: Timestamp,
) -> rusqlite::Result<()> {
    // The attempt was let through, so without it the bucket would be open.
    let one_less = "UPDATE doorward_throttle SET failures = failures - 1, allowed_at = min(allowed_at, ?2)
                     WHERE bucket = ?1 AND failures > 1";
    let empty = "DELETE FROM doorward_throttle WHERE bucket = ?1";
    for key in keys {
        let given_back = match how {
            Settled::Cleared => 0,
            Settled::NotCounted => {
                (db.prepare_cached(one_less)?).execute(params![key.bucket, now.as_micros()])?
            }
        };
        if given_back == 0 {
            (db.prepare_cached(empty)?).execute([key.bucket])?;
        }
    }
    Ok(())
}
