//! Users and their unique attributes.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};

use super::work::Verdict;
use super::{change, credentials, failure, outbox, rows, sign_ins, throttles};
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;
use doorward_store::{CreatedUser, DeletedUser, EndReason, Ends, NewUser, PutAttributes, User};

static INSERT: LazyLock<String> =
    LazyLock::new(|| rows::insert_into("doorward_user", rows::USER, &[]) + " ON CONFLICT (id) DO NOTHING");

pub(super) fn create(db: &Connection, new: &NewUser) -> rusqlite::Result<Verdict<CreatedUser>> {
    let user = &new.user;
    // First: what is closed does not tell what is taken.
    let paid = match throttles::charge(db, &new.post, user.created_at)? {
        Ok(paid) => paid,
        Err(wait) => return Ok(Verdict::Undo(CreatedUser::Closed(wait))),
    };
    let inserted = db.prepare_cached(&INSERT)?.execute(params![
        user.id.as_bytes(),
        user.realm,
        user.attributes,
        user.version,
        user.session_epoch,
        rows::micros(user.disabled_at),
        user.created_at.as_micros(),
        user.updated_at.as_micros(),
    ])?;
    if inserted == 0 {
        return Ok(match by_id(db, user.id)? {
            Some(stored) => Verdict::Undo(CreatedUser::SameId(stored)),
            // Only a trigger of the application's could have ignored the insert.
            None => return Err(rusqlite::Error::StatementChangedRows(0)),
        });
    }
    for from in &new.takes {
        if !change::take(db, from, user.created_at)? {
            return Ok(Verdict::Undo(CreatedUser::Lost));
        }
    }
    if let Some(identity) = &new.identity
        && !is_free(credentials::add_identity(db, user.id, identity))?
    {
        return Ok(Verdict::Undo(CreatedUser::Taken("identifier")));
    }
    if !is_free(put_unique(db, user.id, &user.realm, &new.unique))? {
        return Ok(Verdict::Undo(CreatedUser::Taken("attribute")));
    }
    for authenticator in &new.authenticators {
        if !is_free(credentials::add_authenticator(db, user.id, authenticator))? {
            return Ok(Verdict::Undo(CreatedUser::Taken("handle")));
        }
    }
    for address in &new.addresses {
        credentials::add_address(db, user.id, address)?;
    }
    outbox::queue(db, paid.deliveries, UserId::NOBODY)?;
    Ok(Verdict::Keep(CreatedUser::Created))
}

pub(super) fn by_id(db: &Connection, id: UserId) -> rusqlite::Result<Option<User>> {
    let select = format!("SELECT {} FROM doorward_user u WHERE u.id = ?1", rows::USER);
    (db.prepare_cached(&select)?)
        .query_row([id.as_bytes()], |row| rows::user(row, 0))
        .optional()
}

pub(super) fn by_identity(db: &Connection, at: &ProviderId) -> rusqlite::Result<Option<User>> {
    let select = format!(
        "SELECT {} FROM doorward_identity i JOIN doorward_user u ON u.id = i.user_id
         WHERE i.realm = ?1 AND i.provider = ?2 AND i.canonical = ?3",
        rows::USER
    );
    (db.prepare_cached(&select)?)
        .query_row(params![at.realm, at.provider, at.canonical], |row| {
            rows::user(row, 0)
        })
        .optional()
}

pub(super) fn by_attribute(
    db: &Connection,
    realm: &str,
    name: &str,
    value: &[u8],
) -> rusqlite::Result<Option<User>> {
    let select = format!(
        "SELECT {} FROM doorward_unique_attribute a JOIN doorward_user u ON u.id = a.user_id
         WHERE a.realm = ?1 AND a.name = ?2 AND a.value = ?3",
        rows::USER
    );
    (db.prepare_cached(&select)?)
        .query_row(params![realm, name, value], |row| rows::user(row, 0))
        .optional()
}

pub(super) fn put_attributes(
    db: &Connection,
    id: UserId,
    expect: i64,
    attributes: &str,
    unique: &[(String, Vec<u8>)],
    now: Timestamp,
) -> rusqlite::Result<Verdict<PutAttributes>> {
    let put =
        "UPDATE doorward_user SET attributes = ?3, version = version + 1, updated_at = max(updated_at, ?4)
               WHERE id = ?1 AND version = ?2";
    let written =
        (db.prepare_cached(put)?).execute(params![id.as_bytes(), expect, attributes, now.as_micros()])?;
    let Some(user) = by_id(db, id)? else {
        return Ok(Verdict::Undo(PutAttributes::Absent));
    };
    if written == 0 {
        return Ok(Verdict::Undo(PutAttributes::Lost));
    }
    (db.prepare_cached("DELETE FROM doorward_unique_attribute WHERE user_id = ?1")?)
        .execute([id.as_bytes()])?;
    if !is_free(put_unique(db, id, &user.realm, unique))? {
        return Ok(Verdict::Undo(PutAttributes::Taken));
    }
    Ok(Verdict::Keep(PutAttributes::Won(expect + 1)))
}

fn put_unique(
    db: &Connection,
    id: UserId,
    realm: &str,
    unique: &[(String, Vec<u8>)],
) -> rusqlite::Result<()> {
    let insert =
        "INSERT INTO doorward_unique_attribute (realm, name, value, user_id) VALUES (?1, ?2, ?3, ?4)";
    for (name, value) in unique {
        (db.prepare_cached(insert)?).execute(params![realm, name, value, id.as_bytes()])?;
    }
    Ok(())
}

pub(super) fn set_enabled(
    db: &Connection,
    id: UserId,
    enabled: bool,
    now: Timestamp,
) -> rusqlite::Result<Verdict<Option<u64>>> {
    let set = if enabled {
        "UPDATE doorward_user SET disabled_at = NULL, updated_at = max(updated_at, ?2) WHERE id = ?1"
    } else {
        "UPDATE doorward_user SET disabled_at = coalesce(disabled_at, ?2), session_epoch = session_epoch + 1,
         updated_at = max(updated_at, ?2) WHERE id = ?1"
    };
    // What ends is counted by the user as it is before.
    let ended = if enabled {
        0
    } else {
        sign_ins::end(db, Ends::All(id), EndReason::UserDisabled, now)?
    };
    let written = (db.prepare_cached(set)?).execute(params![id.as_bytes(), now.as_micros()])?;
    Ok(if written == 1 {
        Verdict::Keep(Some(ended))
    } else {
        Verdict::Undo(None)
    })
}

pub(super) fn delete(db: &Connection, id: UserId, now: Timestamp) -> rusqlite::Result<Verdict<DeletedUser>> {
    let ended = sign_ins::count(db, id, now)?;
    match (db.prepare_cached("DELETE FROM doorward_user WHERE id = ?1")?).execute([id.as_bytes()]) {
        Ok(0) => Ok(Verdict::Undo(DeletedUser::Absent)),
        Ok(_) => Ok(Verdict::Keep(DeletedUser::Deleted(ended))),
        Err(error) if failure::is_foreign_key(&error) => Ok(Verdict::Undo(DeletedUser::Referenced)),
        Err(error) => Err(error),
    }
}

/// False when a unique key decided against an insert.
pub(super) fn is_free(inserted: rusqlite::Result<()>) -> rusqlite::Result<bool> {
    match inserted {
        Ok(()) => Ok(true),
        Err(error) if failure::is_taken(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
