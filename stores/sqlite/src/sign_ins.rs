//! Sign-ins: the conditional writes of the session protocol. Affected rows decide.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::live::{COUNTED_AT_2, GOES_WITH_3, LIVE_AT_3};
use super::rows;
use super::work::Verdict;
use doorward_base::clock::Timestamp;
use doorward_base::id::{SignInId, UserId};
use doorward_store::{
    Advance, CreatedSignIn, EndReason, Ends, Extend, NewSignIn, PutAttributes, SignIn, User,
};

/// A user's sign-ins that count, the least recently used first. By the index of those that have not ended: told by name,
/// because SQLite prefers an index without a condition where it has no statistics.
fn counted_of_user() -> String {
    format!(
        "SELECT s.id FROM doorward_user u CROSS JOIN doorward_sign_in s INDEXED BY doorward_sign_in_live
         ON s.user_id = u.id WHERE u.id = ?1 AND {COUNTED_AT_2} ORDER BY s.last_seen_at, s.id"
    )
}

pub(super) fn find(db: &Connection, id: SignInId) -> rusqlite::Result<Option<(SignIn, User)>> {
    const { assert!(rows::SIGN_IN_COLUMNS == 29) };
    let mut statement = db.prepare_cached(&FIND)?;
    statement
        .query_row([id.as_bytes()], |row| {
            Ok((rows::sign_in(row)?, rows::user(row, rows::SIGN_IN_COLUMNS)?))
        })
        .optional()
}

/// The statement of every request: made once.
static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM doorward_sign_in s JOIN doorward_user u ON u.id = s.user_id WHERE s.id = ?1",
        rows::SIGN_IN,
        rows::USER
    )
});

static INSERT: LazyLock<String> = LazyLock::new(|| rows::insert_into("doorward_sign_in", rows::SIGN_IN, &[]));

