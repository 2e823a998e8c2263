//! The outbox: messages that wait to be sent.

use std::sync::LazyLock;

use rusqlite::{Connection, params};

use super::{filed, rows, upkeep};
use doorward_base::clock::Timestamp;
use doorward_base::id::{DeliveryId, UserId};
use doorward_store::{DeliveryEnd, QueuedDelivery};

static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_outbox", rows::DELIVERY, &["filed_under"]) + " ON CONFLICT (id) DO NOTHING"
});

/// Queues messages in the caller's transaction.
/// Nobody's stand beside somebody's.
pub(super) fn queue(db: &Connection, deliveries: &[QueuedDelivery], beside: UserId) -> rusqlite::Result<()> {
    if let Some(first) = deliveries.first() {
        upkeep::trim(db, "doorward_outbox", "id", first.due_at)?;
    }
    for one in deliveries {
        db.prepare_cached(&INSERT)?.execute(params![
            one.id.as_bytes(),
            one.user_id.map(|id| *id.as_bytes()),
            one.payload,
            one.due_at.as_micros(),
            one.attempts,
            one.expires_at.as_micros(),
            filed::under(one.user_id, beside),
        ])?;
    }
    Ok(())
}

pub(super) fn is_any_due(db: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let select = "SELECT EXISTS (SELECT 1 FROM doorward_outbox WHERE due_at <= ?1 AND expires_at > ?1)";
    (db.prepare_cached(select)?).query_row([now.as_micros()], |row| row.get(0))
}

pub(super) fn take(
    db: &Connection,
    limit: u32,
    leased_until: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Vec<QueuedDelivery>> {
    let select = format!(
        "SELECT {} FROM doorward_outbox WHERE due_at <= ?1 AND expires_at > ?1 ORDER BY due_at, id LIMIT ?2",
        rows::DELIVERY
    );
    // The transaction holds the write lock already: nobody takes them before it commits.
    let mut due = (db.prepare_cached(&select)?)
        .query_map(params![now.as_micros(), limit], rows::delivery)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let lease = "UPDATE doorward_outbox SET due_at = ?2, attempts = ?3 WHERE id = ?1";
    for one in &mut due {
        one.due_at = leased_until;
        one.attempts = one.attempts.saturating_add(1);
        (db.prepare_cached(lease)?).execute(params![
            one.id.as_bytes(),
            one.due_at.as_micros(),
            one.attempts
        ])?;
    }
    Ok(due)
}

pub(super) fn settle(
    db: &Connection,
    id: DeliveryId,
    attempt: u32,
    end: DeliveryEnd,
) -> rusqlite::Result<bool> {
    let settled = match end {
        DeliveryEnd::Done => (db
            .prepare_cached("DELETE FROM doorward_outbox WHERE id = ?1 AND attempts = ?2")?)
        .execute(params![id.as_bytes(), attempt])?,
        DeliveryEnd::DueAt(at) => {
            let later = "UPDATE doorward_outbox SET due_at = ?3 WHERE id = ?1 AND attempts = ?2";
            (db.prepare_cached(later)?).execute(params![id.as_bytes(), attempt, at.as_micros()])?
        }
    };
    Ok(settled == 1)
}
