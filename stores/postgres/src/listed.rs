//! Users as an operator lists them: page by page, counted, found by how their identifiers begin.

use sqlx::Row as _;

use super::connection::Connection;
use super::fault::Fault;
use super::rows::{self, user_columns, uuid};
use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;
use doorward_store::{User, UserPage};

/// After every identifier that begins as one does: no canonical identifier has as many bytes.
const LONGEST: usize = 1_025;

macro_rules! listed {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM doorward_user u WHERE u.realm = $1 AND ",
            $condition
        )
    };
}

pub(super) async fn page(c: &mut Connection, page: &UserPage) -> Result<Vec<User>, Fault> {
    // One statement for each, so that each has its index. Always a bound: with one that may be absent, later pages would
    // read all earlier ones.
    let select = match (page.enabled, page.newest_first) {
        (None, false) => listed!("u.id > $2 ORDER BY u.id LIMIT $3"),
        (None, true) => listed!("u.id < $2 ORDER BY u.id DESC LIMIT $3"),
        (Some(_), false) => {
            listed!("(u.disabled_at IS NULL) = $4 AND u.id > $2 ORDER BY u.id LIMIT $3")
        }
        (Some(_), true) => {
            listed!("(u.disabled_at IS NULL) = $4 AND u.id < $2 ORDER BY u.id DESC LIMIT $3")
        }
    };
    // Nobody has the id of zeros, nor that of ones.
    let end = if page.newest_first {
        UserId::from_bytes([0xff; 16])
    } else {
        UserId::NOBODY
    };
    let mut query = sqlx::query(select)
        .bind(&page.realm)
        .bind(uuid(page.after.unwrap_or(end).as_bytes()))
        .bind(i64::from(page.limit));
    if let Some(enabled) = page.enabled {
        query = query.bind(enabled);
    }
    query.fetch_all(c).await?.iter().map(rows::user).collect()
}

pub(super) async fn count(
    c: &mut Connection,
    realm: &str,
    enabled: Option<bool>,
    limit: u32,
) -> Result<u64, Fault> {
    let select = match enabled {
        None => {
            "SELECT count(*) FROM (SELECT 1 FROM doorward_user WHERE realm = $1 ORDER BY id LIMIT $2) AS few"
        }
        Some(_) => {
            "SELECT count(*) FROM (SELECT 1 FROM doorward_user WHERE realm = $1 AND (disabled_at IS NULL) = $3 \
             ORDER BY id LIMIT $2) AS few"
        }
    };
    let mut query = sqlx::query(select).bind(realm).bind(i64::from(limit));
    if let Some(enabled) = enabled {
        query = query.bind(enabled);
    }
    let row = query.fetch_one(c).await?;
    Ok(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0))
}

pub(super) async fn by_prefix(c: &mut Connection, at: &ProviderId, limit: u32) -> Result<Vec<User>, Fault> {
    let mut end = at.canonical.clone();
    end.resize(LONGEST, 0xff);
    let rows = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        " FROM doorward_identity i JOIN doorward_user u ON u.id = i.user_id \
         WHERE i.realm = $1 AND i.provider = $2 AND i.canonical >= $3 AND i.canonical < $4 \
         ORDER BY i.canonical LIMIT $5"
    ))
    .bind(&at.realm)
    .bind(&at.provider)
    .bind(&at.canonical)
    .bind(&end)
    .bind(i64::from(limit))
    .fetch_all(c)
    .await?;
    rows.iter().map(rows::user).collect()
}
