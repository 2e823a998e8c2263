//! Rows as records. Each column list stands beside the function that reads it.

use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::Type;

use doorward_base::clock::Timestamp;
use doorward_base::id::{AuthenticatorId, DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Authenticator, AuthenticatorAt, AuthenticatorStatus, EndReason, Flow, Hash, Identity, KvEntry, KvValue,
    ProvedBy, QueuedDelivery, Side, SignIn, Token, User, UserAddress, hashes_of_column,
};

/// The columns of [`user`], for a table called `u`.
pub(super) const USER: &str =
    "u.id, u.realm, u.attributes, u.version, u.session_epoch, u.disabled_at, u.created_at, u.updated_at";

/// Reads [`USER`], which starts at column `from`.
pub(super) fn user(row: &Row<'_>, from: usize) -> rusqlite::Result<User> {
    Ok(User {
        id: UserId::from_bytes(row.get(from)?),
        realm: row.get(from + 1)?,
        attributes: row.get(from + 2)?,
        version: row.get(from + 3)?,
        session_epoch: row.get(from + 4)?,
        disabled_at: perhaps(row, from + 5)?,
        created_at: time(row, from + 6)?,
        updated_at: time(row, from + 7)?,
    })
}

/// The columns of [`identity`], for a table called `i`.
pub(super) const IDENTITY: &str = "i.realm, i.provider, i.canonical, i.raw, i.rule, i.rule_version, i.user_id, \
     i.verified_at, i.created_at, i.last_used_at, i.reach, i.vouched";

/// Reads [`IDENTITY`], which starts at column `from`.
pub(super) fn identity(row: &Row<'_>, from: usize) -> rusqlite::Result<Identity> {
    Ok(Identity {
        at: ProviderId {
            realm: row.get(from)?,
            provider: row.get(from + 1)?,
            canonical: row.get(from + 2)?,
        },
        raw: row.get(from + 3)?,
        rule: row.get(from + 4)?,
        rule_version: row.get(from + 5)?,
        user_id: UserId::from_bytes(row.get(from + 6)?),
        verified_at: perhaps(row, from + 7)?,
        created_at: time(row, from + 8)?,
        last_used_at: perhaps(row, from + 9)?,
        reach: hashes(row, from + 10)?,
        vouched: row.get(from + 11)?,
    })
}

/// The columns of [`authenticator`].
pub(super) const AUTHENTICATOR: &str = "user_id, grp, id, realm, handle, kind, record, record_version, label, \
     status, created_at, last_used_at, expires_at, set_over, failures";

/// The columns of [`address`].
pub(super) const ADDRESS: &str = "address, side, proved_at, proved_by";

/// Reads [`ADDRESS`].
pub(super) fn address(row: &Row<'_>) -> rusqlite::Result<UserAddress> {
    let side: i64 = row.get(1)?;
    let by: Option<String> = row.get(3)?;
    let by = by.map(|by| ProvedBy::of(&by).ok_or_else(|| unreadable(3, "proved_by", Type::Text)));
    Ok(UserAddress {
        address: row.get(0)?,
        side: Side::of(side).ok_or_else(|| unreadable(1, "side", Type::Integer))?,
        proved: perhaps(row, 2)?.zip(by.transpose()?),
    })
}

fn hashes(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<Hash>> {
    let column: Vec<u8> = row.get(at)?;
    hashes_of_column(&column).ok_or_else(|| unreadable(at, "reach", Type::Blob))
}

fn unreadable(at: usize, column: &str, stored: Type) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(at, column.into(), stored)
}

/// Reads [`AUTHENTICATOR`].
pub(super) fn authenticator(row: &Row<'_>) -> rusqlite::Result<Authenticator> {
    Ok(Authenticator {
        at: AuthenticatorAt {
            user_id: UserId::from_bytes(row.get(0)?),
            group: row.get(1)?,
            id: AuthenticatorId::from_bytes(row.get(2)?),
        },
        realm: row.get(3)?,
        handle: row.get(4)?,
        kind: row.get(5)?,
        record: row.get(6)?,
        record_version: row.get(7)?,
        label: row.get(8)?,
        status: AuthenticatorStatus::of(row.get(9)?),
        created_at: time(row, 10)?,
        last_used_at: perhaps(row, 11)?,
        expires_at: perhaps(row, 12)?,
        set_over: row.get(13)?,
        failures: row.get(14)?,
    })
}

/// The columns of [`sign_in`], for a table called `s`.
pub(super) const SIGN_IN: &str = "s.id, s.user_id, s.epoch, s.generation, s.family_hash, s.salt, s.refresh_hash, \
     s.access_hash, s.access_expires_at, s.previous_refresh_hash, s.previous_access_hash, \
     s.previous_access_expires_at, s.confirmed_at, s.idle_expires_at, s.absolute_expires_at, \
     s.access_ttl, s.idle_ttl, s.persistent, s.authenticated_at, s.factors, s.attributes, s.version, s.agent, \
     s.address, s.replaces, s.created_at, s.last_seen_at, s.ended_at, s.end_reason";

/// How many columns [`SIGN_IN`] has.
pub(super) const SIGN_IN_COLUMNS: usize = 29;

