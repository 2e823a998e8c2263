//! A second SQLite in this process: the system's shared library, beside the one that is built into Doorward.

use std::ffi::{CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;

use libloading::{Library, Symbol};

const OPEN_READWRITE: c_int = 2;
const ROW: c_int = 100;

/// A connection of the other copy.
pub(crate) struct SecondCopy {
    library: Library,
    connection: *mut c_void,
}

type Open = unsafe extern "C" fn(*const c_char, *mut *mut c_void, c_int, *const c_char) -> c_int;
type Prepare =
    unsafe extern "C" fn(*mut c_void, *const c_char, c_int, *mut *mut c_void, *mut *const c_char) -> c_int;
type OfStatement = unsafe extern "C" fn(*mut c_void) -> c_int;
type ColumnInt = unsafe extern "C" fn(*mut c_void, c_int) -> c_int;

impl SecondCopy {
    /// Opens the file as an application would that does not know better.
    pub(crate) fn open(path: &Path) -> Self {
        // SAFETY: the system's SQLite runs no code of consequence when it is loaded.
        let library =
            unsafe { Library::new("libsqlite3.so.0") }.expect("install libsqlite3-0, which Python needs too");
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        let mut connection = null_mut();
        // SAFETY: the signature is sqlite3.h's, and both pointers are good for the call.
        let opened = unsafe {
            let open: Symbol<'_, Open> = library.get(b"sqlite3_open_v2").unwrap();
            open(
                path.as_ptr(),
                &raw mut connection,
                OPEN_READWRITE,
                std::ptr::null(),
            )
        };
        assert_eq!(opened, 0);
        Self { library, connection }
    }

    /// Reads, which takes (and gives back) the process's locks.
    pub(crate) fn count_users(&self) -> c_int {
        let mut statement = null_mut();
        // SAFETY: the signatures are sqlite3.h's; the connection is open, and the statement is used until finalized.
        unsafe {
            let prepare: Symbol<'_, Prepare> = self.library.get(b"sqlite3_prepare_v2").unwrap();
            let step: Symbol<'_, OfStatement> = self.library.get(b"sqlite3_step").unwrap();
            let column: Symbol<'_, ColumnInt> = self.library.get(b"sqlite3_column_int").unwrap();
            let finalize: Symbol<'_, OfStatement> = self.library.get(b"sqlite3_finalize").unwrap();
            let sql = c"SELECT count(*) FROM doorward_user";
            assert_eq!(
                prepare(self.connection, sql.as_ptr(), -1, &raw mut statement, null_mut()),
                0
            );
            assert_eq!(step(statement), ROW);
            let count = column(statement, 0);
            finalize(statement);
            count
        }
    }
}

impl Drop for SecondCopy {
    fn drop(&mut self) {
        // SAFETY: the connection is open, has no statements left, and is not used afterwards.
        unsafe {
            let close: Symbol<'_, OfStatement> = self.library.get(b"sqlite3_close").unwrap();
            close(self.connection);
        }
    }
}
