//! Where the PostgreSQL server is and how to talk to it.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use doorward_base::error::{Error, ErrorKind, Result};

/// How to reach a PostgreSQL database.
///
/// Made from a URL: `postgres://user:password@host:5432/database?sslmode=verify-full`. The host may be a name, an
/// address, or the percent-encoded folder of a Unix-domain socket (also as `?host=/run/postgresql&user=name`).
///
/// TLS: to a loopback address or a Unix-domain socket `prefer`; to any other server `verify-full`, the server's
/// certificate and name checked against the system's roots and `sslrootcert`, unless the URL names an `sslmode`
/// itself (`disable`, `prefer`, `require`, `verify-ca`, `verify-full`; `require` encrypts without checking whom it
/// talks to).
///
/// The password file of libpq is not read, and `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`,
/// `PGSSLMODE` and `PGAPPNAME` have no effect; the driver itself still honours `PGOPTIONS`, `PGSSLROOTCERT`,
/// `PGSSLCERT` and `PGSSLKEY`.
///
/// `pooler=transaction` says that a pooler stands before the server that hands server connections on after each
/// transaction (PgBouncer with `pool_mode = transaction`); without it, or with `pooler=session`, each connection is taken
/// for one to the server that stays the same.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(super) connect: PgConnectOptions,
    pub(super) pooler: Pooler,
    pub(super) search_path: Option<String>,
    pub(super) connections: u32,
    pub(super) deadline: Duration,
    pub(super) touches: usize,
    target: String,
}

/// What stands before the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pooler {
    /// Nothing, or a pooler that keeps one server connection for each of ours.
    #[default]
    Session,
    /// A pooler that hands a server connection on after each transaction.
    Transaction,
}

impl PostgresOptions {
    /// Reads a URL. Nothing is opened.
    ///
    /// # Errors
    /// `Configuration` for another scheme, a missing host or user, or a parameter that is not known. The message
    /// never repeats the URL: it holds the password.
    pub fn parse(url: &str) -> Result<Self> {
        if names_several(url) {
            return Err(several());
        }
        let url = Url::parse(url).map_err(|e| refused(format!("is not a URL ({e})")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refused("must start with postgres://"));
        }
        let mut place = Place::default();
        if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
            place.host = Some(decoded(host.trim_matches(['[', ']']))?);
        }
        if !url.username().is_empty() {
            place.user = Some(decoded(url.username())?);
        }
        place.password = url.password().map(decoded).transpose()?;
        place.port = url.port();
        let database = url.path().trim_start_matches('/');
        if !database.is_empty() {
            place.database = Some(decoded(database)?);
        }
        for (key, value) in url.query_pairs() {
            place.parameter(&key, value.into_owned())?;
        }
        place.options()
    }

    /// How many connections this process opens at most; 2 to 64, 4 by default. Writers cannot take all of them: a quarter,
    /// at least one, is left to look-ups.
    #[must_use]
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections.clamp(2, 64);
        self
    }

    /// The store deadline: how long one operation may take before it is *unavailable*; 10 ms to one hour, 5 s by
    /// default. Also sent to the server as `statement_timeout`, and a quarter of it as `lock_timeout`.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.clamp(Duration::from_millis(10), Duration::from_hours(1));
        self
    }

    /// Server and database for messages, without user and password.
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("target", &self.target)
            .field("connections", &self.connections)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// What a URL may say.
#[derive(Default)]
struct Place {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    ssl_mode: Option<PgSslMode>,
    ssl_root: Option<String>,
    ssl_certificate: Option<String>,
    ssl_key: Option<String>,
    application: Option<String>,
    search_path: Option<String>,
    pooler: Pooler,
}

impl Place {
    fn parameter(&mut self, key: &str, value: String) -> Result<()> {
        match key {
            "host" if value.contains(',') => return Err(several()),
            "host" => self.host = Some(value),
            "port" => {
                let port = value.parse();
                self.port = Some(port.map_err(|_| refused("has a port that is not from 1 to 65535"))?);
            }
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "sslmode" => self.ssl_mode = Some(ssl_mode(&value)?),
            "sslrootcert" => self.ssl_root = Some(value),
            "sslcert" => self.ssl_certificate = Some(value),
            "sslkey" => self.ssl_key = Some(value),
            "application_name" => self.application = Some(value),
            "search_path" => self.search_path = Some(value),
            "pooler" => self.pooler = pooler(&value)?,
            "target_session_attrs" => return Err(several()),
            _ => return Err(refused(format!("has the unknown parameter {key:?}"))),
        }
        Ok(())
    }

