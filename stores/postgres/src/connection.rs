//! One connection to the server: how it is set up, how it is asked for a sign of life, and how its statements are
//! named.
//!
//! Directly, or through a pooler that keeps one server connection for each of ours, settings are made once and
//! statements are prepared once. Through a pooler that hands a server connection on after each transaction
//! (`pooler=transaction`) nothing of ours may outlive a transaction: settings are made in each, and statements have
//! no names.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnection, PgQueryResult, PgRow, PgStatement, PgTypeInfo, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, Either, Execute, Executor, Row as _, SqlStr};

use super::fault::Fault;
use super::options::{Pooler, PostgresOptions};
use doorward_store::StoreError;

/// PostgreSQL 14: the oldest release that its makers still repair.
const OLDEST_SERVER: i32 = 140_000;
/// True of a server that shows a past state, or takes no writes.
const READ_ONLY: &str = "pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'";

/// A connection of the store.
pub(super) struct Connection {
    server: PgConnection,
    pooler: Pooler,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// How long a statement waits for a lock that somebody else holds: well below the deadline, so that there is time to
/// say what was waited for, and to do something else on that connection.
pub(super) fn lock_timeout(deadline: Duration) -> Duration {
    (deadline / 4).max(Duration::from_millis(1))
}

/// What is set on every connection, or in every transaction; the values are numbers of our own and a quoted text.
fn settings(options: &PostgresOptions, local: bool) -> String {
    let scope = if local { "SET LOCAL" } else { "SET" };
    let limit = options.deadline.as_millis();
    let search_path = options.search_path.as_ref().map_or_else(String::new, |path| {
        // An E string is read in one way only, whatever `standard_conforming_strings` was when this text is parsed.
        let path = path.replace('\\', "\\\\").replace('\'', "''");
        format!("SELECT set_config('search_path', E'{path}', {local}); ")
    });
    format!(
        "{scope} standard_conforming_strings = on; {scope} statement_timeout = {limit}; \
         {scope} lock_timeout = {}; {scope} idle_in_transaction_session_timeout = {}; ",
        lock_timeout(options.deadline).as_millis(),
        limit.saturating_mul(2),
    ) + &search_path
}

/// What begins a transaction. Its last statement gives the row that [`Connection::begin`] reads.
pub(super) fn begin(options: &PostgresOptions, writes: bool) -> String {
    let (begin, demoted) = match options.pooler {
        Pooler::Session => ("BEGIN; ".into(), "false"),
        Pooler::Transaction => (
            format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; {}",
                settings(options, true)
            ),
            READ_ONLY,
        ),
    };
    // A number that outlives the connection: by it the server can be asked what became of the transaction.
    let name = if writes {
        "pg_current_xact_id()::text, pg_postmaster_start_time()::text"
    } else {
        "'', ''"
    };
    format!("{begin}SELECT {demoted}, {name}")
}

/// Names one transaction of one life of a server.
pub(super) struct Transaction {
    id: String,
    server_since: String,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Committed,
    RolledBack,
    /// The server still works on it, or waits for its client.
    UnderWay,
    /// This server cannot say: it was started since, or it is another one.
    Unknown,
}

/// Asks what became of a transaction.
pub(super) async fn fate(c: &mut Connection, of: &Transaction) -> Result<Fate, Fault> {
    let row = sqlx::query(
        "SELECT CASE WHEN pg_postmaster_start_time()::text = $2 THEN pg_xact_status($1::text::xid8) END",
    )
    .bind(&of.id)
    .bind(&of.server_since)
    .fetch_one(c)
    .await?;
    Ok(match row.try_get::<Option<String>, _>(0)?.as_deref() {
        Some("committed") => Fate::Committed,
        Some("aborted") => Fate::RolledBack,
        Some("in progress") => Fate::UnderWay,
        _ => Fate::Unknown,
    })
}

impl Connection {
    /// Connects, and looks at the server.
    pub(super) async fn open(options: &PostgresOptions) -> Result<Self, Fault> {
        let open = |error| of_connect(error, options);
        let mut server = PgConnection::connect_with(&options.connect).await.map_err(open)?;
        let once = match options.pooler {
            Pooler::Session => {
                settings(options, false) + "SET default_transaction_isolation = 'read committed'; "
            }
            // A setting would stay with a server connection that others use next.
            Pooler::Transaction => String::new(),
        };
        let look = AssertSqlSafe(format!(
            "{once}SELECT current_setting('server_version_num')::int4, current_setting('server_version'), {READ_ONLY}, \
             current_setting('server_encoding')"
        ));
        let rows = sqlx::raw_sql(look).fetch_all(&mut server).await.map_err(open)?;
        let row = rows.last().ok_or_else(|| open(sqlx::Error::RowNotFound))?;
        let version: i32 = row.try_get(0).map_err(open)?;
        let name: String = row.try_get(1).map_err(open)?;
        if version < OLDEST_SERVER {
            let detail = format!("the server is PostgreSQL {name}; 14 or newer is needed");
            return Err(StoreError::Schema(detail).into());
        }
        if row.try_get(2).map_err(open)? {
            return Err(read_only(options).into());
        }
        let encoding: String = row.try_get(3).map_err(open)?;
        // SQL_ASCII keeps bytes as they come, and ours are UTF-8.
        if !matches!(&*encoding, "UTF8" | "SQL_ASCII") {
            return Err(StoreError::Unfit(format!(
                "{} has the encoding {encoding}, which has not every character that a name may have; make a database \
                 with `CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'`",
                options.target()
            ))
            .into());
        }
        Ok(Self {
            server,
            pooler: options.pooler,
        })
    }

