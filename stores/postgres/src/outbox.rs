//! The outbox: messages that wait to be sent.

use std::sync::LazyLock;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::End;
use super::rows::{self, delivery_columns, uuid};
use super::upkeep;
use doorward_base::clock::Timestamp;
use doorward_base::id::DeliveryId;
use doorward_store::{DeliveryEnd, QueuedDelivery};

static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_outbox", delivery_columns!(), &[]) + " ON CONFLICT (id) DO NOTHING"
});

/// Queues messages in the caller's transaction.
pub(super) async fn queue(c: &mut Connection, deliveries: &[QueuedDelivery]) -> Result<(), Fault> {
    if let Some(first) = deliveries.first() {
        upkeep::trim(c, upkeep::trimmed!("doorward_outbox", "id"), first.due_at).await?;
    }
    for one in deliveries {
        sqlx::query(INSERT.as_str())
            .bind(uuid(one.id.as_bytes()))
            .bind(one.user_id.map(|id| uuid(id.as_bytes())))
            .bind(&one.payload)
            .bind(one.due_at.as_micros())
            .bind(i64::from(one.attempts))
            .bind(one.expires_at.as_micros())
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// What [`take`] is asked.
pub(super) struct Take {
    pub(super) limit: u32,
    pub(super) leased_until: Timestamp,
    pub(super) now: Timestamp,
}

/// Rows that somebody else is taking are left to them.
pub(super) async fn take(c: &mut Connection, take: &Take) -> Result<End<Vec<QueuedDelivery>>, Fault> {
    let due = sqlx::query(concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM doorward_outbox \
         WHERE due_at <= $1 AND expires_at > $1 ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED"
    ))
    .bind(take.now.as_micros())
    .bind(i64::from(take.limit))
    .fetch_all(&mut *c)
    .await?;
    let mut due = due.iter().map(rows::delivery).collect::<Result<Vec<_>, _>>()?;
    if due.is_empty() {
        return Ok(End::Undo(due));
    }
    let ids: Vec<_> = due.iter().map(|one| uuid(one.id.as_bytes())).collect();
    sqlx::query("UPDATE doorward_outbox SET due_at = $2, attempts = attempts + 1 WHERE id = ANY($1)")
        .bind(&ids)
        .bind(take.leased_until.as_micros())
        .execute(c)
        .await?;
    for one in &mut due {
        one.due_at = take.leased_until;
        one.attempts = one.attempts.saturating_add(1);
    }
    Ok(End::Commit(due))
}

pub(super) async fn settle(
    c: &mut Connection,
    id: DeliveryId,
    attempt: u32,
    end: DeliveryEnd,
) -> Result<bool, Fault> {
    let settled = match end {
        DeliveryEnd::Done => sqlx::query("DELETE FROM doorward_outbox WHERE id = $1 AND attempts = $2"),
        DeliveryEnd::DueAt(_) => {
            sqlx::query("UPDATE doorward_outbox SET due_at = $3 WHERE id = $1 AND attempts = $2")
        }
    };
    let mut settled = settled.bind(uuid(id.as_bytes())).bind(i64::from(attempt));
    if let DeliveryEnd::DueAt(at) = end {
        settled = settled.bind(at.as_micros());
    }
    Ok(settled.execute(c).await?.rows_affected() == 1)
}
