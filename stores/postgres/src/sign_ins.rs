//! Sign-ins: the conditional writes on which the session protocol stands (`docs/sessions.md`).

use std::sync::LazyLock;

use sqlx::Row as _;
use uuid::Uuid;

use super::connection::Connection;
use super::ends::{self, Which};
use super::fault::Fault;
use super::live::{counted, live};
use super::lock::lock;
use super::operation::End;
use super::rows::{self, sign_in_columns, uuid};
use doorward_base::clock::Timestamp;
use doorward_base::id::{SignInId, UserId};
use doorward_store::{
    Advance, CreatedSignIn, EndReason, Extend, Hash, NewSignIn, PutAttributes, SignIn, StoreError,
};

pub(super) async fn create(c: &mut Connection, new: &NewSignIn) -> Result<End<CreatedSignIn>, Fault> {
    let row = &new.row;
    // The lock is a write: nobody creates, ends or changes anything of this user until we are done.
    let locked = sqlx::query(
        "UPDATE doorward_user SET signed_in_at = GREATEST(COALESCE(signed_in_at, $3), $3) \
         WHERE id = $1 AND session_epoch = $2 AND disabled_at IS NULL",
    )
    .bind(uuid(row.user_id.as_bytes()))
    .bind(row.epoch)
    .bind(row.created_at.as_micros())
    .execute(&mut *c)
    .await?
    .rows_affected();
    if locked == 0 {
        return Ok(End::Undo(CreatedSignIn::Refused));
    }
    let surplus = match row.replaces {
        None => beyond_cap(c, new).await?,
        Some(_) => Vec::new(),
    };
    let refusal = match row.replaces {
        // A step-up would outlive the end of what it replaces.
        Some(old) if !is_unended(c, row.user_id, old).await? => Some(CreatedSignIn::Refused),
        _ if !surplus.is_empty() && !new.evict => Some(CreatedSignIn::CapReached),
        _ => None,
    };
    if refusal.is_some() || !surplus.is_empty() {
        // Unless it is there already: the insert is repeated after an unknown outcome.
        match (there(c, row).await?, refusal) {
            (Some(true), _) => return Ok(End::Undo(CreatedSignIn::Created(Vec::new()))),
            (Some(false), _) => return Ok(End::Undo(CreatedSignIn::Refused)),
            (None, Some(refusal)) => return Ok(End::Undo(refusal)),
            (None, None) => {}
        }
    }
    for id in &surplus {
        ends::close(c, row.user_id, Which::One(*id), EndReason::Cap, row.created_at).await?;
    }
    if let Some(other) = new.ends {
        replace(c, other, new).await?;
    }
    if insert(c, row).await? {
        return Ok(End::Commit(CreatedSignIn::Created(surplus)));
    }
    match there(c, row).await? {
        Some(true) => Ok(End::Commit(CreatedSignIn::Created(surplus))),
        // Another row under this id: never ours.
        Some(false) => Ok(End::Undo(CreatedSignIn::Refused)),
        None => Err(StoreError::Retry("a row that was in the way is gone".into()).into()),
    }
}

async fn is_unended(c: &mut Connection, user: UserId, id: SignInId) -> Result<bool, Fault> {
    let row =
        sqlx::query("SELECT 1 FROM doorward_sign_in WHERE id = $1 AND user_id = $2 AND ended_at IS NULL")
            .bind(uuid(id.as_bytes()))
            .bind(uuid(user.as_bytes()))
            .fetch_optional(c)
            .await?;
    Ok(row.is_some())
}

