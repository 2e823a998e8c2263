//! SQLite's result codes as what the caller must know: did it happen, and who must act.

use rusqlite::ffi;
use rusqlite::{Error, ErrorCode};

use doorward_store::StoreError;

/// The error of a statement: the transaction it stood in is undone, so nothing has happened.
pub(super) fn of(error: &Error) -> StoreError {
    let Error::SqliteFailure(failure, _) = error else {
        return match error {
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => StoreError::Corrupt(error.to_string()),
            Error::InvalidColumnName(_) | Error::InvalidColumnIndex(_) => {
                StoreError::Schema(error.to_string())
            }
            other => StoreError::Unavailable(other.to_string()),
        };
    };
    let text = error.to_string();
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked(format!(
            "{text}: another process has held the write lock for longer than `store.deadline`"
        )),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(format!(
            "{text}: restore the file from a backup, or run \"pragma integrity_check\" on it"
        )),
        ErrorCode::DiskFull => StoreError::Full(format!("{text}: make room on the disk of the file")),
        ErrorCode::ReadOnly => StoreError::Unavailable(format!(
            "{text}: the file and its folder must be writable for the process's user"
        )),
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => StoreError::Unavailable(format!(
            "{text}: the file, its -wal and -shm and their folder must be readable and writable for the process's user"
        )),
        ErrorCode::SchemaChanged => StoreError::Retry(text),
        ErrorCode::Unknown if is_missing_schema(&text) => {
            StoreError::Schema(format!("{text}: run the migration"))
        }
        _ => StoreError::Unavailable(text),
    }
}

/// The error of a commit. Only where SQLite undid it for certain may the caller be told that nothing happened.
pub(super) fn of_commit(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::ConstraintViolation
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::ReadOnly,
        ) => of(error),
        // A failed fsync, for one: the frames may be in the log, and come back after a crash.
        _ => StoreError::UnknownOutcome(error.to_string()),
    }
}

/// A unique or primary key decided against the insert.
pub(super) fn is_taken(error: &Error) -> bool {
    let code = extended(error);
    code == Some(ffi::SQLITE_CONSTRAINT_UNIQUE) || code == Some(ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
}

/// A foreign key decided against the write.
pub(super) fn is_foreign_key(error: &Error) -> bool {
    let code = extended(error);
    // ON DELETE RESTRICT is enforced by an internal trigger.
    code == Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) || code == Some(ffi::SQLITE_CONSTRAINT_TRIGGER)
}

/// A reader or writer of another process was in the way.
pub(super) fn is_busy(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    code == Some(ErrorCode::DatabaseBusy) || code == Some(ErrorCode::DatabaseLocked)
}

fn extended(error: &Error) -> Option<i32> {
    error.sqlite_error().map(|failure| failure.extended_code)
}

fn is_missing_schema(text: &str) -> bool {
    text.contains("no such table") || text.contains("no such column") || text.contains("has no column named")
}
