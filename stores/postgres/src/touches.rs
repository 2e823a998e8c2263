//! Writes that nobody waits for: queued and merged per row, dropped when there are too many, written in batches.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::connection::Connection;
use super::fault::Fault;
use super::live::live;
use super::operation::{Asked, End};
use super::pool::Pool;
use super::rows::uuid;
use doorward_base::clock::Timestamp;
use doorward_base::id::{AuthenticatorId, SignInId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{StoreResult, Touch};

/// How long a touch waits for company.
const LINGER: Duration = Duration::from_millis(10);

/// The queue of one process.
pub(super) struct Touches {
    capacity: usize,
    waiting: Mutex<Batch>,
    pub(super) arrived: Notify,
}

/// What is waiting, one entry per row.
#[derive(Default)]
pub(super) struct Batch {
    sign_ins: HashMap<SignInId, SignInTouch>,
    identities: HashMap<ProviderId, Timestamp>,
    authenticators: HashMap<(UserId, String, AuthenticatorId), Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SignInTouch {
    confirm: Option<(u32, Timestamp)>,
    seen: Option<(Timestamp, Timestamp)>,
}

impl Touches {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiting: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    pub(super) fn push(&self, touch: Touch) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // A full queue means a slow database; the next use of the row tries again.
        let room = waiting.len() < self.capacity;
        waiting.merge(touch, room);
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Writes batches until the future is dropped.
    pub(super) async fn run(&self, pool: &Arc<Pool>) {
        loop {
            self.arrived.notified().await;
            tokio::time::sleep(LINGER).await;
            if let Err(error) = self.flush(pool).await {
                tracing::debug!(%error, "last-use times were not written; the next use tries again");
            }
        }
    }

    /// Writes what is waiting now.
    pub(super) async fn flush(&self, pool: &Arc<Pool>) -> StoreResult<()> {
        let batch = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if batch.len() == 0 {
            return Ok(());
        }
        Asked::now(Arc::clone(pool), None)
            .transaction(&batch, |c, batch| Box::pin(write(c, batch)))
            .await
    }
}

impl Batch {
    fn len(&self) -> usize {
        self.sign_ins.len() + self.identities.len() + self.authenticators.len()
    }

    fn merge(&mut self, touch: Touch, room: bool) {
        match touch {
            Touch::Confirm { id, generation, at } => {
                if let Some(entry) = slot(&mut self.sign_ins, id, room) {
                    // The newest generation counts; the first acceptance of it.
                    match entry.confirm {
                        Some((there, _)) if there > generation => {}
                        Some((there, first)) if there == generation && first <= at => {}
                        _ => entry.confirm = Some((generation, at)),
                    }
                }
            }
            Touch::Seen {
                id,
                at,
                idle_expires_at,
            } => {
                if let Some(entry) = slot(&mut self.sign_ins, id, room) {
                    let (seen, idle) = entry.seen.unwrap_or((at, idle_expires_at));
                    entry.seen = Some((seen.max(at), idle.max(idle_expires_at)));
                }
            }
            Touch::IdentityUsed(id, at) => {
                if let Some(entry) = slot(&mut self.identities, id, room) {
                    *entry = at.max(*entry);
                }
            }
            Touch::AuthenticatorUsed(id, at) => {
                let key = (id.user_id, id.group, id.id);
                if let Some(entry) = slot(&mut self.authenticators, key, room) {
                    *entry = at.max(*entry);
                }
            }
        }
    }
}

fn slot<K: Eq + std::hash::Hash, V: Default>(map: &mut HashMap<K, V>, key: K, room: bool) -> Option<&mut V> {
    match map.entry(key) {
        Entry::Occupied(entry) => Some(entry.into_mut()),
        Entry::Vacant(entry) if room => Some(entry.insert(V::default())),
        Entry::Vacant(_) => None,
    }
}

/// One transaction. Rows that somebody else holds are skipped: this writer never waits, so it never deadlocks.
async fn write(c: &mut Connection, batch: &Batch) -> Result<End<()>, Fault> {
    write_sign_ins(c, batch).await?;
    for (id, at) in &batch.identities {
        sqlx::query(
            "UPDATE doorward_identity SET last_used_at = GREATEST(COALESCE(last_used_at, $4), $4) \
             WHERE (realm, provider, canonical) IN (SELECT realm, provider, canonical FROM doorward_identity \
             WHERE realm = $1 AND provider = $2 AND canonical = $3 FOR NO KEY UPDATE SKIP LOCKED)",
        )
        .bind(&id.realm)
        .bind(&id.provider)
        .bind(&id.canonical)
        .bind(at.as_micros())
        .execute(&mut *c)
        .await?;
    }
    for ((user, group, id), at) in &batch.authenticators {
        sqlx::query(
            "UPDATE doorward_authenticator SET last_used_at = GREATEST(COALESCE(last_used_at, $4), $4) \
             WHERE (user_id, grp, id) IN (SELECT user_id, grp, id FROM doorward_authenticator \
             WHERE user_id = $1 AND grp = $2 AND id = $3 FOR NO KEY UPDATE SKIP LOCKED)",
        )
        .bind(uuid(user.as_bytes()))
        .bind(group)
        .bind(uuid(id.as_bytes()))
        .bind(at.as_micros())
        .execute(&mut *c)
        .await?;
    }
    Ok(End::Commit(()))
}

async fn write_sign_ins(c: &mut Connection, batch: &Batch) -> Result<(), Fault> {
    let touched = &batch.sign_ins;
    if touched.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = touched.keys().map(|id| uuid(id.as_bytes())).collect();
    let values = touched.values();
    let generations: Vec<Option<i64>> = values
        .clone()
        .map(|touch| touch.confirm.map(|(generation, _)| i64::from(generation)))
        .collect();
    let confirmed: Vec<Option<i64>> = values
        .clone()
        .map(|touch| touch.confirm.map(|(_, at)| at.as_micros()))
        .collect();
    let seen: Vec<Option<i64>> = values
        .clone()
        .map(|touch| touch.seen.map(|(at, _)| at.as_micros()))
        .collect();
    let idle: Vec<Option<i64>> = values
        .map(|touch| touch.seen.map(|(_, idle)| idle.as_micros()))
        .collect();
    // GREATEST ignores nulls. A row that replaces another is never confirmed here: its first use has to wait.
    sqlx::query(concat!(
        "WITH free AS MATERIALIZED (SELECT id FROM doorward_sign_in WHERE id = ANY($1) AND ended_at IS NULL \
         FOR NO KEY UPDATE SKIP LOCKED) \
         UPDATE doorward_sign_in s SET \
         confirmed_at = CASE WHEN s.confirmed_at IS NULL AND s.generation = n.generation AND s.replaces IS NULL AND ",
        live!("n.confirmed_at"),
        " THEN n.confirmed_at ELSE s.confirmed_at END, \
         last_seen_at = GREATEST(s.last_seen_at, n.seen), idle_expires_at = GREATEST(s.idle_expires_at, n.idle) \
         FROM free, doorward_user u, unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) \
         AS n (id, generation, confirmed_at, seen, idle) \
         WHERE s.id = free.id AND s.id = n.id AND u.id = s.user_id AND s.ended_at IS NULL"
    ))
    .bind(ids)
    .bind(generations)
    .bind(confirmed)
    .bind(seen)
    .bind(idle)
    .execute(c)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn touches_of_one_row_merge_into_one_entry() {
        let id = SignInId::from_bytes([1; 16]);
        let mut batch = Batch::default();
        for (generation, at) in [(2, 20), (3, 40), (3, 30), (1, 10)] {
            let at = time(at);
            batch.merge(Touch::Confirm { id, generation, at }, true);
        }
        for (at, idle) in [(5, 500), (9, 400)] {
            let touch = Touch::Seen {
                id,
                at: time(at),
                idle_expires_at: time(idle),
            };
            batch.merge(touch, true);
        }
        let merged = SignInTouch {
            confirm: Some((3, time(30))),
            seen: Some((time(9), time(500))),
        };
        assert_eq!((batch.len(), batch.sign_ins[&id]), (1, merged));
    }

    #[test]
    fn a_full_queue_still_merges_but_takes_no_new_rows() {
        let touches = Touches::new(2);
        for round in 0..3_i64 {
            for row in 0..5 {
                touches.push(Touch::Seen {
                    id: SignInId::from_bytes([row; 16]),
                    at: time(round),
                    idle_expires_at: time(round),
                });
            }
        }
        let waiting = touches.waiting.lock().unwrap();
        assert_eq!(waiting.len(), 2);
        assert!(
            waiting
                .sign_ins
                .values()
                .all(|touch| touch.seen == Some((time(2), time(2))))
        );
    }
}