    fn options(self) -> Result<PostgresOptions> {
        let host = self.host.ok_or_else(|| refused("must name a host"))?;
        let user = self.user.ok_or_else(|| refused("must name a user"))?;
        let port = self.port.unwrap_or(5432);
        let database = self.database.unwrap_or_else(|| user.clone());
        let ssl_mode = self.ssl_mode.unwrap_or(if is_local(&host) {
            PgSslMode::Prefer
        } else {
            PgSslMode::VerifyFull
        });
        // Everything that the driver takes from the environment and lets us replace is replaced.
        let mut connect = PgConnectOptions::new_without_pgpass()
            .host(&host)
            .port(port)
            .username(&user)
            .password(self.password.as_deref().unwrap_or_default())
            .database(&database)
            .application_name(self.application.as_deref().unwrap_or("doorward"))
            .ssl_mode(ssl_mode)
            // A pooler refuses what it does not know, and nothing here is a float.
            .extra_float_digits(None)
            .disable_statement_logging();
        if let Some(path) = self.ssl_root {
            connect = connect.ssl_root_cert(path);
        }
        if let Some(path) = self.ssl_certificate {
            connect = connect.ssl_client_cert(path);
        }
        if let Some(path) = self.ssl_key {
            connect = connect.ssl_client_key(path);
        }
        Ok(PostgresOptions {
            connect,
            pooler: self.pooler,
            search_path: self.search_path,
            connections: 4,
            deadline: Duration::from_secs(5),
            touches: 4096,
            target: format!("{host}:{port}/{database}"),
        })
    }
}

fn ssl_mode(value: &str) -> Result<PgSslMode> {
    Ok(match value {
        "disable" => PgSslMode::Disable,
        "prefer" => PgSslMode::Prefer,
        "require" => PgSslMode::Require,
        "verify-ca" => PgSslMode::VerifyCa,
        "verify-full" => PgSslMode::VerifyFull,
        _ => {
            return Err(refused(
                "has an unknown sslmode: use verify-full, verify-ca, require, prefer or disable",
            ));
        }
    })
}

fn pooler(value: &str) -> Result<Pooler> {
    match value {
        "session" => Ok(Pooler::Session),
        "transaction" => Ok(Pooler::Transaction),
        _ => Err(refused("has an unknown pooler: use session or transaction")),
    }
}

/// True where nobody else can listen or answer: a socket of this machine.
fn is_local(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = after.split_at_checked(2).and_then(|(digits, after)| {
            rest = after;
            u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        });
        bytes.push(digits.ok_or_else(|| refused("has a percent sign without two hexadecimal digits"))?);
    }
    String::from_utf8(bytes).map_err(|_| refused("is not UTF-8"))
}

/// As libpq takes them, with a port each: that is no URL.
fn names_several(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    hosts.contains(',')
}

/// Whoever writes this expects that the next host is tried.
fn several() -> Error {
    refused(
        "names several hosts, or asks for one of them by `target_session_attrs`: name one, the primary or an address that \
         leads to it, and leave the parameter out; a server that only reads is refused in any case",
    )
}

fn refused(why: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::Configuration,
        format!("the database url {why}; it looks like postgres://user:password@host:5432/database"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_elsewhere_are_verified_unless_the_url_says_otherwise() {
        for (url, mode) in [
            ("postgres://u@127.0.0.1/d", "Prefer"),
            ("postgres://u@[::1]:5433/d", "Prefer"),
            ("postgres://u@localhost/d", "Prefer"),
            ("postgres://u@%2Frun%2Fpostgresql/d", "Prefer"),
            ("postgres:///d?host=/run/postgresql&user=u", "Prefer"),
            ("postgres://u@10.0.0.1/d", "VerifyFull"),
            ("postgres://u@localhost.example/d", "VerifyFull"),
            ("postgresql://u:p@db.example:6432/d", "VerifyFull"),
            ("postgres://u@db.example/d?sslmode=disable", "Disable"),
            ("postgres://u@127.0.0.1/d?sslmode=verify-ca", "VerifyCa"),
        ] {
            let options = PostgresOptions::parse(url).unwrap();
            assert_eq!(format!("{:?}", options.connect.get_ssl_mode()), mode, "{url}");
        }
    }

    #[test]
    fn parts_of_the_url_are_decoded_and_the_database_defaults_to_the_user() {
        let options = PostgresOptions::parse("postgres://o%20n:s@[::1]:5433").unwrap();
        assert_eq!(options.connect.get_host(), "::1");
        assert_eq!(options.connect.get_port(), 5433);
        assert_eq!(options.connect.get_username(), "o n");
        assert_eq!(options.connect.get_database(), Some("o n"));
    }

    #[test]
    fn refuses_what_it_does_not_understand_without_repeating_the_password() {
        for url in [
            "mysql://u:hunter2@h/d",
            "postgres://:hunter2@h/d",
            "postgres://u:hunter2@h/d?sslmod=require",
            "postgres://u:hunter2@h/d?sslmode=allow",
            "postgres://u:hunter2@h/d?port=x",
            "postgres://u:hunter2@h/d?pooler=statement",
            "postgres://u:hunter2%zz@h/d",
            "postgres:///d?user=u",
            "hunter2",
        ] {
            let error = PostgresOptions::parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn debug_output_has_no_password() {
        let options = PostgresOptions::parse("postgres://u:hunter2@h/d").unwrap();
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
