//! Changes of a user's identities and authenticators, under its epoch.

use sqlx::Row as _;

use super::connection::Connection;
use super::ends::{self, Which};
use super::fault::Fault;
use super::identities::{handle_is_free, insert_address, insert_authenticator, insert_identity, version};
use super::live::usable;
use super::lock::{Locked, lock, lock_others};
use super::operation::End;
use super::rows::uuid;
use super::{outbox, throttles, tokens, yields};
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;
use doorward_store::{
    Authenticator, AuthenticatorAt, Bump, Change, ChangeStep, Changed, Naming, ThrottleStep, Throttled,
    WayIn, Yield, hashes_to_column,
};

pub(super) async fn change(c: &mut Connection, change: &Change) -> Result<End<Changed>, Fault> {
    let mut others = change.steps.iter().filter_map(yielded).peekable();
    if others.peek().is_some() {
        lock_others(c, others, Some(change.user_id)).await?;
    }
    let Some(user) = lock(c, change.user_id).await? else {
        return Ok(End::Undo(Changed::Absent));
    };
    if user.epoch != change.epoch || !user.enabled {
        return Ok(End::Undo(Changed::Stale));
    }
    if change.charges.is_empty() {
        return steps(c, change, &user).await;
    }
    let charges: Vec<_> = (change.charges.iter())
        .map(|key| ThrottleStep::Charge(*key))
        .collect();
    if let Throttled::Closed(wait) = throttles::apply(c, &charges, change.now).await? {
        return Ok(End::Undo(Changed::Closed(wait)));
    }
    // What is charged stays so, whatever becomes of the rest.
    sqlx::raw_sql("SAVEPOINT steps").execute(&mut *c).await?;
    let (End::Commit(changed) | End::Undo(changed)) = steps(c, change, &user).await?;
    if !matches!(changed, Changed::Done { .. }) {
        sqlx::raw_sql("ROLLBACK TO steps").execute(&mut *c).await?;
    }
    Ok(End::Commit(changed))
}

/// The change itself, once it is its turn.
async fn steps(c: &mut Connection, change: &Change, user: &Locked) -> Result<End<Changed>, Fault> {
    if let Some(token) = &change.token
        && !tokens::consume(c, token, change.user_id, change.now).await?
    {
        return Ok(End::Undo(Changed::Spent));
    }
    for step in &change.steps {
        if let Some(from) = yielded(step) {
            if !yields::take(c, from, change.now).await? {
                return Ok(End::Undo(Changed::Lost));
            }
        } else if let Some(refusal) = take(c, change.user_id, step).await? {
            return Ok(End::Undo(refusal));
        }
    }
    let (id, ways_in) = (change.user_id, &change.ways_in);
    if !ways_in.is_empty() && !way_in_remains(c, id, ways_in, change.now).await? {
        return Ok(End::Undo(Changed::LastWayIn));
    }
    outbox::queue(c, &change.deliveries).await?;
    throttles::pay(c, &change.letters, change.now).await?;
    let (epoch, ended) = match &change.bump {
        None => (user.epoch, 0),
        Some(bump) => self::bump(c, change, user, bump).await?,
    };
    Ok(End::Commit(Changed::Done { epoch, ended }))
}

/// What a step takes from another user.
const fn yielded(step: &ChangeStep) -> Option<&Yield> {
    match step {
        ChangeStep::Take(from) => Some(from),
        _ => None,
    }
}

