//! Single-use tokens: consumed by one conditional write, in the transaction of what they are good for.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};

use super::work::Verdict;
use super::{filed, flows, rows, throttles, upkeep};
use doorward_base::clock::Timestamp;
use doorward_base::id::{TokenId, UserId};
use doorward_store::{Hash, Post, Posted, Token, TokenUse};

static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_token", rows::TOKEN, &["filed_under"]) + " ON CONFLICT (id) DO NOTHING"
});

pub(super) fn put(
    db: &Connection,
    token: &Token,
    post: &Post,
    now: Timestamp,
) -> rusqlite::Result<Verdict<Posted>> {
    // First: what is closed does not tell who is gone.
    let posted = throttles::pay(db, post, now)?;
    if matches!(posted, Posted::Closed(_)) {
        return Ok(Verdict::Undo(posted));
    }
    // A token of a user who is gone goes with the user: as if it had been put a moment earlier.
    if !filed::stands(db, token.user_id, post)? {
        return Ok(Verdict::Undo(Posted::Done));
    }
    insert(db, token, post.beside, now)?;
    Ok(Verdict::Keep(posted))
}

pub(super) fn insert(db: &Connection, token: &Token, beside: UserId, now: Timestamp) -> rusqlite::Result<()> {
    upkeep::trim(db, "doorward_token", "id", now)?;
    db.prepare_cached(&INSERT)?.execute(params![
        token.id.as_bytes(),
        token.purpose,
        token.secret_hash,
        token.at.realm,
        token.at.provider,
        token.at.canonical,
        token.user_id.map(|id| *id.as_bytes()),
        token.epoch,
        token.expires_at.as_micros(),
        rows::micros(token.consumed_at),
        filed::under(token.user_id, beside),
    ])?;
    Ok(())
}

pub(super) fn find(
    db: &Connection,
    id: TokenId,
    secret_hash: &Hash,
    now: Timestamp,
) -> rusqlite::Result<Option<Token>> {
    let select = format!(
        "SELECT {} FROM doorward_token WHERE id = ?1 AND secret_hash = ?2 AND consumed_at IS NULL
         AND expires_at > ?3",
        rows::TOKEN
    );
    (db.prepare_cached(&select)?)
        .query_row(params![id.as_bytes(), secret_hash, now.as_micros()], rows::token)
        .optional()
}

/// True: this transaction has consumed it, if it commits.
pub(super) fn consume(
    db: &Connection,
    token: &TokenUse,
    user: UserId,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let consume = "UPDATE doorward_token SET consumed_at = ?4 WHERE id = ?1 AND secret_hash = ?2
                   AND user_id = ?3 AND consumed_at IS NULL AND expires_at > ?4";
    let consumed = db.prepare_cached(consume)?.execute(params![
        token.id.as_bytes(),
        token.secret_hash,
        user.as_bytes(),
        now.as_micros(),
    ])?;
    Ok(consumed == 1)
}

/// True: this transaction has used the link, or the code beside it.
pub(super) fn spend_link(db: &Connection, link: &TokenUse, now: Timestamp) -> rusqlite::Result<bool> {
    let consume = "UPDATE doorward_token SET consumed_at = ?3 WHERE id = ?1 AND secret_hash = ?2
                   AND consumed_at IS NULL AND expires_at > ?3";
    let consumed = (db.prepare_cached(consume)?).execute(params![
        link.id.as_bytes(),
        link.secret_hash,
        now.as_micros()
    ])?;
    if consumed == 1 {
        flows::remove(db, link.flow())?;
    }
    Ok(consumed == 1)
}
