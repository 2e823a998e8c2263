//! What can go wrong on the way to the server, and what is known about the transaction then.

use sqlx::error::DatabaseError;

use doorward_store::StoreError;

/// A failure inside an operation.
#[derive(Debug)]
pub(super) enum Fault {
    /// From the driver or the server.
    Sql(sqlx::Error),
    /// Ours.
    Store(StoreError),
    /// The server on this connection only reads now: another connection may lead to one that writes.
    Demoted(StoreError),
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
        // 0A: a prepared statement outlived a change of the schema. 57P: the server is going down. 25: it only reads now,
        // or the transaction is not ours.
        self.code().is_some_and(|code| {
            meaning(&code) != Meaning::Pooled
                && !["57P", "XX", "08", "0A", "25"]
                    .iter()
                    .any(|class| code.starts_with(class))
        })
    }

    /// True when the connection itself failed, so that another one may do better.
    pub(super) fn lost_connection(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed)
            | Self::Demoted(_) => true,
            _ => self
                .code()
                .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        }
    }

    /// True when the server has no further connection to give, to this role, database or at all.
    pub(super) fn refuses_connections(&self) -> bool {
        self.code().is_some_and(|code| code.starts_with("53"))
    }

    /// True when a lock was waited for in vain.
    pub(super) fn is_locked_out(&self) -> bool {
        self.code().is_some_and(|code| meaning(&code) == Meaning::Locked)
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
            Self::Store(error) | Self::Demoted(error) => error,
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

/// What an SQLSTATE means to whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The server found its own files damaged.
    Damaged,
    /// The role lacks a right.
    Forbidden,
    /// Rolled back: the server's disk is full.
    Full,
    /// Rolled back: somebody else holds what it waited for.
    Locked,
    /// A table or column of ours is not there.
    Missing,
    /// The server refused what this release writes: a table, a rule or a trigger is not one of ours.
    Misfit,
    /// The connection is not the one that we set up: a pooler hands it on.
    Pooled,
    /// Certainly rolled back by a race; once more may succeed.
    Raced,
    /// Answered before anything was committed, whatever the statement was.
    Refused,
    /// The server may have gone down while it committed.
    Uncertain,
}

/// Every class of SQLSTATE (PostgreSQL 17, appendix A) and what single codes of it mean; a code before its class.
/// *Damaged* is said of what was read only: a refused write says nothing about what stands there.
const MEANINGS: &[(&str, Meaning)] = &[
    ("03", Meaning::Refused),
    ("08P01", Meaning::Pooled),
    ("08", Meaning::Uncertain),
    ("09", Meaning::Misfit),
    // A prepared statement outlived a change of the schema.
    ("0A", Meaning::Raced),
    ("0B", Meaning::Pooled),
    ("0F", Meaning::Refused),
    ("0L", Meaning::Forbidden),
    ("0P", Meaning::Forbidden),
    ("0Z", Meaning::Misfit),
    ("20", Meaning::Misfit),
    ("21", Meaning::Misfit),
    ("22", Meaning::Misfit),
    // A parent row went away meanwhile: 23503 outside of delete_user.
    ("23503", Meaning::Raced),
    ("23", Meaning::Misfit),
    ("24", Meaning::Pooled),
    // A demoted server; the other codes of the class: a transaction that is not in the state in which we left it.
    ("25", Meaning::Refused),
    ("26", Meaning::Pooled),
    ("27", Meaning::Misfit),
    ("28", Meaning::Refused),
    ("2B", Meaning::Forbidden),
    ("2D", Meaning::Pooled),
    ("2F", Meaning::Misfit),
    ("34", Meaning::Pooled),
    ("38", Meaning::Misfit),
    ("39", Meaning::Misfit),
    ("3B", Meaning::Pooled),
    ("3D", Meaning::Refused),
    ("3F", Meaning::Missing),
    ("40003", Meaning::Uncertain),
    ("40", Meaning::Raced),
    ("42P01", Meaning::Missing),
    ("42703", Meaning::Missing),
    ("42883", Meaning::Missing),
    ("42501", Meaning::Forbidden),
    // A statement of this name is there already: another client's.
    ("42P05", Meaning::Pooled),
    ("42", Meaning::Misfit),
    ("44", Meaning::Misfit),
    ("53100", Meaning::Full),
    ("53", Meaning::Refused),
    ("54", Meaning::Refused),
    ("55P03", Meaning::Locked),
    ("55", Meaning::Refused),
    ("57014", Meaning::Refused),
    ("57", Meaning::Uncertain),
    ("58", Meaning::Uncertain),
    ("72", Meaning::Raced),
    ("F0", Meaning::Uncertain),
    ("HV", Meaning::Misfit),
    ("P0", Meaning::Misfit),
    ("XX001", Meaning::Damaged),
    ("XX002", Meaning::Damaged),
    ("XX", Meaning::Uncertain),
];

