//! Rows to records and back: the columns of each table once, in one order.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::fault::Fault;
use doorward_base::clock::Timestamp;
use doorward_base::id::{AuthenticatorId, DeliveryId, FlowId, SignInId, TokenId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Authenticator, AuthenticatorAt, AuthenticatorStatus, EndReason, Flow, Hash, Identity, KvEntry, KvValue,
    ProvedBy, QueuedDelivery, Side, SignIn, StoreError, Token, User, UserAddress, hashes_of_column,
};

type Got<T> = Result<T, Fault>;

/// Columns of `doorward_user u`.
macro_rules! user_columns {
    () => {
        "u.id AS u_id, u.realm AS u_realm, u.attributes AS u_attributes, u.version AS u_version, \
         u.session_epoch AS u_epoch, u.disabled_at AS u_disabled_at, u.created_at AS u_created_at, \
         u.updated_at AS u_updated_at"
    };
}

/// Columns of `doorward_identity i`.
macro_rules! identity_columns {
    () => {
        "i.realm AS i_realm, i.provider AS i_provider, i.canonical AS i_canonical, i.raw AS i_raw, \
         i.rule AS i_rule, i.rule_version AS i_rule_version, i.user_id AS i_user_id, \
         i.verified_at AS i_verified_at, i.created_at AS i_created_at, i.last_used_at AS i_last_used_at, \
         i.reach AS i_reach, i.vouched AS i_vouched"
    };
}

/// Columns of `doorward_authenticator a`.
macro_rules! authenticator_columns {
    () => {
        "a.user_id AS a_user_id, a.grp AS a_grp, a.id AS a_id, a.realm AS a_realm, a.handle AS a_handle, \
         a.kind AS a_kind, a.record AS a_record, a.record_version AS a_record_version, a.label AS a_label, \
         a.status AS a_status, a.created_at AS a_created_at, a.last_used_at AS a_last_used_at, \
         a.expires_at AS a_expires_at, a.set_over AS a_set_over, a.failures AS a_failures"
    };
}

/// Columns of `doorward_sign_in s`.
macro_rules! sign_in_columns {
    () => {
        "s.id AS s_id, s.user_id AS s_user_id, s.epoch AS s_epoch, s.generation AS s_generation, \
         s.family_hash AS s_family_hash, s.salt AS s_salt, s.refresh_hash AS s_refresh_hash, \
         s.access_hash AS s_access_hash, s.access_expires_at AS s_access_expires_at, \
         s.previous_refresh_hash AS s_previous_refresh_hash, s.previous_access_hash AS s_previous_access_hash, \
         s.previous_access_expires_at AS s_previous_access_expires_at, \
         s.confirmed_at AS s_confirmed_at, s.idle_expires_at AS s_idle_expires_at, \
         s.absolute_expires_at AS s_absolute_expires_at, s.access_ttl AS s_access_ttl, s.idle_ttl AS s_idle_ttl, \
         s.persistent AS s_persistent, s.authenticated_at AS s_authenticated_at, s.factors AS s_factors, \
         s.attributes AS s_attributes, s.version AS s_version, s.agent AS s_agent, s.address AS s_address, \
         s.replaces AS s_replaces, s.created_at AS s_created_at, s.last_seen_at AS s_last_seen_at, \
         s.ended_at AS s_ended_at, s.end_reason AS s_end_reason"
    };
}

/// Columns of `doorward_user_address`.
macro_rules! address_columns {
    () => {
        "address, side, proved_at, proved_by"
    };
}

/// Columns of `doorward_flow`.
macro_rules! flow_columns {
    () => {
        "id, step, secret_hash, user_id, browser_hash, attempts_left, state, expires_at"
    };
}

/// Columns of `doorward_token`.
macro_rules! token_columns {
    () => {
        "id, purpose, secret_hash, realm, provider, canonical, user_id, epoch, expires_at, consumed_at"
    };
}

/// Columns of `doorward_kv`.
macro_rules! kv_columns {
    () => {
        "value, version, expires_at"
    };
}

/// Columns of `doorward_outbox`.
macro_rules! delivery_columns {
    () => {
        "id, user_id, payload, due_at, attempts, expires_at"
    };
}

pub(super) use {
    address_columns, authenticator_columns, delivery_columns, flow_columns, identity_columns, kv_columns,
    sign_in_columns, token_columns, user_columns,
};

pub(super) fn user(row: &PgRow) -> Got<User> {
    Ok(User {
        id: UserId::from_bytes(id(row, "u_id")?),
        realm: row.try_get("u_realm")?,
        attributes: row.try_get("u_attributes")?,
        version: row.try_get("u_version")?,
        session_epoch: row.try_get("u_epoch")?,
        disabled_at: maybe_time(row, "u_disabled_at")?,
        created_at: time(row, "u_created_at")?,
        updated_at: time(row, "u_updated_at")?,
    })
}

