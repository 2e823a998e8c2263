//! Users and their unique attributes.

use std::sync::LazyLock;

use sqlx::Row as _;

use super::connection::Connection;
use super::ends::{self, Which};
use super::fault::Fault;
use super::identities::{insert_address, insert_authenticator, insert_identity};
use super::live::counted;
use super::lock::{lock, lock_others};
use super::operation::End;
use super::rows::{self, user_columns, uuid};
use super::{outbox, throttles, yields};
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;
use doorward_store::{CreatedUser, DeletedUser, EndReason, NewUser, PutAttributes, User};

static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_user", user_columns!(), &[]) + " ON CONFLICT (id) DO NOTHING"
});

pub(super) async fn create(c: &mut Connection, new: &NewUser) -> Result<End<CreatedUser>, Fault> {
    let user = &new.user;
    // First: what is closed does not tell what is taken.
    let paid = match throttles::charge(c, &new.post, user.created_at).await? {
        Ok(paid) => paid,
        Err(wait) => return Ok(End::Undo(CreatedUser::Closed(wait))),
    };
    let inserted = sqlx::query(INSERT.as_str())
        .bind(uuid(user.id.as_bytes()))
        .bind(&user.realm)
        .bind(&user.attributes)
        .bind(user.version)
        .bind(user.session_epoch)
        .bind(rows::at(user.disabled_at))
        .bind(user.created_at.as_micros())
        .bind(user.updated_at.as_micros())
        .execute(&mut *c)
        .await?
        .rows_affected();
    if inserted == 0 {
        // The row that was in the way is committed now; gone again: it lost a race, begin anew.
        let there = by_id(c, user.id).await?.ok_or_else(vanished)?;
        return Ok(End::Undo(CreatedUser::SameId(there)));
    }
    lock_others(c, new.takes.iter(), None).await?;
    for from in &new.takes {
        if !yields::take(c, from, user.created_at).await? {
            return Ok(End::Undo(CreatedUser::Lost));
        }
    }
    if let Some(identity) = &new.identity
        && !insert_identity(c, identity).await?
    {
        return Ok(End::Undo(CreatedUser::Taken("identifier")));
    }
    if !insert_unique(c, user.id, &user.realm, &new.unique).await? {
        return Ok(End::Undo(CreatedUser::Taken("attribute")));
    }
    for authenticator in &new.authenticators {
        if !insert_authenticator(c, authenticator).await? {
            return Ok(End::Undo(CreatedUser::Taken("handle")));
        }
    }
    for address in &new.addresses {
        insert_address(c, new.user.id, address).await?;
    }
    outbox::queue(c, paid.deliveries).await?;
    Ok(End::Commit(CreatedUser::Created))
}

fn vanished() -> Fault {
    Fault::Store(doorward_store::StoreError::Retry(
        "a row that was in the way is gone".into(),
    ))
}

/// False: one of the values belongs to another user.
async fn insert_unique(
    c: &mut Connection,
    id: UserId,
    realm: &str,
    unique: &[(String, Vec<u8>)],
) -> Result<bool, Fault> {
    if unique.is_empty() {
        return Ok(true);
    }
    // In one order everywhere, so that two users who want the same two values queue instead of deadlocking.
    let mut sorted: Vec<&(String, Vec<u8>)> = unique.iter().collect();
    sorted.sort();
    sorted.dedup();
    let (names, values): (Vec<&str>, Vec<&[u8]>) = sorted
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .unzip();
    let inserted = sqlx::query(
        "INSERT INTO doorward_unique_attribute (realm, name, value, user_id) \
         SELECT $1, name, value, $2 FROM unnest($3::text[], $4::bytea[]) AS wanted (name, value) \
         ON CONFLICT DO NOTHING",
    )
    .bind(realm)
    .bind(uuid(id.as_bytes()))
    .bind(&names)
    .bind(&values)
    .execute(c)
    .await?
    .rows_affected();
    Ok(inserted == names.len() as u64)
}

pub(super) async fn by_id(c: &mut Connection, id: UserId) -> Result<Option<User>, Fault> {
    let row = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        " FROM doorward_user u WHERE u.id = $1"
    ))
    .bind(uuid(id.as_bytes()))
    .fetch_optional(c)
    .await?;
    row.as_ref().map(rows::user).transpose()
}

pub(super) async fn by_identity(c: &mut Connection, at: &ProviderId) -> Result<Option<User>, Fault> {
    let row = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        " FROM doorward_identity i JOIN doorward_user u ON u.id = i.user_id \
         WHERE i.realm = $1 AND i.provider = $2 AND i.canonical = $3"
    ))
    .bind(&at.realm)
    .bind(&at.provider)
    .bind(&at.canonical)
    .fetch_optional(c)
    .await?;
    row.as_ref().map(rows::user).transpose()
}

