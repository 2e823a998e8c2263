//! Changes of a user's identities and authenticators, under its epoch.

use rusqlite::{Connection, OptionalExtension, params};

use super::credentials::{add_address, add_authenticator, add_identity};
use super::live::USABLE_AT_3;
use super::users::is_free;
use super::work::Verdict;
use super::{failure, outbox, sign_ins, throttles, tokens};
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;
use doorward_store::{
    Authenticator, AuthenticatorAt, Change, ChangeStep, Changed, Ends, Naming, ThrottleStep, Throttled,
    WayIn, Yield, hashes_to_column,
};

pub(super) fn change(db: &Connection, change: &Change) -> rusqlite::Result<Verdict<Changed>> {
    let id = change.user_id;
    let guard = "SELECT session_epoch, disabled_at IS NULL FROM doorward_user WHERE id = ?1";
    let found: Option<(i64, bool)> = (db.prepare_cached(guard)?)
        .query_row([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // The transaction holds the write lock already: nobody moves the epoch before it commits.
    match found {
        None => return Ok(Verdict::Undo(Changed::Absent)),
        Some((epoch, true)) if epoch == change.epoch => {}
        Some(_) => return Ok(Verdict::Undo(Changed::Stale)),
    }
    if change.charges.is_empty() {
        return steps(db, change);
    }
    let charges: Vec<_> = (change.charges.iter())
        .map(|key| ThrottleStep::Charge(*key))
        .collect();
    if let Verdict::Undo(Throttled::Closed(wait)) = throttles::apply(db, &charges, change.now)? {
        return Ok(Verdict::Undo(Changed::Closed(wait)));
    }
    // What is charged stays so, whatever becomes of the rest.
    let run = |sql: &str| db.prepare_cached(sql)?.execute([]).map(|_| ());
    run("SAVEPOINT steps")?;
    let (Verdict::Keep(changed) | Verdict::Undo(changed)) = steps(db, change)?;
    if !matches!(changed, Changed::Done { .. }) {
        run("ROLLBACK TO steps")?;
    }
    run("RELEASE steps")?;
    Ok(Verdict::Keep(changed))
}

/// The change itself, once it is its turn.
fn steps(db: &Connection, change: &Change) -> rusqlite::Result<Verdict<Changed>> {
    let id = change.user_id;
    if let Some(token) = &change.token
        && !tokens::consume(db, token, id, change.now)?
    {
        return Ok(Verdict::Undo(Changed::Spent));
    }
    for one in &change.steps {
        if let Err(why) = step(db, id, one, change.now)? {
            return Ok(Verdict::Undo(why));
        }
    }
    if !has_way_in(db, id, &change.ways_in, change.now)? {
        return Ok(Verdict::Undo(Changed::LastWayIn));
    }
    outbox::queue(db, &change.deliveries, UserId::NOBODY)?;
    throttles::pay(db, &change.letters, change.now)?;
    let Some(bump) = &change.bump else {
        let epoch = change.epoch;
        return Ok(Verdict::Keep(Changed::Done { epoch, ended: 0 }));
    };
    let epoch = change.epoch + 1;
    // What ends is counted by the user as it is before; what stays goes along.
    let which = bump.keep.map_or(Ends::All(id), |keep| Ends::Others(id, keep));
    let ended = sign_ins::end(db, which, bump.reason, change.now)?;
    sign_ins::keep(db, id, change.epoch, epoch)?;
    let moved = "UPDATE doorward_user SET session_epoch = ?2, updated_at = max(updated_at, ?3) WHERE id = ?1";
    (db.prepare_cached(moved)?).execute(params![id.as_bytes(), epoch, change.now.as_micros()])?;
    Ok(Verdict::Keep(Changed::Done { epoch, ended }))
}

/// One step; the inner error says why the whole change does not happen.
fn step(
    db: &Connection,
    user: UserId,
    step: &ChangeStep,
    now: Timestamp,
) -> rusqlite::Result<Result<(), Changed>> {
    match step {
        ChangeStep::Take(from) => Ok(if take(db, from, now)? {
            Ok(())
        } else {
            Err(Changed::Lost)
        }),
        ChangeStep::AddAddress(_) | ChangeStep::ProveAddress(..) | ChangeStep::RemoveAddress(_) => {
            step_of_address(db, user, step)
        }
        ChangeStep::AddAuthenticator(_)
        | ChangeStep::ReplaceAuthenticator { .. }
        | ChangeStep::RemoveAuthenticator(_)
        | ChangeStep::RenameAuthenticator(..) => step_of_authenticator(db, user, step),
        ChangeStep::AddIdentity(identity) => Ok(if is_free(add_identity(db, user, identity))? {
            Ok(())
        } else {
            Err(Changed::Taken("identifier"))
        }),
        ChangeStep::RemoveIdentity(at) => {
            let delete = "DELETE FROM doorward_identity
                          WHERE realm = ?1 AND provider = ?2 AND canonical = ?3 AND user_id = ?4";
            let values = params![at.realm, at.provider, at.canonical, user.as_bytes()];
            db.prepare_cached(delete)?.execute(values).map(one_or_absent)
        }
        ChangeStep::SetReach(at, reach) => {
            let set = "UPDATE doorward_identity SET reach = ?5
                       WHERE realm = ?1 AND provider = ?2 AND canonical = ?3 AND user_id = ?4";
            let reach = hashes_to_column(reach);
            let values = params![at.realm, at.provider, at.canonical, user.as_bytes(), reach];
            db.prepare_cached(set)?.execute(values).map(one_or_absent)
        }
        ChangeStep::VerifyIdentity(at, now) => {
            let verify = "UPDATE doorward_identity SET verified_at = coalesce(verified_at, ?5)
                          WHERE realm = ?1 AND provider = ?2 AND canonical = ?3 AND user_id = ?4";
            let values = params![
                at.realm,
                at.provider,
                at.canonical,
                user.as_bytes(),
                now.as_micros()
            ];
            db.prepare_cached(verify)?.execute(values).map(one_or_absent)
        }
    }
}

fn one_or_absent(affected: usize) -> Result<(), Changed> {
    if affected == 1 {
        Ok(())
    } else {
        Err(Changed::Absent)
    }
}

fn step_of_address(
    db: &Connection,
    user: UserId,
    step: &ChangeStep,
) -> rusqlite::Result<Result<(), Changed>> {
    match step {
        ChangeStep::AddAddress(new) => Ok(if add_address(db, user, new)? {
            Ok(())
        } else {
            Err(Changed::BothSides)
        }),
        ChangeStep::ProveAddress(address, at, by) => {
            let prove = "UPDATE doorward_user_address SET proved_at = ?3, proved_by = ?4
                         WHERE user_id = ?1 AND address = ?2 AND proved_at IS NULL";
            let values = params![user.as_bytes(), address, at.as_micros(), by.id()];
            db.prepare_cached(prove)?.execute(values).map(|_| Ok(()))
        }
        ChangeStep::RemoveAddress(address) => {
            let delete = "DELETE FROM doorward_user_address WHERE user_id = ?1 AND address = ?2";
            let values = params![user.as_bytes(), address];
            db.prepare_cached(delete)?.execute(values).map(|_| Ok(()))
        }
        _ => Ok(Ok(())),
    }
}

fn step_of_authenticator(
    db: &Connection,
    user: UserId,
    step: &ChangeStep,
) -> rusqlite::Result<Result<(), Changed>> {
    match step {
        ChangeStep::AddAuthenticator(new) => match add_authenticator(db, user, new) {
            Ok(()) => Ok(Ok(())),
            Err(error) if failure::is_taken(&error) => {
                let known = version(db, user, &new.at)?.is_some();
                Ok(Err(Changed::Taken(if known {
                    "authenticator"
                } else {
                    "handle"
                })))
            }
            Err(error) => Err(error),
        },
        ChangeStep::ReplaceAuthenticator { new, expect, naming } => replace(db, user, new, *expect, naming),
        ChangeStep::RemoveAuthenticator(at) => {
            let delete = "DELETE FROM doorward_authenticator WHERE user_id = ?1 AND grp = ?2 AND id = ?3";
            let values = params![user.as_bytes(), at.group, at.id.as_bytes()];
            db.prepare_cached(delete)?.execute(values).map(one_or_absent)
        }
        ChangeStep::RenameAuthenticator(at, label) => {
            let rename =
                "UPDATE doorward_authenticator SET label = ?4 WHERE user_id = ?1 AND grp = ?2 AND id = ?3";
            let values = params![user.as_bytes(), at.group, at.id.as_bytes(), label];
            db.prepare_cached(rename)?.execute(values).map(one_or_absent)
        }
        _ => Ok(Ok(())),
    }
}

/// Replaces an authenticator at its version, and keeps what it is called where the new one does not say.
fn replace(
    db: &Connection,
    user: UserId,
    new: &Authenticator,
    expect: i64,
    naming: &Naming,
) -> rusqlite::Result<Result<(), Changed>> {
    let replace =
        "UPDATE doorward_authenticator SET record = ?5, kind = ?6, status = ?7, set_over = ?8, failures = 0,
                   record_version = record_version + 1,
                   label = coalesce(?9, label), handle = coalesce(?10, handle)
                   WHERE user_id = ?1 AND grp = ?2 AND id = ?3 AND record_version = ?4";
    let replaced = db.prepare_cached(replace)?.execute(params![
        user.as_bytes(),
        new.at.group,
        new.at.id.as_bytes(),
        expect,
        new.record,
        new.kind,
        new.status.number(),
        new.set_over,
        naming.label,
        naming.handle,
    ]);
    match replaced {
        Ok(1) => return Ok(Ok(())),
        Ok(_) => {}
        Err(error) if failure::is_taken(&error) => return Ok(Err(Changed::Taken("handle"))),
        Err(error) => return Err(error),
    }
    let known = version(db, user, &new.at)?.is_some();
    Ok(Err(if known { Changed::Lost } else { Changed::Absent }))
}

/// Takes what another user gives up. False: it is not as it was judged, and the caller undoes all.
pub(super) fn take(db: &Connection, from: &Yield, now: Timestamp) -> rusqlite::Result<bool> {
    let guard = "SELECT EXISTS (SELECT 1 FROM doorward_user WHERE id = ?1 AND session_epoch = ?2)";
    let is_as_judged: bool = (db.prepare_cached(guard)?)
        .query_row(params![from.user_id.as_bytes(), from.epoch], |row| row.get(0))?;
    if !is_as_judged {
        return Ok(false);
    }
    let delete = "DELETE FROM doorward_identity
                  WHERE realm = ?1 AND provider = ?2 AND canonical = ?3 AND user_id = ?4 AND verified_at IS NULL";
    for at in &from.identities {
        let values = params![at.realm, at.provider, at.canonical, from.user_id.as_bytes()];
        if db.prepare_cached(delete)?.execute(values)? != 1 {
            return Ok(false);
        }
    }
    let delete = "DELETE FROM doorward_user_address WHERE user_id = ?1 AND address = ?2";
    for address in &from.addresses {
        (db.prepare_cached(delete)?).execute(params![from.user_id.as_bytes(), address])?;
    }
    has_way_in(db, from.user_id, &from.ways_in, now)
}

fn version(db: &Connection, user: UserId, at: &AuthenticatorAt) -> rusqlite::Result<Option<i64>> {
    let select =
        "SELECT record_version FROM doorward_authenticator WHERE user_id = ?1 AND grp = ?2 AND id = ?3";
    (db.prepare_cached(select)?)
        .query_row(params![user.as_bytes(), at.group, at.id.as_bytes()], |row| {
            row.get(0)
        })
        .optional()
}

fn has_way_in(db: &Connection, user: UserId, ways: &[WayIn], now: Timestamp) -> rusqlite::Result<bool> {
    let by_provider = "SELECT EXISTS (SELECT 1 FROM doorward_identity WHERE user_id = ?1 AND provider = ?2)";
    let usable = format!(
        "SELECT EXISTS (SELECT 1 FROM doorward_authenticator a WHERE a.user_id = ?1 AND a.grp = ?2 AND {USABLE_AT_3})"
    );
    for way in ways {
        let has_identity = match &way.provider {
            None => true,
            Some(provider) => (db.prepare_cached(by_provider)?)
                .query_row(params![user.as_bytes(), provider], |row| row.get(0))?,
        };
        let has_record = match &way.group {
            None => true,
            Some(group) => (db.prepare_cached(&usable)?)
                .query_row(params![user.as_bytes(), group, now.as_micros()], |row| row.get(0))?,
        };
        if has_identity && has_record {
            return Ok(true);
        }
    }
    Ok(ways.is_empty())
}