    /// Begins a transaction; an error where the server has become one that only reads.
    pub(super) async fn begin(
        &mut self,
        statement: &str,
        options: &PostgresOptions,
    ) -> Result<Transaction, Fault> {
        let begun = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        let rows = begun.fetch_all(&mut self.server).await?;
        let row = rows.last().ok_or(sqlx::Error::RowNotFound)?;
        if row.try_get(0)? {
            return Err(Fault::Demoted(read_only(options)));
        }
        Ok(Transaction {
            id: row.try_get(1)?,
            server_since: row.try_get(2)?,
        })
    }

    /// True when the server answers, and still takes writes.
    pub(super) async fn is_alive(&mut self) -> bool {
        let ask = AssertSqlSafe(format!("SELECT {READ_ONLY}"));
        let answer = sqlx::raw_sql(ask).fetch_one(&mut self.server).await;
        answer.is_ok_and(|row| matches!(row.try_get(0), Ok(false)))
    }

    /// Says goodbye.
    pub(super) async fn close(self) {
        // Whoever does not hear it finds out by himself.
        drop(self.server.close().await);
    }
}

/// True when a pooler hands server connections on after each transaction: two connections of ours then meet the same
/// process of the server, or one of them meets another one. Changes nothing on them.
pub(super) async fn is_handed_on(options: &PostgresOptions) -> Result<bool, Fault> {
    const PROCESS: &str = "SELECT pg_backend_pid()";
    let process = async |c: &mut PgConnection, sql: &'static str| -> Result<i32, Fault> {
        let rows = sqlx::raw_sql(sql).fetch_all(c).await?;
        let row = rows.last().ok_or(sqlx::Error::RowNotFound)?;
        Ok(row.try_get(0)?)
    };
    let open = async || PgConnection::connect_with(&options.connect).await;
    let mut first = open().await.map_err(|error| of_connect(error, options))?;
    let before = process(&mut first, PROCESS).await?;
    let mut second = open().await?;
    // Held by an open transaction, so that the first one's next transaction cannot have it.
    let taken = process(&mut second, "BEGIN; SELECT pg_backend_pid()").await?;
    let handed_on = taken == before || process(&mut first, PROCESS).await? != before;
    for connection in [second, first] {
        drop(connection.close().await);
    }
    Ok(handed_on)
}

/// What is told of a pooler of which the URL says nothing.
pub(super) fn handed_on(options: &PostgresOptions) -> StoreError {
    StoreError::Unfit(format!(
        "the pooler before {} hands server connections on after each transaction: add `pooler=transaction` to the \
         database url, or let it keep them for a session (PgBouncer: `pool_mode = session`)",
        options.target()
    ))
}

/// What is told of a server from which look-ups would be answered out of the past.
fn read_only(options: &PostgresOptions) -> StoreError {
    StoreError::Unavailable(format!(
        "{} is read-only, a replica perhaps; name the primary",
        options.target()
    ))
}

/// A pooler that takes only some of what a connection may ask for says so in these words.
fn of_connect(error: sqlx::Error, options: &PostgresOptions) -> Fault {
    if let sqlx::Error::Database(told) = &error
        && told.message().contains("unsupported startup parameter")
    {
        return StoreError::Unfit(format!(
            "the pooler before {} refuses what a connection asks for: {}; add the parameter to its \
             `ignore_startup_parameters`, and leave `PGOPTIONS` out of the environment",
            options.target(),
            told.message()
        ))
        .into();
    }
    Fault::Sql(error)
}

/// A statement that gets no name on the server, so that it is nobody else's and leaves nothing behind.
struct Unnamed<E>(E);

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.0.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.0.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

/// What the driver's executors give: boxed, because they are asked for through a trait.
type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'e>>;
type Answers<'e, T> = Pin<Box<dyn Stream<Item = Result<T, sqlx::Error>> + Send + 'e>>;

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Answers<'e, Either<PgQueryResult, PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        match self.pooler {
            Pooler::Session => self.server.fetch_many(query),
            Pooler::Transaction => self.server.fetch_many(Unnamed(query)),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        match self.pooler {
            Pooler::Session => self.server.fetch_optional(query),
            Pooler::Transaction => self.server.fetch_optional(Unnamed(query)),
        }
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> Answer<'e, PgStatement>
    where
        'c: 'e,
    {
        self.server.prepare_with(sql, parameters)
    }
}