/// The least recently seen live sign-ins that have to go so that the new one fits.
async fn beyond_cap(c: &mut Connection, new: &NewSignIn) -> Result<Vec<SignInId>, Fault> {
    // All but the most recently seen `max - 1`.
    let found = sqlx::query(concat!(
        "SELECT s.id FROM doorward_sign_in s JOIN doorward_user u ON u.id = s.user_id \
         WHERE s.user_id = $1 AND s.id <> $2 AND ",
        counted!("$3"),
        " ORDER BY s.last_seen_at DESC, s.id DESC OFFSET $4"
    ))
    .bind(uuid(new.row.user_id.as_bytes()))
    .bind(uuid(new.row.id.as_bytes()))
    .bind(new.row.created_at.as_micros())
    .bind(i64::from(new.max_sign_ins.saturating_sub(1)))
    .fetch_all(c)
    .await?;
    let mut ids = Vec::with_capacity(found.len());
    for row in found.iter().rev() {
        ids.push(SignInId::from_bytes(row.try_get::<Uuid, _>(0)?.into_bytes()));
    }
    Ok(ids)
}

/// Ends the sign-in that this browser had before, usually another user's.
async fn replace(c: &mut Connection, id: SignInId, new: &NewSignIn) -> Result<(), Fault> {
    let owner = sqlx::query("SELECT user_id FROM doorward_sign_in WHERE id = $1")
        .bind(uuid(id.as_bytes()))
        .fetch_optional(&mut *c)
        .await?;
    if let Some(owner) = owner {
        let owner = UserId::from_bytes(owner.try_get::<Uuid, _>(0)?.into_bytes());
        ends::close(c, owner, Which::One(id), EndReason::Replaced, new.row.created_at).await?;
    }
    Ok(())
}

/// The columns that are read, and when it is due: when the first of its ends is.
static INSERT: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_sign_in", sign_in_columns!(), &["due_at"]) + " ON CONFLICT (id) DO NOTHING"
});

async fn insert(c: &mut Connection, row: &SignIn) -> Result<bool, Fault> {
    let hash = |hash: &Option<Hash>| hash.map(|hash| hash.to_vec());
    let inserted = sqlx::query(INSERT.as_str())
        .bind(uuid(row.id.as_bytes()))
        .bind(uuid(row.user_id.as_bytes()))
        .bind(row.epoch)
        .bind(i64::from(row.generation))
        .bind(row.family_hash.as_slice())
        .bind(hash(&row.salt))
        .bind(hash(&row.refresh_hash))
        .bind(hash(&row.access_hash))
        .bind(row.access_expires_at.as_micros())
        .bind(hash(&row.previous_refresh_hash))
        .bind(hash(&row.previous_access_hash))
        .bind(rows::at(row.previous_access_expires_at))
        .bind(rows::at(row.confirmed_at))
        .bind(row.idle_expires_at.as_micros())
        .bind(row.absolute_expires_at.as_micros())
        .bind(rows::micros(row.access_ttl))
        .bind(rows::micros(row.idle_ttl))
        .bind(row.persistent)
        .bind(row.authenticated_at.as_micros())
        .bind(&row.factors)
        .bind(&row.attributes)
        .bind(row.version)
        .bind(&row.agent)
        .bind(&row.address)
        .bind(row.replaces.map(|id| uuid(id.as_bytes())))
        .bind(row.created_at.as_micros())
        .bind(row.last_seen_at.as_micros())
        .bind(rows::at(row.ended_at))
        .bind(row.end_reason.map(EndReason::id))
        .bind(row.idle_expires_at.min(row.absolute_expires_at).as_micros())
        .execute(c)
        .await?
        .rows_affected();
    Ok(inserted == 1)
}

/// Whether the row that is there is the one we want to insert; `None`: there is none.
async fn there(c: &mut Connection, row: &SignIn) -> Result<Option<bool>, Fault> {
    let found = sqlx::query(
        "SELECT user_id = $2 AND family_hash = $3 AND refresh_hash IS NOT DISTINCT FROM $4 \
         AND access_hash IS NOT DISTINCT FROM $5 FROM doorward_sign_in WHERE id = $1",
    )
    .bind(uuid(row.id.as_bytes()))
    .bind(uuid(row.user_id.as_bytes()))
    .bind(row.family_hash.as_slice())
    .bind(row.refresh_hash.map(|hash| hash.to_vec()))
    .bind(row.access_hash.map(|hash| hash.to_vec()))
    .fetch_optional(c)
    .await?;
    found.map(|found| Ok(found.try_get(0)?)).transpose()
}

