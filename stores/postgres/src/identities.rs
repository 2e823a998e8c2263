//! Identities, authenticators, and the subject that joins them.

use std::sync::LazyLock;

use sqlx::postgres::PgRow;

use sqlx::Row as _;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::End;
use super::rows::{self, address_columns, authenticator_columns, identity_columns, user_columns, uuid};
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Authenticator, AuthenticatorAt, Identity, Naming, Subject, SubjectLook, Swapped, UserAddress,
    hashes_to_column,
};

pub(super) async fn subject(c: &mut Connection, at: &ProviderId, group: &str) -> Result<SubjectLook, Fault> {
    let found = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        ", ",
        identity_columns!(),
        ", ",
        authenticator_columns!(),
        " FROM doorward_identity i JOIN doorward_user u ON u.id = i.user_id \
         LEFT JOIN doorward_authenticator a ON a.user_id = u.id AND a.grp = $4 \
         WHERE i.realm = $1 AND i.provider = $2 AND i.canonical = $3 ORDER BY a.id"
    ))
    .bind(&at.realm)
    .bind(&at.provider)
    .bind(&at.canonical)
    .bind(group)
    .fetch_all(c)
    .await?;
    let identity = found.first().map(rows::identity).transpose()?;
    let found = joined(&found, identity)?;
    let is_found = found.is_some();
    Ok(SubjectLook::of(found, is_found))
}

pub(super) async fn subject_of(
    c: &mut Connection,
    id: UserId,
    group: &str,
) -> Result<Option<Subject>, Fault> {
    let found = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        ", ",
        authenticator_columns!(),
        " FROM doorward_user u LEFT JOIN doorward_authenticator a ON a.user_id = u.id AND a.grp = $2 \
         WHERE u.id = $1 ORDER BY a.id"
    ))
    .bind(uuid(id.as_bytes()))
    .bind(group)
    .fetch_all(c)
    .await?;
    joined(&found, None)
}

pub(super) async fn subject_by_handle(
    c: &mut Connection,
    realm: &str,
    group: &str,
    handle: &[u8],
) -> Result<Option<Subject>, Fault> {
    let found = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        ", ",
        authenticator_columns!(),
        " FROM doorward_authenticator a JOIN doorward_user u ON u.id = a.user_id \
         WHERE a.realm = $1 AND a.grp = $2 AND a.handle = $3"
    ))
    .bind(realm)
    .bind(group)
    .bind(handle)
    .fetch_all(c)
    .await?;
    joined(&found, None)
}

/// The user of the first row and the authenticators of all.
fn joined(found: &[PgRow], identity: Option<Identity>) -> Result<Option<Subject>, Fault> {
    let Some(first) = found.first() else {
        return Ok(None);
    };
    let authenticators: Result<Vec<_>, Fault> = found
        .iter()
        .filter_map(|row| rows::maybe_authenticator(row).transpose())
        .collect();
    Ok(Some(Subject {
        user: rows::user(first)?,
        identity,
        authenticators: authenticators?,
    }))
}

pub(super) async fn identities(c: &mut Connection, id: UserId) -> Result<Vec<Identity>, Fault> {
    let found = sqlx::query(concat!(
        "SELECT ",
        identity_columns!(),
        " FROM doorward_identity i WHERE i.user_id = $1 ORDER BY i.provider, i.canonical"
    ))
    .bind(uuid(id.as_bytes()))
    .fetch_all(c)
    .await?;
    found.iter().map(rows::identity).collect()
}

pub(super) async fn authenticators(c: &mut Connection, id: UserId) -> Result<Vec<Authenticator>, Fault> {
    let found = sqlx::query(concat!(
        "SELECT ",
        authenticator_columns!(),
        " FROM doorward_authenticator a WHERE a.user_id = $1 ORDER BY a.grp, a.id"
    ))
    .bind(uuid(id.as_bytes()))
    .fetch_all(c)
    .await?;
    found.iter().map(rows::authenticator).collect()
}

static INSERT_IDENTITY: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_identity", identity_columns!(), &[]) + " ON CONFLICT DO NOTHING"
});

/// False: the provider id is bound already.
pub(super) async fn insert_identity(c: &mut Connection, new: &Identity) -> Result<bool, Fault> {
    let inserted = sqlx::query(INSERT_IDENTITY.as_str())
        .bind(&new.at.realm)
        .bind(&new.at.provider)
        .bind(&new.at.canonical)
        .bind(&new.raw)
        .bind(&new.rule)
        .bind(i64::from(new.rule_version))
        .bind(uuid(new.user_id.as_bytes()))
        .bind(rows::at(new.verified_at))
        .bind(new.created_at.as_micros())
        .bind(rows::at(new.last_used_at))
        .bind(hashes_to_column(&new.reach))
        .bind(new.vouched)
        .execute(c)
        .await?
        .rows_affected();
    Ok(inserted == 1)
}

pub(super) async fn addresses(c: &mut Connection, id: UserId) -> Result<Vec<UserAddress>, Fault> {
    let found = sqlx::query(concat!(
        "SELECT ",
        address_columns!(),
        " FROM doorward_user_address WHERE user_id = $1 ORDER BY address"
    ))
    .bind(uuid(id.as_bytes()))
    .fetch_all(c)
    .await?;
    found.iter().map(rows::address).collect()
}

