//! Flows: consumed by one conditional write.

use std::sync::LazyLock;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::End;
use super::rows::{self, flow_columns, uuid};
use super::{throttles, upkeep};
use doorward_base::clock::Timestamp;
use doorward_base::id::FlowId;
use doorward_store::{Flow, Hash, Post, Posted};

/// The secret hash of a flow that is taken: no secret has this hash.
const TAKEN: Hash = [0; 32];

/// With its post, in a transaction.
pub(super) async fn put(
    c: &mut Connection,
    flow: &Flow,
    post: &Post,
    now: Timestamp,
) -> Result<End<Posted>, Fault> {
    upkeep::trim(c, upkeep::trimmed!("doorward_flow", "id"), now).await?;
    let put = match throttles::pay(c, post, now).await {
        Ok(Posted::Closed(wait)) => Ok(Posted::Closed(wait)),
        Ok(posted) => insert(c, flow).await.map(|()| posted),
        failed => failed,
    };
    match put {
        // Of a user who is gone: it goes with the user, as if it had been put a moment earlier.
        Err(fault) if fault.is_referenced() => Ok(End::Undo(Posted::Done)),
        put => put.map(throttles::end),
    }
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_flow", flow_columns!(), &[]) + " ON CONFLICT (id) DO NOTHING"
});

async fn insert(c: &mut Connection, flow: &Flow) -> Result<(), Fault> {
    // An id is random: a row that is there already is this one, written before a lost answer.
    sqlx::query(INSERT.as_str())
        .bind(uuid(flow.id.as_bytes()))
        .bind(i64::from(flow.step))
        .bind(flow.secret_hash.as_slice())
        .bind(flow.user_id.map(|id| uuid(id.as_bytes())))
        .bind(flow.browser_hash.map(|hash| hash.to_vec()))
        .bind(i64::from(flow.attempts_left))
        .bind(&flow.state)
        .bind(flow.expires_at.as_micros())
        .execute(c)
        .await?;
    Ok(())
}

/// What a flow token names.
pub(super) struct FlowAt {
    pub(super) id: FlowId,
    pub(super) step: u32,
    pub(super) secret_hash: Hash,
    pub(super) now: Timestamp,
}

/// The flow as it stands, if it may be taken. Garbage ends here, without a write.
pub(super) async fn takeable(c: &mut Connection, at: &FlowAt) -> Result<Option<Flow>, Fault> {
    let row = sqlx::query(concat!(
        "SELECT ",
        flow_columns!(),
        " FROM doorward_flow WHERE id = $1 AND step = $2 AND secret_hash = $3 AND secret_hash <> $4 \
         AND attempts_left > 0 AND expires_at > $5"
    ))
    .bind(uuid(at.id.as_bytes()))
    .bind(i64::from(at.step))
    .bind(at.secret_hash.as_slice())
    .bind(TAKEN.as_slice())
    .bind(at.now.as_micros())
    .fetch_optional(c)
    .await?;
    row.as_ref().map(rows::flow).transpose()
}

/// The flow after it was taken: what [`take`] writes.
pub(super) fn taken(mut flow: Flow) -> Flow {
    flow.step = flow.step.saturating_add(1);
    flow.attempts_left = flow.attempts_left.saturating_sub(1);
    flow.secret_hash = TAKEN;
    flow
}

/// Takes the flow that [`takeable`] read. State and attempts move only together with step and secret, so the
/// condition on those is enough. True: this caller has it.
pub(super) async fn take(c: &mut Connection, flow: &Flow) -> Result<bool, Fault> {
    let next = taken(flow.clone());
    let won = sqlx::query(
        "UPDATE doorward_flow SET step = $4, attempts_left = $5, secret_hash = $6 \
         WHERE id = $1 AND step = $2 AND secret_hash = $3",
    )
    .bind(uuid(flow.id.as_bytes()))
    .bind(i64::from(flow.step))
    .bind(flow.secret_hash.as_slice())
    .bind(i64::from(next.step))
    .bind(i64::from(next.attempts_left))
    .bind(next.secret_hash.as_slice())
    .execute(c)
    .await?
    .rows_affected();
    Ok(won == 1)
}

/// With its post, in a transaction.
pub(super) async fn give_back(
    c: &mut Connection,
    flow: &Flow,
    post: &Post,
    now: Timestamp,
) -> Result<End<Option<Posted>>, Fault> {
    let posted = match throttles::pay(c, post, now).await {
        // Of a user who is gone, and the flow with it.
        Err(fault) if fault.is_referenced() => return Ok(End::Undo(None)),
        posted => posted?,
    };
    if matches!(posted, Posted::Closed(_)) {
        return Ok(End::Undo(Some(posted)));
    }
    Ok(match end(give_back_alone(c, flow).await)? {
        End::Commit(true) => End::Commit(Some(posted)),
        End::Commit(false) | End::Undo(_) => End::Undo(None),
    })
}

/// Of a user who is gone: as if the flow had gone with the user.
pub(super) fn end(given: Result<bool, Fault>) -> Result<End<bool>, Fault> {
    match given {
        Err(fault) if fault.is_referenced() => Ok(End::Undo(false)),
        given => given.map(End::Commit),
    }
}

pub(super) async fn give_back_alone(c: &mut Connection, flow: &Flow) -> Result<bool, Fault> {
    let won = sqlx::query(
        "UPDATE doorward_flow SET secret_hash = $4, state = $5, attempts_left = $6, \
         user_id = COALESCE(user_id, $7), expires_at = GREATEST(expires_at, $8) \
         WHERE id = $1 AND step = $2 AND secret_hash = $3",
    )
    .bind(uuid(flow.id.as_bytes()))
    .bind(i64::from(flow.step))
    .bind(TAKEN.as_slice())
    .bind(flow.secret_hash.as_slice())
    .bind(&flow.state)
    .bind(i64::from(flow.attempts_left))
    .bind(flow.user_id.map(|id| uuid(id.as_bytes())))
    .bind(flow.expires_at.as_micros())
    .execute(c)
    .await?
    .rows_affected();
    Ok(won == 1)
}

pub(super) async fn drop(c: &mut Connection, id: FlowId) -> Result<(), Fault> {
    sqlx::query("DELETE FROM doorward_flow WHERE id = $1")
        .bind(uuid(id.as_bytes()))
        .execute(c)
        .await?;
    Ok(())
}