/// Reads [`SIGN_IN`], which starts at column 0.
pub(super) fn sign_in(row: &Row<'_>) -> rusqlite::Result<SignIn> {
    Ok(SignIn {
        id: SignInId::from_bytes(row.get(0)?),
        user_id: UserId::from_bytes(row.get(1)?),
        epoch: row.get(2)?,
        generation: row.get(3)?,
        family_hash: row.get(4)?,
        salt: row.get(5)?,
        refresh_hash: row.get(6)?,
        access_hash: row.get(7)?,
        access_expires_at: time(row, 8)?,
        previous_refresh_hash: row.get(9)?,
        previous_access_hash: row.get(10)?,
        previous_access_expires_at: perhaps(row, 11)?,
        confirmed_at: perhaps(row, 12)?,
        idle_expires_at: time(row, 13)?,
        absolute_expires_at: time(row, 14)?,
        access_ttl: duration(row, 15)?,
        idle_ttl: duration(row, 16)?,
        persistent: row.get(17)?,
        authenticated_at: time(row, 18)?,
        factors: row.get(19)?,
        attributes: row.get(20)?,
        version: row.get(21)?,
        agent: row.get(22)?,
        address: row.get(23)?,
        replaces: row.get::<_, Option<[u8; 16]>>(24)?.map(SignInId::from_bytes),
        created_at: time(row, 25)?,
        last_seen_at: time(row, 26)?,
        ended_at: perhaps(row, 27)?,
        end_reason: reason(row, 28)?,
    })
}

/// The columns of [`flow`].
pub(super) const FLOW: &str =
    "id, step, secret_hash, user_id, browser_hash, attempts_left, state, expires_at";

/// Reads [`FLOW`].
pub(super) fn flow(row: &Row<'_>) -> rusqlite::Result<Flow> {
    Ok(Flow {
        id: FlowId::from_bytes(row.get(0)?),
        step: row.get(1)?,
        secret_hash: row.get(2)?,
        user_id: row.get::<_, Option<[u8; 16]>>(3)?.map(UserId::from_bytes),
        browser_hash: row.get(4)?,
        attempts_left: row.get(5)?,
        state: row.get(6)?,
        expires_at: time(row, 7)?,
    })
}

/// The columns of [`token`].
pub(super) const TOKEN: &str =
    "id, purpose, secret_hash, realm, provider, canonical, user_id, epoch, expires_at, consumed_at";

/// Reads [`TOKEN`].
pub(super) fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        id: TokenId::from_bytes(row.get(0)?),
        purpose: row.get(1)?,
        secret_hash: row.get(2)?,
        at: ProviderId {
            realm: row.get(3)?,
            provider: row.get(4)?,
            canonical: row.get(5)?,
        },
        user_id: row.get::<_, Option<[u8; 16]>>(6)?.map(UserId::from_bytes),
        epoch: row.get(7)?,
        expires_at: time(row, 8)?,
        consumed_at: perhaps(row, 9)?,
    })
}

/// The columns of [`delivery`].
pub(super) const DELIVERY: &str = "id, user_id, payload, due_at, attempts, expires_at";

/// Reads [`DELIVERY`].
pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<QueuedDelivery> {
    Ok(QueuedDelivery {
        id: DeliveryId::from_bytes(row.get(0)?),
        user_id: row.get::<_, Option<[u8; 16]>>(1)?.map(UserId::from_bytes),
        payload: row.get(2)?,
        due_at: time(row, 3)?,
        attempts: row.get(4)?,
        expires_at: time(row, 5)?,
    })
}

/// The columns of [`kv`].
pub(super) const KV: &str = "value, version, expires_at";

/// Reads [`KV`].
pub(super) fn kv(row: &Row<'_>) -> rusqlite::Result<KvEntry> {
    let column: Vec<u8> = row.get(0)?;
    let Some(value) = KvValue::of_column(&column) else {
        return Err(rusqlite::Error::InvalidColumnType(0, "value".into(), Type::Blob));
    };
    Ok(KvEntry {
        value,
        version: row.get(1)?,
        expires_at: perhaps(row, 2)?,
    })
}

/// The statement that inserts a row: the columns that are read, and more that are not.
pub(super) fn insert_into(table: &str, columns: &str, more: &[&str]) -> String {
    let read = columns
        .split(", ")
        .map(|column| column.rsplit('.').next().unwrap_or(column));
    let names: Vec<&str> = read.chain(more.iter().copied()).collect();
    let values: Vec<String> = (1..=names.len()).map(|number| format!("?{number}")).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    format!("INSERT INTO {table} ({names}) VALUES ({values})")
}

/// A moment that may be absent, as it is stored.
pub(super) fn micros(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_micros)
}

/// A length of time, as it is stored.
pub(super) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A number that is never negative: a count, or a length of time.
pub(super) fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let stored: i64 = row.get(at)?;
    u64::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, stored))
}

fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    row.get(at).map(Timestamp::from_micros)
}

fn perhaps(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_micros))
}

fn duration(row: &Row<'_>, at: usize) -> rusqlite::Result<Duration> {
    count(row, at).map(Duration::from_micros)
}

/// An unknown reason comes from a later release: the sign-in has ended all the same.
fn reason(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<EndReason>> {
    let Ok(text) = row.get_ref(at)?.as_str_or_null() else {
        return Err(rusqlite::Error::InvalidColumnType(
            at,
            "end_reason".into(),
            Type::Text,
        ));
    };
    Ok(text.map(|text| EndReason::of(text).unwrap_or(EndReason::Ended)))
}