pub(super) async fn advance(c: &mut Connection, next: &Advance) -> Result<bool, Fault> {
    // The old values are the caller's own, bound: they are equal to the row's where the condition holds.
    let won = sqlx::query(
        "UPDATE doorward_sign_in SET previous_refresh_hash = $3, previous_access_hash = access_hash, \
         previous_access_expires_at = access_expires_at, generation = $4, salt = $5, refresh_hash = $6, \
         access_hash = $7, access_expires_at = $8, \
         confirmed_at = NULL, replaces = NULL, idle_expires_at = GREATEST(idle_expires_at, $9), \
         last_seen_at = GREATEST(last_seen_at, $10) \
         WHERE id = $1 AND generation = $2 AND refresh_hash = $3 AND ended_at IS NULL",
    )
    .bind(uuid(next.id.as_bytes()))
    .bind(i64::from(next.from))
    .bind(next.from_refresh_hash.as_slice())
    .bind(i64::from(next.from) + 1)
    .bind(next.salt.as_slice())
    .bind(next.refresh_hash.as_slice())
    .bind(next.access_hash.as_slice())
    .bind(next.access_expires_at.as_micros())
    .bind(next.idle_expires_at.as_micros())
    .bind(next.now.as_micros())
    .execute(c)
    .await?
    .rows_affected();
    Ok(won == 1)
}

/// Extends a row that replaces no other, or does not confirm: one statement.
pub(super) async fn extend_alone(c: &mut Connection, extend: &Extend) -> Result<bool, Fault> {
    let won = sqlx::query(
        "UPDATE doorward_sign_in SET access_expires_at = GREATEST(access_expires_at, $4), \
         confirmed_at = COALESCE(confirmed_at, $5) \
         WHERE id = $1 AND generation = $2 AND refresh_hash = $3 AND ended_at IS NULL \
         AND ($5::bigint IS NULL OR replaces IS NULL)",
    )
    .bind(uuid(extend.id.as_bytes()))
    .bind(i64::from(extend.generation))
    .bind(extend.refresh_hash.as_slice())
    .bind(extend.access_expires_at.as_micros())
    .bind(rows::at(extend.confirm))
    .execute(c)
    .await?
    .rows_affected();
    Ok(won == 1)
}

/// Extends and confirms a row that may replace another, which ends with it.
pub(super) async fn extend(c: &mut Connection, extend: &Extend) -> Result<End<bool>, Fault> {
    let owner = lock_owner(c, extend.id).await?;
    let won = sqlx::query(
        "UPDATE doorward_sign_in SET access_expires_at = GREATEST(access_expires_at, $4), \
         confirmed_at = COALESCE(confirmed_at, $5) \
         WHERE id = $1 AND generation = $2 AND refresh_hash = $3 AND ended_at IS NULL",
    )
    .bind(uuid(extend.id.as_bytes()))
    .bind(i64::from(extend.generation))
    .bind(extend.refresh_hash.as_slice())
    .bind(extend.access_expires_at.as_micros())
    .bind(rows::at(extend.confirm))
    .execute(&mut *c)
    .await?
    .rows_affected();
    match (won, owner, extend.confirm) {
        (1, Some(owner), Some(now)) => {
            supersede(c, &owner, now).await?;
            Ok(End::Commit(true))
        }
        (won, ..) => Ok(End::Commit(won == 1)),
    }
}

macro_rules! confirm_statement {
    ($which:literal) => {
        concat!(
            "UPDATE doorward_sign_in s SET confirmed_at = COALESCE(s.confirmed_at, $3) FROM doorward_user u \
             WHERE s.id = $1 AND s.generation = $2 AND u.id = s.user_id AND ",
            $which,
            " AND ",
            live!("$3")
        )
    };
}