pub(super) async fn by_attribute(
    c: &mut Connection,
    realm: &str,
    name: &str,
    value: &[u8],
) -> Result<Option<User>, Fault> {
    let row = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        " FROM doorward_unique_attribute a JOIN doorward_user u ON u.id = a.user_id \
         WHERE a.realm = $1 AND a.name = $2 AND a.value = $3"
    ))
    .bind(realm)
    .bind(name)
    .bind(value)
    .fetch_optional(c)
    .await?;
    row.as_ref().map(rows::user).transpose()
}

/// What [`put_attributes`] is asked.
pub(super) struct NewAttributes {
    pub(super) id: UserId,
    pub(super) expect: i64,
    pub(super) attributes: String,
    pub(super) unique: Vec<(String, Vec<u8>)>,
    pub(super) now: Timestamp,
}

pub(super) async fn put_attributes(
    c: &mut Connection,
    new: &NewAttributes,
) -> Result<End<PutAttributes>, Fault> {
    let version = new.expect.saturating_add(1);
    let written = sqlx::query(
        "UPDATE doorward_user SET attributes = $3, version = $4, updated_at = GREATEST(updated_at, $5) \
         WHERE id = $1 AND version = $2",
    )
    .bind(uuid(new.id.as_bytes()))
    .bind(new.expect)
    .bind(&new.attributes)
    .bind(version)
    .bind(new.now.as_micros())
    .execute(&mut *c)
    .await?
    .rows_affected();
    let there = by_id(c, new.id).await?;
    let Some(user) = there else {
        return Ok(End::Undo(PutAttributes::Absent));
    };
    if written == 0 {
        return Ok(End::Undo(PutAttributes::Lost));
    }
    sqlx::query("DELETE FROM doorward_unique_attribute WHERE user_id = $1")
        .bind(uuid(new.id.as_bytes()))
        .execute(&mut *c)
        .await?;
    if insert_unique(c, new.id, &user.realm, &new.unique).await? {
        Ok(End::Commit(PutAttributes::Won(version)))
    } else {
        Ok(End::Undo(PutAttributes::Taken))
    }
}

pub(super) async fn set_enabled(
    c: &mut Connection,
    id: UserId,
    enabled: bool,
    now: Timestamp,
) -> Result<End<Option<u64>>, Fault> {
    let Some(user) = lock(c, id).await? else {
        return Ok(End::Undo(None));
    };
    if enabled {
        sqlx::query(
            "UPDATE doorward_user SET disabled_at = NULL, updated_at = GREATEST(updated_at, $2) WHERE id = $1",
        )
        .bind(uuid(id.as_bytes()))
        .bind(now.as_micros())
        .execute(c)
        .await?;
        return Ok(End::Commit(Some(0)));
    }
    // What ends is counted by the user as it is before.
    let ended = ends::close(c, id, Which::All, EndReason::UserDisabled, now).await?;
    sqlx::query(
        "UPDATE doorward_user SET disabled_at = COALESCE(disabled_at, $2), session_epoch = $3, \
         updated_at = GREATEST(updated_at, $2) WHERE id = $1",
    )
    .bind(uuid(id.as_bytes()))
    .bind(now.as_micros())
    .bind(user.epoch.saturating_add(1))
    .execute(&mut *c)
    .await?;
    Ok(End::Commit(Some(ended)))
}

pub(super) async fn delete(c: &mut Connection, id: UserId) -> Result<End<DeletedUser>, Fault> {
    // FOR UPDATE, as the deletion itself: nobody can add a row that refers to the user meanwhile.
    let row = sqlx::query("SELECT 1 FROM doorward_user WHERE id = $1 FOR UPDATE")
        .bind(uuid(id.as_bytes()))
        .fetch_optional(&mut *c)
        .await?;
    if row.is_none() {
        return Ok(End::Undo(DeletedUser::Absent));
    }
    // The port gives no time here; a count for the event stream may take the server's.
    let counted: i64 = sqlx::query(concat!(
        "SELECT count(*) FROM doorward_sign_in s JOIN doorward_user u ON u.id = s.user_id WHERE s.user_id = $1 AND ",
        counted!("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    ))
    .bind(uuid(id.as_bytes()))
    .fetch_one(&mut *c)
    .await?
    .try_get(0)?;
    let deleted = sqlx::query("DELETE FROM doorward_user WHERE id = $1")
        .bind(uuid(id.as_bytes()))
        .execute(&mut *c)
        .await;
    if let Err(error) = deleted {
        let fault = Fault::Sql(error);
        return if fault.is_referenced() {
            Ok(End::Undo(DeletedUser::Referenced))
        } else {
            Err(fault)
        };
    }
    // An application's foreign key may be deferred: it must speak now, not in the commit.
    match sqlx::query("SET CONSTRAINTS ALL IMMEDIATE")
        .execute(c)
        .await
        .map_err(Fault::Sql)
    {
        Ok(_) => Ok(End::Commit(DeletedUser::Deleted(
            u64::try_from(counted).unwrap_or(0),
        ))),
        Err(fault) if fault.is_referenced() => Ok(End::Undo(DeletedUser::Referenced)),
        Err(fault) => Err(fault),
    }
}
