//! The raw cost: what the same work costs somebody who calls SQLite, Argon2id or a hash map and promises nothing.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use doorward::clock::{Clock as _, SystemClock};
use doorward::rng::SystemRandom;
use doorward::token::AccessToken;
use doorward::{SignInId, UserId};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use sha2::{Digest as _, Sha256};

use crate::ours;
use crate::rounds::{self, Outcome, Round};
use crate::seed::PASSWORD;

/// What Doorward reads of a sign-in and its user, in the same order.
const WIDE: &str = "SELECT s.id, s.user_id, s.epoch, s.generation, s.family_hash, s.salt, s.refresh_hash, s.access_hash, \
     s.access_expires_at, s.previous_refresh_hash, s.previous_access_hash, s.previous_access_expires_at, \
     s.confirmed_at, s.idle_expires_at, s.absolute_expires_at, s.access_ttl, s.idle_ttl, s.persistent, \
     s.authenticated_at, s.factors, s.attributes, s.version, s.agent, s.address, s.replaces, s.created_at, \
     s.last_seen_at, s.ended_at, s.end_reason, u.id, u.realm, u.attributes, u.version, u.session_epoch, u.disabled_at, \
     u.created_at, u.updated_at FROM doorward_sign_in s JOIN doorward_user u ON u.id = s.user_id WHERE s.id = ?1";
/// The least that decides, without what an application wants to know of its session.
const NARROW: &str = "SELECT s.epoch, s.generation, s.access_hash, s.access_expires_at, s.idle_expires_at, \
     s.absolute_expires_at, s.ended_at, u.id, u.session_epoch, u.disabled_at \
     FROM doorward_sign_in s JOIN doorward_user u ON u.id = s.user_id WHERE s.id = ?1";
const UPDATE: &str = "UPDATE doorward_sign_in SET generation = generation + 1, previous_refresh_hash = refresh_hash, \
     previous_access_hash = access_hash, previous_access_expires_at = access_expires_at, salt = ?2, refresh_hash = ?2, \
     access_hash = ?2, confirmed_at = NULL, last_seen_at = ?3 WHERE id = ?1";
/// Columns of a sign-in.
const COLUMNS: usize = 29;

struct Raw {
    db: Option<Connection>,
    access: Vec<Vec<u8>>,
    users: Vec<UserId>,
    memory: HashMap<[u8; 32], u64>,
    blocks: Vec<Block>,
    fastest: Option<argon2_rust::Hasher>,
    /// Rows made for `refresh`.
    prepared: Vec<SignInId>,
    done: usize,
}

/// `database` is `sqlite:PATH`, or `-` where only what needs no database is asked for.
pub(crate) fn serve(database: &str, folder: &str) -> Outcome<()> {
    let db = database.strip_prefix("sqlite:").map(open).transpose()?;
    let access = ours::access_tokens(folder)?;
    let memory = access
        .iter()
        .zip(0..)
        .map(|(token, n)| (digest(token), n))
        .collect();
    let mut raw = Raw {
        db,
        access,
        users: ours::users(folder)?,
        memory,
        blocks: Vec::new(),
        fastest: None,
        prepared: Vec::new(),
        done: 0,
    };
    rounds::serve(|round| raw.round(round))
}

