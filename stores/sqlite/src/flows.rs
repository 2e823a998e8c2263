//! Flows: consumed by one conditional write.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};

use super::work::Verdict;
use super::{filed, rows, throttles, upkeep};
use doorward_base::clock::Timestamp;
use doorward_base::id::FlowId;
use doorward_store::{Flow, Hash, Post, Posted};

/// What a taken flow has in place of a secret. No token's hash is equal to it.
const TAKEN: Hash = [0; 32];

static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_flow", rows::FLOW, &["filed_under"]) + " ON CONFLICT (id) DO NOTHING"
});

pub(super) fn put(
    db: &Connection,
    flow: &Flow,
    post: &Post,
    now: Timestamp,
) -> rusqlite::Result<Verdict<Posted>> {
    // First: what is closed does not tell who is gone.
    let posted = throttles::pay(db, post, now)?;
    if matches!(posted, Posted::Closed(_)) {
        return Ok(Verdict::Undo(posted));
    }
    // A flow of a user who is gone goes with the user: as if it had been put a moment earlier.
    if !filed::stands(db, flow.user_id, post)? {
        return Ok(Verdict::Undo(Posted::Done));
    }
    upkeep::trim(db, "doorward_flow", "id", now)?;
    db.prepare_cached(&INSERT)?.execute(params![
        flow.id.as_bytes(),
        flow.step,
        flow.secret_hash,
        flow.user_id.map(|id| *id.as_bytes()),
        flow.browser_hash,
        flow.attempts_left,
        flow.state,
        flow.expires_at.as_micros(),
        filed::under(flow.user_id, post.beside),
    ])?;
    Ok(Verdict::Keep(posted))
}

/// True when [`take`] would have it.
pub(super) fn is_takeable(
    db: &Connection,
    id: FlowId,
    step: u32,
    secret_hash: &Hash,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let select =
        "SELECT 1 FROM doorward_flow WHERE id = ?1 AND step = ?2 AND secret_hash = ?3 AND secret_hash <> ?5
                  AND expires_at > ?4 AND attempts_left > 0 AND step < 4294967295";
    let found = (db.prepare_cached(select)?)
        .query_row(
            params![id.as_bytes(), step, secret_hash, now.as_micros(), TAKEN],
            |_| Ok(()),
        )
        .optional()?;
    Ok(found.is_some())
}

pub(super) fn take(
    db: &Connection,
    id: FlowId,
    step: u32,
    secret_hash: &Hash,
    now: Timestamp,
) -> rusqlite::Result<Option<Flow>> {
    let take = "UPDATE doorward_flow SET step = step + 1, attempts_left = attempts_left - 1, secret_hash = ?5
                WHERE id = ?1 AND step = ?2 AND secret_hash = ?3 AND secret_hash <> ?5
                AND expires_at > ?4 AND attempts_left > 0 AND step < 4294967295";
    let taken = db.prepare_cached(take)?.execute(params![
        id.as_bytes(),
        step,
        secret_hash,
        now.as_micros(),
        TAKEN
    ])?;
    if taken == 0 {
        return Ok(None);
    }
    let select = format!("SELECT {} FROM doorward_flow WHERE id = ?1", rows::FLOW);
    (db.prepare_cached(&select)?)
        .query_row([id.as_bytes()], rows::flow)
        .optional()
}

pub(super) fn give_back(
    db: &Connection,
    flow: &Flow,
    post: &Post,
    now: Timestamp,
) -> rusqlite::Result<Verdict<Option<Posted>>> {
    let posted = throttles::pay(db, post, now)?;
    if matches!(posted, Posted::Closed(_)) {
        return Ok(Verdict::Undo(Some(posted)));
    }
    if !filed::stands(db, flow.user_id, post)? {
        return Ok(Verdict::Undo(None));
    }
    let give = "UPDATE doorward_flow SET secret_hash = ?3, state = ?4, attempts_left = ?5,
                expires_at = max(expires_at, ?6), user_id = coalesce(user_id, ?7),
                filed_under = coalesce(user_id, ?7, filed_under)
                WHERE id = ?1 AND step = ?2 AND secret_hash = ?8";
    let given = db.prepare_cached(give)?.execute(params![
        flow.id.as_bytes(),
        flow.step,
        flow.secret_hash,
        flow.state,
        flow.attempts_left,
        flow.expires_at.as_micros(),
        flow.user_id.map(|id| *id.as_bytes()),
        TAKEN,
    ])?;
    Ok(if given == 1 {
        Verdict::Keep(Some(posted))
    } else {
        Verdict::Undo(None)
    })
}

pub(super) fn remove(db: &Connection, id: FlowId) -> rusqlite::Result<()> {
    let delete = "DELETE FROM doorward_flow WHERE id = ?1";
    db.prepare_cached(delete)?.execute([id.as_bytes()]).map(|_| ())
}
