//! What is done, written down: calls of the store, draws of randomness, and statements of `SQLite` with their rows.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::{Arc, Mutex, Once, PoisonError};

use doorward::rng::{Random, SystemRandom};
use doorward::store::Store;
use doorward_tests::intercept::Intercept;
use rusqlite::ffi;

/// What was done, in order.
static DONE: Mutex<Vec<String>> = Mutex::new(Vec::new());

pub(crate) fn done(what: String) {
    DONE.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

pub(crate) fn look() -> Vec<String> {
    std::mem::take(&mut DONE.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(crate) struct Traced(pub(crate) Arc<dyn Store>);

impl Intercept for Traced {
    fn inner(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
    fn called(&self, operation: &'static str) {
        done(operation.into());
    }
}

pub(crate) struct TracedRandom;

impl Random for TracedRandom {
    fn fill(&self, into: &mut [u8]) -> doorward::Result<()> {
        done(format!("{} random bytes", into.len()));
        SystemRandom.fill(into)
    }
}

/// Every connection that this process opens tells its statements from now on.
pub(crate) fn trace_sqlite() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function has the signature that SQLite gives to extensions, and lives as long as the process.
        let registered = unsafe { ffi::sqlite3_auto_extension(Some(opened)) };
        assert_eq!(registered, ffi::SQLITE_OK);
    });
}

unsafe extern "C" fn opened(
    db: *mut ffi::sqlite3,
    _why: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: the connection has just been opened; the callback lives as long as the process and takes no context.
    unsafe {
        ffi::sqlite3_trace_v2(
            db,
            (ffi::SQLITE_TRACE_PROFILE | ffi::SQLITE_TRACE_ROW) as c_uint,
            Some(stated),
            std::ptr::null_mut(),
        )
    }
}

/// Rows that statements have given so far, by the statement's address.
static GIVEN: Mutex<Option<HashMap<usize, u64>>> = Mutex::new(None);

/// Told of each row that a statement gives, and of the statement's end.
unsafe extern "C" fn stated(kind: c_uint, _: *mut c_void, statement: *mut c_void, _: *mut c_void) -> c_int {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    if kind == ffi::SQLITE_TRACE_ROW as c_uint {
        *given.entry(statement.addr()).or_default() += 1;
        return 0;
    }
    let rows = given.remove(&statement.addr()).unwrap_or_default();
    let statement = statement.cast::<ffi::sqlite3_stmt>();
    // SAFETY: for both kinds of trace SQLite passes the statement, which is not finalised before this returns; its text
    // ends with a zero, and its connection is the one whose thread this is.
    let (text, changed) = unsafe {
        let text = CStr::from_ptr(ffi::sqlite3_sql(statement));
        (text, ffi::sqlite3_changes(ffi::sqlite3_db_handle(statement)))
    };
    told(
        &text.to_string_lossy(),
        &format!("{rows} read"),
        &format!("{changed} written"),
    );
    0
}

/// The tables that say who somebody is, and what a token is good for.
const WHO: [&str; 5] = [
    "FROM doorward_user ",
    "FROM doorward_identity ",
    "FROM doorward_authenticator ",
    "FROM doorward_user_address ",
    "FROM doorward_token ",
];

/// A statement with the rows that it gave or wrote.
pub(crate) fn told(statement: &str, read: &str, written: &str) {
    let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let verb = words.split(' ').next().unwrap_or_default();
    // How a connection is opened: when one more is needed, whoever asks. And whether its server still takes writes: asked
    // once a second, by whoever comes then.
    let opens = verb == "PRAGMA" && !words.contains("synchronous") || words.contains("sqlite_schema");
    if opens || words.contains("pg_is_in_recovery()") {
        return;
    }
    let rows = match verb {
        "INSERT" | "UPDATE" | "DELETE" | "WITH" => written,
        "SELECT" if !WHO.iter().any(|table| words.contains(table)) => read,
        _ => "",
    };
    done(format!("{words} -- {rows}"));
}