/// As Doorward opens it.
fn open(path: &str) -> Outcome<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(Duration::from_secs(5))?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    Ok(db)
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl Raw {
    fn round(&mut self, round: Round<'_>) -> Outcome<Duration> {
        let began = self.done;
        self.done += round.count;
        match round.what {
            "validate" => self.select(WIDE, round, began),
            "validate-narrow" => self.select(NARROW, round, began),
            "create" => Ok(self.insert(round, began)?.0),
            "prepare" => self.prepare(round, began),
            "refresh" => self.update(round),
            "authenticate" => self.hash(round),
            "fastest" => self.hash_fastest(round),
            "map" => self.map(round, began),
            what => Err(format!("there is no round {what:?}").into()),
        }
    }

    fn db(&self) -> Outcome<&Connection> {
        Ok(self.db.as_ref().ok_or("there is no SQLite file")?)
    }

    /// One prepared statement, one row each, every column looked at where it lies.
    fn select(&self, sql: &str, round: Round<'_>, began: usize) -> Outcome<Duration> {
        let ids: Vec<SignInId> = (0..round.count)
            .map(|n| {
                AccessToken::parse(&self.access[(began + n) % self.access.len()]).map(|token| token.id())
            })
            .collect::<Option<_>>()
            .ok_or("the seed left something that is no token")?;
        let mut statement = self.db()?.prepare(sql)?;
        let columns = statement.column_count();
        let began_at = SystemClock.monotonic();
        for id in &ids {
            let mut rows = statement.query([id.as_bytes()])?;
            let row = rows.next()?.ok_or("the session is gone")?;
            for column in 0..columns {
                black_box(row.get_ref(column)?);
            }
        }
        Ok(SystemClock.monotonic().saturating_sub(began_at))
    }

    /// Inserts copies of a row: as many in a transaction as there are callers, which is the best that so many callers
    /// can do together. The new ids.
    fn insert(&self, round: Round<'_>, began: usize) -> Outcome<(Duration, Vec<SignInId>)> {
        let db = self.db()?;
        let mut row: Vec<Value> = db.query_row("SELECT * FROM doorward_sign_in LIMIT 1", [], |row| {
            (0..COLUMNS).map(|column| row.get(column)).collect()
        })?;
        let marks = vec!["?"; COLUMNS].join(", ");
        let mut insert = db.prepare(&format!("INSERT INTO doorward_sign_in VALUES ({marks})"))?;
        let ids: Vec<SignInId> = (0..round.count)
            .map(|_| SignInId::generate(SystemClock.now(), &SystemRandom))
            .collect::<Result<_, _>>()?;
        let began_at = SystemClock.monotonic();
        for (batch, many) in ids.chunks(round.callers).enumerate() {
            db.execute_batch("BEGIN IMMEDIATE")?;
            for (n, id) in many.iter().enumerate() {
                let user = self.users[(began + batch * round.callers + n) % self.users.len()];
                row[0] = Value::Blob(id.as_bytes().to_vec());
                row[1] = Value::Blob(user.as_bytes().to_vec());
                insert.execute(params_from_iter(&row))?;
            }
            db.execute_batch("COMMIT")?;
        }
        Ok((SystemClock.monotonic().saturating_sub(began_at), ids))
    }

    /// Makes the rows of the next round.
    fn prepare(&mut self, round: Round<'_>, began: usize) -> Outcome<Duration> {
        let (spent, ids) = self.insert(round, began)?;
        self.prepared = ids;
        Ok(spent)
    }

    /// Moves them on, in transactions of the same size.
    fn update(&self, round: Round<'_>) -> Outcome<Duration> {
        let db = self.db()?;
        let mut update = db.prepare(UPDATE)?;
        let (hash, now) = ([7; 32], SystemClock.now().as_micros());
        let began_at = SystemClock.monotonic();
        for many in self.prepared.chunks(round.callers) {
            db.execute_batch("BEGIN IMMEDIATE")?;
            for id in many {
                update.execute((id.as_bytes(), &hash, now))?;
            }
            db.execute_batch("COMMIT")?;
        }
        Ok(SystemClock.monotonic().saturating_sub(began_at))
    }

    /// Argon2id at the deployed cost (`password.memory_kib` 19456, `passes` 2, `lanes` 1) in memory that is there.
    fn hash(&mut self, round: Round<'_>) -> Outcome<Duration> {
        let failed = |error: argon2::Error| error.to_string();
        let params = Params::new(19_456, 2, 1, Some(32)).map_err(failed)?;
        self.blocks.resize(params.block_count(), Block::new());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut tag = [0; 32];
        let began_at = SystemClock.monotonic();
        for _ in 0..round.count {
            argon2
                .hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut tag, &mut self.blocks)
                .map_err(failed)?;
            black_box(&tag);
        }
        Ok(SystemClock.monotonic().saturating_sub(began_at))
    }

    /// The same hash by the fastest kernel known.
    fn hash_fastest(&mut self, round: Round<'_>) -> Outcome<Duration> {
        let failed = |error: argon2_rust::Error| format!("{error:?}");
        let params = argon2_rust::Params::builder()
            .memory(argon2_rust::params::Memory::kib(19_456))
            .passes(2)
            .build()
            .map_err(failed)?;
        let (algorithm, version) = (argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13);
        let hasher = self
            .fastest
            .get_or_insert_with(|| argon2_rust::Argon2::new(algorithm, version, params).hasher());
        let mut tag = [0; 32];
        let began_at = SystemClock.monotonic();
        for _ in 0..round.count {
            hasher
                .hash_password_into(PASSWORD.as_bytes(), &[7; 16], &mut tag)
                .map_err(failed)?;
            black_box(&tag);
        }
        Ok(SystemClock.monotonic().saturating_sub(began_at))
    }

    /// A hash map look-up by the token's SHA-256.
    fn map(&self, round: Round<'_>, began: usize) -> Outcome<Duration> {
        let began_at = SystemClock.monotonic();
        for n in 0..round.count {
            let token = &self.access[(began + n) % self.access.len()];
            black_box(self.memory.get(&digest(token)).ok_or("the token is gone")?);
        }
        Ok(SystemClock.monotonic().saturating_sub(began_at))
    }
}
