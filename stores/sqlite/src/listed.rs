//! Users as an operator lists them: page by page, counted, found by how their identifiers begin.

use rusqlite::{Connection, Row, params};

use super::rows;
use doorward_base::identifier::ProviderId;
use doorward_store::{User, UserPage};

/// After every id of 16 bytes.
const LAST: [u8; 17] = [0xff; 17];
/// After every identifier that begins as one does: no canonical identifier has as many bytes.
const LONGEST: usize = 1_025;

pub(super) fn page(db: &Connection, page: &UserPage) -> rusqlite::Result<Vec<User>> {
    // One statement for each, so that each has its index.
    let select = match (page.enabled, page.newest_first) {
        (None, false) => format!(
            "SELECT {} FROM doorward_user u WHERE u.realm = ?1 AND u.id > ?2 ORDER BY u.id LIMIT ?3",
            rows::USER
        ),
        (None, true) => format!(
            "SELECT {} FROM doorward_user u WHERE u.realm = ?1 AND u.id < ?2 ORDER BY u.id DESC LIMIT ?3",
            rows::USER
        ),
        (Some(_), false) => format!(
            "SELECT {} FROM doorward_user u WHERE u.realm = ?1 AND (u.disabled_at IS NULL) = ?4 AND u.id > ?2
             ORDER BY u.id LIMIT ?3",
            rows::USER
        ),
        (Some(_), true) => format!(
            "SELECT {} FROM doorward_user u WHERE u.realm = ?1 AND (u.disabled_at IS NULL) = ?4 AND u.id < ?2
             ORDER BY u.id DESC LIMIT ?3",
            rows::USER
        ),
    };
    // Every id is greater than the empty blob.
    let from: &[u8] = match &page.after {
        Some(after) => after.as_bytes(),
        None if page.newest_first => &LAST,
        None => &[],
    };
    let mut statement = db.prepare_cached(&select)?;
    let user = |row: &Row<'_>| rows::user(row, 0);
    let found = match page.enabled {
        None => statement.query_map(params![page.realm, from, page.limit], user)?,
        Some(enabled) => statement.query_map(params![page.realm, from, page.limit, enabled], user)?,
    };
    found.collect()
}

pub(super) fn count(
    db: &Connection,
    realm: &str,
    enabled: Option<bool>,
    limit: u32,
) -> rusqlite::Result<u64> {
    match enabled {
        None => {
            let select = "SELECT count(*) FROM (SELECT 1 FROM doorward_user WHERE realm = ?1 LIMIT ?2)";
            (db.prepare_cached(select)?).query_row(params![realm, limit], |row| rows::count(row, 0))
        }
        Some(enabled) => {
            let select = "SELECT count(*) FROM (SELECT 1 FROM doorward_user
                WHERE realm = ?1 AND (disabled_at IS NULL) = ?3 LIMIT ?2)";
            (db.prepare_cached(select)?).query_row(params![realm, limit, enabled], |row| rows::count(row, 0))
        }
    }
}

pub(super) fn by_prefix(db: &Connection, at: &ProviderId, limit: u32) -> rusqlite::Result<Vec<User>> {
    let select = format!(
        "SELECT {} FROM doorward_identity i JOIN doorward_user u ON u.id = i.user_id
         WHERE i.realm = ?1 AND i.provider = ?2 AND i.canonical >= ?3 AND i.canonical < ?4
         ORDER BY i.canonical LIMIT ?5",
        rows::USER
    );
    let mut end = at.canonical.clone();
    end.resize(LONGEST, 0xff);
    (db.prepare_cached(&select)?)
        .query_map(params![at.realm, at.provider, at.canonical, end, limit], |row| {
            rows::user(row, 0)
        })?
        .collect()
}