/// Confirms a live row that replaces no other: one statement.
pub(super) async fn confirm_alone(
    c: &mut Connection,
    id: SignInId,
    generation: u32,
    now: Timestamp,
) -> Result<bool, Fault> {
    let won = sqlx::query(confirm_statement!("s.replaces IS NULL"))
        .bind(uuid(id.as_bytes()))
        .bind(i64::from(generation))
        .bind(now.as_micros())
        .execute(c)
        .await?
        .rows_affected();
    Ok(won == 1)
}

/// Confirms a live row that may replace another, which ends with it.
pub(super) async fn confirm(
    c: &mut Connection,
    id: SignInId,
    generation: u32,
    now: Timestamp,
) -> Result<End<bool>, Fault> {
    let Some(owner) = lock_owner(c, id).await? else {
        return Ok(End::Undo(false));
    };
    let won = sqlx::query(confirm_statement!("TRUE"))
        .bind(uuid(id.as_bytes()))
        .bind(i64::from(generation))
        .bind(now.as_micros())
        .execute(&mut *c)
        .await?
        .rows_affected();
    if won == 0 {
        return Ok(End::Undo(false));
    }
    supersede(c, &owner, now).await?;
    Ok(End::Commit(true))
}

/// The owner of a sign-in, locked, and what the sign-in replaces.
struct Owner {
    id: UserId,
    replaces: Option<SignInId>,
}

async fn lock_owner(c: &mut Connection, id: SignInId) -> Result<Option<Owner>, Fault> {
    // Read before the lock: the owner never changes, and `replaces` goes only when what it names has ended.
    let row = sqlx::query("SELECT user_id, replaces FROM doorward_sign_in WHERE id = $1")
        .bind(uuid(id.as_bytes()))
        .fetch_optional(&mut *c)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let id = UserId::from_bytes(row.try_get::<Uuid, _>(0)?.into_bytes());
    let replaces: Option<Uuid> = row.try_get(1)?;
    Ok(lock(c, id).await?.map(|_| Owner {
        id,
        replaces: replaces.map(|id| SignInId::from_bytes(id.into_bytes())),
    }))
}

async fn supersede(c: &mut Connection, owner: &Owner, now: Timestamp) -> Result<(), Fault> {
    if let Some(old) = owner.replaces {
        ends::close(c, owner.id, Which::One(old), EndReason::Superseded, now).await?;
    }
    Ok(())
}

pub(super) async fn list(c: &mut Connection, user: UserId, now: Timestamp) -> Result<Vec<SignIn>, Fault> {
    let found = sqlx::query(concat!(
        "SELECT ",
        sign_in_columns!(),
        " FROM doorward_sign_in s JOIN doorward_user u ON u.id = s.user_id WHERE s.user_id = $1 AND ",
        counted!("$2"),
        " ORDER BY s.created_at DESC, s.id DESC"
    ))
    .bind(uuid(user.as_bytes()))
    .bind(now.as_micros())
    .fetch_all(c)
    .await?;
    found.iter().map(rows::sign_in).collect()
}

pub(super) async fn put_attributes(
    c: &mut Connection,
    id: SignInId,
    expect: i64,
    attributes: &str,
) -> Result<End<PutAttributes>, Fault> {
    let version = expect.saturating_add(1);
    let won = sqlx::query(
        "UPDATE doorward_sign_in SET attributes = $3, version = $4 \
         WHERE id = $1 AND version = $2 AND ended_at IS NULL",
    )
    .bind(uuid(id.as_bytes()))
    .bind(expect)
    .bind(attributes)
    .bind(version)
    .execute(&mut *c)
    .await?
    .rows_affected();
    if won == 1 {
        return Ok(End::Commit(PutAttributes::Won(version)));
    }
    let live = sqlx::query("SELECT 1 FROM doorward_sign_in WHERE id = $1 AND ended_at IS NULL")
        .bind(uuid(id.as_bytes()))
        .fetch_optional(c)
        .await?;
    Ok(End::Undo(match live {
        Some(_) => PutAttributes::Lost,
        None => PutAttributes::Absent,
    }))
}
