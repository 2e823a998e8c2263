//! Identities, addresses and authenticators: found, added and swapped.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, params};

use super::users;
use super::work::Verdict;
use super::{failure, rows};
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Authenticator, AuthenticatorAt, Identity, Naming, Subject, SubjectLook, Swapped, UserAddress,
    hashes_to_column,
};

/// Two statements that must see the same moment: the caller's connection is in no transaction.
fn at_one_moment<T>(db: &Connection, work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    db.prepare_cached("BEGIN")?.execute([])?;
    let answer = work();
    db.prepare_cached("ROLLBACK")?.execute([])?;
    answer
}

pub(super) fn subject(db: &Connection, at: &ProviderId, group: &str) -> rusqlite::Result<SubjectLook> {
    // The next one, where it is not there: a look in vain reads as much, and none of it is used.
    let select = format!(
        "SELECT {}, {} FROM doorward_identity i JOIN doorward_user u ON u.id = i.user_id
         WHERE (i.realm, i.provider, i.canonical) >= (?1, ?2, ?3)
         ORDER BY i.realm, i.provider, i.canonical LIMIT 1",
        rows::USER,
        rows::IDENTITY
    );
    at_one_moment(db, || {
        let found = (db.prepare_cached(&select)?)
            .query_row(params![at.realm, at.provider, at.canonical], |row| {
                Ok((rows::user(row, 0)?, rows::identity(row, 8)?))
            })
            .optional()?;
        // The authenticators, too: a known and an unknown name run the same statements.
        let read = found.as_ref().map(|(user, _)| user.id);
        let authenticators = of_group(db, read.unwrap_or(UserId::NOBODY), group)?;
        let is_found = (found.as_ref()).is_some_and(|(_, identity)| identity.at == *at);
        let subject = found.map(|(user, identity)| Subject {
            user,
            identity: Some(identity),
            authenticators,
        });
        Ok(SubjectLook::of(subject, is_found))
    })
}

pub(super) fn subject_of(db: &Connection, user: UserId, group: &str) -> rusqlite::Result<Option<Subject>> {
    at_one_moment(db, || {
        let authenticators = of_group(db, user, group)?;
        Ok(users::by_id(db, user)?.map(|user| Subject {
            user,
            identity: None,
            authenticators,
        }))
    })
}

pub(super) fn subject_by_handle(
    db: &Connection,
    realm: &str,
    group: &str,
    handle: &[u8],
) -> rusqlite::Result<Option<Subject>> {
    let select = format!(
        "SELECT {} FROM doorward_authenticator WHERE realm = ?1 AND grp = ?2 AND handle = ?3",
        rows::AUTHENTICATOR
    );
    at_one_moment(db, || {
        let named = (db.prepare_cached(&select)?)
            .query_row(params![realm, group, handle], rows::authenticator)
            .optional()?;
        let Some(named) = named else { return Ok(None) };
        let user = users::by_id(db, named.at.user_id)?;
        Ok(user.map(|user| Subject {
            user,
            identity: None,
            authenticators: vec![named],
        }))
    })
}

fn of_group(db: &Connection, user: UserId, group: &str) -> rusqlite::Result<Vec<Authenticator>> {
    let select = format!(
        "SELECT {} FROM doorward_authenticator WHERE user_id = ?1 AND grp = ?2 ORDER BY id",
        rows::AUTHENTICATOR
    );
    (db.prepare_cached(&select)?)
        .query_map(params![user.as_bytes(), group], rows::authenticator)?
        .collect()
}

pub(super) fn identities(db: &Connection, user: UserId) -> rusqlite::Result<Vec<Identity>> {
    let select = format!(
        "SELECT {} FROM doorward_identity i WHERE i.user_id = ?1 ORDER BY i.provider, i.canonical",
        rows::IDENTITY
    );
    (db.prepare_cached(&select)?)
        .query_map([user.as_bytes()], |row| rows::identity(row, 0))?
        .collect()
}

pub(super) fn authenticators(db: &Connection, user: UserId) -> rusqlite::Result<Vec<Authenticator>> {
    let select = format!(
        "SELECT {} FROM doorward_authenticator WHERE user_id = ?1 ORDER BY grp, id",
        rows::AUTHENTICATOR
    );
    (db.prepare_cached(&select)?)
        .query_map([user.as_bytes()], rows::authenticator)?
        .collect()
}

static INSERT_IDENTITY: LazyLock<String> =
    LazyLock::new(|| rows::insert_into("doorward_identity", rows::IDENTITY, &[]));