/// Nobody knows a code that is in no class: the server may have done anything.
fn meaning(code: &str) -> Meaning {
    let row = MEANINGS.iter().find(|(prefix, _)| code.starts_with(prefix));
    row.map_or(Meaning::Uncertain, |(_, meaning)| *meaning)
}

/// The server's own words carry names of tables and constraints but, unlike its detail line, no values.
fn of_server(error: &dyn DatabaseError, phase: Phase) -> StoreError {
    let code = error.code().unwrap_or_default();
    let told = format!("{} (SQLSTATE {code})", error.message());
    match meaning(&code) {
        Meaning::Damaged => StoreError::Corrupt(told),
        Meaning::Forbidden => StoreError::Schema(format!(
            "{told}; grant the role its rights on the doorward_ tables"
        )),
        Meaning::Full => StoreError::Full(format!("{told}; make room on the disk of the server")),
        Meaning::Locked => StoreError::Locked(told),
        Meaning::Missing => {
            StoreError::Schema(format!("{told}; migrate the schema, or name its search_path"))
        }
        Meaning::Misfit => StoreError::Schema(format!(
            "{told}; the server refuses what this release writes: is there a constraint, a trigger or a column that \
             is not Doorward's?"
        )),
        Meaning::Pooled => StoreError::Unavailable(format!(
            "{told}; does a pooler hand server connections on after each transaction? Then add `pooler=transaction` to \
             the database url"
        )),
        Meaning::Raced => StoreError::Retry(told),
        Meaning::Refused => StoreError::Unavailable(told),
        Meaning::Uncertain => lost(phase, told),
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
            ("23514", "Schema", "Schema"),
            ("22021", "Schema", "Schema"),
            ("P0001", "Schema", "Schema"),
            ("XX001", "Corrupt", "Corrupt"),
            ("42P05", "Unavailable", "Unavailable"),
            ("26000", "Unavailable", "Unavailable"),
            ("25006", "Unavailable", "Unavailable"),
            ("53300", "Unavailable", "Unavailable"),
            ("40003", "Unavailable", "UnknownOutcome"),
            ("ZZ000", "Unavailable", "UnknownOutcome"),
            ("53100", "Full", "Full"),
            ("55P03", "Locked", "Locked"),
            ("55006", "Unavailable", "Unavailable"),
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

    /// PostgreSQL 17, appendix A, without success (00), warnings (01) and no data (02), which are no errors.
    const CLASSES: &str = "03 08 09 0A 0B 0F 0L 0P 0Z 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 \
                           53 54 55 57 58 72 F0 HV P0 XX";

    #[test]
    fn every_class_has_a_meaning_and_a_code_stands_before_its_class() {
        let mut seen: Vec<&str> = Vec::new();
        for (prefix, _) in MEANINGS {
            let hidden = seen.iter().find(|before| prefix.starts_with(**before));
            assert_eq!(hidden, None, "{prefix} is never reached");
            seen.push(prefix);
        }
        let classes: Vec<&str> = seen.into_iter().filter(|prefix| prefix.len() == 2).collect();
        assert_eq!(classes, CLASSES.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn a_connection_that_somebody_else_uses_too_is_closed() {
        for code in ["42P05", "26000", "25006", "25P02", "08P01", "57P01", "0A000"] {
            let fault = Fault::Sql(sqlx::Error::Database(Box::new(Answer(code))));
            assert!(!fault.leaves_connection_usable(), "{code}");
        }
        for code in ["23505", "55P03", "40001", "57014", "42501"] {
            let fault = Fault::Sql(sqlx::Error::Database(Box::new(Answer(code))));
            assert!(fault.leaves_connection_usable(), "{code}");
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
