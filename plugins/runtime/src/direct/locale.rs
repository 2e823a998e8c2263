//! The locale of the process, which an operation must neither follow nor change.

use std::ffi::CStr;

use crate::process_state;

/// The locale of this process, as the C library describes it.
pub fn locale() -> String {
    let locale = process_state::locale().unwrap_or_default();
    locale.to_string_lossy().into_owned()
}

/// Sets the locale of this process; false: it is not installed. For a process with one thread.
pub fn set_locale(name: &CStr) -> bool {
    process_state::set_locale(name)
}
