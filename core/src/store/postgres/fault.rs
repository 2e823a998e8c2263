//! What can go wrong on the way to the server, and what is known about the transaction then.

use sqlx::error::DatabaseError;

use crate::store::StoreError;

/// A failure inside an operation.
#[derive(Debug)]
pub(super) enum Fault {
    /// From the driver or the server.
    Sql(sqlx::Error),
    /// Ours.
    Store(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How far the operation was when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No commit was asked for: whatever happened, it is rolled back.
    Open,
    /// The commit, or a statement that commits itself, was on its way.
    Committing,
}

impl Fault {
    /// The SQLSTATE, where the server spoke.
    fn code(&self) -> Option<String> {
        match self {
            Self::Sql(sqlx::Error::Database(error)) => error.code().map(Into::into),
            _ => None,
        }
    }

    /// True when the server answered in full, if only with an ordinary error: the connection goes on after a rollback.
    pub(super) fn leaves_connection_usable(&self) -> bool {
        if matches!(self, Self::Store(_)) {
            return true;
        }
        // 0A000: a prepared statement outlived a change of the schema. 57P..: the server is going down.
        self.code().is_some_and(|code| {
            !(code.starts_with("57P") || code.starts_with("XX") || code.starts_with("08") || code == "0A000")
        })
    }

    /// True when the connection itself failed, so that another one may do better.
    pub(super) fn lost_connection(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed) => true,
            _ => self
                .code()
                .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        }
    }

    /// True when a foreign key forbids it (`restrict_violation` counts: PostgreSQL 18 tells them apart).
    pub(super) fn is_referenced(&self) -> bool {
        self.code().is_some_and(|code| code == "23503" || code == "23001")
    }

    /// True when the table does not exist.
    pub(super) fn is_undefined_table(&self) -> bool {
        self.code().is_some_and(|code| code == "42P01")
    }

    /// What the caller is told.
    pub(super) fn into_store(self, phase: Phase) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sql(sqlx::Error::Database(error)) => of_server(error.as_ref(), phase),
            Self::Sql(
                error @ (sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::Decode(_)
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::TypeNotFound { .. }),
            ) => StoreError::Corrupt(error.to_string()),
            Self::Sql(error) => lost(phase, error.to_string()),
        }
    }
}

/// The error of a connection that is gone or too slow.
pub(super) fn lost(phase: Phase, detail: String) -> StoreError {
    match phase {
        Phase::Open => StoreError::Unavailable(detail),
        Phase::Committing => StoreError::UnknownOutcome(detail),
    }
}

/// The server's own words carry names of tables and constraints but, unlike its detail line, no values.
fn of_server(error: &dyn DatabaseError, phase: Phase) -> StoreError {
    let code = error.code().unwrap_or_default();
    let told = format!("{} (SQLSTATE {code})", error.message());
    match (&code[..code.len().min(2)], &*code) {
        // A parent row went away meanwhile: 23503 outside of delete_user.
        ("40", _) | (_, "0A000" | "23503") => StoreError::Retry(told),
        (_, "42P01" | "42703" | "42883" | "3F000") => {
            StoreError::Schema(format!("{told}; migrate the schema, or name its search_path"))
        }
        (_, "42501") => StoreError::Schema(format!(
            "{told}; grant the role its rights on the doorward_ tables"
        )),
        ("22" | "23" | "42", _) => StoreError::Corrupt(told),
        // Answered before anything was committed, whatever the statement was.
        ("25" | "28" | "3D" | "53" | "55", _) | (_, "57014") => StoreError::Unavailable(told),
        _ => lost(phase, told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Answer(&'static str);

    impl std::fmt::Display for Answer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("told")
        }
    }

    impl std::error::Error for Answer {}

    impl DatabaseError for Answer {
        fn message(&self) -> &'static str {
            "told"
        }
        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.into())
        }
        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }

    fn told(code: &'static str, phase: Phase) -> String {
        let fault = Fault::Sql(sqlx::Error::Database(Box::new(Answer(code))));
        let text = format!("{:?}", fault.into_store(phase));
        text.split('(').next().unwrap().to_owned()
    }

    #[test]
    fn only_what_the_server_surely_rolled_back_may_be_repeated() {
        for (code, open, committing) in [
            ("40P01", "Retry", "Retry"),
            ("40001", "Retry", "Retry"),
            ("42P01", "Schema", "Schema"),
            ("42501", "Schema", "Schema"),
            ("23514", "Corrupt", "Corrupt"),
            ("55P03", "Unavailable", "Unavailable"),
            ("57014", "Unavailable", "Unavailable"),
            // The server went down while it committed: the row may be there.
            ("57P01", "Unavailable", "UnknownOutcome"),
            ("08006", "Unavailable", "UnknownOutcome"),
            ("XX000", "Unavailable", "UnknownOutcome"),
        ] {
            assert_eq!(told(code, Phase::Open), open, "{code}");
            assert_eq!(told(code, Phase::Committing), committing, "{code}");
        }
    }

    #[test]
    fn a_cut_connection_is_unknown_only_around_the_commit() {
        let cut = || Fault::Sql(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert!(matches!(
            cut().into_store(Phase::Open),
            StoreError::Unavailable(_)
        ));
        assert!(matches!(
            cut().into_store(Phase::Committing),
            StoreError::UnknownOutcome(_)
        ));
    }
}