/// Takes one step; or says why it cannot be taken.
async fn take(c: &mut Connection, user: UserId, step: &ChangeStep) -> Result<Option<Changed>, Fault> {
    let affected = match step {
        // Of another user: taken before.
        ChangeStep::Take(_) => return Ok(None),
        ChangeStep::AddAddress(_)
        | ChangeStep::ProveAddress(..)
        | ChangeStep::RemoveAddress(_)
        | ChangeStep::SetReach(..) => {
            return take_address(c, user, step).await;
        }
        ChangeStep::AddIdentity(identity) => {
            let inserted = insert_identity(c, identity).await?;
            return Ok((!inserted).then_some(Changed::Taken("identifier")));
        }
        ChangeStep::AddAuthenticator(authenticator) => {
            if insert_authenticator(c, authenticator).await? {
                return Ok(None);
            }
            let same_id = version(c, &authenticator.at).await?.is_some();
            return Ok(Some(Changed::Taken(if same_id {
                "authenticator"
            } else {
                "handle"
            })));
        }
        // Another user's: not there for this one.
        ChangeStep::ReplaceAuthenticator {
            new: Authenticator { at, .. },
            ..
        }
        | ChangeStep::RemoveAuthenticator(at)
        | ChangeStep::RenameAuthenticator(at, _)
            if at.user_id != user =>
        {
            return Ok(Some(Changed::Absent));
        }
        ChangeStep::RemoveIdentity(at) => {
            let removed = sqlx::query(
                "DELETE FROM doorward_identity WHERE realm = $1 AND provider = $2 AND canonical = $3 AND user_id = $4",
            )
            .bind(&at.realm)
            .bind(&at.provider)
            .bind(&at.canonical)
            .bind(uuid(user.as_bytes()));
            removed.execute(c).await?.rows_affected()
        }
        ChangeStep::ReplaceAuthenticator { new, expect, naming } => {
            return replace(c, user, new, *expect, naming).await;
        }
        ChangeStep::RemoveAuthenticator(at) => remove_authenticator(c, user, at).await?,
        ChangeStep::RenameAuthenticator(at, label) => rename_authenticator(c, user, at, label).await?,
        ChangeStep::VerifyIdentity(at, now) => {
            let verified = sqlx::query(
                "UPDATE doorward_identity SET verified_at = COALESCE(verified_at, $5) \
                 WHERE realm = $1 AND provider = $2 AND canonical = $3 AND user_id = $4",
            )
            .bind(&at.realm)
            .bind(&at.provider)
            .bind(&at.canonical)
            .bind(uuid(user.as_bytes()))
            .bind(now.as_micros());
            verified.execute(c).await?.rows_affected()
        }
    };
    Ok((affected == 0).then_some(Changed::Absent))
}

async fn remove_authenticator(c: &mut Connection, user: UserId, at: &AuthenticatorAt) -> Result<u64, Fault> {
    let removed =
        sqlx::query("DELETE FROM doorward_authenticator WHERE user_id = $1 AND grp = $2 AND id = $3")
            .bind(uuid(user.as_bytes()))
            .bind(&at.group)
            .bind(uuid(at.id.as_bytes()));
    Ok(removed.execute(c).await?.rows_affected())
}

async fn rename_authenticator(
    c: &mut Connection,
    user: UserId,
    at: &AuthenticatorAt,
    label: &str,
) -> Result<u64, Fault> {
    let renamed = sqlx::query(
        "UPDATE doorward_authenticator SET label = $4 WHERE user_id = $1 AND grp = $2 AND id = $3",
    )
    .bind(uuid(user.as_bytes()))
    .bind(&at.group)
    .bind(uuid(at.id.as_bytes()))
    .bind(label);
    Ok(renamed.execute(c).await?.rows_affected())
}

/// Replaces an authenticator at its version, and keeps what it is called where the new one does not say.
async fn replace(
    c: &mut Connection,
    user: UserId,
    new: &Authenticator,
    expect: i64,
    naming: &Naming,
) -> Result<Option<Changed>, Fault> {
    let replaced = sqlx::query(concat!(
        "UPDATE doorward_authenticator SET record = $5, kind = $6, status = $7, record_version = $8, ",
        "set_over = $9, failures = 0, label = COALESCE($10, label), handle = COALESCE($11, handle) ",
        "WHERE user_id = $1 AND grp = $2 AND id = $3 AND record_version = $4 AND ",
        handle_is_free!("$11")
    ))
    .bind(uuid(user.as_bytes()))
    .bind(&new.at.group)
    .bind(uuid(new.at.id.as_bytes()))
    .bind(expect)
    .bind(&new.record)
    .bind(&new.kind)
    .bind(new.status.number())
    .bind(expect.saturating_add(1))
    .bind(new.set_over.as_ref().map(|over| &over[..]))
    .bind(&naming.label)
    .bind(&naming.handle);
    let replaced = replaced.execute(&mut *c).await?.rows_affected();
    if replaced == 0 {
        return Ok(Some(match version(c, &new.at).await? {
            None => Changed::Absent,
            Some(version) if version == expect => Changed::Taken("handle"),
            Some(_) => Changed::Lost,
        }));
    }
    Ok(None)
}