pub(super) fn create(db: &Connection, new: &NewSignIn) -> rusqlite::Result<Verdict<CreatedSignIn>> {
    let row = &new.row;
    let now = row.created_at;
    let lock = "UPDATE doorward_user SET signed_in_at = max(coalesce(signed_in_at, ?3), ?3)
                WHERE id = ?1 AND session_epoch = ?2 AND disabled_at IS NULL";
    let locked =
        (db.prepare_cached(lock)?).execute(params![row.user_id.as_bytes(), row.epoch, now.as_micros()])?;
    if locked == 0 {
        return Ok(Verdict::Undo(CreatedSignIn::Refused));
    }
    if let Some((stored, _)) = find(db, row.id)? {
        let same = stored.user_id == row.user_id
            && stored.family_hash == row.family_hash
            && stored.refresh_hash == row.refresh_hash
            && stored.access_hash == row.access_hash;
        return Ok(Verdict::Undo(if same {
            CreatedSignIn::Created(Vec::new())
        } else {
            CreatedSignIn::Refused
        }));
    }
    let mut evicted = Vec::new();
    if let Some(old) = row.replaces {
        let lives = "SELECT 1 FROM doorward_sign_in WHERE id = ?1 AND user_id = ?2 AND ended_at IS NULL";
        let found = (db.prepare_cached(lives)?)
            .query_row(params![old.as_bytes(), row.user_id.as_bytes()], |_| Ok(()))
            .optional()?;
        if found.is_none() {
            return Ok(Verdict::Undo(CreatedSignIn::Refused));
        }
    } else {
        let live: Vec<[u8; 16]> = (db.prepare_cached(&counted_of_user())?)
            .query_map(params![row.user_id.as_bytes(), now.as_micros()], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let beyond = (live.len() + 1).saturating_sub(new.max_sign_ins as usize);
        if beyond > 0 && !new.evict {
            return Ok(Verdict::Undo(CreatedSignIn::CapReached));
        }
        evicted = (live.into_iter().take(beyond).map(SignInId::from_bytes)).collect();
    }
    for id in &evicted {
        end_one(db, row.user_id, *id, EndReason::Cap, now)?;
    }
    if let Some(other) = new.ends {
        let owner = "SELECT user_id FROM doorward_sign_in WHERE id = ?1";
        let owner: Option<[u8; 16]> = (db.prepare_cached(owner)?)
            .query_row([other.as_bytes()], |row| row.get(0))
            .optional()?;
        if let Some(owner) = owner.map(UserId::from_bytes) {
            end_one(db, owner, other, EndReason::Replaced, now)?;
        }
    }
    insert(db, row)?;
    Ok(Verdict::Keep(CreatedSignIn::Created(evicted)))
}

fn insert(db: &Connection, row: &SignIn) -> rusqlite::Result<()> {
    let values: [&dyn ToSql; rows::SIGN_IN_COLUMNS] = [
        row.id.as_bytes(),
        row.user_id.as_bytes(),
        &row.epoch,
        &row.generation,
        &row.family_hash,
        &row.salt,
        &row.refresh_hash,
        &row.access_hash,
        &row.access_expires_at.as_micros(),
        &row.previous_refresh_hash,
        &row.previous_access_hash,
        &rows::micros(row.previous_access_expires_at),
        &rows::micros(row.confirmed_at),
        &row.idle_expires_at.as_micros(),
        &row.absolute_expires_at.as_micros(),
        &rows::span(row.access_ttl),
        &rows::span(row.idle_ttl),
        &row.persistent,
        &row.authenticated_at.as_micros(),
        &row.factors,
        &row.attributes,
        &row.version,
        &row.agent,
        &row.address,
        &row.replaces.map(|id| *id.as_bytes()),
        &row.created_at.as_micros(),
        &row.last_seen_at.as_micros(),
        &rows::micros(row.ended_at),
        &row.end_reason.map(EndReason::id),
    ];
    db.prepare_cached(&INSERT)?.execute(values).map(|_| ())
}

pub(super) fn advance(db: &Connection, next: &Advance) -> rusqlite::Result<bool> {
    // Right-hand sides see the row as it was. Past the last generation the table's own check would refuse.
    let advance = "UPDATE doorward_sign_in SET
        previous_refresh_hash = refresh_hash, previous_access_hash = access_hash,
        previous_access_expires_at = access_expires_at,
        generation = generation + 1, salt = ?4, refresh_hash = ?5, access_hash = ?6, access_expires_at = ?7,
        confirmed_at = NULL, replaces = NULL,
        idle_expires_at = max(idle_expires_at, ?8), last_seen_at = max(last_seen_at, ?9)
        WHERE id = ?1 AND generation = ?2 AND refresh_hash = ?3 AND ended_at IS NULL AND generation < 4294967295";
    let moved = db.prepare_cached(advance)?.execute(params![
        next.id.as_bytes(),
        next.from,
        next.from_refresh_hash,
        next.salt,
        next.refresh_hash,
        next.access_hash,
        next.access_expires_at.as_micros(),
        next.idle_expires_at.as_micros(),
        next.now.as_micros(),
    ])?;
    Ok(moved == 1)
}

pub(super) fn extend(db: &Connection, extend: &Extend) -> rusqlite::Result<bool> {
    let longer = "UPDATE doorward_sign_in SET access_expires_at = max(access_expires_at, ?4),
        confirmed_at = coalesce(confirmed_at, ?5)
        WHERE id = ?1 AND generation = ?2 AND refresh_hash = ?3 AND ended_at IS NULL";
    let extended = db.prepare_cached(longer)?.execute(params![
        extend.id.as_bytes(),
        extend.generation,
        extend.refresh_hash,
        extend.access_expires_at.as_micros(),
        rows::micros(extend.confirm),
    ])?;
    if let Some(now) = extend.confirm
        && extended == 1
    {
        end_replaced(db, extend.id, now)?;
    }
    Ok(extended == 1)
}

pub(super) fn confirm(
    db: &Connection,
    id: SignInId,
    generation: u32,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let confirm = confirm_where("TRUE");
    let confirmed =
        (db.prepare_cached(&confirm)?).execute(params![id.as_bytes(), generation, now.as_micros()])?;
    if confirmed == 1 {
        end_replaced(db, id, now)?;
    }
    Ok(confirmed == 1)
}

/// Confirms a row that replaces no other: for whom nobody waits.
pub(super) fn confirm_alone(
    db: &Connection,
    id: SignInId,
    generation: u32,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let values = params![id.as_bytes(), generation, now.as_micros()];
    let confirm = confirm_where("s.replaces IS NULL");
    db.prepare_cached(&confirm)?.execute(values).map(|_| ())
}

fn confirm_where(which: &str) -> String {
    format!(
        "UPDATE doorward_sign_in AS s SET confirmed_at = coalesce(s.confirmed_at, ?3)
         WHERE s.id = ?1 AND s.generation = ?2 AND {which}
         AND EXISTS (SELECT 1 FROM doorward_user u WHERE u.id = s.user_id AND {LIVE_AT_3})"
    )
}

/// Ends what a step-up replaces, now that it is confirmed.
fn end_replaced(db: &Connection, id: SignInId, now: Timestamp) -> rusqlite::Result<()> {
    let select = "SELECT user_id, replaces FROM doorward_sign_in WHERE id = ?1 AND replaces IS NOT NULL";
    let old: Option<([u8; 16], [u8; 16])> = (db.prepare_cached(select)?)
        .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((user, old)) = old {
        let (user, old) = (UserId::from_bytes(user), SignInId::from_bytes(old));
        end_one(db, user, old, EndReason::Superseded, now)?;
    }
    Ok(())
}

pub(super) fn end(db: &Connection, which: Ends, reason: EndReason, now: Timestamp) -> rusqlite::Result<u64> {
    match which {
        Ends::One(user, id) => end_one(db, user, id, reason, now),
        Ends::Others(user, keep) => {
            let others = format!("{GOES_WITH_3} IS NOT TRUE");
            end_where(db, user, &others, keep.as_bytes(), reason, now)
        }
        Ends::All(user) => end_where(db, user, "?3 IS NULL", &None::<i64>, reason, now),
    }
}

/// Ends one sign-in and every unconfirmed one that replaces it.
fn end_one(
    db: &Connection,
    user: UserId,
    id: SignInId,
    reason: EndReason,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    end_where(db, user, GOES_WITH_3, id.as_bytes(), reason, now)
}

/// Takes what has not ended to the user's new epoch.
pub(super) fn keep(db: &Connection, user: UserId, old: i64, new: i64) -> rusqlite::Result<()> {
    let keep =
        "UPDATE doorward_sign_in SET epoch = ?3 WHERE user_id = ?1 AND epoch = ?2 AND ended_at IS NULL";
    let values = params![user.as_bytes(), old, new];
    db.prepare_cached(keep)?.execute(values).map(|_| ())
}

/// Marks what has not ended yet; the count of those that counted, by the user's row as it is: whoever changes that, ends
/// first.
fn end_where(
    db: &Connection,
    user: UserId,
    which: &str,
    value: &dyn ToSql,
    reason: EndReason,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    let counted = count_where(db, user, now, which, value)?;
    let mark = format!(
        "UPDATE doorward_sign_in AS s SET ended_at = ?2, end_reason = ?4, salt = NULL, refresh_hash = NULL,
         access_hash = NULL, previous_refresh_hash = NULL, previous_access_hash = NULL
         WHERE s.user_id = ?1 AND s.ended_at IS NULL AND {which}"
    );
    (db.prepare_cached(&mark)?).execute(params![user.as_bytes(), now.as_micros(), value, reason.id()])?;
    Ok(counted)
}

/// How many of a user's sign-ins count.
pub(super) fn count(db: &Connection, user: UserId, now: Timestamp) -> rusqlite::Result<u64> {
    count_where(db, user, now, "?3 IS NULL", &None::<i64>)
}

fn count_where(
    db: &Connection,
    user: UserId,
    now: Timestamp,
    which: &str,
    value: &dyn ToSql,
) -> rusqlite::Result<u64> {
    let count = format!(
        "SELECT count(*) FROM doorward_user u CROSS JOIN doorward_sign_in s INDEXED BY doorward_sign_in_live
         ON s.user_id = u.id WHERE u.id = ?1 AND {COUNTED_AT_2} AND {which}"
    );
    let values = params![user.as_bytes(), now.as_micros(), value];
    (db.prepare_cached(&count)?).query_row(values, |row| rows::count(row, 0))
}

pub(super) fn list(db: &Connection, user: UserId, now: Timestamp) -> rusqlite::Result<Vec<SignIn>> {
    let select = format!(
        "SELECT {} FROM doorward_user u CROSS JOIN doorward_sign_in s INDEXED BY doorward_sign_in_live
         ON s.user_id = u.id WHERE u.id = ?1 AND {COUNTED_AT_2} ORDER BY s.created_at DESC, s.id DESC",
        rows::SIGN_IN
    );
    (db.prepare_cached(&select)?)
        .query_map(params![user.as_bytes(), now.as_micros()], rows::sign_in)?
        .collect()
}

pub(super) fn put_attributes(
    db: &Connection,
    id: SignInId,
    expect: i64,
    attributes: &str,
) -> rusqlite::Result<PutAttributes> {
    let put = "UPDATE doorward_sign_in SET attributes = ?3, version = version + 1
               WHERE id = ?1 AND version = ?2 AND ended_at IS NULL";
    if (db.prepare_cached(put)?).execute(params![id.as_bytes(), expect, attributes])? == 1 {
        return Ok(PutAttributes::Won(expect + 1));
    }
    let live = find(db, id)?.is_some_and(|(row, _)| row.ended_at.is_none());
    Ok(if live {
        PutAttributes::Lost
    } else {
        PutAttributes::Absent
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use doorward_base::clock::Timestamp;

    /// Instructions of SQLite's machine for the look at a user's live sign-ins.
    fn steps(db: &Connection, user: i64) -> i32 {
        let mut look = db.prepare(&counted_of_user()).unwrap();
        let found = look
            .query_map(params![user.to_be_bytes(), 1], |_| Ok(()))
            .unwrap()
            .count();
        assert_eq!(found, 3);
        look.get_status(rusqlite::StatementStatus::VmStep)
    }

    #[test]
    fn ended_sign_ins_of_a_user_cost_the_next_one_nothing() {
        let db = Connection::open_in_memory().unwrap();
        schema::migrate(&db, Timestamp::from_micros(1)).unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            .unwrap();
        let insert = "INSERT INTO doorward_sign_in (id, user_id, epoch, generation, family_hash, access_expires_at,
            idle_expires_at, absolute_expires_at, access_ttl, idle_ttl, persistent, authenticated_at, factors, attributes,
            version, agent, address, created_at, last_seen_at, ended_at, end_reason)
            VALUES (?1, ?2, 0, 0, x'00', 9, 9, 9, 9, 9, 1, 1, '[]', '{}', 1, '', '', 1, 1, ?3, ?4)";
        let mut insert = db.prepare(insert).unwrap();
        let mut id = 0_i64;
        for (user, ended) in [(1_i64, 10), (2, 10_000)] {
            let owner = "INSERT INTO doorward_user (id, realm, created_at, updated_at) VALUES (?1, '', 1, 1)";
            db.execute(owner, [user.to_be_bytes()]).unwrap();
            for n in 0..ended + 3 {
                id += 1;
                let end = (n < ended).then_some(1);
                let why = end.map(|_| "signed_out");
                insert
                    .execute(params![id.to_be_bytes(), user.to_be_bytes(), end, why])
                    .unwrap();
            }
        }
        let (few, many) = (steps(&db, 1), steps(&db, 2));
        assert!(few.abs_diff(many) <= 3, "{few} and {many}");
        // The planted bug: by the index of all of the user's rows it is thousands.
        db.execute_batch("DROP INDEX doorward_sign_in_live; CREATE INDEX doorward_sign_in_live ON doorward_sign_in (user_id)").unwrap();
        assert!(steps(&db, 2) > 10_000);
    }
}
