//! Single-use tokens: consumed by one conditional write, in the transaction of what they are good for.

use std::sync::LazyLock;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::End;
use super::rows::{self, token_columns, uuid};
use super::{throttles, upkeep};
use doorward_base::clock::Timestamp;
use doorward_base::id::{TokenId, UserId};
use doorward_store::{Hash, Post, Posted, Token, TokenUse};

pub(super) async fn put(
    c: &mut Connection,
    token: &Token,
    post: &Post,
    now: Timestamp,
) -> Result<End<Posted>, Fault> {
    let put = match throttles::pay(c, post, now).await {
        Ok(Posted::Closed(wait)) => Ok(Posted::Closed(wait)),
        Ok(posted) => insert(c, token, now).await.map(|()| posted),
        failed => failed,
    };
    match put {
        // Of a user who is gone: it goes with the user, as if it had been put a moment earlier.
        Err(fault) if fault.is_referenced() => Ok(End::Undo(Posted::Done)),
        put => put.map(throttles::end),
    }
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_token", token_columns!(), &[]) + " ON CONFLICT (id) DO NOTHING"
});

pub(super) async fn insert(c: &mut Connection, token: &Token, now: Timestamp) -> Result<(), Fault> {
    upkeep::trim(c, upkeep::trimmed!("doorward_token", "id"), now).await?;
    sqlx::query(INSERT.as_str())
        .bind(uuid(token.id.as_bytes()))
        .bind(&token.purpose)
        .bind(token.secret_hash.as_slice())
        .bind(&token.at.realm)
        .bind(&token.at.provider)
        .bind(&token.at.canonical)
        .bind(token.user_id.map(|id| uuid(id.as_bytes())))
        .bind(token.epoch)
        .bind(token.expires_at.as_micros())
        .bind(rows::at(token.consumed_at))
        .execute(c)
        .await?;
    Ok(())
}

pub(super) async fn find(
    c: &mut Connection,
    id: TokenId,
    secret_hash: &Hash,
    now: Timestamp,
) -> Result<Option<Token>, Fault> {
    let row = sqlx::query(concat!(
        "SELECT ",
        token_columns!(),
        " FROM doorward_token WHERE id = $1 AND secret_hash = $2 AND consumed_at IS NULL AND expires_at > $3"
    ))
    .bind(uuid(id.as_bytes()))
    .bind(secret_hash.as_slice())
    .bind(now.as_micros())
    .fetch_optional(c)
    .await?;
    row.as_ref().map(rows::token).transpose()
}

/// True: this transaction has consumed it, if it commits.
pub(super) async fn consume(
    c: &mut Connection,
    token: &TokenUse,
    user: UserId,
    now: Timestamp,
) -> Result<bool, Fault> {
    let consumed = sqlx::query(
        "UPDATE doorward_token SET consumed_at = $4 WHERE id = $1 AND secret_hash = $2 \
         AND user_id = $3 AND consumed_at IS NULL AND expires_at > $4",
    )
    .bind(uuid(token.id.as_bytes()))
    .bind(token.secret_hash.as_slice())
    .bind(uuid(user.as_bytes()))
    .bind(now.as_micros())
    .execute(c)
    .await?
    .rows_affected();
    Ok(consumed == 1)
}

/// True: this statement has used the link, or the code beside it, and the flow is gone.
pub(super) async fn spend_link(c: &mut Connection, link: &TokenUse, now: Timestamp) -> Result<bool, Fault> {
    let used: i64 = sqlx::query_scalar(
        "WITH used AS (UPDATE doorward_token SET consumed_at = $3 \
         WHERE id = $1 AND secret_hash = $2 AND consumed_at IS NULL AND expires_at > $3 RETURNING id), \
         gone AS (DELETE FROM doorward_flow WHERE id IN (SELECT id FROM used)) SELECT count(*) FROM used",
    )
    .bind(uuid(link.id.as_bytes()))
    .bind(link.secret_hash.as_slice())
    .bind(now.as_micros())
    .fetch_one(c)
    .await?;
    Ok(used == 1)
}