pub(super) fn identity(row: &PgRow) -> Got<Identity> {
    Ok(Identity {
        at: ProviderId {
            realm: row.try_get("i_realm")?,
            provider: row.try_get("i_provider")?,
            canonical: row.try_get("i_canonical")?,
        },
        raw: row.try_get("i_raw")?,
        rule: row.try_get("i_rule")?,
        rule_version: count(row, "i_rule_version")?,
        user_id: UserId::from_bytes(id(row, "i_user_id")?),
        verified_at: maybe_time(row, "i_verified_at")?,
        created_at: time(row, "i_created_at")?,
        last_used_at: maybe_time(row, "i_last_used_at")?,
        reach: hashes_of_column(row.try_get("i_reach")?)
            .ok_or_else(|| corrupt("reach", "is no list of hashes"))?,
        vouched: row.try_get("i_vouched")?,
    })
}

/// The authenticator of an outer join, if the row has one.
pub(super) fn maybe_authenticator(row: &PgRow) -> Got<Option<Authenticator>> {
    match row.try_get::<Option<Uuid>, _>("a_id")? {
        None => Ok(None),
        Some(_) => authenticator(row).map(Some),
    }
}

pub(super) fn authenticator(row: &PgRow) -> Got<Authenticator> {
    Ok(Authenticator {
        at: AuthenticatorAt {
            user_id: UserId::from_bytes(id(row, "a_user_id")?),
            group: row.try_get("a_grp")?,
            id: AuthenticatorId::from_bytes(id(row, "a_id")?),
        },
        realm: row.try_get("a_realm")?,
        handle: row.try_get("a_handle")?,
        kind: row.try_get("a_kind")?,
        record: row.try_get("a_record")?,
        record_version: row.try_get("a_record_version")?,
        label: row.try_get("a_label")?,
        status: AuthenticatorStatus::of(row.try_get("a_status")?),
        created_at: time(row, "a_created_at")?,
        last_used_at: maybe_time(row, "a_last_used_at")?,
        expires_at: maybe_time(row, "a_expires_at")?,
        set_over: maybe_hash(row, "a_set_over")?,
        failures: count(row, "a_failures")?,
    })
}

pub(super) fn address(row: &PgRow) -> Got<UserAddress> {
    let by: Option<String> = row.try_get("proved_by")?;
    let by = by.map(|by| ProvedBy::of(&by).ok_or_else(|| corrupt("proved_by", "says nobody")));
    Ok(UserAddress {
        address: hash(row, "address")?,
        side: Side::of(row.try_get("side")?).ok_or_else(|| corrupt("side", "is neither"))?,
        proved: maybe_time(row, "proved_at")?.zip(by.transpose()?),
    })
}

pub(super) fn sign_in(row: &PgRow) -> Got<SignIn> {
    let reason: Option<String> = row.try_get("s_end_reason")?;
    Ok(SignIn {
        id: SignInId::from_bytes(id(row, "s_id")?),
        user_id: UserId::from_bytes(id(row, "s_user_id")?),
        epoch: row.try_get("s_epoch")?,
        generation: count(row, "s_generation")?,
        family_hash: hash(row, "s_family_hash")?,
        salt: maybe_hash(row, "s_salt")?,
        refresh_hash: maybe_hash(row, "s_refresh_hash")?,
        access_hash: maybe_hash(row, "s_access_hash")?,
        access_expires_at: time(row, "s_access_expires_at")?,
        previous_refresh_hash: maybe_hash(row, "s_previous_refresh_hash")?,
        previous_access_hash: maybe_hash(row, "s_previous_access_hash")?,
        previous_access_expires_at: maybe_time(row, "s_previous_access_expires_at")?,
        confirmed_at: maybe_time(row, "s_confirmed_at")?,
        idle_expires_at: time(row, "s_idle_expires_at")?,
        absolute_expires_at: time(row, "s_absolute_expires_at")?,
        access_ttl: duration(row, "s_access_ttl")?,
        idle_ttl: duration(row, "s_idle_ttl")?,
        persistent: row.try_get("s_persistent")?,
        authenticated_at: time(row, "s_authenticated_at")?,
        factors: row.try_get("s_factors")?,
        attributes: row.try_get("s_attributes")?,
        version: row.try_get("s_version")?,
        agent: row.try_get("s_agent")?,
        address: row.try_get("s_address")?,
        replaces: row
            .try_get::<Option<Uuid>, _>("s_replaces")?
            .map(|id| SignInId::from_bytes(id.into_bytes())),
        created_at: time(row, "s_created_at")?,
        last_seen_at: time(row, "s_last_seen_at")?,
        ended_at: maybe_time(row, "s_ended_at")?,
        end_reason: match reason {
            None => None,
            Some(text) => Some(EndReason::of(&text).ok_or_else(|| corrupt("s_end_reason", "is not known"))?),
        },
    })
}