pub(super) fn add_identity(db: &Connection, user: UserId, new: &Identity) -> rusqlite::Result<()> {
    let inserted = db.prepare_cached(&INSERT_IDENTITY)?.execute(params![
        new.at.realm,
        new.at.provider,
        new.at.canonical,
        new.raw,
        new.rule,
        new.rule_version,
        user.as_bytes(),
        rows::micros(new.verified_at),
        new.created_at.as_micros(),
        rows::micros(new.last_used_at),
        hashes_to_column(&new.reach),
        new.vouched,
    ]);
    inserted.map(|_| ())
}

pub(super) fn addresses(db: &Connection, user: UserId) -> rusqlite::Result<Vec<UserAddress>> {
    let select = format!(
        "SELECT {} FROM doorward_user_address WHERE user_id = ?1 ORDER BY address",
        rows::ADDRESS
    );
    (db.prepare_cached(&select)?)
        .query_map([user.as_bytes()], rows::address)?
        .collect()
}

static ADD_ADDRESS: LazyLock<String> = LazyLock::new(|| {
    rows::insert_into("doorward_user_address", rows::ADDRESS, &["user_id"])
        + " ON CONFLICT (user_id, address) DO UPDATE SET proved_at = coalesce(proved_at, excluded.proved_at),
           proved_by = coalesce(proved_by, excluded.proved_by) WHERE side = excluded.side"
});

/// False: the address stands on the other side.
pub(super) fn add_address(db: &Connection, user: UserId, new: &UserAddress) -> rusqlite::Result<bool> {
    let added = db.prepare_cached(&ADD_ADDRESS)?.execute(params![
        new.address,
        new.side.number(),
        rows::micros(new.proved.map(|(at, _)| at)),
        new.proved.map(|(_, by)| by.id()),
        user.as_bytes(),
    ])?;
    Ok(added == 1)
}

static INSERT_AUTHENTICATOR: LazyLock<String> =
    LazyLock::new(|| rows::insert_into("doorward_authenticator", rows::AUTHENTICATOR, &[]));

pub(super) fn add_authenticator(db: &Connection, user: UserId, new: &Authenticator) -> rusqlite::Result<()> {
    let inserted = db.prepare_cached(&INSERT_AUTHENTICATOR)?.execute(params![
        user.as_bytes(),
        new.at.group,
        new.at.id.as_bytes(),
        new.realm,
        new.handle,
        new.kind,
        new.record,
        new.record_version,
        new.label,
        new.status.number(),
        new.created_at.as_micros(),
        rows::micros(new.last_used_at),
        rows::micros(new.expires_at),
        new.set_over,
        new.failures,
    ]);
    inserted.map(|_| ())
}

pub(super) fn swap_record(
    db: &Connection,
    at: &AuthenticatorAt,
    expect: i64,
    sealed: &[u8],
    naming: &Naming,
    now: Timestamp,
) -> rusqlite::Result<Swapped> {
    let swap = "UPDATE doorward_authenticator SET record = ?5, record_version = record_version + 1,
                last_used_at = max(coalesce(last_used_at, ?6), ?6),
                label = coalesce(?7, label), handle = coalesce(?8, handle)
                WHERE user_id = ?1 AND grp = ?2 AND id = ?3 AND record_version = ?4";
    let swapped = db.prepare_cached(swap)?.execute(params![
        at.user_id.as_bytes(),
        at.group,
        at.id.as_bytes(),
        expect,
        sealed,
        now.as_micros(),
        naming.label,
        naming.handle,
    ]);
    match swapped {
        Ok(1) => Ok(Swapped::Done),
        Ok(_) => Ok(Swapped::Lost),
        Err(error) if failure::is_taken(&error) => Ok(Swapped::Taken),
        Err(error) => Err(error),
    }
}

/// One statement for both, and for nobody.
pub(super) fn count_failure(
    db: &Connection,
    at: &AuthenticatorAt,
    failed: bool,
) -> rusqlite::Result<Verdict<()>> {
    let count =
        "UPDATE doorward_authenticator SET failures = CASE WHEN ?4 THEN min(failures + 1, 4294967295) ELSE 0 END
                 WHERE user_id = ?1 AND grp = ?2 AND id = ?3";
    let values = params![at.user_id.as_bytes(), at.group, at.id.as_bytes(), failed];
    db.prepare_cached(count)?.execute(values)?;
    Ok(Verdict::Keep(()))
}