static ADD_ADDRESS: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_user_address AS held", address_columns!(), &["user_id"])
        + " ON CONFLICT (user_id, address) DO UPDATE \
           SET proved_at = COALESCE(held.proved_at, EXCLUDED.proved_at), \
           proved_by = COALESCE(held.proved_by, EXCLUDED.proved_by) WHERE held.side = EXCLUDED.side"
});

/// False: the address stands on the other side.
pub(super) async fn insert_address(
    c: &mut Connection,
    user: UserId,
    new: &UserAddress,
) -> Result<bool, Fault> {
    let added = sqlx::query(ADD_ADDRESS.as_str())
        .bind(&new.address[..])
        .bind(new.side.number())
        .bind(rows::at(new.proved.map(|(at, _)| at)))
        .bind(new.proved.map(|(_, by)| by.id()))
        .bind(uuid(user.as_bytes()))
        .execute(c)
        .await?
        .rows_affected();
    Ok(added == 1)
}

static INSERT_AUTHENTICATOR: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_authenticator", authenticator_columns!(), &[]) + " ON CONFLICT DO NOTHING"
});

/// False: the id or the handle is taken.
pub(super) async fn insert_authenticator(c: &mut Connection, new: &Authenticator) -> Result<bool, Fault> {
    let inserted = sqlx::query(INSERT_AUTHENTICATOR.as_str())
        .bind(uuid(new.at.user_id.as_bytes()))
        .bind(&new.at.group)
        .bind(uuid(new.at.id.as_bytes()))
        .bind(&new.realm)
        .bind(&new.handle)
        .bind(&new.kind)
        .bind(&new.record)
        .bind(new.record_version)
        .bind(&new.label)
        .bind(new.status.number())
        .bind(new.created_at.as_micros())
        .bind(rows::at(new.last_used_at))
        .bind(rows::at(new.expires_at))
        .bind(new.set_over.as_ref().map(|over| &over[..]))
        .bind(i64::from(new.failures))
        .execute(c)
        .await?
        .rows_affected();
    Ok(inserted == 1)
}

/// The version of its record; `None`: it is not there.
pub(super) async fn version(c: &mut Connection, at: &AuthenticatorAt) -> Result<Option<i64>, Fault> {
    let select =
        "SELECT record_version FROM doorward_authenticator WHERE user_id = $1 AND grp = $2 AND id = $3";
    let row = sqlx::query(select)
        .bind(uuid(at.user_id.as_bytes()))
        .bind(&at.group)
        .bind(uuid(at.id.as_bytes()))
        .fetch_optional(c)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// One statement for both, and for nobody, in a transaction that does not wait for the disk.
pub(super) async fn count_failure(
    c: &mut Connection,
    at: &AuthenticatorAt,
    failed: bool,
) -> Result<End<()>, Fault> {
    sqlx::raw_sql("SET LOCAL synchronous_commit = off")
        .execute(&mut *c)
        .await?;
    sqlx::query(
        "UPDATE doorward_authenticator SET failures = CASE WHEN $4 THEN LEAST(failures + 1, 4294967295) ELSE 0 END \
         WHERE user_id = $1 AND grp = $2 AND id = $3",
    )
    .bind(uuid(at.user_id.as_bytes()))
    .bind(&at.group)
    .bind(uuid(at.id.as_bytes()))
    .bind(failed)
    .execute(c)
    .await?;
    Ok(End::Commit(()))
}

/// What [`swap_record`] is asked.
pub(super) struct NewRecord {
    pub(super) at: AuthenticatorAt,
    pub(super) expect: i64,
    pub(super) sealed: Vec<u8>,
    pub(super) naming: Naming,
    pub(super) now: Timestamp,
}

/// The handle is nobody else's: a violation would end the transaction. `$1` user, `$2` group, `$3` id, and the handle.
macro_rules! handle_is_free {
    ($handle:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM doorward_authenticator o WHERE o.realm = doorward_authenticator.realm ",
            "AND o.grp = $2 AND o.handle = ",
            $handle,
            " AND (o.user_id, o.id) <> ($1, $3))"
        )
    };
}
pub(super) use handle_is_free;

pub(super) async fn swap_record(c: &mut Connection, new: &NewRecord) -> Result<Swapped, Fault> {
    let won = sqlx::query(concat!(
        "UPDATE doorward_authenticator SET record = $5, record_version = $6, ",
        "last_used_at = GREATEST(COALESCE(last_used_at, $7), $7), ",
        "label = COALESCE($8, label), handle = COALESCE($9, handle) ",
        "WHERE user_id = $1 AND grp = $2 AND id = $3 AND record_version = $4 AND ",
        handle_is_free!("$9")
    ))
    .bind(uuid(new.at.user_id.as_bytes()))
    .bind(&new.at.group)
    .bind(uuid(new.at.id.as_bytes()))
    .bind(new.expect)
    .bind(&new.sealed)
    .bind(new.expect.saturating_add(1))
    .bind(new.now.as_micros())
    .bind(&new.naming.label)
    .bind(&new.naming.handle)
    .execute(&mut *c)
    .await?
    .rows_affected();
    if won == 1 {
        return Ok(Swapped::Done);
    }
    let is_as_read = version(c, &new.at).await? == Some(new.expect);
    Ok(if is_as_read { Swapped::Taken } else { Swapped::Lost })
}