/// The same for a step about an address.
async fn take_address(c: &mut Connection, user: UserId, step: &ChangeStep) -> Result<Option<Changed>, Fault> {
    match step {
        ChangeStep::AddAddress(new) => {
            let added = insert_address(c, user, new).await?;
            Ok((!added).then_some(Changed::BothSides))
        }
        ChangeStep::ProveAddress(address, at, by) => {
            sqlx::query(
                "UPDATE doorward_user_address SET proved_at = $3, proved_by = $4 \
                 WHERE user_id = $1 AND address = $2 AND proved_at IS NULL",
            )
            .bind(uuid(user.as_bytes()))
            .bind(&address[..])
            .bind(at.as_micros())
            .bind(by.id())
            .execute(c)
            .await?;
            Ok(None)
        }
        ChangeStep::RemoveAddress(address) => {
            sqlx::query("DELETE FROM doorward_user_address WHERE user_id = $1 AND address = $2")
                .bind(uuid(user.as_bytes()))
                .bind(&address[..])
                .execute(c)
                .await?;
            Ok(None)
        }
        ChangeStep::SetReach(at, reach) => {
            let set = sqlx::query(
                "UPDATE doorward_identity SET reach = $5 \
                 WHERE realm = $1 AND provider = $2 AND canonical = $3 AND user_id = $4",
            )
            .bind(&at.realm)
            .bind(&at.provider)
            .bind(&at.canonical)
            .bind(uuid(user.as_bytes()))
            .bind(hashes_to_column(reach));
            let affected = set.execute(c).await?.rows_affected();
            Ok((affected == 0).then_some(Changed::Absent))
        }
        _ => Ok(None),
    }
}

/// True when one of these ways in is left to the user.
pub(super) async fn way_in_remains(
    c: &mut Connection,
    user: UserId,
    ways_in: &[WayIn],
    now: Timestamp,
) -> Result<bool, Fault> {
    let (providers, groups): (Vec<Option<&str>>, Vec<Option<&str>>) = ways_in
        .iter()
        .map(|WayIn { provider, group }| (provider.as_deref(), group.as_deref()))
        .unzip();
    let row = sqlx::query(concat!(
        "SELECT EXISTS (SELECT 1 FROM unnest($2::text[], $3::text[]) AS way (provider, grp) \
         WHERE (way.provider IS NULL OR EXISTS (SELECT 1 FROM doorward_identity i \
         WHERE i.user_id = $1 AND i.provider = way.provider)) \
         AND (way.grp IS NULL OR EXISTS (SELECT 1 FROM doorward_authenticator a \
         WHERE a.user_id = $1 AND a.grp = way.grp AND ",
        usable!("$4"),
        ")))"
    ))
    .bind(uuid(user.as_bytes()))
    .bind(&providers)
    .bind(&groups)
    .bind(now.as_micros())
    .fetch_one(c)
    .await?;
    Ok(row.try_get(0)?)
}

/// Moves the epoch on and ends the sign-ins that do not move with it.
async fn bump(c: &mut Connection, change: &Change, user: &Locked, bump: &Bump) -> Result<(i64, u64), Fault> {
    let epoch = user.epoch.saturating_add(1);
    // What ends is counted by the user as it is before; what stays goes along.
    let which = bump.keep.map_or(Which::All, Which::Others);
    let ended = ends::close(c, change.user_id, which, bump.reason, change.now).await?;
    sqlx::query(
        "UPDATE doorward_user SET session_epoch = $2, updated_at = GREATEST(updated_at, $3) WHERE id = $1",
    )
    .bind(uuid(change.user_id.as_bytes()))
    .bind(epoch)
    .bind(change.now.as_micros())
    .execute(&mut *c)
    .await?;
    if bump.keep.is_some() {
        sqlx::query(
            "UPDATE doorward_sign_in SET epoch = $2 WHERE user_id = $1 AND epoch = $3 AND ended_at IS NULL",
        )
        .bind(uuid(change.user_id.as_bytes()))
        .bind(epoch)
        .bind(user.epoch)
        .execute(c)
        .await?;
    }
    Ok((epoch, ended))
}