pub(super) fn flow(row: &PgRow) -> Got<Flow> {
    Ok(Flow {
        id: FlowId::from_bytes(id(row, "id")?),
        step: count(row, "step")?,
        secret_hash: hash(row, "secret_hash")?,
        user_id: maybe_user(row, "user_id")?,
        browser_hash: maybe_hash(row, "browser_hash")?,
        attempts_left: count(row, "attempts_left")?,
        state: row.try_get("state")?,
        expires_at: time(row, "expires_at")?,
    })
}

pub(super) fn token(row: &PgRow) -> Got<Token> {
    Ok(Token {
        id: TokenId::from_bytes(id(row, "id")?),
        purpose: row.try_get("purpose")?,
        secret_hash: hash(row, "secret_hash")?,
        at: ProviderId {
            realm: row.try_get("realm")?,
            provider: row.try_get("provider")?,
            canonical: row.try_get("canonical")?,
        },
        user_id: maybe_user(row, "user_id")?,
        epoch: row.try_get("epoch")?,
        expires_at: time(row, "expires_at")?,
        consumed_at: maybe_time(row, "consumed_at")?,
    })
}

pub(super) fn kv(row: &PgRow) -> Got<KvEntry> {
    let value: Vec<u8> = row.try_get("value")?;
    Ok(KvEntry {
        value: KvValue::of_column(&value).ok_or_else(|| corrupt("value", "is no value of a key"))?,
        version: row.try_get("version")?,
        expires_at: maybe_time(row, "expires_at")?,
    })
}

pub(super) fn delivery(row: &PgRow) -> Got<QueuedDelivery> {
    Ok(QueuedDelivery {
        id: DeliveryId::from_bytes(id(row, "id")?),
        user_id: maybe_user(row, "user_id")?,
        payload: row.try_get("payload")?,
        due_at: time(row, "due_at")?,
        attempts: count(row, "attempts")?,
        expires_at: time(row, "expires_at")?,
    })
}

/// The statement that inserts a row: the columns that are read, and more that are not.
pub(super) fn insert_into(table: &str, columns: &str, more: &[&str]) -> String {
    let read = columns.split(", ").map(|column| {
        let named = column.split(" AS ").next().unwrap_or(column);
        named.rsplit('.').next().unwrap_or(named)
    });
    let names: Vec<&str> = read.chain(more.iter().copied()).collect();
    let values: Vec<String> = (1..=names.len()).map(|number| format!("${number}")).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    format!("INSERT INTO {table} ({names}) VALUES ({values})")
}

/// An id as the driver takes it.
pub(super) fn uuid(bytes: &[u8; 16]) -> Uuid {
    Uuid::from_bytes(*bytes)
}

/// A lifetime as it is stored: microseconds.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn at(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_micros)
}

fn id(row: &PgRow, column: &'static str) -> Got<[u8; 16]> {
    Ok(row.try_get::<Uuid, _>(column)?.into_bytes())
}

fn maybe_user(row: &PgRow, column: &'static str) -> Got<Option<UserId>> {
    let id: Option<Uuid> = row.try_get(column)?;
    Ok(id.map(|id| UserId::from_bytes(id.into_bytes())))
}

fn time(row: &PgRow, column: &'static str) -> Got<Timestamp> {
    Ok(Timestamp::from_micros(row.try_get(column)?))
}

fn maybe_time(row: &PgRow, column: &'static str) -> Got<Option<Timestamp>> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_micros))
}

fn duration(row: &PgRow, column: &'static str) -> Got<Duration> {
    let micros: i64 = row.try_get(column)?;
    match u64::try_from(micros) {
        Ok(micros) => Ok(Duration::from_micros(micros)),
        Err(_) => Err(corrupt(column, "is negative")),
    }
}

pub(super) fn count(row: &PgRow, column: &'static str) -> Got<u32> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| corrupt(column, "is not an unsigned number of 32 bits"))
}

pub(super) fn hash(row: &PgRow, column: &'static str) -> Got<Hash> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_| corrupt(column, "does not have 32 bytes"))
}

fn maybe_hash(row: &PgRow, column: &'static str) -> Got<Option<Hash>> {
    match row.try_get::<Option<&[u8]>, _>(column)? {
        None => Ok(None),
        Some(_) => hash(row, column).map(Some),
    }
}

fn corrupt(column: &'static str, why: &str) -> Fault {
    Fault::Store(StoreError::Corrupt(format!("column {column} {why}")))
}
