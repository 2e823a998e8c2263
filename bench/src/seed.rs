//! Fills a database through Doorward: users, one with a password, and their sessions.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use doorward::clock::{Clock as _, SystemClock};
use doorward::store::postgres::{PostgresOptions, PostgresStore};
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{CreatedUser, NewUser, Post, Store, User};
use doorward::{Auth, Config, Fields, NewUserOptions, SessionOptions, UserId, block_on};

use crate::rounds::{Outcome, Round, timed};

/// Who has a password.
pub(crate) const EMAIL: &[u8] = b"ada@example.com";
/// Which.
pub(crate) const PASSWORD: &str = "a lantern over quiet water";
/// Enough at once for large batches.
const CALLERS: usize = 64;

pub(crate) fn seed(config: &str, database: &str, folder: &str, users: usize, sessions: usize) -> Outcome<()> {
    let auth = Auth::open(&Config::from_toml(&fs::read_to_string(config)?)?)?;
    block_on(auth.start())?;
    let credentials = Fields::from([("password", PASSWORD)]);
    let made = block_on(auth.create_user("email", EMAIL, credentials, NewUserOptions::default()))?;
    drop(made.require()?);
    block_on(auth.stop())?;
    insert_users(database, users)?;
    block_on(auth.start())?;
    let tokens = Mutex::new(vec![Vec::new(); sessions]);
    let round = |count| Round {
        what: "seed",
        count,
        callers: CALLERS,
    };
    timed(round(sessions), |n| {
        let user = user_id(n % users);
        let made = block_on(auth.create_session_for_user(user, &[], SessionOptions::default()))?.require()?;
        let access = made.access_token().ok_or("a new session without its token")?;
        tokens.lock().map_err(|_| "a caller panicked")?[n] = access.expose().to_vec();
        Ok(())
    })?;
    block_on(auth.stop())?;
    write_lists(folder, users, &tokens.into_inner()?)
}

/// Users have numbers for ids here, so that plain SQL can name them too.
fn user_id(n: usize) -> UserId {
    UserId::from_bytes((n as u128 + 1).to_be_bytes())
}

/// Straight into the store: thousands of password hashes would prove nothing.
fn insert_users(database: &str, users: usize) -> Outcome<()> {
    let store: Box<dyn Store> = match database.strip_prefix("sqlite:") {
        Some(path) => Box::new(SqliteStore::open(SqliteSettings::new(path))),
        None => Box::new(PostgresStore::new(PostgresOptions::parse(database)?)),
    };
    block_on(store.start())?;
    let now = SystemClock.now();
    let round = Round {
        what: "seed",
        count: users,
        callers: CALLERS,
    };
    timed(round, |n| {
        let user = User {
            id: user_id(n),
            realm: String::new(),
            attributes: "{}".into(),
            version: 1,
            session_epoch: 0,
            disabled_at: None,
            created_at: now,
            updated_at: now,
        };
        let new = NewUser {
            user,
            unique: Vec::new(),
            identity: None,
            addresses: Vec::new(),
            takes: Vec::new(),
            authenticators: Vec::new(),
            post: Post::default(),
        };
        match block_on(store.create_user(new))? {
            CreatedUser::Created => Ok(()),
            other => Err(format!("a user cannot be made: {other:?}").into()),
        }
    })?;
    Ok(block_on(store.stop())?)
}

fn write_lists(folder: &str, users: usize, tokens: &[Vec<u8>]) -> Outcome<()> {
    let folder = Path::new(folder);
    let mut list = String::new();
    for n in 0..users {
        writeln!(list, "{}", user_id(n))?;
    }
    fs::write(folder.join("users"), list)?;
    // Neighbours in this list are far apart in the file: a step that is prime visits every row once.
    let step = 7919;
    let mut list = Vec::new();
    for n in 0..tokens.len() {
        list.extend_from_slice(&tokens[n * step % tokens.len()]);
        list.push(b'\n');
    }
    Ok(fs::write(folder.join("tokens"), list)?)
}
